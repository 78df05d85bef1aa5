"""Transport-wide feedback, read by a decoder written from the draft alone."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from media.forwarder.api import Forwarder
from media.forwarder.plain.feedback import INTERVAL_S, TransportFeedback, pack_symbols
from tests.media.forwarder.arrivals import arrivals_in, decode, unpack_symbols
from tests.media.forwarder.ends import TRANSPORT_CC, End, rtp
from tests.media.forwarder.histories import MICROPHONE_IN, TEACHER


def test_the_decoder_reads_a_known_message() -> None:
    """A message that other implementations test with (pion/rtcp): number 153, 37 ms after its reference time."""
    message = bytes.fromhex("afcd0005fa17fa1743032fa0009900013de8021720019401")
    assert decode(message) == {153: pytest.approx(4057090 * 0.064 + 0.037)}


@given(symbols=st.lists(st.integers(0, 2), max_size=60))
def test_symbols_come_back(symbols: list[int]) -> None:
    """Runs and vectors say the same as the list."""
    packed = pack_symbols(symbols)
    assert len(packed) % 2 == 0
    assert unpack_symbols(packed, 0, len(symbols))[0][: len(symbols)] == symbols


@given(
    first=st.integers(0, 0xFFFF),
    steps=st.lists(st.tuples(st.integers(1, 30), st.floats(-0.05, 0.05)), min_size=1, max_size=80),
)
def test_arrivals_are_told_to_a_quarter_millisecond(
    first: int, steps: list[tuple[int, float]]
) -> None:
    """Which packets came, and when, whatever was lost in between."""
    feedback = TransportFeedback()
    number, now = first, 100.0
    expected = {}
    for step, passed in steps:
        number += step
        now += passed
        expected[number & 0xFFFF] = now
        feedback.arrived(number & 0xFFFF, 1234, now)
    messages = feedback.poll(max(expected.values()) + 2 * INTERVAL_S)

    told: dict[int, float] = {}
    for message in messages:
        told |= decode(message)
    assert told.keys() == expected.keys()
    assert all(abs(told[each] - expected[each]) <= 0.0003 for each in told)


def test_it_is_told_ten_times_a_second_and_counted() -> None:
    """One message for each tenth of a second in which something came; their counter grows."""
    feedback = TransportFeedback()
    assert feedback.next_wakeup() is None
    assert feedback.poll(0.0) == []
    feedback.arrived(1, 7, 0.0)
    assert feedback.next_wakeup() == INTERVAL_S
    feedback.arrived(2, 7, 0.05)
    (one,) = feedback.poll(0.1)
    feedback.arrived(3, 7, 0.15)
    (two,) = feedback.poll(0.25)
    assert feedback.poll(0.4) == []
    assert (list(decode(one)), list(decode(two))) == ([1, 2], [3])
    assert (one[19], two[19]) == (0, 1)


def test_a_packet_that_has_waited_is_told_when_it_came(make: Callable[[], Forwarder]) -> None:
    """A busy machine came to it later: that is no slow link, and no probe without length."""
    forwarder, teacher = make(), End(TEACHER)
    forwarder.add_peer(TEACHER, teacher.keys)
    forwarder.add_track(MICROPHONE_IN)
    came = {number: 8.0 + number * 0.005 for number in range(1, 8)}
    for number, at in came.items():
        packet = rtp(
            ssrc=2001,
            sequence=number,
            payload_type=111,
            payload=b"voice",
            elements={TRANSPORT_CC: number.to_bytes(2, "big")},
        )
        forwarder.receive(TEACHER, teacher.protect(packet), 8.04, at if number < 7 else None)
    forwarder.poll(8.2)
    told: dict[int, float] = {}
    for each in forwarder.take_output():
        if isinstance(control := teacher.read(each.data), bytes):
            told |= arrivals_in(control)
    assert told == {n: pytest.approx(at, abs=0.0003) for n, at in (came | {7: 8.04}).items()}


def test_an_overtaken_packet_is_told_afterwards() -> None:
    """What came after its neighbours were told is told with them again."""
    feedback = TransportFeedback()
    feedback.arrived(1, 7, 0.0)
    feedback.arrived(3, 7, 0.0)
    feedback.poll(0.1)
    feedback.arrived(2, 7, 0.11)
    (message,) = feedback.poll(0.3)
    assert list(decode(message)) == [2, 3]
