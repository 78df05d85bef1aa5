"""What the load generator is told: mixes, and the lines of the native part."""

from __future__ import annotations

from itertools import pairwise

import pytest

from bench.light_wire import Handed
from bench.load.plan import (
    HUNDRED,
    MAIN,
    ONE,
    SOUND,
    THUMBNAIL,
    Begun,
    Reading,
    offset_us,
    reading,
    stream_line,
    wire_line,
)
from tests.media.forwarder.ends import keys_of
from tests.media.forwarder.histories import TEACHER
from tests.media.sdp.goldens import golden


def test_a_class_gets_thirteen_streams() -> None:
    """Three voices, nine small pictures and a large one: 555 packets a second to each, as in forwarder.md."""
    streams = [one for each in HUNDRED.publishers for one in each]
    assert [streams.count(one) for one in (SOUND, THUMBNAIL, MAIN)] == [3, 9, 1]
    assert HUNDRED.packets_s == pytest.approx(555, abs=0.1)
    assert HUNDRED.heard(100) == 1287


def test_one_camera_is_180_packets_a_second() -> None:
    """Thirty pictures of six packets."""
    assert ONE.packets_s == pytest.approx(180, abs=0.1)
    assert ONE.heard(21) == 20


def test_publishers_are_not_in_step() -> None:
    """No two of ten begin within a fiftieth of the period of each other."""
    offsets = sorted(offset_us(number, THUMBNAIL) for number in range(10))
    assert all(0 <= one < THUMBNAIL.period_us for one in offsets)
    assert min(b - a for a, b in pairwise(offsets)) > THUMBNAIL.period_us / 50


def test_a_description_says_how_what_comes_is_read() -> None:
    """The id of transport-wide numbers, and what each RTX payload type repairs."""
    found = reading([golden("chromium_v1_publish")])
    assert found.transport_cc == 3
    assert found.rtx[97] == 96
    assert reading(["m=audio 9 UDP/TLS/RTP/SAVPF 111\r\n"]) == Reading()


def test_a_wire_is_told_with_its_keys() -> None:
    """Everything that the native part needs is one line; a repr of the same values shows no secret."""
    handed = Handed(7, keys_of(TEACHER), b"\x00\x01", "password")
    line = wire_line(handed, Reading(3, {97: 96, 99: 98}), sent=7)
    assert line.startswith("wire fd=7 profile=SRTP_AEAD_AES_128_GCM rx_key=")
    assert f"tx_key={handed.keys.tx_key.hex()} " in line
    assert line.endswith("check=0001 pwd=password transport_cc=3 sent=7 rtx=97:96,99:98")
    assert "password" not in repr(handed)
    assert handed.keys.tx_key.hex() not in repr(handed)


def test_a_stream_is_told_with_its_rhythm() -> None:
    """A picture is a burst, sound is a packet."""
    line = stream_line(MAIN, wire=2, ssrc=9, mid="1", offset_us=5)
    assert line.startswith("stream kind=video wire=2 ssrc=9 payload_type=96 mid=1 mid_id=4 ")
    assert "period_us=33333 offset_us=5 packets=6 size=1100" in line
    assert "kind=audio wire=2 ssrc=9 payload_type=111" in stream_line(
        SOUND, wire=2, ssrc=9, mid="1", offset_us=5
    )


def test_a_stream_that_was_begun_here_is_gone_on_with() -> None:
    """Numbers are told as they stand in packets: sequences in 16 bits, pictures in 15."""
    begun = Begun(sequence=65_537, timestamp=960, picture=0x8001)
    line = stream_line(SOUND, wire=2, ssrc=9, mid="1", offset_us=5, begun=begun)
    assert line.endswith(" sequence=1 timestamp=960 picture=1")
    fresh = stream_line(SOUND, wire=2, ssrc=9, mid="1", offset_us=5)
    assert fresh.endswith(" sequence=0 timestamp=0 picture=0")
