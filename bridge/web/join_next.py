"""After the code: "is it you?", "which of you?", names, or why it does not go on (R11 to R16). GET changes nothing."""

from __future__ import annotations

from aiohttp import web
from attrs import evolve, frozen

from bridge.admission import Door, admit, apply_for
from bridge.applicant import Applicant
from bridge.binding import ProofRefusal
from bridge.disputes import open_dispute
from bridge.invite import InviteRefusal
from bridge.joining import outcome_of, outcome_with_names
from bridge.journey import Journey, end_journey, journey_of, keep_journey
from bridge.listed_staff import has_other_phone
from bridge.newcomer import Newcomer, newcomer_of
from bridge.roles import STAFF
from bridge.standing import (
    Admit,
    AskNames,
    Choose,
    Halt,
    IsItYou,
    NewParent,
    Outcome,
    SignedIn,
    Stopped,
    Why,
)
from bridge.steps import SetPassword, Steps
from bridge.web.join_code import contact_shown
from bridge.web.join_forms import NamesForm, applicant_of, names_form
from bridge.web.join_pages import arrived, halt_page, invite_problem, lost
from bridge.web.join_words import EXITS, STOPS, masked_person
from bridge.web.render import page, redirect
from bridge.web.security import form_of
from bridge.web.visit import SERVICES, visit_of
from bridge.writer import enqueue

routes = web.RouteTableDef()


@frozen(kw_only=True)
class Crossing:
    """Where this browser is, and what can become of it."""

    journey: Journey
    newcomer: Newcomer
    outcome: Outcome


@routes.get("/join/next")
async def next_page(request: web.Request) -> web.StreamResponse:
    found = await _crossing(request)
    return found if isinstance(found, web.StreamResponse) else await _page(request, found)


@routes.post("/join/go")
async def go(request: web.Request) -> web.StreamResponse:
    """Nothing more was to be asked, only this button was missing: the last try did not get through."""
    found = await _crossing(request)
    if isinstance(found, web.StreamResponse):
        return found
    if not isinstance(found.outcome, Admit | NewParent):
        return redirect("/join/next")
    return await _admit(request, found, found.outcome)


@routes.post("/join/me")
async def me(request: web.Request) -> web.StreamResponse:
    """«Это я»: the code was the proof. Signed in; the password that was just typed is theirs if they say so."""
    visit, services = visit_of(request), request.app[SERVICES]
    found = await _crossing(request)
    if isinstance(found, web.StreamResponse):
        return found
    owner = found.newcomer.standing.owner
    if not isinstance(found.outcome, IsItYou) or owner is None:
        return redirect("/join/next")
    password = found.journey.password if form_of(request).get("password") else ""
    old, moved = visit.session, evolve(found.journey, is_me=True, password="", challenge_id=None)
    async with services.store.begin() as work:
        await end_journey(work, old)
        if password:
            steps = Steps(
                user_id=owner,
                org_id=found.newcomer.invite.org_id,
                by=owner,
                steps=(SetPassword(password, sign_out=False),),
            )
            await enqueue(work, steps, visit.now, services.vault, services.chance)
    services.writer.wake()
    await visit.sign_in(owner)
    async with services.store.begin() as work:
        await keep_journey(work, visit.session, moved, visit.now, services.vault)
    return redirect("/join/next")


@routes.post("/join/notme")
async def not_me(request: web.Request) -> web.StreamResponse:
    """«Это не я»: the number's profile is somebody else's. Never a takeover: its owner and staff are asked (R11)."""
    visit, services = visit_of(request), request.app[SERVICES]
    found = await _crossing(request)
    if isinstance(found, web.StreamResponse):
        return found
    bound = isinstance(found.outcome, Stopped) and found.outcome.bound
    if not (bound or isinstance(found.outcome, IsItYou)) or found.journey.challenge_id is None:
        return redirect("/join/next")
    answer = await open_dispute(
        found.journey.challenge_id,
        visit.session,
        found.newcomer.invite.org_id,
        visit.now,
        services=services,
    )
    if isinstance(answer, ProofRefusal):
        return lost(request)
    return redirect("/join/next" if answer is None else "/join/disputed")


@routes.get("/join/disputed")
async def disputed(request: web.Request) -> web.StreamResponse:
    return page(request, "join/disputed.html", days=request.app[SERVICES].config.dispute_days)


