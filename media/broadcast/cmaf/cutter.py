"""The cutter: timed pictures and sound in; parts, init segments and wishes for key frames out. No clock of its own.

The clock of sound decides: a part has a whole number of AAC frames, whatever the camera does. A segment begins with a
key frame, in its first AAC frame; the part before it, the last of its segment, is shorter then (RFC 8216bis 4.4.4.9
allows that of a segment's last part alone). Where no pictures are, or none any more, there is a still one of ours:
players do not survive tracks that come and go. Where no sound is, there is silence. Further sizes of the picture are
cut where the first is (`follower.py`).
"""

from __future__ import annotations

from attrs import define, evolve, field

from media.broadcast.cmaf.clocks import RATE
from media.broadcast.cmaf.follower import Follower
from media.broadcast.cmaf.fragment import Shown, write_fragment
from media.broadcast.cmaf.init import write_init
from media.broadcast.cmaf.parts import Further, Init, KeyFrameWanted, Output, Part, Rendition
from media.broadcast.cmaf.picture_line import ABSENT, PictureLine
from media.broadcast.cmaf.pictures import Parameters, Picture
from media.broadcast.cmaf.rhythm import KeyFrameAsker, Rhythm
from media.broadcast.cmaf.sound import FRAME, Sound, SoundLine

#: Sound comes at most so late: 20 ms of Opus, two AAC frames, a repaired packet; what comes later is silence. Where it
#: has been later than that it is waited for longer, at most this long.
SOUND_WAIT, LONGEST_SOUND_WAIT = RATE * 3 // 10, RATE
#: And pictures of a part that has all its sound; about as late as the last ones (`PictureLine.lag`), at most this.
LONGEST_PICTURE_WAIT = RATE
#: And a little more than the last ones took.
MARGIN = RATE // 20
#: So long the first key frame may take before the broadcast begins without it.
START_WAIT = 2 * RATE
#: Ticks that one call may go on at most; a clock that jumps further has stood still, and what was meanwhile is lost.
LONGEST_STEP = 30 * RATE


