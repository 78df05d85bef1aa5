"""The form of a new broadcast."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from media.broadcast.desk.wishing import MOST_TITLE, BadWish, Wish, wish_of
from tests.media.broadcast.pages.world import MOSCOW

NOW = datetime(2026, 11, 28, 12, 0, tzinfo=MOSCOW)
GOOD = {"title": " Новогодний\n концерт\u202e ", "place": "", "recorded": "1"}


def test_a_wish() -> None:
    """A title of one line, no signs that turn it round; the time is the school's."""
    form = GOOD | {"date": "2026-11-28", "time": "18:30", "low_latency": "1"}
    assert wish_of(form, NOW, MOSCOW) == Wish(
        title="Новогодний концерт",
        begins_at=datetime(2026, 11, 28, 18, 30, tzinfo=MOSCOW),
        recorded=True,
        low_latency=True,
    )
    assert wish_of({"title": "Линейка", "place": "!x"}, NOW, MOSCOW) == Wish(
        title="Линейка", place="!x", recorded=False
    )


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"title": " \n "}, BadWish.NO_TITLE),
        ({"title": "ы" * (MOST_TITLE + 1)}, BadWish.LONG_TITLE),
        ({"place": "!" * 256}, BadWish.NO_PLACE),
        ({"date": "2026-11-28"}, BadWish.BAD_TIME),
        ({"time": "18:30"}, BadWish.BAD_TIME),
        ({"date": "2026-11-31", "time": "18:30"}, BadWish.BAD_TIME),
        ({"date": "2026-11-28", "time": "1830Z"}, BadWish.BAD_TIME),
        ({"date": "2028-11-28", "time": "18:30"}, BadWish.BAD_TIME),
        ({"date": "2026-11-28", "time": "10:30"}, BadWish.PAST),
    ],
)
def test_what_is_wrong_is_named(changes: dict[str, str], why: BadWish) -> None:
    """One reason each."""
    assert wish_of(GOOD | changes, NOW, MOSCOW) is why


def test_without_a_place() -> None:
    """A form that was changed by hand has no place."""
    assert wish_of({"title": "x"}, NOW, MOSCOW) is BadWish.NO_PLACE


@given(st.dictionaries(st.sampled_from(["title", "place", "date", "time"]), st.text(max_size=900)))
def test_anything(form: dict[str, str]) -> None:
    """Whatever is typed is a wish within its bounds, or a reason."""
    found = wish_of(form, NOW, MOSCOW)
    if isinstance(found, Wish):
        assert 0 < len(found.title) <= MOST_TITLE
        assert "\n" not in found.title
        at = found.begins_at
        assert at is None or timedelta(hours=-1) < at - NOW < timedelta(days=366)
