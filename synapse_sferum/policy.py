"""Who may write to whom, find whom and reach whose devices (rules §2.6, R1, R2, R17). Pure.

The heart is one table, `MATRIX`: rows start a conversation, columns receive. `docs/policy.md`
shows the same table and a test compares the two. What people may do inside rooms is in
`policy_rooms.py`.
"""

from __future__ import annotations

import enum
from collections.abc import Collection, Iterable, Iterator, Mapping
from functools import lru_cache
from itertools import combinations

from attrs import frozen

from synapse_sferum.account import Account, rooms_of
from synapse_sferum.model import STAFF, Role, RoomKey, RoomKind


class Verdict(enum.Enum):
    """How a conversation is allowed."""

    ALLOWED = "allowed"
    SUPERVISED = "supervised"  # only in a room with a supervising adult who cannot leave


class Deny(enum.Enum):
    """Why something is refused.

    The value is stable: it is counted and tested, and never told to the person refused.
    """

    UNKNOWN = "unknown"  # no active account behind the id: unknown, listed or left
    OTHER_SCHOOL = "other_school"
    UNKNOWN_SERVER = "unknown_server"  # R4
    UNCONFIRMED = "unconfirmed"  # R17
    MATRIX = "matrix"  # the table says no
    SUPERVISION = "supervision"  # a supervised pair without its adult
    TOO_MANY = "too_many"
    MANAGED = "managed"  # R5: only the service user may
    NOT_LISTED = "not_listed"  # the school list does not put this account into the room
    REQUIRED = "required"  # R25
    ARCHIVED = "archived"
    RENAMED = "renamed"  # a name other than the school's
    ROOM_KIND = "room_kind"  # a room open to strangers
    FEDERATED = "federated"  # another school's person in a room that stays here, or the reverse
    FORBIDDEN_ROUTE = "forbidden_route"  # closed for everyone
    SILENT = "silent"  # not answered: the target is hidden
    BROKEN = "broken"  # a check failed; we refuse


class Sender(enum.Enum):
    """Rows of the matrix."""

    PUPIL_UNCONFIRMED = "pupil unconfirmed"
    PUPIL = "pupil"
    PARENT = "parent"
    STAFF = "staff"


class Receiver(enum.Enum):
    """Columns of the matrix: what the receiver is to the sender."""

    PUPIL_UNCONFIRMED = "pupil unconfirmed"
    CLASSMATE = "pupil same class"
    SCHOOLMATE = "pupil same school"
    OWN_CHILD = "own child"
    OWN_PARENT = (
        "parent own child"  # the sender's own parent, or the other parent of the sender's child
    )
    CLASS_PARENT = "other parent same class"
    OTHER_PARENT = "other parent"
    CLASS_TEACHER = "own class teacher"
    OWN_TEACHER = "own teacher"
    OFFICE = "office"
    OTHER_STAFF = "other staff"
    PEER_STAFF = "staff of another school"
    OTHER_SCHOOL = "other school"


_YES, _S, _NO = Verdict.ALLOWED, Verdict.SUPERVISED, Deny.MATRIX
_OUT, _WAIT = Deny.OTHER_SCHOOL, Deny.UNCONFIRMED

