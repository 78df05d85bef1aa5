"""Rooms of several schools: who belongs, and what is to be done (ADR 30). Pure.

The register says which rooms there are and which server makes each. That server's service user creates the room and
invites the service users of the other schools; every school puts in and takes out its own people, and nobody else's.
"""

from __future__ import annotations

import enum
import hashlib
from collections.abc import Collection, Iterable, Mapping
from typing import Any

from attrs import field, frozen

from synapse_sferum.account import Account
from synapse_sferum.desired import DesiredRoom, Want
from synapse_sferum.district.force import Standing
from synapse_sferum.events import SERVICE_LOCALPART
from synapse_sferum.model import RoomKey, RoomKind, UserId
from synapse_sferum.plan import power_levels, same_power_levels
from synapse_sferum.policy import role_words

#: Level of the other schools' service users: they may invite, and nothing else that members may not. It is below all
#: other levels, for a school may turn hostile.
INVITES = 10
#: Level of those who write where not everybody does.
WRITES = 50
#: Characters of an access list that still fit into an event of 65,536 octets, with all that is around it.
LONGEST_ACL = 40_000


class RoomState(enum.Enum):
    """What the register makes of a room here. The value is stable: the table has it."""

    OPEN = "open"
    PAUSED = "paused"  # no register is in force: nobody writes, nobody comes or goes
    ALONE = "alone"  # ours, and the district has cut this school off: the others are out
    LEAVING = "leaving"  # not in the register, or its maker is not: everybody of ours goes
    LEFT = "left"  # everybody has gone; only its name is kept, for people who ask where it is


@frozen(kw_only=True)
class CommonRoom:
    """A room of several schools as this school has it. `room_id` is "" until it is made, or we are invited."""

    host: str
    ref: str
    name: str
    members: frozenset[str]
    writers: frozenset[str]
    subject: str
    room_id: str
    state: RoomState

    @property
    def everybody_writes(self) -> bool:
        """Whether members are writers."""
        return self.members <= self.writers


@frozen(kw_only=True)
class ActualCommonRoom:
    """The room in Synapse.

    Attributes:
        members: all who ever were, user id → membership.
        told: the `seen` of the last `Tell`, "" before the first.
    """

    name: str
    power_levels: Mapping[str, Any]
    acl: Mapping[str, Any]
    members: Mapping[str, str]
    told: str = ""


@frozen
class Rename:
    """Write the name."""

    name: str


@frozen
class SetLevels:
    """Write the power levels."""

    content: Mapping[str, Any] = field(hash=False)


@frozen
class SetAcl:
    """Write which servers may take part."""

    content: Mapping[str, Any] = field(hash=False)


@frozen
class Expel:
    """Take out somebody, whoever they are of: only the room's maker can."""

    user_id: str


@frozen
class Tell:
    """Write an event that ties all loose ends of the room together.

    Servers that entered at the same time do not know of each other, and so send each other nothing, until an event of
    somebody who knows both; without this that could be next month's announcement.
    """

    seen: str


@frozen
class Ask:
    """Invite the service user of another school."""

    user_id: str


@frozen
class Admit:
    """Put in one of ours: an invitation and a join."""

    user_id: str


@frozen
class Withdraw:
    """One of ours leaves."""

    user_id: str


RoomAction = Rename | SetLevels | SetAcl | Expel | Tell | Ask | Admit | Withdraw


def service_user_of(server_name: str) -> str:
    """The one account of a school that makes and enters rooms of several schools."""
    return f"@{SERVICE_LOCALPART}:{server_name}"


def next_state(stands: Standing, *, ours: bool, named: bool, maker_listed: bool) -> RoomState:
    """What becomes of a room.

    Args:
        ours: this server made it.
        named: the register held has it, with this maker.
        maker_listed: its maker is let in here, or is this server.
    """
    if stands in {Standing.NONE, Standing.EXPIRED}:
        return RoomState.PAUSED
    if stands is Standing.OPEN:
        return RoomState.OPEN if named and maker_listed else RoomState.LEAVING
    return RoomState.ALONE if ours else RoomState.LEAVING


def belongs(room: CommonRoom, account: Account | None, subjects: Collection[str]) -> bool:
    """Whether this school's directory puts an account into the room."""
    if account is None or (room.subject and room.subject not in subjects):
        return False
    return bool(role_words(role.value for role in account.roles) & room.members)


def wanted(
    room: CommonRoom, accounts: Iterable[Account], subjects: Mapping[str, Collection[str]]
) -> dict[str, bool]:
    """Our people who belong → whether they are of the words that write."""
    return {
        account.user_id: bool(role_words(role.value for role in account.roles) & room.writers)
        for account in accounts
        if belongs(room, account, subjects.get(account.user_id, ()))
    }


