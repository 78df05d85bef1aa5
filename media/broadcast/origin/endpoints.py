"""Broadcasts over HTTP: viewers with a pass in their address, edges with their secret.

    /live/<pass>/<broadcast>/<file>      viewers of the built-in origin
    /live/<pass>/<broadcast>/recording.mp4, recording.vtt
    /edge/<broadcast>/<file>             edges, once for all of their viewers
    /edge/roll                           who of a crowd may watch; edges keep it, and look themselves
    /edge/auth                           whether a pass opens a broadcast, where it is not on the roll
    /edge/unlisted                       what an edge makes of that

Addresses hold passes: they are not for logs.
"""

from __future__ import annotations

import gzip
import hmac
from collections import Counter, OrderedDict
from collections.abc import Sequence
from functools import lru_cache
from urllib.parse import parse_qsl

from aiohttp import hdrs, web
from attrs import define, field

from media.broadcast.hls.answers import Media, No, Refused, Text
from media.broadcast.hls.names import Ask, BadAsk, read
from media.broadcast.origin.bounds import Bounds, Busy
from media.broadcast.origin.judging import Away, Judge
from media.broadcast.origin.origin import Origin
from media.broadcast.origin.sending import PIECE, Gone, bound, send
from media.broadcast.passes import NoPass, Pass
from media.broadcast.roll import AFTER, KEPT_S, STALE_S, is_crowd

#: Not the recording's: so these routes can come first, as thousands of requests a second look for theirs.
_FILE = r"{file:(?!recording\.(?:mp4|vtt)$)[a-z0-9]{1,16}(?:/[a-z0-9]{1,16})?\.(?:m3u8|m4s|mp4|vtt|json)}"
_BROADCAST = "{broadcast:[A-Za-z0-9_-]{1,64}}"
#: A page elsewhere is shown nothing, and browsers do not guess what it might be.
SAFE = {"X-Content-Type-Options": "nosniff", "Cross-Origin-Resource-Policy": "same-origin"}
NEVER_KEPT = "no-store"
#: Texts that are kept packed.
_MOST_PACKED = 256
#: Requests that are remembered as they were understood: of a moment there are some dozens.
MOST_ASKS = 512
#: What edges send, and are told.
EDGE, PASS, BROADCAST, REFUSAL, CROWD, ROLL = (
    "X-Sferum-Edge",
    "X-Sferum-Pass",
    "X-Sferum-Broadcast",
    "X-Sferum-Refusal",
    "X-Sferum-Crowd",
    "X-Sferum-Roll",
)
#: While the next roll is fetched, for so long at most, nobody waits for it.
ROLL_KEPT = f"max-age={KEPT_S}, stale-while-revalidate={STALE_S}"
#: Says nothing about anybody.
_UNLISTED_KEPT = "max-age=3600"


