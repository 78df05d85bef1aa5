"""Chromium publishes by WHIP; what comes out of the packager is looked at by FFmpeg, and watched by WHEP meanwhile."""

from __future__ import annotations

import enum
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from io import BytesIO

import aiohttp
import av
import numpy as np
import pytest
from aiohttp.test_utils import TestServer
from aiortc.mediastreams import VideoStreamTrack
from attrs import define, field
from av import VideoFrame

from media.broadcast.program.figures import ProgramFigures
from media.broadcast.program.notices import Notice
from media.broadcast.program.scene import SOUND
from media.broadcast.program.stage import track_of
from media.forwarder.api import Kind, LayersSeen
from media.ids import TrackSid
from media.transport.listener import listen
from tests.media.broadcast.program.assembly import Assembly, assembled
from tests.media.broadcast.whip.doubles import CONCERT, KEY
from tests.media.broadcast.whip.test_chromium import CLIENT
from tests.media.broadcast.whip.test_obs import HEADERS, obs, publish
from tests.media.planes import plain
from tests.media.transport.chromium import SCRIPT, chromium_page
from tests.media.transport.world import CERTIFICATE, eventually, settings

#: Ticks that the picture and the sound of one moment may be apart: nobody sees an eighth of a second.
TOGETHER = 48_000 // 8

#: Once a second it is white and one hears a tone, for a fifth of a second. Both layers fit into the 300 kbit/s with
#: which Chromium begins: on a loaded machine it measures less of its network than there is.
BEATS = """
globalThis.beats = () => {
  const canvas = document.createElement('canvas');
  canvas.width = 640; canvas.height = 360;
  const paint = canvas.getContext('2d'), audio = new AudioContext();
  const tone = audio.createOscillator(), gain = audio.createGain(), out = audio.createMediaStreamDestination();
  tone.frequency.value = 1000; gain.gain.value = 0;
  tone.connect(gain); gain.connect(out); tone.start();
  let n = 0;
  setInterval(() => {
    const on = performance.now() % 1000 < 200;
    gain.gain.value = on ? 0.8 : 0;
    paint.fillStyle = on ? '#fff' : '#000';
    paint.fillRect(0, 0, 640, 360);
    paint.fillStyle = `hsl(${n++ % 360} 90% 30%)`;
    paint.fillRect(0, 340, 640, 20);
  }, 33);
  const picture = canvas.captureStream(30).getVideoTracks()[0];
  pc.addTransceiver(out.stream.getAudioTracks()[0], {direction: 'sendonly'});
  pc.addTransceiver(picture, {direction: 'sendonly', sendEncodings: [
    {rid: 'h', scaleResolutionDownBy: 2, maxBitrate: 60000}, {rid: 'f', maxBitrate: 200000}]});
};
globalThis.sent = async rid => {
  const found = [...(await pc.getStats()).values()].find(one => one.type === 'outbound-rtp' && one.rid === rid);
  return found && found.framesSent > 60;
};
"""


@asynccontextmanager
async def studio_on_ports() -> AsyncIterator[tuple[Assembly, str]]:
    """And the address of its HTTP."""
    async with (
        listen(settings(), CERTIFICATE, plain()) as listener,
        assembled(listener, listener.plane) as made,
        TestServer(made.app()) as server,
    ):
        yield made, str(server.make_url("")).rstrip("/")


def onsets(levels: list[tuple[int, float]], threshold: float) -> list[int]:
    """When it became bright, or loud."""
    before = True
    found = []
    for ticks, level in levels:
        now = level > threshold
        if now and not before:
            found.append(ticks)
        before = now
    return found


