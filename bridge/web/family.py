"""A parent's children, a pupil's link for a parent (R13, R15, R17, R34)."""

from __future__ import annotations

import base64
import binascii

from aiohttp import web
from wtforms.fields import BooleanField
from wtforms.validators import InputRequired

from bridge.family import (
    Child,
    ChildState,
    ConfirmRefusal,
    children_of,
    confirm_child,
    live_link,
    parent_link,
)
from bridge.invite import CHILD_LINK_LIFETIME
from bridge.inviting import Issued
from bridge.onboarding_rules import CONFIRMATION_AGE
from bridge.own_profiles import other_profiles
from bridge.printing import qr_image
from bridge.records import Sealed
from bridge.roles import Account, PersonId, Role
from bridge.vault import CannotUnseal
from bridge.web.access import member, only
from bridge.web.forms import PageForm
from bridge.web.i18n import N_
from bridge.web.render import page, problem, redirect
from bridge.web.security import form_of
from bridge.web.visit import SERVICES, Visit

routes = web.RouteTableDef()

guardian = only(lambda request, account: Role.GUARDIAN in account.roles)

REFUSALS = {
    ConfirmRefusal.NOT_YOURS: N_("Этого ребёнка нет среди ваших детей."),
    ConfirmRefusal.NOT_IN: N_("Ребёнок ещё не зарегистрировался. Подтвердить можно будет после этого."),
    ConfirmRefusal.GROWN: N_("Ребёнку уже исполнилось 14 лет: подтверждать ничего не нужно."),
}  # fmt: skip


class ConsentForm(PageForm):
    """Two ticks, not one: what is right, and what is allowed (152-FZ: consent stands apart)."""

    correct = BooleanField(validators=[InputRequired()])
    consent = BooleanField(validators=[InputRequired()])


@routes.get("/family")
@guardian
async def family(request: web.Request, visit: Visit, account: Account) -> web.StreamResponse:
    services = request.app[SERVICES]
    children = await children_of(account, visit.now, services.directory)
    links = {
        one.person.person_id: await live_link(
            account, one.person.person_id, visit.now, services=services
        )
        for one in children
    }
    return page(
        request,
        "self/family.html",
        children=children,
        links=links,
        others=await other_profiles(account, visit.now, services=services),
        schools=await services.directory.district_schools(),
        several=len([one for one in await services.directory.orgs() if one.open]) > 1,
        State=ChildState,
        age=CONFIRMATION_AGE,
        zone=account.timezone,
    )


@routes.get("/family/{person_id}/confirm")
@guardian
async def confirm(request: web.Request, visit: Visit, account: Account) -> web.StreamResponse:
    child = await _child(request, visit, account)
    if child is None:
        return problem(request, 404)
    if child.state is not ChildState.UNCONFIRMED:
        return redirect("/family")
    return page(request, "self/confirm.html", child=child, form=_form(visit))


@routes.post("/family/{person_id}/confirm")
@guardian
async def confirm_posted(
    request: web.Request, visit: Visit, account: Account
) -> web.StreamResponse:
    child = await _child(request, visit, account)
    if child is None:
        return problem(request, 404)
    form = _form(visit, form_of(request))
    if not form.validate():
        return page(request, "self/confirm.html", child=child, form=form)
    return await _decided(request, visit, account, True, "child_confirmed")


@routes.get("/family/{person_id}/withdraw")
@guardian
async def withdraw(request: web.Request, visit: Visit, account: Account) -> web.StreamResponse:
    child = await _child(request, visit, account)
    if child is None:
        return problem(request, 404)
    if child.state is not ChildState.CONFIRMED:
        return redirect("/family")
    return page(request, "self/withdraw.html", child=child)


@routes.post("/family/{person_id}/withdraw")
@guardian
async def withdraw_posted(
    request: web.Request, visit: Visit, account: Account
) -> web.StreamResponse:
    return await _decided(request, visit, account, False, "child_withdrawn")


@routes.post("/link/{person_id}")
@member
async def new_link(request: web.Request, visit: Visit, account: Account) -> web.StreamResponse:
    """A link for a parent; the one given out before is dead. Its address goes sealed: only this browser can show it."""
    services, child = request.app[SERVICES], PersonId(request.match_info["person_id"])
    issued = await parent_link(account, child, visit.now, services=services)
    if not isinstance(issued, Issued):
        return problem(request, 404)
    sealed = services.vault.seal(issued.token.encode(), _purpose(visit, child))
    return redirect(f"/link/{child}", key=base64.urlsafe_b64encode(sealed).decode().rstrip("="))


@routes.get("/link/{person_id}")
@member
async def link(request: web.Request, visit: Visit, account: Account) -> web.StreamResponse:
    services, child = request.app[SERVICES], PersonId(request.match_info["person_id"])
    back = "/me" if child in account.persons else "/family"
    try:
        key = request.query.get("key", "")
        sealed = Sealed(base64.urlsafe_b64decode(key + "=" * (-len(key) % 4)))
        token = services.vault.unseal(sealed, _purpose(visit, child)).decode()
    except (ValueError, binascii.Error, CannotUnseal):
        return redirect(back)
    address = f"{services.config.public_url}/i/{token}"
    return page(
        request,
        "self/link.html",
        address=address,
        qr=qr_image(address),
        days=CHILD_LINK_LIFETIME.days,
        child=child,
        own=child in account.persons,
        back=back,
    )


async def _decided(
    request: web.Request, visit: Visit, account: Account, yes: bool, said: str
) -> web.StreamResponse:
    refusal = await confirm_child(
        account,
        PersonId(request.match_info["person_id"]),
        yes,
        visit.now,
        services=request.app[SERVICES],
    )
    if refusal is ConfirmRefusal.NOT_YOURS:
        return problem(request, 404)
    if refusal is not None:
        text = visit.gettext(REFUSALS[refusal])
        return page(request, "self/not_changed.html", status=409, text=text)
    return redirect("/family", said=said)


async def _child(request: web.Request, visit: Visit, account: Account) -> Child | None:
    """A child of theirs that they may decide about; restricted and undecided links give nothing (R34)."""
    wanted = request.match_info["person_id"]
    for one in await children_of(account, visit.now, request.app[SERVICES].directory):
        if one.person.person_id == wanted and one.state is not ChildState.WAITING:
            return one
    return None


def _form(visit: Visit, posted: object | None = None) -> ConsentForm:
    form: ConsentForm = ConsentForm.of(visit, posted)
    form.correct.label.text = visit.gettext("Это мой ребёнок, и данные верны.")
    form.consent.label.text = visit.gettext(
        "Я родитель или законный представитель и согласен (согласна), чтобы школа обрабатывала имя, дату рождения "
        "и класс ребёнка для школьных чатов. Согласие можно отозвать здесь же."
    )
    return form


def _purpose(visit: Visit, child: PersonId) -> str:
    return f"link:{child}:{visit.session.hex()}"
