"""The front page, the choice of language, and what machines ask for."""

from __future__ import annotations

from aiohttp import web

from bridge.config import LANGUAGES
from bridge.web.render import page, redirect
from bridge.web.security import form_of
from bridge.web.visit import SERVICES, visit_of

routes = web.RouteTableDef()


@routes.get("/")
async def front(request: web.Request) -> web.StreamResponse:
    """Whoever is signed in sees their own page, others how to come in."""
    visit = visit_of(request)
    if visit.user_id is not None:
        return redirect("/me" if visit.account is not None else "/status")
    return page(request, "front.html")


@routes.post("/language")
async def language(request: web.Request) -> web.StreamResponse:
    """Remember the language of this browser, and back to the page."""
    form = form_of(request)
    chosen, back = str(form.get("language", "")), str(form.get("back", ""))
    response = redirect(back if is_own_path(back) else "/")
    if chosen in LANGUAGES:
        secure = request.app[SERVICES].config.secure
        response.set_cookie(
            "lang", chosen, max_age=31536000, secure=secure, httponly=True, samesite="Lax"
        )
    return response


@routes.get("/health")
async def health(request: web.Request) -> web.StreamResponse:
    """For a reverse proxy and `make run`."""
    async with request.app[SERVICES].store.begin():
        pass
    return web.json_response({"status": "ok"})


@routes.get("/robots.txt")
async def robots(request: web.Request) -> web.StreamResponse:
    del request
    return web.Response(text="User-agent: *\nDisallow: /\n")


def is_own_path(path: str) -> bool:
    """Whether a redirect there stays on our pages: `/x`, never `//evil.example` or `/\\evil`."""
    return path.startswith("/") and not path.startswith(("//", "/\\")) and "\n" not in path
