"""Before something that cannot be undone: who is it really? A sign-in of the last ten minutes is an answer."""

from __future__ import annotations

import functools
from datetime import timedelta

from aiohttp import web
from wtforms.fields import PasswordField
from wtforms.validators import InputRequired, Length

from bridge.outbox import plain
from bridge.own_contacts import own_contacts
from bridge.ports_homeserver import SignIn
from bridge.roles import Account
from bridge.web.access import Page, member
from bridge.web.code_step import next_of
from bridge.web.forms import LONGEST_PASSWORD, PageForm
from bridge.web.i18n import N_
from bridge.web.render import page, redirect
from bridge.web.security import form_of
from bridge.web.signin import TOO_MANY, send_code
from bridge.web.visit import SERVICES, Visit

routes = web.RouteTableDef()

#: How long a sign-in counts as fresh (chosen by us; GitHub's sudo mode has hours, banks have five minutes).
FRESH = timedelta(minutes=10)
WRONG_PASSWORD = N_("Пароль не подошёл.")


class AgainForm(PageForm):
    password = PasswordField(validators=[InputRequired(), Length(max=LONGEST_PASSWORD)])


def is_fresh(visit: Visit) -> bool:
    """Every sign-in, by password or by code, begins a new session: its age says when they last proved themselves."""
    return visit.signed_in is not None and visit.now < visit.signed_in.created_at + FRESH


def fresh(inner: Page) -> Page:
    """A page for whoever has proved themselves lately; others are asked first and led back."""

    @functools.wraps(inner)
    async def handler(request: web.Request, visit: Visit, account: Account) -> web.StreamResponse:
        if not is_fresh(visit):
            return redirect("/me/again", next=request.path)
        return await inner(request, visit, account)

    return handler


@routes.get("/me/again")
@member
async def again(request: web.Request, visit: Visit, account: Account) -> web.StreamResponse:
    """By password, or by a code to one of the profile's contacts."""
    return await _page(request, visit, account, _form(visit))


@routes.post("/me/again")
@member
async def again_posted(request: web.Request, visit: Visit, account: Account) -> web.StreamResponse:
    form = _form(visit, form_of(request))
    if not form.validate():
        return await _page(request, visit, account, form)
    found = await request.app[SERVICES].homeserver.sign_in(
        account.user_id, str(form.password.data), visit.address
    )
    if found != account.user_id:
        text = TOO_MANY if found is SignIn.TOO_MANY else WRONG_PASSWORD
        form.fail("password", visit.gettext(text))
        return await _page(request, visit, account, form)
    await visit.sign_in(account.user_id)
    return redirect(next_of(request) or "/me")


@routes.post("/me/again/code")
@member
async def again_by_code(request: web.Request, visit: Visit, account: Account) -> web.StreamResponse:
    services, chosen = request.app[SERVICES], str(form_of(request).get("contact", ""))
    for one in await own_contacts(account.user_id, store=services.store, vault=services.vault):
        if one.id == chosen:
            answer = await send_code(request, plain(one.contact))
            if isinstance(answer, web.StreamResponse):
                return answer
            return await _page(request, visit, account, _form(visit), [answer])
    return redirect("/me/again", next=next_of(request) or "/me")


async def _page(
    request: web.Request,
    visit: Visit,
    account: Account,
    form: AgainForm,
    wrong: list[str] | None = None,
) -> web.StreamResponse:
    services = request.app[SERVICES]
    return page(
        request,
        "self/again.html",
        form=form,
        wrong=wrong or [],
        contacts=await own_contacts(account.user_id, store=services.store, vault=services.vault),
        back=next_of(request),
    )


def _form(visit: Visit, posted: object | None = None) -> AgainForm:
    form: AgainForm = AgainForm.of(visit, posted)
    form.password.label.text = visit.gettext("Ваш пароль")
    return form
