"""H.264 as encoders write it and as attackers do: parameter sets, slices, packets."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from media.broadcast.cmaf.bits import Bits, unescape
from media.broadcast.cmaf.depacketizer import Depacketizer
from media.broadcast.cmaf.parameter_sets import parse_picture_set, parse_sequence_set
from media.broadcast.cmaf.pictures import (
    LARGEST_PICTURE,
    MOST_NALS,
    MOST_PICTURE_SETS,
    MOST_SETS,
    Picture,
    PictureReader,
    Unseen,
    join_lengths,
    split_annex_b,
)
from media.forwarder.plain.rtp import Malformed
from tests.media.broadcast.cmaf.camera import Units, film, packet, packets

#: As Chromium 156 (OpenH264) and OBS 30 (x264, main) write them, taken from their streams' shape.
CHROMIUM_SPS = bytes.fromhex("6742c01f8c8d40501ef3e0220000030002000003007908")


def _sps(units: Units) -> bytes:
    return next(nal for nal in units if nal[0] & 0x1F == 7)


@pytest.mark.parametrize(
    ("width", "height", "more"),
    [
        (64, 48, {"profile": "baseline"}),
        (642, 362, {"profile": "main", "preset": "veryfast"}),
        (1920, 1080, {"profile": "high", "preset": "veryfast"}),
        (62, 34, {"pix_fmt": "yuv444p"}),
        (66, 50, {"pix_fmt": "yuv422p"}),
        (64, 64, {"x264-params": "interlaced=1:nal-hrd=vbr:vbv-maxrate=500:vbv-bufsize=500"}),
    ],
)
def test_size_and_profile(width: int, height: int, more: dict[str, str]) -> None:
    """Every profile's SPS gives the size that was coded, cropped, and the bytes of its codec string."""
    sps = _sps(film(1, width=width, height=height, **more)[0])
    sequence = parse_sequence_set(sps)
    assert (sequence.width, sequence.height) == (width, height)
    assert sequence.codec == f"avc1.{sps[1:4].hex()}"
    assert sequence.chroma == {"yuv444p": 3, "yuv422p": 2}.get(more.get("pix_fmt", ""), 1)


def test_reordering_is_seen_in_the_sps() -> None:
    """Baseline and x264 without B-frames say that nothing is reordered; with them they say that it is."""
    assert not parse_sequence_set(_sps(film(1, profile="baseline")[0])).reorders
    assert not parse_sequence_set(_sps(film(3, profile="main")[0])).reorders
    assert parse_sequence_set(_sps(film(6, b_frames=2)[0])).reorders


@pytest.mark.parametrize(
    ("nal", "why"),
    [
        (b"\x67\x42", "sequence parameter set has an impossible length"),
        (b"\x67" + bytes(2_000), "sequence parameter set has an impossible length"),
        (b"\x67\x42\xc0\x1f", "H.264 unit is cut off"),
        (b"\x67\x42\xc0\x1f" + b"\0\0\0\0\0\0\xff", "H.264 number is too long"),
        (CHROMIUM_SPS[:8], "H.264 unit is cut off"),
    ],
)
def test_malformed_sequence_sets(nal: bytes, why: str) -> None:
    """A broken SPS is refused by name."""
    with pytest.raises(Malformed, match=f"^{why}$"):
        parse_sequence_set(nal)


def test_too_large_a_picture() -> None:
    """A picture of 16,384 samples across is refused, not allocated somewhere later."""
    bits = (
        "1" + "0000101" + "011" + "011" + "1" + "0"
    )  # ids, lengths, order 2 … then a width of 1,024 macroblocks
    bits += "0" * 10 + "1" + "0" * 10 + "1" * 40
    data = int(bits.ljust(160, "0"), 2).to_bytes(20, "big")
    with pytest.raises(Malformed):
        parse_sequence_set(b"\x67\x42\xc0\x1f" + data)


@given(st.binary(max_size=300))
def test_any_parameter_set(data: bytes) -> None:
    """Whatever a set holds, it is read or refused, and sizes stay below 4096."""
    for nal in (data, b"\x67\x64\x00\x1f" + data, b"\x67\x42\x00\x1f" + data):
        try:
            sequence = parse_sequence_set(nal)
        except Malformed:
            continue
        assert 0 < sequence.width <= 4096
        assert 0 < sequence.height <= 4096
    with suppress(Malformed):
        parse_picture_set(b"\x68" + data)


@given(st.data())
def test_damaged_parameter_sets(data: st.DataObject) -> None:
    """One changed byte of a real SPS harms nobody."""
    sps = bytearray(_sps(film(6, b_frames=2)[0]))
    place = data.draw(st.integers(1, len(sps) - 1))
    sps[place] = data.draw(st.integers(0, 255))
    with suppress(Malformed):
        parse_sequence_set(bytes(sps))


