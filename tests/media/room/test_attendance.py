"""Who was there, from when to when (R45)."""

from __future__ import annotations

from datetime import UTC

from media.ids import Identity, ParticipantSid
from media.room.attendance import Attendance, Row, to_csv
from media.room.events import Closing, Left
from media.room.model import Grants, LeaveReason, Person
from tests.media.room.script import HOST, MASHA, TEACHER, WALL, Lesson, joined, person_of

TITLES = ("Фамилия Имя", "Вход", "Выход", "Минут", "Секунд", "Раз")


def test_seconds_over_reconnects() -> None:
    """Two stays of one person are one row, and the gap between them is not in it."""
    lesson = Lesson()
    lesson.come(joined(TEACHER, HOST), joined(MASHA))
    lesson.do(Left(MASHA), after=60.0)
    again = ParticipantSid("PA_masha2")
    lesson.now += 30.0
    lesson.come(joined(again, identity=Identity("hash"), person=person_of(MASHA)))
    lesson.do(Left(again), after=10.0)
    row = Row(
        person=person_of(MASHA),
        joined_at=WALL,
        left_at=WALL + 100.0,
        seconds=70.0,
        times=2,
    )
    assert lesson.room.view(lesson.now + 60.0).attendance[1:] == (row,)


def test_two_devices_are_one_presence() -> None:
    """The seconds of a person with a phone and a computer are not counted twice."""
    attendance, masha = Attendance(), Person("@masha")
    attendance.came(masha, 0.0)
    attendance.came(masha, 10.0)
    attendance.went(masha, 20.0)
    assert attendance.rows(30.0)[0].left_at is None
    for late in (50.0, 60.0):
        attendance.went(masha, late)
        attendance.went(Person("@stranger"), late)
        assert [(one.seconds, one.times) for one in attendance.rows(70.0)] == [(50.0, 1)]


def test_a_page_that_comes_twice_has_come_once() -> None:
    """Element Call's first connection ends a moment before its second begins, or after: one person who came once."""
    for gap in (-0.5, 0.5):
        lesson = Lesson()
        look = joined(MASHA, identity=Identity("hash"))
        stay = joined(ParticipantSid("PA_stay"), person=person_of(MASHA))
        lesson.come(look)
        lesson.now += 2.0
        for event in (Left(MASHA), stay) if gap > 0 else (stay, Left(MASHA)):
            lesson.do(event, after=abs(gap))
        assert [row.times for row in lesson.room.view(lesson.now + 60.0).attendance] == [1]


def test_the_end_of_the_call_completes_the_list() -> None:
    """Everyone who is still there gets a row; who only waited, or was hidden, has none."""
    lesson = Lesson()
    lesson.come(
        joined(TEACHER, HOST),
        joined(MASHA),
        joined(ParticipantSid("PA_w"), Grants(waits=True)),
        joined(ParticipantSid("PA_h"), Grants(hidden=True)),
    )
    lesson.do(Closing(LeaveReason.ROOM_CLOSED), after=45.0)
    rows = lesson.room.view(lesson.now + 60.0).attendance
    assert [(r.person, r.seconds) for r in rows] == [("@teacher", 45.0), ("@masha", 45.0)]
    assert all(r.left_at == WALL + 45.0 for r in rows)


def test_those_who_are_there_now() -> None:
    """A host sees the list while the lesson runs."""
    lesson = Lesson()
    lesson.come(joined(TEACHER, HOST))
    assert lesson.room.view(30.0).attendance == (
        Row(person=person_of(TEACHER), joined_at=WALL, left_at=None, seconds=30.0),
    )


def test_a_spreadsheet() -> None:
    """Semicolons and CRLF; a name that looks like a formula is text; who is there has no end yet."""
    rows = [
        Row(person=Person("@a"), joined_at=WALL, left_at=WALL + 61.5, seconds=61.5, times=2),
        Row(person=Person("@b"), joined_at=WALL + 1, left_at=None, seconds=3.0),
    ]
    names = {Person("@a"): "Иванов; Пётр", Person("@b"): "=cmd"}
    assert to_csv(rows, names, UTC, TITLES).split("\r\n") == [
        "Фамилия Имя;Вход;Выход;Минут;Секунд;Раз",
        '"Иванов; Пётр";2027-01-15 08:00:00;2027-01-15 08:01:01;1;61;2',
        "'=cmd;2027-01-15 08:00:01;;0;3;1",
        "",
    ]