#: Rules §2.6. `CLASSMATE` for a pupil becomes ALLOWED by the school's setting
#: `classmates_may_write`; `PEER_STAFF` is a column only while both schools have
#: `staff_across_schools`. An unknown server has no column: nothing is ever allowed.
MATRIX: Mapping[Sender, Mapping[Receiver, Verdict | Deny]] = {
    Sender.PUPIL_UNCONFIRMED: {
        Receiver.PUPIL_UNCONFIRMED: _WAIT,
        Receiver.CLASSMATE: _WAIT,
        Receiver.SCHOOLMATE: _WAIT,
        Receiver.OWN_CHILD: _NO,
        Receiver.OWN_PARENT: _YES,
        Receiver.CLASS_PARENT: _WAIT,
        Receiver.OTHER_PARENT: _WAIT,
        Receiver.CLASS_TEACHER: _YES,
        Receiver.OWN_TEACHER: _WAIT,
        Receiver.OFFICE: _WAIT,
        Receiver.OTHER_STAFF: _WAIT,
        Receiver.PEER_STAFF: _OUT,
        Receiver.OTHER_SCHOOL: _OUT,
    },
    Sender.PUPIL: {
        Receiver.PUPIL_UNCONFIRMED: _WAIT,
        Receiver.CLASSMATE: _S,
        Receiver.SCHOOLMATE: _S,
        Receiver.OWN_CHILD: _NO,
        Receiver.OWN_PARENT: _YES,
        Receiver.CLASS_PARENT: _NO,
        Receiver.OTHER_PARENT: _NO,
        Receiver.CLASS_TEACHER: _YES,
        Receiver.OWN_TEACHER: _YES,
        Receiver.OFFICE: _YES,
        Receiver.OTHER_STAFF: _YES,
        Receiver.PEER_STAFF: _OUT,
        Receiver.OTHER_SCHOOL: _OUT,
    },
    Sender.PARENT: {
        Receiver.PUPIL_UNCONFIRMED: _WAIT,
        Receiver.CLASSMATE: _NO,
        Receiver.SCHOOLMATE: _NO,
        Receiver.OWN_CHILD: _YES,
        Receiver.OWN_PARENT: _YES,
        Receiver.CLASS_PARENT: _YES,
        Receiver.OTHER_PARENT: _NO,
        Receiver.CLASS_TEACHER: _YES,
        Receiver.OWN_TEACHER: _YES,
        Receiver.OFFICE: _YES,
        Receiver.OTHER_STAFF: _NO,
        Receiver.PEER_STAFF: _OUT,
        Receiver.OTHER_SCHOOL: _OUT,
    },
    Sender.STAFF: {
        Receiver.PUPIL_UNCONFIRMED: _YES,
        Receiver.CLASSMATE: _YES,
        Receiver.SCHOOLMATE: _YES,
        Receiver.OWN_CHILD: _YES,
        Receiver.OWN_PARENT: _YES,
        Receiver.CLASS_PARENT: _YES,
        Receiver.OTHER_PARENT: _YES,
        Receiver.CLASS_TEACHER: _YES,
        Receiver.OWN_TEACHER: _YES,
        Receiver.OFFICE: _YES,
        Receiver.OTHER_STAFF: _YES,
        Receiver.PEER_STAFF: _YES,
        Receiver.OTHER_SCHOOL: _OUT,
    },
}

#: Managed rooms small enough that members of one may reach each other's devices (calls need keys,
#: R18).
_CLOSE_ROOMS = frozenset(
    {RoomKind.CLASS, RoomKind.CLASS_PARENTS, RoomKind.STAFF, RoomKind.ADMINISTRATION}
)


@frozen
class Party:
    """One side of a conversation. `account` is None for everyone who is not an active account."""

    account: Account | None
    unconfirmed: bool = False  # R17, on the day of the question
    joined: bool = True  # in `may_form`: invited people neither supervise nor count as left
    peer: frozenset[tuple[str, str]] | None = (
        None  # somebody of a listed server: its (ours, theirs) roles
    )
    staff_bot: bool = False  # the bot of the administration rooms; it has no account

    @property
    def supervises(self) -> bool:
        """Whether this is an adult of the staff who is in the room."""
        return self.joined and self.account is not None and self.account.is_staff


def may_contact(sender: Party, receiver: Party) -> Verdict | Deny:
    """Whether `sender` may start a conversation with `receiver`, in the best of their roles (R30, R32)."""
    ours, theirs = sender.account, receiver.account
    if ours is None or theirs is None:
        return _with_guest(sender, receiver)
    found = [
        _cell(row, column, ours)
        for row in _rows(sender, ours)
        for column in _columns(ours, theirs, receiver)
    ]
    return min(found, key=_strictness, default=Deny.UNKNOWN)


