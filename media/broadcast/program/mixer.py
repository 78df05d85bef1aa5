"""Voices to one sound: Opus of each decoded, laid on the broadcast's clock, added, limited, and coded once as AAC.

Not pure: it codes. It has no clock, no network and no thread of its own. One voice costs what a transcoder does, about
24 ms of CPU a second; each more about 8.
"""

from __future__ import annotations

from array import array
from operator import add

from attrs import define, field

from media.broadcast.cmaf.clocks import RATE
from media.broadcast.cmaf.sound import FRAME, Sound
from media.broadcast.cmaf.transcoder import BYTES, TOLERANCE, AacEncoder, OpusDecoder
from media.ids import TrackSid

#: A voice that is expected is waited for so long; what comes later is silence. Less than the cutter waits.
WAIT = RATE // 5
#: Without any voice for so long nothing is coded any more; the cutter puts silence there.
PAUSE = RATE
#: Sound so far ahead of the clock is no voice's; memory is bounded by it.
MOST_AHEAD = 2 * RATE
#: The loudest sample that is let through as it is, and how fast the limiter lets go again: 6 dB a second.
LOUDEST = 0.9
RELEASE = 2.0 ** (FRAME / RATE)
#: Samples over which the limiter takes hold: a step would click.
ATTACK = 64


@define(eq=False)
class _Voice:
    """Attributes:
    begins: ticks of the first sample that waits.
    came: when something last came, ticks.
    """

    decoder: OpusDecoder
    planes: tuple[bytearray, ...]
    begins: int
    came: int

    @property
    def filled(self) -> int:
        return self.begins + len(self.planes[0]) // BYTES

    def skip(self, ticks: int) -> None:
        """What was before that is past."""
        past = min(ticks, self.filled) - self.begins
        if past > 0:
            for plane in self.planes:
                del plane[: BYTES * past]
        self.begins = max(self.begins, ticks)


@define(eq=False)
class Mixer:
    """Attributes:

    channels, bit_rate: of the AAC.
    late: packets whose time had passed.
    """

    channels: int
    bit_rate: int
    late: int = 0
    _gone_broken: int = 0
    _voices: dict[TrackSid, _Voice] = field(factory=dict, repr=False)
    _encoder: AacEncoder = field(init=False, repr=False)
    _at: int | None = None  # ticks of the next sample that is mixed
    _gain: float = 1.0

    def __attrs_post_init__(self) -> None:
        self._encoder = AacEncoder(self.channels, self.bit_rate)

    @property
    def broken(self) -> int:
        """Packets that could not be decoded."""
        return self._gone_broken + sum(one.decoder.broken for one in self._voices.values())

    def take(self, sid: TrackSid, packet: bytes, ticks: int, now: int) -> None:
        """A packet of one voice, its first sample heard at `ticks`."""
        voice = self._voices.get(sid)
        if voice is None:
            decoder = OpusDecoder(self.channels)
            planes = tuple(bytearray() for _ in range(self.channels))
            voice = self._voices[sid] = _Voice(decoder, planes, ticks, now)
        if not now - MOST_AHEAD <= ticks <= now + MOST_AHEAD:
            self.late += 1
            return
        hole = ticks - voice.filled
        if hole < -TOLERANCE:
            self.late += 1
            return
        if not voice.planes[0]:
            if hole > TOLERANCE:
                voice.begins = ticks
        elif hole > TOLERANCE:
            for plane in voice.planes:
                plane.extend(bytes(BYTES * hole))
        for decoded in voice.decoder.take(packet):
            for plane, more in zip(voice.planes, decoded, strict=True):
                plane.extend(more)
        voice.came = now
        if self._at is None and voice.planes[0]:
            self._at = voice.begins
            self._encoder.begin(self._at)
        elif self._at is not None:
            voice.skip(self._at)

    def leave(self, sid: TrackSid) -> None:
        """This voice is heard no more."""
        voice = self._voices.pop(sid, None)
        if voice is not None:
            self._gone_broken += voice.decoder.broken

    def advance(self, now: int) -> list[Sound]:
        """The sound that is complete: what all voices have come to that are being heard, or what was waited for."""
        if self._at is None:
            return []
        heard = [one for one in self._voices.values() if one.came > now - WAIT]
        ends = min((one.filled for one in heard), default=0)
        ends = min(max(ends, now - WAIT), now + MOST_AHEAD)
        if now - self._at > PAUSE + MOST_AHEAD:  # nobody called for long
            return self._stop()
        while self._at + FRAME <= ends:
            self._mix(self._at)
            self._at += FRAME
        done = self._encoder.take()
        if all(one.came <= now - PAUSE for one in self._voices.values()):
            done += self._stop()
        return done

    def end(self) -> list[Sound]:
        """What has come until now."""
        if self._at is None:
            return []
        last = max((one.filled for one in self._voices.values()), default=self._at)
        while self._at < last:
            self._mix(self._at)
            self._at += FRAME
        return self._stop()

    def _stop(self) -> list[Sound]:
        done = self._encoder.end()
        self._at, self._gain = None, 1.0
        for one in self._voices.values():
            one.skip(one.filled)
        return done

    def _mix(self, begins: int) -> None:
        """One frame of samples."""
        pieces = []
        for voice in self._voices.values():
            voice.skip(begins)
            start = voice.begins - begins
            if start < FRAME and voice.planes[0]:
                size = BYTES * (FRAME - start)
                front = bytes(BYTES * start)
                taken = [front + bytes(plane[:size]) for plane in voice.planes]
                pieces.append([one + bytes(BYTES * FRAME - len(one)) for one in taken])
                voice.skip(begins + FRAME)
        if not pieces:
            self._encoder.silence(FRAME)
        elif len(pieces) == 1 and self._gain == 1.0:
            self._encoder.add(pieces[0])
        else:
            self._encoder.add(self._added(pieces))

    def _added(self, pieces: list[list[bytes]]) -> list[bytes]:
        planes = []
        for channel in range(self.channels):
            total = array("f", pieces[0][channel])
            for piece in pieces[1:]:
                total = array("f", map(add, total, array("f", piece[channel])))
            planes.append(total)
        peak = max(abs(edge) for plane in planes for edge in (max(plane), min(plane)))
        before = min(1.0, self._gain * RELEASE)
        self._gain = min(before, LOUDEST / peak) if peak > LOUDEST else before
        if before == self._gain == 1.0:
            return [plane.tobytes() for plane in planes]
        return [_scaled(plane, before, self._gain).tobytes() for plane in planes]


def _scaled(plane: array[float], before: float, after: float) -> array[float]:
    """Quieter, and nowhere more than full."""
    step = (after - before) / ATTACK
    first = [
        max(-1.0, min(1.0, sample * (before + step * at)))
        for at, sample in enumerate(plane[:ATTACK])
    ]
    return array("f", [*first, *(sample * after for sample in plane[ATTACK:])])
