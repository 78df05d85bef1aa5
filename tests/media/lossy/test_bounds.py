"""What is told of a page that got less than it should."""

from __future__ import annotations

from typing import Any

import pytest
from attrs import evolve

from tests.media.lossy.bounds import Bounds, fell_behind
from tests.media.lossy.figures import Figures

BOUNDS = Bounds(
    share=0.8, frozen=0.1, longest_s=1.0, voice=0.05, widths=frozenset({640}), within_s=3.0
)
FINE = Figures(
    name="fine",
    frames_s=12.0,
    share=1.0,
    made_s=12.0,
    freezes=1,
    frozen=0.05,
    longest_s=0.3,
    switches=1,
    width=640,
    width_after_s=1.0,
    paused=False,
    paused_for=0.0,
    moves_after_s=0.5,
    concealed=0.02,
    concealed_later=0.01,
    lost=0.01,
)


def test_within_the_bounds_nothing_is_said() -> None:
    """Neither of a page by itself nor of two that got the same."""
    assert not list(BOUNDS.broken_by(FINE))
    assert not list(fell_behind(FINE, FINE))


@pytest.mark.parametrize(
    ("less", "said"),
    [
        ({"share": 0.7}, "0.70 of the pictures"),
        ({"moves_after_s": 2.5}, "moves after 2.5 s"),
        ({"moves_after_s": None}, "moves after None s"),
        ({"frozen": 0.2}, "0.20 of the time it stood still"),
        ({"longest_s": 1.5}, "stood still for 1.5 s"),
        ({"concealed": 0.06}, "0.060 of the voice was made up"),
        ({"switches": 4}, "4 changes of the width"),
        ({"width": 320}, "320 pixels wide since 1.0 s"),
        ({"width_after_s": 3.5}, "640 pixels wide since 3.5 s"),
        ({"paused": True, "share": 0.0}, "the picture is paused"),
    ],
)
def test_each_bound_has_its_words(less: dict[str, Any], said: str) -> None:
    """One that is broken is told of, and only that one."""
    assert list(BOUNDS.broken_by(evolve(FINE, **less))) == [said]


def test_a_pause_excuses_a_picture_and_no_voice() -> None:
    """Where it may be paused, nothing is asked of a paused picture, but all of the voice."""
    paused = evolve(FINE, paused_for=0.1, share=0.0, moves_after_s=None, concealed=0.2)
    assert list(evolve(BOUNDS, may_pause=True).broken_by(paused)) == [
        "0.200 of the voice was made up"
    ]


def test_a_busy_machine_makes_standstills_of_its_own() -> None:
    """A publisher that makes two thirds of the film may stand still for a third of the time more."""
    assert not list(BOUNDS.broken_by(evolve(FINE, made_s=8.0, frozen=0.43)))
    assert list(BOUNDS.broken_by(evolve(FINE, made_s=8.0, frozen=0.44)))


def test_a_voice_may_settle_first() -> None:
    """Where the line has just changed, the first third of the voice is not asked for."""
    assert not list(evolve(BOUNDS, settled=True).broken_by(evolve(FINE, concealed=0.2)))


@pytest.mark.parametrize(
    "less",
    [{"share": 0.79}, {"moves_after_s": 5.6}, {"moves_after_s": None}, {"width_after_s": 14.0}],
)
def test_native_may_be_a_little_worse(less: dict[str, Any]) -> None:
    """Fewer pictures by a fifth, later by five seconds, large by twelve: more is told, and the other way nothing."""
    assert len(list(fell_behind(evolve(FINE, **less), FINE))) == 1
    assert not list(fell_behind(FINE, evolve(FINE, **less)))
