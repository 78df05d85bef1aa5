"""Parts one after another → tracks of one file. Pure: octets of parts come in, what to copy goes out.

The time of the file is the sound's: parts follow without a hole, whatever was between them. A picture is shown until
the next one, and the first one from the beginning. Where the pictures change their parameters, these stand in every key
frame as well: FFmpeg and Apple's players look at the sample descriptions, browsers only at the first of them.
"""

from __future__ import annotations

from attrs import define, field

from media.broadcast.origin.mp4 import Track
from media.broadcast.origin.samples import (
    Described,
    Run,
    Unreadable,
    described,
    parameter_sets,
    runs,
)

#: Offset and octets of a part; or octets that are none of its.
Piece = tuple[int, int] | bytes


@define
class Assembly:
    """What has been put together so far.

    Attributes:
        changes: there are several parameter sets.
        octets: of media.
        broken: parts that were left out: a power cut may leave some.
    """

    changes: bool = False
    octets: int = field(default=0, init=False)
    broken: int = field(default=0, init=False)
    _sound: Track = field(factory=lambda: Track(sound=True), init=False, repr=False)
    _pictures: Track = field(factory=lambda: Track(sound=False), init=False, repr=False)
    _described: dict[int, tuple[Described, int, bytes]] = field(
        factory=dict, init=False, repr=False
    )
    _ticks: int = field(default=0, init=False)
    _shown: int | None = field(default=None, init=False)  # when the last picture began

    def begin(self, init: bytes) -> None:
        """Parts of another init segment follow.

        Raises:
            Unreadable: it is none of ours.
        """
        self._described.clear()
        for one in described(init):
            track = self._sound if one.sound else self._pictures
            sets = b"" if one.sound or not self.changes else parameter_sets(one.entry)
            self._described[one.id] = one, track.entry(one.entry), sets
            track.width, track.height = (
                max(track.width, one.width),
                max(track.height, one.height),
            )

    def add(self, part: bytes) -> list[Piece]:
        """What is to be written of this part. Nothing of one that cannot be read."""
        try:
            found = runs(part)
        except Unreadable:
            found = []
        known = all(one.track in self._described for one in found)
        sound = [one for one in found if known and self._described[one.track][0].sound]
        if len(sound) != 1:
            self.broken += 1
            return []
        ticks = sum(length for length, _, _ in sound[0].samples)
        copied = [
            piece
            for one in found
            if one.samples
            for piece in self._take(one, sound[0].begins, ticks)
        ]
        self._ticks += ticks
        return copied

    def end(self) -> list[Track]:
        """Nothing more comes."""
        if self._shown is not None:
            self._pictures.lasts(max(1, self._ticks - self._shown))
            self._shown = None
        return [one for one in (self._pictures, self._sound) if one.sizes]

    @property
    def ticks(self) -> int:
        return self._ticks

    @property
    def size(self) -> tuple[int, int] | None:
        """Of the pictures; the largest where it changed."""
        return (self._pictures.width, self._pictures.height) if self._pictures.sizes else None

    def _take(self, run: Run, begins: int, ticks: int) -> list[Piece]:
        one, entry, sets = self._described[run.track]
        track = self._sound if one.sound else self._pictures
        track.chunks.append((self.octets, len(run.samples), entry))
        pieces: list[Piece] = []
        from_, to, at = run.offset, run.offset, run.begins
        for length, size, key in run.samples:
            if one.sound:
                track.lasts(length)
            else:
                self._show(self._ticks + min(max(at - begins, 0), ticks))
                at += length
            more = sets if key else b""
            if more:
                pieces += [(from_, to - from_), more]
                from_ = to
            track.sizes.append(size + len(more))
            self.octets += size + len(more)
            to += size
            if key:
                track.keys.append(len(track.sizes))
        return [*pieces, (from_, to - from_)]

    def _show(self, at: int) -> None:
        if self._shown is None:
            self._shown = 0
            return
        # Two at the same moment: the first one is seen for a tick.
        until = max(at, self._shown + 1)
        self._pictures.lasts(until - self._shown)
        self._shown = until
