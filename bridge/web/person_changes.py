"""What administration changes of one person: roles, class, devices, contacts, coming to an end (R14, R31, R33, R40)."""

from __future__ import annotations

from aiohttp import web

from bridge.leaving_for import going_of, take_out
from bridge.people import PersonRecord, Status
from bridge.reason import kept_reason
from bridge.roles import ADMINISTRATION, Account, ClassId, Role
from bridge.school_people import change_roles, move_pupil, release_contacts_of, sign_out_devices
from bridge.school_rights import ChangeRefusal, may_grant, touch_refusal
from bridge.web.head_words import CHANGES
from bridge.web.i18n import N_
from bridge.web.person import login_of, of_person
from bridge.web.render import page, problem, redirect
from bridge.web.security import form_of
from bridge.web.visit import Visit

routes = web.RouteTableDef()

#: Seconds that a click waits for Synapse.
WAIT_S = 5.0


@routes.get("/school/people/{person_id}/roles")
@of_person
async def ask_roles(
    request: web.Request, visit: Visit, account: Account, person: PersonRecord
) -> web.StreamResponse:
    """R31: the roles as they are; those that the reader may not change are only named."""
    del visit
    return _roles(request, account, person, person.roles)


@routes.post("/school/people/{person_id}/roles")
@of_person
async def set_roles(
    request: web.Request, visit: Visit, account: Account, person: PersonRecord
) -> web.StreamResponse:
    """In place, with a reason for the log."""
    form = form_of(request)
    known = {role.value: role for role in Role}
    posted = frozenset(known[str(word)] for word in form.getall("role", []) if str(word) in known)
    # What the form could not show stays.
    fixed = (person.roles & ADMINISTRATION) - may_grant(account)
    roles = None if form.get("do") == "listed" else posted | fixed
    reason = kept_reason(str(form.get("reason", "")))
    if not reason:
        text = visit.gettext(N_("Напишите, почему: это останется в журнале."))
        return _roles(request, account, person, roles or person.roles, text)
    refusal = await change_roles(account, person, roles, reason, services=visit.services)
    if refusal is not None:
        text = visit.gettext(CHANGES[refusal])
        return _roles(request, account, person, roles or person.roles, text, reason)
    return redirect(f"/school/people/{person.person_id}", said="roles_changed")


def _roles(
    request: web.Request,
    account: Account,
    person: PersonRecord,
    chosen: frozenset[Role],
    error: str = "",
    reason: str = "",
) -> web.StreamResponse:
    grants = may_grant(account)
    return page(
        request,
        "head/person_roles.html",
        status=422 if error else 200,
        person=person,
        chosen=chosen,
        changeable=[role for role in Role if role not in ADMINISTRATION or role in grants],
        fixed=[role for role in Role if role in (person.roles & ADMINISTRATION) - grants],
        may_go_back=person.roles_by_hand is not None and Role.DIRECTOR in account.roles,
        errors=[error] if error else [],
        reason=reason,
    )


@routes.get("/school/people/{person_id}/class")
@of_person
async def ask_class(
    request: web.Request, visit: Visit, account: Account, person: PersonRecord
) -> web.StreamResponse:
    """R40: out of which class and into which."""
    return await _class(request, visit, account, person)


@routes.post("/school/people/{person_id}/class")
@of_person
async def set_class(
    request: web.Request, visit: Visit, account: Account, person: PersonRecord
) -> web.StreamResponse:
    form = form_of(request)
    old, new = ClassId(str(form.get("old", ""))[:20]), ClassId(str(form.get("new", ""))[:20])
    known = {one.class_id for one in await visit.services.directory.classes(account.org_id)}
    if new not in known or old not in known or old == new:
        text = visit.gettext(N_("Выберите класс, в который ученик переходит."))
        return await _class(request, visit, account, person, text)
    refusal = await move_pupil(account, person, old, new, services=visit.services)
    if refusal is not None:
        return await _class(request, visit, account, person, visit.gettext(CHANGES[refusal]))
    return redirect(f"/school/people/{person.person_id}", said="moved")


