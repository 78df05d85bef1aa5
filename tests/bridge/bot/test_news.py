"""Besides applications: what waits too long, disputes, stopped sending, changes that could not be made."""

from __future__ import annotations

from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest

from bridge.contact import Medium, parse_email, subject
from bridge.dispute import Dispute, DisputeId, DisputeState
from bridge.limits import Limit
from bridge.records import Action, AuditEntry, BoundContact, CardKind, ContactId
from bridge.steps import EnsureAccount, Steps
from bridge.writer import enqueue
from tests.bridge.bot.office import Office

pytestmark = pytest.mark.integration

#: The zone of test schools.
ZONE = ZoneInfo("Europe/Moscow")
ADDRESS = "direktor@school.example"


def wait_until_morning(office: Office, days: int) -> None:
    """Ten o'clock at the school, so many days later."""
    clock = office.world.clock
    now = clock().astimezone(ZONE)
    ten = (now + timedelta(days=days)).replace(hour=10, minute=0)
    clock.move(seconds=(ten - now).total_seconds())


async def test_what_waits_for_a_day_is_said_once_a_day(office: Office) -> None:
    """With ages in the room; by mail, to whoever has a proved address, only how many and where."""
    services = office.world.services
    director = (await office.world.account("D1")).user_id
    email = parse_email(ADDRESS)
    async with services.store.begin() as work:
        contact = BoundContact(
            id=ContactId("mail"),
            user_id=director,
            org_id=office.world.org_id,
            medium=Medium.EMAIL,
            lookup=services.vault.lookup(subject(email)),  # type: ignore[arg-type]
            sealed=services.vault.seal(ADDRESS.encode(), f"contact:{director}"),
            verified_at=office.world.clock(),
        )
        assert await work.contacts.claim(contact)
    made = await office.apply()
    wait_until_morning(office, days=2)
    fresh = await office.apply(family="Волкова")
    office.start_bot()
    body = await office.until_body(lambda one: one.startswith("Больше суток"), "the digest")
    assert body.startswith("Больше суток ждут решения: 1.")
    assert "ученик, 5А" in body
    await office.card(fresh.id)
    await office.card(made.id)
    await office.answer("D1", "!help")
    assert len([one for one in await office.bodies() if one.startswith("Больше")]) == 1
    (mail,) = office.world.mail.sent
    assert mail.subject == "Заявки ждут решения"
    assert mail.text.startswith("Больше суток ждут решения: 1.")
    assert "5А" not in mail.text
    office.world.clock.move(hours=25)

    def second(one: str) -> bool:
        return one.startswith("Больше суток ждут решения: 2.")

    await office.until_body(second, "the next day's digest")


async def open_dispute(office: Office, name: str, owner: str) -> Dispute:
    """Somebody has proved the number of a person who is in."""
    services, now = office.world.services, office.world.clock()
    user_id = (await office.world.account(owner)).user_id
    async with services.store.begin() as work:
        (contact,) = await work.contacts.of_account(user_id)
        dispute = Dispute(
            id=DisputeId(name),
            org_id=office.world.org_id,
            owner=user_id,
            medium=contact.medium,
            lookup=contact.lookup,
            opened_at=now,
            release_at=now + timedelta(days=7),
        )
        await work.disputes.add(dispute)
    return dispute


async def test_the_room_says_whose_a_number_is(office: Office) -> None:
    """R11: initials, role and class of the owner; ✅ releases it, a command or ❌ leaves it, and the card says so."""
    await office.bring_in("R1", "T1")
    office.start_bot()
    services = office.world.services
    dispute = await open_dispute(office, "d1", "R1")
    body = await office.until_body(lambda one: "№1" in one, "the card")
    assert "И. О. (родитель, 5А)" in body
    assert "освободится сам" in body
    assert f"{services.config.public_url}/disputes" in body
    event_id = (await office.messages())[-1]["event_id"]
    await office.react("D1", event_id, "✅")
    await office.until_edit(event_id, "Освобождён")
    async with services.store.begin() as work:
        assert await work.contacts.of_account(dispute.owner) == []
    colleague = await open_dispute(office, "d2", "T1")
    body = await office.until_body(lambda one: "№2" in one, "the colleague's card")
    card = await office.card(colleague.id, DisputeState.OPEN.value, CardKind.DISPUTE)
    assert card.event_id is not None
    assert "О. Н. (учитель)" in body
    assert "освободится сам" not in body
    answer = await office.answer("D2", "!отклонить 2 это её номер, +7 916 123-45-67")
    assert answer == "№2: номер остаётся за владельцем."
    async with services.store.begin() as work:
        entries = await work.audit.of_org(office.world.org_id, 50)
    assert [one.reason for one in entries if one.action is Action.DISPUTE_KEPT] == [
        "это её номер, …"
    ]
    await office.until_edit(card.event_id, "Остаётся за владельцем.\nРешение: Л. О.")
    async with services.store.begin() as work:
        assert len(await work.contacts.of_account(colleague.owner)) == 1


async def test_alarms_and_failures_are_told_once(office: Office) -> None:
    """Sending that a breaker stopped, and a list of steps that was given up; with a link, without a name."""
    services, now = office.world.services, office.world.clock()
    async with services.store.begin() as work:
        await work.audit.add(
            AuditEntry(
                at=now,
                org_id=None,
                actor="limits",
                action=Action.SENDING_STOPPED,
                subject=Limit.BUDGET.value,
            )
        )
        user_id = (await office.world.account("D2")).user_id
        steps = Steps(
            user_id=user_id, org_id=office.world.org_id, by=user_id, steps=(EnsureAccount(),)
        )
        steps_id = await enqueue(work, steps, now, services.vault, services.chance)
        await work.steps.give_up(steps_id, now, "M_FORBIDDEN")
    office.start_bot()
    await office.until_body(lambda one: "исчерпан дневной лимит" in one, "the alarm")
    await office.until_body(lambda one: "не удалось завершить" in one, "the failure")
    await office.stop_bot()
    office.start_bot()
    await office.answer("D1", "!help")
    assert len(await office.messages()) == 3
