"""What was sent to a subscriber lately, to be sent again when it asks (RFC 4585, RFC 4588)."""

from __future__ import annotations

from attrs import define, field

from media.forwarder.plain.rtp import HEADER

#: Packets kept of one track. 512 packets are 0.9 s of a screen at 5 Mbit/s, 2.8 s of 720p.
VIDEO_SLOTS = 512
AUDIO_SLOTS = 64
#: Seconds in which the same packet is not sent again, unless the round trip is longer: one NACK may come twice.
NOT_AGAIN_S = 0.020


#: (number, unrolled as the subscriber sees it; header, extensions and rewritten descriptor; body, shared with all other
#: subscribers; bytes of header and extensions). A bare tuple of plain values: a class of 100 keeps half a million of
#: them, and only such does Python's garbage collector leave out.
Sent = tuple[int, bytes, bytes, int]


@define
class History:
    """A ring of sent packets. `slots` is a power of two."""

    slots: int
    _ring: list[Sent | None] = field(init=False)
    _repeated: dict[int, float] = field(factory=dict)  # number → when

    def __attrs_post_init__(self) -> None:
        self._ring = [None] * self.slots

    def put(self, sent: Sent) -> None:
        self._ring[sent[0] & (self.slots - 1)] = sent

    def kept(self, number: int) -> Sent | None:
        """The packet with this unrolled number."""
        sent = self._ring[number & (self.slots - 1)]
        return sent if sent is not None and sent[0] == number else None

    def forget(self, number: int) -> None:
        """It is not to be sent again, as it never was."""
        if self.kept(number) is not None:
            self._ring[number & (self.slots - 1)] = None

    def again(self, seq: int, now: float, rtt_s: float | None = None) -> Sent | None:
        """The packet with uint16 number `seq`; None when it is forgotten, never was, or was repeated just now."""
        sent = self._ring[seq & (self.slots - 1)]
        if sent is None or sent[0] & 0xFFFF != seq:
            return None
        pause = NOT_AGAIN_S if rtt_s is None else max(NOT_AGAIN_S, rtt_s)
        if now - self._repeated.get(sent[0], float("-inf")) < pause:
            return None
        if len(self._repeated) >= self.slots:
            self._repeated.clear()
        self._repeated[sent[0]] = now
        return sent


def as_rtx(
    sent: Sent, *, payload_type: int, sequence: int, ssrc: int, block: bytes | None = None
) -> bytes:
    """RFC 4588 4: own number, SSRC and type; the original number stands before the payload.

    `block`: extensions in place of those it had, as long as they.
    """
    _, head, body, head_size = sent
    first, second, original, timestamp, _ = HEADER.unpack_from(head)
    return b"".join(
        (
            HEADER.pack(first, second & 0x80 | payload_type, sequence & 0xFFFF, timestamp, ssrc),
            head[12:head_size] if block is None else block,
            original.to_bytes(2, "big"),
            head[head_size:],
            body,
        )
    )
