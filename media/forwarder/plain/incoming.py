"""One packet of a publisher, looked into once, for all its subscribers."""

from __future__ import annotations

from attrs import define, field, frozen

from media.forwarder.api import LAYERED, Codec, Drop, Extensions
from media.forwarder.plain.dependency import Frame, Structure, parse_frame
from media.forwarder.plain.keyframe_start import starts_keyframe
from media.forwarder.plain.red import primary_block
from media.forwarder.plain.rtp import MAX_PACKET, Malformed, RtpPacket, write_elements
from media.forwarder.plain.vp8 import Descriptor, parse_descriptor

#: Where a transport-wide number has its place: the writer puts that element first, empty.
_NO_NUMBER = bytes(2)

#: Bytes of a packet beside extensions and payload: header, longest VP8 descriptor, RTX's number.
_BESIDE = 12 + 6 + 2


@define(eq=False)
class Incoming:
    """Attributes:
    sequence: unrolled.
    payload: without the VP8 descriptor, which is `descriptor`.
    starts_keyframe: a decoder can begin here.
    why_empty: why there is no payload, when there is none.
    """

    codec: Codec
    sequence: int
    timestamp: int
    marker: bool
    payload: bytes
    descriptor: Descriptor | None
    starts_keyframe: bool
    audio_level: bytes
    capture_time: bytes
    dependency_descriptor: bytes
    frame: Frame | None = None  # what that says
    why_empty: Drop = Drop.PADDING_ONLY
    # Extension blocks that were written for subscribers already, by their writer.
    blocks: dict[ExtensionWriter, bytes] = field(factory=dict)

    def plain_audio(self) -> bytes | None:
        """Opus out of RED; None when its blocks do not fit."""
        try:
            return primary_block(self.payload)
        except Malformed:
            return None


def look_into(
    packet: RtpPacket,
    sequence: int,
    codec: Codec | None,
    ids: Extensions,
    *,
    new_picture: bool,
    structure: Structure | None = None,
) -> Incoming:
    """`ids` are those of the publisher; `codec` is None for a payload type that was not negotiated; `structure`: of the
    stream's last keyframe.

    A packet that cannot be forwarded has no payload left: subscribers must hear of its number all the same.
    """
    descriptor = None
    payload = packet.payload
    if codec is None:
        return _without_payload(packet, sequence)
    if codec is Codec.VP8 and payload:
        try:
            descriptor = parse_descriptor(payload)
        except Malformed:
            return _without_payload(packet, sequence)
        if descriptor.picture_id is not None:
            payload = payload[descriptor.size :]
        begins = descriptor.keyframe
    else:
        begins = bool(payload) and starts_keyframe(codec, payload, new_picture)
    elements = packet.elements
    layered = ids.dependency_descriptor and codec in LAYERED
    described = elements.get(ids.dependency_descriptor, b"") if layered else b""
    return Incoming(
        codec=codec,
        sequence=sequence,
        timestamp=packet.timestamp,
        marker=packet.marker,
        payload=payload,
        descriptor=descriptor,
        starts_keyframe=begins,
        # One byte (RFC 6464 3): every subscriber gets it, however long the payload is.
        audio_level=elements.get(ids.audio_level, b"")[:1] if ids.audio_level else b"",
        capture_time=elements.get(ids.abs_capture_time, b"") if ids.abs_capture_time else b"",
        dependency_descriptor=described,
        frame=_frame(described, structure) if described and payload else None,
    )


def _frame(described: bytes, structure: Structure | None) -> Frame | None:
    """None: it says nothing that can be used, and the packet goes on as one of a stream without layers."""
    try:
        return parse_frame(described, structure)
    except Malformed:
        return None


def _without_payload(packet: RtpPacket, sequence: int) -> Incoming:
    return Incoming(
        codec=Codec.OPUS,
        sequence=sequence,
        timestamp=packet.timestamp,
        marker=False,
        payload=b"",
        descriptor=None,
        starts_keyframe=False,
        audio_level=b"",
        capture_time=b"",
        dependency_descriptor=b"",
        why_empty=Drop.UNKNOWN_PAYLOAD,
    )


@frozen(eq=False)
class ExtensionWriter:
    """Header extensions as subscribers with these ids and this mid get them; one object for all of those."""

    ids: Extensions
    mid: bytes

    @property
    def bare(self) -> bytes:
        """Of a packet that carries nothing of a publisher: whose it is, and the place for a number."""
        elements = [(self.ids.transport_cc, _NO_NUMBER)]
        if self.mid:
            elements.append((self.ids.mid, self.mid))
        return write_elements(elements)

    def block(self, media: Incoming, now: float) -> bytes:
        block = media.blocks.get(self)
        if block is None:
            block = media.blocks[self] = self._write(media, now)
        return block

    def _write(self, media: Incoming, now: float) -> bytes:
        ids = self.ids
        elements = []
        if ids.transport_cc:
            elements.append((ids.transport_cc, _NO_NUMBER))
        if self.mid:
            elements.append((ids.mid, self.mid))
        if media.audio_level:
            elements.append((ids.audio_level, media.audio_level))
        if ids.abs_send_time:
            elements.append((ids.abs_send_time, send_time(now)))
        needed = list(elements)
        if media.capture_time:
            elements.append((ids.abs_capture_time, media.capture_time))
        if media.dependency_descriptor:
            elements.append((ids.dependency_descriptor, media.dependency_descriptor))
        block = write_elements(elements)
        fits = len(block) <= MAX_PACKET - _BESIDE - len(media.payload)
        return block if fits else write_elements(needed)


def numbered(block: bytes, number: int) -> bytes:
    """A block of a writer that knows transport-cc, with this packet's transport-wide number."""
    at = 5 if block[0] == 0xBE else 6  # behind the header, and the element's one or two bytes
    return block[:at] + (number & 0xFFFF).to_bytes(2, "big") + block[at + 2 :]


def send_time(now: float) -> bytes:
    """abs-send-time: seconds in 6.18 bits of fixed point; subscribers estimate their link from it."""
    return (int(now * (1 << 18)) & 0xFFFFFF).to_bytes(3, "big")
