"""Every reader of datagrams and frames: real packets, damaged. Only its own refusals come out, and soon.

`make fuzz T=tests/media/hostile` does it for hours.
"""

from __future__ import annotations

import asyncio
import struct
from contextlib import suppress

import pytest
from google_crc32c import value as crc32c
from hypothesis import given
from hypothesis import strategies as st

from media.forwarder.api import Codec, Extensions, Kind, Layer, TrackIn
from media.forwarder.plain.forwarder import PlainForwarder
from media.forwarder.plain.incoming import look_into
from media.forwarder.plain.red import primary_block
from media.forwarder.plain.rtcp import parse_rtcp
from media.forwarder.plain.rtp import Malformed, parse_rtp
from media.forwarder.plain.vp8 import parse_descriptor
from media.ids import PeerId, TrackSid
from media.transport.api import IceCredentials, Ignored
from media.transport.binding import answers, is_answer, question, read_binding, ufrag_of
from media.transport.demux import kind_of
from media.transport.framing import MAX_FRAME, BadFrame, Framer, frame
from media.transport.records import datagrams
from tests.media.forwarder.ends import AUDIO_LEVEL, MID, RID, TRANSPORT_CC, End, rtp, vp8
from tests.media.hostile.damage import bounded, damaged, share
from tests.media.transport.raw_client import binding_request
from tests.media.transport.world import CERTIFICATE, joined, listen, settings

OURS = IceCredentials("ours1234", "p" * 32)
CHECKS = (
    binding_request(OURS, "theirs"),
    binding_request(OURS, "theirs", use_candidate=False, controlled=True),
    question(OURS, "theirs", b"t" * 12),
)


@given(damaged(CHECKS))
def test_fuzz_checks(datagram: bytes) -> None:
    """STUN: a binding, or a reason; nothing that was touched is believed."""
    with bounded():
        kind_of(datagram)
        ufrag_of(datagram)
        binding = read_binding(datagram)
        proved = is_answer(datagram) and answers(datagram, b"t" * 12, OURS.pwd)
        if not isinstance(binding, Ignored) and datagram not in CHECKS:
            binding.is_made_with(OURS.pwd)
            binding.success(("192.0.2.1", 9), OURS.pwd)
    assert not proved


ELEMENTS = {
    AUDIO_LEVEL: b"\x85",
    TRANSPORT_CC: b"\x00\x07",
    MID: b"0",
    RID: b"q",
}
RTP = (
    rtp(ssrc=1, sequence=1, payload=vp8(1, key=True), elements=ELEMENTS),
    rtp(ssrc=1, sequence=2, payload=vp8(1, start=False), padding=9),
    rtp(ssrc=2, sequence=65535, payload=b"\x7f\x00\x00\x04\x6fopusopus", payload_type=63),
    rtp(ssrc=1, sequence=3, payload=b"x" * 40, elements={15: b"v" * 40, 1: b""}),
    rtp(ssrc=3, sequence=9, payload=b"\x00\x01" + vp8(2), payload_type=97),
    bytes.fromhex("8f60000100000001000000010000000100000002") + bytes(60),
)
RTCP = tuple(
    bytes.fromhex(one)
    for one in (
        "81c8000c00000001" + "00" * 20 + "0000000100000007" + "00" * 16,
        "81c9000700000001" + "0000000201000003" + "00" * 16,
        "81cb000200000001" + "03627965",
        "81cd0003000000010000000200070101",
        "8fcd000500000001000000020001000300000100e0b0a000",
        "81ce00020000000100000002",
        "84ce00040000000100000000" + "0000000201000000",
        "8fce0005000000010000000052454d4201fc000100000002",
        "81ca000300000001010378797a000000",
        "80cc0002000000016e616d65",
        "80cf00020000000104000000",
    )
)
COMPOUND = (*RTCP, b"".join(RTCP), RTCP[0] + RTCP[8] + RTCP[7])


@given(damaged(RTP))
def test_fuzz_media(data: bytes) -> None:
    """RTP and its extensions: a packet, whose payload every codec looks into; or `Malformed`."""
    with bounded():
        try:
            packet = parse_rtp(data)
        except Malformed:
            return
        ids = Extensions(mid=MID, rid=RID, audio_level=AUDIO_LEVEL, transport_cc=TRANSPORT_CC)
        for codec in (None, *Codec):
            for new_picture in (False, True):
                look_into(packet, packet.sequence, codec, ids, new_picture=new_picture)


#: Beginnings of payloads as encoders make them: VP8, VP9 with a structure of layers, H.264 single, STAP-A and FU-A,
#: AV1 aggregation, RED.
PAYLOADS = tuple(
    bytes.fromhex(one)
    for one in (
        "90e0800a010010000000009d012a",
        "8f80a10183002a01e0010e1c0a3a",
        "7c85b80400000300",
        "7800046742c01f000568ce3c80" + "000165",
        "6742c01f8c8d40",
        "180a0b0000002445677c",
        "1032010203",
        "ef0014286f" + "00" * 48,
    )
)


@given(damaged(PAYLOADS))
def test_fuzz_descriptors(payload: bytes) -> None:
    """What is in the clear of VP8, VP9, AV1, H.264 and RED."""
    with bounded():
        for parse in (parse_descriptor, primary_block):
            with suppress(Malformed):
                parse(payload)
        packet = parse_rtp(rtp(ssrc=1, sequence=1, payload=payload or b"x"))
        for codec in Codec:
            for new_picture in (False, True):
                look_into(packet, 1, codec, Extensions(), new_picture=new_picture).plain_audio()


