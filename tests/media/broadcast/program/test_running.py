"""A broadcast that runs, with a coder and an origin of the test: what is coded, and what faults cost."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import pytest
from attrs import Factory, define, field

from media.broadcast.cmaf.pictures import Picture, PictureReader
from media.broadcast.ladder.values import Coded, KeyWanted, Made, Output, Rung
from media.broadcast.origin.publication import Opening
from media.broadcast.program.notices import Notice
from media.broadcast.program.producer import Producer
from media.broadcast.program.running import MOST_WAITING, NOBODY, Running
from media.broadcast.program.scene import Scene
from media.forwarder.api import Codec, Copy, Layer, Tapped
from media.ids import TrackSid
from tests.media.broadcast.program.stagehand import (
    CAMERA,
    SIZES,
    VOICE,
    Encoder,
    Publication,
    gop,
    publication,
    rtp,
)
from tests.media.broadcast.program.test_mixer import voice
from tests.media.world import eventually

OTHER = TrackSid("TR_other")


@define
class Coder:
    """Makes each picture into the next one of a film of its own, a key frame where the publisher's is one."""

    codec: Codec
    rungs: tuple[Rung, ...]
    taken: list[Coded] = Factory(list)
    forced: int = 0
    closed: bool = False
    over: asyncio.Event = Factory(asyncio.Event)
    _out: list[Output] = Factory(list)
    _place: int = 0
    _reader: PictureReader = Factory(PictureReader)
    _force: bool = False

    def take(self, coded: Coded, now: int) -> None:
        self.taken.append(coded)
        if coded.key or self._force:
            self._place, self._force = 0, False
        units = gop(*SIZES[Layer.MEDIUM])[self._place]
        self._place += 1
        picture = self._reader.read(units, coded.ticks)
        assert isinstance(picture, Picture)
        self._out += [Made(rung.name, picture) for rung in self.rungs]

    def lose(self) -> None: ...

    def want_key(self) -> None:
        self.forced += 1
        self._force = True

    def ready(self, now: int) -> Sequence[Output]:
        out, self._out = self._out, []
        return out

    def wish(self) -> None:
        self._out.append(KeyWanted())

    def close(self) -> None:
        self.closed = True
        self.over.set()

    async def run(self) -> None:
        await self.over.wait()


@define
class Clock:
    """Goes on by what the test says; `running.run` waits for real time only between turns."""

    now: float = 100.0

    def __call__(self) -> float:
        return self.now


@define
class World:
    """Taps are remembered: layers by track; `asked` are wishes for key frames."""

    running: Running
    clock: Clock
    coders: list[Coder]
    opened: list[Publication]
    told: list[Notice]
    taps: dict[TrackSid, frozenset[Layer]] = Factory(dict)
    asked: list[TrackSid] = Factory(list)
    encoders: list[Encoder] = Factory(list)
    spoken: int = 0
    ticks: int = field(default=0)

    def tap(self, track: TrackSid, layers: frozenset[Layer]) -> None:
        self.taps[track] = layers
        if not layers:
            del self.taps[track]

    def ask_key(self, track: TrackSid, layer: Layer) -> None:
        self.asked.append(track)
        for one in self.encoders:
            one.key |= one.track == track

    async def go(self, seconds: float) -> None:
        """Pictures and sound of so long, at once, a turn after each fifth of a second."""
        for _ in range(int(seconds * 5)):
            copies: list[Copy] = []
            for _ in range(5):
                self.clock.now += 0.04
                for one in self.encoders:
                    copies += one.shoot(self.ticks, self.clock.now)
                for number in range(self.spoken, self.spoken + 2):
                    data = rtp(voice(440, 0.3)[number % 100], number, number * 960, marker=False)
                    copies.append(Tapped(VOICE, Layer.HIGH, Codec.OPUS, data, self.clock.now))
                self.spoken += 2
                self.ticks += 1_920
            for copy in copies:
                self.running.hear(copy)
            turns = self.running.turns
            await eventually(lambda turns=turns: self.running.turns >= turns + 2, "a turn")  # type: ignore[misc] # a default of a lambda


