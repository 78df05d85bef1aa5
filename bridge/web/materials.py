"""Materials: shelves, search, one of them, its file with ranges (R27, docs/flows/materials.md)."""

from __future__ import annotations

import asyncio
import logging
from pathlib import Path
from urllib.parse import quote

from aiohttp import hdrs, web

from bridge.material_files import DiskFull
from bridge.materials import Material, shown_size
from bridge.roles import Account
from bridge.web.access import member
from bridge.web.i18n import N_
from bridge.web.render import page, problem
from bridge.web.security import POLICY
from bridge.web.visit import Visit, visit_of

logger = logging.getLogger(__name__)

routes = web.RouteTableDef()

#: Materials of one page; a school has at most so many (`MOST_LIVE` of the module).
PAGE, MOST = 30, 5000
LONGEST_WORDS = 100
#: On these pages films and sounds of ours may play; and nothing of elsewhere, as everywhere.
PLAYS = f"{POLICY}; media-src 'self'"
#: A document that a browser shows runs nothing and sees nothing of ours.
SANDBOX = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; sandbox"
UNITS = {"ГБ": N_("ГБ"), "МБ": N_("МБ"), "КБ": N_("КБ"), "Б": N_("Б")}


@routes.get("/materials")
@member
async def shelf(request: web.Request, visit: Visit, account: Account) -> web.StreamResponse:
    """What somebody may read: by folder, by words."""
    words = request.query.get("q", "").replace("\0", "").strip()[:LONGEST_WORDS]
    folder = request.query.get("folder")
    folder = None if folder is None else folder.replace("\0", "")[:200]
    start = request.query.get("from", "0")
    number = min(int(start), MOST) if start.isascii() and start.isdigit() and len(start) < 9 else 0
    found = await visit.services.materials.shelf(
        account,
        words=words,
        folder=folder,
        start=number,
        limit=PAGE,
    )
    return page(
        request,
        "materials/shelf.html",
        shelf=found,
        sizes={one.material_id: size_of(visit, one) for one in found.materials},
        words=words,
        folder=folder,
        start=number,
        page_size=PAGE,
        zone=account.timezone,
        may_publish=account.is_staff,
    )


@routes.get("/materials/{material_id:[A-Za-z0-9_-]{8,80}}")
@member
async def one(request: web.Request, visit: Visit, account: Account) -> web.StreamResponse:
    """A film plays here, a picture shows, the rest is saved."""
    found = await visit.services.materials.one(account, request.match_info["material_id"])
    if found is None:
        return problem(request, 404)
    answer = page(
        request,
        "materials/one.html",
        material=found,
        size=size_of(visit, found),
        chat=_chat_address(visit, found),
        zone=account.timezone,
    )
    answer.headers["Content-Security-Policy"] = PLAYS
    return answer


@routes.get("/materials/{material_id:[A-Za-z0-9_-]{8,80}}/file")
async def file(request: web.Request) -> web.StreamResponse:
    """The file, or a range of it. R27: a stranger 401; who may not, or no longer, 403; each time anew."""
    visit = visit_of(request)
    if visit.user_id is None:
        return web.Response(status=401, text="401\n", headers={"WWW-Authenticate": "Session"})
    account = visit.account
    if account is None:
        return web.Response(status=403, text="403\n")
    found = await visit.services.materials.one(account, request.match_info["material_id"])
    if found is None:
        return web.Response(status=403, text="403\n")
    try:
        path = await _file_of(visit, found)
    except (DiskFull, OSError) as error:
        logger.error("a posted file was not copied why=%s", type(error).__name__)  # noqa: TRY400 (a trace could quote the way to it)
        return web.Response(status=503, text="503\n")
    if path is None:
        if found.file_id:
            logger.error("a material's file is not there material=%s", found.material_id)
        return web.Response(status=404, text="404\n")
    return web.FileResponse(
        path,
        chunk_size=256 * 1024,
        headers={
            hdrs.CONTENT_TYPE: found.type_sent,
            hdrs.CONTENT_DISPOSITION: found.disposition,
            # Kept by the browser alone, and asked for each time: rights may have gone.
            hdrs.CACHE_CONTROL: "private, no-cache",
            "Content-Security-Policy": SANDBOX,
        },
    )


async def _file_of(visit: Visit, material: Material) -> Path | None:
    if material.file_id:
        files = visit.services.config.material_files
        return await asyncio.to_thread(files.path, material.file_id)
    return await visit.services.posted.path(material.mxc) if material.mxc else None


def size_of(visit: Visit, material: Material) -> str:
    """`12 МБ`, in the reader's language."""
    number, unit = shown_size(material.size)
    text = number.replace(".", ",") if visit.language == "ru" else number
    return f"{text} {visit.gettext(UNITS[unit])}"


def _chat_address(visit: Visit, material: Material) -> str:
    """Where a file that somebody has posted in the chat is, "" for the others."""
    if material.file_id or not material.room_id:
        return ""
    room, event = quote(material.room_id, safe="!:"), quote(material.material_id, safe="")
    return f"{visit.services.config.clients.element_web}/#/room/{room}/${event}"
