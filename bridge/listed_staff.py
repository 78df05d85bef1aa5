"""R19: a colleague whom the list names with another phone gets no rights by this one."""

from __future__ import annotations

from bridge.applicant import Applicant
from bridge.matching import same_name
from bridge.newcomer import Newcomer
from bridge.people import PersonRecord, Status
from bridge.roles import STAFF
from bridge.services import Services


async def has_other_phone(newcomer: Newcomer, applicant: Applicant, services: Services) -> bool:
    """Whether the school's list has somebody of the staff of this name, with contacts, and this one is not among them.

    Whoever is signed in as somebody of the school already has proved who they are.
    """
    if newcomer.standing.persons:
        return False
    org_id = newcomer.invite.org_id
    found = await services.directory.search(org_id, words=applicant.family_name, status="listed")
    for person in found.people:
        if not _is_same(applicant, person):
            continue
        async with services.store.begin() as work:
            listed = await work.listed.of_record(org_id, person.source, person.source_id)
        if listed and all(one.lookup != newcomer.lookup for one in listed):
            return True
    return False


def _is_same(applicant: Applicant, person: PersonRecord) -> bool:
    is_staff = bool(person.roles & STAFF) and person.status is Status.LISTED
    return is_staff and same_name(applicant, person)
