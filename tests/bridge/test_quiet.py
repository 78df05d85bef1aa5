"""Quiet hours as a form asks for them."""

from __future__ import annotations

from datetime import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.quiet import EVERY_DAY, WEEKEND, Level, Nights, Window, nights_of
from bridge.quiet_http import verdict
from serving.json_object import BadJson, JsonObject

_TIMES = st.times().map(lambda found: found.replace(second=0, microsecond=0))
_NIGHTS = st.builds(Nights, begins=_TIMES, ends=_TIMES, weekends=st.booleans())


@given(_NIGHTS)
def test_the_form_shows_what_it_has_set(nights: Nights) -> None:
    """Who comes back finds the hours that they left."""
    assert nights_of(nights.windows()) == nights


def test_what_a_program_has_set_is_not_the_forms() -> None:
    """It is shown in words, and the form begins anew."""
    evening = Window(weekdays=frozenset({0}), begins=time(20), ends=time(7))
    every = Window(weekdays=EVERY_DAY, begins=time(20), ends=time(7))
    half = Window(weekdays=WEEKEND, begins=time(9), ends=time(10))
    for windows in ((evening,), (every, every), (every, half), ()):
        assert nights_of(windows) is None


def test_an_answer_is_read() -> None:
    """The nearest rule first, with what became of it."""
    window = {"weekdays": [0, 6], "begins": "21:00", "ends": "07:00"}
    rule = {"level": "school", "ref": "", "windows": [window], "outcome": "won", "may_set": False}
    found = verdict(JsonObject({"quiet": True, "until": 1_788_240_600_000, "rules": [rule]}))
    assert found.until is not None
    assert found.rules[0].level is Level.SCHOOL
    assert found.rules[0].windows[0].to_json() == window


@pytest.mark.parametrize(
    "broken",
    [
        {"level": "king"},
        {"windows": [{"weekdays": [True], "begins": "21:00", "ends": "07:00"}]},
        {"windows": [{"weekdays": [0], "begins": "25:00", "ends": "07:00"}]},
    ],
)
def test_what_is_not_agreed_is_refused(broken: dict[str, object]) -> None:
    """An error, and never a guess."""
    rule = {"level": "school", "ref": "", "windows": [], **broken}
    with pytest.raises(BadJson):
        verdict(JsonObject({"quiet": False, "until": None, "rules": [rule]}))
