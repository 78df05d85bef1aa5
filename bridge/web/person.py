"""One person's page: the record, the family, the devices, and why they are in which chat (R34, R51)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from aiohttp import web
from attrs import field, frozen

from bridge.contact import shown
from bridge.devices import devices_of
from bridge.outbox import contact_of
from bridge.people import Family, PersonRecord, Status
from bridge.ports_directory import DirectoryRefused
from bridge.ports_homeserver import Device
from bridge.records import Departure
from bridge.roles import STAFF, Account, PersonId, Role, UserId
from bridge.school_rights import touch_refusal, visible
from bridge.services import Services
from bridge.vault import CannotUnseal
from bridge.web.access import Handler, administration
from bridge.web.head_words import LINKS, ROOM_KINDS, STATUSES, WHY
from bridge.web.people import roles_words
from bridge.web.render import page, problem
from bridge.web.visit import Visit

routes = web.RouteTableDef()

#: Rooms of several schools that are explained without being asked for.
MOST_COMMON = 30

#: A page about one person of the reader's own school.
PersonPage = Callable[[web.Request, Visit, Account, PersonRecord], Awaitable[web.StreamResponse]]


def of_person(inner: PersonPage) -> Handler:
    """For administration; somebody of another school does not exist."""

    @administration
    async def handler(request: web.Request, visit: Visit, account: Account) -> web.StreamResponse:
        person_id = PersonId(request.match_info["person_id"])
        person = await visit.services.directory.person(account.org_id, person_id)
        if person is None:
            return problem(request, 404)
        return await inner(request, visit, account, person)

    return handler


@frozen(kw_only=True)
class Login:
    """What is behind somebody's sign-in, for their own administration."""

    user_id: UserId
    contacts: tuple[str, ...] = field(repr=False)  # masked
    devices: tuple[Device, ...] = field(repr=False)
    account: Account | None
    others: tuple[PersonRecord, ...] = ()  # the same account's other records (R32)


@routes.get("/school/people/{person_id}")
@of_person
async def person(
    request: web.Request, visit: Visit, account: Account, person: PersonRecord
) -> web.StreamResponse:
    """Everything that administration may know and do."""
    directory = visit.services.directory
    family = await directory.family(account.org_id, person.person_id)
    login = await login_of(person, services=visit.services)
    login_account = login.account if login else None
    return page(
        request,
        "head/person.html",
        person=person,
        roles=roles_words(visit, person),
        family=visible(account, family or Family(person=person, guardians=(), children=())),
        login=login,
        may_touch=touch_refusal(account, person, login_account) is None,
        is_pupil=Role.STUDENT in person.roles,
        is_guardian=Role.GUARDIAN in person.roles,
        left=person.status is Status.LEFT,
        departure=await _departure(visit, person),
        active=login_account is not None and person.status is Status.ACTIVE,
        statuses=STATUSES,
        links=LINKS,
        grace_days=visit.services.config.grace_days,
    )


@routes.get("/school/people/{person_id}/rooms")
@of_person
async def rooms(
    request: web.Request, visit: Visit, account: Account, person: PersonRecord
) -> web.StreamResponse:
    """R51: every chat that could be theirs, with the reason for or against; any other on request."""
    directory = visit.services.directory
    all_rooms = [one for one in await directory.rooms(account.org_id) if one.get("state") != "gone"]
    common = await _common(visit, account, person)
    all_rooms += common
    chosen = request.query.get("room", "")
    near = await _near(visit, account, person)
    listed = [one for one in all_rooms if not one.get("ref") or one.get("ref") in near]
    listed += [one for one in common if one["theirs"]][:MOST_COMMON]
    listed += [one for one in all_rooms if one.get("room_id") == chosen and one not in listed]
    user_id = person.user_id
    reasons = (
        []
        if user_id is None
        else [(one, await _why(visit, account, user_id, str(one["room_id"]))) for one in listed]
    )
    return page(
        request,
        "head/person_rooms.html",
        person=person,
        reasons=[(room, why, _words(visit, why)) for room, why in reasons if why],
        rooms=[one for one in all_rooms if one not in listed],
        kinds=ROOM_KINDS,
    )


async def _common(visit: Visit, account: Account, person: PersonRecord) -> list[dict[str, Any]]:
    """Rooms of several schools, for staff; `theirs`: for somebody of these roles, whatever they teach."""
    if not person.roles & STAFF:
        return []
    found = await visit.services.directory.common_rooms(account.org_id)
    return [
        {
            "room_id": one.room_id,
            "kind": "common",
            "ref": "common",
            "name": one.name,
            "theirs": one.is_for(person.roles),
        }
        for one in found.rooms
        if one.room_id
    ]


async def login_of(person: PersonRecord, *, services: Services) -> Login | None:
    """None: has never been in."""
    user_id = person.user_id
    if user_id is None:
        return None
    persons = await services.directory.persons(user_id)
    async with services.store.begin() as work:
        bound = await work.contacts.of_account(user_id)
    masked = []
    for one in bound:
        if one.sealed is None:
            continue
        try:
            plain = services.vault.unseal(one.sealed, f"contact:{user_id}")
        except CannotUnseal:
            continue
        masked.append(shown(contact_of(plain.decode())))
    known = await services.homeserver.account(user_id)
    is_there = known is not None and not known.deactivated
    return Login(
        user_id=user_id,
        contacts=tuple(masked),
        devices=tuple(await devices_of(user_id, homeserver=services.homeserver))
        if is_there
        else (),
        account=await services.directory.account(user_id),
        others=tuple(one for one in persons if one.person_id != person.person_id),
    )


async def _departure(visit: Visit, person: PersonRecord) -> Departure | None:
    """Until when the record waits; None: nobody has pressed a button, such as of who left by a list (R29)."""
    if person.user_id is None or person.status is not Status.LEFT:
        return None
    async with visit.services.store.begin() as work:
        found = await work.departures.of_account(person.user_id)
    return next((one for one in found if one.person_id == person.person_id), None)


async def _near(visit: Visit, account: Account, person: PersonRecord) -> set[str]:
    """Classes of the person and of their children."""
    near = {str(seat.class_id) for seat in person.seats}
    family = await visit.services.directory.family(account.org_id, person.person_id)
    if family is not None:
        near |= {
            str(seat.class_id)
            for child in visible(account, family).children
            for seat in child.person.seats
        }
    return near


async def _why(
    visit: Visit, account: Account, user_id: UserId, room_id: str
) -> Mapping[str, Any] | None:
    try:
        return await visit.services.directory.why(account.org_id, user_id, room_id)
    except DirectoryRefused:
        return None  # the room is gone since the list was read


def _words(visit: Visit, why: Mapping[str, Any] | None) -> str:
    reasons = [] if why is None else why.get("reasons") or []
    words = [str(one.get("reason")) for one in reasons if isinstance(one, dict)]
    return "; ".join(visit.gettext(WHY[word]) if word in WHY else word for word in words)