@define(eq=False, kw_only=True)
class Endpoints:
    """Attributes:
    secrets: of edges; none: there are no edges.
    answered: by who asked (viewer, edge, auth, roll) and status.
    octets: of bodies, by who asked.
    """

    origin: Origin
    judge: Judge
    secrets: Sequence[str] = field(default=(), repr=False)
    bounds: Bounds = field(factory=Bounds)
    answered: Counter[tuple[str, int]] = field(factory=Counter, init=False)
    octets: Counter[str] = field(factory=Counter, init=False)
    _packed: OrderedDict[tuple[str, str], bytes] = field(
        factory=OrderedDict, init=False, repr=False
    )

    def add_routes(self, app: web.Application) -> None:
        app.router.add_get(f"/live/{{token:[^/]*}}/{_BROADCAST}/{_FILE}", self.watch)
        app.router.add_get("/edge/roll", self.roll)
        app.router.add_get("/edge/auth", self.auth)
        app.router.add_get("/edge/unlisted", self.unlisted)
        app.router.add_get(f"/edge/{_BROADCAST}/{_FILE}", self.edge)
        app.on_shutdown.append(self._release)

    async def _release(self, _: web.Application) -> None:
        """The port is closed: whoever waits asks the next process."""
        for live in self.origin.lives:
            live.waiting.release()

    async def watch(self, request: web.Request) -> web.StreamResponse:
        """A viewer."""
        token, broadcast = request.match_info["token"], request.match_info["broadcast"]
        judged: Pass | NoPass | Away | None = self.judge.at_hand(token, broadcast)
        try:
            with self.bounds.one_more(token):
                if judged is None:
                    judged = await self.judge.judge(token, broadcast)
                if not isinstance(judged, Pass):
                    return self._count("viewer", turned_away(judged))
                return await self._answer(request, "viewer", broadcast)
        except Busy:
            return self._count("viewer", later())

    async def edge(self, request: web.Request) -> web.StreamResponse:
        """An edge, for all who are there."""
        if not self._is_edge(request):
            return self._count("edge", _plain(403))
        try:
            return await self._answer(request, "edge", request.match_info["broadcast"])
        except Busy:
            return self._count("edge", later())

    async def auth(self, request: web.Request) -> web.StreamResponse:
        """An edge asks about a pass; auth_request knows 401 and 403 only."""
        if not self._is_edge(request):
            return self._count("auth", _plain(403))
        headers = request.headers
        judged = await self.judge.for_edge(headers.get(PASS, ""), headers.get(BROADCAST, ""))
        if isinstance(judged, Pass):
            return self._count("auth", _plain(204))
        if isinstance(judged, Away):
            return self._count("auth", later())
        answer = _plain(401 if judged is NoPass.ABSENT else 403)
        answer.headers[REFUSAL] = judged.value
        return self._count("auth", answer)

    async def roll(self, request: web.Request) -> web.StreamResponse:
        """An edge asks who of a crowd may watch."""
        crowd = request.headers.get(CROWD, "")
        if not self._is_edge(request) or not is_crowd(crowd):
            return self._count("roll", _plain(403))
        marks = await self.judge.roll(request.headers.get(BROADCAST, ""), crowd)
        answer = _plain(204)
        answer.headers[hdrs.CACHE_CONTROL] = ROLL_KEPT
        answer.headers[ROLL] = "".join(f"{one}{AFTER}" for one in marks)
        return self._count("roll", answer)

    async def unlisted(self, request: web.Request) -> web.StreamResponse:
        """The edge's own word for "not on the roll"; it keeps it without us."""
        answer = _plain(403)
        if self._is_edge(request):
            answer.headers[hdrs.CACHE_CONTROL] = _UNLISTED_KEPT
        return self._count("roll", answer)

    def _is_edge(self, request: web.Request) -> bool:
        given = request.headers.get(EDGE, "").encode("utf-8", "replace")
        fits = [hmac.compare_digest(given, one.encode()) for one in self.secrets]
        return any(fits)  # all were compared: the time says nothing

    async def _answer(self, request: web.Request, who: str, broadcast: str) -> web.StreamResponse:
        live = self.origin.get(broadcast)
        ask = _asked(request.match_info["file"], request.rel_url.raw_query_string)
        if live is None or isinstance(ask, BadAsk):
            why = No.BAD_DIRECTIVE if ask is BadAsk.BAD_DIRECTIVE else No.NO_SUCH_FILE
            return self._count(who, _refused(Refused(why)))
        answer = await live.answer(ask)
        try:
            bound(request)
            match answer:
                case Text():
                    return self._count(who, self._text(request, broadcast, answer))
                case Media():
                    body = live.at_hand(answer) or await live.from_disk(answer)
                    if body is not None:
                        return await self._media(request, who, answer, body)
                    return self._count(who, _refused(Refused(No.NOT_THERE)))
                case Refused():
                    return self._count(who, _refused(answer))
        except Gone:
            self.answered[who, 499] += 1
            raise web.HTTPServiceUnavailable from None  # nobody sees it
        raise AssertionError("an answer is one of these")

    def _text(self, request: web.Request, broadcast: str, answer: Text) -> web.Response:
        headers = {
            hdrs.ETAG: answer.etag,
            hdrs.CACHE_CONTROL: answer.cache_control,
            hdrs.VARY: "Accept-Encoding",
            **SAFE,
        }
        if request.headers.get(hdrs.IF_NONE_MATCH) == answer.etag:
            return web.Response(status=304, headers=headers)
        headers[hdrs.CONTENT_TYPE] = f"{answer.content_type}; charset=utf-8"
        if "gzip" not in request.headers.get(hdrs.ACCEPT_ENCODING, ""):
            return web.Response(body=answer.text.encode(), headers=headers)
        headers[hdrs.CONTENT_ENCODING] = "gzip"
        return web.Response(body=self._pack(broadcast, answer), headers=headers)

    def _pack(self, broadcast: str, answer: Text) -> bytes:
        """Once for all who ask."""
        key = broadcast, f"{answer.etag} {hash(answer.text)}"
        known = self._packed.get(key)
        if known is None:
            quick = len(answer.text) > PIECE  # hours of a rewind playlist
            known = gzip.compress(answer.text.encode(), 1 if quick else 6, mtime=0)
            self._packed[key] = known
            while len(self._packed) > _MOST_PACKED:
                self._packed.popitem(last=False)
        return known

    async def _media(
        self, request: web.Request, who: str, answer: Media, body: bytes | tuple[bytes, ...]
    ) -> web.StreamResponse:
        pieces = (body,) if isinstance(body, bytes) else body
        size = sum(map(len, pieces))
        headers = {
            hdrs.CACHE_CONTROL: answer.cache_control,
            hdrs.CONTENT_TYPE: answer.content_type,
            hdrs.ACCEPT_RANGES: "none",
            **SAFE,
        }
        if size <= PIECE:
            whole = pieces[0] if len(pieces) == 1 else b"".join(pieces)
            return self._count(who, web.Response(body=whole, headers=headers))
        self.answered[who, 200] += 1
        self.octets[who] += size
        return await send(request, web.StreamResponse(headers=headers), pieces)

    def _count(self, who: str, response: web.Response) -> web.Response:
        self.answered[who, response.status] += 1
        if isinstance(response.body, bytes):
            self.octets[who] += len(response.body)
        return response


@lru_cache(maxsize=MOST_ASKS)
def _asked(file: str, query: str) -> Ask | BadAsk:
    """Thousands ask for the same."""
    return read(file, parse_qsl(query, keep_blank_values=True))


def _plain(status: int) -> web.Response:
    return web.Response(status=status, headers={hdrs.CACHE_CONTROL: NEVER_KEPT, **SAFE})


def _refused(answer: Refused) -> web.Response:
    headers = {hdrs.CACHE_CONTROL: answer.cache_control, **SAFE}
    return web.Response(status=answer.status, headers=headers)


def turned_away(why: NoPass | Away) -> web.Response:
    return later() if isinstance(why, Away) else _plain(why.status)


def later() -> web.Response:
    answer = _plain(503)
    answer.headers[hdrs.RETRY_AFTER] = "1"
    return answer
