"""An invite's page: by its link or QR code, or after its code was typed (R10, R11, R13, R20)."""

from __future__ import annotations

from aiohttp import web

from bridge.answers import Asked, EmailRefusal, Requested
from bridge.contact import Medium
from bridge.invite import Invite, InviteKind, InviteRefusal
from bridge.inviting import open_invite
from bridge.journey import Journey, journey_of, keep_journey
from bridge.newcomer import is_waited_for
from bridge.onboarding import request_code
from bridge.roles import STAFF, ClassId, Role
from bridge.web.join_card import card_page, card_posted, used_up
from bridge.web.join_forms import ContactForm, check_choice, contact_form
from bridge.web.join_pages import invite_problem, lost
from bridge.web.join_shown import Shown, may_continue, short, shown_of
from bridge.web.join_words import join_words
from bridge.web.render import page, problem, redirect
from bridge.web.security import form_of
from bridge.web.visit import SERVICES, Visit, visit_of

routes = web.RouteTableDef()

#: The page of an invite whose code was typed.
START = "/join/start"


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
    return await _get(request, await _by_code(request), START)


@routes.post("/join/start")
async def start_posted(request: web.Request) -> web.StreamResponse:
    return await _post(request, await _by_code(request), START)


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
    await _leave_closed(request, found, action)
    shown = await shown_of(request, found, action)
    return problem(request, 410) if shown is None else _page(request, shown)


async def _post(
    request: web.Request, found: Invite | InviteRefusal | None, action: str
) -> web.StreamResponse:
    if not isinstance(found, Invite):
        return await _over(request, found)
    await _leave_closed(request, found, action)
    shown = await shown_of(request, found, action)
    if shown is None:
        return problem(request, 410)
    visit = visit_of(request)
    if visit.user_id is not None:
        if form_of(request).get("do") != "continue" or not may_continue(visit, shown):
            return _page(request, shown)
        return await _continue(request, shown)
    if found.kind is InviteKind.CARD:
        return await card_posted(request, shown)
    return await _contact(request, shown)


async def _leave_closed(request: web.Request, invite: Invite, action: str) -> None:
    """R16: whoever is still signed in to an account that a no has closed begins as a stranger."""
    visit, services = visit_of(request), request.app[SERVICES]
    if visit.user_id is None or visit.account is not None:
        return
    if await is_waited_for(visit.user_id, services):
        return
    visit.start_anew()
    if action == START:  # the code need not be typed again
        async with services.store.begin() as work:
            journey = Journey(invite_id=invite.id)
            await keep_journey(work, visit.session, journey, visit.now, services.vault)


async def _over(request: web.Request, found: InviteRefusal | None) -> web.StreamResponse:
    return lost(request) if found is None else await used_up(request, found)


def _page(
    request: web.Request,
    shown: Shown,
    form: ContactForm | None = None,
    *,
    status: int = 200,
    wrong: tuple[str, ...] = (),
) -> web.StreamResponse:
    visit = visit_of(request)
    if visit.user_id is not None:
        return _session_page(request, shown, wrong)
    if shown.invite.kind is InviteKind.CARD:
        return card_page(request, shown)
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
        elsewhere=visit.account is not None
        and visit.account.org_id != shown.invite.org_id
        and shown.invite.role is not Role.STUDENT,
        form=_form(visit, shown) if shown.chooses else None,
        wrong=wrong,
    )


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
