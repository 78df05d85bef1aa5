"""The event list: pages that never change, at most one a second, whatever hosts press."""

from __future__ import annotations

import json
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from media.broadcast.hls.answers import MEDIA, PLAIN, No, Refused, Text, Wait
from media.broadcast.hls.events import KEPT, MOST_PENDING, NEWEST, PAGE_S, Event, Events
from media.broadcast.hls.names import Ask, BadAsk, Kind, read
from tests.media.broadcast.world import ask, broadcast

FIRST = 1_800_000_000


def events() -> Events:
    return Events("t", FIRST)


def put(of: Events, event: Event, now: float) -> None:
    """A line, and its page when it is due."""
    wait_s = of.put(event, now)
    assert wait_s is not None
    of.turn(now + wait_s)


def page(of: Events, seq: int | None) -> tuple[int, list[dict[str, object]]]:
    answer = of.answer(seq)
    assert isinstance(answer, Text), answer
    found = json.loads(answer.text)
    return found["next"], found["events"]


def test_word_for_word() -> None:
    """Where the list is now for a second, a page for a minute and for ever the same; nobody is named."""
    of = events()
    assert of.answer(None) == Text(
        '{"next":1800000000,"events":[]}\n',
        '"t-e1800000000"',
        "application/json",
        PLAIN,
    )
    assert of.answer(FIRST) is Wait.WAIT
    put(of, Event(7, "Когда конец?"), 0.0)
    assert of.answer(FIRST) == Text(
        '{"next":1800000001,"events":[{"id":7,"text":"Когда конец?","host":false}]}\n',
        '"t-p1800000000"',
        "application/json",
        MEDIA,
    )
    put(of, Event(7), 5.0)
    assert page(of, FIRST + 1) == (FIRST + 2, [{"id": 7}])
    assert page(of, None) == (FIRST + 2, [])


def test_a_page_a_second() -> None:
    """What comes within a second of the last page waits for the next one, and is in it together."""
    of = events()
    assert of.put(Event(1, "a"), 10.0) == 0.0
    of.turn(10.0)
    assert of.put(Event(2, "b"), 10.25) == 0.75
    assert of.put(Event(3, "c"), 10.5) == 0.5
    assert of.turn(10.75) == 0.25
    assert of.answer(FIRST + 1) is Wait.WAIT
    assert of.turn(11.0) == 0.0
    assert [one["id"] for one in page(of, FIRST + 1)[1]] == [2, 3]


def test_what_is_not_there() -> None:
    """The next page is waited for, the one after is too early, others are 404; nothing is waited for at the end."""
    of = events()
    for number in range(KEPT + 5):
        put(of, Event(number, "x"), 2.0 * number)
    assert of.answer(of.next) is Wait.WAIT
    assert of.answer(of.next + 1) == Refused(No.TOO_FAR_AHEAD)
    assert of.answer(of.next + 9) == Refused(No.NOT_THERE)
    assert of.answer(FIRST + 4) == Refused(No.NOT_THERE)
    assert page(of, FIRST + 5)[0] == FIRST + 6
    assert len(page(of, None)[1]) == NEWEST
    full = events()
    assert [full.put(Event(n, "x"), 0.0) is None for n in range(MOST_PENDING + 1)] == [
        *[False] * MOST_PENDING,
        True,
    ]
    of.ended = True
    assert of.answer(of.next) == Refused(No.NOT_THERE)
    assert of.put(Event(1, "x"), 10**6) is None


def test_how_it_is_asked_for() -> None:
    """By the number of a page or without; of a broadcast with its other files."""
    assert read("events.json") == Ask(Kind.EVENTS)
    assert read("events.json", [("seq", "1800000000")]) == Ask(Kind.EVENTS, segment=FIRST)
    for query in ([("seq", "")], [("seq", "01")], [("seq", "9" * 11)], [("seq", "1")] * 2):
        assert read("events.json", query) is BadAsk.BAD_DIRECTIVE
    assert read("v720/events.json") is BadAsk.NO_SUCH_FILE
    of = broadcast()
    assert isinstance(ask(of, "events.json"), Text)
    of.end()
    assert of.events.put(Event(1, "x"), 0.0) is None


LINES = st.lists(st.tuples(st.integers(0, 9), st.text(max_size=5), st.integers(0, 6)), max_size=40)


@given(LINES)
def test_pages_never_change_and_lead_to_what_newcomers_get(
    lines: list[tuple[int, str, int]],
) -> None:
    """Whoever reads page after page has the lines of whoever comes now; no page changes, none comes within a second."""
    of, now = events(), 0.0
    known: dict[int, str] = {}
    turned: list[float] = []
    read_so_far: dict[int, str] = {}
    for id_, text, quarters in lines:
        now += quarters / 4
        before = of.next
        assert of.put(Event(id_, text), now) is not None
        of.turn(now)
        if of.next > before:
            turned.append(now)
    of.turn(now + PAGE_S)
    for seq in range(FIRST, of.next):
        answer = of.answer(seq)
        assert isinstance(answer, Text)
        assert known.setdefault(seq, answer.text) == answer.text
        for one in json.loads(answer.text)["events"]:
            read_so_far.pop(one["id"], None)
            if one.get("text"):
                read_so_far[one["id"]] = one["text"]
    assert [(one["id"], one["text"]) for one in page(of, None)[1]] == list(read_so_far.items())
    assert all(b - a >= PAGE_S for a, b in pairwise(turned))
