"""Bits of H.264: NAL units without their emulation prevention, fixed and Exp-Golomb numbers (H.264 7.3.1, 9.1)."""

from __future__ import annotations

from attrs import define

from media.forwarder.plain.rtp import Malformed

#: Longest Exp-Golomb prefix: codes go up to 2**32 - 2 (H.264 9.1).
MOST_ZEROS = 31


def unescape(nal: bytes) -> bytes:
    """The NAL unit's payload: of each 00 00 03 the 03 is left out (H.264 7.4.1)."""
    at = nal.find(b"\0\0\3")
    if at < 0:
        return nal
    kept, start = [], 0
    while at >= 0:
        kept.append(nal[start : at + 2])
        start = at + 3
        at = nal.find(b"\0\0\3", start)
    kept.append(nal[start:])
    return b"".join(kept)


@define
class Bits:
    """Read high to low order."""

    _value: int
    _left: int

    @classmethod
    def of(cls, data: bytes) -> Bits:
        return cls(int.from_bytes(data, "big"), 8 * len(data))

    def take(self, count: int) -> int:
        """u(n).

        Raises:
            Malformed: there are fewer bits.
        """
        self._left -= count
        if self._left < 0:
            raise Malformed("H.264 unit is cut off")
        return self._value >> self._left & (1 << count) - 1

    def flag(self) -> bool:
        return bool(self.take(1))

    def ue(self, most: int, what: str) -> int:
        """ue(v), 0 to `most`.

        Raises:
            Malformed: it is more than `most`, or cut off.
        """
        zeros = 0
        while not self.take(1):
            zeros += 1
            if zeros > MOST_ZEROS:
                raise Malformed("H.264 number is too long")
        number = (1 << zeros) - 1 + self.take(zeros)
        if number > most:
            raise Malformed(f"H.264 {what} is out of range")
        return number

    def se(self) -> int:
        """se(v): 0, 1, -1, 2, -2 …"""
        code = self.ue((1 << 32) - 2, "number")
        return (code + 1) // 2 if code & 1 else -(code // 2)
