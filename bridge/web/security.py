"""What holds for every page: headers, forms from our own pages only, a pace that no browser of a person exceeds."""

from __future__ import annotations

import logging
from collections import OrderedDict
from datetime import datetime, timedelta

from aiohttp import web
from attrs import define, field
from multidict import MultiDictProxy

from bridge.web.render import problem
from bridge.web.visit import SERVICES, Handler, visit_of
from serving.addresses import network_of

logger = logging.getLogger(__name__)

#: Nothing is loaded from anywhere else, no script runs, nobody frames us (CSP Level 3).
POLICY = (
    "default-src 'none'; style-src 'self'; img-src 'self' data:; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'"
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    # Links hold invites: no other site may see them. Not `no-referrer`, which makes Origin `null` on our own forms.
    "Referrer-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
HSTS = "max-age=31536000"

#: Paths for programs of this machine, without session or form.
SERVICE = "/service/"
#: Bytes of a form. Uploads have their own route and limit.
FORM_BYTES = 64 * 1024
#: A person reads a page for a second at least; a class of thirty sits behind one address.
BURST, PER_S = 120.0, 10.0
MOST_ADDRESSES = 20_000


Posted = MultiDictProxy[str | bytes | bytearray | web.FileField]
FORM: web.RequestKey[Posted] = web.RequestKey("form", MultiDictProxy)


@define
class Pace:
    """Requests of each address: BURST at once, PER_S a second for ever. Bounded: the longest unseen is forgotten."""

    _left: OrderedDict[str, tuple[float, datetime]] = field(factory=OrderedDict)

    def takes(self, address: str, now: datetime) -> bool:
        """Whether one more request of this address is taken at `now`."""
        name = network_of(address)
        left, at = self._left.pop(name, (BURST, now))
        left = min(BURST, left + (now - at) / timedelta(seconds=1) * PER_S)
        self._left[name] = (max(0.0, left - 1.0), now)
        while len(self._left) > MOST_ADDRESSES:
            self._left.popitem(last=False)
        return left >= 1.0


PACE = web.AppKey("pace", Pace)


@web.middleware
async def headers(request: web.Request, handler: Handler) -> web.StreamResponse:
    response = await handler(request)
    for name, value in HEADERS.items():
        response.headers.setdefault(name, value)
    if request.app[SERVICES].config.secure:
        response.headers["Strict-Transport-Security"] = HSTS
    if not request.path.startswith("/static/"):
        response.headers.setdefault("Cache-Control", "no-store")
    return response


@web.middleware
async def paced(request: web.Request, handler: Handler) -> web.StreamResponse:
    """429 for a flood; the school's own networks are not counted."""
    visit = visit_of(request)
    counts = request.app[SERVICES].settings.limits.counts_address(visit.address)
    if counts and not request.app[PACE].takes(visit.address, visit.now):
        return problem(request, 429)
    return await handler(request)


@web.middleware
async def own_forms(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Every POST carries the token of this browser's session, and comes from our own pages (CSRF)."""
    if request.method in {"GET", "HEAD"}:
        return await handler(request)
    if request.path.startswith(SERVICE):
        return await handler(request)  # no browser's: it looks at its token itself (service_api.py)
    if request.method != "POST":
        return problem(request, 405)
    visit = visit_of(request)
    if not _same_origin(request):
        logger.info("form refused why=origin")
        return problem(request, 403)
    try:
        data = await request.post()
    except ValueError:  # a boundary that is none, a header that never ends, not UTF-8
        return problem(request, 400)
    if not visit.csrf_ok(data.get("csrf")):
        logger.info("form refused why=csrf")
        return problem(request, 403, "stale")
    request[FORM] = data
    return await handler(request)


def form_of(request: web.Request) -> Posted:
    """What was posted, after `own_forms` has looked at it."""
    return request[FORM]


def _same_origin(request: web.Request) -> bool:
    site = request.headers.get("Sec-Fetch-Site", "same-origin")
    origin = request.headers.get("Origin")
    own = request.app[SERVICES].config.public_url
    return site in {"same-origin", "none"} and origin in {None, own}
