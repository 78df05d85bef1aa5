"""The soak of calls: what counts as flat, and half a minute of it against a real node."""

from __future__ import annotations

import asyncio

import pytest

from bench.call_soak import Plan, Sample, not_flat, planned, slope_per_hour, soak


def samples(*rss_kb: float) -> list[Sample]:
    """One every ten minutes."""
    return [Sample(600.0 * number, kb, 20, 3, 0.1, 1.0) for number, kb in enumerate(rss_kb)]


def test_the_slope_is_an_hours() -> None:
    """A megabyte every ten minutes is six an hour, whatever jitters about it; two samples show no direction."""
    assert round(slope_per_hour(samples(0, 1_000, 2_000, 3_000), "rss_kb")) == 6_000
    assert round(slope_per_hour(samples(10, 990, 1_010, 2_990, 3_010, 4_990), "rss_kb")) > 5_000
    assert slope_per_hour(samples(0, 9_000), "rss_kb") == 0.0


def test_what_grows_is_named() -> None:
    """A slope above the plan's bound is an answer, one below it is not, and shrinking never is."""
    plan = Plan(seconds=1, warm_up_s=0, rss_kb_per_hour=1_000)
    assert set(not_flat(samples(0, 1_000, 2_000), plan)) == {"rss_kb"}
    assert not not_flat(samples(5_000, 5_010, 5_005, 5_015), plan)
    assert not not_flat(samples(9_000, 5_000, 1_000), plan)


def test_bounds_are_for_what_is_looked_at() -> None:
    """Half an hour has 25 minutes after its warm-up, in which 4 MB are allowed; four hours have 4 MB for each."""
    half, four = planned(30, 1), planned(240, 1)
    assert half.warm_up_s == four.warm_up_s == 300
    assert round(half.rss_kb_per_hour * 25 / 60) == four.rss_kb_per_hour == 4_096


@pytest.mark.parametrize("forwarder", ["native", "plain"])
def test_a_short_call_leaves_nothing_behind(forwarder: str) -> None:
    """Guests come, go, mute, resume and vanish; everybody always has everybody, and at the end every table is empty.

    Memory of a minute says little: its bound here is what a leak of each packet would pass.
    """
    plan = Plan(
        seconds=8,
        forwarder=forwarder,
        warm_up_s=2,
        guests=6,
        roll_call_s=2,
        action_s=0.2,
        rss_kb_per_hour=4_000_000,
        files_per_hour=20_000,
        threads_per_hour=20_000,
        late_ms_per_hour=10_000_000,
    )
    figures = asyncio.run(soak(plan))
    assert figures["done"]["come"] > plan.guests
    assert figures["packets_out"] > 1_000
    assert figures["wrong"].get("bug", 0) == 0
