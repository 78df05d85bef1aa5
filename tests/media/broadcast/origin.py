"""An origin of the tests: a broadcast and its passes behind two addresses, as an edge asks them."""

from __future__ import annotations

import asyncio
import gzip
from collections import Counter

from aiohttp import web
from attrs import define, field

from media.broadcast import passes
from media.broadcast.hls.answers import PLAYLIST_TYPE, Answer, Media, No, Refused, Wait
from media.broadcast.hls.broadcast import Broadcast
from media.broadcast.hls.names import read
from media.broadcast.passes import NoPass, Revoked
from media.broadcast.roll import AFTER, Rolls

KEY = b"k" * 32


@define
class Origin:
    """`asked` counts requests by path and query; `now` is the clock that passes are checked with."""

    of: Broadcast
    secret: str
    now: float
    longest_wait_s: float
    asked: Counter[str] = field(factory=Counter)
    checked: Counter[str] = field(factory=Counter)
    headers: set[str] = field(factory=set)
    revoked: Revoked = field(factory=Revoked)
    rolls: Rolls = field(factory=Rolls)
    roll_kept: str = "max-age=1, stale-while-revalidate=1"
    port: int = 0
    _changed: asyncio.Event = field(factory=asyncio.Event, init=False)
    _runner: web.AppRunner | None = field(default=None, init=False)

    async def start(self) -> None:
        app = web.Application()
        app.router.add_get("/edge/roll", self._roll)
        app.router.add_get("/edge/auth", self._auth)
        app.router.add_get("/edge/unlisted", self._unlisted)
        app.router.add_get("/edge/{broadcast}/{path:.*}", self._media)
        self._runner = web.AppRunner(app)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", self.port).start()
        self.port = self._runner.addresses[0][1]

    async def stop(self) -> None:
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    def changed(self) -> None:
        """Whoever waits is asked again."""
        self._changed.set()
        self._changed = asyncio.Event()

    async def _auth(self, request: web.Request) -> web.Response:
        assert request.headers["X-Sferum-Edge"] == self.secret
        text = request.headers["X-Sferum-Pass"]
        self.checked[text] += 1
        broadcast = request.headers["X-Sferum-Broadcast"]
        found = passes.check(text, broadcast, [KEY], self.now, self.revoked)
        if isinstance(found, NoPass):
            status = 401 if found.status == 401 else 403
            return web.Response(status=status, headers={"X-Sferum-Refusal": found.value})
        self.rolls.add(text, found, self.now)
        return web.Response(status=204, headers={"Cache-Control": "no-store"})

    async def _roll(self, request: web.Request) -> web.Response:
        assert request.headers["X-Sferum-Edge"] == self.secret
        broadcast, crowd = request.headers["X-Sferum-Broadcast"], request.headers["X-Sferum-Crowd"]
        lines = self.rolls.of(broadcast, crowd, self.now)
        marks = [one.mark for one in lines if not self.revoked.has(one.given)]
        roll = "".join(f"{one}{AFTER}" for one in marks)
        headers = {"Cache-Control": self.roll_kept, "X-Sferum-Roll": roll}
        return web.Response(status=204, headers=headers)

    async def _unlisted(self, request: web.Request) -> web.Response:
        assert request.headers["X-Sferum-Edge"] == self.secret
        return web.Response(status=403, headers={"Cache-Control": "max-age=3600"})

    async def _media(self, request: web.Request) -> web.Response:
        assert request.headers["X-Sferum-Edge"] == self.secret
        self.headers |= set(request.headers)
        self.asked[request.path_qs] += 1
        ask = read(request.match_info["path"], list(request.query.items()))
        answer = self.of.answer(ask)
        try:
            async with asyncio.timeout(self.longest_wait_s):
                while answer is Wait.WAIT:
                    await self._changed.wait()
                    answer = self.of.answer(ask)
        except TimeoutError:
            answer = Refused(No.LATE)
        return _response(answer)


def _response(answer: Answer) -> web.Response:
    assert not isinstance(answer, Wait)
    headers = {"Cache-Control": answer.cache_control, "Vary": "Accept-Encoding"}
    if isinstance(answer, Refused):
        return web.Response(status=answer.status, headers=headers)
    if isinstance(answer, Media):
        body = f"{answer.rendition} {answer.segment} {answer.part} ".encode() * 1000
        return web.Response(body=body, headers=headers, content_type=answer.content_type)
    headers |= {"ETag": answer.etag, "Content-Encoding": "gzip"}
    body = gzip.compress(answer.text.encode())
    return web.Response(body=body, headers=headers, content_type=PLAYLIST_TYPE)
