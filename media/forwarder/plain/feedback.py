"""Transport-wide feedback to a publisher: which of its packets came, and when.

draft-holmer-rmcat-transport-wide-cc-extensions-01. Without it (or a REMB) Chromium sends its smallest layer only.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise, takewhile

from attrs import define, field

from media.forwarder.plain.rtcp import RTPFB, TWCC
from media.forwarder.plain.rtcp_build import OWN_SSRC, packet
from media.forwarder.plain.sequence import SEQ_MOD, seq_delta

#: Seconds between two messages; browsers' own end sends every 50 to 250 ms.
INTERVAL_S = 0.1
#: Seconds for which an arrival is remembered, to be told again beside a late packet.
REMEMBER_S = 0.5
#: Numbers in one message: about 300 bytes of symbols and 1,000 of times at worst.
MOST_NUMBERS = 400
#: Arrivals kept, and so the most that is told at once.
MOST_KEPT = 4_000

_TICK = 4_000  # ticks of 250 µs in a second
_NOT_RECEIVED, _SMALL, _LARGE = 0, 1, 2


@define
class TransportFeedback:
    """Of one publisher's transport, over all its streams."""

    _arrivals: dict[int, int] = field(factory=dict)  # unrolled number → tick
    _highest: int | None = None
    _start: int | None = None  # first number of the next message
    _due: float | None = None
    _count: int = 0  # of messages
    _ssrc: int = 0  # of any of the publisher's streams

    def arrived(self, sequence: int, ssrc: int, now: float) -> None:
        """A packet with this transport-wide number came."""
        if self._highest is None:
            self._highest = sequence + SEQ_MOD
        number = self._highest + seq_delta(sequence, self._highest & 0xFFFF)
        self._highest = max(self._highest, number)
        if number in self._arrivals or len(self._arrivals) >= MOST_KEPT:
            return
        self._arrivals[number] = int(now * _TICK)
        self._start = number if self._start is None else min(self._start, number)
        self._ssrc = ssrc
        if self._due is None:
            self._due = now + INTERVAL_S

    def next_wakeup(self) -> float | None:
        return self._due

    def poll(self, now: float) -> list[bytes]:
        """Messages that are due now."""
        if self._due is None or now < self._due:
            return []
        self._due = None
        assert self._start is not None
        assert self._highest is not None
        told = [number for number in sorted(self._arrivals) if number >= self._start]
        messages = [self._message(chunk) for chunk in self._chunks(told)]
        self._start = self._highest + 1
        oldest = int((now - REMEMBER_S) * _TICK)
        self._arrivals = {n: tick for n, tick in self._arrivals.items() if tick >= oldest}
        return messages

    def _chunks(self, told: list[int]) -> Iterator[list[int]]:
        """Runs that fit one message: by span, and by what two bytes of time difference can say (8 s)."""
        chunk: list[int] = []
        for number in told:
            if chunk and (
                number - chunk[0] >= MOST_NUMBERS
                or abs(self._arrivals[number] - self._arrivals[chunk[-1]]) > 0x7FFF
            ):
                yield chunk
                chunk = []
            chunk.append(number)
        if chunk:
            yield chunk

    def _message(self, numbers: list[int]) -> bytes:
        first = numbers[0]
        ticks = [self._arrivals[number] for number in numbers]
        reference = ticks[0] // 256  # units of 64 ms
        deltas = [ticks[0] - reference * 256]
        deltas += [after - before for before, after in pairwise(ticks)]
        symbols = [_NOT_RECEIVED] * (numbers[-1] - first + 1)
        times = bytearray()
        for number, delta in zip(numbers, deltas, strict=True):
            if 0 <= delta <= 0xFF:
                symbols[number - first] = _SMALL
                times.append(delta)
            else:
                symbols[number - first] = _LARGE
                times += (delta & 0xFFFF).to_bytes(2, "big")
        body = b"".join(
            (
                OWN_SSRC.to_bytes(4, "big"),
                self._ssrc.to_bytes(4, "big"),
                (first & 0xFFFF).to_bytes(2, "big"),
                len(symbols).to_bytes(2, "big"),
                (reference & 0xFFFFFF).to_bytes(3, "big"),
                bytes((self._count & 0xFF,)),
                pack_symbols(symbols),
                times,
            )
        )
        self._count += 1
        return packet(TWCC, RTPFB, body + bytes(-len(body) % 4))


def pack_symbols(symbols: list[int]) -> bytes:
    """Status chunks, 3.1.3: runs from seven equal ones on, else vectors of seven two-bit symbols."""
    chunks = bytearray()
    at = 0
    while at < len(symbols):
        symbol = symbols[at]
        run = sum(1 for _ in takewhile(lambda s: s == symbol, symbols[at:]))  # noqa: B023 - used at once
        if run >= 7:
            chunk = symbol << 13 | run
            at += run
        else:
            chunk = 0xC000
            for place, each in enumerate(symbols[at : at + 7]):
                chunk |= each << (12 - 2 * place)
            at += 7
        chunks += chunk.to_bytes(2, "big")
    return bytes(chunks)
