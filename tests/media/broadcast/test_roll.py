"""The roll of an edge: who is where on it, and what nginx makes of it."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from media.broadcast import passes
from media.broadcast.edge_nginx import configuration
from media.broadcast.passes import LIVES_S, Kind, Pass
from media.broadcast.roll import AFTER, LISTED_S, MARK, MOST_OF_CROWD, TAIL, Place, Rolls, is_crowd
from tests.media.broadcast import nginx_text
from tests.media.broadcast.test_edge import EDGE

KEY = b"k" * 32
NOW = 1_800_000_000.0


def _issue(number: int, broadcast: str = "concert", at: float = NOW) -> tuple[str, Pass]:
    text = passes.issue(broadcast, f"@u{number}:school.test", Kind.VIEWER, [KEY], at)
    found = passes.check(text, broadcast, [KEY], at)
    assert isinstance(found, Pass)
    return text, found


def _place(number: int) -> Place:
    place = Place.of(_issue(number)[0])
    assert place is not None
    return place


_HTTP = nginx_text.read(configuration(EDGE)).block("http")
_LOCATION = _HTTP.block("server").block("location", "~").words[2].strip('"').replace("(?<", "(?P<")
_HALF = _HTTP.block("map", "$next", "$half").inside or ()
_ASKED = _HTTP.block("map", f'"$mark{AFTER}$roll"', "$asked").inside or ()
_LISTED = _ASKED[-1].words[0].strip('"').removeprefix("~")


@given(
    st.text(st.characters(codec="utf-8", exclude_characters=":@"), max_size=40),
    st.integers(0, 2**31),
)
def test_nginx_looks_where_the_origin_writes(name: str, at: int) -> None:
    """Crowd and mark of any pass are the same by nginx's patterns and by ours."""
    text = passes.issue("concert", f"@{name}:school.test", Kind.HOST, [KEY], at)
    found = re.search(_LOCATION, f"/live/{text}/concert/v720/p1.m4s")
    assert found is not None
    pattern = _HALF[1].words[0].strip('"').removeprefix("~")
    half = _HALF[1].words[1] if re.search(pattern, found["next"]) else _HALF[0].words[1]
    assert Place.of(text) == Place(found["row"] + half, found["mark"])
    assert is_crowd(found["row"] + half)
    assert found["pass"] == text


@given(st.lists(st.integers(0, 500), max_size=12, unique=True), st.integers(0, 500))
def test_only_whole_marks_are_on_a_roll(numbers: list[int], who: int) -> None:
    """nginx's pattern finds exactly the marks that are there, and none that begins within another."""
    marks = [_place(number).mark for number in numbers]
    roll = "".join(one + AFTER for one in marks)
    mark = _place(who).mark
    assert (re.search(_LISTED, mark + AFTER + roll) is not None) == (who in numbers)
    if len(marks) > 1:
        between = (marks[0] + AFTER + marks[1])[5 : 5 + MARK]
        assert re.search(_LISTED, between + AFTER + roll) is None


def test_what_is_no_pass_has_no_place() -> None:
    """Too short, or of other characters; a crowd is two characters."""
    assert Place.of("") is None
    assert Place.of("a" * (1 + MARK + TAIL)) is None
    assert Place.of("a" * 40 + "/" + "a" * (MARK + TAIL)) is None
    assert not any(map(is_crowd, ("", "a", "a2", "aa0", "é0", "a0\n")))


def test_the_crowds_of_a_hall() -> None:
    """Ten thousand viewers are 128 crowds, none of them more than twice the average."""
    sizes: dict[str, int] = {}
    for number in range(10_000):
        crowd = _place(number).crowd
        sizes[crowd] = sizes.get(crowd, 0) + 1
    assert len(sizes) == 128
    assert max(sizes.values()) < 2 * 10_000 / 128


def test_who_is_on_it_and_for_how_long() -> None:
    """From the answer on, for five to ten minutes and never beyond the pass; the other broadcast's roll is another."""
    rolls, (text, given_) = Rolls(), _issue(1)
    place = _place(1)
    rolls.add(text, given_, NOW)
    rolls.add(text, given_, NOW)
    assert [one.mark for one in rolls.of("concert", place.crowd, NOW + LISTED_S / 2)] == [
        place.mark
    ]
    assert rolls.of("lesson", place.crowd, NOW) == []
    assert len(rolls) == 1
    assert rolls.of("concert", place.crowd, NOW + LISTED_S) == []
    assert len(rolls) == 0
    rolls.add(text, given_, NOW + LIVES_S - 1)
    assert rolls.of("concert", place.crowd, NOW + LIVES_S) == []
    rolls.add(text, given_, NOW)
    rolls.drop("concert", place.crowd, place.mark)
    rolls.drop("concert", place.crowd, place.mark)
    assert (rolls.of("concert", place.crowd, NOW), len(rolls)) == ([], 0)


@pytest.mark.parametrize(("most", "most_of_crowd"), [(50, 400), (1000, 1)])
def test_what_is_full_forgets_the_oldest(most: int, most_of_crowd: int) -> None:
    """However many come, no more than allowed are remembered, the last ones among them."""
    rolls = Rolls(most=most, most_of_crowd=most_of_crowd)
    for number in range(500):
        rolls.add(*_issue(number), NOW)
    crowds = {_place(number).crowd for number in range(500)}
    found = [line for crowd in crowds for line in rolls.of("concert", crowd, NOW)]
    assert len(found) == len(rolls) <= min(most, most_of_crowd * 128)
    assert _place(499).mark in {line.mark for line in found}


def test_the_fullest_roll_is_a_header_that_nginx_reads() -> None:
    """A crowd's longest roll is less than half of what the edge takes as headers."""
    size = _HTTP.block("server").block("location", "=", "/=roll").one("proxy_buffer_size")
    assert size == "16k"
    assert MOST_OF_CROWD * (MARK + len(AFTER)) < 8 * 1024
