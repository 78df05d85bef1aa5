"""The last page of joining, and the page of whoever waits for the school's answer (R16, R17)."""

from __future__ import annotations

import segno
from aiohttp import web

from bridge.application import Application, ApplicationId, DecisionRefusal, State
from bridge.deciding import withdraw_application
from bridge.family import Child, ChildState, children_of, confirm_child
from bridge.greeting import LONGEST
from bridge.journey import Arrival, arrival_of
from bridge.roles import Account, PersonId, Role
from bridge.web.access import member
from bridge.web.hello import rooms_of
from bridge.web.render import page, problem, redirect
from bridge.web.security import form_of
from bridge.web.visit import SERVICES, Visit, visit_of
from bridge.writer import Finished

routes = web.RouteTableDef()

#: Seconds until a newcomer is shown a page that looks again by itself.
PATIENCE_S = 8.0
#: Seconds between two such looks; a header, because a `<meta>` would also be on pages that are ready.
AGAIN_S = 3


@routes.get("/welcome")
async def welcome(request: web.Request) -> web.StreamResponse:
    """«Вы вошли»: how to sign in to the chats. Waits until the account is there."""
    visit, services = visit_of(request), request.app[SERVICES]
    if visit.user_id is None:
        return redirect("/signin")
    arrival = await _arrival(visit)
    if arrival is None:
        return redirect("/me" if visit.account is not None else "/status")
    if arrival.steps_id is not None:
        finished = await services.writer.finish(arrival.steps_id, PATIENCE_S)
        if finished is Finished.DEAD:
            return page(request, "join/dead.html")
        if finished is Finished.PENDING:
            waiting = page(request, "join/pending.html")
            waiting.headers["Refresh"] = str(AGAIN_S)
            return waiting
    visit.account = await services.directory.account(visit.user_id)
    return page(
        request,
        "join/welcome.html",
        arrival=arrival,
        localpart=arrival.login.partition(":")[0].removeprefix("@"),
        qr=qr_code(arrival.login) if arrival.by_card else "",
        children=await unconfirmed_children(visit),
        rooms=[] if visit.account is None else await rooms_of(visit, visit.account),
        wrong="",
        text="",
        longest=LONGEST,
    )


@routes.post("/welcome/confirm")
@member
async def confirm(request: web.Request, visit: Visit, account: Account) -> web.StreamResponse:
    """R17: a parent's consent, with a tick of its own for each child."""
    chosen = {str(value) for value in form_of(request).getall("child", [])}
    for child in await unconfirmed_children(visit):
        if child.person.person_id in chosen:
            await confirm_child(
                account,
                PersonId(child.person.person_id),
                True,
                visit.now,
                services=visit.services,
            )
    return redirect("/welcome", said="child_confirmed" if chosen else "")


@routes.get("/status")
async def status(request: web.Request) -> web.StreamResponse:
    """R16: what whoever waits sees, and nothing else; after a no one neutral text."""
    visit = visit_of(request)
    if visit.user_id is None:
        return redirect("/signin", next="/status")
    waiting = await _waiting(visit)
    if visit.account is not None and not waiting:
        return redirect("/me")
    if not waiting and await _is_arriving(visit):
        return redirect("/welcome")
    org = None
    if waiting:
        org = await visit.services.directory.org(waiting[0].org_id)
    return page(
        request,
        "join/status.html",
        waiting=[(one, await _class_name(visit, one)) for one in waiting],
        org=org,
    )


@routes.get("/status/withdraw/{application_id}")
async def withdraw(request: web.Request) -> web.StreamResponse:
    """What will happen, before it does."""
    visit = visit_of(request)
    found = next((one for one in await _waiting(visit) if one.id == _id(request)), None)
    if found is None or found.state is not State.NEW:
        return problem(request, 404)
    return page(
        request,
        "join/withdraw.html",
        application=found,
        class_name=await _class_name(visit, found),
    )


@routes.post("/status/withdraw/{application_id}")
async def withdraw_posted(request: web.Request) -> web.StreamResponse:
    visit, services = visit_of(request), request.app[SERVICES]
    if visit.user_id is None:
        return redirect("/signin")
    answer = await withdraw_application(visit.user_id, _id(request), visit.now, services=services)
    if answer is DecisionRefusal.NOT_YOURS:
        return problem(request, 404)
    if visit.account is None and not await _waiting(visit):
        await visit.sign_out()
        return redirect("/", said="withdrawn")
    return redirect("/status", said="" if isinstance(answer, DecisionRefusal) else "withdrawn")


async def unconfirmed_children(visit: Visit) -> list[Child]:
    """Children under 14 whom nobody has confirmed yet, of a parent who is in."""
    account = visit.account
    if account is None or Role.GUARDIAN not in account.roles:
        return []
    children = await children_of(account, visit.now, visit.services.directory)
    return [one for one in children if one.state is ChildState.UNCONFIRMED]


def qr_code(text: str) -> str:
    """A QR code as an address for `<img>`."""
    return str(segno.make(text, error="q", micro=False).svg_data_uri(scale=6, border=4))


async def _arrival(visit: Visit) -> Arrival | None:
    async with visit.services.store.begin() as work:
        return await arrival_of(work, visit.session, visit.now, visit.services.vault)


async def _is_arriving(visit: Visit) -> bool:
    """Whether the last page has something to say; not for an application, which has no rights yet."""
    arrival = await _arrival(visit)
    if arrival is None or arrival.steps_id is None:
        return False
    return await visit.services.writer.finish(arrival.steps_id, 0) is not Finished.DONE


async def _waiting(visit: Visit) -> list[Application]:
    if visit.user_id is None:
        return []
    async with visit.services.store.begin() as work:
        found = await work.applications.of_applicant(visit.user_id)
    return [one for one in found if one.state in {State.NEW, State.APPROVED}]


async def _class_name(visit: Visit, application: Application) -> str:
    if application.class_id is None:
        return ""
    classes = await visit.services.directory.classes(application.org_id)
    return next((one.name for one in classes if one.class_id == application.class_id), "")


def _id(request: web.Request) -> ApplicationId:
    return ApplicationId(request.match_info["application_id"])
