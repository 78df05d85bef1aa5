"""How much waits for somebody: applications, disputes; which pupils of a class applications may come from."""

from __future__ import annotations

from bridge.application import decision_refusal
from bridge.disputes_waiting import decidable
from bridge.roles import Account, ClassId, PersonId, Role
from bridge.waiting import waiting_applications
from bridge.web.visit import Visit


async def waiting_count(visit: Visit, account: Account, class_id: ClassId | None = None) -> int:
    """Applications that `account` may decide on, of all classes or of one."""
    async with visit.services.store.begin() as work:
        found = await work.applications.waiting(account.org_id)
    return sum(
        decision_refusal(account, one) is None and class_id in {None, one.class_id} for one in found
    )


async def dispute_count(visit: Visit, account: Account) -> int:
    """Disputes over numbers that `account` may decide on (R11)."""
    return len(await decidable(account, services=visit.services))


async def waiting_pupils(visit: Visit, account: Account, class_id: ClassId) -> set[PersonId]:
    """Listed pupils of the class who have probably applied: somebody of their name waits."""
    if not await waiting_count(visit, account, class_id):
        return set()
    queue = await waiting_applications(account, visit.now, services=visit.services)
    return {
        suggestion.person.person_id
        for one in queue
        if one.application.class_id == class_id and one.application.role is Role.STUDENT
        for suggestion in one.suggestions
    }