def _with_guest(first: Party, second: Party) -> Verdict | Deny:
    """A conversation with somebody of a listed server (R4); between two of them, their schools judge.

    To another school only staff writes first, whatever the register says (rules §2.6).
    """
    if first.peer is not None and second.peer is not None:
        return _YES
    ours, guest = (first, second) if first.peer is None else (second, first)
    if guest.peer is None:
        return Deny.UNKNOWN
    refused = may_meet_peer(ours.account, guest.peer, unconfirmed=ours.unconfirmed)
    if refused is not None:
        return refused
    if ours is first and ours.account is not None and not ours.account.is_staff:
        return Deny.MATRIX
    return _YES


def _strictness(outcome: Verdict | Deny) -> int:
    return 0 if outcome is _YES else 1 if outcome is _S else 2


def _cell(row: Sender, column: Receiver, sender: Account) -> Verdict | Deny:
    found = MATRIX[row][column]
    if found is _S and column is Receiver.CLASSMATE and sender.settings.classmates_may_write:
        return _YES
    return found


def _rows(sender: Party, account: Account) -> Iterator[Sender]:
    if account.is_staff:
        yield Sender.STAFF
    if Role.GUARDIAN in account.roles:
        yield Sender.PARENT
    if Role.STUDENT in account.roles:
        yield Sender.PUPIL_UNCONFIRMED if sender.unconfirmed else Sender.PUPIL


def _columns(ours: Account, theirs: Account, receiver: Party) -> Iterator[Receiver]:
    if ours.org_id != theirs.org_id:
        bridge = ours.settings.staff_across_schools and theirs.settings.staff_across_schools
        yield Receiver.PEER_STAFF if bridge and theirs.is_staff else Receiver.OTHER_SCHOOL
        return
    if theirs.is_staff:
        yield from _staff_columns(ours, theirs)
    if Role.GUARDIAN in theirs.roles:
        own = ours.guardians & theirs.persons or ours.children & theirs.children
        near = (ours.children_in | ours.student_in) & theirs.children_in
        yield (
            Receiver.OWN_PARENT if own else Receiver.CLASS_PARENT if near else Receiver.OTHER_PARENT
        )
    if Role.STUDENT in theirs.roles:
        if ours.children & theirs.persons:
            yield Receiver.OWN_CHILD
        if receiver.unconfirmed:
            yield Receiver.PUPIL_UNCONFIRMED
        else:
            near_class = ours.student_in & theirs.student_in
            yield Receiver.CLASSMATE if near_class else Receiver.SCHOOLMATE


def _staff_columns(ours: Account, theirs: Account) -> Iterator[Receiver]:
    classes = ours.student_in | ours.children_in
    if classes & theirs.homeroom_of:
        yield Receiver.CLASS_TEACHER
    elif classes & theirs.teaches:
        yield Receiver.OWN_TEACHER
    yield Receiver.OFFICE if theirs.is_administrative else Receiver.OTHER_STAFF


def may_form(parties: Collection[Party], limit: int) -> Deny | None:
    """Whether these may be together in a room that people make themselves.

    Every pair must be allowed in at least one direction. A supervised pair needs a supervising
    adult of the same school who has joined; so adding a third person, or the adult's leaving, is
    judged on the whole set (rules §2.6). `limit` is the largest number of people.
    """
    if len(parties) > limit:
        return Deny.TOO_MANY
    watched = {p.account.org_id for p in parties if p.account is not None and p.supervises}
    for first, second in combinations(parties, 2):
        outcome = may_meet(first, second)
        if isinstance(outcome, Deny):
            return outcome
        if outcome is Verdict.SUPERVISED and (
            first.account is None or first.account.org_id not in watched
        ):
            return Deny.SUPERVISION
    return None


@lru_cache(maxsize=65_536)
def may_meet(first: Party, second: Party) -> Verdict | Deny:
    """The more permissive of the two directions. Remembered: a class asks for the same thirty pairs all day."""
    return min(may_contact(first, second), may_contact(second, first), key=_strictness)


