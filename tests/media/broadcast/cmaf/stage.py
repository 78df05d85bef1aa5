"""A stage on paper: an encoder that answers requests after a while, a microphone, a clock. Nothing is coded.

Each picture's bytes say which encoder it is of, its number, and whether it is a key frame, so a test sees what builds
on what.
"""

from __future__ import annotations

from collections import deque

from attrs import define, field

from media.broadcast.cmaf.clocks import RATE
from media.broadcast.cmaf.cutter import Cutter
from media.broadcast.cmaf.parameter_sets import SequenceSet
from media.broadcast.cmaf.parts import KeyFrameWanted, Output
from media.broadcast.cmaf.pictures import Parameters, Picture
from media.broadcast.cmaf.rhythm import USUAL, Rhythm
from media.broadcast.cmaf.sound import FRAME, Sound


def parameters(encoder: int) -> Parameters:
    sequence = SequenceSet(0, 640, 360, 66, 0xC0, 31, 1, 8, 8, reorders=False)
    return Parameters(b"\x67\x42\xc0\x1f" + bytes((encoder,)), (b"\x68\x01",), sequence)


STILL = Picture(0, True, parameters(0), b"0 0 key")


@define
class Stage:
    """Goes on by steps of 20 ms.

    Attributes:
        step: ticks from one picture to the next; 0: no camera.
        obeys: ticks from a request to the key frame; None: the encoder takes no requests.
        gop: pictures from one key frame to the next without requests.
        late: ticks that pictures and sound need to come.
        offset: of the camera's time.
    """

    rhythm: Rhythm = USUAL
    step: int = RATE // 25
    obeys: int | None = RATE // 5
    gop: int = 100_000
    late: int = RATE // 20
    sounds: bool = True
    offset: int = 0
    now: int = 1_000
    out: list[Output] = field(factory=list)
    asked: list[int] = field(factory=list)
    cutter: Cutter = field(init=False)
    encoder: int = 1
    _wish: int | None = None
    _number: int = 0
    _since_key: int = 100_000
    _next_picture: int = 1_000
    _next_sound: int = 1_000
    _coming_pictures: deque[tuple[int, Picture | None]] = field(
        factory=deque
    )  # when, what; None: lost
    _coming_sounds: deque[tuple[int, Sound]] = field(factory=deque)

    def __attrs_post_init__(self) -> None:
        self.cutter = Cutter(self.rhythm, STILL, 2, 0)

    def go(self, ticks: int) -> None:
        end = self.now + ticks
        while self.now < end:
            self.now += RATE // 50
            self._shoot()
            while self._coming_pictures and self._coming_pictures[0][0] <= self.now:
                picture = self._coming_pictures.popleft()[1]
                if picture is None:
                    self._take(self.cutter.lose(self.now))
                else:
                    self._take(self.cutter.take_picture(picture, self.now))
            while self._coming_sounds and self._coming_sounds[0][0] <= self.now:
                self._take(self.cutter.take_sound(self._coming_sounds.popleft()[1], self.now))
            self._take(self.cutter.advance(self.now))

    def lose_pictures(self, count: int) -> None:
        """The next pictures do not come."""
        self._number += count
        self._since_key += count
        self._coming_pictures.append((self.now, None))

    def change_encoder(self) -> None:
        """Another size from the next picture on, which is a key frame."""
        self.encoder += 1
        self._since_key = self.gop

    def end(self) -> None:
        self._take(self.cutter.end(self.now))

    def _shoot(self) -> None:
        self._next_picture = max(self._next_picture, self.now - RATE // 50)
        while self.step and self._next_picture <= self.now:
            wished = self._wish is not None and self._next_picture >= self._wish
            key = wished or self._since_key >= self.gop
            if key:
                self._wish, self._since_key = None, 0
            self._number += 1
            self._since_key += 1
            data = b"%d %d %s" % (self.encoder, self._number, b"key" if key else b"-")
            at = self._next_picture + self.offset
            picture = Picture(at, key, parameters(self.encoder), data)
            self._coming_pictures.append((self._next_picture + self.late, picture))
            self._next_picture += self.step
        while self._next_sound <= self.now:
            if self.sounds:
                heard = Sound(self._next_sound, b"%d" % self._next_sound)
                self._coming_sounds.append((self._next_sound + FRAME + self.late, heard))
            self._next_sound += FRAME

    def _take(self, out: list[Output]) -> None:
        self.out += out
        if any(isinstance(each, KeyFrameWanted) for each in out):
            self.asked.append(self.now)
            if self.obeys is not None and self._wish is None:
                self._wish = self.now + self.obeys
