"""A bucket of tokens."""

from __future__ import annotations

from media.pace import Pace


def test_a_flood_is_stopped_and_who_is_patient_goes_on() -> None:
    """Three at once, then two for each second that has passed, and never more than three."""
    pace = Pace(burst=3, per_second=2)
    assert [pace.allows(10.0) for _ in range(4)] == [True, True, True, False]
    assert [pace.allows(10.5) for _ in range(2)] == [True, False]
    assert [pace.allows(99.0) for _ in range(4)] == [True, True, True, False]


def test_what_is_dearer_takes_more() -> None:
    """And nothing where there is not enough: what is cheaper may still be had."""
    pace = Pace(burst=10, per_second=1)
    assert pace.allows(0.0, cost=8)
    assert not pace.allows(0.0, cost=3)
    assert pace.allows(0.0, cost=2)
