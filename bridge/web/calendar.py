"""A calendar for the phone: its address, made, changed and taken away, and the file behind it (RFC 5545)."""

from __future__ import annotations

import base64
import binascii
import logging

from aiohttp import hdrs, web

from bridge.calendar_feed import end_feed, entries_of, new_feed, reader_of
from bridge.calendar_file import calendar_file, etag
from bridge.records import Sealed
from bridge.roles import Account
from bridge.vault import CannotUnseal
from bridge.web.access import member
from bridge.web.i18n import N_
from bridge.web.render import page, redirect
from bridge.web.visit import SERVICES, Visit, visit_of

logger = logging.getLogger(__name__)

routes = web.RouteTableDef()

NAME = N_("Расписание: %(school)s")
JOIN = N_("Войти")
#: Seconds that programs may keep the file: they look every hour, and a change is seen soon.
KEEP_S = 600


@routes.get("/me/calendar")
@member
async def calendar(request: web.Request, visit: Visit, account: Account) -> web.StreamResponse:
    """Whether there is an address; a new one is shown this once, to this browser."""
    services = request.app[SERVICES]
    async with services.store.begin() as work:
        feed = await work.feeds.of(account.user_id)
    address = _shown(visit, request.query.get("key", ""))
    return page(
        request,
        "schedule/calendar.html",
        made_at=None if feed is None else feed.made_at,
        address=address,
        webcal=address.replace("https://", "webcal://", 1) if address else "",
        zone=account.timezone,
    )


@routes.post("/me/calendar")
@member
async def renew(request: web.Request, visit: Visit, account: Account) -> web.StreamResponse:
    """A new address; programs that read the one before are told that it is gone."""
    services = request.app[SERVICES]
    token = await new_feed(account.user_id, visit.now, services=services)
    sealed = services.vault.seal(token.encode(), _purpose(visit))
    key = base64.urlsafe_b64encode(sealed).decode().rstrip("=")
    return redirect("/me/calendar", key=key)


@routes.post("/me/calendar/end")
@member
async def end(request: web.Request, visit: Visit, account: Account) -> web.StreamResponse:
    """No address any more."""
    await end_feed(account.user_id, services=request.app[SERVICES])
    return redirect("/me/calendar", said="calendar_ended")


@routes.get("/calendar/{token}.ics")
async def file(request: web.Request) -> web.StreamResponse:
    """The file, for whoever knows the address. One answer for an address that is none and for one that is no more."""
    services, visit = request.app[SERVICES], visit_of(request)
    account = await reader_of(request.match_info["token"], services=services)
    if account is None:
        return web.Response(status=404, text="404\n")
    entries = await entries_of(
        account,
        visit.now,
        schedules=services.schedules,
        public_url=services.config.public_url,
    )
    name = visit.gettext(NAME, school=account.org_name)
    tag = etag(name, entries)
    headers = {"ETag": tag, "Cache-Control": f"private, max-age={KEEP_S}"}
    if request.headers.get(hdrs.IF_NONE_MATCH, "").strip().removeprefix("W/") == tag:
        return web.Response(status=304, headers=headers)
    return web.Response(
        body=calendar_file(name, entries, visit.now, join=visit.gettext(JOIN)),
        content_type="text/calendar",
        charset="utf-8",
        headers=headers,
    )


def _shown(visit: Visit, key: str) -> str:
    """The address out of what was sealed for this browser, "" when there is none."""
    try:
        sealed = Sealed(base64.urlsafe_b64decode(key + "=" * (-len(key) % 4)))
        token = visit.services.vault.unseal(sealed, _purpose(visit)).decode()
    except (ValueError, binascii.Error, CannotUnseal):
        return ""
    return f"{visit.services.config.public_url}/calendar/{token}.ics"


def _purpose(visit: Visit) -> str:
    return f"calendar:{visit.session.hex()}"
