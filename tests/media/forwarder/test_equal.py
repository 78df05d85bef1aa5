"""The native forwarder is the plain one: the same answers, byte for byte, to whatever happens."""

from __future__ import annotations

from hashlib import shake_256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from media.forwarder.api import Drop, SrtpProfile, Stats
from media.forwarder.plain.forwarder import PlainForwarder
from media.forwarder.plain.rtcp_build import build_nack
from tests.media.forwarder.conftest import IMPLEMENTATIONS
from tests.media.forwarder.ends import MID, RID, rtp
from tests.media.forwarder.histories import TEACHER, Poll, Receive, Step, frame, lesson, play, pupil
from tests.media.forwarder.school import STEP_BYTES, School

NATIVE = IMPLEMENTATIONS.get("native")
#: What a day does not bring.
RARE = {Drop.QUEUE_FULL.value, Drop.TOO_OFTEN.value}


needs_native = pytest.mark.skipif(
    NATIVE is None, reason="the native forwarder is not built (make native)"
)


def agree(day: bytes, profile: SrtpProfile) -> Stats:
    """What happened in all, when both said the same to every step."""
    assert NATIVE is not None
    plain, native = School(PlainForwarder, profile, day), School(NATIVE, profile, day)
    stats = Stats()
    for step, (expected, found) in enumerate(zip(plain.answers(), native.answers(), strict=True)):
        assert found.sent == expected.sent, step
        assert found.events == expected.events, step
        assert found.tapped == expected.tapped, step
        assert found.refused == expected.refused, step
        assert found.wakeup == expected.wakeup, step
        assert found.stats == expected.stats, step
        stats = found.stats
    return stats


@needs_native
@given(day=st.binary(max_size=3_000), profile=st.sampled_from(SrtpProfile))
def test_fuzz_both_answer_alike(day: bytes, profile: SrtpProfile) -> None:
    """After every step of any day: what was sent, what was told, when to wake, and every counter are the same."""
    agree(day, profile)


@needs_native
@pytest.mark.parametrize("profile", SrtpProfile)
def test_long_days_are_alike(profile: SrtpProfile) -> None:
    """Thousands of steps: packets are forwarded, copied, sent again, asked for, and dropped for every reason."""
    happened = [
        agree(shake_256(bytes((day,))).digest(STEP_BYTES * 2_000), profile) for day in range(3)
    ]
    dropped = {why for stats in happened for why in stats.drops}
    assert dropped >= {each.value for each in Drop} - RARE
    assert min(stats.packets_out for stats in happened) > 100
    assert min(stats.retransmitted for stats in happened) > 0
    assert sum(stats.tapped for stats in happened) > 150


@needs_native
def test_bounds_are_alike() -> None:
    """More datagrams than are kept, SSRCs than a peer may use, RTCP than is looked at: the same ones are dropped."""
    steps: list[Step] = lesson(40)
    steps += [step for number in range(300) for step in frame(number, key=number == 0, packets=2)]
    for number in range(1_200):
        elements = {MID: b"1", RID: b"q"}
        packet = rtp(ssrc=100_000 + number, sequence=number, payload=b"x", elements=elements)
        steps.append(Receive(TEACHER, packet, 20 + number / 1000))
    steps += [Receive(pupil(0), build_nack(5000, [number]), 25.0) for number in range(5_100)]
    steps.append(Poll(30.0))
    assert NATIVE is not None
    plain, native = PlainForwarder(), NATIVE()
    for forwarder in (plain, native):
        play(forwarder, steps)
    assert native.take_output() == plain.take_output()
    assert native.take_events() == plain.take_events()
    assert native.stats() == plain.stats()
    assert plain.stats().drops.keys() >= RARE
