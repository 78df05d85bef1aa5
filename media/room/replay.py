"""Reliable data packets that others may ask for again after a resume (calls.md §2.6). Pure."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator

from attrs import field, frozen

from media.ids import ParticipantSid

#: Per sender: packets and bytes that are kept, and for how long. A resume takes at most 15 s.
MOST_PACKETS, MOST_BYTES, KEPT_S = 256, 256 * 1024, 30.0


@frozen(kw_only=True)
class Sent:
    """One reliable packet as it went out."""

    sequence: int
    at: float
    to: frozenset[ParticipantSid]
    body: bytes = field(repr=False)


def keep(packets: deque[Sent], sent: Sent) -> None:
    """Add one; what is too old or too much goes."""
    packets.append(sent)
    size = sum(len(packet.body) for packet in packets)
    while packets and (
        len(packets) > MOST_PACKETS or size > MOST_BYTES or sent.at - packets[0].at > KEPT_S
    ):
        size -= len(packets.popleft().body)


def after(packets: deque[Sent], sequence: int, to: ParticipantSid) -> Iterator[Sent]:
    """What `to` has not received, in order."""
    return (packet for packet in packets if packet.sequence > sequence and to in packet.to)
