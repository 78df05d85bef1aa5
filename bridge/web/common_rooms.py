"""Rooms of several schools, as the administration of one of them sees them (ADR 30): numbers, no names of people."""

from __future__ import annotations

from aiohttp import web

from bridge.roles import Account
from bridge.web.access import administration
from bridge.web.district_shown import district_state
from bridge.web.head_words import COMMON_STAGES, COMMON_WORDS
from bridge.web.render import page
from bridge.web.roster import language_of
from bridge.web.visit import Visit

routes = web.RouteTableDef()

#: Stages about which somebody may have to telephone.
WORRYING = frozenset({"waits_for_maker", "waits_for_schools", "paused", "alone", "leaving"})


@routes.get("/school/district")
@administration
async def common_rooms(request: web.Request, visit: Visit, account: Account) -> web.StreamResponse:
    """Which rooms, who makes them, which schools are in, who of ours, and what is still to come."""
    directory = visit.services.directory
    found = await directory.common_rooms(account.org_id)
    return page(
        request,
        "head/common_rooms.html",
        district=found.district,
        state=district_state(await directory.health(), visit.now, language_of(visit)),
        rooms=found.rooms,
        stages=COMMON_STAGES,
        words=COMMON_WORDS,
        worrying=WORRYING,
    )
