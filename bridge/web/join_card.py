"""A printed card (R20): a password is all that is asked for; a card pressed twice says the login again."""

from __future__ import annotations

from aiohttp import web

from bridge.admission import use_card
from bridge.invite import InviteKind, InviteRefusal
from bridge.joining import card_outcome
from bridge.journey import Arrival, arrival_of, keep_arrival
from bridge.newcomer import left_by_themselves
from bridge.roles import Role
from bridge.services import Services
from bridge.standing import Admit, Standing
from bridge.web.join_forms import CardForm, card_form
from bridge.web.join_pages import halt_page, invite_problem
from bridge.web.join_shown import Shown
from bridge.web.render import page, redirect
from bridge.web.security import form_of
from bridge.web.visit import LIFETIME, SERVICES, visit_of


def card_page(
    request: web.Request, shown: Shown, form: CardForm | None = None
) -> web.StreamResponse:
    return page(request, "join/card.html", shown=shown, form=form or card_form(visit_of(request)))


async def card_posted(request: web.Request, shown: Shown) -> web.StreamResponse:
    """R20: a password is all that is asked for."""
    visit, services = visit_of(request), request.app[SERVICES]
    form = card_form(visit, form_of(request))
    if not form.validate():
        return card_page(request, shown, form)
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
        return await used_up(request, admitted)
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


async def used_up(request: web.Request, refusal: InviteRefusal) -> web.StreamResponse:
    """An invite that is over. A card that this very browser has used says how to sign in."""
    visit, services = visit_of(request), request.app[SERVICES]
    if refusal is InviteRefusal.USED_UP:
        if visit.account is not None:
            return redirect("/me")
        async with services.store.begin() as work:
            arrival = await arrival_of(work, visit.session, visit.now, services.vault)
        if arrival is not None:
            return page(request, "join/card_used.html", arrival=arrival)
    return invite_problem(request, refusal)
