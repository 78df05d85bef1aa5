"""Packets: golden ones byte for byte, malformed ones with the exact refusal, anything at all without a crash."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from media.forwarder.api import Codec
from media.forwarder.plain.keyframe_start import starts_keyframe
from media.forwarder.plain.red import primary_block
from media.forwarder.plain.rtcp import (
    Bye,
    KeyframeWish,
    Nack,
    ReceiverReport,
    Remb,
    ReportBlock,
    SenderReport,
    parse_rtcp,
)
from media.forwarder.plain.rtcp_build import (
    build_bye,
    build_cname,
    build_nack,
    build_pli,
    build_remb,
    build_rr,
    build_sr,
)
from media.forwarder.plain.rtp import (
    Malformed,
    parse_rtp,
    read_elements,
    write_elements,
    write_header,
)
from media.forwarder.plain.vp8 import parse_descriptor

uint16, uint32 = st.integers(0, 0xFFFF), st.integers(0, 0xFFFFFFFF)


def test_a_packet_of_chromium() -> None:
    """Header, one-byte extensions with padding between them, payload without padding."""
    data = bytes.fromhex("b0e0001000000bb8000003e9bede0002103100a1414200007061790002")
    packet = parse_rtp(data)
    assert (packet.payload_type, packet.marker) == (96, True)
    assert (packet.sequence, packet.timestamp, packet.ssrc) == (16, 3000, 1001)
    assert packet.elements == {1: b"1", 10: b"AB"}
    assert packet.payload == b"pay"


@pytest.mark.parametrize(
    ("data", "why"),
    [
        ("80", "shorter than an RTP header"),
        ("40600001000000000000000100", "not RTP version 2"),
        ("826000010000000000000001cafe0000", "CSRC list is cut off"),
        ("906000010000000000000001", "header extension is cut off"),
        ("906000010000000000000001bede0002aabbccdd", "header extension is cut off"),
        ("906000010000000000000001bede00011fbbccdd", "extension element is cut off"),
        ("90600001000000000000000110000001010900dd", "extension element is cut off"),
        ("a0600001000000000000000100", "padding is longer than the packet"),
        ("a0600001000000000000000105", "padding is longer than the packet"),
    ],
)
def test_malformed_rtp_is_refused_by_name(data: str, why: str) -> None:
    """Every wrong length has its own sentence."""
    with pytest.raises(Malformed, match=f"^{why}$"):
        parse_rtp(bytes.fromhex(data))


elements = st.dictionaries(st.integers(1, 14), st.binary(min_size=1, max_size=40), max_size=8)


@given(elements=elements)
def test_extensions_come_back(elements: dict[int, bytes]) -> None:
    """What is written is read, as one-byte elements where they fit and as two-byte ones else."""
    block = write_elements(elements.items())
    if not elements:
        assert block == b""
        return
    profile, body = int.from_bytes(block[:2], "big"), block[4:]
    assert len(body) == 4 * int.from_bytes(block[2:4], "big")
    assert read_elements(profile, body) == elements
    assert (profile == 0xBEDE) == all(len(value) <= 16 for value in elements.values())


@given(
    seq=uint16,
    timestamp=uint32,
    ssrc=uint32,
    marker=st.booleans(),
    elements=elements,
    body=st.binary(),
)
def test_rtp_comes_back(
    seq: int, timestamp: int, ssrc: int, marker: bool, elements: dict[int, bytes], body: bytes
) -> None:
    """Any packet of ours is parsed to what it was made of."""
    head = write_header(
        marker=marker,
        payload_type=101,
        sequence=seq,
        timestamp=timestamp,
        ssrc=ssrc,
        extensions=write_elements(elements.items()),
    )
    packet = parse_rtp(head + body)
    assert (packet.sequence, packet.timestamp, packet.ssrc) == (seq, timestamp, ssrc)
    assert (packet.marker, packet.payload_type) == (marker, 101)
    assert (packet.elements, packet.payload) == (elements, body)


# --- VP8 and the other codecs


def test_a_descriptor_of_chromium() -> None:
    """All fields, and the same bytes again when nothing changes."""
    payload = bytes.fromhex("90e08123076010") + b"key"
    descriptor = parse_descriptor(payload)
    assert (descriptor.size, descriptor.picture_id, descriptor.tl0) == (6, 0x123, 7)
    assert (descriptor.temporal, descriptor.sync) == (1, True)
    assert (descriptor.start, descriptor.keyframe) == (True, True)
    assert descriptor.rewritten(0x123, 7) == payload[:6]
    assert descriptor.rewritten(0x8000, 256) == bytes.fromhex("90e080000060")


@pytest.mark.parametrize(
    ("payload", "size", "picture_id", "keyframe"),
    [
        ("1000", 1, None, True),
        ("1001", 1, None, False),
        ("0000", 1, None, False),  # not the start
        ("1100", 1, None, False),  # of another partition
        ("90800500", 3, 5, True),
        ("9080850100", 4, 0x501, True),
        ("90400900", 3, None, True),
        ("90108000", 3, None, True),
    ],
)
def test_descriptors_of_all_lengths(
    payload: str, size: int, picture_id: int | None, keyframe: bool
) -> None:
    """Every optional field may be absent."""
    descriptor = parse_descriptor(bytes.fromhex(payload))
    assert (descriptor.size, descriptor.picture_id, descriptor.keyframe) == (
        size,
        picture_id,
        keyframe,
    )


@pytest.mark.parametrize(
    "payload", ["", "90", "9080", "908085", "90e0812307", "10", "90e081230760"]
)
def test_cut_off_descriptors_are_refused(payload: str) -> None:
    """A packet that ends inside its descriptor, or has no first byte of its keyframe."""
    with pytest.raises(Malformed, match=r"^VP8 descriptor is cut off$"):
        parse_descriptor(bytes.fromhex(payload))


@pytest.mark.parametrize(
    ("codec", "payload", "new_picture", "begins"),
    [
        (Codec.OPUS, "ff", False, True),
        (Codec.H264, "67420020", False, True),  # SPS
        (Codec.H264, "65b8", True, True),  # IDR without one
        (Codec.H264, "65b8", False, False),  # the next slice of it
        (Codec.H264, "41b8", True, False),
        (Codec.H264, "7800026742000168", False, True),  # STAP-A: SPS, PPS
        (Codec.H264, "7800026842", False, False),
        (Codec.H264, "7c85", True, True),  # FU-A, first fragment of an IDR
        (Codec.H264, "7c05", True, False),  # a later one
        (Codec.H264, "7c", True, False),
        (Codec.VP9, "08", True, True),
        (Codec.VP9, "48", True, False),  # predicted
        (Codec.VP9, "a80100", True, True),
        (Codec.VP9, "a8810100", True, True),
        (Codec.VP9, "a80102", True, False),  # an upper spatial layer
        (Codec.VP9, "a8", True, False),
        (Codec.AV1, "08", True, True),
        (Codec.AV1, "10", True, False),
        (Codec.AV1, "", True, False),
        (Codec.H264, "", True, False),
        (Codec.VP9, "", True, False),
    ],
)
def test_where_a_decoder_can_begin(
    codec: Codec, payload: str, new_picture: bool, begins: bool
) -> None:
    """Keyframes are recognised from what stays in the clear."""
    assert starts_keyframe(codec, bytes.fromhex(payload), new_picture) is begins


@pytest.mark.parametrize(
    ("payload", "primary"),
    [
        ("6fabcd", "abcd"),
        ("ef000002" + "6f" + "1122" + "abcd", "abcd"),
        ("ef000001ef000001" + "6f" + "1122" + "abcd", "abcd"),
        ("6f", ""),
    ],
)
def test_the_newest_block_of_red(payload: str, primary: str) -> None:
    """Copies of earlier sound are left away."""
    assert primary_block(bytes.fromhex(payload)).hex() == primary


@pytest.mark.parametrize("payload", ["", "ef", "ef000002", "ef0000026f11"])
def test_red_that_does_not_fit_is_refused(payload: str) -> None:
    """Blocks longer than the packet."""
    with pytest.raises(Malformed, match=r"^RED blocks are longer than the packet$"):
        primary_block(bytes.fromhex(payload))


# --- RTCP

blocks = st.builds(
    ReportBlock,
    ssrc=uint32,
    fraction_lost=st.integers(0, 255),
    packets_lost=st.integers(-0x800000, 0x7FFFFF),
    highest_sequence=uint32,
    jitter=uint32,
    last_sr=uint32,
    delay_since_last_sr=uint32,
)


@given(
    sender=st.builds(
        SenderReport,
        ssrc=uint32,
        ntp=st.integers(0, 2**64 - 1),
        rtp=uint32,
        packets=uint32,
        octets=uint32,
        blocks=st.lists(blocks, max_size=31).map(tuple),
    ),
    receiver=st.builds(
        ReceiverReport, ssrc=uint32, blocks=st.lists(blocks, max_size=31).map(tuple)
    ),
    cname=st.text(max_size=80),
)
def test_reports_come_back(sender: SenderReport, receiver: ReceiverReport, cname: str) -> None:
    """A compound of all that we send is read as it was written."""
    data = build_sr(sender) + build_cname(sender.ssrc, cname) + build_rr(receiver)
    data += build_pli(5) + build_bye(6)
    assert parse_rtcp(data) == [sender, receiver, KeyframeWish(5), Bye((6,))]


@given(first=uint16, offsets=st.sets(st.integers(0, 500), min_size=1, max_size=100))
def test_nacks_come_back(first: int, offsets: set[int]) -> None:
    """Any set of missing numbers, over the wrap too."""
    missing = [first + 65536 + offset for offset in sorted(offsets)]
    (nack,) = parse_rtcp(build_nack(9, missing))
    assert isinstance(nack, Nack)
    assert (nack.ssrc, sorted(nack.sequences)) == (9, sorted(n & 0xFFFF for n in missing))


@given(bitrate=st.integers(0, 2**40), ssrcs=st.lists(uint32, max_size=20))
def test_remb_comes_back_a_little_lower(bitrate: int, ssrcs: list[int]) -> None:
    """18 bits of mantissa: never more than was meant, and less by under 1/100,000."""
    (remb,) = parse_rtcp(build_remb(Remb(bitrate, tuple(ssrcs))))
    assert isinstance(remb, Remb)
    assert bitrate * (1 - 1e-5) - 1 <= remb.bitrate_bps <= bitrate
    assert remb.ssrcs == tuple(ssrcs)


def test_a_fir_is_a_wish_for_each_of_its_entries() -> None:
    """RFC 5104: the streams are in the entries, not in the header."""
    data = bytes.fromhex(
        "84ce0006" + "00000001" + "00000000" + "0000000501000000" + "0000000602000000"
    )
    assert parse_rtcp(data) == [KeyframeWish(5), KeyframeWish(6)]


def test_what_means_nothing_to_us_is_skipped() -> None:
    """SDES, APP, XR and other feedback are no error."""
    data = build_cname(1, "x") + bytes.fromhex("80cc0001000000018bcf000100000001")
    data += bytes.fromhex("83cd000200000001000000028fce000300000001000000004e4f5045")
    assert parse_rtcp(data) == []


@pytest.mark.parametrize(
    ("data", "why"),
    [
        ("", "shorter than an RTCP header"),
        ("80c9", "shorter than an RTCP header"),
        ("40c90000", "not RTCP version 2"),
        ("80c90001", "RTCP packet is cut off"),
        ("80c90000", "receiver report is cut off"),
        ("80c8000100000000", "sender report is cut off"),
        ("81c9000100000000", "report block is cut off"),
        ("82cb000100000001", "BYE is cut off"),
        ("81cd000100000001", "feedback is cut off"),
        ("8fcd00020000000100000002", "transport feedback is cut off"),
        ("a0c9000100000000", "padding is longer than the packet"),
        ("a0c9000100000009", "padding is longer than the packet"),
        ("8fce0003000000010000000052454d42", "REMB is cut off"),
        ("8fce0004000000010000000052454d4203000000", "REMB is cut off"),
    ],
)
def test_malformed_rtcp_is_refused_by_name(data: str, why: str) -> None:
    """Every wrong length has its own sentence, and nothing of the packet is used."""
    with pytest.raises(Malformed, match=f"^{why}$"):
        parse_rtcp(bytes.fromhex(data))


# --- anything at all

PARSERS: list[Callable[[bytes], object]] = [
    parse_rtp,
    parse_rtcp,
    parse_descriptor,
    primary_block,
    lambda data: read_elements(0xBEDE, data),
    lambda data: read_elements(0x1000, data),
    lambda data: starts_keyframe(Codec.H264, data, True),
    lambda data: starts_keyframe(Codec.VP9, data, True),
    lambda data: starts_keyframe(Codec.AV1, data, True),
]


@pytest.mark.parametrize("parse", PARSERS, ids=range(len(PARSERS)))
@given(data=st.binary(max_size=120))
def test_a_parser_answers_or_refuses(parse: Callable[[bytes], object], data: bytes) -> None:
    """For any bytes: a value or `Malformed`, never another error."""
    try:
        parse(data)
    except Malformed:
        return


@pytest.mark.parametrize("parse", [parse_rtp, parse_rtcp])
@given(
    rest=st.binary(max_size=80),
    first=st.integers(0x80, 0xBF),
    kind=st.integers(192, 210),
    words=st.integers(0, 22),
)
def test_nearly_right_packets_are_answered_or_refused(
    parse: Callable[[bytes], object], rest: bytes, first: int, kind: int, words: int
) -> None:
    """The same for bytes that begin like a packet."""
    try:
        parse(bytes((first, kind)) + words.to_bytes(2, "big") + rest)
    except Malformed:
        return
