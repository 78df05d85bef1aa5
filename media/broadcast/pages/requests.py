"""Requests of pages and their answers: the language, bodies within their bounds, pages with their headers."""

from __future__ import annotations

from collections.abc import Mapping

from aiohttp import web

from media.broadcast.pages.asking import MOST_BYTES, form_fields
from media.broadcast.pages.headers import headers
from media.broadcast.pages.words import language_of

#: Seconds a browser keeps the language somebody chose: a year.
KEEP_S = 31_536_000
NO_STORE = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}


def language(request: web.Request) -> str:
    return language_of(
        request.query.get("lang", ""),
        request.cookies.get("lang", ""),
        request.headers.get("Accept-Language", ""),
    )


def html_page(
    request: web.Request,
    page: str,
    status: int,
    csp: str,
    more: Mapping[str, str],
    *,
    camera: bool = False,
) -> web.Response:
    response = web.Response(
        text=page,
        status=status,
        content_type="text/html",
        headers={**headers(csp, camera=camera), **more},
    )
    asked = request.query.get("lang")
    if asked is not None and asked == language(request):
        response.set_cookie("lang", asked, max_age=KEEP_S, path="/", samesite="Lax")
    return response


def see_other(where: str) -> web.Response:
    """303: a page loaded again does not send the form again."""
    return web.Response(
        status=303,
        headers={"Location": where, "Cache-Control": "no-store", "Referrer-Policy": "same-origin"},
    )


def wants_json(request: web.Request) -> bool:
    return "application/json" in request.headers.get("Accept", "")


async def body_of(request: web.Request, most: int) -> bytes | None:
    """The body; None: it is longer than that."""
    raw = b""
    while more := await request.content.readany():
        raw += more
        if len(raw) > most:
            return None
    return raw


async def form_of(request: web.Request) -> Mapping[str, str]:
    """A form as browsers send it without files; anything else, or one that is too long, is an empty one."""
    if request.content_type != "application/x-www-form-urlencoded":
        return {}
    raw = await body_of(request, MOST_BYTES)
    return {} if raw is None else form_fields(raw)
