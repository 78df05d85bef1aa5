"""An invite's page: by its link or QR code, or after its code was typed (R10, R11, R13, R20)."""

from __future__ import annotations

from aiohttp import web
from attrs import frozen

from bridge.admission import use_card
from bridge.answers import Asked, EmailRefusal, Requested
from bridge.contact import Medium
from bridge.invite import Invite, InviteKind, InviteRefusal, email_opens
from bridge.inviting import open_invite
from bridge.joining import card_outcome
from bridge.journey import Arrival, Journey, arrival_of, journey_of, keep_arrival, keep_journey
from bridge.newcomer import left_by_themselves
from bridge.onboarding import request_code
from bridge.people import Org, PersonRecord, SchoolClass
from bridge.roles import STAFF, ClassId, Role
from bridge.services import Services
from bridge.standing import Admit, Standing
from bridge.web.join_forms import CardForm, ContactForm, card_form, check_choice, contact_form
from bridge.web.join_pages import halt_page, invite_problem, lost
from bridge.web.join_words import join_words, masked_person
from bridge.web.render import page, problem, redirect
from bridge.web.security import form_of
from bridge.web.visit import LIFETIME, SERVICES, Visit, visit_of

routes = web.RouteTableDef()


@frozen(kw_only=True)
class Shown:
    """What the page says of an invite.

    Attributes:
        action: where its form goes: the link's own address, or `/join/start`.
        named: whom it names, masked.
        by_mail: R8.
        classes: for the newcomer to choose from, of a school's code.
    """

    invite: Invite
    action: str
    org: Org
    class_name: str
    person: PersonRecord | None
    named: str
    by_mail: bool
    classes: tuple[SchoolClass, ...]

    @property
    def chooses(self) -> bool:
        return self.invite.role is None


@routes.get("/i/{token}")
async def link(request: web.Request) -> web.StreamResponse:
    """GET and HEAD change nothing: messengers open links for a preview."""
    return await _get(request, await _by_link(request), request.path)


@routes.post("/i/{token}")
async def link_posted(request: web.Request) -> web.StreamResponse:
    return await _post(request, await _by_link(request), request.path)


@routes.get("/join/start")
async def start(request: web.Request) -> web.StreamResponse:
    """The same page after a code was typed: this browser knows the invite, its address does not say it."""
    return await _get(request, await _by_code(request), "/join/start")


@routes.post("/join/start")
async def start_posted(request: web.Request) -> web.StreamResponse:
    return await _post(request, await _by_code(request), "/join/start")


async def _by_link(request: web.Request) -> Invite | InviteRefusal:
    token = request.match_info["token"][:100]
    return await open_invite(token, visit_of(request).now, store=request.app[SERVICES].store)


async def _by_code(request: web.Request) -> Invite | InviteRefusal | None:
    visit, services = visit_of(request), request.app[SERVICES]
    async with services.store.begin() as work:
        journey = await journey_of(work, visit.session, visit.now, services.vault)
        found = None if journey is None else await work.invites.get(journey.invite_id)
    return None if found is None else found.refusal(visit.now) or found


async def _get(
    request: web.Request, found: Invite | InviteRefusal | None, action: str
) -> web.StreamResponse:
    if not isinstance(found, Invite):
        return await _over(request, found)
    shown = await _shown(request, found, action)
    return problem(request, 410) if shown is None else _page(request, shown)


async def _post(
    request: web.Request, found: Invite | InviteRefusal | None, action: str
) -> web.StreamResponse:
    if not isinstance(found, Invite):
        return await _over(request, found)
    shown = await _shown(request, found, action)
    if shown is None:
        return problem(request, 410)
    visit = visit_of(request)
    if visit.user_id is not None:
        if form_of(request).get("do") != "continue" or not may_continue(visit, shown):
            return _page(request, shown)
        return await _continue(request, shown)
    if found.kind is InviteKind.CARD:
        return await _card(request, shown)
    return await _contact(request, shown)


