"""WHIP and WHEP over HTTP: POST, PATCH, DELETE and OPTIONS (RFC 9725 4).

Every answer carries CORS, refusals and unknown addresses too: without it a browser tells its page nothing. Tokens come
in headers, never by themselves, so that any origin may ask.
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from typing import Protocol

from aiohttp import hdrs, web
from attrs import field, frozen

from media.access.addresses import subscriber_of
from media.access.limits import Buckets
from media.broadcast.whip import fragments
from media.broadcast.whip.admitted import Admitted
from media.broadcast.whip.descriptions import MAX_OFFER
from media.broadcast.whip.ids import BroadcastId
from media.broadcast.whip.links import IceServer, link_of
from media.broadcast.whip.refusals import Refused, Why
from media.broadcast.whip.sessions import Created, Restarted, Trickled
from media.broadcast.whip.tokens import bearer_of
from serving.addresses import LOOPBACK, Network, address_of

logger = logging.getLogger(__name__)

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

SDP = "application/sdp"
PROBLEM = "application/problem+json"
CORS: Mapping[str, str] = {
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Allow-Methods": "POST, PATCH, DELETE, OPTIONS",
    "Access-Control-Allow-Headers": "Authorization, Content-Type, If-Match",
    "Access-Control-Expose-Headers": "Location, Link, ETag, Accept-Post, Accept-Patch, Retry-After",
    "Access-Control-Max-Age": "86400",
    "Cache-Control": "no-store",
}
#: Requests of one address, whatever their token: a school of viewers behind one address comes in a few seconds.
ADDRESS_PER_SECOND, ADDRESS_BURST = 20.0, 1000.0
#: Sessions that the holder of a token begins: a client that cannot connect tries again every few seconds.
BEGUN_PER_SECOND, BEGUN_BURST = 0.5, 20.0
#: PATCH and DELETE of one session: some clients send each candidate alone.
CHANGED_PER_SECOND, CHANGED_BURST = 2.0, 80.0


class Sessions(Protocol):
    """`Ingest` or `Egress`."""

    async def admit(self, broadcast: BroadcastId, token: str) -> Admitted | Refused: ...

    def create(self, admitted: Admitted, raw: bytes) -> Created | Refused: ...

    def patch(
        self, admitted: Admitted, session: str, if_match: str | None, raw: bytes
    ) -> Trickled | Restarted | Refused: ...

    def delete(self, admitted: Admitted, session: str) -> Refused | None: ...


def _now() -> float:
    return asyncio.get_running_loop().time()


@frozen(kw_only=True)
class Doors:
    """One of the two protocols; `app` is to be mounted with `add_subapp("/whip", …)` or `/whep`.

    Attributes:
        ice_servers: made for one client, given to who showed a token.
        trusted: proxies whose X-Forwarded-For is believed.
        clock: seconds, never going back.
        counted: answers by `Why.value`, and `created`, `restarted`, `trickled`, `deleted`.
    """

    sessions: Sessions
    ice_servers: Callable[[], tuple[IceServer, ...]] = tuple
    trusted: tuple[Network, ...] = LOOPBACK
    clock: Callable[[], float] = _now
    counted: Counter[str] = field(factory=Counter)
    _addresses: Buckets = field(factory=lambda: Buckets(ADDRESS_PER_SECOND, ADDRESS_BURST))
    _begun: Buckets = field(factory=lambda: Buckets(BEGUN_PER_SECOND, BEGUN_BURST))
    _changed: Buckets = field(factory=lambda: Buckets(CHANGED_PER_SECOND, CHANGED_BURST))

    def app(self) -> web.Application:
        app = web.Application(middlewares=[_cors], client_max_size=MAX_OFFER)
        endpoint = app.router.add_resource("/{broadcast:[A-Za-z0-9_-]{1,64}}")
        session = app.router.add_resource(
            "/{broadcast:[A-Za-z0-9_-]{1,64}}/{session:[A-Za-z0-9_-]{1,64}}"
        )
        for resource, method, handler in (
            (endpoint, hdrs.METH_POST, self._post),
            (endpoint, hdrs.METH_OPTIONS, self._options),
            (session, hdrs.METH_PATCH, self._patch),
            (session, hdrs.METH_DELETE, self._delete),
            (session, hdrs.METH_OPTIONS, _session_options),
        ):
            resource.add_route(method, handler)
        return app

    async def _post(self, request: web.Request) -> web.StreamResponse:
        """An offer → 201 with the answer, and where the session is."""
        asked = await self._asked(request, SDP, MAX_OFFER)
        if isinstance(asked, Refused):
            return self._refused(request, asked)
        admitted, raw = asked
        wait_s = self._begun.wait_s(f"{admitted.broadcast} {admitted.holder}", self.clock())
        if wait_s:
            return self._refused(request, Refused(Why.LIMITED, retry_after_s=wait_s))
        created = self.sessions.create(admitted, raw)
        if isinstance(created, Refused):
            return self._refused(request, created)
        self.counted["created"] += 1
        response = web.Response(status=201, body=created.answer.encode(), content_type=SDP)
        response.headers[hdrs.LOCATION] = f"{request.path}/{created.session}"
        response.headers[hdrs.ETAG] = created.etag
        response.headers["Accept-Patch"] = fragments.MEDIA_TYPE
        self._add_links(response)
        return response

    async def _options(self, request: web.Request) -> web.StreamResponse:
        """What is taken here. Relays too, for clients that must know them before their offer (RFC 9725 4.6)."""
        response = web.Response(headers={"Accept-Post": SDP})
        token = bearer_of(request.headers.get(hdrs.AUTHORIZATION, ""))
        if token and not self._limited(request):
            admitted = await self.sessions.admit(_broadcast(request), token)
            if isinstance(admitted, Admitted):
                self._add_links(response)
        return response

    async def _patch(self, request: web.Request) -> web.StreamResponse:
        """Candidates → 204; new credentials → 200 with ours."""
        asked = await self._asked(request, fragments.MEDIA_TYPE, fragments.MAX_BYTES)
        if isinstance(asked, Refused):
            return self._refused(request, asked)
        admitted, raw = asked
        if (too_often := self._changes_too_often(request)) is not None:
            return self._refused(request, too_often)
        conditions = request.headers.getall(hdrs.IF_MATCH, [])
        condition = ", ".join(conditions) if conditions else None
        patched = self.sessions.patch(admitted, request.match_info["session"], condition, raw)
        if isinstance(patched, Refused):
            return self._refused(request, patched)
        if isinstance(patched, Trickled):
            self.counted["trickled"] += 1
            return web.Response(status=204)
        self.counted["restarted"] += 1
        response = web.Response(body=patched.fragment.encode(), content_type=fragments.MEDIA_TYPE)
        response.headers[hdrs.ETAG] = patched.etag
        return response

    async def _delete(self, request: web.Request) -> web.StreamResponse:
        """The end. If-Match is not looked at (RFC 9725 4.3.1)."""
        asked = await self._admitted(request)
        if isinstance(asked, Refused):
            return self._refused(request, asked)
        if (too_often := self._changes_too_often(request)) is not None:
            return self._refused(request, too_often)
        refused = self.sessions.delete(asked, request.match_info["session"])
        if refused is not None:
            return self._refused(request, refused)
        self.counted["deleted"] += 1
        return web.Response()

    async def _asked(
        self, request: web.Request, media_type: str, most: int
    ) -> tuple[Admitted, bytes] | Refused:
        """Who asks, and the body: nobody's is read before it is known whose it is."""
        admitted = await self._admitted(request)
        if isinstance(admitted, Refused):
            return admitted
        if request.content_type != media_type:
            return Refused(Why.MEDIA_TYPE)
        if (request.content_length or 0) > most:
            return Refused(Why.TOO_LARGE)
        raw = b""
        while len(raw) <= most and (more := await request.content.readany()):
            raw += more
        return (admitted, raw) if len(raw) <= most else Refused(Why.TOO_LARGE)

    async def _admitted(self, request: web.Request) -> Admitted | Refused:
        if wait_s := self._limited(request):
            return Refused(Why.LIMITED, retry_after_s=wait_s)
        token = bearer_of(request.headers.get(hdrs.AUTHORIZATION, ""))
        return await self.sessions.admit(_broadcast(request), token)

    def _limited(self, request: web.Request) -> float:
        forwarded = ",".join(request.headers.getall("X-Forwarded-For", []))
        address = address_of(request.remote or "", forwarded, self.trusted)
        return self._addresses.wait_s(subscriber_of(address), self.clock())

    def _changes_too_often(self, request: web.Request) -> Refused | None:
        wait_s = self._changed.wait_s(request.match_info["session"], self.clock())
        return Refused(Why.LIMITED, retry_after_s=wait_s) if wait_s else None

    def _add_links(self, response: web.Response) -> None:
        for server in self.ice_servers():
            response.headers.add(hdrs.LINK, link_of(server))

    def _refused(self, request: web.Request, refused: Refused) -> web.Response:
        self.counted[refused.why.value] += 1
        logger.info("a broadcast request is refused why=%s", refused.why.value)
        language = request.headers.get(hdrs.ACCEPT_LANGUAGE, "")
        response = web.json_response(
            refused.body(language), status=refused.status, content_type=PROBLEM
        )
        if refused.wait_s:
            response.headers[hdrs.RETRY_AFTER] = str(refused.wait_s)
        if refused.why is Why.UNAUTHORIZED:
            response.headers[hdrs.WWW_AUTHENTICATE] = "Bearer"
        return response


