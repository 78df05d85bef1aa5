"""The first page: a code from the school, or the way to one. No SMS goes out from here (R10)."""

from __future__ import annotations

from collections.abc import Sequence

from aiohttp import web

from bridge.code_door import TooMany, WrongCode, open_by_code
from bridge.journey import Journey, journey_of, keep_journey
from bridge.people import Org
from bridge.web.join_forms import SchoolCodeForm
from bridge.web.render import page, problem, redirect
from bridge.web.security import form_of
from bridge.web.visit import SERVICES, Visit, visit_of

routes = web.RouteTableDef()

#: Schools shown without a search.
MOST_SHOWN = 12
LONGEST_SEARCH = 100


@routes.get("/join")
async def join(request: web.Request) -> web.StreamResponse:
    return await _first(request, _form(visit_of(request)))


@routes.post("/join")
async def join_posted(request: web.Request) -> web.StreamResponse:
    """The same page for every code that opens nothing: mistyped, unknown or over."""
    visit, services = visit_of(request), request.app[SERVICES]
    form = _form(visit, form_of(request))
    if not form.validate():
        return await _first(request, form)
    found = await open_by_code(str(form.code.data), visit.address, visit.now, services=services)
    if isinstance(found, TooMany):
        return problem(request, 429, "codes")
    if isinstance(found, WrongCode):
        form.fail(
            "code", visit.gettext("Код не подошёл: проверьте цифры или попросите у школы новый.")
        )
        return await _first(request, form)
    async with services.store.begin() as work:
        journey = Journey(invite_id=found.id)
        await keep_journey(work, visit.session, journey, visit.now, services.vault)
    return redirect("/join/start")


@routes.get("/join/school/{org_id}")
async def school(request: web.Request) -> web.StreamResponse:
    """Where the code of this school is to be had."""
    orgs = await _orgs(request)
    found = next((one for one in orgs if one.org_id == request.match_info["org_id"]), None)
    if found is None:
        return problem(request, 404)
    return page(request, "join/school.html", org=found, form=_form(visit_of(request)))


@routes.post("/join/anew")
async def anew(request: web.Request) -> web.StreamResponse:
    """«Это не я»: an empty form in a fresh session (R11); nothing is filled in, the old session stays elsewhere."""
    visit, services = visit_of(request), request.app[SERVICES]
    back = str(form_of(request).get("back", ""))
    async with services.store.begin() as work:
        journey = await journey_of(work, visit.session, visit.now, services.vault)
        visit.start_anew()
        if back == "/join/start" and journey is not None:  # the code need not be typed again
            fresh = Journey(invite_id=journey.invite_id)
            await keep_journey(work, visit.session, fresh, visit.now, services.vault)
            return redirect(back)
    return redirect(back if back.startswith("/i/") else "/join")


async def _first(request: web.Request, form: SchoolCodeForm) -> web.StreamResponse:
    words = request.query.get("q", "")[:LONGEST_SEARCH].strip()
    orgs = await _orgs(request)
    found = [one for one in orgs if words.casefold() in one.name.casefold()]
    return page(
        request,
        "join/start.html",
        form=form,
        words=words,
        searches=len(orgs) > MOST_SHOWN,
        orgs=found[:MOST_SHOWN] if words or len(orgs) <= MOST_SHOWN else [],
    )


async def _orgs(request: web.Request) -> Sequence[Org]:
    orgs = await request.app[SERVICES].directory.orgs()
    return sorted((one for one in orgs if one.open), key=lambda one: one.name)


def _form(visit: Visit, posted: object | None = None) -> SchoolCodeForm:
    form: SchoolCodeForm = SchoolCodeForm.of(visit, posted)
    form.code.label.text = visit.gettext("Код школы или класса")
    form.code.description = visit.gettext("Девять цифр, например 482 913 507.")
    return form
