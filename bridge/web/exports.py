"""A person's data as a file (152-FZ, article 14), and a room's messages for the director (R28, R51)."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from aiohttp import web

from bridge.own_contacts import own_contacts
from bridge.ports_directory import DirectoryDown, DirectoryRefused
from bridge.reason import kept_reason
from bridge.roles import Account, PersonId, Role
from bridge.web.access import member, only
from bridge.web.again import fresh
from bridge.web.csv_file import attachment
from bridge.web.render import page, problem, redirect
from bridge.web.security import HEADERS, form_of
from bridge.web.visit import Visit

logger = logging.getLogger(__name__)

routes = web.RouteTableDef()

director = only(lambda request, account: Role.DIRECTOR in account.roles)


@routes.get("/me/data")
@member
async def own(request: web.Request, visit: Visit, account: Account) -> web.StreamResponse:
    """What there is about oneself and one's children, each as a file."""
    persons = await visit.services.directory.persons(account.user_id)
    children = []
    for child in sorted(account.children):
        found = await visit.services.directory.person(account.org_id, child)
        if found is not None:
            children.append(found)
    return page(request, "self/data.html", persons=persons, children=children)


@routes.post("/me/data/{person_id}")
@member
@fresh
async def person(request: web.Request, visit: Visit, account: Account) -> web.StreamResponse:
    """The module says whose it may be; of oneself the bridge adds what it keeps."""
    person_id = PersonId(request.match_info["person_id"])
    try:
        data = await visit.services.exports.person(account, person_id, "")
    except DirectoryRefused:
        return problem(request, 404)
    own = await _kept_here(visit, account) if person_id in account.persons else {}
    return _file({**data, "onboarding": own}, "sferum-data.json")


@routes.get("/me/data/{person_id}")
@member
async def again(request: web.Request, visit: Visit, account: Account) -> web.StreamResponse:
    """Back from the question who it is: the button is pressed once more."""
    del request, visit, account
    return redirect("/me/data")


@routes.get("/school/rooms/export")
@director
async def ask_room(request: web.Request, visit: Visit, account: Account) -> web.StreamResponse:
    """Which room, and why: it will be in the log."""
    rooms = await visit.services.directory.rooms(account.org_id)
    return page(
        request,
        "head/room_export.html",
        rooms=[one for one in rooms if one.get("room_id") and one.get("kind") != "school"],
    )


@routes.post("/school/rooms/export")
@director
@fresh
async def room(request: web.Request, visit: Visit, account: Account) -> web.StreamResponse:
    """Messages one a line, as they come: a room of years is never whole in memory."""
    form = form_of(request)
    room_id, reason = str(form.get("room", ""))[:255], kept_reason(str(form.get("reason", "")))
    messages = visit.services.exports.room(account, room_id, reason)
    try:
        first = await anext(messages, None)
    except DirectoryRefused:
        return problem(request, 404)
    response = web.StreamResponse(
        headers={
            **HEADERS,  # it begins before the middleware that gives them to every page
            "Content-Type": "application/x-ndjson; charset=utf-8",
            "Content-Disposition": "attachment; filename=\"room.jsonl\"; filename*=UTF-8''"
            + quote(f"{visit.gettext('Сообщения чата')}.jsonl", safe=""),
            "Cache-Control": "no-store",
        }
    )
    await response.prepare(request)
    try:
        if first is not None:
            await response.write(_line(first))
            async for one in messages:
                await response.write(_line(one))
    except (DirectoryDown, DirectoryRefused) as error:
        # The answer has begun: cutting the connection is the only way to say that it is not whole.
        logger.warning("a room's export was cut off kind=%s", type(error).__name__)
        if request.transport is not None:
            request.transport.abort()
        return response
    await response.write_eof()
    return response


async def _kept_here(visit: Visit, account: Account) -> Mapping[str, Any]:
    """Contacts as the pages show them, sessions' ends, the calendar's address: what this service knows of somebody."""
    services = visit.services
    contacts = await own_contacts(account.user_id, store=services.store, vault=services.vault)
    async with services.store.begin() as work:
        feed = await work.feeds.of(account.user_id)
    return {
        "contacts": [{"medium": one.medium.value, "address": one.shown} for one in contacts],
        "calendar_since": None if feed is None else feed.made_at.isoformat(),
        "signed_in_until": None
        if visit.signed_in is None
        else visit.signed_in.expires_at.isoformat(),
    }


def _file(data: Mapping[str, Any], name: str) -> web.Response:
    body = json.dumps(data, ensure_ascii=False, indent=1).encode()
    return attachment(body, "application/json; charset=utf-8", name, name)


def _line(message: Mapping[str, Any]) -> bytes:
    return json.dumps(message, ensure_ascii=False).encode() + b"\n"
