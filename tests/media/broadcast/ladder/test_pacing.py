"""A machine that does not keep up makes fewer pictures, never later ones."""

from __future__ import annotations

from collections import deque

from hypothesis import given
from hypothesis import strategies as st

from media.broadcast.cmaf.clocks import RATE
from media.broadcast.ladder.pacing import LOST, MOST_BYTES, MOST_WAITING, SKIPPED, Pacing, Verdict

STEP = RATE // 25


def _run(costs: list[tuple[float, float]], seconds: int) -> tuple[list[Verdict], list[int], Pacing]:
    """Pictures at 25 a second; decoding and making one takes `costs` steps, one pair a second, the last for good.

    Returns:
        what was done with each, how long each that was made took, and the pacing.
    """
    pacing = Pacing()
    verdicts: list[Verdict] = []
    took: list[int] = []
    queue: deque[tuple[int, bool]] = deque()
    free_at = 0.0
    for number in range(25 * seconds):
        now = number * STEP
        decode, make = costs[min(number // 25, len(costs) - 1)]
        while queue:
            given, made = queue[0]
            ends = max(free_at, given) + STEP * (make if made else decode)
            if ends > now:
                break
            free_at = ends
            queue.popleft()
            pacing.done()
            if made:
                took.append(int(ends) - given)
        verdict = pacing.give(1_000, now)
        verdicts.append(verdict)
        if verdict is not Verdict.DROP:
            queue.append((now, verdict is Verdict.MAKE))
    return verdicts, took, pacing


def test_a_machine_that_keeps_up() -> None:
    """Every picture is made."""
    verdicts, _, pacing = _run([(0.2, 0.9)], 10)
    assert set(verdicts) == {Verdict.MAKE}
    assert pacing.is_full


def test_a_machine_half_as_fast() -> None:
    """Fewer pictures are made, none later than a second, and none is lost."""
    verdicts, took, pacing = _run([(0.2, 2.0)], 30)
    assert Verdict.DROP not in verdicts
    assert 0.2 < verdicts[-250:].count(Verdict.MAKE) / 250 < 0.6
    assert max(took) < SKIPPED + RATE // 4
    assert not pacing.is_full


def test_a_machine_that_recovers() -> None:
    """After a slow while everything is made again."""
    verdicts, _, pacing = _run([(0.2, 3.0)] * 5 + [(0.2, 0.5)], 60)
    assert pacing.is_full
    assert set(verdicts[-250:]) == {Verdict.MAKE}


def test_a_machine_that_cannot_even_decode() -> None:
    """Pictures are thrown away before more than a second of them waits."""
    verdicts, _, pacing = _run([(5.0, 9.0)], 30)
    assert Verdict.DROP in verdicts
    assert pacing.waiting <= LOST // STEP + 1


@given(
    st.lists(
        st.tuples(st.integers(0, 3_000_000), st.integers(0, 48_000), st.integers(0, 3)),
        max_size=400,
    )
)
def test_what_waits_is_bounded(events: list[tuple[int, int, int]]) -> None:
    """Whatever comes and goes, pictures and bytes that wait have bounds."""
    pacing = Pacing()
    now = 0
    for size, later, done in events:
        now += later
        pacing.give(size, now)
        for _ in range(done):
            pacing.done()
        assert pacing.waiting <= MOST_WAITING
        assert 0 <= pacing._bytes <= MOST_BYTES
    pacing.begin_anew()
    assert pacing.give(1, now + RATE) is not Verdict.DROP
