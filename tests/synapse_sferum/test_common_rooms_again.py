"""A room of several schools that is taken away and later named again, or whose maker makes another (ADR 30)."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from typing import Any, cast

import pytest
from attrs import define, field
from synapse.module_api import ModuleApi
from synapse.module_api.errors import SynapseError

from synapse_sferum import events, schema
from synapse_sferum.config import Config
from synapse_sferum.district import room_rows
from synapse_sferum.district.force import Standing
from synapse_sferum.district.room_plan import CommonRoom, RoomState, service_user_of
from synapse_sferum.district.rooms import DistrictRooms
from synapse_sferum.facts import Facts, ManagedRoom
from synapse_sferum.private.tables import Invitation
from tests.support import databases
from tests.support.databases import Database
from tests.synapse_sferum.district_values import NEIGHBOUR, NOW_S, OWN, THIRD, register

US, THEM = service_user_of(OWN), service_user_of(NEIGHBOUR)
TEACHER = f"@t:{OWN}"
OURS = {"ref": "news", "host": OWN, "name": "Объявления", "members": ["staff"], "writers": []}
THEIRS = {
    "ref": "heads",
    "host": NEIGHBOUR,
    "name": "Главы",
    "members": ["director"],
    "writers": [],
}


@define(eq=False)
class World:
    """A school with its tables, and a Synapse that is a table of members.

    Attributes:
        members: room → user → membership.
        invited: invitations of the service user, the newest first.
        refused: (user, room, membership) that fails.
    """

    database: Database
    members: dict[str, dict[str, str]] = field(factory=dict)
    invited: list[Invitation] = field(factory=list)
    refused: set[tuple[str, str, str]] = field(factory=set)
    forgotten: list[str] = field(factory=list)
    server_name: str = OWN
    serial: int = 0

    async def run_db_interaction(self, desc: str, func: Callable[..., Any], *args: Any) -> Any:
        if desc == "sferum_common_invited":
            return [one for one in self.invited if self._at(one.room_id, US) != "join"]
        if desc == "sferum_members":
            return dict(self.members.get(args[0], {}))
        if desc == "sferum_created":
            return [room_id for room_id in self.members if room_id.startswith("!made")]
        return self.database.run(func, *args)

    async def update_room_membership(
        self, sender: str, target: str, room_id: str, membership: str, **_: Any
    ) -> None:
        entering = sender == target and membership == "join"
        if (target, room_id, membership) in self.refused or not (
            entering or self._at(room_id, sender) in {"join", "invite"}
        ):
            raise SynapseError(403, "no", "M_FORBIDDEN")
        self.members[room_id][target] = membership
        self.invited = [one for one in self.invited if (one.room_id, target) != (room_id, US)]

    async def get_room_state(self, room_id: str, wanted: Any) -> Mapping[Any, Any]:
        del wanted
        if room_id not in self.members:
            return {}
        marker = {events.ROOM: {"kind": "common", "ref": "news"}}
        kinds = (
            "m.room.join_rules",
            "m.room.guest_access",
            "m.room.history_visibility",
            events.ROOM,
        )
        return {
            ("m.room.create", ""): _Event(marker),
            ("m.room.member", US): _Event({}, self._at(room_id, US)),
            **{(kind, ""): _Event({}) for kind in kinds},
        }

    async def create_and_send_event_into_room(self, event: Mapping[str, Any]) -> None:
        assert self._at(event["room_id"], US) == "join"

    async def create_room(self, user_id: str, body: Any, **_: Any) -> tuple[str, None]:
        del body
        room_id = f"!made{len(self.members)}"
        self.members[room_id] = {user_id: "join"}
        return room_id, None

    async def managed_room(self, room_id: str) -> ManagedRoom | None:
        del room_id
        return None

    async def forget_common_rooms(self, room_ids: Collection[str]) -> None:
        self.forgotten += room_ids

    async def sleep(self, seconds: float) -> None:
        """Nobody waits here."""

    def delayed_background_call(self, *_: Any, **__: Any) -> None:
        """Nobody is invited here: the other schools are not there."""

    def _at(self, room_id: str, user_id: str) -> str:
        return self.members.get(room_id, {}).get(user_id, "leave")

    def hold(self, *rooms: dict[str, Any]) -> None:
        """A newer register with these rooms is in force."""
        self.serial += 1
        held = register(serial=self.serial, rooms=list(rooms))
        self.database.run(room_rows.write_rooms_txn, held, Standing.OPEN, OWN, (NEIGHBOUR, THIRD))

    def invite(self, room_id: str) -> None:
        """The neighbour invites us to its room."""
        self.members.setdefault(room_id, {THEM: "join"})[US] = "invite"
        told = {events.SHARED: {"ref": "heads"}}
        self.invited.insert(0, Invitation(room_id, THEM, told))

    async def look(self) -> None:
        """One turn of a process that has just started: it has seen nothing yet."""
        loop = DistrictRooms(
            cast("ModuleApi", self),
            Config(service_token_path="/x"),
            cast("Facts", self),
            lambda: NOW_S * 1000,
        )
        await loop.turn()

    def room(self) -> CommonRoom | None:
        found = self.database.run(room_rows.rooms_txn)
        return found[0] if found else None

    def is_in(self, user_id: str) -> list[str]:
        """Rooms somebody is in."""
        return [room for room in self.members if self._at(room, user_id) == "join"]


@define(eq=False)
class _Event:
    content: Mapping[str, Any]
    membership: str = ""


@pytest.fixture
def world() -> Iterator[World]:
    database = databases.sqlite()
    database.run(schema.migrate_txn)
    yield World(database)
    database.close()


async def test_named_again_it_is_another_room(world: World) -> None:
    """Its maker has left the room of before, and makes a new one; nothing of the old one is known any more."""
    world.hold(OURS)
    await world.look()
    (first,) = world.is_in(US)
    world.hold()
    await world.look()
    left = world.room()
    assert left is not None
    assert (left.state, left.room_id, world.is_in(US)) == (RoomState.LEFT, "", [])
    await world.look()
    assert (world.room(), world.is_in(US)) == (left, [])
    world.hold(OURS)
    await world.look()
    (second,) = world.is_in(US)
    found = world.room()
    assert second != first
    assert found is not None
    assert (found.room_id, found.state) == (second, RoomState.OPEN)


async def test_named_again_before_it_was_forgotten(world: World) -> None:
    """The maker was out of it, and stopped before it wrote that down: the name comes back with a room that works."""
    world.hold(OURS)
    await world.look()
    (first,) = world.is_in(US)
    world.hold()
    world.members[first][US] = "leave"
    world.hold(OURS)
    await world.look()
    (second,) = world.is_in(US)
    found = world.room()
    assert found is not None
    assert found.room_id == second != first
    assert first in world.forgotten


async def test_named_again_while_it_is_being_forgotten(world: World) -> None:
    """A register that came in between keeps its room: only what was looked at is taken from the table."""
    world.hold(OURS)
    await world.look()
    world.hold()
    leaving = world.room()
    assert leaving is not None
    world.hold(OURS)
    world.database.run(room_rows.delete_txn, leaving)
    found = world.room()
    assert found is not None
    assert found.state is RoomState.OPEN


async def test_the_last_one_out(world: World) -> None:
    """While somebody could not be taken out, the service user stays, who alone can; then both are out."""
    world.hold(OURS)
    await world.look()
    (room_id,) = world.is_in(US)
    world.members[room_id][f"@t:{NEIGHBOUR}"] = "join"
    world.refused.add((f"@t:{NEIGHBOUR}", room_id, "leave"))
    world.hold()
    await world.look()
    assert world.is_in(US) == [room_id]
    world.refused.clear()
    await world.look()
    assert world.is_in(US) == world.is_in(f"@t:{NEIGHBOUR}") == []
    left = world.room()
    assert left is not None
    assert left.state is RoomState.LEFT


async def test_another_room_of_the_maker_is_followed(world: World) -> None:
    """Also by a school that never heard of the old one's end: its people are out of that, and it is in the new one."""
    world.hold(THEIRS)
    world.invite("!old")
    await world.look()
    world.members["!old"][TEACHER] = "join"
    world.invite("!new")
    await world.look()
    found = world.room()
    assert found is not None
    assert found.room_id == "!new"
    assert (world.is_in(US), world.is_in(TEACHER)) == (["!new"], [])
    assert "!old" in world.forgotten


async def test_an_invitation_that_leads_nowhere(world: World) -> None:
    """The newest that opens is taken, and earlier ones are declined; one that does not open is tried again, and harms
    nothing.
    """
    world.hold(THEIRS)
    for room_id in ("!oldest", "!old", "!newest"):
        world.invite(room_id)
    world.refused.add((US, "!newest", "join"))
    await world.look()
    found = world.room()
    assert found is not None
    assert found.room_id == "!old"
    assert [one.room_id for one in world.invited] == ["!newest"]
    assert world.members["!oldest"][US] == "leave"
    await world.look()
    assert world.is_in(US) == ["!old"]
    world.refused.clear()
    await world.look()
    assert world.is_in(US) == ["!newest"]
