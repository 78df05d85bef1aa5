"""Once a day: applications that nobody has decided on for a day. In the room with ages, by mail a number only."""

from __future__ import annotations

from datetime import datetime, timedelta

from bridge.application import Application
from bridge.bot.cards import described
from bridge.bot.facts import class_name, language_of, overdue, page_of, zone_of
from bridge.bot.texts import age, text
from bridge.contact import Email, Medium
from bridge.outbox import contact_of, waiting
from bridge.people import Org
from bridge.ports_sending import Message
from bridge.records import BoundContact, CardId, CardKind, OutboxKind
from bridge.roles import ADMINISTRATION, OrgId, UserId
from bridge.services import Services
from bridge.vault import CannotUnseal

#: By the school's clock: when somebody is in the office.
FROM_HOUR = 9
MOST_LINES = 20
MAIL_LIFETIME = timedelta(hours=12)


async def due_digest(org: Org, now: datetime, services: Services) -> str | None:
    """The `ref` of today's message, if it is due and not there yet."""
    local = now.astimezone(zone_of(org))
    if local.hour < FROM_HOUR:
        return None
    ref = f"{org.org_id}:{local.date().isoformat()}"
    async with services.store.begin() as work:
        if not overdue(await work.applications.waiting(org.org_id), now):
            return None
        return next(iter(await work.cards.without(CardKind.DIGEST, [ref])), None)


async def digest_text(org: Org, now: datetime, services: Services) -> str:
    """Whom it is about, the longest waiting first; "" if everything was decided meanwhile."""
    language = language_of(org)
    async with services.store.begin() as work:
        late = overdue(await work.applications.waiting(org.org_id), now)
    if not late:
        return ""
    head = text(language, "digest", count=len(late), link=page_of(services))
    return "\n".join([head, *await lines(late, now, language, services)])


async def lines(
    applications: list[Application], now: datetime, language: str, services: Services
) -> list[str]:
    """One for each: number, role, class, how long it waits."""
    found = []
    for one in applications[:MOST_LINES]:
        async with services.store.begin() as work:
            card = await work.cards.of(CardKind.APPLICATION, one.id)
        found.append(
            text(
                language,
                "line",
                number="…" if card is None else card.number,
                who=described(
                    one.role, await class_name(one.org_id, one.class_id, services), language
                ),
                age=age(language, now - one.submitted_at),
            )
        )
    if len(applications) > MOST_LINES:
        found.append(text(language, "more", count=len(applications) - MOST_LINES))
    return found


async def reserve_digest(
    card_id: CardId, ref: str, org: Org, room_id: str, now: datetime, services: Services
) -> int:
    """Today's card and, in the same transaction, a mail to everybody of the administration with a proved address.

    A mail says a number and a link, and nothing of anybody. How many mails.
    """
    language, people = language_of(org), await _administration(org.org_id, services)
    async with services.store.begin() as work:
        if await work.cards.add(card_id, CardKind.DIGEST, ref, org.org_id, room_id, now) is None:
            return 0
        late = overdue(await work.applications.waiting(org.org_id), now)
        addresses = {
            address: None
            for user_id in people
            for contact in await work.contacts.of_account(user_id)
            if (address := _address(contact, services)) is not None
        }
        for address in addresses:
            message = Message(
                id=services.chance.new_id(),
                to=address,
                subject=text(language, "digest_mail_subject"),
                text=text(language, "digest", count=len(late), link=page_of(services)) + "\n",
                language=language,
            )
            item = waiting(message, OutboxKind.MAIL, now, MAIL_LIFETIME, services.vault)
            await work.outbox.add(item)
    return len(addresses)


async def _administration(org_id: OrgId, services: Services) -> list[UserId]:
    found: dict[UserId, None] = {}
    for role in sorted(ADMINISTRATION, key=lambda one: one.value):
        people = await services.directory.search(org_id, role=role, status="active")
        found |= {one.user_id: None for one in people.people if one.user_id is not None}
    return list(found)


def _address(contact: BoundContact, services: Services) -> Email | None:
    if contact.medium is not Medium.EMAIL or contact.sealed is None:
        return None
    try:
        plain = services.vault.unseal(contact.sealed, f"contact:{contact.user_id}").decode()
    except CannotUnseal:
        return None
    found = contact_of(plain)
    return found if isinstance(found, Email) else None
