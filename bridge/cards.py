"""What a class teacher gives out on paper: cards, personal links, sheets for parents, a poster (R9, R10, R20)."""

from __future__ import annotations

import enum
from collections.abc import Collection
from datetime import datetime, timedelta

from attrs import field, frozen

from bridge.answers import Chance
from bridge.invite import (
    CHILD_LINK_LIFETIME,
    Invite,
    InviteKind,
    IssueRefusal,
    Order,
    issue_refusal,
)
from bridge.inviting import Issued, issue_in, revoke_in
from bridge.people import Pupil, Roll
from bridge.ports import Repositories
from bridge.records import SessionHash
from bridge.roles import Account, PersonId, Role
from bridge.services import Services
from bridge.sheets import Sheet, SheetId, Slip, keep_in

#: A month: handed out on Monday, used when the family has got a telephone (chosen by us).
CARD_LIFETIME = timedelta(days=30)
#: Kinds that name one pupil, with how long they live.
LIFETIMES = {
    InviteKind.CARD: CARD_LIFETIME,
    InviteKind.PERSONAL: CHILD_LINK_LIFETIME,
    InviteKind.CHILD_PARENT: CHILD_LINK_LIFETIME,
}
#: A sheet of both parents. Of everything else there is one for each pupil.
MOST_COPIES = 2
#: Kinds that let somebody in as the pupil: a new one ends all earlier ones.
AS_THE_PUPIL = frozenset({InviteKind.CARD, InviteKind.PERSONAL})


class SheetRefusal(enum.Enum):
    """Why no sheet is made. The values are stable: logged, counted, tested."""

    NOBODY = "nobody"  # no pupil chosen
    NOT_IN_CLASS = "not_in_class"  # somebody chosen is not of this class (any more)
    IN_ALREADY = "in_already"  # a personal link is for coming in
    NOT_ONLY_A_PUPIL = (
        "not_only_a_pupil"  # R32: a card sets the password of a colleague or a parent
    )


@frozen(kw_only=True)
class Poster:
    """What is wanted of a link for a whole class. `role`: pupils or their parents."""

    role: Role
    allow_email: bool = False  # R8
    max_uses: int
    lifetime: timedelta


@frozen(kw_only=True)
class Desk:
    """Whoever makes links, in which browser, with which randomness."""

    by: Account
    session: SessionHash = field(repr=False)
    now: datetime
    services: Services = field(repr=False)

    async def issue(self, work: Repositories, order: Order) -> Issued | IssueRefusal:
        chance: Chance = self.services.chance
        return await issue_in(
            work,
            self.by,
            order,
            self.now,
            new_id=chance.new_id,
            random_bytes=self.services.random_bytes,
            below=chance.below,
            email_signup_max_grade=self.services.config.email_signup_max_grade,
        )

    async def keep(self, work: Repositories, sheet: Sheet) -> SheetId:
        sheet_id = SheetId(self.services.chance.new_id())
        vault = self.services.vault
        await keep_in(work, sheet_id, sheet, self.session, self.now, vault=vault)
        return sheet_id


async def make_slips(
    desk: Desk, roll: Roll, kind: InviteKind, chosen: Collection[PersonId], copies: int = 1
) -> SheetId | IssueRefusal | SheetRefusal:
    """A link for each chosen pupil of the class, on one sheet; what these pupils had before is dead at once.

    Args:
        kind: of LIFETIMES.
        copies: links for each pupil, MOST_COPIES at most; for parents only.
    """
    pupils = [one for one in roll.students if one.person.person_id in chosen]
    if not pupils:
        return SheetRefusal.NOBODY
    if len(pupils) != len(set(chosen)):
        return SheetRefusal.NOT_IN_CLASS
    if kind is InviteKind.PERSONAL and any(one.person.active for one in pupils):
        return SheetRefusal.IN_ALREADY
    if kind is InviteKind.CARD and not await _only_pupils(desk, pupils):
        return SheetRefusal.NOT_ONLY_A_PUPIL
    async with desk.services.store.begin() as work:
        return await make_slips_in(work, desk, roll, kind, pupils, copies)


