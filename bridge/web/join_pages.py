"""Pages that several steps of joining end in."""

from __future__ import annotations

from aiohttp import web

from bridge.admission import AdmissionRefusal, Admitted
from bridge.application import ApplyRefusal
from bridge.binding import Taken
from bridge.invite import InviteRefusal
from bridge.journey import Arrival, keep_arrival
from bridge.roles import STAFF, Role
from bridge.standing import Halt, Outcome, Why
from bridge.web.join_words import WHY, join_words
from bridge.web.render import page, problem, redirect
from bridge.web.visit import LIFETIME, SERVICES, STAFF_LIFETIME, visit_of


def invite_problem(request: web.Request, refusal: InviteRefusal) -> web.StreamResponse:
    """404 for a link that never was, 410 for one that is over (R10)."""
    return problem(request, 404 if refusal is InviteRefusal.UNKNOWN else 410)


def lost(request: web.Request) -> web.StreamResponse:
    """This browser is not on its way any more: too long ago, or sent twice and done already."""
    return page(request, "join/lost.html")


def halt_page(request: web.Request, outcome: Outcome | Why) -> web.StreamResponse:
    """Why somebody cannot go on here, and what to do instead."""
    if isinstance(outcome, Halt):
        outcome = outcome.why
    if not isinstance(outcome, Why):
        return lost(request)
    visit = visit_of(request)
    title, text = WHY[outcome]
    return page(
        request,
        "join/halt.html",
        title=visit.gettext(title),
        text=visit.gettext(text),
        why=outcome.value,
    )


async def arrived(
    request: web.Request, answer: Admitted | AdmissionRefusal, role: Role, contact: str
) -> web.StreamResponse:
    """After the last step: signed in under a new cookie, and on to the last page; or why not."""
    visit, services = visit_of(request), request.app[SERVICES]
    if isinstance(answer, InviteRefusal):
        return invite_problem(request, answer)
    if isinstance(answer, ApplyRefusal):
        return page(request, "join/not_applied.html", text=join_words(visit, answer))
    if isinstance(answer, Taken):
        return redirect("/join/next")  # somebody was faster: "is it you?"
    if not isinstance(answer, Admitted):
        return lost(request)
    if visit.user_id != answer.user_id:
        await visit.sign_in(answer.user_id, STAFF_LIFETIME if role in STAFF else LIFETIME)
    arrival = Arrival(steps_id=answer.steps_id, login=answer.user_id, contact=contact)
    async with services.store.begin() as work:
        await keep_arrival(work, visit.session, arrival, visit.now, services.vault)
    services.writer.wake()
    return redirect("/welcome" if answer.application is None else "/status")
