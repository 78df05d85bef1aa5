"""A class as its class teacher sees it: who is in, who is not yet, whom a parent has confirmed. No contact is shown."""

from __future__ import annotations

import enum
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

from attrs import frozen

from bridge.contact import Medium
from bridge.invite import Invite, InviteKind
from bridge.onboarding_rules import needs_confirmation
from bridge.people import LinkStatus, Pupil, Relative, Roll
from bridge.ports import Store
from bridge.roles import OrgId, PersonId


class Presence(enum.Enum):
    IN = "in"
    WAITING = "waiting"  # has applied; somebody must decide
    NOT_YET = "not_yet"


class Confirmation(enum.Enum):
    """R17. The values are stable."""

    NOT_NEEDED = "not_needed"  # 14 or older
    CONFIRMED = "confirmed"
    MISSING = "missing"


@frozen(kw_only=True)
class PupilRow:
    """Attributes:
    listed: kinds of contact that the school's list names for the pupil.
    bound: kinds of contact that the account has.
    card: the live card, if one has been printed.
    guardians: without restricted ones (R34).
    """

    pupil: Pupil
    presence: Presence
    confirmation: Confirmation
    listed: frozenset[Medium] = frozenset()
    bound: frozenset[Medium] = frozenset()
    card: Invite | None = None
    guardians: tuple[Relative, ...] = ()

    @property
    def needs_card(self) -> bool:
        """R20: not in yet, and the list knows neither phone nor e-mail."""
        return self.presence is Presence.NOT_YET and not self.listed

    @property
    def needs_parents(self) -> bool:
        """No parent of theirs is in yet."""
        return not any(one.person.active for one in self.guardians)


def visible(guardians: Sequence[Relative]) -> tuple[Relative, ...]:
    """R34: of a restricted link a class teacher learns nothing."""
    return tuple(one for one in guardians if one.status is not LinkStatus.RESTRICTED)


def pupil_row(
    pupil: Pupil,
    now: datetime,
    zone: ZoneInfo,
    *,
    waiting: Collection[PersonId] = (),
    listed: frozenset[Medium] = frozenset(),
    bound: frozenset[Medium] = frozenset(),
    card: Invite | None = None,
) -> PupilRow:
    """One pupil. `waiting`: pupils whose own application waits. Pure."""
    person = pupil.person
    if person.active:
        presence = Presence.IN
    elif person.person_id in waiting:
        presence = Presence.WAITING
    else:
        presence = Presence.NOT_YET
    if not needs_confirmation(person.birth_date, now, zone):
        confirmation = Confirmation.NOT_NEEDED
    else:
        confirmation = Confirmation.CONFIRMED if person.confirmed else Confirmation.MISSING
    return PupilRow(
        pupil=pupil,
        presence=presence,
        confirmation=confirmation,
        listed=listed,
        bound=bound,
        card=card,
        guardians=visible(pupil.guardians),
    )


async def class_rows(
    org_id: OrgId,
    roll: Roll,
    now: datetime,
    zone: ZoneInfo,
    *,
    store: Store,
    waiting: Collection[PersonId] = (),
) -> list[PupilRow]:
    """Everybody of the class, with what the bridge knows of them."""
    rows = []
    async with store.begin() as work:
        cards = _cards(await work.invites.live(org_id, now, class_id=roll.class_id))
        for pupil in roll.students:
            person = pupil.person
            listed = await work.listed.of_record(org_id, person.source, person.source_id)
            bound = await work.contacts.of_account(person.user_id) if person.user_id else []
            rows.append(
                pupil_row(
                    pupil,
                    now,
                    zone,
                    waiting=waiting,
                    listed=frozenset(one.medium for one in listed),
                    bound=frozenset(one.medium for one in bound),
                    card=cards.get(person.person_id),
                )
            )
    return rows


def _cards(live: Sequence[Invite]) -> Mapping[PersonId, Invite]:
    return {
        one.person_id: one
        for one in live
        if one.kind is InviteKind.CARD and one.person_id is not None
    }
