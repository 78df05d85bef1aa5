"""Sequence numbers (RFC 3550 5.1): unrolled once when a packet comes in, renumbered for each subscriber."""

from __future__ import annotations

from collections import deque

from attrs import Factory, define

SEQ_MOD = 1 << 16

#: A number this far from the newest is not loss or reordering: the sender began anew (RFC 3550 A.1, there 3000).
RESTART = 1_000
#: Numbers behind the newest whose arrival is remembered.
WINDOW = 1_024
#: Changes of numbering that a late packet can still be mapped through.
HISTORY = 128


def seq_delta(newer: int, older: int) -> int:
    """Signed distance from `older` to `newer` on the 16-bit circle.

    Result is in [-32768, 32767]; positive means `newer` was sent later.
    At exactly half the circle (32768) the answer is ambiguous and we say
    "older", as RFC 1982 leaves it undefined.
    """
    d = (newer - older) % SEQ_MOD
    return d - SEQ_MOD if d >= SEQ_MOD // 2 else d


@define
class Unroller:
    """uint16 numbers to integers that never wrap, and each of them only once.

    `epoch` grows when the sender began anew: numbers of different epochs do not compare.
    """

    highest: int = -1
    epoch: int = 0
    _seen: int = 0  # bit i: highest - i came

    def unroll(self, seq: int, *, repaired: bool = False) -> int | None:
        """The unrolled number; None for one that came before, or too long ago to know (`WINDOW`).

        Args:
            repaired: it came by RTX. Chromium probes its link with old packets; they begin nothing anew.
        """
        if self.highest < 0:
            return self._begin(seq)
        delta = seq_delta(seq, self.highest & 0xFFFF)
        if repaired and not -WINDOW < delta <= RESTART:
            return None
        if delta > 0:
            if delta > RESTART:
                return self._begin(seq)
            self.highest += delta
            self._seen = (self._seen << delta | 1) & _MASK
            return self.highest
        if delta <= -WINDOW:
            return self._begin(seq) if delta < -2 * WINDOW else None
        bit = 1 << -delta
        if self._seen & bit:
            return None
        self._seen |= bit
        return self.highest + delta

    def came(self, number: int) -> bool:
        """Whether this unrolled number, of the last `WINDOW`, came."""
        return bool(self._seen >> self.highest - number & 1)

    def _begin(self, seq: int) -> int:
        self.epoch += 1
        self.highest = seq + SEQ_MOD  # room below for what is late
        self._seen = 1
        return self.highest


_MASK = (1 << WINDOW) - 1


@define
class SequenceMap:
    """Renumbers one source's packets for one subscriber.

    A subscriber must see a gapless sequence except where the network lost a
    packet: an SFU that drops a packet on purpose (a layer it does not forward,
    padding) must close the gap, or the subscriber will NACK a packet that
    nobody will ever send. A late packet gets the number that was left for it.

    Numbers are unrolled: they never wrap. Also used for picture ids, where many packets share one.
    """

    following: int  # the number that the next new packet gets
    _highest: int | None = None
    _offset: int = 0  # incoming - outgoing
    # (first incoming number, offset from there on), newest last
    _changes: deque[tuple[int, int]] = Factory(lambda: deque(maxlen=HISTORY))

    def begin(self, seq: int) -> None:
        """Another source starts, with `seq`; what it sent before is too late."""
        self._offset = seq - self.following
        self._highest = seq - 1
        self._changes.clear()
        self._changes.append((seq, self._offset))

    def is_late(self, seq: int) -> bool:
        """Whether a newer one came before: then its number is taken already."""
        return self._highest is not None and seq <= self._highest

    def drop(self, seq: int) -> None:
        """Record that `seq`, newest of all, will not be forwarded. Nothing is changed for an older one."""
        if self._highest is None:
            self.begin(seq)
        elif seq <= self._highest:
            return
        else:
            self.following += seq - self._highest - 1
        self._highest = seq
        self._offset += 1
        if self._changes[-1][0] == seq:
            self._changes.pop()
        self._changes.append((seq + 1, self._offset))

    def forward(self, seq: int) -> int | None:
        """The outgoing number for incoming `seq`; None if it was dropped, or is older than we remember."""
        highest = self._highest
        if highest is None:
            self.begin(seq)
            highest = seq - 1
        if seq > highest:
            self._highest = seq
            out = seq - self._offset
            self.following = out + 1
            return out
        return self._late(seq)

    def _late(self, seq: int) -> int | None:
        newer: tuple[int, int] | None = None
        for start, offset in reversed(self._changes):
            if newer is not None and seq >= newer[0] - (newer[1] - offset):
                return None  # in the run that was dropped just before `newer`
            if seq >= start:
                return seq - offset
            newer = (start, offset)
        return None
