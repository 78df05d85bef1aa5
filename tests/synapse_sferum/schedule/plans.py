"""Gatherings for tests: one line for a story, hypothesis strategies for properties."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from hypothesis import strategies as st

from synapse_sferum.model import ClassId, OrgId, RoomKey, RoomKind, UserId
from synapse_sferum.schedule.values import (
    MOST_MINUTES,
    Gathering,
    GatheringId,
    Kind,
    Moved,
    Repeat,
    days,
)

ORG = OrgId("o")
CLASS_A = ClassId("ca")
CLASS = RoomKey(RoomKind.CLASS, CLASS_A)
MOSCOW = ZoneInfo("Europe/Moscow")
#: Has summer time, as Russia has not since 2011.
RIGA = ZoneInfo("Europe/Riga")


def at(text: str) -> datetime:
    """`2026-09-01 08:30` of a wall clock."""
    return datetime.fromisoformat(text)


def gathering(begins: str = "2026-09-01 08:30", **more: Any) -> Gathering:
    """A lesson of 5А; its first day is a Tuesday unless said otherwise."""
    fields: dict[str, Any] = {
        "gathering_id": GatheringId("g1"),
        "org_id": ORG,
        "key": CLASS,
        "kind": Kind.LESSON,
        "title": "Алгебра",
        "begins": at(begins),
        "minutes": 45,
        "author": UserId("@u1:s.test"),
    }
    return Gathering(**(fields | more))


def weekly(*weekdays: int, until: str = "2027-05-25", every: int = 1) -> Repeat:
    """Every week on these days."""
    return Repeat(weekdays=frozenset(weekdays), until=date.fromisoformat(until), every_weeks=every)


_LOCAL = st.datetimes(at("2026-01-01"), at("2027-12-31")).map(
    lambda found: found.replace(second=0, microsecond=0)
)
ZONES = st.sampled_from(
    ["Europe/Moscow", "Europe/Riga", "Asia/Kamchatka", "America/St_Johns", "Australia/Lord_Howe"]
).map(ZoneInfo)


@st.composite
def series(draw: st.DrawFn) -> Gathering:
    """Any gathering that `wrong` has nothing against."""
    begins = draw(_LOCAL)
    repeat = None
    if draw(st.booleans()):
        others = draw(st.sets(st.integers(0, 6), max_size=3))
        repeat = Repeat(
            weekdays=frozenset({begins.weekday(), *others}),
            until=begins.date() + timedelta(days=draw(st.integers(0, 120))),
            every_weeks=draw(st.integers(1, 4)),
        )
    return gathering(
        begins.isoformat(sep=" "),
        minutes=draw(st.integers(5, MOST_MINUTES)),
        repeat=repeat,
        changes=draw(_changes(begins, repeat)),
        remind=tuple(sorted(draw(st.sets(st.integers(1, 10080), max_size=3)), reverse=True)),
        called_off=draw(st.booleans()) and draw(st.booleans()),
    )


def _changes(
    begins: datetime, repeat: Repeat | None
) -> st.SearchStrategy[dict[date, Moved | None]]:
    planned = list(days(gathering(begins.isoformat(sep=" "), repeat=repeat)))
    moved = st.builds(
        lambda away, minutes: Moved(begins=begins + timedelta(minutes=away), minutes=minutes),
        st.integers(-20000, 20000),
        st.integers(5, MOST_MINUTES),
    )
    return st.dictionaries(st.sampled_from(planned), st.none() | moved, max_size=4)
