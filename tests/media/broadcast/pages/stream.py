"""A live stream for one browser: pictures made once by FFmpeg, a playlist that grows with the clock.

Plain segments of a second: what a player does with parts is the packager's test; here it is about the page.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from aiohttp import web
from attrs import Factory, define

from media.broadcast.hls.answers import Refused, Text
from media.broadcast.hls.events import Event, Events

SECONDS, FPS, LINES, RATE = 90, 10, 90, 48_000
#: Seconds that are there when somebody comes; seconds that a live playlist shows.
READY, SHOWN = 4, 12


def record(folder: Path) -> None:
    """`init.mp4` and `s0.m4s`, `s1.m4s`, … of one second each: a grey that changes, and silence."""
    options = {"hls_time": "1", "hls_segment_type": "fmp4", "hls_list_size": "0"}
    options |= {"hls_fmp4_init_filename": "init.mp4", "hls_playlist_type": "vod"}
    options |= {"hls_segment_filename": str(folder / "s%d.m4s")}
    with av.open(str(folder / "all.m3u8"), "w", format="hls", options=options) as out:
        video = out.add_stream("libx264", rate=FPS)
        video.width, video.height, video.pix_fmt = LINES * 16 // 9, LINES, "yuv420p"
        video.options = {"preset": "ultrafast", "g": str(FPS), "bf": "0", "sc_threshold": "0"}
        audio = out.add_stream("aac", rate=RATE, layout="mono")
        silence = np.zeros((1, RATE // FPS), np.float32)
        for at in range(SECONDS * FPS):
            grey = np.full((LINES, LINES * 16 // 9, 3), 60 + at % 120, np.uint8)
            frame = av.VideoFrame.from_ndarray(grey, format="rgb24")
            frame.pts, frame.time_base = at, Fraction(1, FPS)
            out.mux(video.encode(frame))
            sound = av.AudioFrame.from_ndarray(silence, format="fltp", layout="mono")
            sound.sample_rate, sound.pts, sound.time_base = (
                RATE,
                at * RATE // FPS,
                Fraction(1, RATE),
            )
            out.mux(audio.encode(sound))
        out.mux(video.encode(None))
        out.mux(audio.encode(None))


@define
class Origin:
    """Serves it below any `/live/TOKEN/ID/`, and below `near/` there as an edge would.

    `down`: connections break off; `lost`: the edge answers nothing; `over`: nothing comes after now.
    """

    folder: Path
    clock: Callable[[], float]
    began: float | None = None
    down: bool = False
    lost: bool = False
    over: bool = False
    asked: list[str] = Factory(list)
    said: Events = Factory(Events)

    def add_routes(self, app: web.Application) -> None:
        app.router.add_get("/live/{token}/{id}/events.json", self.events)
        for folder in ("", "near/"):
            path = rf"/live/{{token}}/{{id}}/{folder}{{name:[a-z0-9]+\.(?:m3u8|mp4|m4s)}}"
            app.router.add_get(path, self.answer)

    def begin(self) -> None:
        self.began, self.asked = self.clock(), []
        self.down = self.lost = self.over = False
        self.said = Events("t", 1_000)

    async def answer(self, request: web.Request) -> web.StreamResponse:
        name = request.match_info["name"]
        self.asked.append(name)
        if self.down:
            assert request.transport is not None
            request.transport.abort()
            raise web.HTTPServiceUnavailable
        if self.lost and "/near/" in request.path:
            await asyncio.Event().wait()  # until the player gives up
        if name == "main.m3u8":
            return _text(MAIN)
        if name == "rewind.m3u8":
            return _text(BACK)
        if name.endswith(".m3u8"):
            return _text(self.playlist(back=name.startswith("back")))
        path = self.folder / name
        if not path.is_file():
            raise web.HTTPNotFound
        return web.Response(body=path.read_bytes(), content_type="video/mp4")

    async def events(self, request: web.Request) -> web.Response:
        """As the origin answers, which holds a question for some seconds."""
        seq = request.query.get("seq")
        for _ in range(100):
            answer = self.said.answer(None if seq is None else int(seq))
            if isinstance(answer, Text):
                return web.Response(text=answer.text, content_type=answer.content_type)
            if isinstance(answer, Refused):
                raise web.HTTPNotFound
            await asyncio.sleep(0.05)
        raise web.HTTPServiceUnavailable

    def say(self, event: Event) -> None:
        """All see it."""
        assert self.said.put(event, self.clock()) is not None
        asyncio.get_running_loop().call_later(1.0, lambda: self.said.turn(self.clock()))

    def playlist(self, *, back: bool = False) -> str:
        """The newest seconds, or all of them to go back in; ended ones have ENDLIST."""
        assert self.began is not None
        last = min(SECONDS, int(self.clock() - self.began) + READY)
        first = 0 if back else max(0, last - SHOWN)
        lines = ["#EXTM3U", "#EXT-X-VERSION:7", "#EXT-X-TARGETDURATION:1"]
        lines += ["#EXT-X-PLAYLIST-TYPE:EVENT"] if back else []
        lines += [f"#EXT-X-MEDIA-SEQUENCE:{first}", '#EXT-X-MAP:URI="init.mp4"']
        for at in range(first, last):
            lines += ["#EXTINF:1.0,", f"s{at}.m4s"]
        return "\n".join([*lines, *(["#EXT-X-ENDLIST"] if self.over else []), ""])


MAIN = (
    "#EXTM3U\n#EXT-X-VERSION:7\n"
    '#EXT-X-STREAM-INF:BANDWIDTH=200000,RESOLUTION=160x90,CODECS="avc1.42c00b,mp4a.40.2"\n'
    "live.m3u8\n"
    '#EXT-X-STREAM-INF:BANDWIDTH=100000,RESOLUTION=80x45,CODECS="avc1.42c00b,mp4a.40.2"\n'
    "low.m3u8\n"
)
#: The same to go back in.
BACK = MAIN.replace("#EXT-X-STREAM", "#EXT-X-START:TIME-OFFSET=-30\n#EXT-X-STREAM", 1)
BACK = BACK.replace("live.m3u8", "back.m3u8").replace("low.m3u8", "backlow.m3u8")


def _text(body: str) -> web.Response:
    return web.Response(text=body, content_type="application/vnd.apple.mpegurl")
