"""What the cards of one school are about: read from the store and the directory."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta, tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from attrs import frozen

from bridge.application import Application, ApplicationId
from bridge.bot.cards import DisputeFacts, Facts, Match, described
from bridge.bot.texts import initials
from bridge.dispute import Dispute, is_released
from bridge.people import Org
from bridge.records import Action, CardKind, StaffCard
from bridge.roles import Account, ClassId, OrgId, Role, UserId
from bridge.services import Services
from bridge.waiting import Waiting, waiting_applications

#: Stopped sendings older than that are no news any more.
ALARMS_FOR = timedelta(days=1)
MOST_ALARMS, MOST_DEAD = 20, 50
#: Whoever waits longer is in the day's message.
PATIENCE = timedelta(days=1)


@frozen
class Subject:
    """Something that must have a card."""

    kind: CardKind
    ref: str


def bot_as_account(user_id: UserId, org_id: OrgId) -> Account:
    """Reads the whole queue of a school. What it shows of a case, `bridge.bot.cards` bounds."""
    return Account(user_id=user_id, org_id=org_id, roles=frozenset({Role.DIRECTOR}))


def page_of(services: Services) -> str:
    """Where applications are decided."""
    return f"{services.config.public_url}/applications"


def school_page(services: Services) -> str:
    """Where whatever went wrong is seen and mended."""
    return f"{services.config.public_url}/school"


def zone_of(org: Org) -> tzinfo:
    try:
        return ZoneInfo(org.timezone)
    except (ZoneInfoNotFoundError, ValueError):
        return ZoneInfo("Europe/Moscow")


def language_of(org: Org) -> str:
    """Of the room; Russian unless the school says otherwise."""
    said = org.settings.get("language")
    return said if isinstance(said, str) else "ru"


async def without_card(org: Org, now: datetime, services: Services) -> list[Subject]:
    """What has come up and has no card yet, the oldest first."""
    org_id = org.org_id
    async with services.store.begin() as work:
        refs: dict[CardKind, list[str]] = {
            CardKind.APPLICATION: [one.id for one in await work.applications.waiting(org_id)],
            CardKind.DISPUTE: [one.id for one in await work.disputes.open_of(org_id)],
            CardKind.STEPS: [one.id for one in await work.steps.dead(org_id, MOST_DEAD)],
            CardKind.ALARM: [
                # Alarms concern every school of the server, and each has its own card.
                f"{org_id}:{entry.subject}:{entry.at.isoformat()}"
                for entry in reversed(
                    await work.audit.lately(
                        org_id, [Action.SENDING_STOPPED], now - ALARMS_FOR, MOST_ALARMS
                    )
                )
            ],
        }
        return [
            Subject(kind, ref)
            for kind, wanted in refs.items()
            if wanted
            for ref in await work.cards.without(kind, wanted)
        ]


async def queue_of(
    org_id: OrgId,
    user_id: UserId,
    only: Collection[ApplicationId],
    now: datetime,
    services: Services,
) -> Mapping[ApplicationId, Waiting]:
    """These undecided applications of a school by id; those that cannot be read are missing."""
    reader = bot_as_account(user_id, org_id)
    found = await waiting_applications(reader, now, services=services, only=only)
    return {one.application.id: one for one in found}


def facts_of_waiting(card: StaffCard, one: Waiting, services: Services) -> Facts:
    return Facts(
        number=card.number,
        application=one.application,
        class_name=one.class_name,
        applicant=(one.applicant.family_name, one.applicant.given_name),
        match=match_of(one),
        link=page_of(services),
    )


async def facts_of_decided(card: StaffCard, found: Application, services: Services) -> Facts:
    """Without a word about the applicant: after a no nothing is known any more (R16)."""
    by = None if found.decided_by is None else await services.directory.account(found.decided_by)
    return Facts(
        number=card.number,
        application=found,
        class_name=await class_name(found.org_id, found.class_id, services),
        decided_by="" if by is None else by.display_name,
        link=page_of(services),
    )


async def facts_of_dispute(
    card: StaffCard, found: Dispute, language: str, services: Services
) -> DisputeFacts:
    """An owner without a school is an applicant: nothing is said of them."""
    directory = services.directory
    owner = await directory.account(found.owner)
    by = None if found.decided_by is None else await directory.account(found.decided_by)
    return DisputeFacts(
        number=card.number,
        dispute=found,
        whose="—" if owner is None else await _whose(owner, language, services),
        by_time=is_released(found, owner, found.release_at),
        link=f"{services.config.public_url}/disputes",
        decided_by="" if by is None else by.display_name,
    )


async def _whose(owner: Account, language: str, services: Services) -> str:
    role = next((role for role in Role if role in owner.roles), None)
    classes = sorted(owner.student_in | owner.children_in)
    name = await class_name(owner.org_id, classes[0], services) if classes else ""
    names = initials(*owner.display_name.split()[:2])
    return f"{names} ({described(role, name, language)})"


def match_of(one: Waiting) -> Match:
    """One certain record of the list, none, or something for a person to look at (R12, R15)."""
    if one.application.role is Role.GUARDIAN:
        return Match.CHILD
    if not one.suggestions:
        return Match.NONE
    alone = len(one.suggestions) == 1 and one.suggestions[0].sure
    return Match.ONE if alone else Match.MANY


async def class_name(org_id: OrgId, class_id: ClassId | None, services: Services) -> str:
    if class_id is None:
        return ""
    classes = await services.directory.classes(org_id)
    return next((one.name for one in classes if one.class_id == class_id), "")


def overdue(waiting: Sequence[Application], now: datetime) -> list[Application]:
    return [one for one in waiting if one.submitted_at <= now - PATIENCE]