@asynccontextmanager
async def world(*, refuses: bool = False, coded: bool = True) -> AsyncIterator[World]:
    clock, coders, opened, told = Clock(), list[Coder](), list[Publication](), list[Notice]()

    def opening(asked: Opening) -> Publication:
        if refuses:
            raise ValueError("another shape")
        opened.append(publication(asked))
        return opened[-1]

    def make(codec: Codec, rungs: tuple[Rung, ...]) -> Coder:
        coders.append(Coder(codec, rungs))
        return coders[-1]

    producer = Producer(1, 64_000, clock.now, 0, spare_cores=1.0, coded_always=coded)
    running = Running(
        broadcast="concert",
        producer=producer,
        open_=opening,
        make_coder=make,
        tell=told.append,
        clock=clock,
        began_ms=0,
    )
    made = World(running, clock, coders, opened, told)
    async with asyncio.TaskGroup() as group:
        task = group.create_task(running.run())
        yield made
        running.stop()
        await asyncio.wait([task])


def scene(**more: object) -> Scene:
    values: dict[str, object] = {
        "picture": CAMERA,
        "publisher": "ann",
        "layers": frozenset({Layer.HIGH}),
        "voices": {VOICE: "ann"},
    }
    return Scene(**(values | more))  # type: ignore[arg-type] # checked by the class


@pytest.mark.asyncio
async def test_pictures_are_coded_where_speakers_differ() -> None:
    """What a call's publishers send goes to the coder, with its wishes for key frames; viewers get what that makes."""
    async with world() as here:
        here.encoders = [Encoder(CAMERA, Layer.HIGH, SIZES[Layer.HIGH])]
        here.running.show(scene(), here)
        assert set(here.taps) == {CAMERA, VOICE}
        await here.go(7)
        (coder,) = here.coders
        assert coder.codec is Codec.H264
        assert coder.taken[0].key
        assert coder.forced >= 1
        coder.wish()
        before = here.asked.count(CAMERA)
        await here.go(0.4)
        assert here.asked.count(CAMERA) == before + 1

        here.running.show(scene(picture=OTHER, may_stay=frozenset({CAMERA})), here)
        assert set(here.taps) == {CAMERA, OTHER, VOICE}
        here.encoders.append(Encoder(OTHER, Layer.HIGH, SIZES[Layer.LOW]))
        await here.go(1)
        assert set(here.taps) == {OTHER, VOICE}
        here.running.clear()
        await here.go(1)
        assert set(here.taps) == {OTHER}, "it may come back"
    assert here.taps == {}
    assert coder.closed
    assert here.opened[0].wrong == []
    assert here.opened[0].ended
    assert here.told == []


@pytest.mark.asyncio
async def test_a_thread_that_does_not_keep_up() -> None:
    """The oldest packets go, hosts are told, and nothing grows without end."""
    async with world(coded=False) as here:
        here.running.show(scene(), here)
        packet = Tapped(CAMERA, Layer.HIGH, Codec.H264, b"\x80" + bytes(11), 100.0)
        for _ in range(MOST_WAITING + 10):
            here.running.hear(packet)
        assert here.running.lost == 10
        assert here.told[0] is Notice.TOO_SLOW


@pytest.mark.asyncio
async def test_an_origin_that_refuses() -> None:
    """Then nothing runs: hosts are told, taps are given back."""
    async with world(refuses=True) as here:
        here.running.show(scene(), here)
        await here.go(0.2)
        here.clock.now += 11
        await eventually(lambda: here.told == [Notice.NOT_PUBLISHED], "hosts are told")
        await eventually(lambda: here.taps == {}, "nothing is tapped")
        assert not here.running.opened


@pytest.mark.asyncio
async def test_a_bug_costs_a_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a packet may bring about in a turn is logged, and the next turn is like any other."""
    async with world() as here:
        here.running.show(NOBODY, here)
        await here.go(0.2)

        def bad(*_: object) -> None:
            raise RuntimeError

        with monkeypatch.context() as patched:
            patched.setattr(Producer, "turn", bad)
            await eventually(lambda: here.running.faults > 1, "it is met")
        await here.go(0.2)
