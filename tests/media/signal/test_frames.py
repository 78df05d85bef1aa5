"""One WebSocket's frames, and how many of them."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st
from livekit.protocol import rtc

from media.signal.frames import MAX_FRAME, TOLD_COST, BadFrame, Encoded, Frames, Pace


def test_protobuf_is_answered_in_protobuf_and_json_in_json() -> None:
    """A connection answers in the mode its client spoke last."""
    frames = Frames()
    ping = rtc.SignalRequest(ping=7)
    pong = rtc.SignalResponse(pong=7)

    assert ping == frames.read(ping.SerializeToString())
    assert pong.SerializeToString() == frames.write(Encoded(pong))
    assert ping == frames.read('{"ping": "7"}')
    assert frames.write(Encoded(pong)) == '{"pong": "7"}'


def test_a_message_of_a_newer_client_is_counted_and_ignored() -> None:
    """A field that our protobuf does not know is no error: the Python SDK already announces protocol 18."""
    frames = Frames()

    assert frames.read(b"\xfa\x3e\x02\x08\x01") is None
    assert frames.read('{"fromTheFuture": {"a": 1}}') is None
    assert dict(frames.unknown) == {"request": 2}


@pytest.mark.parametrize(
    "frame",
    [b"\xff\xff\xff", "no json", "[1]", b"\x0a" + bytes(MAX_FRAME), "[" * 5000, '{"ping": {}}'],
)
def test_garbage_ends_the_connection(frame: bytes | str) -> None:
    """What is no SignalRequest, or too long for one, is refused as a whole."""
    with pytest.raises(BadFrame):
        Frames().read(frame)


@given(st.binary(max_size=200) | st.text(max_size=200))
def test_any_frame_is_read_or_refused(frame: bytes | str) -> None:
    """No frame raises anything but BadFrame."""
    with contextlib.suppress(BadFrame):
        Frames().read(frame)


def test_a_flood_is_stopped_and_a_patient_client_goes_on() -> None:
    """A burst is let through, then so many a second."""
    pace = Pace(burst=3, per_second=2)

    assert [pace.allows(10.0) for _ in range(4)] == [True, True, True, False]
    assert [pace.allows(10.5) for _ in range(2)] == [True, False]
    assert pace.allows(100.0)


@pytest.mark.parametrize(
    ("request_", "cost"),
    [
        (rtc.SignalRequest(ping=1), 0.0),
        (rtc.SignalRequest(mute=rtc.MuteTrackRequest(sid="TR_1")), TOLD_COST),
        (rtc.SignalRequest(update_metadata=rtc.UpdateParticipantMetadata()), TOLD_COST),
        (
            rtc.SignalRequest(update_metadata=rtc.UpdateParticipantMetadata(metadata="x" * 16_000)),
            TOLD_COST + 16,
        ),
        (
            rtc.SignalRequest(
                update_metadata=rtc.UpdateParticipantMetadata(
                    attributes={str(number): "x" * 1000 for number in range(32)}
                )
            ),
            TOLD_COST + 32,
        ),
    ],
)
def test_what_everyone_is_told_of_costs_more(request_: rtc.SignalRequest, cost: float) -> None:
    """The more the longer it is: a hundred people are sent it."""
    assert Frames.cost(request_) == cost
