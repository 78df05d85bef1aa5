"""Clocks: unrolled, tied to each other by reports, held near the broadcast's clock."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from media.broadcast.cmaf.clocks import JUMP, RATE, SLOW, WINDOW, PublisherClock

SECOND_NTP = 1 << 32


def test_time_goes_on_over_the_wrap() -> None:
    """A second of 90 kHz is a second of the broadcast, also when the timestamp wraps."""
    clock = PublisherClock().stream(90_000)
    first = clock.ticks(2**32 - 45_000, 1_000)
    assert first == 1_000
    assert clock.ticks(45_000, 1_000 + RATE) == 1_000 + RATE


def test_lips_and_voice_agree() -> None:
    """Pictures that come 200 ms after their sound are shown with it once both have reported."""
    publisher = PublisherClock()
    sound, pictures = publisher.stream(48_000), publisher.stream(90_000)
    sound.ticks(5_000, 0)
    pictures.ticks(70_000, RATE // 5)  # the same moment, later here
    sound.report(100 * SECOND_NTP, 5_000, 0)
    pictures.report(100 * SECOND_NTP, 70_000, RATE // 5)
    assert sound.ticks(5_000 + 48_000, RATE) == RATE
    assert pictures.ticks(70_000 + 90_000, RATE * 6 // 5) == RATE


def test_a_report_before_the_first_packet() -> None:
    """A report that comes first is used."""
    publisher = PublisherClock()
    publisher.stream(48_000).report(7 * SECOND_NTP, 0, 500)
    pictures = publisher.stream(90_000)
    pictures.report(8 * SECOND_NTP, 0, 500 + RATE)
    assert pictures.ticks(9_000, 500 + RATE + RATE // 5) == 500 + RATE + RATE // 10


def test_a_clock_that_jumps() -> None:
    """An encoder whose timestamps jump by an hour is tied anew: its pictures are shown when they come."""
    clock = PublisherClock().stream(90_000)
    clock.ticks(0, 0)
    assert clock.ticks(90_000 * 3_600, RATE) == RATE
    assert clock.ticks(90_000 * 3_601, 2 * RATE) == 2 * RATE
    assert clock.ticks(0, 3 * RATE) == 3 * RATE


def test_quartz_drifts() -> None:
    """A publisher whose second is 1.0002 of ours stays within 0.3 s for an hour, and both its streams agree."""
    publisher = PublisherClock()
    sound, pictures = publisher.stream(48_000), publisher.stream(90_000)
    worst = apart = 0
    for second in range(3_600):
        now = second * RATE + second * RATE // 5_000
        voice = sound.ticks(second * 48_000 % 2**32, now)
        picture = pictures.ticks(second * 90_000 % 2**32, now)
        worst = max(worst, now - voice)
        apart = max(apart, abs(voice - picture))
    assert SLOW < worst < SLOW + RATE // 10
    assert apart <= SLOW + RATE // 100


def test_one_late_packet_moves_nothing() -> None:
    """A stall of the network is no drift: of a window the packet that came soonest counts."""
    clock = PublisherClock().stream(48_000)
    for second in range(60):
        late = RATE if second % 10 else 0
        assert clock.ticks(second * 48_000, second * RATE + late) == second * RATE


@given(
    st.lists(
        st.tuples(
            st.integers(0, 3),
            st.integers(0, 2**32 - 1),
            st.integers(0, 2**64 - 1),
            st.integers(0, WINDOW),
        ),
        max_size=40,
    )
)
def test_any_timestamps(steps: list[tuple[int, int, int, int]]) -> None:
    """Whatever packets and reports say, a packet's moment is within `JUMP` of when it came."""
    publisher = PublisherClock()
    streams = [publisher.stream(48_000), publisher.stream(90_000)]
    now = 0
    for what, timestamp, ntp, later in steps:
        now += later
        stream = streams[what & 1]
        if what & 2:
            stream.report(ntp, timestamp, now)
        else:
            assert abs(stream.ticks(timestamp, now) - now) <= JUMP