def beats(file: bytes) -> tuple[list[int], list[int], set[tuple[int, int]]]:
    """Of the picture, of the sound, in ticks; and sizes."""
    bright: list[tuple[int, float]] = []
    loud: list[tuple[int, float]] = []
    sizes = set()
    with av.open(BytesIO(file), "r") as container:
        for frame in container.decode(video=0):
            assert frame.pts is not None
            middle = bytes(frame.planes[0])[frame.planes[0].line_size * frame.height // 2 :][:64]
            bright.append((frame.pts, sum(middle) / 64))
            sizes.add((frame.width, frame.height))
    with av.open(BytesIO(file), "r") as container:
        for sound in container.decode(audio=0):
            assert sound.pts is not None
            samples = sound.to_ndarray()[0]
            loud += (
                (sound.pts + at, float(np.abs(samples[at : at + 256]).max()))
                for at in range(0, len(samples), 256)
            )
    return onsets(bright, 128), onsets(loud, 0.2), sizes


@pytest.mark.asyncio
async def test_from_the_page_to_parts() -> None:
    """Two layers are two renditions, sound and picture in step; a WHEP viewer sees it too; an end is an end."""
    async with studio_on_ports() as (world, url), chromium_page() as page:
        whip, whep = f"{url}/whip/{CONCERT}", f"{url}/whep/{CONCERT}"
        await page.goto(url)  # fetch wants an address
        await page.evaluate(f"() => {{ {SCRIPT} {CLIENT.replace('KEY', KEY)} {BEATS} }}")
        await page.evaluate("make()")
        await page.evaluate("beats()")
        said = await page.evaluate("url => begin(pc, url)", whip)
        assert said["status"] == 201, said["text"]
        await page.wait_for_function("sent('f')", polling=100, timeout=40_000)
        before = world.segments()
        await eventually(lambda: world.segments() >= before + 2, "two segments more", 40)

        await page.evaluate(
            "globalThis.viewer = new RTCPeerConnection({bundlePolicy: 'max-bundle'})"
        )
        for kind in ("audio", "video"):
            await page.evaluate(f"void viewer.addTransceiver('{kind}', {{direction: 'recvonly'}})")
        watching = await page.evaluate("url => begin(viewer, url)", whep)
        assert watching["status"] == 201, watching["text"]
        await page.wait_for_function("decoded(viewer)", polling=100)

        await page.evaluate("say('DELETE', pc.said.place)")
        world.stop()
        await eventually(lambda: world.origin.ended, "what is left is written", 20)
        assert world.running.tracks == frozenset()
        assert len(world.egress.sessions) == 0
        await page.evaluate("pc.close(); viewer.close()")

    origin = world.origin
    assert origin.wrong == []
    assert origin.names[-1] == SOUND
    sizes = []
    for name in origin.names[:-1]:
        last = max(part.discontinuity for part, _ in origin.parts)
        whole = [beats(origin.file(name, number)) for number in range(last + 1)]
        seen = [at for bright, _, _ in whole for at in bright]
        heard = [at for _, loud, _ in whole for at in loud]
        assert len(heard) >= 4
        apart = [min(abs(one - at) for at in heard) for one in seen]
        assert sorted(apart)[len(apart) // 2] < TOGETHER, apart
        sizes.append(max(size for *_, found in whole for size in found))
    assert sizes == [(320, 180), (640, 360)]


class Shade(enum.Enum):
    """Whose a picture is, by its second plane: aiortc's is green, the still one grey."""

    FIRST = 0
    STILL = 128
    SPARE = 255


def shades(file: bytes) -> list[Shade]:
    """Of each picture."""
    with av.open(BytesIO(file), "r") as container:
        seen = [bytes(frame.planes[1])[0] for frame in container.decode(video=0)]
    return [min(Shade, key=lambda one: abs(one.value - blue)) for blue in seen]


class Blue(VideoStreamTrack):
    """What the second computer sends."""

    async def recv(self) -> VideoFrame:
        frame = await super().recv()
        assert isinstance(frame, VideoFrame)
        frame.planes[1].update(bytes([Shade.SPARE.value]) * frame.planes[1].buffer_size)
        return frame


@define
class Viewer:
    """Looks at the smallest size of the broadcast whenever there is more of it."""

    world: Assembly
    seen: list[Shade] = field(factory=list)
    _parts: int = 0

    def sees(self, shade: Shade) -> bool:
        """Whether the newest picture is this one's."""
        if self.world.opened and len(self.world.origin.parts) != self._parts:
            origin = self.world.origin
            self._parts = len(origin.parts)
            last = max(part.discontinuity for part, _ in origin.parts)
            files = [origin.file(origin.names[0], number) for number in range(last + 1)]
            self.seen = [one for file in files for one in shades(file)]
        return self.seen[-1:] == [shade]


@pytest.mark.asyncio
async def test_a_second_computer_takes_over() -> None:
    """OBS' spare is seen once the first one ends, and nothing of the first any more; figures say what there is.

    That no dark picture is between them, test_producer shows by a clock of its own: here the machine may be too slow.
    """
    async with studio_on_ports() as (world, url), aiohttp.ClientSession() as http:
        arrived: set[TrackSid] = set()
        world.plane.hear = lambda event: arrived.update(
            {event.track} if isinstance(event, LayersSeen) and event.layers else ()
        )
        first, second, viewer = obs(), obs(Blue()), Viewer(world)
        place = await publish(first, url, http)
        await eventually(lambda: viewer.sees(Shade.FIRST), "the first one is seen", 40)
        await publish(second, url, http)
        spare = world.ingest.lineup(CONCERT).spare
        assert spare is not None
        await eventually(lambda: track_of(spare, Kind.VIDEO) in arrived, "the spare's picture", 40)
        figures = {
            (sample.name, *sample.labels.values()): sample.value
            for metric in ProgramFigures(
                lambda: [world.running], world.stage, world.gallery
            ).collect()
            for sample in metric.samples
        }
        assert figures["sferum_broadcast_program_publishers",] == 2
        assert figures["sferum_broadcast_program_tapped",] == 2
        async with http.delete(place, headers=HEADERS) as response:
            assert response.status == 200
        await eventually(lambda: viewer.sees(Shade.SPARE), "the spare is seen", 40)
        world.stop()
        await eventually(lambda: world.origin.ended, "what is left is written", 40)
        await eventually(lambda: len(world.stage) == 0, "both are sent away", 40)
        await first.close()
        await second.close()
    assert world.origin.wrong == []
    shown = [one for one in viewer.seen if one is not Shade.STILL]
    assert shown == sorted(shown, key=lambda one: one is Shade.SPARE)
    assert Notice.NOT_PUBLISHED not in world.told
