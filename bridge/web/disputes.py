"""«Это не я», for whoever decides: the class teacher of a pupil or parent, administration (R11)."""

from __future__ import annotations

from aiohttp import web
from babel.dates import format_timedelta

from bridge.dispute import Dispute, DisputeRefusal
from bridge.disputes import decide_dispute
from bridge.disputes_waiting import OpenDispute, Owner, waiting_disputes
from bridge.reason import LONGEST_REASON
from bridge.roles import Account
from bridge.web.access import leads_any
from bridge.web.i18n import N_
from bridge.web.render import page, problem, redirect
from bridge.web.security import form_of
from bridge.web.visit import Visit

routes = web.RouteTableDef()

OWNERS = {
    Owner.OURS: N_("Профиль без имени"),
    Owner.APPLICANT: N_("Заявка, которая ждёт ответа"),
    Owner.ELSEWHERE: N_("Человек из другой школы"),
}


@routes.get("/disputes")
@leads_any
async def disputes(request: web.Request, visit: Visit, account: Account) -> web.StreamResponse:
    """Oldest first."""
    waiting = await waiting_disputes(account, visit.now, services=visit.services)
    ages = {
        one.dispute.id: format_timedelta(one.age, locale=visit.language, threshold=1.2)
        for one in waiting
    }
    return page(
        request,
        "join/disputes.html",
        waiting=[(one, whose(visit, one), record(account, one)) for one in waiting],
        ages=ages,
    )


@routes.get("/disputes/{dispute_id}")
@leads_any
async def preview(request: web.Request, visit: Visit, account: Account) -> web.StreamResponse:
    """What either answer will do."""
    found = await _one(request, visit, account)
    if found is None:
        return problem(request, 404)
    return page(
        request,
        "join/dispute.html",
        one=found,
        whose=whose(visit, found),
        record=record(account, found),
        longest=LONGEST_REASON,
    )


@routes.post("/disputes/{dispute_id}")
@leads_any
async def decided(request: web.Request, visit: Visit, account: Account) -> web.StreamResponse:
    """Say it, with a reason for the log if there is one (R51)."""
    found = await _one(request, visit, account)
    if found is None:
        return problem(request, 404)
    form = form_of(request)
    answer = str(form.get("do", ""))
    if answer not in {"release", "keep"}:
        return redirect(f"/disputes/{found.dispute.id}")
    decision = await decide_dispute(
        account,
        found.dispute.id,
        answer == "release",
        visit.now,
        services=visit.services,
        reason=str(form.get("reason", "")),
    )
    if decision is DisputeRefusal.NOT_YOURS:
        return problem(request, 404)
    said = f"dispute_{answer}" if isinstance(decision, Dispute) else "dispute_decided"
    return redirect("/disputes", said=said)


def whose(visit: Visit, one: OpenDispute) -> str:
    """The owner's name, or what is said instead."""
    return one.name or visit.gettext(OWNERS[one.owner])


def record(account: Account, one: OpenDispute) -> str:
    """The page of whoever has the number, if the reader has one of them; "" if not."""
    if account.administers and one.owner is Owner.APPLICANT:
        return "/applications"
    if account.administers and one.person_id is not None:
        return f"/school/people/{one.person_id}"
    return ""


async def _one(request: web.Request, visit: Visit, account: Account) -> OpenDispute | None:
    waiting = await waiting_disputes(account, visit.now, services=visit.services)
    wanted = request.match_info["dispute_id"]
    return next((one for one in waiting if one.dispute.id == wanted), None)