@routes.post("/join/choose")
async def choose(request: web.Request) -> web.StreamResponse:
    """Which of several people of the list who have this number."""
    found = await _crossing(request)
    if isinstance(found, web.StreamResponse):
        return found
    outcome, chosen = found.outcome, str(form_of(request).get("person", ""))
    if not isinstance(outcome, Choose):
        return redirect("/join/next")
    person = next((one for one in outcome.people if one.person_id == chosen), None)
    if person is None:
        return redirect("/join/next")
    account = found.newcomer.standing.account_of(person)
    admission = Admit(person=person, account=account, child=outcome.child)
    return await _admit(request, found, admission)


@routes.post("/join/names")
async def names(request: web.Request) -> web.StreamResponse:
    """Names: of a parent whom a child vouches for, who is in at once; of everybody else for an application."""
    visit, services = visit_of(request), request.app[SERVICES]
    found = await _crossing(request)
    if isinstance(found, web.StreamResponse):
        return found
    if not isinstance(found.outcome, AskNames):
        return redirect("/join/next")
    form = _names_form(request, found, posted=True)
    applicant = applicant_of(visit, form, visit.now.date())
    if applicant is None:
        return await _page(request, found, form)
    standing = found.newcomer.standing
    outcome = outcome_with_names(standing, applicant)
    if isinstance(outcome, Admit | NewParent):
        return await _admit(request, found, outcome, applicant.relation)
    if not isinstance(outcome, AskNames):
        return halt_page(request, outcome)
    if standing.role in STAFF and await has_other_phone(found.newcomer, applicant, services):
        return halt_page(request, Why.OTHER_PHONE)
    contact = await contact_shown(visit, found.journey)
    answer = await apply_for(_door(request, found), found.newcomer, AskNames(), applicant)
    return await arrived(request, answer, standing.role, contact)


async def _crossing(request: web.Request) -> Crossing | web.StreamResponse:
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
        return lost(request) if journey.challenge_id is None else redirect("/join/code")
    return Crossing(journey=journey, newcomer=newcomer, outcome=outcome_of(newcomer.standing))


async def _page(
    request: web.Request, found: Crossing, form: NamesForm | None = None
) -> web.StreamResponse:
    visit, outcome, standing = visit_of(request), found.outcome, found.newcomer.standing
    if isinstance(outcome, IsItYou):
        persons = [masked_person(visit, one) for one in outcome.persons]
        has_password = bool(found.journey.password)
        return page(request, "join/you.html", persons=persons, has_password=has_password)
    if isinstance(outcome, Choose):
        return page(request, "join/choose.html", people=outcome.people, role=standing.role.value)
    if isinstance(outcome, AskNames):
        child = outcome.child and masked_person(visit, outcome.child)
        return page(
            request,
            "join/names.html",
            form=form or _names_form(request, found, posted=False),
            role=standing.role.value,
            child=child or "",
        )
    if isinstance(outcome, Stopped):
        exits = [(visit.gettext(EXITS[one.exit][0]), one.open) for one in outcome.stop.exits]
        closed = [visit.gettext(EXITS[one.exit][1]) for one in outcome.stop.exits if not one.open]
        return page(
            request,
            "join/stop.html",
            text=visit.gettext(STOPS[outcome.stop.reason]),
            exits=[text for text, is_open in exits if is_open],
            closed=closed,
            bound=outcome.bound and not found.journey.is_me,
        )
    if isinstance(outcome, Halt):
        return halt_page(request, outcome)
    if isinstance(outcome, SignedIn):
        return redirect("/me" if visit.account is not None else "/status")
    return page(request, "join/go.html", child=_child_name(request, outcome))


def _child_name(request: web.Request, outcome: Admit | NewParent) -> str:
    return "" if outcome.child is None else masked_person(visit_of(request), outcome.child)


def _names_form(request: web.Request, found: Crossing, *, posted: bool) -> NamesForm:
    visit, standing, outcome = visit_of(request), found.newcomer.standing, found.outcome
    own = standing.persons[0] if standing.is_me and standing.persons else None
    known = None
    if own is not None:
        known = Applicant(
            family_name=own.family_name, given_name=own.given_name, middle_name=own.middle_name
        )
    return names_form(
        visit,
        form_of(request) if posted else None,
        role=standing.role,
        asks_child=not (isinstance(outcome, AskNames) and outcome.child is not None),
        known=known,
    )


def _door(request: web.Request, found: Crossing) -> Door:
    visit = visit_of(request)
    return Door(
        session=visit.session,
        journey=found.journey,
        now=visit.now,
        services=request.app[SERVICES],
    )


async def _admit(
    request: web.Request, found: Crossing, outcome: Admit | NewParent, relation: str = ""
) -> web.StreamResponse:
    contact = await contact_shown(visit_of(request), found.journey)
    answer = await admit(_door(request, found), found.newcomer, outcome, relation)
    return await arrived(request, answer, found.newcomer.standing.role, contact)