def plan_as_maker(
    room: CommonRoom,
    own: str,
    peers: Collection[str],
    people: Mapping[str, bool],
    actual: ActualCommonRoom,
) -> tuple[RoomAction, ...]:
    """Of the school that made the room. Strangers go first: the access list, then one by one.

    Whoever has left the room can do nothing in it any more: then there is nothing to do.

    Args:
        own: our server's name.
        peers: servers that are let in today; none while this school is cut off.
        people: ours who belong → whether they write.
    """
    ours = service_user_of(own)
    if room.state in {RoomState.PAUSED, RoomState.LEFT} or actual.members.get(ours) != "join":
        return ()
    leaving = room.state is RoomState.LEAVING
    servers = frozenset() if leaving else frozenset(peers)
    people = {} if leaving else people
    present = [user for user, found in actual.members.items() if found in {"join", "invite"}]
    actions: list[RoomAction] = []
    allowed = acl({own, *servers})
    if dict(actual.acl) != allowed:
        actions.append(SetAcl(allowed))
    actions += [
        Expel(user)
        for user in sorted(present)
        if user != ours and not (server_of(user) in servers or user in people)
    ]
    if leaving:
        return (*actions, Withdraw(ours))
    if actual.name != room.name:
        actions.append(Rename(room.name))
    wanted_levels = levels(room, servers, people)
    if not same_power_levels(actual.power_levels, wanted_levels):
        actions.append(SetLevels(wanted_levels))
    actions += [Admit(user) for user in sorted(people) if actual.members.get(user) != "join"]
    seen = _seen(actual.members, servers)
    if seen not in {"", actual.told}:
        actions.append(Tell(seen))
    asked = [service_user_of(name) for name in sorted(servers)]
    return (*actions, *(Ask(user) for user in asked if user not in present))


def _seen(members: Mapping[str, str], servers: Collection[str]) -> str:
    """Who of other schools is in, as a few characters; "": nobody."""
    there = sorted(u for u, found in members.items() if found == "join" and server_of(u) in servers)
    return hashlib.sha256("\n".join(there).encode()).hexdigest()[:16] if there else ""


def plan_as_guest(
    room: CommonRoom, own: str, people: Mapping[str, bool], members: Mapping[str, str]
) -> tuple[RoomAction, ...]:
    """Of a school whose service user has been in the room: its own people, and itself last of all."""
    if room.state in {RoomState.PAUSED, RoomState.LEFT}:
        return ()
    ours = service_user_of(own)
    present = {
        user
        for user, found in members.items()
        if found in {"join", "invite"} and server_of(user) == own
    }
    leaving = room.state is not RoomState.OPEN
    staying = frozenset() if leaving else people.keys()
    going = sorted(present - staying - {ours})
    actions: list[RoomAction] = [Withdraw(user) for user in going]
    if leaving:
        return (*actions, *([Withdraw(ours)] if ours in present else []))
    if members.get(ours) != "join":
        return tuple(actions)  # only a member invites: it waits for the maker's invitation
    return (*actions, *(Admit(user) for user in sorted(staying) if members.get(user) != "join"))


def server_of(user_id: str) -> str:
    """`@u:example.org:8448` → `example.org:8448`."""
    return user_id.partition(":")[2]


def acl(servers: Collection[str]) -> dict[str, Any]:
    """`m.room.server_acl` with exactly these; everybody where a list would not fit into an event.

    With more than a thousand schools only the register, which every school reads, keeps strangers out.
    """
    # Matrix compares names without their ports; Synapse, asked whether a list denies itself, with them.
    allowed = sorted({*servers, *(name.partition(":")[0] for name in servers)})
    if sum(len(name) + 3 for name in allowed) > LONGEST_ACL:
        allowed = ["*"]
    return {"allow": allowed, "deny": [], "allow_ip_literals": True}


def levels(
    room: CommonRoom, servers: Collection[str], people: Mapping[str, bool]
) -> dict[str, Any]:
    """Power levels: as of a managed room; the maker itself stands above them (room version 12)."""
    kind = RoomKind.STAFF if room.everybody_writes else RoomKind.ANNOUNCEMENTS
    members = {UserId(service_user_of(name)): Want(INVITES, "") for name in servers}
    if not room.everybody_writes:
        members |= {UserId(user): Want(WRITES, "") for user, writes in people.items() if writes}
    content = power_levels(RoomKey(kind), DesiredRoom(name=room.name, members=members))
    return {**content, "invite": INVITES}