async def _class(
    request: web.Request, visit: Visit, account: Account, person: PersonRecord, error: str = ""
) -> web.StreamResponse:
    seats = [one for one in person.seats if one.role == "student"]
    if not seats:
        return problem(request, 404)
    return page(
        request,
        "head/person_class.html",
        status=422 if error else 200,
        person=person,
        seats=seats,
        classes=await visit.services.directory.classes(account.org_id),
        errors=[error] if error else [],
    )


@routes.get("/school/people/{person_id}/signout")
@of_person
async def ask_signout(
    request: web.Request, visit: Visit, account: Account, person: PersonRecord
) -> web.StreamResponse:
    """What happens, before it does."""
    return await _on_account(request, visit, account, person, "signout")


@routes.post("/school/people/{person_id}/signout")
@of_person
async def signout(
    request: web.Request, visit: Visit, account: Account, person: PersonRecord
) -> web.StreamResponse:
    done = await sign_out_devices(account, person, services=visit.services)
    if isinstance(done, ChangeRefusal):
        return await _on_account(request, visit, account, person, "signout", done)
    await visit.services.writer.finish(done, WAIT_S)
    return redirect(f"/school/people/{person.person_id}", said="devices_out")


@routes.get("/school/people/{person_id}/contacts")
@of_person
async def ask_contacts(
    request: web.Request, visit: Visit, account: Account, person: PersonRecord
) -> web.StreamResponse:
    """A lost or wrong number: it is taken off, whoever has it."""
    return await _on_account(request, visit, account, person, "contacts")


@routes.post("/school/people/{person_id}/contacts")
@of_person
async def contacts(
    request: web.Request, visit: Visit, account: Account, person: PersonRecord
) -> web.StreamResponse:
    done = await release_contacts_of(account, person, services=visit.services)
    if isinstance(done, ChangeRefusal):
        return await _on_account(request, visit, account, person, "contacts", done)
    await visit.services.writer.finish(done, WAIT_S)
    return redirect(f"/school/people/{person.person_id}", said="contacts_free")


async def _on_account(
    request: web.Request,
    visit: Visit,
    account: Account,
    person: PersonRecord,
    what: str,
    refusal: ChangeRefusal | None = None,
) -> web.StreamResponse:
    login = await login_of(person, services=visit.services)
    if login is None:
        return problem(request, 404)
    refusal = refusal or touch_refusal(account, person, login.account)
    return page(
        request,
        f"head/person_{what}.html",
        status=403 if refusal else 200,
        person=person,
        login=login,
        errors=[visit.gettext(CHANGES[refusal])] if refusal else [],
    )


@routes.get("/school/people/{person_id}/leave")
@of_person
async def ask_leave(
    request: web.Request, visit: Visit, account: Account, person: PersonRecord
) -> web.StreamResponse:
    """What ends and what stays, before it does."""
    return await _leave(request, visit, account, person)


@routes.post("/school/people/{person_id}/leave")
@of_person
async def leave(
    request: web.Request, visit: Visit, account: Account, person: PersonRecord
) -> web.StreamResponse:
    form = form_of(request)
    erase = form.get("erase") == "yes"
    reason = kept_reason(str(form.get("reason", "")))
    if not reason:
        text = visit.gettext(N_("Напишите, почему: это останется в журнале."))
        return await _leave(request, visit, account, person, text)
    going = await going_of(person, services=visit.services)
    done = await take_out(account, going, reason, visit.now, erase=erase, services=visit.services)
    if isinstance(done, ChangeRefusal):
        text = visit.gettext(CHANGES[done])
        return await _leave(request, visit, account, person, text, reason)
    if done is not None:
        await visit.services.writer.finish(done, WAIT_S)
    return redirect(f"/school/people/{person.person_id}", said="erased" if erase else "taken_out")


async def _leave(
    request: web.Request,
    visit: Visit,
    account: Account,
    person: PersonRecord,
    error: str = "",
    reason: str = "",
) -> web.StreamResponse:
    going = await going_of(person, services=visit.services)
    refusal = touch_refusal(account, person, going.account)
    errors = [visit.gettext(CHANGES[refusal])] if refusal else []
    if error and error not in errors:
        errors.append(error)
    return page(
        request,
        "head/person_leave.html",
        status=403 if refusal else 422 if error else 200,
        person=person,
        going=going,
        left=person.status is Status.LEFT,
        may=refusal is None,
        grace_days=visit.services.config.grace_days,
        errors=errors,
        reason=reason,
    )