async def make_slips_in(
    work: Repositories,
    desk: Desk,
    roll: Roll,
    kind: InviteKind,
    pupils: Collection[Pupil],
    copies: int = 1,
) -> SheetId | IssueRefusal:
    """The same inside a transaction that does more. `pupils` are of `roll`."""
    each = min(max(copies, 1), MOST_COPIES) if kind is InviteKind.CHILD_PARENT else 1
    orders = [_order(desk.by, roll, kind, one) for one in pupils]
    for order in orders:  # before anything is revoked
        refusal = issue_refusal(desk.by, order)
        if refusal is not None:
            return refusal
    await work.rates.serialise()  # a button pressed twice at once: the one ends the other's
    slips = []
    for pupil, order in zip(pupils, orders, strict=True):
        await _end_earlier(work, desk, kind, pupil)
        for _ in range(each):
            made = await desk.issue(work, order)
            assert isinstance(made, Issued)  # asked above
            slips.append(_slip(made, pupil))
    return await desk.keep(work, _sheet(roll, kind, desk.now + LIFETIMES[kind], slips))


async def make_poster(desk: Desk, roll: Roll, poster: Poster) -> SheetId | IssueRefusal:
    """A link and a code for the class, on a sheet for the wall. Earlier ones stay: they may hang elsewhere."""
    kind = InviteKind.CLASS_PARENT if poster.role is Role.GUARDIAN else InviteKind.CLASS_PUPIL
    order = Order(
        org_id=desk.by.org_id,
        kind=kind,
        role=poster.role,
        class_id=roll.class_id,
        grade=roll.grade,
        allow_email=poster.allow_email,
        max_uses=poster.max_uses,
        lifetime=poster.lifetime,
    )
    async with desk.services.store.begin() as work:
        made = await desk.issue(work, order)
        if isinstance(made, IssueRefusal):
            return made
        return await desk.keep(work, _sheet(roll, kind, made.invite.expires_at, [_slip(made)]))


def ends(kind: InviteKind, earlier: Invite, pupil: Pupil) -> bool:
    """Whether a new link of `kind` for the pupil ends an earlier one. Pure.

    Of the links for parents only what staff gave out: the family's own links are the family's business.
    """
    if kind in AS_THE_PUPIL:
        return earlier.kind in AS_THE_PUPIL
    family = {pupil.person.user_id, *(one.person.user_id for one in pupil.guardians)}
    return earlier.kind is kind and earlier.issued_by not in family


async def _only_pupils(desk: Desk, pupils: Collection[Pupil]) -> bool:
    """Whether nobody of them has an account that is more than a pupil's."""
    directory = desk.services.directory
    for user_id in [one.person.user_id for one in pupils if one.person.active]:
        account = None if user_id is None else await directory.account(user_id)
        if account is not None and account.roles != frozenset({Role.STUDENT}):
            return False
    return True


async def _end_earlier(work: Repositories, desk: Desk, kind: InviteKind, pupil: Pupil) -> None:
    person_id = pupil.person.person_id
    for earlier in await work.invites.live(desk.by.org_id, desk.now, person_id=person_id):
        if ends(kind, earlier, pupil):
            await revoke_in(work, desk.by, earlier, desk.now)


def _order(by: Account, roll: Roll, kind: InviteKind, pupil: Pupil) -> Order:
    return Order(
        org_id=by.org_id,
        kind=kind,
        role=Role.GUARDIAN if kind is InviteKind.CHILD_PARENT else Role.STUDENT,
        class_id=roll.class_id,
        grade=roll.grade,
        person_id=pupil.person.person_id,
        lifetime=LIFETIMES[kind],
    )


def _slip(made: Issued, pupil: Pupil | None = None) -> Slip:
    name = "" if pupil is None else f"{pupil.person.family_name} {pupil.person.given_name}"
    return Slip(invite_id=made.invite.id, token=made.token, code=made.code, name=name)


def _sheet(roll: Roll, kind: InviteKind, expires_at: datetime, slips: list[Slip]) -> Sheet:
    return Sheet(
        kind=kind,
        class_id=roll.class_id,
        class_name=roll.name,
        expires_at=expires_at,
        slips=tuple(slips),
    )
