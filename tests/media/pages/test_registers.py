"""Who was in a call that is over, and the file that a teacher downloads (R45)."""

from __future__ import annotations

import pytest

from media.ids import RoomName
from media.pages.register_file import BadRequest, file_of, request_of
from media.pages.registers import KEEP_S, MOST, Register, Registers
from media.room.attendance import Row
from media.room.model import Person

CLASS, OTHER = RoomName("5A"), RoomName("5B")
MASHA = Person("@masha:school.test")
#: Seconds since 1970: 2027-01-15 08:00 UTC.
WALL = 1_800_000_000.0


def register(call_id: str, ended_at: float, *, rows: int = 1) -> Register:
    row = Row(person=MASHA, joined_at=ended_at - 90.0, left_at=ended_at, seconds=90.0)
    return Register(
        call_id=call_id,
        began_at=ended_at - 100.0,
        ended_at=ended_at,
        starter=MASHA,
        rows=(row,) * rows,
    )


def ids(registers: Registers, room: RoomName, now: float) -> list[str]:
    return [one.call_id for one in registers.of(room, now)]


def test_the_last_calls_of_a_chat_are_kept_until_the_evening() -> None:
    """The latest first, of each chat its own; after twelve hours they are gone."""
    registers = Registers()
    registers.keep(CLASS, register("RM_1", WALL))
    registers.keep(CLASS, register("RM_2", WALL + 3600))
    registers.keep(OTHER, register("RM_3", WALL + 3600))
    assert ids(registers, CLASS, WALL + 3600) == ["RM_2", "RM_1"]
    assert ids(registers, OTHER, WALL + 3600) == ["RM_3"]
    assert ids(registers, CLASS, WALL + KEEP_S) == ["RM_2"]
    registers.keep(OTHER, register("RM_4", WALL + 2 * KEEP_S))
    assert ids(registers, CLASS, WALL) == []


def test_a_call_of_nobody_takes_no_place() -> None:
    """Whoever opens an empty call for a moment does not push the lesson's register out, nor do ten such."""
    registers = Registers()
    registers.keep(CLASS, register("RM_1", WALL))
    registers.keep(CLASS, register("RM_2", WALL, rows=0))
    assert ids(registers, CLASS, WALL) == ["RM_1"]
    for at in range(MOST + 5):
        registers.keep(CLASS, register(f"RM_x{at}", WALL))
    assert len(ids(registers, CLASS, WALL)) == MOST


def test_the_file() -> None:
    """A byte order mark, semicolons, the reader's language, time zone and names; a formula is text."""
    wanted = request_of(
        {"call": "RM_1", "lang": "ru", "zone": "Europe/Moscow", "names": {MASHA: "=Маша", "@x": ""}}
    )
    assert file_of(register("RM_1", WALL), wanted).decode("utf-8").split("\r\n") == [
        "\ufeffУчастник;Пришёл;Ушёл;Минут;Секунд;Сколько раз входил",
        "'=Маша;2027-01-15 10:58:30;2027-01-15 11:00:00;2;90;1",
        "",
    ]


@pytest.mark.parametrize("zone", ["Nowhere/Nothing", "../../etc/passwd", "Europe", "", "\0"])
def test_a_zone_that_is_none_is_utc(zone: str) -> None:
    """An old phone's zone, or somebody's attempt to read a file, does not cost the list."""
    wanted = request_of({"call": "RM_1", "lang": "en", "zone": zone})
    lines = file_of(register("RM_1", WALL), wanted).decode("utf-8").split("\r\n")
    assert lines[1].startswith(f"'{MASHA};2027-01-15 07:58:30;")


@pytest.mark.parametrize(
    ("raw", "named"),
    [
        ({}, "call"),
        ({"call": 1}, "call"),
        ({"call": "RM_1", "lang": "de"}, "lang"),
        ({"call": "RM_1", "lang": []}, "lang"),
        ({"call": "RM_1", "zone": 3}, "zone"),
        ({"call": "RM_1", "names": []}, "names"),
        ({"call": "RM_1", "names": {"@a": 1}}, "names"),
    ],
)
def test_a_wrong_question_names_its_field(raw: dict[str, object], named: str) -> None:
    """The message is the field."""
    with pytest.raises(BadRequest, match=f"^{named}$"):
        request_of(raw)