async def _over(request: web.Request, found: InviteRefusal | None) -> web.StreamResponse:
    """A card that this browser has just used up says how to sign in: the button was pressed twice."""
    visit, services = visit_of(request), request.app[SERVICES]
    if found is None:
        return lost(request)
    if found is InviteRefusal.USED_UP:
        if visit.account is not None:
            return redirect("/me")
        async with services.store.begin() as work:
            arrival = await arrival_of(work, visit.session, visit.now, services.vault)
        if arrival is not None:
            return page(request, "join/card_used.html", arrival=arrival)
    return invite_problem(request, found)


async def _shown(request: web.Request, invite: Invite, action: str) -> Shown | None:
    """None: the school or the person is not there any more."""
    visit, services = visit_of(request), request.app[SERVICES]
    directory = services.directory
    org = await directory.org(invite.org_id)
    if org is None or not org.open:
        return None
    person = None
    if invite.person_id is not None:
        person = await directory.person(invite.org_id, invite.person_id)
        if person is None:
            return None
    classes = tuple(await directory.classes(invite.org_id))
    of_class = next((one for one in classes if one.class_id == invite.class_id), None)
    by_mail = email_opens(
        invite,
        None if of_class is None else of_class.grade,
        visit.now,
        services.config.email_signup_max_grade,
    )
    return Shown(
        invite=invite,
        action=action,
        org=org,
        class_name="" if of_class is None else of_class.name,
        person=person,
        named="" if person is None else masked_person(visit, person),
        by_mail=by_mail,
        classes=classes if invite.role is None else (),
    )


def _page(
    request: web.Request,
    shown: Shown,
    form: ContactForm | CardForm | None = None,
    *,
    status: int = 200,
    wrong: tuple[str, ...] = (),
) -> web.StreamResponse:
    visit = visit_of(request)
    if visit.user_id is not None:
        return _session_page(request, shown, wrong)
    if shown.invite.kind is InviteKind.CARD:
        return page(request, "join/card.html", shown=shown, form=form or card_form(visit))
    return page(
        request,
        "join/link.html",
        status=status,
        shown=shown,
        form=form or _form(visit, shown),
        wrong=wrong,
    )


def _session_page(
    request: web.Request, shown: Shown, wrong: tuple[str, ...] = ()
) -> web.StreamResponse:
    """R11, R13: somebody is signed in here. Who, masked; go on as them, or start anew as somebody else."""
    visit = visit_of(request)
    return page(
        request,
        "join/session.html",
        shown=shown,
        name="" if visit.account is None else short(visit.account.display_name),
        continues=may_continue(visit, shown),
        for_parent=shown.invite.role is Role.GUARDIAN,
        is_pupil=visit.account is not None and Role.STUDENT in visit.account.roles,
        form=_form(visit, shown) if shown.chooses else None,
        wrong=wrong,
    )


def may_continue(visit: Visit, shown: Shown) -> bool:
    """Adults may add a role to the account they have (R32); a pupil has nothing to add, and a card is for one only."""
    if shown.invite.kind is InviteKind.CARD:
        return False
    if visit.account is None:  # an applicant: with a second child, or a better link
        return True
    return shown.invite.role is not Role.STUDENT and Role.STUDENT not in visit.account.roles


def short(display_name: str) -> str:
    """«Иванов Александр» → «Иванов А.»."""
    family, _, given = display_name.partition(" ")
    return f"{family} {given[:1]}." if given else family


def _form(visit: Visit, shown: Shown, posted: object | None = None) -> ContactForm:
    return contact_form(
        visit, posted, chooses=shown.chooses, by_mail=shown.by_mail, classes=shown.classes
    )


def _choice(
    visit: Visit, shown: Shown, form: ContactForm
) -> tuple[Role | None, ClassId | None] | None:
    """Role and class of a school's code; None: not chosen."""
    if not shown.chooses:
        return None, None
    role = check_choice(visit, form)
    if role is None:
        return None
    class_id = str(form.class_id.data or "")
    return role, ClassId(class_id) if class_id and role not in STAFF else None


