"""`/me`: who somebody is at the school, and the way to everything that is theirs (R15, R17, R32)."""

from __future__ import annotations

from collections.abc import Sequence

from aiohttp import web
from attrs import frozen

from bridge.dispute import DisputeId
from bridge.disputes import disputes_of, keep_number
from bridge.family import class_of, live_link, parents_of
from bridge.onboarding_rules import CONFIRMATION_AGE
from bridge.own_contacts import own_contacts
from bridge.own_profiles import contact_leads_to
from bridge.people import LinkStatus, PersonRecord
from bridge.roles import Account, Role
from bridge.web.access import member
from bridge.web.call_links import broadcasts_page
from bridge.web.i18n import N_
from bridge.web.render import page, redirect
from bridge.web.security import form_of
from bridge.web.visit import SERVICES, Visit

routes = web.RouteTableDef()

#: What each role gives, in a reader's words.
GIVES = {
    Role.DIRECTOR: N_("Все классы и люди школы, заявки, чаты администрации и учителей."),
    Role.DEPUTY: N_("Все классы и люди школы, заявки, чаты администрации и учителей."),
    Role.ADMINISTRATOR: N_("Все классы и люди школы, заявки, чат администрации."),
    Role.TEACHER: N_("Чат учителей и объявления школы."),
    Role.STUDENT: N_("Чат вашего класса и объявления школы."),
    Role.GUARDIAN: N_("Родительские чаты классов ваших детей и объявления школы."),
}
ORDER = tuple(GIVES)


@frozen(kw_only=True)
class RoleCard:
    """One person of the account, as its page tells it."""

    person: PersonRecord
    roles: tuple[Role, ...]
    leads: tuple[str, ...]  # names of classes
    class_name: str  # of a pupil


def role_cards(persons: Sequence[PersonRecord]) -> tuple[RoleCard, ...]:
    """In the order of the roles. Pure."""
    cards = [
        RoleCard(
            person=one,
            roles=tuple(role for role in ORDER if role in one.roles),
            leads=tuple(seat.name for seat in one.seats if seat.role == "homeroom_teacher"),
            class_name=next((seat.name for seat in one.seats if seat.role == "student"), ""),
        )
        for one in persons
    ]
    return tuple(sorted(cards, key=lambda card: [*map(ORDER.index, card.roles), len(ORDER)]))


@routes.get("/me")
@member
async def me(request: web.Request, visit: Visit, account: Account) -> web.StreamResponse:
    services = request.app[SERVICES]
    cards = role_cards(await services.directory.persons(account.user_id))
    pupil = next((one.person for one in cards if Role.STUDENT in one.roles), None)
    return page(
        request,
        "self/me.html",
        cards=cards,
        gives=GIVES,
        name=cards[0].person.full_name if cards else account.display_name,
        login=login_of(account),
        contacts=await own_contacts(account.user_id, store=services.store, vault=services.vault),
        leads_to=await contact_leads_to(account, services=services),
        several=account.roles != {Role.STUDENT}
        and len([one for one in await services.directory.orgs() if one.open]) > 1,
        disputes=await disputes_of(account.user_id, services=services),
        pupil=pupil,
        has_class=pupil is not None and class_of(pupil) is not None,
        parents=await parents_of(account, services.directory) if pupil else (),
        confirmed=LinkStatus.CONFIRMED,
        link=await live_link(account, pupil.person_id, visit.now, services=services)
        if pupil
        else None,
        is_guardian=Role.GUARDIAN in account.roles,
        broadcasts=broadcasts_page(visit),
        age=CONFIRMATION_AGE,
    )


@routes.post("/me/dispute")
@member
async def dispute(request: web.Request, visit: Visit, account: Account) -> web.StreamResponse:
    """«Номер мой»: somebody else has said that it is theirs now (R11)."""
    await keep_number(
        account.user_id,
        DisputeId(str(form_of(request).get("dispute", ""))),
        visit.now,
        services=request.app[SERVICES],
    )
    return redirect("/me", said="number_kept")


def login_of(account: Account) -> str:
    """The name that any client takes, also of whoever has neither phone nor e-mail."""
    return account.user_id[1:].partition(":")[0]
