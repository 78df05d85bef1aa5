"""One broadcast being made: tapped packets in; parts, init segments, wishes and news out. No I/O, no clock, no thread.

::

    Copy ─▶ intake ─┬─ pictures ─▶ feeding: which line ─┬─▶ cutter ─▶ Init, Part
                    │                                   └─▶ coder (outside) ─▶ Made ─▶ cutter
                    └─ voices ─▶ mixer ─▶ AAC ─▶ cutter

Not pure: the mixer and the still pictures are coded here, so that a turn may take some milliseconds. Turns follow one
another, in one thread at a time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

from attrs import define, evolve, field

from media.broadcast.cmaf.clocks import RATE
from media.broadcast.cmaf.cutter import Cutter
from media.broadcast.cmaf.parts import KeyFrameWanted, Output
from media.broadcast.cmaf.pictures import Picture, Unseen
from media.broadcast.cmaf.rhythm import USUAL, Rhythm
from media.broadcast.cmaf.still import black
from media.broadcast.hls.multivariant import Variant
from media.broadcast.ladder.choice import Ladder, Unsuited
from media.broadcast.ladder.values import Coded, KeyWanted, Made, Pace, Rung, annex_b
from media.broadcast.ladder.values import Output as FromCoder
from media.broadcast.program.feeding import Feed, Stream
from media.broadcast.program.gathering import Gathering
from media.broadcast.program.mixer import Mixer
from media.broadcast.program.notices import Notice
from media.broadcast.program.scene import Line, Scene, fitted, lines_of, rungs_of
from media.broadcast.program.streams import Camera, Streams
from media.broadcast.program.watch import Watch
from media.forwarder.api import Codec, Copy, Layer, TappedClock
from media.ids import TrackSid

#: A key frame of one layer is asked for once in so long.
ASKED_AGAIN = RATE

#: A key frame of this width and height that is shown while there is no picture.
Still = Callable[[int, int], Picture]


@define
class Turn:
    """What came out of one turn, in order.

    Attributes:
        opened: the lines are known now; before the first output.
        asks: layers that need a key frame.
        code: pictures for the coder, with their codec …
        force: … and whether it shall make a key frame of the next.
    """

    opened: bool = False
    outputs: list[Output] = field(factory=list)
    asks: set[Stream] = field(factory=set)
    code: list[tuple[Codec, Coded]] = field(factory=list)
    force: bool = False
    notices: list[Notice] = field(factory=list)


@define(eq=False)
class Producer:
    """Attributes:

    channels, bit_rate: of the sound.
    zero_s: seconds of the clock of packets at tick 0 …
    origin_ntp: … and the wall clock then, NTP with 32.32 bits.
    spare_cores: what this broadcast may take for coding pictures.
    promised: what players know of it since before this process began; empty: nothing.
    coded_always: nothing is passed on: speakers of a call have other encoders than each other.
    lines: sizes of the picture, once it has opened; the smallest first.
    """

    channels: int
    bit_rate: int
    zero_s: float
    origin_ntp: int
    spare_cores: float
    rhythm: Rhythm = USUAL
    promised: tuple[Variant, ...] = ()
    coded_always: bool = False
    still: Still = black
    lines: tuple[Line, ...] = ()
    _scene: Scene = field(factory=Scene)
    _mixer: Mixer = field(init=False)
    _cutter: Cutter | None = None
    _stills: list[Picture] = field(factory=list)
    _feeds: list[Feed] = field(factory=list)  # of lines that are passed on, by place in `_passed`
    _coder: Feed = field(factory=lambda: Feed(Layer.HIGH))
    _rungs: Mapping[Codec, tuple[Rung, ...]] = field(factory=dict)  # what is made of which codec
    _streams: Streams = field(factory=Streams)
    _gathering: Gathering | None = None
    _asked: dict[Stream, int] = field(factory=dict)
    _shown: int | None = None
    _heard: int | None = None
    _watch: Watch | None = None

    def __attrs_post_init__(self) -> None:
        self._mixer = Mixer(self.channels, self.bit_rate)

    def rungs(self, codec: Codec) -> tuple[Rung, ...]:
        """What the coder makes of such pictures."""
        return self._rungs.get(codec, ())

    @property
    def tracks(self) -> frozenset[TrackSid]:
        """Those that must be tapped: on air, or shown until the one on air has a key frame."""
        fed = (feed.fed[0] for feed in self._all_feeds if feed.fed is not None)
        return self._scene.tracks | frozenset(fed)

    @property
    def _all_feeds(self) -> tuple[Feed, ...]:
        return (*self._feeds, self._coder)

    def turn(
        self, scene: Scene, copies: Iterable[Copy], made: Sequence[FromCoder], now_s: float
    ) -> Turn:
        """What came since the last turn. `now_s` is of the clock of `Tapped.at`, and never goes back."""
        turn = Turn()
        now = self._ticks(now_s)
        if self._gathering is None:
            self._gathering = Gathering(now, self.spare_cores, self.coded_always)
            self._watch = Watch(now)
        if scene != self._scene:
            self._change(scene, now, turn)
        for copy in copies:
            self._take(copy, now, turn)
        for stream, camera in list(self._streams.cameras.items()):
            self._pictures(stream, camera, camera.look(now), now, turn)
        for sid, packet, ticks in self._streams.late(now):
            self._mixer.take(sid, packet, ticks, now)
        self._open(now, turn)
        for one in made:
            self._made(one, now, turn)
        for sound in self._mixer.advance(now):
            if self._cutter is not None:
                turn.outputs += self._cutter.take_sound(sound, now)
        if self._cutter is not None:
            turn.outputs += self._cutter.advance(now)
        self._wish(now, turn)
        self._forget()
        assert self._watch is not None
        shown = self._shown if scene.wants_picture else now
        turn.notices += self._watch.look(shown, self._heard, now)
        return turn

    def end(self, now_s: float) -> list[Output]:
        """It is over: what is left."""
        now = self._ticks(now_s)
        out: list[Output] = []
        if self._cutter is not None:
            for sound in self._mixer.end():
                out += self._cutter.take_sound(sound, now)
            out += self._cutter.end(now)
        return [each for each in out if not isinstance(each, KeyFrameWanted)]

    # --- in

    def _ticks(self, at_s: float) -> int:
        return max(0, int((at_s - self.zero_s) * RATE))

    def _change(self, scene: Scene, now: int, turn: Turn) -> None:
        for sid in self._streams.change(scene):
            self._mixer.leave(sid)
        if scene.picture != self._scene.picture and self._gathering is not None:
            self._gathering.begin_anew()
        self._scene = scene
        for feed in self._all_feeds:
            if feed.fed is not None and feed.fed[0] not in scene.pictures:
                codec = self._streams.codec_of(feed.fed[0]) or Codec.H264
                coded = feed is self._coder
                feed.fed = None
                for at in range(len(self.lines)):
                    if self._is_made(at, codec) if coded else at == self._place_of(feed):
                        turn.outputs += self._darken(at, now)

    def _darken(self, at: int, now: int) -> list[Output]:
        """What this line showed may not be shown any more."""
        return self._put(at, evolve(self._stills[at], ticks=now), now)

    def _place_of(self, feed: Feed) -> int:
        """The line of a feed that is passed on."""
        return self._passed[next(at for at, one in enumerate(self._feeds) if one is feed)]

    def _is_made(self, at: int, codec: Codec) -> bool:
        """Whether this line shows what the coder makes of such pictures."""
        return self.lines[at].layer is None or codec is not Codec.H264

    def _forget(self) -> None:
        """Tracks that are neither on air nor shown any more."""
        kept = {feed.fed[0] for feed in self._all_feeds if feed.fed is not None}
        if self._scene.picture is not None:
            kept.add(self._scene.picture)
        for stream in self._streams.forget(kept):
            self._asked.pop(stream, None)

    def _take(self, copy: Copy, now: int, turn: Turn) -> None:
        came = min(now, self._ticks(copy.at))
        if self._streams.is_voice(copy.track):
            for packet, ticks in self._streams.hear(copy, came):
                self._heard = came
                self._mixer.take(copy.track, packet, ticks, came)
            return
        if not self._streams.is_picture(copy.track):
            return
        stream = (copy.track, copy.layer)
        camera = self._streams.camera(stream, came)
        if camera is None:
            assert self._watch is not None
            turn.notices += self._watch.once(Notice.NOT_UNDERSTOOD)
        elif isinstance(copy, TappedClock):
            camera.clock.report(copy.ntp, copy.rtp, came)
        else:
            pictures = camera.take(copy.packet, came, known=copy.codec is not None)
            self._pictures(stream, camera, pictures, now, turn)

    def _pictures(
        self,
        stream: Stream,
        camera: Camera,
        pictures: Sequence[Picture | Coded],
        now: int,
        turn: Turn,
    ) -> None:
        assert self._watch is not None
        if camera.source.unseen[Unseen.B_FRAME]:
            turn.notices += self._watch.once(Notice.B_FRAMES)
        if camera.source.wants_key:
            self._ask(stream, now, turn)
        if not pictures:
            return
        came = self._streams.came()
        for picture in pictures:
            if self._cutter is None and self._gathering and stream[0] == self._scene.picture:
                self._gathering.look(stream[1], picture, now)
            for feed in self._all_feeds if self._cutter is not None else ():
                before = feed.fed
                if not feed.takes(
                    stream, key=picture.key, on_air=self._scene.picture, came=came, now=now
                ):
                    continue
                self._shown = now
                if feed is self._coder:
                    self._code(picture, turn)
                else:
                    turn.outputs += self._pass(feed, picture, now, anew=feed.fed != before)

    def _code(self, picture: Picture | Coded, turn: Turn) -> None:
        """Where anything is made of such pictures."""
        codec = Codec.H264 if isinstance(picture, Picture) else Codec.VP8
        if self.rungs(codec):
            coded = annex_b(picture) if isinstance(picture, Picture) else picture
            turn.code.append((codec, coded))
        elif codec is not Codec.H264:
            assert self._watch is not None
            turn.notices += self._watch.once(Notice.NOT_UNDERSTOOD)

    def _pass(self, feed: Feed, picture: Picture | Coded, now: int, *, anew: bool) -> list[Output]:
        """As it is. What is not H.264 is shown once the coder has made some of it."""
        assert self._cutter is not None
        at = self._place_of(feed)
        if anew:
            self._cutter.lose_line(at)
        return self._put(at, picture, now) if isinstance(picture, Picture) else []

    @property
    def _passed(self) -> list[int]:
        """Places of lines that are passed on."""
        return [at for at, line in enumerate(self.lines) if line.layer is not None]

    def _put(self, at: int, picture: Picture, now: int) -> list[Output]:
        assert self._cutter is not None
        if at == 0:
            return self._cutter.take_picture(picture, now)
        return self._cutter.take_further(at - 1, picture, now)

    def _made(self, one: FromCoder, now: int, turn: Turn) -> None:
        assert self._watch is not None
        match one:
            case Made(name, picture):
                fed = self._coder.fed
                codec = None if fed is None else self._streams.codec_of(fed[0])
                if codec is None:
                    return
                for at, rung in enumerate(self._made_in(codec)):
                    if rung == name and self._is_made(at, codec):
                        turn.outputs += self._put(at, picture, now)
            case KeyWanted():
                if self._coder.fed is not None:
                    self._ask(self._coder.fed, now, turn)
            case Pace.TOO_SLOW | Pace.FAILED:
                turn.notices += [Notice.TOO_SLOW]
            case Pace.FULL:
                pass

    # --- out

    def _open(self, now: int, turn: Turn) -> None:
        """Once it is known what is sent, the sizes of this broadcast are fixed for all of it."""
        gathering = self._gathering
        if self._cutter is not None or gathering is None or not gathering.is_due(self._scene, now):
            return
        turn.opened = True
        sizes = self._streams.sizes_of(self._scene.picture)
        ladder = gathering.ladder(self._scene, sizes, now)
        if isinstance(ladder, Unsuited):
            turn.notices.append(
                Notice.NOT_UNDERSTOOD if ladder is Unsuited.CODEC else Notice.TOO_SLOW
            )
            ladder = Ladder()
        self.lines = fitted(lines_of(ladder), self.promised)
        self._stills = [self.still(line.width, line.height) for line in self.lines]
        first, *further = self._stills
        self._cutter = Cutter(
            self.rhythm, first, self.channels, self.origin_ntp, further=tuple(further)
        )
        self._feeds = [Feed(line.layer) for line in self.lines if line.layer is not None]
        self._coder = Feed(ladder.from_ if ladder.from_ is not None else Layer.HIGH)
        self._rungs = rungs_of(self.lines, self.spare_cores)
        for stream in self._streams.cameras:
            self._ask(stream, now, turn)

    def _wish(self, now: int, turn: Turn) -> None:
        """Key frames: of what is shown where the cutter wants them, of what is to be shown."""
        if any(isinstance(each, KeyFrameWanted) for each in turn.outputs):
            turn.outputs = [each for each in turn.outputs if not isinstance(each, KeyFrameWanted)]
            passed = [one for one in self._feeds if one.fed is not None and self._is_h264(one.fed)]
            turn.force = not passed
            for feed in passed:
                assert feed.fed is not None
                self._ask(feed.fed, now, turn)
        came = self._streams.came()
        for feed in self._all_feeds if self._cutter is not None else ():
            waited_for = feed.waits(self._scene.picture, came, now)
            if waited_for is not None:
                self._ask(waited_for, now, turn)

    def _is_h264(self, stream: Stream) -> bool:
        return self._streams.codec_of(stream[0]) is Codec.H264

    def _made_in(self, codec: Codec) -> list[str | None]:
        """The name of the rung that each line shows of such pictures: its own, or the largest that is no larger."""
        names = [one.name for one in self.rungs(codec)]
        wanted = [line.name if line.rung is None else line.rung.name for line in self.lines]
        found: list[str | None] = []
        for name in wanted:
            before = found[-1] if found else next(iter(names), None)
            found.append(name if name in names else before)
        return found

    def _ask(self, stream: Stream, now: int, turn: Turn) -> None:
        last = self._asked.get(stream)
        if last is None or now - last >= ASKED_AGAIN:
            self._asked[stream] = now
            turn.asks.add(stream)
