"""What rooms are told of what is planned, and that they are told once."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from synapse_sferum.schedule.telling import Post, PostKey, reminder_key, wanted
from synapse_sferum.schedule.times import next_due, occurrences, span
from synapse_sferum.schedule.values import Gathering, Kind, Moved
from tests.synapse_sferum.schedule.plans import MOSCOW, ZONES, at, gathering, series, weekly

BEGINS = datetime(2026, 9, 1, 5, 30, tzinfo=UTC)  # 8:30 in Moscow
PLANNED = PostKey(post=Post.PLANNED)
NOTHING: frozenset[PostKey] = frozenset()


def told(one: Gathering, now: datetime, there: frozenset[PostKey] = NOTHING) -> list[str]:
    return [say.key.post.value for say in wanted(one, MOSCOW, there, now)]


def test_one_lesson_from_the_plan_to_the_bell() -> None:
    """Planned at once, reminded five minutes before, nothing from the beginning on is said late."""
    one = gathering(remind=(5,))
    assert told(one, BEGINS - timedelta(days=1)) == ["planned"]
    assert told(one, BEGINS - timedelta(minutes=5)) == ["planned", "reminder"]
    assert told(one, BEGINS) == ["planned"]
    assert told(one, BEGINS + timedelta(minutes=45)) == []


def test_after_an_outage_one_reminder_says_it_all() -> None:
    """Of several that were missed the last is written."""
    one = gathering(remind=(1440, 60, 5))
    late = wanted(one, MOSCOW, NOTHING, BEGINS - timedelta(minutes=30))
    assert [say.key.slot.partition("@")[0] for say in late] == ["", "60"]


def test_nobody_is_reminded_of_what_was_not_planned_yet() -> None:
    """Planned half an hour before: the message of the plan is the reminder."""
    created = BEGINS - timedelta(minutes=30)
    one = gathering(remind=(60, 5), created_ms=int(created.timestamp() * 1000))
    assert told(one, created) == ["planned"]
    assert told(one, BEGINS - timedelta(minutes=5)) == ["planned", "reminder"]


def test_a_day_that_is_moved_is_told_and_reminded_of_anew() -> None:
    """The reminder of the old hour does not stand for the new one."""
    day = date(2026, 9, 1)
    one = gathering(repeat=weekly(1), remind=(5,))
    before = reminder_key(occurrences(one, MOSCOW)[0], 5)
    later = evolve(one, changes={day: Moved(begins=at("2026-09-01 12:00"), minutes=45)})
    there = frozenset({PLANNED, before})
    now = datetime(2026, 9, 1, 8, 55, tzinfo=UTC)
    found = wanted(later, MOSCOW, there, now)
    assert [(say.key.post, say.key.day) for say in found[1:]] == [
        (Post.CHANGED, day),
        (Post.REMINDER, day),
    ]


def test_a_change_that_is_taken_back_is_said() -> None:
    """Who has read that there is no lesson reads that there is."""
    changed = PostKey(post=Post.CHANGED, day=date(2026, 9, 1))
    one = gathering(repeat=weekly(1))
    found = wanted(one, MOSCOW, frozenset({PLANNED, changed}), BEGINS - timedelta(days=1))
    assert [(say.key, say.restored) for say in found] == [(PLANNED, False), (changed, True)]


def test_what_is_called_off_is_said_to_who_was_told() -> None:
    """In the plan's place and once more; who was never told of it is not told that it is off."""
    one = gathering(called_off=True)
    assert told(one, BEGINS - timedelta(days=1)) == []
    assert told(one, BEGINS - timedelta(days=1), frozenset({PLANNED})) == ["planned", "called_off"]


def test_broadcasts_speak_for_themselves() -> None:
    """The calls server has them announced; the schedule does not do it twice."""
    assert told(gathering(kind=Kind.BROADCAST), BEGINS - timedelta(days=1)) == []


@given(series(), ZONES, st.data())
def test_looks_at_any_times_write_each_message_once(
    one: Gathering, zone: ZoneInfo, data: st.DataObject
) -> None:
    """However often and whenever somebody looks, no key is new twice, and no reminder comes after its beginning."""
    first, last = span(one, zone)
    minutes = int((last - first).total_seconds() // 60) + 20000
    times = sorted(data.draw(st.lists(st.integers(0, minutes), max_size=8)))
    there: set[PostKey] = set()
    for minute in times:
        now = first - timedelta(minutes=10000) + timedelta(minutes=minute)
        for say in wanted(one, zone, frozenset(there), now):
            assert say.key.post is not Post.REMINDER or say.key not in there
            assert say.key.post is not Post.REMINDER or (
                say.occurrence is not None and say.occurrence.begins > now
            )
            there.add(say.key)
        assert not {say.key for say in wanted(one, zone, frozenset(there), now)} - there, (
            "a second look has nothing new"
        )


@given(series(), ZONES)
def test_whoever_looks_when_something_is_due_misses_no_reminder(
    one: Gathering, zone: ZoneInfo
) -> None:
    """`next_due` names every moment: looking only then, each occurrence is reminded of as often as is wished."""
    there: set[PostKey] = {PLANNED}
    now: datetime | None = span(one, zone)[0] - timedelta(days=9)
    while now is not None:
        there |= {say.key for say in wanted(one, zone, frozenset(there), now)}
        now = next_due(one, zone, now)
    told_of = [key for key in there if key.post is Post.REMINDER]
    assert len(told_of) == len(occurrences(one, zone)) * len(one.remind)