async def _continue(request: web.Request, shown: Shown) -> web.StreamResponse:
    """«Продолжить как …»: the session stands for the code."""
    visit, services = visit_of(request), request.app[SERVICES]
    choice = _choice(visit, shown, _form(visit, shown, form_of(request)))
    if choice is None:
        text = visit.gettext("Выберите, кто вы в школе, и класс.")
        return _session_page(request, shown, (text,))
    role, class_id = choice
    journey = Journey(
        invite_id=shown.invite.id, role=role, class_id=class_id, is_me=True, by_session=True
    )
    async with services.store.begin() as work:
        await keep_journey(work, visit.session, journey, visit.now, services.vault)
    return redirect("/join/next")


async def _contact(request: web.Request, shown: Shown) -> web.StreamResponse:
    visit, services, posted = visit_of(request), request.app[SERVICES], form_of(request)
    if not shown.by_mail and str(posted.get("email", "")).strip():
        text = join_words(visit, EmailRefusal.NOT_BY_THIS_LINK)
        return _page(request, shown, status=403, wrong=(text,))
    form = _form(visit, shown, posted)
    choice = _choice(visit, shown, form) if form.validate() else None
    if choice is None:
        return _page(request, shown, form)
    phone, email = str(form.phone.data or ""), ""
    if shown.by_mail:
        email = str(form.email.data or "")
    if not phone.strip() and not email.strip():
        form.fail("phone", visit.gettext("Укажите номер."))
        return _page(request, shown, form)
    by_mail = not phone.strip()
    answer = await request_code(
        Asked(
            token="",
            invite_id=shown.invite.id,
            medium=Medium.EMAIL if by_mail else Medium.MSISDN,
            typed=email if by_mail else phone,
            session=visit.session,
            address=visit.address,
            language=visit.language,
        ),
        visit.now,
        store=services.store,
        vault=services.vault,
        directory=services.directory,
        settings=services.settings,
        chance=services.chance,
    )
    if isinstance(answer, InviteRefusal):
        return invite_problem(request, answer)
    if not isinstance(answer, Requested):
        form.fail("email" if by_mail else "phone", join_words(visit, answer))
        return _page(request, shown, form)
    journey = Journey(
        invite_id=shown.invite.id,
        role=choice[0],
        class_id=choice[1],
        challenge_id=answer.challenge_id,
    )
    async with services.store.begin() as work:
        await keep_journey(work, visit.session, journey, visit.now, services.vault)
    return redirect("/join/code")


async def _card(request: web.Request, shown: Shown) -> web.StreamResponse:
    """R20: a password is all that is asked for."""
    visit, services = visit_of(request), request.app[SERVICES]
    form = card_form(visit, form_of(request))
    if not form.validate():
        return _page(request, shown, form)
    outcome = card_outcome(await _card_standing(shown, services))
    if not isinstance(outcome, Admit):
        return halt_page(request, outcome)
    admitted = await use_card(
        shown.invite,
        outcome,
        str(form.password.data),
        visit.session,
        visit.now,
        services=services,
    )
    if isinstance(admitted, InviteRefusal):
        return await _over(request, admitted)
    await visit.sign_in(admitted.user_id, LIFETIME)
    arrival = Arrival(steps_id=admitted.steps_id, login=admitted.user_id, by_card=True)
    async with services.store.begin() as work:
        await keep_arrival(work, visit.session, arrival, visit.now, services.vault)
    return redirect("/welcome")


async def _card_standing(shown: Shown, services: Services) -> Standing:
    people = () if shown.person is None else (shown.person,)
    return Standing(
        kind=InviteKind.CARD,
        role=Role.STUDENT,
        class_id=shown.invite.class_id,
        named=shown.person,
        left=await left_by_themselves(people, services),
    )
