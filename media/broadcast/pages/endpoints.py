"""The pages over HTTP: `/watch/ID` finds out who it is, `/live/TOKEN/ID/…` is for whoever has a token.

A form needs no secret of its own against other sites (CSRF): its address holds the viewer's token, which they do not
know. Forms answer browsers with a page, and the player, which asks for JSON, with a word.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Awaitable, Callable
from datetime import datetime
from pathlib import Path

from aiohttp import web
from attrs import field, frozen

from media.access.limits import Buckets
from media.broadcast.pages import render
from media.broadcast.pages.asking import MOST_BYTES, Asked, BadAsking, hand_of, question_of
from media.broadcast.pages.captioning import Captioning
from media.broadcast.pages.headers import origins, policy
from media.broadcast.pages.heartbeat import MOST_BYTES as BEAT_BYTES
from media.broadcast.pages.heartbeat import BadHeartbeat, parse_heartbeat
from media.broadcast.pages.house import House
from media.broadcast.pages.requests import (
    KEEP_S,
    NO_STORE,
    body_of,
    form_of,
    html_page,
    language,
    see_other,
    wants_json,
)
from media.broadcast.pages.shown import STATUS, Phase, Refusal, Seat, look_again_s

ID = r"{id:[A-Za-z0-9_-]{1,64}}"
HERE = rf"/live/{{token:[A-Za-z0-9_.~-]{{1,512}}}}/{ID}"
#: Questions of one viewer; hands; heartbeats; looks of a host's page. A second, and at once.
QUESTIONS, HANDS, BEATS, LOOKS = (0.05, 3.0), (0.2, 6.0), (0.1, 6.0), (0.5, 10.0)
#: Arrivals with an OpenID token, of all together: each asks the school's server.
ENTRIES = (200.0, 2000.0)
#: Bytes of an OpenID token with what is around it.
ENTER_BYTES = 4096
TYPES = {".css": "text/css", ".js": "text/javascript"}
#: While hands and questions are taken.
ON_AIR = frozenset({Phase.LIVE, Phase.PAUSED})
STATUS_OF = {Asked.ARRIVED: 200, Asked.LOST: 503, Asked.SOON: 429}
#: Seconds until a page that could not find out who it is tries again.
UNAVAILABLE_S = 15

_Answer = Callable[[web.Request, Seat], Awaitable[web.StreamResponse]]


@frozen
class WatchPages:
    """Answers viewers and hosts of broadcasts.

    Attributes:
        wall: the time of day, with a time zone.
        clock: seconds, never going back.
        sign_in_url: the bridge's address, for whoever has no session here: `/broadcasts/ID` there leads back with a
            ticket; "": none is named.
        client_url: the homeserver, which the sign-in page asks.
    """

    house: House
    wall: Callable[[], datetime]
    clock: Callable[[], float]
    sign_in_url: str = ""
    client_url: str = ""
    _questions: Buckets = field(factory=lambda: Buckets(*QUESTIONS), init=False)
    _hands: Buckets = field(factory=lambda: Buckets(*HANDS), init=False)
    _beats: Buckets = field(factory=lambda: Buckets(*BEATS), init=False)
    _looks: Buckets = field(factory=lambda: Buckets(*LOOKS), init=False)
    _entries: Buckets = field(factory=lambda: Buckets(*ENTRIES), init=False)

    def add_routes(self, app: web.Application) -> None:
        add = app.router
        add.add_get(f"/watch/{ID}", self.arrive)
        add.add_post(f"/watch/{ID}/enter", self.enter)
        add.add_get(f"{HERE}/watch", self._seated(self.watch))
        add.add_post(f"{HERE}/ask", self._seated(self.ask))
        add.add_post(f"{HERE}/hand", self._seated(self.hand))
        add.add_post(f"{HERE}/heartbeat", self._seated(self.heartbeat))
        add.add_get(f"{HERE}/figures", self._seated(self.figures))
        add.add_get(f"{HERE}/host", self._seated(self.panel))
        add.add_post(f"{HERE}/start", self._seated(self.start))
        add.add_post(f"{HERE}/stop", self._seated(self.stop))
        captioning = Captioning(self.house, self.clock)
        add.add_get(f"{HERE}/captions", self._seated(captioning.page))
        add.add_post(f"{HERE}/captions", self._seated(captioning.type))

    async def arrive(self, request: web.Request) -> web.StreamResponse:
        """The link of the announcement: on to the page itself, or why not. With a ticket: from the onboarding pages."""
        broadcast_id = request.match_info["id"]
        ticket = request.query.get("ticket")
        if ticket is not None:
            found = await self.house.present(broadcast_id, ticket)
        else:
            found = await self.house.arrive(broadcast_id, request.cookies)
        if isinstance(found, Refusal):
            return self._refused(request, found, broadcast_id)
        return see_other(f"/live/{found}/{broadcast_id}/watch")

    async def enter(self, request: web.Request) -> web.StreamResponse:
        """`{"access_token", "matrix_server_name", …}`, as Matrix gives it → `{"path"}` or `{"refused"}`."""
        broadcast_id = request.match_info["id"]
        if self._entries.wait_s("", self.clock()):
            return web.json_response({"refused": "too_often"}, status=429)
        try:
            openid = json.loads(await body_of(request, ENTER_BYTES) or b"")
        except (ValueError, RecursionError):
            openid = None
        if not isinstance(openid, dict):
            return web.json_response({"refused": "json"}, status=400)
        found = await self.house.enter(broadcast_id, openid)
        if isinstance(found, Refusal):
            return web.json_response({"refused": found.value}, status=STATUS[found])
        return web.json_response({"path": f"/live/{found}/{broadcast_id}/watch"})

    async def watch(self, request: web.Request, seat: Seat) -> web.StreamResponse:
        """The video, or why there is none now."""
        return self._page(request, seat)

    async def ask(self, request: web.Request, seat: Seat) -> web.StreamResponse:
        if seat.broadcast.phase not in ON_AIR:
            return self._done(request, "not_sent", 410)
        form = await form_of(request)
        question = question_of(form)
        if isinstance(question, BadAsking):
            return self._wrong(request, seat, question, form.get("text", ""))
        if self._questions.wait_s(seat.viewer, self.clock()):
            return self._done(request, "too_often", 429)
        asked = await self.house.ask(seat, question)
        return self._done(request, asked.value, STATUS_OF[asked])

    async def hand(self, request: web.Request, seat: Seat) -> web.StreamResponse:
        if seat.broadcast.phase not in ON_AIR:
            return self._done(request, "not_sent", 410)
        up = hand_of(await form_of(request))
        if isinstance(up, BadAsking):
            return self._wrong(request, seat, up, "")
        if self._hands.wait_s(seat.viewer, self.clock()):
            return self._done(request, "too_often", 429)
        arrived = await self.house.raise_hand(seat, up)
        said = ("raised" if up else "lowered") if arrived else "not_sent"
        return self._done(request, said, 200 if arrived else 503)

    async def heartbeat(self, request: web.Request, seat: Seat) -> web.StreamResponse:
        """Counted; the answer says where the broadcast is, which a player cannot always see in a playlist."""
        if self._beats.wait_s(seat.viewer, self.clock()):
            return web.json_response({"refused": "too_often"}, status=429)
        raw = await body_of(request, BEAT_BYTES)
        try:
            beat = parse_heartbeat(b"" if raw is None else raw)
        except BadHeartbeat as bad:
            return web.json_response({"refused": str(bad)}, status=400)
        self.house.beat(seat, beat)
        one = seat.broadcast
        found: dict[str, object] = {"phase": one.phase.value}
        if one.captions:
            found["captions"] = True
        if one.chat:
            found["chat"] = True
        if seat.call:
            found["call"] = seat.call
        return web.json_response(found, headers=NO_STORE)

    async def figures(self, request: web.Request, seat: Seat) -> web.StreamResponse:
        if not seat.host:
            return web.json_response({"refused": "not_host"}, status=403)
        if self._looks.wait_s(seat.viewer, self.clock()):
            return web.json_response({"refused": "too_often"}, status=429)
        found = render.figures_json(self.house.figures(seat), language(request))
        return web.json_response(found, headers=NO_STORE)

    async def panel(self, request: web.Request, seat: Seat) -> web.StreamResponse:
        if not seat.host:
            return self._refused(request, Refusal.NOT_FOUND)
        return self._panel(request, seat)

    async def start(self, request: web.Request, seat: Seat) -> web.StreamResponse:
        return await self._act(request, seat, self.house.start, "begun")

    async def stop(self, request: web.Request, seat: Seat) -> web.StreamResponse:
        return await self._act(request, seat, self.house.stop, "stopped")

    async def _act(
        self,
        request: web.Request,
        seat: Seat,
        act: Callable[[Seat], Awaitable[bool]],
        said: str,
    ) -> web.StreamResponse:
        """A press of a host, once they have ticked that they know what it does."""
        if not seat.host:
            return self._refused(request, Refusal.NOT_FOUND)
        form = await form_of(request)
        if form.get("sure") != "1":
            return self._panel(request, seat, wrong=True)
        return see_other(f"host?said={said if await act(seat) else 'not_done'}")

    def _seated(self, answer: _Answer) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
        """Only for whoever has a token that is good now."""

        async def answered(request: web.Request) -> web.StreamResponse:
            broadcast_id = request.match_info["id"]
            found = await self.house.look(broadcast_id, request.match_info["token"])
            if isinstance(found, Refusal):
                return self._refused(request, found, broadcast_id)
            return await answer(request, found)

        return answered

    def _page(
        self,
        request: web.Request,
        seat: Seat,
        status: int = 200,
        *,
        wrong: str = "",
        text: str = "",
    ) -> web.StreamResponse:
        chosen = language(request)
        one = seat.broadcast
        more = {}
        if one.phase is Phase.LIVE:
            shown = render.watch(
                seat,
                chosen,
                figures=self.house.figures(seat) if seat.host else None,
                said=request.query.get("said", ""),
                wrong=wrong,
                text=text,
            )
        else:
            shown = render.not_now(one, chosen, self.wall(), host=seat.host)
            wait = look_again_s(one, self.wall(), _spread(seat.viewer))
            if wait is not None:
                more["Refresh"] = str(wait)
        there = origins(one.sources)
        # hls.js makes tracks for captions out of nothing: `data:,WEBVTT`.
        played = (*there, "data:") if one.captions else there
        return html_page(request, shown, status, policy(connect=there, media=played), more)

    def _panel(
        self, request: web.Request, seat: Seat, *, wrong: bool = False
    ) -> web.StreamResponse:
        said = request.query.get("said", "")
        figures = self.house.figures(seat)
        shown = render.panel(seat, language(request), figures, said=said, wrong=wrong)
        return html_page(request, shown, 400 if wrong else 200, policy(), {})

    def _refused(
        self, request: web.Request, why: Refusal, broadcast_id: str = ""
    ) -> web.StreamResponse:
        if wants_json(request):
            return web.json_response({"refused": why.value}, status=STATUS[why], headers=NO_STORE)
        chosen = language(request)
        more = {"Refresh": str(UNAVAILABLE_S)} if why is Refusal.UNAVAILABLE else {}
        if why is Refusal.SIGNED_OUT:
            there = f"{self.sign_in_url}/broadcasts/{broadcast_id}" if self.sign_in_url else ""
            shown = render.sign_in(f"/watch/{broadcast_id}/enter", chosen, sign_in_url=there)
            home = (self.client_url,) if self.client_url else ()
            return html_page(request, shown, STATUS[why], policy(connect=home), more)
        return html_page(request, render.refused(why, chosen), STATUS[why], policy(), more)

    def _wrong(
        self, request: web.Request, seat: Seat, why: BadAsking, text: str
    ) -> web.StreamResponse:
        if wants_json(request):
            return web.json_response({"refused": why.value}, status=400, headers=NO_STORE)
        return self._page(request, seat, 400, wrong=why.value, text=text[:MOST_BYTES])

    def _done(self, request: web.Request, said: str, status: int) -> web.StreamResponse:
        """What became of a form: a word for the player, the page again for a browser (303)."""
        if wants_json(request):
            return web.json_response({"said": said}, status=status, headers=NO_STORE)
        return see_other(f"watch?said={said}")


def away(request: web.Request) -> web.Response:
    """The page of a broadcast whose node does not live now, by any other node."""
    why = Refusal.AWAY
    shown = render.refused(why, language(request))
    return html_page(request, shown, STATUS[why], policy(), {})


def add_static(app: web.Application, player: Path) -> None:
    """Our own files, and hls.js from `player` (scripts/install-clients)."""
    builds = {name: player / name for name in ("hls.light.min.js", "hls.min.js")}

    async def file(request: web.Request) -> web.StreamResponse:
        version, name = request.match_info["version"], request.match_info["name"]
        path = render.FILES.get(name) or builds.get(name)
        if path is None or not path.is_file():
            raise web.HTTPNotFound
        kept = version == (render.HLS if name in builds else render.OURS)
        return web.FileResponse(
            path,
            headers={
                # A page of before an update asks for files of before it: they are newer, and are not kept.
                "Cache-Control": f"public, max-age={KEEP_S}, immutable" if kept else "no-cache",
                "Content-Type": TYPES[path.suffix],
                "X-Content-Type-Options": "nosniff",
            },
        )

    app.router.add_get(r"/watch/static/{version:[a-z0-9.]+}/{name:[a-z0-9.]+}", file)


def _spread(viewer: str) -> float:
    """0-1, the same each time for the same viewer."""
    return hashlib.blake2b(viewer.encode(), digest_size=1).digest()[0] / 255
