"""MSC4195 over HTTP, as deployed: below the address that Synapse names as `livekit_service_url`.

Every answer carries CORS, refusals and unknown addresses too: without it a browser tells its page nothing.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Awaitable, Callable
from typing import Any

from aiohttp import hdrs, web

from media.access.addresses import subscriber_of
from media.access.granting import Access, Granted
from media.access.refusals import Refused, Why
from media.access.requests import (
    MOST_BYTES,
    Asked,
    Home,
    parse_delegation,
    parse_get_token,
    parse_sfu_get,
)
from serving.addresses import LOOPBACK, Network, address_of

logger = logging.getLogger(__name__)

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
Parser = Callable[[bytes, Home], Asked | Refused]

CORS = {
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Allow-Methods": "GET, POST, OPTIONS",
    "Access-Control-Allow-Headers": "Accept, Authorization, Content-Type, X-Requested-With",
    "Access-Control-Max-Age": "86400",
    "Cache-Control": "no-store",
}
DELEGATE = "/delegate_delayed_leave"
#: Matrix' codes for what the router itself refuses.
_ROUTER = {404: "M_UNRECOGNIZED", 405: "M_UNRECOGNIZED", 413: "M_TOO_LARGE"}


def access_app(access: Access, trusted: tuple[Network, ...] = LOOPBACK) -> web.Application:
    """To be mounted with `add_subapp("/livekit/jwt", …)`. `trusted`: proxies whose X-Forwarded-For is believed."""

    async def token(request: web.Request, parse: Parser) -> web.StreamResponse:
        asked = await _asked(request, access, parse, trusted)
        answer = asked if isinstance(asked, Refused) else await access.grant(asked)
        if isinstance(answer, Granted):
            access.counted["granted"] += 1
            return _json({"url": answer.url, "jwt": answer.jwt})
        return _refused(answer, access)

    async def sfu_get(request: web.Request) -> web.StreamResponse:
        return await token(request, parse_sfu_get)

    async def get_token(request: web.Request) -> web.StreamResponse:
        return await token(request, parse_get_token)

    async def delegate(request: web.Request) -> web.StreamResponse:
        """Element Call asks first with an empty body: any answer but 404 means that we can (calls.md §5.2)."""
        asked = await _asked(request, access, parse_delegation, trusted)
        refused = asked if isinstance(asked, Refused) else await access.delegate(asked)
        if refused is not None:
            return _refused(refused, access)
        access.counted["delegated"] += 1
        return _json({})

    app = web.Application(middlewares=[_cors], client_max_size=MOST_BYTES)
    for path, handler in (
        ("/sfu/get", sfu_get),
        ("/get_token", get_token),
        (DELEGATE, delegate),
    ):
        app.router.add_post(path, handler)
    app.router.add_get("/healthz", _healthz)
    return app


async def _asked(
    request: web.Request, access: Access, parse: Parser, trusted: tuple[Network, ...]
) -> Asked | Refused:
    address = address_of(
        request.remote or "", ",".join(request.headers.getall("X-Forwarded-For", [])), trusted
    )
    limited = access.greet(subscriber_of(address))
    if limited is not None:
        return limited
    return parse(await request.read(), access.home)


async def _healthz(_request: web.Request) -> web.StreamResponse:
    return _json({})


@web.middleware
async def _cors(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Also makes every error a Matrix one.

    A browser that asks for permission gets it for every address: else its page could not tell one that does not exist
    from a server that is away.
    """
    if request.method == hdrs.METH_OPTIONS:
        return web.Response(headers=CORS)
    try:
        response = await handler(request)
    except web.HTTPException as refused:
        errcode = _ROUTER.get(refused.status, "M_UNKNOWN")
        response = _json({"errcode": errcode, "error": refused.reason}, refused.status)
        if hdrs.ALLOW in refused.headers:
            response.headers[hdrs.ALLOW] = refused.headers[hdrs.ALLOW]
    except Exception as error:
        if isinstance(error, ConnectionError):  # the client is gone
            raise
        logger.exception("a question was not answered path=%s", request.path)
        response = _json({"errcode": "M_UNKNOWN", "error": "internal error"}, 500)
    response.headers.update(CORS)
    return response


def _refused(refused: Refused, access: Access) -> web.Response:
    access.counted[refused.why.value] += 1
    logger.info("no token why=%s at=%s", refused.why.value, refused.at)
    response = _json(refused.body, refused.status)
    if refused.why is Why.LIMITED:
        response.headers[hdrs.RETRY_AFTER] = str(math.ceil(refused.retry_after_s))
    return response


def _json(body: dict[str, Any], status: int = 200) -> web.Response:
    return web.json_response(body, status=status)
