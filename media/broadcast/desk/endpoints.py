"""Hosts' pages over HTTP, below `/broadcasts`. Creating, starting and ending work without JavaScript.

Who it is says a cookie that other sites' forms do not carry (SameSite=Lax); a form must come from our own pages too.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from aiohttp import web
from attrs import field, frozen

from media.access.limits import Buckets
from media.broadcast.desk import floor, listing, render
from media.broadcast.desk.leading import ACTS, DONE, FLOOR_DONE, FloorAct, Leading, Overview
from media.broadcast.desk.shown import Led, Place, Unable
from media.broadcast.desk.wishing import BadWish, wish_of
from media.broadcast.pages import render as watch
from media.broadcast.pages.endpoints import ENTER_BYTES, ENTRIES, ID, TYPES
from media.broadcast.pages.headers import policy
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
from media.broadcast.pages.shown import STATUS, Refusal

ROOT = "/broadcasts"
#: What one host presses; looks at pages. A second, and at once.
PRESSES, LOOKS = (0.5, 20.0), (2.0, 40.0)
#: Seconds a browser stays signed in here: as long as a pass.
SIGNED_IN_S = 4 * 3600
STATUS_OF = {
    Unable.NOT_HOST: 403,
    Unable.GONE: 404,
    Unable.BUSY: 429,
    Unable.UNAVAILABLE: 503,
}

_Answer = Callable[[web.Request, str], Awaitable[web.StreamResponse]]


@frozen(kw_only=True)
class DeskPages:
    """Attributes:

    origin: of our own pages, `https://rtc.school.example`: forms of others are not taken.
    wall: the time of day, with a time zone. clock: seconds, never going back.
    sign_in_url, client_url: as of `WatchPages`.
    """

    leading: Leading
    origin: str
    wall: Callable[[], datetime]
    clock: Callable[[], float]
    sign_in_url: str = ""
    client_url: str = ""
    _presses: Buckets = field(factory=lambda: Buckets(*PRESSES), init=False)
    _looks: Buckets = field(factory=lambda: Buckets(*LOOKS), init=False)
    _entries: Buckets = field(factory=lambda: Buckets(*ENTRIES), init=False)

    def add_routes(self, app: web.Application) -> None:
        add = app.router
        add.add_get(ROOT, self.come)
        add.add_post(ROOT, self._pressed(self.make))
        add.add_post(f"{ROOT}/enter", self.enter)
        add.add_get(f"{ROOT}/{ID}", self._signed_in(self.led))
        add.add_get(f"{ROOT}/{ID}/camera", self._signed_in(self.camera))
        add.add_post(f"{ROOT}/{ID}/key", self._pressed(self.key))
        add.add_post(f"{ROOT}/{ID}/show", self._pressed(self.show))
        add.add_post(f"{ROOT}/{ID}/follow", self._pressed(self.follow))
        add.add_post(f"{ROOT}/{ID}/captions", self._pressed(self.captions))
        add.add_get(f"{ROOT}/{ID}/floor", self._signed_in(self.floor))
        acts = "|".join(one.value for one in FloorAct)
        add.add_post(f"{ROOT}/{ID}/floor/{{act:{acts}}}", self._pressed(self.moderate))
        add.add_post(f"{ROOT}/{ID}/{{act:start|stop|drop|delete}}", self._pressed(self.act))
        add.add_get(rf"{ROOT}/static/{{version:[a-z0-9]+}}/{{name:[a-z.]+}}", _file)

    @property
    def cookie(self) -> str:
        """`__Host-` binds it to this host and to TLS (RFC 6265bis)."""
        return "__Host-sferum_desk" if self.origin.startswith("https:") else "sferum_desk"

    async def enter(self, request: web.Request) -> web.StreamResponse:
        """An OpenID token → the cookie, and where to go."""
        if self._entries.wait_s("", self.clock()):
            return web.json_response({"refused": "too_often"}, status=429)
        try:
            openid = json.loads(await body_of(request, ENTER_BYTES) or b"")
        except (ValueError, RecursionError):
            openid = None
        if not isinstance(openid, dict) or not self._ours(request):
            return web.json_response({"refused": "json"}, status=400)
        found = await self.leading.proved(openid)
        if isinstance(found, Refusal):
            return web.json_response({"refused": found.value}, status=STATUS[found])
        response = web.json_response({"path": ROOT})
        self.keep(response, found)
        return response

    def keep(self, response: web.Response, token: str) -> None:
        """Give the browser its cookie."""
        response.set_cookie(
            self.cookie,
            token,
            max_age=SIGNED_IN_S,
            path="/",
            httponly=True,
            secure=self.origin.startswith("https:"),
            samesite="Lax",
        )

    async def come(self, request: web.Request) -> web.StreamResponse:
        """The list; with a ticket of the onboarding pages: the cookie, and on to the list without the ticket."""
        ticket = request.query.get("ticket")
        if ticket is None:
            return await self._signed_in(self.listing)(request)
        found = await self.leading.proved_by_ticket(ticket)
        if isinstance(found, Refusal):
            return self._refused(request, found)
        response = see_other(ROOT)
        self.keep(response, found)
        return response

    async def listing(self, request: web.Request, account: str) -> web.StreamResponse:
        return await self._listing(request, account)

    async def make(self, request: web.Request, account: str) -> web.StreamResponse:
        """The form of a new broadcast."""
        form = await form_of(request)
        found = await self.leading.overview(account)
        places = () if isinstance(found, Refusal) else found.places or ()
        place = next((one for one in places if one.key == form.get("place")), None)
        if place is None:
            return await self._listing(request, account, BadWish.NO_PLACE, form)
        wish = wish_of(form, self.wall(), _zone(place))
        if isinstance(wish, BadWish):
            return await self._listing(request, account, wish, form)
        made = await self.leading.make(account, wish)
        if isinstance(made, Unable):
            return see_other(f"{ROOT}?said={made.value}")
        return see_other(f"{ROOT}/{made}")

    async def led(self, request: web.Request, account: str) -> web.StreamResponse:
        return await self._led(request, account)

    async def camera(self, request: web.Request, account: str) -> web.StreamResponse:
        found = await self.leading.led(account, request.match_info["id"])
        if isinstance(found, Unable):
            return self._unable(request, found)
        one = found.broadcast.id
        token = self.leading.publishing(account, one)
        page = render.camera(found, language(request), whip=f"/whip/{one}", token=token)
        csp = policy(media=("blob:", "mediastream:"))
        return html_page(request, page, 200, csp, {}, camera=True)

    async def key(self, request: web.Request, account: str) -> web.StreamResponse:
        """A new key, on the page that answers: it is nowhere else."""
        made = await self.leading.new_key(account, request.match_info["id"])
        if isinstance(made, Unable):
            return self._unable(request, made)
        return await self._led(request, account, key=made)

    async def show(self, request: web.Request, account: str) -> web.StreamResponse:
        speaker = (await form_of(request)).get("speaker", "")
        done = await self.leading.show(account, request.match_info["id"], speaker)
        return self._done(request, "switched" if done is None else done.value)

    async def follow(self, request: web.Request, account: str) -> web.StreamResponse:
        """Another school's broadcast, by the link that its host has sent."""
        link = (await form_of(request)).get("link", "")
        done = await self.leading.follow(account, request.match_info["id"], link)
        return self._done(request, "followed" if done is None else done.value)

    async def captions(self, request: web.Request, account: str) -> web.StreamResponse:
        """There are some from now on; a new code for whoever types them."""
        done = await self.leading.let_type(account, request.match_info["id"])
        return self._done(request, "captions_on" if done is None else done.value)

    async def floor(self, request: web.Request, account: str) -> web.StreamResponse:
        """Hands and questions."""
        found = await self.leading.floor(account, request.match_info["id"])
        if isinstance(found, Unable):
            return self._unable(request, found)
        if wants_json(request):
            return web.json_response({"newest": found.newest}, headers=NO_STORE)
        page = floor.floor(found, language(request), word=request.query.get("said", ""))
        return html_page(request, page, 200, policy(), {})

    async def moderate(self, request: web.Request, account: str) -> web.StreamResponse:
        one, act = request.match_info["id"], FloorAct(request.match_info["act"])
        form = await form_of(request)
        number = form.get("number", "")
        # Ids of lines have thirteen digits: milliseconds since 1970.
        known = int(number) if number.isascii() and number.isdigit() and len(number) <= 16 else -1
        done = await self.leading.moderate(account, one, act, known, form.get("text", ""))
        word = FLOOR_DONE[act] if done is None else done.value
        return see_other(f"{ROOT}/{one}/floor?said={word}")

    async def act(self, request: web.Request, account: str) -> web.StreamResponse:
        """Start, stop, drop, delete: each after its tick."""
        act, one = request.match_info["act"], request.match_info["id"]
        if ACTS[act] and (await form_of(request)).get("sure") != "1":
            return await self._led(request, account, unsure=act)
        does = {
            "start": self.leading.begin,
            "stop": self.leading.finish,
            "drop": self.leading.drop,
            "delete": self.leading.delete,
        }
        done = await does[act](account, one)
        if done is None and act == "drop":
            return see_other(ROOT)
        return self._done(request, DONE[act] if done is None else done.value)

    async def _listing(
        self,
        request: web.Request,
        account: str,
        bad: BadWish | None = None,
        typed: Mapping[str, str] | None = None,
    ) -> web.StreamResponse:
        found = await self.leading.overview(account)
        if isinstance(found, Refusal):
            return self._refused(request, found)
        page = self._list_page(request, found, bad, typed)
        return html_page(request, page, 200 if bad is None else 400, policy(), {})

    def _list_page(
        self,
        request: web.Request,
        found: Overview,
        bad: BadWish | None,
        typed: Mapping[str, str] | None,
    ) -> str:
        return listing.listing(
            found.listed,
            found.places,
            language(request),
            self.wall(),
            word=request.query.get("said", ""),
            elsewhere=found.elsewhere,
            bad=bad,
            typed=typed,
        )

    async def _led(
        self, request: web.Request, account: str, *, unsure: str = "", key: str = ""
    ) -> web.StreamResponse:
        found: Led | Unable = await self.leading.led(account, request.match_info["id"])
        if isinstance(found, Unable):
            return self._unable(request, found)
        page = render.led(
            found,
            language(request),
            self.wall(),
            word=request.query.get("said", ""),
            unsure=unsure,
            key=key,
        )
        return html_page(request, page, 400 if unsure else 200, policy(), {})

    def _signed_in(self, answer: _Answer) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
        async def answered(request: web.Request) -> web.StreamResponse:
            account = self.leading.account(request.cookies.get(self.cookie, ""))
            if account is None:
                return self._refused(request, Refusal.SIGNED_OUT)
            if self._looks.wait_s(account, self.clock()):
                return self._refused(request, Refusal.UNAVAILABLE)
            return await answer(request, account)

        return answered

    def _pressed(self, answer: _Answer) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
        """A form of ours, by somebody who is signed in."""

        async def pressed(request: web.Request, account: str) -> web.StreamResponse:
            if not self._ours(request):
                return see_other(f"{ROOT}?said=form")
            if self._presses.wait_s(account, self.clock()):
                return see_other(f"{ROOT}?said=too_often")
            return await answer(request, account)

        return self._signed_in(pressed)

    def _ours(self, request: web.Request) -> bool:
        """Browsers say where a form comes from; one that says nothing at all is too old to be believed."""
        site = request.headers.get("Sec-Fetch-Site")
        if site is not None:
            return site == "same-origin"
        return request.headers.get("Origin") == self.origin

    def _done(self, request: web.Request, word: str) -> web.Response:
        return see_other(f"{ROOT}/{request.match_info['id']}?said={word}")

    def _unable(self, request: web.Request, why: Unable) -> web.Response:
        page = render.message(why, language(request))
        return html_page(request, page, STATUS_OF.get(why, 409), policy(), {})

    def _refused(self, request: web.Request, why: Refusal) -> web.Response:
        chosen = language(request)
        if why is Refusal.SIGNED_OUT:
            there = f"{self.sign_in_url}/broadcasts" if self.sign_in_url else ""
            page = watch.sign_in(f"{ROOT}/enter", chosen, sign_in_url=there)
            home = (self.client_url,) if self.client_url else ()
            return html_page(request, page, STATUS[why], policy(connect=home), {})
        return html_page(request, watch.refused(why, chosen), STATUS[why], policy(), {})


def _zone(place: Place) -> ZoneInfo:
    try:
        return ZoneInfo(place.timezone)
    except (ZoneInfoNotFoundError, ValueError):
        return ZoneInfo("UTC")


async def _file(request: web.Request) -> web.StreamResponse:
    path = render.FILES.get(request.match_info["name"])
    if path is None:
        raise web.HTTPNotFound
    kept = f"{ROOT}/static/{request.match_info['version']}" == render.STATIC
    return web.FileResponse(
        path,
        headers={
            "Cache-Control": f"public, max-age={KEEP_S}, immutable" if kept else "no-cache",
            "Content-Type": TYPES[path.suffix],
            "X-Content-Type-Options": "nosniff",
        },
    )
