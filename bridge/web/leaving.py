"""«Покинуть школу»: what ends and what stays, then it is done (R14, R33)."""

from __future__ import annotations

from collections.abc import Sequence

from aiohttp import web

from bridge.leaving import Left, is_last_administrator, leave
from bridge.own_contacts import own_contacts
from bridge.roles import Account, PersonId
from bridge.web.access import member
from bridge.web.again import fresh
from bridge.web.contacts import PATIENCE_S
from bridge.web.profile import GIVES, RoleCard, role_cards
from bridge.web.render import page, redirect
from bridge.web.security import form_of
from bridge.web.visit import SERVICES, Visit, visit_of
from bridge.writer import Finished

routes = web.RouteTableDef()


@routes.get("/me/leave")
@member
@fresh
async def ask(request: web.Request, visit: Visit, account: Account) -> web.StreamResponse:
    cards = role_cards(await request.app[SERVICES].directory.persons(account.user_id))
    return await _page(request, account, cards)


@routes.post("/me/leave")
@member
@fresh
async def done(request: web.Request, visit: Visit, account: Account) -> web.StreamResponse:
    """Nobody is asked twice: the page before has said everything."""
    services, form = request.app[SERVICES], form_of(request)
    chosen = frozenset(PersonId(str(one)) for one in form.getall("person", []))
    answer = await leave(
        account, chosen, visit.now, erase=form.get("erase") == "yes", services=services
    )
    if not isinstance(answer, Left):
        cards = role_cards(await services.directory.persons(account.user_id))
        return await _page(request, account, cards, nobody=not chosen)
    finished = await services.writer.finish(answer.steps_id, PATIENCE_S)
    if not answer.whole:
        return redirect("/me", said="role_left")
    visit.start_anew()
    return redirect("/left", **({} if finished is Finished.DONE else {"soon": "yes"}))


@routes.get("/left")
async def left(request: web.Request) -> web.StreamResponse:
    """What to do now: most who come here were in the wrong role (R14)."""
    if visit_of(request).user_id is not None:
        return redirect("/")
    config = request.app[SERVICES].config
    soon = request.query.get("soon") == "yes"
    return page(request, "self/left.html", soon=soon, days=config.grace_days)


async def _page(
    request: web.Request, account: Account, cards: Sequence[RoleCard], *, nobody: bool = False
) -> web.StreamResponse:
    services = request.app[SERVICES]
    stuck = [
        card.person.person_id
        for card in cards
        if await is_last_administrator(account, [card.person], services.directory)
    ]
    return page(
        request,
        "self/leave.html",
        status=422 if nobody else 200,
        cards=cards,
        gives=GIVES,
        stuck=stuck,
        nobody=nobody,
        contacts=await own_contacts(account.user_id, store=services.store, vault=services.vault),
        days=services.config.grace_days,
    )
