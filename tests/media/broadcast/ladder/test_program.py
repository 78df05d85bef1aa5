"""A publisher in VP8, from packets to parts: real libvpx, a coder in its own process, two sizes that end together."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from io import BytesIO

import av
from attrs import define, field

from media.broadcast.cmaf.clocks import RATE
from media.broadcast.ladder.process import ProcessTranscoder
from media.broadcast.ladder.values import Coded
from media.broadcast.program.producer import Producer
from media.broadcast.program.scene import Scene
from media.forwarder.api import Codec, Copy, Layer, Tapped
from tests.media.broadcast.ladder.vp8_film import film, packets
from tests.media.broadcast.program.stagehand import CAMERA, VOICE, Publication, Show, rtp
from tests.media.broadcast.program.test_mixer import voice
from tests.support.polling import until_async

STEP = RATE // 10
FILM = film(60, width=640, height=480, rate=10)


@define
class Camera:
    """Begins its film anew when a key frame is asked for. `codec`: as the tap names it."""

    keys: int = 0
    place: int = 60
    sequence: int = 0

    def shoot(self, ticks: int, at_s: float) -> Iterator[Copy]:
        if self.place >= len(FILM):
            self.place = 0
            self.keys += 1
        frame, self.place = FILM[self.place], self.place + 1
        stamp = ticks * 90_000 // RATE
        for one in packets([frame], sequence=self.sequence, timestamp=stamp):
            data = rtp(one.payload, one.sequence, stamp, marker=one.marker)
            yield Tapped(CAMERA, Layer.HIGH, Codec.VP8, data, at_s)
            self.sequence = one.sequence + 1


@define
class Evening:
    """The producer by the clock of the test; after each picture the coder has time to do it."""

    show: Show
    camera: Camera = field(factory=Camera)
    coder: ProcessTranscoder | None = None
    now: int = 0
    spoken: int = 0

    async def run(self, seconds: int, group: asyncio.TaskGroup) -> None:
        producer = self.show.producer
        for _ in range(seconds * RATE // STEP):
            at_s = (self.now + STEP) / RATE + producer.zero_s
            copies = list(self.camera.shoot(self.now, at_s))
            for number in range(self.spoken, self.spoken + 5):
                spoken = voice(440, 0.3)
                data = rtp(spoken[number % len(spoken)], number, number * 960, marker=False)
                copies.append(Tapped(VOICE, Layer.HIGH, Codec.OPUS, data, at_s))
            self.spoken += 5
            self.now += STEP
            made = () if self.coder is None else self.coder.ready(self.now)
            turn = producer.turn(self.show.scene, copies, made, at_s)
            self.show.take(turn)
            if turn.asks:
                self.camera.place = len(FILM)
            await self._code(turn.code, group, force=turn.force)

    async def _code(
        self, code: list[tuple[Codec, Coded]], group: asyncio.TaskGroup, *, force: bool
    ) -> None:
        if code and self.coder is None:
            self.coder = ProcessTranscoder(Codec.VP8, self.show.producer.rungs(Codec.VP8))
            group.create_task(self.coder.run())

            async def there() -> bool:
                return self.coder is not None and self.coder._process is not None

            await until_async(there, what="a coder")
        if self.coder is None:
            return
        for _, coded in code:
            self.coder.take(coded, self.now)
        if force:
            self.coder.want_key()

        async def done() -> bool:
            return self.coder is not None and self.coder._pacing.waiting == 0

        await until_async(done, what="a picture", interval_s=0.002)


def _seen(origin: Publication, name: str) -> list[tuple[int, int]]:
    with av.open(BytesIO(origin.file(name, 0)), "r") as container:
        return [(frame.width, frame.height) for frame in container.decode(video=0)]


async def test_a_publisher_in_vp8() -> None:
    """Two sizes of H.264, cut at the same moments, each begun with key frames, and the sound beside them."""
    producer = Producer(channels=1, bit_rate=64_000, zero_s=50.0, origin_ntp=0, spare_cores=2.0)
    scene = Scene(picture=CAMERA, publisher="ann", codec=Codec.VP8, voices={VOICE: "ann"})
    evening = Evening(Show(producer, scene))
    async with asyncio.TaskGroup() as group:
        await evening.run(9, group)
        assert evening.coder is not None
        evening.coder.close()
    origin = evening.show.end()
    assert origin.wrong == []
    assert evening.show.notices == []
    assert [(one.name, one.width, one.height) for one in producer.lines] == [
        ("v360", 480, 360),
        ("v480", 640, 480),
    ]
    for name, size in (("v360", (480, 360)), ("v480", (640, 480))):
        seen = _seen(origin, name)
        assert set(seen) == {size}
        assert len(seen) >= 60
    begins = {
        name: [
            part.independent
            for part, _ in origin.parts
            if part.rendition == name and part.number == 0
        ]
        for name in ("v360", "v480")
    }
    assert begins["v360"] == begins["v480"]
    assert len(begins["v360"]) >= 2
    assert all(begins["v360"])
