"""What rooms read."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime

import pytest
from attrs import evolve

from synapse_sferum.schedule.telling import Post, PostKey, Say, reminder_key
from synapse_sferum.schedule.times import occurrences
from synapse_sferum.schedule.values import Gathering, Kind, Moved, Repeat
from synapse_sferum.schedule.words import Told, edit, message, says
from tests.synapse_sferum.schedule.plans import MOSCOW, at, gathering, weekly

PAGE = "https://school.example/schedule"
PLANNED = Say(key=PostKey(post=Post.PLANNED))
DAY = date(2026, 9, 8)
MEETING = gathering(
    "2026-09-08 18:00",
    kind=Kind.PARENTS_MEETING,
    title="Итоги <четверти>",
    place="каб. 12",
    note="Возьмите дневники.",
)
LESSONS = gathering(repeat=weekly(1, 3), place="каб. 7")


def told(one: Gathering, today: date = DAY) -> Told:
    return Told(gathering=one, zone=MOSCOW, page=PAGE, today=today)


def body(one: Gathering, say: Say, today: date = DAY) -> str:
    return str(message(told(one, today), say)["body"])


def changed(one: Gathering, *, restored: bool = False) -> Say:
    found = {hit.day: hit for hit in occurrences(one, MOSCOW)}
    return Say(
        key=PostKey(post=Post.CHANGED, day=DAY), occurrence=found.get(DAY), restored=restored
    )


def test_a_meeting_is_announced_with_time_and_room() -> None:
    """Time on the school's clock, the room, the note, the page to join; nobody's HTML gets in."""
    found = message(told(MEETING), PLANNED)
    assert found["body"] == (
        "Родительское собрание «Итоги <четверти>» — 8 сентября в 18:00, каб. 12.\n"
        "Возьмите дневники.\nhttps://school.example/schedule/g1"
    )
    assert "<четверти>" not in found["formatted_body"]
    assert found["org.sferum.gathering"]["begins_at"] == 1_788_879_600_000
    assert datetime.fromtimestamp(1_788_879_600, UTC) == datetime(2026, 9, 8, 15, tzinfo=UTC)


@pytest.mark.parametrize(
    ("repeat", "words"),
    [
        (weekly(1), "по вторникам в 08:30"),
        (weekly(1, 3), "по вторникам и четвергам в 08:30"),
        (weekly(1, 2, 4), "по вторникам, средам и пятницам в 08:30"),
        (weekly(1, every=2), "по вторникам (каждую вторую неделю) в 08:30"),
    ],
)
def test_a_series_is_said_in_words(repeat: Repeat, words: str) -> None:
    """Weekdays, hour, from when to when."""
    one = evolve(LESSONS, repeat=repeat)
    assert words in body(one, PLANNED)
    assert "с 1 сентября по 25 мая" in body(one, PLANNED)


@pytest.mark.parametrize(
    ("today", "words"),
    [
        (date(2026, 9, 8), "Сегодня в 08:30: "),
        (date(2026, 9, 7), "Завтра в 08:30: "),
        (date(2026, 9, 4), "8 сентября в 08:30: "),
    ],
)
def test_a_reminder_says_when_not_in_how_long(today: date, words: str) -> None:
    """It is true however late it is read."""
    hit = occurrences(LESSONS, MOSCOW)[2]
    say = Say(key=reminder_key(hit, 5), occurrence=hit)
    found = body(LESSONS, say, today)
    assert found.startswith(f"{words}Урок «Алгебра», каб. 7.")
    assert found.endswith(f"{PAGE}/g1?day=2026-09-08")


def test_one_day_that_differs() -> None:
    """Another hour, another day, not at all, as usual again: four sentences, and no link where there is no lesson."""
    later = evolve(LESSONS, changes={DAY: Moved(begins=at("2026-09-08 10:00"), minutes=45)})
    other = evolve(LESSONS, changes={DAY: Moved(begins=at("2026-09-09 10:00"), minutes=45)})
    never = evolve(LESSONS, changes={DAY: None})
    assert body(later, changed(later)).startswith(
        "Другое время: Урок «Алгебра» 8 сентября в 10:00, не в 08:30, каб. 7."
    )
    assert body(other, changed(other)).startswith(
        "Перенесено: Урок «Алгебра» с 8 сентября на 9 сентября, 10:00, каб. 7."
    )
    assert body(never, changed(never)) == "Не состоится: Урок «Алгебра» 8 сентября в 08:30."
    assert body(LESSONS, changed(LESSONS, restored=True)).startswith("Как обычно: Урок «Алгебра» 8")


def test_what_is_called_off_has_no_link() -> None:
    """Nobody joins what is not held."""
    off = evolve(MEETING, called_off=True)
    called_off = Say(key=PostKey(post=Post.CALLED_OFF))
    assert body(off, called_off) == (
        "Отменено: Родительское собрание «Итоги <четверти>», 8 сентября в 18:00."
    )
    assert PAGE not in json.dumps(edit(told(off), PLANNED, "$1"))
    assert says(told(off), PLANNED) != says(told(MEETING), PLANNED)


def test_a_school_without_pages_has_no_links() -> None:
    """The call's own button in the chat is left."""
    bare = Told(gathering=MEETING, zone=MOSCOW, page="", today=DAY)
    assert "http" not in json.dumps(message(bare, PLANNED))


def test_the_longest_message_fits_into_an_event() -> None:
    """65,536 octets, and an edit has the words four times."""
    one = evolve(MEETING, title="😀" * 100, place="😀" * 60, note="😀" * 500)
    content = edit(told(one), PLANNED, "$1")
    assert len(json.dumps(content, ensure_ascii=False).encode()) < 30_000
