"""In and out: login and password, or a code to a proved contact; «Это не я» (R11, R18)."""

from __future__ import annotations

from aiohttp import web
from wtforms.fields import PasswordField, StringField
from wtforms.validators import InputRequired, Length

from bridge.answers import Asked, Requested
from bridge.binding import ProofRefusal
from bridge.contact import Medium
from bridge.onboarding import request_recovery
from bridge.own_profiles import Behind, behind
from bridge.people import PersonRecord
from bridge.ports_homeserver import SignIn
from bridge.records import Purpose
from bridge.recovery import recovered
from bridge.roles import UserId
from bridge.verification import ChallengeId
from bridge.web.code_step import CodeStep, carried, next_of
from bridge.web.code_words import code_words
from bridge.web.forms import LONGEST_PASSWORD, PageForm
from bridge.web.i18n import N_
from bridge.web.render import page, redirect
from bridge.web.security import form_of
from bridge.web.visit import SERVICES, Visit, visit_of

routes = web.RouteTableDef()

#: One text for a wrong password, no such account, one that waits, one out of tries (docs/flows/login.md).
WRONG = N_("Не получилось войти: проверьте логин и пароль. Если забыли пароль, войдите по коду.")
TOO_MANY = N_("Слишком много попыток. Подождите несколько минут или войдите по коду.")

STEP = CodeStep(purpose=Purpose.RECOVER, base="/signin/code")


class PasswordForm(PageForm):
    login = StringField(validators=[InputRequired(), Length(max=255)])
    password = PasswordField(validators=[InputRequired(), Length(max=LONGEST_PASSWORD)])


class ContactForm(PageForm):
    contact = StringField(validators=[InputRequired(), Length(max=255)])


@routes.get("/signin")
async def signin(request: web.Request) -> web.StreamResponse:
    """Whoever is signed in already is named, masked, and may say that it is somebody else (R11)."""
    visit = visit_of(request)
    if visit.user_id is not None:
        back = next_of(request) or _home(visit)
        return page(request, "self/known.html", name=await _masked(visit), back=back)
    return _signin(request, _password_form(visit))


@routes.post("/signin")
async def signin_posted(request: web.Request) -> web.StreamResponse:
    visit = visit_of(request)
    form = _password_form(visit, form_of(request))
    if not form.validate():
        return _signin(request, form)
    login = "".join(str(form.login.data).split())
    found = await request.app[SERVICES].homeserver.sign_in(
        login, str(form.password.data), visit.address
    )
    if isinstance(found, SignIn):
        text = TOO_MANY if found is SignIn.TOO_MANY else WRONG
        return _signin(request, form, [visit.gettext(text)])
    await visit.sign_in(found)
    return redirect(next_of(request) or _home(visit))


@routes.post("/signout")
async def signout(request: web.Request) -> web.StreamResponse:
    await visit_of(request).sign_out()
    return redirect("/", said="signed_out")


@routes.post("/notme")
async def not_me(request: web.Request) -> web.StreamResponse:
    """«Это не я»: an empty form in a new session; the other one stays signed in wherever else it is (R11)."""
    visit_of(request).start_anew()
    return redirect("/signin", **carried(request))


@routes.get("/signin/code")
async def ask(request: web.Request) -> web.StreamResponse:
    """Forgotten password: a code to the phone or e-mail of the profile."""
    return _ask(request, _contact_form(visit_of(request)))


@routes.post("/signin/code")
async def ask_posted(request: web.Request) -> web.StreamResponse:
    """The answer is the same whether anybody has this contact or not (R7)."""
    form = _contact_form(visit_of(request), form_of(request))
    if not form.validate():
        return _ask(request, form)
    answer = await send_code(request, str(form.contact.data))
    if isinstance(answer, str):
        form.fail("contact", answer)
        return _ask(request, form)
    return answer


@routes.get("/signin/code/{challenge_id}")
async def code(request: web.Request) -> web.StreamResponse:
    return await STEP.show(request)


@routes.post("/signin/code/{challenge_id}/again")
async def again(request: web.Request) -> web.StreamResponse:
    return await STEP.again(request)


@routes.post("/signin/code/{challenge_id}")
async def code_posted(request: web.Request) -> web.StreamResponse:
    """The right code signs in; of profiles at several schools one is chosen first."""
    answer = await STEP.typed(request)
    if isinstance(answer, web.StreamResponse):
        return answer
    found = await _behind(request, answer)
    mine = next((one for one in found if one.user_id == visit_of(request).user_id), None)
    if mine is None and len(found) > 1:
        return redirect(f"{STEP.base}/{answer}/profile", **carried(request))
    return STEP.begin(request) if not found else await _enter(request, (mine or found[0]).user_id)


