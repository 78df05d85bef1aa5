"""Figures of a broadcast from what players say; hands in their order."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from media.broadcast.house.audience import FRESH_S, GONE_S, Audience
from media.broadcast.house.raised import MOST, Raised
from media.broadcast.pages.heartbeat import Heartbeat
from media.broadcast.pages.shown import Figures


def said(rebuffers: int = 0, latency_s: float | None = 2.0) -> Heartbeat:
    return Heartbeat(position_s=1.0, latency_s=latency_s, rebuffers=rebuffers, level=360)


def test_nobody_watches() -> None:
    """Before the first heartbeat there are no viewers, and no delay is known."""
    assert Audience().figures(0.0) == Figures()


def test_figures() -> None:
    """The middle of the delays that players could tell, and the share of those whose picture has just stopped."""
    one = Audience()
    for viewer, delay_s in (("a", 1.0), ("b", 2.0), ("c", 9.0), ("d", None)):
        one.beat(viewer, said(latency_s=delay_s), 0.0)
    assert one.beat("a", said(2, 1.0), 1.0) == 2
    assert one.figures(1.0, hands=3) == Figures(viewers=4, delay_s=2.0, stalled=0.25, hands=3)
    assert one.beat("a", said(2, 1.0), 31.0) == 0
    assert one.figures(31.0).stalled == 0
    assert one.rebuffers == 2


def test_a_page_loaded_again_counts_from_nothing() -> None:
    """A smaller number than before is a new page's: what it says has happened since."""
    one = Audience()
    assert [one.beat("a", said(n), float(n)) for n in (3, 1, 1, 2)] == [3, 1, 0, 1]
    assert one.rebuffers == 5


def test_who_is_silent_is_gone() -> None:
    """Two heartbeats that did not come end a viewer; figures are made anew every two seconds at most."""
    one = Audience()
    one.beat("a", said(), 0.0)
    one.beat("b", said(), GONE_S)
    assert one.figures(GONE_S).viewers == 2
    assert one.figures(GONE_S + FRESH_S / 2).viewers == 2
    assert one.figures(GONE_S + FRESH_S).viewers == 1


@given(st.lists(st.tuples(st.sampled_from("abcdefgh"), st.integers(0, 5)), max_size=60))
def test_bounded(beats: list[tuple[str, int]]) -> None:
    """However many say something, so many are remembered, and shares stay shares."""
    one = Audience(most=5)
    for at, (viewer, rebuffers) in enumerate(beats):
        one.beat(viewer, said(rebuffers), at * 0.1)
        found = one.figures(at * 0.1 + FRESH_S * at)
        assert found.viewers <= 5
        assert 0 <= found.stalled <= 1


def test_hands() -> None:
    """A hand that is up already changes nothing; more than a thousand are not remembered."""
    hands = Raised()
    assert [hands.set("a", up) for up in (True, True, False, False)] == [True, False, True, False]
    assert [hands.set(f"v{n}", True) for n in range(MOST + 1)].count(True) == MOST
    assert len(hands) == MOST
    assert "v0" in hands
    assert "a" not in hands
