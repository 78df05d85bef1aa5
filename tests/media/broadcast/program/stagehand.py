"""Streams as taps hand them on, coded for real: a camera in layers, voices; and an origin that keeps everything."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache

from attrs import define, field

from media.broadcast.cmaf.clocks import RATE
from media.broadcast.cmaf.pictures import Picture, PictureReader
from media.broadcast.hls.broadcast import Broadcast
from media.broadcast.hls.captions import Unsayable
from media.broadcast.hls.timeline import Unfit
from media.broadcast.hls.values import Part
from media.broadcast.ladder.values import Coded, Made
from media.broadcast.ladder.values import Output as FromCoder
from media.broadcast.origin.publication import Opening
from media.broadcast.program.outlet import Outlet, opening
from media.broadcast.program.producer import Producer, Turn
from media.broadcast.program.scene import Scene
from media.forwarder.api import Codec, Copy, Layer, Tapped
from media.forwarder.plain.rtp import HEADER
from media.ids import TrackSid
from tests.media.broadcast.cmaf.camera import Units, film, packets
from tests.media.broadcast.ladder import vp8_film

CAMERA, VOICE = TrackSid("TR_camera"), TrackSid("TR_voice")
#: Width and height of each layer, small: it is coded for real.
SIZES = {Layer.LOW: (64, 48), Layer.MEDIUM: (128, 96), Layer.HIGH: (256, 192)}
PICTURES_S = 25
#: And of what the coder of the test makes.
CODED = (96, 64)


@cache
def gop(width: int, height: int, **more: int) -> tuple[Units, ...]:
    """A key frame and as many pictures as any segment has."""
    return film(400, width=width, height=height, **more)


def rtp(payload: bytes, sequence: int, timestamp: int, *, marker: bool, kind: int = 102) -> bytes:
    second = kind | (0x80 if marker else 0)
    return HEADER.pack(0x80, second, sequence & 0xFFFF, timestamp & 0xFFFFFFFF, 7) + payload


@define
class Encoder:
    """One layer: its film begins anew when a key frame is asked for or after `every` pictures; `more` is of `film`."""

    track: TrackSid
    layer: Layer
    size: tuple[int, int]
    skew: int = 0
    key: bool = True
    keys: int = 0
    every: int = 400
    more: dict[str, int] = field(factory=dict)
    vp8: bool = False
    _place: int = 0
    _sequence: int = 0

    def shoot(self, ticks: int, at_s: float) -> Iterator[Copy]:
        """The picture of this moment."""
        if self.key or self._place >= self.every:
            self.key, self._place = False, 0
            self.keys += 1
        stamp = ticks * 90_000 // RATE + self.skew
        if self.vp8:
            frame = vp8_film.film(200)[self._place % 200]
            came = vp8_film.packets([frame], sequence=self._sequence, timestamp=stamp)
        else:
            units = gop(*self.size, **self.more)[self._place]
            came = packets([units], sequence=self._sequence, timestamp=stamp, most=1_000)
        self._place += 1
        for one in came:
            data = rtp(one.payload, one.sequence, one.timestamp, marker=one.marker)
            codec = Codec.VP8 if self.vp8 else Codec.H264
            yield Tapped(self.track, self.layer, codec, data, at_s)
            self._sequence = one.sequence + 1


@define
class Network:
    """Every packet of so many comes three later, or never; 0: none."""

    late: int = 0
    lost: int = 0
    _count: int = 0
    _held: list[tuple[int, Copy]] = field(factory=list)

    def carry(self, copies: list[Copy]) -> list[Copy]:
        out: list[Copy] = []
        for copy in copies:
            self._count += 1
            out += [one for due, one in self._held if due == self._count]
            if self.lost and self._count % self.lost == 0:
                continue
            if self.late and self._count % self.late == 0:
                self._held.append((self._count + 4, copy))
            else:
                out.append(copy)
        return out


@define
class Publication:
    """Keeps what it is given, and lets the playlists judge it."""

    of: Broadcast
    inits: dict[tuple[str, int], bytes] = field(factory=dict)
    parts: list[tuple[Part, bytes]] = field(factory=list)
    wrong: list[Unfit] = field(factory=list)
    settled: int = 0
    ended: bool = False

    def begin(
        self,
        discontinuity: int,
        inits: Mapping[str, bytes],
        wall_ms: int,
        media_at: int | None = None,
    ) -> Unfit | None:
        assert set(inits) == {one.rendition for one in self.of.variants}
        self.inits |= {(name, discontinuity): data for name, data in inits.items()}
        return self._judged(self.of.begin(discontinuity, wall_ms, media_at))

    def part(self, part: Part, data: bytes) -> Unfit | None:
        self.parts.append((part, data))
        return self._judged(self.of.add(part))

    def settle(self) -> None:
        counts = {name: sum(one.rendition == name for one, _ in self.parts) for name in self.names}
        assert len(set(counts.values())) == 1
        self.settled += 1

    def say(self, text: str, at: int | None = None) -> Unsayable | None:
        return self.of.say(text, at)

    def end(self) -> None:
        self.ended = True

    @property
    def names(self) -> list[str]:
        return [one.rendition for one in self.of.variants]

    def file(self, rendition: str, discontinuity: int) -> bytes:
        """As a player puts it together."""
        parts = [
            data
            for part, data in self.parts
            if (part.rendition, part.discontinuity) == (rendition, discontinuity)
        ]
        return self.inits[rendition, discontinuity] + b"".join(parts)

    def _judged(self, unfit: Unfit | None) -> Unfit | None:
        self.wrong += [] if unfit is None else [unfit]
        return unfit


def publication(asked: Opening) -> Publication:
    return Publication(Broadcast("t", asked.shape, asked.variants))


@define
class Show:
    """A producer by the clock of the test, with an origin behind it. `encoders` shoot; `voices`: packets by track."""

    producer: Producer
    scene: Scene
    encoders: list[Encoder] = field(factory=list)
    voices: dict[TrackSid, tuple[bytes, ...]] = field(factory=dict)
    now: int = 0
    origin: Publication | None = None
    outlet: Outlet | None = None
    turns: list[Turn] = field(factory=list)
    made: list[FromCoder] = field(factory=list)
    obeys: bool = True
    network: Network = field(factory=Network)
    coded: list[Codec] = field(factory=list)
    _coder: PictureReader = field(factory=PictureReader)
    _place: int = 0
    _spoken: int = 0

    def run(self, seconds: float) -> None:
        end = self.now + int(seconds * RATE)
        step = RATE // PICTURES_S
        while self.now < end:
            at_s = (self.now + step) / RATE + self.producer.zero_s
            copies = [copy for one in self.encoders for copy in one.shoot(self.now, at_s)]
            for number in range(self._spoken, self._spoken + 2):
                for sid, spoken in self.voices.items():
                    data = rtp(spoken[number % len(spoken)], number, number * 960, marker=False)
                    copies.append(Tapped(sid, Layer.HIGH, Codec.OPUS, data, at_s))
            self._spoken += 2
            self.now += step
            arrived = self.network.carry(copies)
            made, self.made = self.made, []
            self.take(self.producer.turn(self.scene, arrived, made, at_s))

    def take(self, turn: Turn) -> None:
        self.turns.append(turn)
        if turn.opened:
            asked = opening(
                "concert",
                self.producer.rhythm,
                self.producer.lines,
                self.producer.channels,
                recorded=False,
            )
            self.origin = publication(asked)
            self.outlet = Outlet(self.origin, self.producer.lines, began_ms=0)
        if self.outlet is not None:
            self.outlet.write(turn.outputs)
        for codec, picture in turn.code:
            self._code(codec, picture, force=turn.force)
        if turn.asks and self.obeys:
            tracks = {track for track, _ in turn.asks}
            for one in self.encoders:
                one.key |= one.track in tracks

    def _code(self, codec: Codec, coded: Coded, *, force: bool) -> None:
        """As a coder does: a picture of its own for each, the same in all rungs."""
        self.coded.append(codec)
        if coded.key or force:
            self._place = 0
        picture = self._coder.read(gop(*CODED)[self._place], coded.ticks)
        self._place += 1
        assert isinstance(picture, Picture)
        self.made += [Made(rung.name, picture) for rung in self.producer.rungs(codec)]

    def end(self) -> Publication:
        assert self.outlet is not None
        assert self.origin is not None
        self.outlet.write(self.producer.end(self.producer.zero_s + self.now / RATE))
        self.outlet.end()
        return self.origin

    @property
    def notices(self) -> list[str]:
        return [one.value for turn in self.turns for one in turn.notices]
