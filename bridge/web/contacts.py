"""Another phone or e-mail: a code to the new one, then the old one is free (R7, R12)."""

from __future__ import annotations

from aiohttp import web
from wtforms.fields import EmailField, TelField
from wtforms.validators import InputRequired, Length

from bridge.answers import Asked, Requested
from bridge.contact import Medium
from bridge.freed import free_proved
from bridge.onboarding import request_change
from bridge.own_contacts import ChangeRefusal, change_contact, own_contacts
from bridge.own_profiles import may_share
from bridge.records import Purpose
from bridge.roles import Account
from bridge.web.access import member
from bridge.web.again import fresh
from bridge.web.code_step import CodeStep
from bridge.web.code_words import code_words
from bridge.web.forms import PageForm
from bridge.web.i18n import N_
from bridge.web.render import page, redirect
from bridge.web.security import form_of
from bridge.web.visit import SERVICES, Visit

routes = web.RouteTableDef()

#: Seconds that an answer waits for Synapse; the rest is done without anybody watching.
PATIENCE_S = 8.0
REFUSALS = {
    ChangeRefusal.NOT_PROVED: N_("Код введён слишком давно. Запросите новый."),
    ChangeRefusal.TAKEN: N_(
        "Этот номер или адрес записан в другом профиле школы. Если тот профиль тоже ваш, войдите в него по коду "
        "и нажмите «Покинуть» — номер сразу освободится. Если нет, обратитесь к классному руководителю "
        "или администратору школы."
    ),
    ChangeRefusal.PARENTS_PHONE: N_(
        "В списках школы этот номер записан у родителя. Ученику нужен свой номер; если его нет, "
        "входите по логину и паролю."
    ),
    ChangeRefusal.STAFF_PHONE: N_(
        "В списках школы этот номер записан у сотрудника. Ученику нужен свой номер; если его нет, "
        "входите по логину и паролю."
    ),
}  # fmt: skip
STEPS = {
    Medium.MSISDN: CodeStep(purpose=Purpose.CHANGE, base="/me/phone"),
    Medium.EMAIL: CodeStep(purpose=Purpose.CHANGE, base="/me/email"),
}


class PhoneForm(PageForm):
    contact = TelField(validators=[InputRequired(), Length(max=60)])


class EmailForm(PageForm):
    contact = EmailField(validators=[InputRequired(), Length(max=255)])


@routes.get("/me/{kind:phone|email}")
@member
@fresh
async def ask(request: web.Request, visit: Visit, account: Account) -> web.StreamResponse:
    return await _page(request, visit, account, _form(request, visit))


@routes.post("/me/{kind:phone|email}")
@member
@fresh
async def ask_posted(request: web.Request, visit: Visit, account: Account) -> web.StreamResponse:
    services, form = request.app[SERVICES], _form(request, visit, form_of(request))
    if not form.validate():
        return await _page(request, visit, account, form)
    answer = await request_change(
        Asked(
            token="",
            medium=_medium(request),
            typed=str(form.contact.data),
            session=visit.session,
            address=visit.address,
            language=visit.language,
        ),
        visit.now,
        store=services.store,
        vault=services.vault,
        settings=services.settings,
        chance=services.chance,
    )
    if not isinstance(answer, Requested):
        form.fail("contact", code_words(visit, answer))
        return await _page(request, visit, account, form)
    return redirect(f"{STEPS[_medium(request)].base}/{answer.challenge_id}")


@routes.get("/me/{kind:phone|email}/{challenge_id}")
@member
async def code(request: web.Request, visit: Visit, account: Account) -> web.StreamResponse:
    return await STEPS[_medium(request)].show(request)


@routes.post("/me/{kind:phone|email}/{challenge_id}/again")
@member
async def again(request: web.Request, visit: Visit, account: Account) -> web.StreamResponse:
    return await STEPS[_medium(request)].again(request)


@routes.post("/me/{kind:phone|email}/{challenge_id}")
@member
async def code_posted(request: web.Request, visit: Visit, account: Account) -> web.StreamResponse:
    """The session that asked for the code is the one that was fresh then: no second question."""
    services = request.app[SERVICES]
    proved = await STEPS[_medium(request)].typed(request)
    if isinstance(proved, web.StreamResponse):
        return proved
    await free_proved(
        proved, visit.session, Purpose.CHANGE, account.org_id, visit.now, services=services
    )
    beside = await may_share(proved, visit.session, account, visit.now, services=services)
    changed = await change_contact(
        proved,
        visit.session,
        account,
        visit.now,
        store=services.store,
        vault=services.vault,
        chance=services.chance,
        beside=beside,
    )
    if isinstance(changed, ChangeRefusal):
        text = visit.gettext(REFUSALS[changed])
        return page(request, "self/not_changed.html", status=409, text=text)
    if changed.steps_id is not None:
        await services.writer.finish(changed.steps_id, PATIENCE_S)
    return redirect("/me", said="contact_changed")


def _medium(request: web.Request) -> Medium:
    return Medium.MSISDN if request.match_info["kind"] == "phone" else Medium.EMAIL


def _form(
    request: web.Request, visit: Visit, posted: object | None = None
) -> PhoneForm | EmailForm:
    form: PhoneForm | EmailForm
    if _medium(request) is Medium.MSISDN:
        form = PhoneForm.of(visit, posted)
        form.contact.label.text = visit.gettext("Новый номер телефона")
    else:
        form = EmailForm.of(visit, posted)
        form.contact.label.text = visit.gettext("Новый адрес почты")
    return form


async def _page(
    request: web.Request, visit: Visit, account: Account, form: PhoneForm | EmailForm
) -> web.StreamResponse:
    services, medium = request.app[SERVICES], _medium(request)
    mine = await own_contacts(account.user_id, store=services.store, vault=services.vault)
    return page(
        request,
        "self/contact.html",
        form=form,
        by_phone=medium is Medium.MSISDN,
        now=next((one.shown for one in mine if one.medium is medium), ""),
        only_pupil={role.value for role in account.roles} == {"student"},
        base=STEPS[medium].base,
    )