@routes.get("/signin/code/{challenge_id}/profile")
async def profile(request: web.Request) -> web.StreamResponse:
    """Which of the profiles that have this contact (ADR 32)."""
    challenge_id = ChallengeId(request.match_info["challenge_id"])
    found = await _behind(request, challenge_id)
    if not found:
        return STEP.begin(request)
    return page(
        request,
        "self/which.html",
        profiles=found,
        action=f"{STEP.base}/{challenge_id}/profile",
        back=next_of(request),
    )


@routes.post("/signin/code/{challenge_id}/profile")
async def profile_chosen(request: web.Request) -> web.StreamResponse:
    found = await _behind(request, ChallengeId(request.match_info["challenge_id"]))
    chosen = str(form_of(request).get("profile", ""))
    one = next((one for one in found if one.user_id == chosen), None)
    return STEP.begin(request) if one is None else await _enter(request, one.user_id)


async def _behind(request: web.Request, challenge_id: ChallengeId) -> tuple[Behind, ...]:
    """The profiles that a code typed in this browser opens; () without one."""
    visit, services = visit_of(request), request.app[SERVICES]
    found = await recovered(challenge_id, visit.session, visit.now, store=services.store)
    return () if isinstance(found, ProofRefusal) else await behind(found, services=services)


async def _enter(request: web.Request, owner: UserId) -> web.StreamResponse:
    """A new password is offered; whoever only had to prove themselves goes on."""
    visit = visit_of(request)
    was_in = visit.user_id == owner
    await visit.sign_in(owner)
    if visit.account is None:
        return redirect("/status")  # waits for a yes: there is no password to change yet
    if was_in:
        return redirect(next_of(request) or "/me")
    return redirect("/me/password", by="code", **carried(request))


async def send_code(
    request: web.Request, typed: str, step: CodeStep = STEP
) -> web.StreamResponse | str:
    """Ask for a code to `typed` and go to its page; a sentence if none is sent.

    Args:
        step: of a code to a contact that somebody has proved already: `RECOVER` or `LINK`.
    """
    visit, services = visit_of(request), request.app[SERVICES]
    answer = await request_recovery(
        Asked(
            token="",
            medium=Medium.EMAIL if "@" in typed else Medium.MSISDN,
            typed=typed,
            session=visit.session,
            address=visit.address,
            language=visit.language,
        ),
        visit.now,
        store=services.store,
        vault=services.vault,
        settings=services.settings,
        chance=services.chance,
        purpose=step.purpose,
    )
    if not isinstance(answer, Requested):
        return code_words(visit, answer)
    return redirect(f"{step.base}/{answer.challenge_id}", **carried(request))


def short_name(person: PersonRecord) -> str:
    """«Иванов А., 5А»: enough to say "not me"."""
    seat = next((one.name for one in person.seats if one.role == "student"), "")
    return f"{person.short_name}, {seat}" if seat else person.short_name


def _password_form(visit: Visit, posted: object | None = None) -> PasswordForm:
    form: PasswordForm = PasswordForm.of(visit, posted)
    form.login.label.text = visit.gettext("Телефон, почта или логин")
    form.password.label.text = visit.gettext("Пароль")
    return form


def _contact_form(visit: Visit, posted: object | None = None) -> ContactForm:
    form: ContactForm = ContactForm.of(visit, posted)
    form.contact.label.text = visit.gettext("Телефон или почта вашего профиля")
    return form


def _signin(
    request: web.Request, form: PasswordForm, wrong: list[str] | None = None
) -> web.StreamResponse:
    return page(request, "self/signin.html", form=form, wrong=wrong or [], back=next_of(request))


def _ask(request: web.Request, form: ContactForm) -> web.StreamResponse:
    return page(request, "self/ask_code.html", form=form, back=next_of(request))


async def _masked(visit: Visit) -> str:
    """ "" for somebody who waits for a yes."""
    if visit.account is None:
        return ""
    persons = await visit.services.directory.persons(visit.account.user_id)
    return short_name(persons[0]) if persons else ""


def _home(visit: Visit) -> str:
    return "/me" if visit.account is not None else "/status"
