"""Commands carried out, and what is answered. Every right is asked of the same rules as the pages'."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import assert_never

from bridge.application import decision_refusal
from bridge.bot.commands import (
    Approve,
    Command,
    Help,
    Invite,
    Misread,
    PrintedCards,
    Queue,
    Reject,
)
from bridge.bot.deciding import Outcome, decide_card
from bridge.bot.digest import lines
from bridge.bot.facts import language_of, page_of, zone_of
from bridge.bot.texts import day, text
from bridge.invite import InviteKind, IssueRefusal, Order, shown_code
from bridge.inviting import issue_invite
from bridge.metrics import BOT_DECISIONS
from bridge.people import Org, SchoolClass
from bridge.roles import Account, Role
from bridge.services import Services
from provisioning.class_name import BadClassName, ClassName, parse_class_name

#: A link for a class from the room: two weeks, as a child's link for its parents.
LINK_LIFETIME = timedelta(days=14)
#: Newcomers besides those of the list: pupils who came in summer, both parents of each.
SPARE = 10


async def answer(
    command: Command | Misread, by: Account, org: Org, now: datetime, services: Services
) -> str:
    """Do it and say what came of it."""
    language = language_of(org)
    match command:
        case Misread():
            return text(language, f"misread_{command.value}")
        case Help():
            return text(language, "help", link=f"{services.config.public_url}/")
        case Queue():
            return await _queue(by, now, language, services)
        case Approve(number):
            return await _decided(by, number, True, "", now, language, services)
        case Reject(number, reason):
            return await _decided(by, number, False, reason, now, language, services)
        case Invite(name, parents):
            found = await _class(name, by, services)
            if found is None:
                return text(language, "no_class", name=name)
            return await _invited(by, found, parents, now, org, services)
        case PrintedCards(name):
            found = await _class(name, by, services)
            if found is None:
                return text(language, "no_class", name=name)
            link = f"{services.config.public_url}/class/{found.class_id}/cards"
            return text(language, "cards", class_name=found.name, link=link)
        case _:
            assert_never(command)


async def _queue(by: Account, now: datetime, language: str, services: Services) -> str:
    async with services.store.begin() as work:
        waiting = await work.applications.waiting(by.org_id)
    applications = [one for one in waiting if decision_refusal(by, one) is None]
    if not applications:
        return text(language, "queue_empty")
    return "\n".join(
        [
            text(language, "queue"),
            *await lines(applications, now, language, services),
            text(language, "see", link=page_of(services)),
        ]
    )


async def _decided(
    by: Account,
    number: int,
    yes: bool,
    reason: str,
    now: datetime,
    language: str,
    services: Services,
) -> str:
    async with services.store.begin() as work:
        card = await work.cards.by_number(by.org_id, number)
    outcome = Outcome.NOT_YOURS
    if card is not None:
        outcome = await decide_card(by, card, yes, now, services, reason)
    BOT_DECISIONS.labels("command", outcome.name.lower()).inc()
    name = outcome.value
    if outcome is Outcome.REJECTED and reason:
        name = "rejected_because"
    return text(language, name, number=number, reason=reason, link=page_of(services))


async def _class(name: ClassName, by: Account, services: Services) -> SchoolClass | None:
    for one in await services.directory.classes(by.org_id):
        try:
            known = parse_class_name(one.name).name
        except BadClassName:
            known = ClassName(one.name)
        if name.casefold() == known.casefold():
            return one
    return None


async def _invited(
    by: Account,
    found: SchoolClass,
    parents: bool,
    now: datetime,
    org: Org,
    services: Services,
) -> str:
    """R9, R10: `issue_invite` decides; a link never opens e-mail here (R8): that is ticked on the page."""
    language = language_of(org)
    order = Order(
        org_id=by.org_id,
        kind=InviteKind.CLASS_PARENT if parents else InviteKind.CLASS_PUPIL,
        role=Role.GUARDIAN if parents else Role.STUDENT,
        class_id=found.class_id,
        grade=found.grade,
        max_uses=found.students * (2 if parents else 1) + SPARE,
        lifetime=LINK_LIFETIME,
    )
    issued = await issue_invite(
        by,
        order,
        now,
        store=services.store,
        new_id=services.chance.new_id,
        random_bytes=services.random_bytes,
        below=services.chance.below,
        email_signup_max_grade=services.config.email_signup_max_grade,
    )
    if isinstance(issued, IssueRefusal):
        return text(language, "no_invite")
    return text(
        language,
        "invite",
        class_name=found.name,
        whom=text(language, "whom_parents" if parents else "whom_pupils"),
        uses=issued.invite.max_uses,
        until=day(language, issued.invite.expires_at, zone_of(org)),
        link=f"{services.config.public_url}/i/{issued.token}",
        code=shown_code(issued.code),
    )
