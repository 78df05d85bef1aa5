"""Fields of others' JSON: read as what they should be, or named as what is wrong."""

from __future__ import annotations

import enum
from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Any

import pytest

from serving.json_object import BadJson, JsonObject


class Kind(enum.Enum):
    LESSON = "lesson"
    MEETING = "meeting"


WHOLE = JsonObject(
    {
        "kind": "lesson",
        "kinds": ["lesson", "meeting"],
        "day": "2026-09-01",
        "days": ["2026-09-01", "2026-09-08"],
        "at": 1_000,
        "minutes": [60, 15],
        "nothing": None,
    }
)


def test_what_is_as_agreed_is_read() -> None:
    """Words, days, instants and numbers; what may be nothing may also be missing."""
    assert WHOLE.word("kind", Kind) is Kind.LESSON
    assert WHOLE.words("kinds", Kind) == [Kind.LESSON, Kind.MEETING]
    assert WHOLE.day("day") == date(2026, 9, 1)
    assert WHOLE.days("days") == [date(2026, 9, 1), date(2026, 9, 8)]
    assert WHOLE.instant("at") == datetime(1970, 1, 1, 0, 0, 1, tzinfo=UTC)
    assert WHOLE.numbers("minutes") == [60, 15]
    for name in ("nothing", "missing"):
        assert WHOLE.day_or_none(name) is None
        assert WHOLE.instant_or_none(name) is None


@pytest.mark.parametrize("value", [None, 7, True, "x", ["x"], [True], [1.0], {}])
@pytest.mark.parametrize(
    "read",
    [
        lambda one: one.word("it", Kind),
        lambda one: one.words("it", Kind),
        lambda one: one.day("it"),
        lambda one: one.days("it"),
        lambda one: one.numbers("it"),
    ],
)
def test_what_is_not_names_its_field(read: Callable[[JsonObject], Any], value: Any) -> None:
    """And quotes no value: it may be a child's name."""
    with pytest.raises(BadJson, match=r"^it$"):
        read(JsonObject({"it": value}))


@pytest.mark.parametrize("value", [None, True, 1.0, "1", 10**18, -(10**18)])
def test_an_instant_is_one_that_there_can_be(value: Any) -> None:
    """A number of milliseconds, of years that a date can name."""
    with pytest.raises(BadJson, match=r"^it$"):
        JsonObject({"it": value}).instant("it")
