"""A substitute for a class teacher until a day: asked, shown, appointed, ended (R22)."""

from __future__ import annotations

from datetime import date
from zoneinfo import ZoneInfo

from aiohttp import web

from bridge.changing_classes import set_substitute
from bridge.class_change import ClassRefusal, parents_of, read_until, substitute_refusal
from bridge.people import PersonRecord, Roll, SchoolClass
from bridge.roles import Account, ClassId, PersonId
from bridge.web.access import administration
from bridge.web.class_words import errors_of
from bridge.web.people import LONGEST_WORDS
from bridge.web.render import page, problem, redirect
from bridge.web.school_classes import class_of, staff_found, substitutes_of
from bridge.web.security import form_of
from bridge.web.visit import Visit

routes = web.RouteTableDef()

#: Longest text of a field that is looked at.
LONGEST = 40


@routes.get("/school/classes/{class_id}/substitute")
@administration
async def ask_substitute(
    request: web.Request, visit: Visit, account: Account
) -> web.StreamResponse:
    """Who stands in today, and who could."""
    found = await _class(request, visit, account)
    return problem(request, 404) if found is None else await _form(request, visit, account, *found)


@routes.post("/school/classes/{class_id}/substitute")
@administration
async def substitute(request: web.Request, visit: Visit, account: Account) -> web.StreamResponse:
    """First what would happen; done when it comes back with `do=apply`. `do=end` ends one at once."""
    found = await _class(request, visit, account)
    if found is None:
        return problem(request, 404)
    class_, roll = found
    form = form_of(request)
    posted, do = str(form.get("person", ""))[:20], form.get("do")
    person_id = PersonId(posted if posted.isascii() and posted.isalnum() else "")
    typed = str(form.get("until", ""))[:LONGEST]
    if do == "end":
        return await _end(request, visit, account, class_, roll, person_id)
    person = await visit.services.directory.person(account.org_id, person_id) if person_id else None
    today = visit.now.astimezone(ZoneInfo(account.timezone)).date()
    refused = substitute_refusal(class_, person)
    until = read_until(typed, today)
    if refused is None and isinstance(until, ClassRefusal):
        refused = until
    if refused is not None or do == "edit":
        return await _form(request, visit, account, class_, roll, person, typed, refused)
    assert person is not None
    assert isinstance(until, date)
    if do == "apply":
        refused = await set_substitute(
            account, class_.class_id, person_id, until, services=visit.services
        )
        if refused is None:
            return redirect(f"/school/classes/{class_.class_id}/substitute", said="substitute_set")
        return await _form(request, visit, account, class_, roll, person, typed, refused)
    return page(
        request,
        "head/class_substitute_check.html",
        roll=roll,
        person=person,
        until=until,
        teachers=_teachers(class_, roll),
        parents=parents_of(roll),
        active=person.active,
        already=next((o.until for o in class_.substitutes if o.person_id == person_id), None),
    )


async def _end(
    request: web.Request,
    visit: Visit,
    account: Account,
    class_: SchoolClass,
    roll: Roll,
    person_id: PersonId,
) -> web.StreamResponse:
    """Whoever is no substitute any more has ended already: a form that comes twice."""
    if any(one.person_id == person_id for one in class_.substitutes):
        refused = await set_substitute(
            account, class_.class_id, person_id, None, services=visit.services
        )
        if refused is not None:
            return await _form(request, visit, account, class_, roll, refused=refused)
    return redirect(f"/school/classes/{class_.class_id}/substitute", said="substitute_ended")


async def _form(
    request: web.Request,
    visit: Visit,
    account: Account,
    class_: SchoolClass,
    roll: Roll,
    chosen: PersonRecord | None = None,
    typed: str = "",
    refused: ClassRefusal | None = None,
) -> web.StreamResponse:
    words = request.query.get("q", "").replace("\0", "").strip()[:LONGEST_WORDS]
    people = await staff_found(visit, account, words, besides=set(class_.homeroom_teachers))
    if chosen is not None and chosen.person_id not in {one.person_id for one in people}:
        people = [chosen, *people]
    return page(
        request,
        "head/class_substitute.html",
        status=422 if refused else 200,
        roll=roll,
        teachers=_teachers(class_, roll),
        substitutes=substitutes_of(class_, roll),
        words=words,
        found=people,
        chosen=chosen.person_id if chosen else "",
        until=typed,
        **errors_of(visit, refused),
    )


async def _class(
    request: web.Request, visit: Visit, account: Account
) -> tuple[SchoolClass, Roll] | None:
    class_id = ClassId(request.match_info["class_id"])
    class_ = await class_of(visit, account, class_id)
    roll = await visit.services.directory.roll(account.org_id, class_id)
    return None if class_ is None or roll is None else (class_, roll)


def _teachers(class_: SchoolClass, roll: Roll) -> list[PersonRecord]:
    """Without the substitutes."""
    return [one for one in roll.homeroom_teachers if one.person_id in class_.homeroom_teachers]