def _broadcast(request: web.Request) -> BroadcastId:
    return BroadcastId(request.match_info["broadcast"])


async def _session_options(_request: web.Request) -> web.StreamResponse:
    return web.Response(headers={"Accept-Patch": fragments.MEDIA_TYPE})


def _problem(status: int, title: str) -> web.Response:
    return web.json_response(
        {"status": status, "title": title}, status=status, content_type=PROBLEM
    )


@web.middleware
async def _cors(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Also makes a problem of what the router refuses: 404, and 405 for GET, HEAD and PUT (RFC 9725 4.2).

    A browser that asks for permission gets it for every address: else its page could not tell one that does not exist
    from a server that is away.
    """
    try:
        response = await handler(request)
    except web.HTTPException as refused:
        asked = request.method == hdrs.METH_OPTIONS
        response = web.Response() if asked else _problem(refused.status, refused.reason)
        if hdrs.ALLOW in refused.headers:
            response.headers[hdrs.ALLOW] = refused.headers[hdrs.ALLOW]
    except web.RequestPayloadError:
        response = _problem(400, "the body cannot be read")
    except Exception as error:
        if isinstance(error, ConnectionError):  # the client is gone
            raise
        logger.exception("a broadcast request was not answered method=%s", request.method)
        response = _problem(500, "internal error")
    response.headers.update(CORS)
    return response
