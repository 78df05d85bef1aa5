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

from media.broadcast.cmaf.clocks import RATE, PublisherClock
from media.broadcast.cmaf.cutter import Cutter
from media.broadcast.cmaf.parts import KeyFrameWanted, Output
from media.broadcast.cmaf.pictures import Picture, Unseen
from media.broadcast.cmaf.rhythm import USUAL, Rhythm
from media.broadcast.cmaf.still import black
from media.broadcast.hls.multivariant import Variant
from media.broadcast.ladder.choice import Ladder, Sent, Unsuited, choose
from media.broadcast.ladder.values import Coded, KeyWanted, Made, Pace, Rung, annex_b
from media.broadcast.ladder.values import Output as FromCoder
from media.broadcast.ladder.vp8 import size_of
from media.broadcast.program.feeding import Feed, Stream, done_with
from media.broadcast.program.intake import CameraIn, VoiceIn, camera_in, voice_in
from media.broadcast.program.mixer import Mixer
from media.broadcast.program.notices import Notice
from media.broadcast.program.scene import Line, Scene, announced, fitted, lines_of, rungs_of
from media.broadcast.program.watch import Watch
from media.forwarder.api import Codec, Copy, Layer, Tapped, TappedClock
from media.ids import TrackSid

#: From the first key frame until what the publisher sends is known, and without one until it begins with sound alone.
GATHER, PATIENCE = RATE * 3 // 2, 3 * RATE
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
    _publishers: dict[str, PublisherClock] = field(factory=dict)
    _cameras: dict[Stream, CameraIn[Picture] | CameraIn[Coded]] = field(factory=dict)
    _voices: dict[TrackSid, VoiceIn] = field(factory=dict)
    _codecs: dict[TrackSid, tuple[Codec, str]] = field(factory=dict)
    _sizes: dict[Layer, tuple[int, int]] = field(factory=dict)
    _asked: dict[Stream, int] = field(factory=dict)
    _began: int | None = None
    _first_key: int | None = None
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
        if self._began is None:
            self._began = now
            self._watch = Watch(now)
        if scene != self._scene:
            self._change(scene, now, turn)
        for copy in copies:
            self._take(copy, now, turn)
        for stream, camera in list(self._cameras.items()):
            self._pictures(stream, camera, camera.look(now), now, turn)
        for sid, voice in self._voices.items():
            for packet, ticks in voice.look(now):
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
        for sid in self._voices.keys() - scene.voices.keys():
            del self._voices[sid]
            self._mixer.leave(sid)
        if scene.picture != self._scene.picture and self._cutter is None:
            self._sizes.clear()
            self._first_key = None
        self._scene = scene
        if scene.picture is not None:
            self._codecs[scene.picture] = (scene.codec, scene.publisher)
        for feed in self._all_feeds:
            if feed.fed is not None and feed.fed[0] not in scene.pictures:
                codec, _ = self._codecs.get(feed.fed[0], (Codec.H264, ""))
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
        for track in {track for track, _ in self._cameras} - {self._scene.picture}:
            if done_with(self._all_feeds, track):
                for stream in [one for one in self._cameras if one[0] == track]:
                    del self._cameras[stream]
                    self._asked.pop(stream, None)
        known = {track for track, _ in self._cameras} | {self._scene.picture}
        for track in self._codecs.keys() - known:
            del self._codecs[track]
        used = {publisher for _, publisher in self._codecs.values()} | set(
            self._scene.voices.values()
        )
        for publisher in self._publishers.keys() - used:
            del self._publishers[publisher]

    def _take(self, copy: Copy, now: int, turn: Turn) -> None:
        came = min(now, self._ticks(copy.at))
        if copy.track in self._scene.voices:
            self._voice(copy, came)
            return
        if copy.track not in self._codecs:
            return
        stream = (copy.track, copy.layer)
        camera = self._camera(stream, came)
        if camera is None:
            assert self._watch is not None
            turn.notices += self._watch.once(Notice.NOT_UNDERSTOOD)
        elif isinstance(copy, TappedClock):
            camera.clock.report(copy.ntp, copy.rtp, came)
        else:
            pictures = camera.take(copy.packet, came, known=copy.codec is not None)
            self._pictures(stream, camera, pictures, now, turn)

    def _voice(self, copy: Tapped | TappedClock, came: int) -> None:
        voice = self._voices.get(copy.track)
        if voice is None:
            clock = self._publisher(self._scene.voices[copy.track])
            voice = self._voices[copy.track] = voice_in(clock, came)
        if isinstance(copy, TappedClock):
            voice.clock.report(copy.ntp, copy.rtp, came)
            return
        for packet, ticks in voice.take(copy.packet, came, copy.codec):
            self._heard = came
            self._mixer.take(copy.track, packet, ticks, came)

    def _camera(self, stream: Stream, came: int) -> CameraIn[Picture] | CameraIn[Coded] | None:
        camera = self._cameras.get(stream)
        if camera is None:
            codec, publisher = self._codecs[stream[0]]
            camera = camera_in(codec, self._publisher(publisher), came)
            if camera is not None:
                self._cameras[stream] = camera
        return camera

    def _publisher(self, name: str) -> PublisherClock:
        return self._publishers.setdefault(name, PublisherClock())

    def _pictures(
        self,
        stream: Stream,
        camera: CameraIn[Picture] | CameraIn[Coded],
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
        came = {one: each.came for one, each in self._cameras.items()}
        for picture in pictures:
            self._gather(stream, picture, now)
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

    def _gather(self, stream: Stream, picture: Picture | Coded, now: int) -> None:
        """Sizes of what is sent, until it opens."""
        if self._cutter is not None or not picture.key or stream[0] != self._scene.picture:
            return
        if isinstance(picture, Picture):
            sequence = picture.parameters.sequence
            self._sizes[stream[1]] = sequence.width, sequence.height
        elif (size := size_of(picture.data)) is not None:
            self._sizes[stream[1]] = size
        if self._first_key is None:
            self._first_key = now

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
                if fed is None or fed[0] not in self._codecs:
                    return
                codec, _ = self._codecs[fed[0]]
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
        assert self._began is not None
        if self._cutter is not None:
            return
        gathered = self._first_key is not None and now - self._first_key >= GATHER
        if not gathered and now - self._began < PATIENCE:
            return
        turn.opened = True
        ladder = self._ladder(now)
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
        for stream in self._cameras:
            self._ask(stream, now, turn)

    def _ladder(self, now: int) -> Ladder | Unsuited:
        seen = {}
        for layer, (width, height) in self._sizes.items():
            assert self._scene.picture is not None
            camera = self._cameras.get((self._scene.picture, layer))
            size = 0 if camera is None else camera.size
            spent = max(RATE, now - (self._began or 0))
            seen[layer] = Sent(
                layer=layer, width=width, height=height, bit_rate=size * 8 * RATE // spent
            )
        if not seen:
            return self._unseen()
        sent = announced(seen, self._scene.layers)
        codec = self._scene.codec
        if self.coded_always:
            codec = Codec.VP8  # whatever the next speaker sends
        return choose(codec, sent, self.spare_cores)

    def _unseen(self) -> Ladder | Unsuited:
        """No picture yet: one may come, of this or that encoder; it is coded then."""
        usual = Sent(layer=Layer.HIGH, width=1280, height=720, bit_rate=0)
        found = choose(Codec.VP8, (usual,), self.spare_cores)
        return Ladder() if isinstance(found, Unsuited) else found

    def _wish(self, now: int, turn: Turn) -> None:
        """Key frames: of what is shown where the cutter wants them, of what is to be shown."""
        if any(isinstance(each, KeyFrameWanted) for each in turn.outputs):
            turn.outputs = [each for each in turn.outputs if not isinstance(each, KeyFrameWanted)]
            passed = [one for one in self._feeds if one.fed is not None and self._is_h264(one.fed)]
            turn.force = not passed
            for feed in passed:
                assert feed.fed is not None
                self._ask(feed.fed, now, turn)
        came = {one: each.came for one, each in self._cameras.items()}
        for feed in self._all_feeds if self._cutter is not None else ():
            waited_for = feed.waits(self._scene.picture, came, now)
            if waited_for is not None:
                self._ask(waited_for, now, turn)

    def _is_h264(self, stream: Stream) -> bool:
        return self._codecs.get(stream[0], (None, ""))[0] is Codec.H264

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
