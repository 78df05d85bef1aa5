"""`/me/profiles`: one's profiles at other schools, shown together after a code to the other one's contact (ADR 32)."""

from __future__ import annotations

from aiohttp import web
from wtforms.fields import StringField
from wtforms.validators import InputRequired, Length

from bridge.own_profiles import LinkRefusal, link_proved, other_profiles, unlink
from bridge.records import Purpose
from bridge.roles import Account, Role, UserId
from bridge.web.access import only
from bridge.web.again import fresh
from bridge.web.code_step import CodeStep
from bridge.web.forms import PageForm
from bridge.web.i18n import N_
from bridge.web.render import page, redirect
from bridge.web.security import form_of
from bridge.web.signin import send_code
from bridge.web.visit import SERVICES, Visit

routes = web.RouteTableDef()

STEP = CodeStep(purpose=Purpose.LINK, base="/me/profiles")
REFUSALS = {
    LinkRefusal.NOT_PROVED: N_("Код введён слишком давно. Запросите новый."),
    LinkRefusal.NO_OTHER: N_(
        "С этим номером или адресом нет профиля взрослого в другой школе этого сервера. Сначала зарегистрируйтесь там "
        "по ссылке или коду той школы."
    ),
}

#: A child's profile is of one school and has no other.
adult = only(lambda request, account: account.roles != frozenset({Role.STUDENT}))


class ProfileForm(PageForm):
    contact = StringField(validators=[InputRequired(), Length(max=255)])


@routes.get("/me/profiles")
@adult
@fresh
async def profiles(request: web.Request, visit: Visit, account: Account) -> web.StreamResponse:
    return await _page(request, visit, account, _form(visit))


@routes.post("/me/profiles")
@adult
@fresh
async def ask_posted(request: web.Request, visit: Visit, account: Account) -> web.StreamResponse:
    """A code to the other profile's contact; the answer is the same whether anybody has it or not (R7)."""
    form = _form(visit, form_of(request))
    if not form.validate():
        return await _page(request, visit, account, form)
    answer = await send_code(request, str(form.contact.data), STEP)
    if isinstance(answer, str):
        form.fail("contact", answer)
        return await _page(request, visit, account, form)
    return answer


@routes.post("/me/profiles/apart")
@adult
async def apart(request: web.Request, visit: Visit, account: Account) -> web.StreamResponse:
    """No longer shown together, on both pages."""
    other = UserId(str(form_of(request).get("profile", "")))
    gone = await unlink(account, other, services=request.app[SERVICES])
    return redirect("/family" if Role.GUARDIAN in account.roles else "/me", **_said(gone))


@routes.get("/me/profiles/{challenge_id}")
@adult
async def code(request: web.Request, visit: Visit, account: Account) -> web.StreamResponse:
    return await STEP.show(request)


@routes.post("/me/profiles/{challenge_id}/again")
@adult
async def again(request: web.Request, visit: Visit, account: Account) -> web.StreamResponse:
    return await STEP.again(request)


@routes.post("/me/profiles/{challenge_id}")
@adult
async def code_posted(request: web.Request, visit: Visit, account: Account) -> web.StreamResponse:
    """The session that asked for the code is the one that was fresh then: no second question."""
    proved = await STEP.typed(request)
    if isinstance(proved, web.StreamResponse):
        return proved
    linked = await link_proved(
        account, proved, visit.session, visit.now, services=request.app[SERVICES]
    )
    if isinstance(linked, LinkRefusal):
        text = visit.gettext(REFUSALS[linked])
        return page(request, "self/not_changed.html", status=409, text=text)
    return redirect("/me/profiles", said="profile_linked")


def _said(gone: bool) -> dict[str, str]:
    return {"said": "profile_apart"} if gone else {}


def _form(visit: Visit, posted: object | None = None) -> ProfileForm:
    form: ProfileForm = ProfileForm.of(visit, posted)
    form.contact.label.text = visit.gettext("Телефон или почта профиля в другой школе")
    return form


async def _page(
    request: web.Request, visit: Visit, account: Account, form: ProfileForm
) -> web.StreamResponse:
    services = request.app[SERVICES]
    return page(
        request,
        "self/profiles.html",
        form=form,
        profiles=await other_profiles(account, visit.now, services=services),
        schools=await services.directory.district_schools(),
        several=len([one for one in await services.directory.orgs() if one.open]) > 1,
    )