def bot_with_office(first: Party, second: Party) -> bool:
    """Whether one is the staff's bot and the other director, deputy or administrator: they share a room."""
    bot, other = (first, second) if first.staff_bot else (second, first)
    return bot.staff_bot and other.account is not None and other.account.is_administrative


def may_read_profile(reader: Party, target: Party) -> Deny | None:
    """Name and picture (R1): of everyone in one's own school, and of staff across the bridge."""
    ours, theirs = reader.account, target.account
    if bot_with_office(reader, target):
        return None
    if ours is not None and theirs is not None and ours.org_id == theirs.org_id:
        return None
    outcome = may_meet(reader, target)
    return outcome if isinstance(outcome, Deny) else None


def may_find(searcher: Party, target: Party) -> Deny | None:
    """Whether `target` is among `searcher`'s results in the user directory.

    Unconfirmed pupils cannot search (R17).
    """
    if searcher.unconfirmed:
        return Deny.UNCONFIRMED
    if target.staff_bot:
        return Deny.UNKNOWN  # it is in its room, and nowhere else
    return may_reach_device(searcher, target)


def may_reach_device(sender: Party, receiver: Party) -> Deny | None:
    """Keys and to-device messages: for those who may meet, or share one of the small managed rooms."""
    ours, theirs = sender.account, receiver.account
    if bot_with_office(sender, receiver) or (sender.staff_bot and receiver.staff_bot):
        return None
    if ours is not None and theirs is not None and ours.user_id == theirs.user_id:
        return None
    outcome = may_meet(sender, receiver)
    if not isinstance(outcome, Deny):
        return None
    if ours is None or theirs is None:
        return outcome
    if ours.org_id == theirs.org_id and close_rooms(ours) & close_rooms(theirs):
        return None
    return outcome


@lru_cache(maxsize=16_384)
def close_rooms(account: Account) -> frozenset[RoomKey]:
    """The small managed rooms of an account: class, class parents, staff, administration."""
    return frozenset(key for key in rooms_of(account) if key.kind in _CLOSE_ROOMS)


def may_meet_peer(
    ours: Account | None,
    role_pairs: Collection[tuple[str, str]],
    *,
    theirs: Collection[str] | None = None,
    unconfirmed: bool = False,
) -> Deny | None:
    """Whether a user of a listed server may reach this account (R4).

    Our pupils and parents are visible only where the register names them by that word, beside
    staff of the other school; unconfirmed pupils (R17) never.

    Args:
        role_pairs: (ours, theirs) words of the register.
        theirs: roles their server vouches for in the event; None where Matrix tells the server
            only (profiles, devices, files): then that server vouches for whoever asks.
        unconfirmed: of `ours`, on the day of the question.
    """
    if ours is None:
        return Deny.UNKNOWN
    mine = role_words(role.value for role in ours.roles)
    other = None if theirs is None else role_words(theirs)
    meets = any(
        a in mine and (other is None or b in other) and _STAFF_WORDS & {a, b} for a, b in role_pairs
    )
    if not meets:
        return Deny.OTHER_SCHOOL
    return Deny.UNCONFIRMED if unconfirmed else None


def may_be_invited(
    ours: Account | None,
    role_pairs: Collection[tuple[str, str]],
    *,
    theirs: Collection[str] | None,
    unconfirmed: bool = False,
) -> Deny | None:
    """Whether somebody of a listed server may invite this account: to another school only staff writes first (§2.6).

    Their module refuses the others already; a pupil's word that came all the same is not taken here either.
    """
    refused = may_meet_peer(ours, role_pairs, theirs=theirs, unconfirmed=unconfirmed)
    if refused is not None or theirs is None:
        return refused
    return None if _STAFF_WORDS & set(theirs) else Deny.MATRIX


#: Words of a register that mean staff.
_STAFF_WORDS = frozenset({"staff"} | {role.value for role in STAFF})


def role_words(roles: Iterable[str]) -> frozenset[str]:
    """The words of a register that mean somebody of these roles: each of them, and `staff` for any of the staff's."""
    found = frozenset(roles)
    return found | {"staff"} if found & _STAFF_WORDS else found
