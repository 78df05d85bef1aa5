"""What was sent to a subscriber lately, to be sent again when it asks (RFC 4585, RFC 4588)."""

from __future__ import annotations

from attrs import define, field

from media.forwarder.plain.rtp import HEADER

#: Packets kept of one track. 512 packets are 0.9 s of a screen at 5 Mbit/s, 2.8 s of 720p.
VIDEO_SLOTS = 512
AUDIO_SLOTS = 64
#: Seconds in which the same packet is not sent again: one NACK may come twice.
NOT_AGAIN_S = 0.020


@define
class _Sent:
    sequence: int
    head: bytes  # header, extensions, rewritten descriptor
    body: bytes  # shared with all other subscribers
    head_size: int  # of them, header and extensions
    resent_at: float = float("-inf")


@define
class History:
    """A ring of sent packets. `slots` is a power of two."""

    slots: int
    _ring: list[_Sent | None] = field(init=False)

    def __attrs_post_init__(self) -> None:
        self._ring = [None] * self.slots

    def put(self, sequence: int, head: bytes, body: bytes, head_size: int) -> None:
        """`sequence` unrolled, as the subscriber sees it."""
        self._ring[sequence & (self.slots - 1)] = _Sent(sequence, head, body, head_size)

    def again(self, seq: int, now: float) -> _Sent | None:
        """The packet with uint16 number `seq`; None when it is forgotten, never was, or was repeated just now."""
        sent = self._ring[seq & (self.slots - 1)]
        if sent is None or sent.sequence & 0xFFFF != seq or now - sent.resent_at < NOT_AGAIN_S:
            return None
        sent.resent_at = now
        return sent


def as_rtx(sent: _Sent, *, payload_type: int, sequence: int, ssrc: int) -> bytes:
    """RFC 4588 4: own number, SSRC and type; the original number stands before the payload."""
    first, second, original, timestamp, _ = HEADER.unpack_from(sent.head)
    return b"".join(
        (
            HEADER.pack(first, second & 0x80 | payload_type, sequence & 0xFFFF, timestamp, ssrc),
            sent.head[12 : sent.head_size],
            original.to_bytes(2, "big"),
            sent.head[sent.head_size :],
            sent.body,
        )
    )
