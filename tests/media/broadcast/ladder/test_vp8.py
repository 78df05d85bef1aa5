"""VP8 packets: whole pictures come out, or none until a key frame; whatever comes in."""

from __future__ import annotations

from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from media.broadcast.cmaf.clocks import PublisherClock
from media.broadcast.cmaf.pictures import Unseen
from media.broadcast.ladder.values import LARGEST, Coded
from media.broadcast.ladder.vp8 import Vp8Source, is_key, size_of
from media.forwarder.plain.rtp import RtpPacket
from tests.media.broadcast.ladder.vp8_film import film, packets

FILM = film(12, keys=(0, 8))


def _source() -> Vp8Source:
    return Vp8Source(PublisherClock().stream(90_000))


def _taken(source: Vp8Source, some: list[RtpPacket]) -> list[Coded]:
    return [coded for packet in some for coded in source.take(packet, 0)]


def test_whole_pictures() -> None:
    """Every frame of libvpx comes out byte for byte, at its time, and key frames are known."""
    source = _source()
    out = _taken(source, list(packets(FILM, sequence=65_530, timestamp=2**32 - 7_200)))
    assert [coded.data for coded in out] == list(FILM)
    assert [coded.ticks for coded in out] == [number * 1_920 for number in range(12)]
    assert [number for number, coded in enumerate(out) if coded.key] == [0, 8]
    assert size_of(FILM[0]) == (160, 96)
    assert not source.wants_key


def test_without_markers() -> None:
    """A picture whose marker is lost with nothing else ends with the next one's first packet."""
    out = _taken(_source(), [evolve(each, marker=False) for each in packets(FILM)])
    assert [coded.data for coded in out] == list(FILM[:-1])


def test_a_hole_wants_a_key_frame() -> None:
    """Wherever a packet is missing, the next picture that comes out after the hole is a key frame."""
    sent = list(packets(FILM))
    of = [packet.timestamp // 3_600 for packet in sent]
    for hole, missing in enumerate(of[:-1]):  # that the last one is missing nobody can know
        source = _source()
        out = _taken(source, sent[:hole] + sent[hole + 1 :])
        numbers = [coded.ticks // 1_920 for coded in out]
        shown = [number for number in range(12) if number < missing or number >= 8 > missing]
        if missing >= 8:
            shown = list(range(missing))
        if missing == 0:  # the first packet that comes begins the clock
            assert len(numbers) == 4
            assert out[0].key
        else:
            assert numbers == shown
        assert source.wants_key == (missing >= 8)
        assert source.unseen[Unseen.AFTER_LOSS] > 0


def test_late_and_doubled_packets() -> None:
    """A packet that comes again, or too late, changes nothing; padding does not either."""
    sent = []
    for packet in packets(FILM):
        sent += [packet, packet, evolve(packet, sequence=(packet.sequence - 5) & 0xFFFF)]
    assert [coded.data for coded in _taken(_source(), sent)] == list(FILM)


def test_a_picture_has_bounds() -> None:
    """A picture that never ends is given up, and its memory with it."""
    source = _source()
    piece = b"\x80\x80\x80\x01" + bytes(1_300)
    for number in range(LARGEST // 1_300 + 100):
        first = b"\x90\x80\x80\x01" + FILM[0] if number == 0 else piece
        source.take(RtpPacket(96, False, number & 0xFFFF, 0, 1, {}, first), 0)
    assert source.wants_key
    assert source._size == 0
    assert source._pieces == []


def test_beginnings_that_no_decoder_understands() -> None:
    """A partition longer than the picture, a wrong start code, a size of nothing are no pictures."""
    key = FILM[0]
    assert is_key(key) is True
    assert is_key(FILM[1]) is False
    assert is_key(b"") is None
    assert is_key(key[:9]) is None
    assert is_key(b"\xfe\xff\xff" + key[3:]) is None
    assert is_key(key[:3] + b"\x9d\x01\x2b" + key[6:]) is None
    assert is_key(key[:6] + bytes(4) + key[10:]) is None


_PACKETS = st.builds(
    RtpPacket,
    st.just(96),
    st.booleans(),
    st.integers(0, 40),
    st.sampled_from([0, 3_600, 7_200]),
    st.just(1),
    st.just({}),
    st.one_of(
        st.binary(max_size=40),
        st.sampled_from(
            [b"\x10" + FILM[0], b"\x90\x80\x01" + FILM[1], b"\x00", b"\x80", b"\x90\xf0"]
        ),
    ),
)


@given(st.lists(_PACKETS, max_size=30))
def test_fuzz_vp8_packets(some: list[RtpPacket]) -> None:
    """No packets raise anything; nothing comes out before a key frame, and key frames are told from others."""
    source = _source()
    out = _taken(source, some)
    assert not out or out[0].key
    assert all(is_key(coded.data) is coded.key for coded in out)
    assert source._size == sum(map(len, source._pieces))
