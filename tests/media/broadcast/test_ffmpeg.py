"""FFmpeg plays what the playlists say: real bytes, fetched over HTTP."""

from __future__ import annotations

import asyncio
import io
import struct
from collections.abc import Iterator

import av
import numpy as np
from aiohttp import web
from attrs import frozen

from media.broadcast.hls.answers import Media, Text
from media.broadcast.hls.broadcast import Broadcast
from media.broadcast.hls.names import read
from media.broadcast.hls.values import HZ, PART, Part, Shape
from tests.media.broadcast.world import NOW_MS, SOUND

FRAME = 1024
SECONDS = 12


@frozen
class Sound:
    """An init segment, and fragments with their ticks."""

    init: bytes
    fragments: list[tuple[int, bytes]]


def _boxes(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    at = 0
    while at < len(data):
        (size,) = struct.unpack_from(">I", data, at)
        yield data[at + 4 : at + 8], data[at : at + size]
        at += size


def _sound() -> Sound:
    """A tone, in fragments of one part."""
    file = io.BytesIO()
    options = {"movflags": "empty_moov+default_base_moof", "frag_duration": str(1_024_000)}
    with av.open(file, "w", format="mp4", options=options) as out:
        stream = out.add_stream("aac", rate=HZ)
        times = np.arange(SECONDS * HZ, dtype=np.float32)
        tone = (np.sin(times * (2 * np.pi * 440 / HZ)) * 0.3).astype(np.float32)
        for at in range(0, len(tone) - FRAME, FRAME):
            frame = av.AudioFrame.from_ndarray(tone[None, at : at + FRAME], "fltp", "mono")
            frame.sample_rate, frame.pts = HZ, at
            out.mux(stream.encode(frame))
        out.mux(stream.encode(None))
    init, fragments, moof = b"", [], b""
    for name, box in _boxes(file.getvalue()):
        if name in (b"ftyp", b"moov"):
            init += box
        elif name == b"moof":
            moof = box
        elif name == b"mdat":
            count_at = moof.index(b"trun") + 8
            (count,) = struct.unpack_from(">I", moof, count_at)
            fragments.append((count * FRAME, moof + box))
    return Sound(init, fragments)


async def test_ffmpeg_plays_it_from_beginning_to_end() -> None:
    """Live while it lasts and rewind after its end: every sample that was written is decoded, in order."""
    sound = _sound()
    of = Broadcast("t", Shape(), (SOUND,))
    of.begin(0, NOW_MS)
    held: dict[tuple[int, int], bytes] = {}
    for index, (ticks, data) in enumerate(sound.fragments):
        assert ticks <= PART
        segment, number = divmod(index, 4)
        held[segment, number] = data
        assert of.add(Part("sound", 0, segment, number, ticks)) is None
    of.end()

    async def serve(request: web.Request) -> web.Response:
        answer = of.answer(read(request.match_info["path"], list(request.query.items())))
        match answer:
            case Text():
                return web.Response(text=answer.text, content_type=answer.content_type)
            case Media(init=0):
                body = sound.init
            case Media(segment=int(segment), part=part):
                wanted = sorted(key for key in held if key[0] == segment)
                body = b"".join(held[key] for key in wanted if part in (None, key[1]))
            case _:
                raise web.HTTPNotFound
        return web.Response(body=body, content_type=answer.content_type)

    app = web.Application()
    app.router.add_get("/live/{path:.*}", serve)
    runner = web.AppRunner(app)
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        port = runner.addresses[0][1]
        written = sum(ticks for ticks, _ in sound.fragments)
        for name in ("main.m3u8", "sound/live.m3u8", "sound/rewind.m3u8"):
            url = f"http://127.0.0.1:{port}/live/{name}"
            assert await asyncio.to_thread(_played, url) == written
    finally:
        await runner.cleanup()


def _played(url: str) -> int:
    """Samples that FFmpeg's own HLS player decodes; their times only grow."""
    samples, last = 0, -1.0
    with av.open(url, options={"live_start_index": "0"}) as source:
        for frame in source.decode(audio=0):
            assert frame.time is not None
            assert frame.time > last
            last = frame.time
            samples += frame.samples
    return samples
