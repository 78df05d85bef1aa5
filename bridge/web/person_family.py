"""The family of one person: links added, confirmed, taken away, closed by a court (R15, R23, R34)."""

from __future__ import annotations

from aiohttp import web

from bridge.people import LinkStatus, PersonRecord, Relative, Status
from bridge.roles import Account, PersonId, Role
from bridge.school_people import link_family
from bridge.school_rights import visible
from bridge.web.head_words import CHANGES, LINKS
from bridge.web.i18n import N_
from bridge.web.people import LONGEST_WORDS
from bridge.web.person import of_person
from bridge.web.render import page, problem, redirect
from bridge.web.security import form_of
from bridge.web.visit import Visit

routes = web.RouteTableDef()

LONGEST_RELATION = 40
MOST_FOUND = 30
#: What a button does → the link's status afterwards; None takes it away.
DEEDS: dict[str, LinkStatus | None] = {
    "confirm": LinkStatus.CONFIRMED,
    "remove": None,
    "restrict": LinkStatus.RESTRICTED,
    "lift": LinkStatus.CONFIRMED,
}
#: For director and deputies only: to others it does not exist (R34).
OF_HEADS = frozenset({"restrict", "lift"})


@routes.get("/school/people/{person_id}/family")
@of_person
async def ask_other(
    request: web.Request, visit: Visit, account: Account, person: PersonRecord
) -> web.StreamResponse:
    """Find the other end: a parent of a pupil, or a child of a parent."""
    return await _ask(request, visit, account, person)


@routes.post("/school/people/{person_id}/family")
@of_person
async def add(
    request: web.Request, visit: Visit, account: Account, person: PersonRecord
) -> web.StreamResponse:
    """A confirmed link: whoever sits in the office has seen the papers."""
    form = form_of(request)
    other = PersonId(str(form.get("other", ""))[:40])
    if not other:
        text = visit.gettext(N_("Выберите человека из найденных."))
        return await _ask(request, visit, account, person, text)
    guardian, student = _ends(person, other)
    refusal = await link_family(
        account,
        guardian,
        student,
        relation=str(form.get("relation", "")).replace("\0", "").strip()[:LONGEST_RELATION],
        status=LinkStatus.CONFIRMED,
        services=visit.services,
    )
    if refusal is not None:
        return await _ask(request, visit, account, person, visit.gettext(CHANGES[refusal]))
    return redirect(f"/school/people/{person.person_id}", said="linked")


@routes.get("/school/people/{person_id}/family/{other_id}")
@of_person
async def ask_deed(
    request: web.Request, visit: Visit, account: Account, person: PersonRecord
) -> web.StreamResponse:
    """What a change of a link means, before it is made."""
    other = await _relative(request, visit, account, person)
    deed = request.query.get("do", "")
    if other is None or not _may(account, deed):
        return problem(request, 404)
    return page(
        request,
        "head/person_link.html",
        person=person,
        other=other,
        deed=deed,
        links=LINKS,
        errors=[],
    )


@routes.post("/school/people/{person_id}/family/{other_id}")
@of_person
async def do_deed(
    request: web.Request, visit: Visit, account: Account, person: PersonRecord
) -> web.StreamResponse:
    other = await _relative(request, visit, account, person)
    deed = str(form_of(request).get("do", ""))
    if other is None or not _may(account, deed):
        return problem(request, 404)
    guardian, student = _ends(person, other.person.person_id)
    refusal = await link_family(
        account,
        guardian,
        student,
        relation=None,
        status=DEEDS[deed],
        services=visit.services,
    )
    if refusal is not None:
        return page(
            request,
            "head/person_link.html",
            status=409,
            person=person,
            other=other,
            deed=deed,
            links=LINKS,
            errors=[visit.gettext(CHANGES[refusal])],
        )
    return redirect(f"/school/people/{person.person_id}", said=f"link_{deed}")


def _may(account: Account, deed: str) -> bool:
    return deed in DEEDS and (account.heads or deed not in OF_HEADS)


def _ends(person: PersonRecord, other: PersonId) -> tuple[PersonId, PersonId]:
    """Guardian and pupil. Somebody who is both is looked at as a pupil only if that is all they are."""
    if Role.GUARDIAN in person.roles:
        return person.person_id, other
    return other, person.person_id


async def _relative(
    request: web.Request, visit: Visit, account: Account, person: PersonRecord
) -> Relative | None:
    family = await visit.services.directory.family(account.org_id, person.person_id)
    if family is None:
        return None
    shown = visible(account, family)
    relatives = shown.children if Role.GUARDIAN in person.roles else shown.guardians
    other_id = request.match_info["other_id"]
    return next((one for one in relatives if one.person.person_id == other_id), None)


async def _ask(
    request: web.Request, visit: Visit, account: Account, person: PersonRecord, error: str = ""
) -> web.StreamResponse:
    if not person.roles & {Role.GUARDIAN, Role.STUDENT} or person.status is Status.LEFT:
        return problem(request, 404)
    wanted = Role.STUDENT if Role.GUARDIAN in person.roles else Role.GUARDIAN
    words = request.query.get("q", "").replace("\0", "").strip()[:LONGEST_WORDS]
    found: list[PersonRecord] = []
    total = 0
    if words:
        answer = await visit.services.directory.search(
            account.org_id, words=words, role=wanted, limit=MOST_FOUND
        )
        found = [one for one in answer.people if one.status is not Status.LEFT]
        total = answer.total
    return page(
        request,
        "head/person_family.html",
        status=422 if error else 200,
        person=person,
        wanted=wanted,
        words=words,
        found=found,
        more=max(0, total - MOST_FOUND),
        errors=[error] if error else [],
    )
