"""`/live/<pass>/<broadcast>/recording.mp4`: a finished recording, to whoever may watch (R27, R48), seekable.

`recording.vtt` beside it has the captions that were typed, where there were any.
"""

from __future__ import annotations

import asyncio
import os
from collections import Counter
from collections.abc import AsyncIterator, Callable
from pathlib import Path

from aiohttp import hdrs, web
from attrs import define, field

from media.broadcast.origin.bounds import Bounds, Busy
from media.broadcast.origin.endpoints import SAFE, later, turned_away
from media.broadcast.origin.judging import Judge
from media.broadcast.origin.ranges import Span, Unsatisfiable, span_of
from media.broadcast.origin.sending import PIECE, Gone, bound, send_pieces
from media.broadcast.passes import Pass

#: Octets that are read at once.
_READ = 4 * PIECE


@define(eq=False, kw_only=True)
class Recordings:
    """Attributes:
    file_of, captions_of: as `Materials` of the register has them.
    bounds: players open a few connections each, and close those that they have no more use for.
    """

    judge: Judge
    file_of: Callable[[str], Path | None]
    captions_of: Callable[[str], Path | None] = lambda _: None
    bounds: Bounds = field(factory=lambda: Bounds(of_one=6, of_all=400))
    answered: Counter[int] = field(factory=Counter, init=False)
    octets: int = field(default=0, init=False)

    def add_routes(self, app: web.Application) -> None:
        here = "/live/{token:[^/]*}/{broadcast:[A-Za-z0-9_-]{1,64}}"
        app.router.add_get(f"{here}/recording.mp4", self.show)
        app.router.add_get(f"{here}/recording.vtt", self.show_captions)

    async def show(self, request: web.Request) -> web.StreamResponse:
        """All of it, or a range."""
        return await self._show(request, self.file_of, "video/mp4")

    async def show_captions(self, request: web.Request) -> web.StreamResponse:
        return await self._show(request, self.captions_of, "text/vtt; charset=utf-8")

    async def _show(
        self, request: web.Request, file_of: Callable[[str], Path | None], content_type: str
    ) -> web.StreamResponse:
        token, broadcast = request.match_info["token"], request.match_info["broadcast"]
        try:
            with self.bounds.one_more(token):
                judged = self.judge.at_hand(token, broadcast)
                found = judged or await self.judge.judge(token, broadcast)
                if not isinstance(found, Pass):
                    return self._count(turned_away(found))
                path = file_of(broadcast)
                opened = None if path is None else await asyncio.to_thread(_open, path)
                if opened is None:
                    return self._count(web.Response(status=404, headers=SAFE))
                try:
                    return await self._send(request, opened, content_type)
                finally:
                    os.close(opened)
        except Busy:
            return self._count(later())

    async def _send(self, request: web.Request, file: int, content_type: str) -> web.StreamResponse:
        there = os.fstat(file)
        etag = f'"{there.st_mtime_ns:x}-{there.st_size:x}"'
        # Only the viewer's own browser keeps it, and asks each time whether it still may.
        headers = {hdrs.CACHE_CONTROL: "private, no-cache", hdrs.ACCEPT_RANGES: "bytes", **SAFE}
        headers |= {hdrs.ETAG: etag, hdrs.CONTENT_TYPE: content_type}
        if request.headers.get(hdrs.IF_NONE_MATCH) == etag:
            return self._count(web.Response(status=304, headers=headers))
        ranged = request.headers.get(hdrs.RANGE)
        if request.headers.get(hdrs.IF_RANGE, etag) != etag:
            ranged = None
        try:
            span = span_of(ranged, there.st_size)
        except Unsatisfiable:
            headers[hdrs.CONTENT_RANGE] = f"bytes */{there.st_size}"
            return self._count(web.Response(status=416, headers=headers))
        sent = span or Span(0, there.st_size - 1)
        if span is not None:
            headers[hdrs.CONTENT_RANGE] = f"bytes {span.first}-{span.last}/{there.st_size}"
        response = web.StreamResponse(status=200 if span is None else 206, headers=headers)
        response.content_length = sent.size
        self.answered[response.status] += 1
        try:
            bound(request)
            return await send_pieces(request, response, self._pieces(file, sent))
        except Gone:
            self.answered[499] += 1
            return response

    async def _pieces(self, file: int, span: Span) -> AsyncIterator[bytes]:
        at = span.first
        while at <= span.last:
            data = await asyncio.to_thread(os.pread, file, min(_READ, span.last + 1 - at), at)
            if not data:
                raise Gone  # it became shorter
            at += len(data)
            self.octets += len(data)
            yield data

    def _count(self, response: web.Response) -> web.Response:
        self.answered[response.status] += 1
        return response


def _open(path: Path) -> int | None:
    try:
        return os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
    except OSError:
        return None