@given(damaged(COMPOUND))
def test_fuzz_reports(data: bytes) -> None:
    """RTCP compounds with reports, BYE, NACK, transport feedback, PLI, FIR, REMB: items, or `Malformed`."""
    with bounded(), suppress(Malformed):
        parse_rtcp(data)


TRACK = TrackIn(
    sid=TrackSid("TR_1"),
    peer=PeerId("anna"),
    kind=Kind.VIDEO,
    mid="0",
    payload_types={96: Codec.VP8, 98: Codec.VP9, 63: Codec.RED},
    clock_rate=90_000,
    rtx={97: 96},
    rids={"q": Layer.LOW, "h": Layer.MEDIUM, "f": Layer.HIGH},
    extensions=Extensions(mid=MID, rid=RID, transport_cc=TRANSPORT_CC, audio_level=AUDIO_LEVEL),
)


@share(2)
@given(st.lists(damaged(RTP + COMPOUND), min_size=1, max_size=20), st.booleans())
def test_fuzz_the_forwarder(packets: list[bytes], named: bool) -> None:
    """A peer with good keys sends anything: nothing raises, and time goes on."""
    forwarder, anna, now = PlainForwarder(), End(PeerId("anna")), 1.0
    forwarder.add_peer(anna.peer, anna.keys)
    if named:
        forwarder.add_track(TRACK)
    with bounded():
        for packet in packets:
            now += 0.01
            datagram = packet
            if len(packet) >= 12 and len(packet) < 1_400:
                with suppress(Exception):  # libsrtp refuses to protect what is no packet
                    datagram = anna.protect(packet)
            forwarder.receive(anna.peer, datagram, now)
            forwarder.poll(now)
            forwarder.take_output()
            forwarder.take_events()
    assert forwarder.stats().packets_in == len(packets)


@given(st.lists(damaged([frame(bytes(20)), frame(CHECKS[0]), frame(b""), b"\x07"]), max_size=8))
def test_fuzz_frames_of_tcp(chunks: list[bytes]) -> None:
    """RFC 4571: packets that fit, or `BadFrame`; never more kept than one frame."""
    framer = Framer()
    with bounded(), suppress(BadFrame):
        for chunk in chunks:
            for packet in framer.feed(chunk):
                assert 0 < len(packet) <= MAX_FRAME
            assert len(framer._rest) < MAX_FRAME + 2


@given(damaged([bytes.fromhex("16fefd0000000000000000000401020304" * 3), b"\x16" * 40]))
def test_fuzz_records(flight: bytes) -> None:
    """Whatever OpenSSL writes, each byte goes out once."""
    with bounded():
        assert b"".join(datagrams(flight)) == flight


def chunk(kind: int, flags: int, body: bytes) -> bytes:
    """RFC 9260 3.2."""
    head = bytes((kind, flags)) + (4 + len(body)).to_bytes(2, "big")
    return head + body + bytes(-len(body) % 4)


def _data(tsn: int, stream: int, protocol: int, body: bytes, flags: int = 3) -> bytes:
    return chunk(0, flags, struct.pack("!LHHL", tsn, stream, 0, protocol) + body)


OPEN = struct.pack("!BBHLHH", 3, 0, 0, 0, 9, 0) + b"_reliable"
CHUNKS = (
    _data(1, 1, 53, b"x" * 30),
    _data(2, 1, 53, b"y" * 30, flags=2),
    _data(3, 3, 50, OPEN),
    _data(4, 65_535, 50, b"\x02"),
    chunk(1, 0, struct.pack("!LLHHL", 1, 2**32 - 1, 65_535, 65_535, 1)),
    chunk(3, 0, struct.pack("!LLHH", 7, 2**32 - 1, 2, 0) + b"\x00\x01\xff\xff" * 2),
    chunk(4, 0, b"\x00\x01\x00\x28" + b"h" * 36),
    chunk(5, 0, b"\x00\x01\x00\x08" + b"h" * 4),
    chunk(6, 0, b""),
    chunk(7, 0, bytes(4)),
    chunk(9, 0, b"\x00\x0d\x00\x08" + bytes(4)),
    chunk(10, 0, b"c" * 24),
    chunk(130, 0, b"\x00\x0d\x00\x12" + bytes(12) + b"\x00\x01"),
    chunk(192, 0, struct.pack("!LHHHH", 2**31, 1, 1, 2, 65_535)),
)


@pytest.mark.integration
@share(20)
@given(st.lists(st.lists(damaged(CHUNKS), min_size=1, max_size=5), min_size=1, max_size=60))
def test_fuzz_data_channels(packets: list[list[bytes]]) -> None:
    """A client with good DTLS sends any chunks of SCTP, DCEP too: counted, and the listener lives."""

    async def run() -> None:
        async with listen(settings(), CERTIFICATE) as listener:
            client, _ = await joined(listener)
            server = listener._peers[PeerId("anna")]._channels._sctp
            with bounded():
                for number, chunks in enumerate(packets):
                    tag = server._local_verification_tag if number % 8 else 0
                    head, body = struct.pack("!HHL", 5000, 5000, tag), b"".join(chunks)
                    checksum = struct.pack("<L", crc32c(head + bytes(4) + body))
                    await server._handle_data(head + checksum + body)
            assert listener._faults == 0
            await client.close()

    asyncio.run(run())
