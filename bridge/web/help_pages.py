"""`/help`: short answers by role, to what people complained about elsewhere (anchors.md §4)."""

from __future__ import annotations

from aiohttp import web

from bridge.onboarding_rules import CONFIRMATION_AGE
from bridge.web.i18n import N_
from bridge.web.render import page, problem
from bridge.web.visit import SERVICES

routes = web.RouteTableDef()

#: Word of the address → whom the page is for.
TOPICS = {
    "pupil": N_("Ученику"),
    "parent": N_("Родителю"),
    "teacher": N_("Учителю"),
    "class-teacher": N_("Классному руководителю"),
    "director": N_("Директору и администратору"),
}


@routes.get("/help")
async def contents(request: web.Request) -> web.StreamResponse:
    return page(request, "self/help.html", topics=TOPICS)


@routes.get("/help/{topic}")
async def topic(request: web.Request) -> web.StreamResponse:
    name = request.match_info["topic"]
    if name not in TOPICS:
        return problem(request, 404)
    return page(
        request,
        f"self/help_{name.replace('-', '_')}.html",
        title=TOPICS[name],
        age=CONFIRMATION_AGE,
        days=request.app[SERVICES].config.grace_days,
    )