@define
class Cutter:
    """One broadcast. Each method gives what is ready now, in the order in which it must be published.

    Attributes:
        still: a key frame that is shown while there are no pictures.
        channels: of the sound, 1 or 2.
        origin_ntp: the wall clock at tick 0, NTP with 32.32 bits.
        further: a still picture for each further size.
    """

    rhythm: Rhythm
    still: Picture = field(repr=False)
    channels: int
    origin_ntp: int
    further: tuple[Picture, ...] = field(default=(), repr=False)
    _followers: tuple[Follower, ...] = field(init=False, repr=False)
    _now: int | None = None
    _started: int = 0
    _over: bool = False
    _begun: bool = False
    _sound: SoundLine = field(init=False, repr=False)
    _sound_lag: int = (
        0  # ticks that frames come after their end, about the most of the last few seconds
    )
    _line: PictureLine = field(factory=PictureLine, repr=False)
    _asker: KeyFrameAsker = field(init=False, repr=False)
    _written: Parameters | None = None  # of the init segment in force
    _last: int | None = None  # ticks of the last picture that was written
    _segment_begins: int = 0
    _number: int = 0  # of the last fragment
    _segment: int = -1
    _part: int = 0
    _discontinuity: int = -1

    def __attrs_post_init__(self) -> None:
        if not self.still.key:
            raise ValueError("the still picture must be a key frame")
        if len(self.further) > len(Further):
            raise ValueError("more sizes than there are names")
        self._followers = tuple(map(Follower, self.further))
        self._sound = SoundLine(self.channels, 0)
        self._asker = KeyFrameAsker(self.rhythm)

    @property
    def left_out(self) -> tuple[int, int, int]:
        """Pictures not shown, frames of sound too late, frames of silence, since the beginning."""
        return self._line.left_out, self._sound.late, self._sound.silent

    def advance(self, now: int) -> list[Output]:
        """The broadcast's clock shows `now`; it never goes back. Call it every 100 ms or oftener."""
        if self._over:
            return []
        if self._now is None:
            self._started = self._segment_begins = now
            self._now = now
        self._now = max(self._now, now)
        if self._begun and self._now - self._sound.filled > LONGEST_STEP:
            self._skip(self._now)
        if not self._begun and self._now - self._started >= START_WAIT:
            self._begin(self._now - SOUND_WAIT)
        if self._begun:
            wait = max(SOUND_WAIT, min(LONGEST_SOUND_WAIT, self._sound_lag + MARGIN))
            self._sound.fill(self._now - wait)
        out = self._cut()
        if self._asker.ask(self._now, self._segment_to_come(), urgent=self._line.needs_key):
            out.append(KeyFrameWanted())
        return out

    def take_picture(self, picture: Picture, now: int) -> list[Output]:
        """A picture came."""
        out = self.advance(now)
        if self._over or self._now is None:
            return out
        earliest = self._sound.begins if self._begun else max(0, self._now - SOUND_WAIT)
        if not self._line.take(picture, earliest=earliest, now=self._now):
            return out
        if picture.key:
            self._asker.came(picture.ticks)
        if not self._begun:
            self._begin(self._line.waiting[0].ticks)
        return out + self._cut()

    def take_sound(self, sound: Sound, now: int) -> list[Output]:
        """A frame of AAC came; before the first key frame it is not heard."""
        out = self.advance(now)
        if self._over or not self._begun or self._now is None:
            return out
        lag = self._now - sound.ticks - FRAME
        self._sound_lag = max(lag, self._sound_lag - self._sound_lag // 256)
        self._sound.take(sound)
        return out + self._cut()

    def take_further(self, place: int, picture: Picture, now: int) -> list[Output]:
        """A picture of a further size came."""
        out = self.advance(now)
        if self._over or self._now is None:
            return out
        earliest = self._sound.begins if self._begun else max(0, self._now - SOUND_WAIT)
        self._followers[place].line.take(picture, earliest=earliest, now=self._now)
        return out + self._cut()

    def lose(self, now: int) -> list[Output]:
        """A picture is missing: only a key frame can follow."""
        self._line.needs_key = True
        return self.advance(now)

    def lose_line(self, place: int) -> None:
        """The same of one size: 0 is the first, what follows are the further ones."""
        line = self._line if place == 0 else self._followers[place - 1].line
        line.needs_key = True

    def end(self, now: int) -> list[Output]:
        """The broadcast is over: what is left, to the last whole frame of sound."""
        out = self.advance(now)
        self._over = True
        while self._sound.filled > self._sound.begins:
            before = self._next_segment()
            end = min(self._sound.filled, self._sound.begins + self.rhythm.part_ticks)
            if before is not None and self._floor(before.ticks) < end:
                out += self._write(self._floor(before.ticks), before)
            else:
                out += self._write(end, None)
        return [each for each in out if not isinstance(each, KeyFrameWanted)]

    def _begin(self, ticks: int) -> None:
        self._begun = True
        self._sound.begins = self._segment_begins = ticks

    def _skip(self, now: int) -> None:
        """Nobody called for so long that it is not worth the silence: the broadcast goes on from here."""
        for line in (self._line, *(each.line for each in self._followers)):
            line.begin_anew(keep=False)
        self._sound = evolve(self._sound, begins=now - SOUND_WAIT, frames=[])
        self._written = self._last = None

    def _cut(self) -> list[Output]:
        """All parts of which everything is known."""
        out: list[Output] = []
        while self._begun and self._now is not None:
            end = self._sound.begins + self.rhythm.part_ticks
            before = self._next_segment()
            if before is not None and self._floor(before.ticks) <= end:
                end = self._floor(before.ticks)
            else:
                before = None
            if self._sound.filled < end or self._waits(end):
                break
            out += self._write(end, before)
        return out

    def _waits(self, end: int) -> bool:
        """Whether pictures before `end` may come yet; of a further size, while it gives any."""
        assert self._now is not None
        lines = [self._line, *(each.line for each in self._followers if each.line.lives(end))]
        wait = min(LONGEST_PICTURE_WAIT, max(each.lag for each in lines) + MARGIN)
        return self._now < end + wait and not all(each.reaches(end) for each in lines)

    def _floor(self, ticks: int) -> int:
        """The beginning of the AAC frame during which `ticks` is."""
        begins = self._sound.begins
        return begins + (ticks - begins) // FRAME * FRAME

    def _next_segment(self) -> Picture | None:
        """The key frame before which the part at hand ends, and its segment."""
        parameters, segment = self._written, self._segment_begins
        for each in self._line.waiting:
            if self._ends(each, parameters, segment):
                if each.ticks - self._sound.begins >= FRAME:
                    return each
                segment = self._sound.begins
            parameters = each.parameters
        return None

    def _ends(self, picture: Picture, parameters: Parameters | None, segment: int) -> bool:
        """Whether the segment that began at `segment` ends before this picture; `parameters` are those in force."""
        if not picture.key:
            return False
        long = self._floor(picture.ticks) - segment >= self.rhythm.shortest
        return long or picture.parameters != parameters

    def _segment_to_come(self) -> int:
        """Ticks at which the last segment began that is known of, written or not."""
        key = self._next_segment()
        if key is not None:
            return self._floor(key.ticks)
        first = next((each for each in self._line.waiting if each.key), None)
        if first is not None and self._ends(first, self._written, self._segment_begins):
            return self._sound.begins
        return self._segment_begins

    def _write(self, end: int, before: Picture | None) -> list[Output]:
        """The part that ends at `end`, in both renditions, with what must come before it."""
        begins = self._sound.begins
        pictures = self._pictures(end, before)
        parameters = pictures[0].parameters if pictures else self._written
        changes = parameters != self._written
        key = bool(pictures) and pictures[0].key
        first = key and pictures[0].ticks - begins < FRAME
        whole = first and begins - self._segment_begins >= self.rhythm.shortest
        stop = None if before is None else before.ticks
        for each in self._followers:
            each.cut(begins, end, stop, junction=changes or whole, anew=changes)
        changes = changes or any(each.changes for each in self._followers)
        if changes:
            self._discontinuity += 1
            self._written = parameters
            for each in self._followers:
                each.begin()
        out = self._inits() if changes else []
        if changes or whole or end - self._segment_begins > self.rhythm.longest:
            self._segment += 1
            self._part = 0
            self._segment_begins = begins
        self._number += 1
        sound = self._sound.cut((end - begins) // FRAME)
        over = self._sound.filled if self._over else None
        seen: list[tuple[Rendition | Further, list[Shown] | None, bool]] = [
            (Rendition.PICTURES, self._line.timed(pictures, over=over), key),
            (Rendition.SOUND, None, True),
        ]
        for name, each in zip(Further, self._followers, strict=False):
            seen.append((name, each.line.timed(each.taken, over=over), each.independent))
        for rendition, shown, independent in seen:
            data = write_fragment(
                number=self._number,
                begins=begins,
                origin_ntp=self.origin_ntp,
                sound=sound,
                pictures=shown,
            )
            out.append(
                Part(
                    rendition=rendition,
                    discontinuity=self._discontinuity,
                    segment=self._segment,
                    part=self._part,
                    begins=begins,
                    ticks=end - begins,
                    independent=independent,
                    data=data,
                )
            )
        self._part += 1
        return out

    def _pictures(self, end: int, before: Picture | None) -> list[Picture]:
        """What is shown in the part at hand: what came, or the still picture, or nothing new."""
        begins = self._sound.begins
        pictures = self._line.cut(end, before)
        # What comes in the same AAC frame before the key frame of a segment would keep that from being its beginning.
        start, parameters = 0, self._written
        for place, each in enumerate(pictures):
            if each.ticks - begins >= FRAME:
                break
            if self._ends(each, parameters, self._segment_begins):
                start = place
            parameters = each.parameters
        del pictures[:start]
        if not pictures and self._is_still(end):
            self._line.begin_anew(keep=True)
            pictures = [evolve(self.still, ticks=begins)]
        if pictures:
            self._last = pictures[-1].ticks
        return pictures

    def _is_still(self, end: int) -> bool:
        if self._last is None or self._last + ABSENT < end:
            return True
        again = self._sound.begins - self._segment_begins >= self.rhythm.usual
        return again and self._written == self.still.parameters

    def _inits(self) -> list[Output]:
        of: list[tuple[Rendition | Further, Parameters | None]] = [
            (Rendition.PICTURES, self._written),
            (Rendition.SOUND, None),
        ]
        of += ((name, each.written) for name, each in zip(Further, self._followers, strict=False))
        return [
            Init(
                rendition=rendition,
                discontinuity=self._discontinuity,
                parameters=parameters,
                data=write_init(self.channels, parameters),
            )
            for rendition, parameters in of
        ]
