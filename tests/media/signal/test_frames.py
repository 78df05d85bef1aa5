"""One WebSocket's frames, and how many of them."""

from __future__ import annotations

import contextlib
import hashlib
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st
from livekit.protocol import rtc

from media.signal.frames import (
    LEAST_DEFLATED,
    MAX_FRAME,
    TOLD_COST,
    BadFrame,
    Encoded,
    Frames,
    framed,
)


def test_protobuf_is_answered_in_protobuf_and_json_in_json() -> None:
    """A connection answers in the mode its client spoke last."""
    frames = Frames()
    ping = rtc.SignalRequest(ping=7)
    pong = rtc.SignalResponse(pong=7)

    assert ping == frames.read(ping.SerializeToString())
    assert frames.write(Encoded(pong), deflated=False)[0] == b"\x82\x03" + pong.SerializeToString()
    assert ping == frames.read('{"ping": "7"}')
    assert frames.write(Encoded(pong), deflated=False) == (b'\x81\x0d{"pong": "7"}', 13)


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


def unframed(frame: bytes) -> tuple[int, bytes]:
    """First byte and message of a server's frame, inflated without anything that came before (RFC 7692 7.2.2)."""
    at, size = 2, frame[1]
    if size >= 126:
        at = 4 if size == 126 else 10
        size = int.from_bytes(frame[2:at], "big")
    assert len(frame) == at + size
    message = frame[at:]
    if frame[0] & 0x40:
        message = zlib.decompressobj(-15).decompress(message + b"\x00\x00\xff\xff")
    return frame[0], message


@pytest.mark.parametrize("size", [0, 125, 126, LEAST_DEFLATED, 65_535, 65_536, 300_000])
@pytest.mark.parametrize("deflated", [False, True])
@pytest.mark.parametrize("pattern", [b"all alike ", bytes(range(256)) * 2])
def test_a_frame_holds_its_message_and_nothing_else(
    size: int, deflated: bool, pattern: bytes
) -> None:
    """Of any length, deflated or not: it is read by itself, and is never longer than the plain one."""
    message = (pattern * (size // len(pattern) + 1))[:size]

    frame = framed(message, 2, deflated=deflated)

    first, found = unframed(frame)
    assert found == message
    assert first & 0x8F == 0x82
    assert bool(first & 0x40) == (deflated and size >= LEAST_DEFLATED)
    assert len(frame) <= len(framed(message, 2, deflated=False))


def test_what_deflate_makes_longer_goes_out_plain() -> None:
    """Encrypted metadata, for one."""
    noise = b"".join(hashlib.sha256(bytes((number,))).digest() for number in range(64))

    assert framed(noise, 2, deflated=True) == framed(noise, 2, deflated=False)


def test_many_who_are_told_the_same_are_sent_the_same_bytes() -> None:
    """One frame for all who deflate, one for those who do not, and JSON for those who speak it."""
    told = Encoded(rtc.SignalResponse(refresh_token="x" * 5_000))

    deflated, size = told.frame(text=False, deflated=True)

    assert told.frame(text=False, deflated=True)[0] is deflated
    assert size == len(told.as_bytes()) > 20 * len(deflated)
    assert unframed(deflated)[1] == told.as_bytes()
    assert unframed(told.frame(text=False, deflated=False)[0]) == (0x82, told.as_bytes())
    assert unframed(told.frame(text=True, deflated=True)[0]) == (0xC1, told.as_text().encode())
