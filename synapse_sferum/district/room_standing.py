"""How a room of several schools stands at this school, for people who look (ADR 30). Pure."""

from __future__ import annotations

import enum
from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from typing import Any

from attrs import frozen

from synapse_sferum.account import Account
from synapse_sferum.district.room_plan import CommonRoom, RoomState, service_user_of, wanted
from synapse_sferum.model import STAFF

#: Names of schools in one answer: a district may have two thousand.
MOST_NAMES = 50


class Stage(enum.Enum):
    """What a director waits for. The value is stable: the API has it."""

    UP_TO_DATE = "up_to_date"
    WAITS_FOR_MAKER = (
        "waits_for_maker"  # the school that makes it has not made it, or not invited us
    )
    WAITS_FOR_SCHOOLS = (
        "waits_for_schools"  # ours, and not every school of the register has come in
    )
    FILLING = "filling"  # our own people come in or go
    PAUSED = "paused"  # no register is in force
    ALONE = "alone"  # ours, and the district has cut this school off
    LEAVING = "leaving"  # not in the register, or its maker is not: our people go
    LEFT = "left"  # they have gone


@frozen(kw_only=True)
class Occupants:
    """Who is in the room today.

    Attributes:
        here: this server's users, its service user among them.
        servers: other schools whose service user is in.
    """

    here: frozenset[str] = frozenset()
    servers: frozenset[str] = frozenset()


def entered(room: CommonRoom, own: str, here: Collection[str]) -> bool:
    """Whether this school has the room: it has made it, or been let in."""
    return bool(room.room_id) and service_user_of(own) in here


def stage(
    room: CommonRoom,
    own: str,
    peers: Collection[str],
    occupants: Occupants,
    *,
    belonging: Collection[str],
    joined: Collection[str],
) -> Stage:
    """What is still to come.

    Args:
        own: our server's name.
        peers: servers that are let in today.
        belonging: people of one school who belong.
        joined: people of this school who are in.
    """
    if room.state is not RoomState.OPEN:
        return {
            RoomState.PAUSED: Stage.PAUSED,
            RoomState.ALONE: Stage.ALONE,
            RoomState.LEAVING: Stage.LEAVING,
            RoomState.LEFT: Stage.LEFT,
        }[room.state]
    ours = room.host == own
    if not entered(room, own, occupants.here):
        return Stage.FILLING if ours else Stage.WAITS_FOR_MAKER
    if set(belonging) != set(joined):
        return Stage.FILLING
    return Stage.WAITS_FOR_SCHOOLS if ours and absent(peers, occupants) else Stage.UP_TO_DATE


def absent(peers: Collection[str], occupants: Occupants) -> list[str]:
    """Servers of the register whose service user is not in, by name."""
    return sorted(set(peers) - occupants.servers)


def room_json(
    room: CommonRoom,
    own: str,
    peers: Mapping[str, str],
    occupants: Occupants,
    *,
    staff: Iterable[Account],
    people: Collection[str],
    subjects: Mapping[str, Collection[str]],
) -> dict[str, Any]:
    """A room as docs/contracts.md §2 has it. Numbers only of people, and of our own alone.

    Args:
        peers: server name → name of the school, of those that are let in today.
        staff: accounts of this school.
        people: all users of this school, whoever they are today.
    """
    accounts = list(staff)
    belonging = wanted(room, accounts, subjects)
    joined = occupants.here & set(people)
    roles = Counter(
        role.value
        for account in accounts
        if account.user_id in joined
        for role in account.roles & STAFF
    )
    inside = sorted(occupants.servers & peers.keys())
    missing = absent(peers, occupants) if entered(room, own, occupants.here) else []
    return {
        "room_id": room.room_id or None,
        "kind": "common",
        "ref": room.ref,
        "name": room.name,
        "host": room.host,
        "host_name": peers.get(room.host, ""),
        "ours": room.host == own,
        "members": sorted(room.members),
        "writers": sorted(room.writers),
        "subject": room.subject,
        "stage": stage(room, own, peers, occupants, belonging=belonging, joined=joined).value,
        "wanted": len(belonging),
        "joined": len(joined),
        "roles": dict(sorted(roles.items())),
        "schools": {
            "inside": len(inside),
            "absent": len(missing),
            "inside_names": [peers[name] or name for name in inside[:MOST_NAMES]],
            "absent_names": [peers[name] or name for name in missing[:MOST_NAMES]],
        },
    }


def health_json(
    rooms: Iterable[CommonRoom],
    own: str,
    peers: Collection[str],
    occupants: Mapping[str, Occupants],
) -> dict[str, Any]:
    """What monitoring has to know: how many, which wait for their maker, which schools have not come into ours.

    Args:
        occupants: room id → who is in, of rooms that have an id.
    """
    waiting: list[dict[str, str]] = []
    missing: set[str] = set()
    count = leaving = 0
    for room in rooms:
        if room.state is RoomState.LEFT:
            continue
        count += 1
        leaving += room.state is RoomState.LEAVING
        if room.state is not RoomState.OPEN:
            continue
        there = occupants.get(room.room_id, Occupants())
        if not entered(room, own, there.here):
            waiting.append({"name": room.name, "host": room.host})
        elif room.host == own:
            missing.update(absent(peers, there))
    return {
        "rooms": count,
        "leaving": leaving,
        "waiting": waiting[:MOST_NAMES],
        "absent": sorted(missing)[:MOST_NAMES],
    }