@given(st.integers(0, 10_000), st.integers(-5_000, 5_000))
def test_exp_golomb(unsigned: int, signed: int) -> None:
    """Numbers written as H.264 9.1 says are read back."""
    mapped = 2 * signed - 1 if signed > 0 else -2 * signed
    text = "".join("0" * (len(f"{n + 1:b}") - 1) + f"{n + 1:b}" for n in (unsigned, mapped))
    text = text.ljust(-(-len(text) // 8) * 8, "0")
    bits = Bits.of(int(text, 2).to_bytes(len(text) // 8, "big"))
    assert (bits.ue(10_000, "number"), bits.se()) == (unsigned, signed)


@given(st.lists(st.sampled_from([0, 0, 0, 1, 2, 3, 4, 255]), max_size=60).map(bytes))
def test_unescaping(data: bytes) -> None:
    """Bytes that were protected as H.264 7.4.1 says come out as they were."""
    escaped, zeros = bytearray(), 0
    for byte in data:
        if zeros == 2 and byte <= 3:
            escaped.append(3)
            zeros = 0
        escaped.append(byte)
        zeros = zeros + 1 if byte == 0 else 0
    assert unescape(bytes(escaped)) == data


def test_pictures_of_a_film() -> None:
    """Key frames, the others, one and the same parameter sets; delimiters and messages are left out."""
    reader = PictureReader()
    pictures = [reader.read(units, n) for n, units in enumerate(film(10, gop=5, x264opts="aud=1"))]
    shown = [each for each in pictures if isinstance(each, Picture)]
    assert [each.key for each in shown] == [True, *[False] * 4] * 2
    assert len({id(each.parameters) for each in shown}) == 1
    assert {each.data[4] & 0x1F for each in shown} == {1, 5}
    assert all(int.from_bytes(each.data[:4], "big") == len(each.data) - 4 for each in shown)


def test_b_frames_are_left_out() -> None:
    """Of a stream with B-frames the others are shown, and the reader says why not all."""
    reader = PictureReader()
    read = [reader.read(units, 0) for units in film(10, b_frames=2)]
    assert read.count(Unseen.B_FRAME) == 6
    assert all(isinstance(each, Picture) or each is Unseen.B_FRAME for each in read)


def test_what_is_no_picture() -> None:
    """Slices without their sets, sets without slices, empty units, too many of anything: each has its name."""
    first = film(1)[0]
    slices = [nal for nal in first if nal[0] & 0x1F == 5]
    sets = [nal for nal in first if nal[0] & 0x1F in {7, 8}]
    assert PictureReader().read(slices, 0) is Unseen.NO_PARAMETERS
    assert PictureReader().read(sets, 0) is Unseen.NO_PICTURE
    assert PictureReader().read([b""], 0) is Unseen.NO_PICTURE
    assert PictureReader().read([b"\x65"], 0) is Unseen.MALFORMED
    assert PictureReader().read([b"\x0c\xff"] * (MOST_NALS + 1), 0) is Unseen.MALFORMED
    assert PictureReader().read([bytes(LARGEST_PICTURE + 1)], 0) is Unseen.MALFORMED
    assert PictureReader().read([sets[0]] * (MOST_SETS + 1), 0) is Unseen.MALFORMED
    reader = PictureReader()
    many = [b"\x68" + _ue(number) + b"\xff" for number in range(MOST_PICTURE_SETS + 1)]
    assert [reader.read([nal], 0) for nal in many][-2:] == [Unseen.NO_PICTURE, Unseen.MALFORMED]


def _ue(number: int) -> bytes:
    code = f"{number + 1:b}"
    return int(("0" * (len(code) - 1) + code).ljust(16, "1"), 2).to_bytes(2, "big")


@given(st.lists(st.binary(max_size=60), max_size=8))
def test_any_units(nals: list[bytes]) -> None:
    """No units end the reader, before or after good ones; good ones are read afterwards."""
    reader = PictureReader()
    reader.read(film(1)[0], 0)
    reader.read(nals, 0)
    assert isinstance(reader.read(film(1)[0], 0), (Picture, Unseen))


@given(st.lists(st.binary(min_size=1, max_size=40).map(lambda each: each + b"\x80"), max_size=6))
def test_annex_b(nals: list[bytes]) -> None:
    """Units between start codes of three and four bytes are found again."""
    whole = [nal for nal in nals if b"\0\0\1" not in nal and b"\0\0\0" not in nal]
    coded = b"".join((b"\0\0\0\1", b"\0\0\1")[place % 2] + nal for place, nal in enumerate(whole))
    assert split_annex_b(coded) == whole
    assert len(join_lengths(whole)) == sum(map(len, whole)) + 4 * len(whole)


def test_annex_b_has_bounds() -> None:
    """A picture of millions of units, or of bytes, is refused."""
    with pytest.raises(Malformed, match="too many units"):
        split_annex_b(b"\0\0\1\x65" * (MOST_NALS + 1))
    with pytest.raises(Malformed, match="too large"):
        split_annex_b(bytes(LARGEST_PICTURE + 1))


def test_packets_become_the_units_they_were() -> None:
    """Single units, aggregated sets and fragments give the film again, across the wrap of both numbers."""
    sent = film(10, gop=5)
    taker = Depacketizer()
    got = [
        units
        for each in packets(sent, sequence=65_530, timestamp=2**32 - 7_000)
        for units in taker.take(each)
    ]
    assert [sorted(units.nals) for units in got] == [sorted(units) for units in sent]
    assert not any(units.after_loss for units in got)
    assert [units.timestamp for units in got] == [
        (2**32 - 7_000 + 3_600 * n) % 2**32 for n in range(10)
    ]


@given(st.sets(st.integers(0, 60), max_size=12), st.booleans())
def test_lost_packets(lost: set[int], repeated: bool) -> None:
    """Whatever is lost, no damaged picture comes out, and the first one after a hole says so."""
    sent = film(10, gop=5)
    numbered = list(packets(sent))
    taker = Depacketizer()
    got = []
    for place, each in enumerate(numbered):
        if place not in lost:
            got += taker.take(each)
            if repeated:
                got += taker.take(each)
    whole = {tuple(sorted(units)) for units in sent}
    assert all(tuple(sorted(units.nals)) in whole for units in got)
    places = [units.timestamp // 3_600 for units in got]
    assert places == sorted(set(places))
    for before, units in zip([-1, *places], got, strict=False):
        if before >= 0 and units.timestamp // 3_600 != before + 1:
            assert units.after_loss


def test_a_picture_without_marker() -> None:
    """A picture whose last packet does not say so ends with the next picture's first one."""
    taker = Depacketizer()
    taker.take(packet(0, 0, b"\x09"))
    assert taker.take(packet(1, 100, b"\x41one"))[0].nals == (b"\x09",)
    first, second = taker.take(packet(2, 200, b"\x41two", marker=True))
    assert (first.nals, second.nals) == ((b"\x41one",), (b"\x41two",))


def test_a_new_beginning_of_numbers() -> None:
    """An encoder whose numbers begin anew is heard again, after a loss; a late packet is not."""
    taker = Depacketizer()
    taker.take(packet(8_998, 0, b"\x09"))
    taker.take(packet(8_999, 50, b"\x41one", marker=True))
    taker.take(packet(9_000, 100, b"\x41one", marker=True))
    assert taker.take(packet(8_999, 50, b"\x41old", marker=True)) == []
    assert taker.take(packet(10, 200, b"\x41two", marker=True)) == []
    assert taker.take(packet(11, 300, b"\x41three", marker=True))[0].after_loss


@pytest.mark.parametrize(
    "payload",
    [
        b"\xe1forbidden bit",
        b"\x79stap-b",
        b"\x7a\x00",
        b"\x7d\x80fu-b",
        b"\x00nothing",
        b"\x78\x00",
        b"\x78\x00\x00",
        b"\x78\x00\x09short",
        b"\x7c\x81",
        b"\x7c\xc5both",
        b"\x7c\x05middle first",
    ],
)
def test_malformed_payloads(payload: bytes) -> None:
    """A payload that RFC 6184 does not know spoils its picture, not the next one."""
    taker = Depacketizer()
    taker.take(packet(0, 0, b"\x09", marker=True))
    assert taker.take(packet(1, 100, payload, marker=True)) == []
    after = taker.take(packet(2, 200, b"\x41next", marker=True))
    assert after[0].nals == (b"\x41next",)
    assert after[0].after_loss


@given(
    st.lists(
        st.tuples(st.integers(0, 3), st.integers(0, 3), st.binary(max_size=20), st.booleans()),
        max_size=30,
    )
)
def test_any_packets(steps: list[tuple[int, int, bytes, bool]]) -> None:
    """Any packets in any order: nothing raises, and what comes out came in."""
    taker, reader = Depacketizer(), PictureReader()
    sequence = timestamp = 0
    for forth, later, payload, marker in steps:
        sequence += forth
        timestamp += later
        for units in taker.take(packet(sequence, timestamp, payload, marker=marker)):
            reader.read(units.nals, 0)
            assert units.nals


def test_a_picture_that_never_ends() -> None:
    """Fragments without an end take no more memory than the largest picture."""
    taker = Depacketizer()
    taker.take(packet(0, 1, b"\x7c\x85" + bytes(1_000)))
    for number in range(1, 5_000):
        taker.take(packet(number, 1, b"\x7c\x05" + bytes(1_000)))
    assert taker._size <= LARGEST_PICTURE
    assert sum(map(len, taker._fragments)) <= LARGEST_PICTURE
