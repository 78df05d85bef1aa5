"""A new password, for these pages and for every client (onboarding.md §12, flow F)."""

from __future__ import annotations

from aiohttp import web
from wtforms.fields import BooleanField, PasswordField
from wtforms.validators import InputRequired, Length

from bridge.recovery import change_password
from bridge.roles import Account
from bridge.web.access import member
from bridge.web.again import fresh
from bridge.web.code_step import next_of
from bridge.web.contacts import PATIENCE_S
from bridge.web.forms import LONGEST_PASSWORD, PASSWORD_LENGTH, PageForm
from bridge.web.render import page, redirect
from bridge.web.security import form_of
from bridge.web.visit import SERVICES, Visit
from bridge.writer import Finished

routes = web.RouteTableDef()


class NewPasswordForm(PageForm):
    password = PasswordField(
        validators=[InputRequired(), Length(min=PASSWORD_LENGTH, max=LONGEST_PASSWORD)]
    )
    sign_out = BooleanField()


@routes.get("/me/password")
@member
@fresh
async def password(request: web.Request, visit: Visit, account: Account) -> web.StreamResponse:
    return _page(request, visit, _form(visit))


@routes.post("/me/password")
@member
@fresh
async def password_posted(
    request: web.Request, visit: Visit, account: Account
) -> web.StreamResponse:
    services, form = request.app[SERVICES], _form(visit, form_of(request))
    if not form.validate():
        return _page(request, visit, form)
    sign_out = bool(form.sign_out.data)
    steps_id = await change_password(
        account,
        str(form.password.data),
        visit.now,
        sign_out=sign_out,
        store=services.store,
        vault=services.vault,
        chance=services.chance,
    )
    if sign_out:
        await visit.sign_in(account.user_id)  # this browser stays
    finished = await services.writer.finish(steps_id, PATIENCE_S)
    said = "password_changed" if finished is Finished.DONE else "password_soon"
    return redirect(next_of(request) or "/me", said=said)


def _form(visit: Visit, posted: object | None = None) -> NewPasswordForm:
    form: NewPasswordForm = NewPasswordForm.of(visit, posted)
    form.password.label.text = visit.gettext("Новый пароль")
    form.password.description = visit.gettext(
        "Не короче %(num)d символов. Удобно взять три-четыре слова подряд.", num=PASSWORD_LENGTH
    )
    form.sign_out.label.text = visit.gettext(
        "Выйти на всех других устройствах (если телефон потерян или пароль кто-то узнал)"
    )
    return form


def _page(request: web.Request, visit: Visit, form: NewPasswordForm) -> web.StreamResponse:
    return page(
        request,
        "self/password.html",
        form=form,
        by_code=request.query.get("by") == "code",
        length=PASSWORD_LENGTH,
        back=next_of(request),
    )
