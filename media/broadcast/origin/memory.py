"""Parts and init segments that are asked for now, as octets in memory. Pure; bounded."""

from __future__ import annotations

from attrs import define, field

#: Init segments that are kept here; older ones are on the disk.
MOST_INITS = 64


@define
class Memory:
    """One rendition.

    Attributes:
        most: octets. What is too much goes, the oldest segment first, whatever playlists say.
        held: octets now.
    """

    most: int = 128_000_000
    held: int = field(default=0, init=False)
    _segments: dict[int, list[bytes]] = field(factory=dict, init=False, repr=False)
    _inits: dict[int, bytes] = field(factory=dict, init=False, repr=False)

    def put_init(self, discontinuity: int, data: bytes) -> None:
        self._inits[discontinuity] = data
        while len(self._inits) > MOST_INITS:
            del self._inits[next(iter(self._inits))]

    def put_part(self, segment: int, data: bytes) -> None:
        """The next one of its segment."""
        self._segments.setdefault(segment, []).append(data)
        self.held += len(data)
        while self.held > self.most and len(self._segments) > 1:
            self._drop(next(iter(self._segments)))

    def forget(self, before: int, pinned: range = range(0)) -> None:
        """Segments with lower numbers are nowhere but on the disk from now on; `pinned` ones stay."""
        for number in [one for one in self._segments if one < before and one not in pinned]:
            self._drop(number)

    def init(self, discontinuity: int) -> bytes | None:
        return self._inits.get(discontinuity)

    def part(self, segment: int, number: int) -> bytes | None:
        parts = self._segments.get(segment)
        return parts[number] if parts is not None and number < len(parts) else None

    def segment(self, segment: int) -> tuple[bytes, ...] | None:
        """All its parts; the caller knows that it is whole."""
        parts = self._segments.get(segment)
        return None if parts is None else tuple(parts)

    def _drop(self, segment: int) -> None:
        self.held -= sum(map(len, self._segments.pop(segment)))
