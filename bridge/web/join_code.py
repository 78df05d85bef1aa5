"""The code and a new password, on one page; what it opens is found out after the right code only (R6, R7)."""

from __future__ import annotations

from aiohttp import web
from attrs import evolve, frozen

from bridge.admission import Door, admit
from bridge.answers import CodeRefusal, Proven, Requested
from bridge.binding import ProofRefusal
from bridge.invite import Invite, InviteRefusal
from bridge.joining import outcome_of
from bridge.journey import Journey, journey_of, keep_journey
from bridge.newcomer import newcomer_of
from bridge.onboarding import resend_code, verify_code
from bridge.people import PersonRecord
from bridge.records import Purpose
from bridge.sent_codes import SentCode, sent_code
from bridge.standing import Admit, NewParent
from bridge.web.join_forms import CodeForm, check_password, code_form
from bridge.web.join_pages import arrived, invite_problem, lost
from bridge.web.join_words import join_words, masked_person
from bridge.web.render import page, redirect
from bridge.web.security import form_of
from bridge.web.visit import SERVICES, Visit, visit_of

routes = web.RouteTableDef()


@frozen(kw_only=True)
class Step:
    """Where this browser is: a code was sent for its journey."""

    journey: Journey
    invite: Invite
    sent: SentCode


@routes.get("/join/code")
async def code(request: web.Request) -> web.StreamResponse:
    found = await _step(request)
    if not isinstance(found, Step):
        return found
    if not found.sent.open and await _is_proved(request, found):
        return redirect("/join/next")  # the back button
    return await _page(request, found)


@routes.post("/join/code")
async def code_posted(request: web.Request) -> web.StreamResponse:
    """A password that is too short costs no try of the code."""
    visit, services = visit_of(request), request.app[SERVICES]
    found = await _step(request)
    if not isinstance(found, Step):
        return found
    kept = bool(found.journey.password)
    form = code_form(visit, form_of(request), kept=kept)
    good = form.validate()
    if not check_password(visit, form, kept=kept) or not good:
        return await _page(request, found, form)
    journey = evolve(found.journey, password=str(form.password.data or found.journey.password))
    async with services.store.begin() as work:
        if await journey_of(work, visit.session, visit.now, services.vault) is None:
            return lost(request)  # the same form, sent twice, is through already
        await keep_journey(work, visit.session, journey, visit.now, services.vault)
    answer = await verify_code(
        found.sent.id,
        str(form.code.data),
        visit.session,
        visit.now,
        store=services.store,
        vault=services.vault,
    )
    if isinstance(answer, Proven) or answer is CodeRefusal.PASSED:
        return await advance(request)
    again = await _step(request)
    if not isinstance(again, Step):
        return again
    fresh = code_form(visit, kept=True)
    fresh.fail("code", join_words(visit, answer))
    return await _page(request, again, fresh)


@routes.post("/join/code/again")
async def again(request: web.Request) -> web.StreamResponse:
    visit, services = visit_of(request), request.app[SERVICES]
    found = await _step(request)
    if not isinstance(found, Step):
        return found
    answer = await resend_code(
        found.sent.id,
        visit.session,
        visit.address,
        visit.now,
        store=services.store,
        vault=services.vault,
        settings=services.settings,
        chance=services.chance,
    )
    if isinstance(answer, Requested):
        return redirect("/join/code", said="code_again")
    if isinstance(answer, InviteRefusal):
        return invite_problem(request, answer)
    form = code_form(visit, kept=bool(found.journey.password))
    form.fail("code", join_words(visit, answer))
    return await _page(request, found, form)


async def advance(request: web.Request) -> web.StreamResponse:
    """After the right code: in at once if nothing else is to be asked, else to the page that asks. For POST only."""
    visit, services = visit_of(request), request.app[SERVICES]
    async with services.store.begin() as work:
        journey = await journey_of(work, visit.session, visit.now, services.vault)
    if journey is None:
        return lost(request)
    newcomer = await newcomer_of(
        journey, visit.session, visit.user_id, visit.now, services=services
    )
    if isinstance(newcomer, InviteRefusal):
        return invite_problem(request, newcomer)
    if isinstance(newcomer, ProofRefusal):
        return redirect("/join/code")
    outcome = outcome_of(newcomer.standing)
    if not isinstance(outcome, Admit | NewParent):
        return redirect("/join/next")
    door = Door(session=visit.session, journey=journey, now=visit.now, services=services)
    contact = await contact_shown(visit, journey)
    return await arrived(
        request, await admit(door, newcomer, outcome), newcomer.standing.role, contact
    )


async def contact_shown(visit: Visit, journey: Journey) -> str:
    """The contact that the code went to, masked; "" without a code."""
    if journey.challenge_id is None:
        return ""
    services = visit.services
    sent = await sent_code(
        journey.challenge_id,
        visit.session,
        Purpose.JOIN,
        store=services.store,
        vault=services.vault,
    )
    return "" if sent is None else sent.to


async def _step(request: web.Request) -> Step | web.StreamResponse:
    visit, services = visit_of(request), request.app[SERVICES]
    async with services.store.begin() as work:
        journey = await journey_of(work, visit.session, visit.now, services.vault)
        invite = None if journey is None else await work.invites.get(journey.invite_id)
    if journey is None or journey.challenge_id is None or invite is None:
        return lost(request)
    over = invite.refusal(visit.now)
    if over is not None:
        return invite_problem(request, over)
    sent = await sent_code(
        journey.challenge_id,
        visit.session,
        Purpose.JOIN,
        store=services.store,
        vault=services.vault,
    )
    return lost(request) if sent is None else Step(journey=journey, invite=invite, sent=sent)


async def _is_proved(request: web.Request, step: Step) -> bool:
    async with request.app[SERVICES].store.begin() as work:
        chain = await work.challenges.get(step.sent.id)
    return chain is not None and chain.challenge.passed_at is not None


async def _page(
    request: web.Request, step: Step, form: CodeForm | None = None
) -> web.StreamResponse:
    visit = visit_of(request)
    person = await _named(request, step.invite)
    return page(
        request,
        "join/code.html",
        form=form or code_form(visit, kept=bool(step.journey.password)),
        sent=step.sent,
        wait_s=step.sent.wait_s(visit.now),
        named="" if person is None else masked_person(visit, person),
        for_parent=step.invite.role is not None and step.invite.role.value == "guardian",
    )


async def _named(request: web.Request, invite: Invite) -> PersonRecord | None:
    if invite.person_id is None:
        return None
    return await request.app[SERVICES].directory.person(invite.org_id, invite.person_id)
