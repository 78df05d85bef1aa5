"""«Это не я», for whoever decides: the class teacher of a pupil or parent, administration (R11)."""

from __future__ import annotations

from aiohttp import web

from bridge.dispute import Dispute, DisputeRefusal
from bridge.disputes import OpenDispute, decide_dispute, waiting_disputes
from bridge.roles import Account
from bridge.web.access import staff
from bridge.web.render import page, problem, redirect
from bridge.web.security import form_of
from bridge.web.visit import Visit

routes = web.RouteTableDef()


@routes.get("/disputes")
@staff
async def disputes(request: web.Request, visit: Visit, account: Account) -> web.StreamResponse:
    """Oldest first; for staff without a class of their own the page is empty."""
    waiting = await waiting_disputes(account, services=visit.services)
    return page(
        request,
        "join/disputes.html",
        waiting=[(one, whose(one)) for one in waiting],
    )


@routes.get("/disputes/{dispute_id}")
@staff
async def preview(request: web.Request, visit: Visit, account: Account) -> web.StreamResponse:
    """What either answer will do."""
    found = await _one(request, visit, account)
    if found is None:
        return problem(request, 404)
    return page(request, "join/dispute.html", one=found, whose=whose(found))


@routes.post("/disputes/{dispute_id}")
@staff
async def decided(request: web.Request, visit: Visit, account: Account) -> web.StreamResponse:
    found = await _one(request, visit, account)
    if found is None:
        return problem(request, 404)
    answer = str(form_of(request).get("do", ""))
    if answer not in {"release", "keep"}:
        return redirect(f"/disputes/{found.dispute.id}")
    decision = await decide_dispute(
        account, found.dispute.id, answer == "release", visit.now, services=visit.services
    )
    if decision is DisputeRefusal.NOT_YOURS:
        return problem(request, 404)
    said = f"dispute_{answer}" if isinstance(decision, Dispute) else "dispute_decided"
    return redirect("/disputes", said=said)


def whose(one: OpenDispute) -> str:
    """The owner's name, "" for an applicant."""
    return "" if one.owner is None else one.owner.display_name


async def _one(request: web.Request, visit: Visit, account: Account) -> OpenDispute | None:
    waiting = await waiting_disputes(account, services=visit.services)
    wanted = request.match_info["dispute_id"]
    return next((one for one in waiting if one.dispute.id == wanted), None)
