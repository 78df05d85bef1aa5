"""WHIP and WHEP at the wrong node: the exchange is passed on to the right one, sound and pictures go there directly.

Publishers are not sent elsewhere with a 307. OBS would follow it with its key (`CURLOPT_UNRESTRICTED_AUTH` in its
whip-output.cpp); browsers follow none of a preflight and take the key out on the way to another origin (Fetch 4.4), as
most HTTP libraries do. Requests are few and small; the addresses for sound and pictures stand in the answers.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence

import aiohttp
from aiohttp import hdrs, web
from attrs import define, field
from multidict import CIMultiDict
from yarl import URL

from media.access.addresses import subscriber_of
from media.access.limits import Buckets
from media.access.tokens import Key
from media.cluster.neighbours import PASSED, passed_by
from media.cluster.placement import NodeSign
from serving.addresses import LOOPBACK, Network, address_of

logger = logging.getLogger(__name__)

TIMEOUT = aiohttp.ClientTimeout(total=8)
#: Octets of a request, as `whip.descriptions.MAX_OFFER`, and of an answer.
MOST_BYTES, MOST_ANSWER = 65_536, 262_144
#: Requests of one address: as at the right node, for whom all of them come from us. A second, and at once.
PER_SECOND, BURST = 20.0, 1000.0
_ASKED = (
    hdrs.AUTHORIZATION,
    hdrs.CONTENT_TYPE,
    hdrs.IF_MATCH,
    hdrs.ACCEPT_LANGUAGE,
    hdrs.ORIGIN,
    "Access-Control-Request-Method",
    "Access-Control-Request-Headers",
)
_ANSWERED = (
    *(hdrs.LOCATION, hdrs.ETAG, hdrs.LINK, hdrs.CONTENT_TYPE, hdrs.RETRY_AFTER, hdrs.ALLOW),
    *(hdrs.WWW_AUTHENTICATE, hdrs.CACHE_CONTROL, "Accept-Post", "Accept-Patch"),
)
OPEN: Mapping[str, str] = {"Access-Control-Allow-Origin": "*", "Cache-Control": "no-store"}


def _now() -> float:
    return asyncio.get_running_loop().time()


@define(eq=False)
class BroadcastRelay:
    """Attributes:

    wall: seconds since 1970; clock: seconds, never going back.
    trusted: proxies whose X-Forwarded-For is believed.
    """

    http: aiohttp.ClientSession
    keys: Sequence[Key] = field(repr=False)
    wall: Callable[[], float]
    trusted: tuple[Network, ...] = LOOPBACK
    clock: Callable[[], float] = _now
    _addresses: Buckets = field(factory=lambda: Buckets(PER_SECOND, BURST), init=False)

    async def pass_on(self, request: web.Request, there: NodeSign) -> web.Response:
        """The right node's answer, or why there is none."""
        forwarded = ",".join(request.headers.getall("X-Forwarded-For", []))
        address = address_of(request.remote or "", forwarded, self.trusted)
        if self._addresses.wait_s(subscriber_of(address), self.clock()):
            return refused(429)
        body = await _body(request)
        if body is None:
            return refused(413)
        headers = CIMultiDict(
            (name, value) for name in _ASKED for value in request.headers.getall(name, ())
        )
        headers[PASSED] = passed_by(self.keys, self.wall())
        try:
            async with self.http.request(
                request.method,
                URL(there.url + request.raw_path, encoded=True),
                data=body,
                headers=headers,
                timeout=TIMEOUT,
                allow_redirects=False,
            ) as answer:
                text = await answer.content.read(MOST_ANSWER + 1)
                while len(text) <= MOST_ANSWER and (more := await answer.content.readany()):
                    text += more
                if len(text) > MOST_ANSWER:
                    return refused(502)
                return web.Response(status=answer.status, body=text, headers=_kept(answer))
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            kind = type(error).__name__
            logger.warning("a broadcast's node does not answer node=%s kind=%s", there.name, kind)
            return refused(503)


def _kept(answer: aiohttp.ClientResponse) -> CIMultiDict[str]:
    """Several relays are several Links."""
    known = {name.lower() for name in _ANSWERED}
    return CIMultiDict(
        (name, value)
        for name, value in answer.headers.items()
        if name.lower() in known or name.lower().startswith("access-control-")
    )


async def _body(request: web.Request) -> bytes | None:
    """None: it is longer than any that is answered."""
    body = b""
    while more := await request.content.readany():
        body += more
        if len(body) > MOST_BYTES:
            return None
    return body


def refused(status: int) -> web.Response:
    """For a publisher; a browser's page is told it, too."""
    response = web.Response(status=status, headers=OPEN)
    if status in {429, 503}:
        response.headers[hdrs.RETRY_AFTER] = "2"
    return response
