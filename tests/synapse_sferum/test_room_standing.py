"""How a room of several schools stands, for a director and for monitoring (ADR 30)."""

from __future__ import annotations

from typing import Any

import pytest

from synapse_sferum.district.room_plan import RoomState, service_user_of
from synapse_sferum.district.room_standing import (
    MOST_NAMES,
    Occupants,
    Stage,
    health_json,
    room_json,
    stage,
)
from synapse_sferum.model import Role
from tests.support.openapi import Contract
from tests.synapse_sferum.test_common_rooms import OWN, US, B, C, account, room

IN = Occupants(here=frozenset({US}), servers=frozenset({B, C}))
SCHEMAS = Contract.load()


@pytest.mark.parametrize(
    ("what", "occupants", "belonging", "joined", "expected"),
    [
        ({}, IN, "td", "td", Stage.UP_TO_DATE),
        ({}, IN, "td", "t", Stage.FILLING),
        ({}, IN, "t", "td", Stage.FILLING),
        ({}, Occupants(here=frozenset({US}), servers=frozenset({B})), "", "", Stage.WAITS_FOR_SCHOOLS),
        ({"room_id": ""}, Occupants(), "t", "", Stage.FILLING),
        ({"host": B, "room_id": ""}, Occupants(), "t", "", Stage.WAITS_FOR_MAKER),
        ({"host": B}, Occupants(), "t", "", Stage.WAITS_FOR_MAKER),
        ({"host": B}, Occupants(here=frozenset({US})), "", "", Stage.UP_TO_DATE),
        ({"state": RoomState.PAUSED}, IN, "t", "", Stage.PAUSED),
        ({"state": RoomState.ALONE}, IN, "t", "", Stage.ALONE),
        ({"state": RoomState.LEAVING}, IN, "t", "", Stage.LEAVING),
        ({"state": RoomState.LEFT, "room_id": ""}, Occupants(), "t", "", Stage.LEFT),
    ],
    ids=str,
)  # fmt: skip
def test_what_is_still_to_come(
    what: dict[str, Any], occupants: Occupants, belonging: str, joined: str, expected: Stage
) -> None:
    """The maker waits for schools, the others for the maker, both for their own people; else all is in place."""
    found = stage(
        room(**what), OWN, {B, C}, occupants, belonging=set(belonging), joined=set(joined)
    )
    assert found is expected


def test_a_room_is_told_in_numbers() -> None:
    """Of our people how many, by role; of other schools which, by name; nobody's id, and no more than is promised."""
    teacher, director = account("t", Role.TEACHER), account("d", Role.DIRECTOR, Role.TEACHER)
    here = frozenset({US, teacher.user_id, director.user_id, f"@guest:{OWN}"})
    peers = {B: "Школа Б", **{f"s{n}.example": f"Школа {n}" for n in range(60)}}
    found = room_json(
        room(),
        OWN,
        peers,
        Occupants(here=here, servers=frozenset({B})),
        staff=[teacher, director, account("x", Role.TEACHER)],
        people={teacher.user_id, director.user_id, f"@x:{OWN}"},
        subjects={},
    )
    SCHEMAS.validate({"$ref": "#/components/schemas/CommonRoom"}, found, "room_json")
    assert (found["wanted"], found["joined"]) == (3, 2)
    assert found["roles"] == {"director": 1, "teacher": 2}
    assert (found["ours"], found["host_name"]) == (True, "")
    schools = found["schools"]
    assert (schools["inside"], schools["absent"]) == (1, 60)
    assert schools["inside_names"] == ["Школа Б"]
    assert len(schools["absent_names"]) == MOST_NAMES
    assert f":{OWN}" not in str({**found, "host": ""})


def test_what_monitoring_hears() -> None:
    """Rooms that wait for their maker, schools that wait for us, rooms that are left; nothing of rooms that rest."""
    rooms = [
        room(room_id="!ours"),
        room(ref="later", room_id=""),
        room(ref="heads", host=B, name="Главы", room_id=""),
        room(ref="gone", host=B, room_id="!gone", state=RoomState.LEAVING),
        room(ref="over", host=B, room_id="", state=RoomState.LEFT),
        room(ref="rest", host=B, room_id="!rest", state=RoomState.PAUSED),
    ]
    occupants = {"!ours": Occupants(here=frozenset({US}), servers=frozenset({B}))}
    assert health_json(rooms, OWN, {B, C}, occupants) == {
        "rooms": 5,
        "leaving": 1,
        "waiting": [
            {"name": "Объявления", "host": OWN},
            {"name": "Главы", "host": B},
        ],
        "absent": [C],
    }
    assert service_user_of(C) not in str(health_json(rooms, OWN, {B, C}, occupants))
