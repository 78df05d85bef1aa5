"""Classes of the year in one table, and class teachers by hand (R24)."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from datetime import date

from aiohttp import web

from bridge.people import ClassFigures, PersonRecord, Roll, SchoolClass, Status
from bridge.roles import Account, ClassId, PersonId, Role
from bridge.school_people import MOST_HOMEROOM_TEACHERS, set_class_teachers
from bridge.web.access import administration
from bridge.web.csv_file import csv_file
from bridge.web.head_words import CHANGES
from bridge.web.i18n import N_
from bridge.web.people import LONGEST_WORDS
from bridge.web.render import page, problem, redirect
from bridge.web.security import form_of
from bridge.web.visit import Visit

routes = web.RouteTableDef()

MOST_FOUND = 30


@routes.get("/school/classes")
@administration
async def classes(request: web.Request, visit: Visit, account: Account) -> web.StreamResponse:
    """Every class with its teacher and figures."""
    rows = await _rows(visit, account)
    listed = {one.class_id: one for one in await visit.services.directory.classes(account.org_id)}
    lent = {
        row.class_id: max(one.until for one in listed[row.class_id].substitutes)
        for row, _ in rows
        if row.class_id in listed and listed[row.class_id].substitutes
    }
    return page(request, "head/classes.html", rows=rows, lent=lent)


@routes.get("/school/classes.csv")
@administration
async def classes_csv(request: web.Request, visit: Visit, account: Account) -> web.StreamResponse:
    """The same as a file."""
    del request
    return csv_file(visit.gettext("Классы"), _table(visit, await _rows(visit, account)), "classes")


@routes.get("/school/classes/{class_id}")
@administration
async def one_class(request: web.Request, visit: Visit, account: Account) -> web.StreamResponse:
    """Who leads it, and who else could."""
    return await _one(request, visit, account)


@routes.post("/school/classes/{class_id}")
@administration
async def set_teachers(request: web.Request, visit: Visit, account: Account) -> web.StreamResponse:
    """Take one away, or add one; the others stay."""
    class_id = ClassId(request.match_info["class_id"])
    roll = await visit.services.directory.roll(account.org_id, class_id)
    if roll is None:
        return problem(request, 404)
    form = form_of(request)
    class_ = await class_of(visit, account, class_id)
    now = [] if class_ is None else list(class_.homeroom_teachers)
    gone, added = str(form.get("remove", "")), str(form.get("add", ""))
    wanted = [one for one in now if one != gone]
    if added and added not in wanted:
        wanted.append(PersonId(added[:40]))
    if wanted == now:
        text = visit.gettext(N_("Выберите учителя из найденных."))
        return await _one(request, visit, account, text)
    if len(wanted) > MOST_HOMEROOM_TEACHERS:
        text = visit.gettext(N_("Не больше десяти классных руководителей."))
        return await _one(request, visit, account, text)
    refusal = await set_class_teachers(account, class_id, wanted, services=visit.services)
    if refusal is not None:
        return await _one(request, visit, account, visit.gettext(CHANGES[refusal]))
    return redirect(f"/school/classes/{class_id}", said="teachers_set")


async def _one(
    request: web.Request, visit: Visit, account: Account, error: str = ""
) -> web.StreamResponse:
    class_id = ClassId(request.match_info["class_id"])
    roll = await visit.services.directory.roll(account.org_id, class_id)
    class_ = await class_of(visit, account, class_id)
    if roll is None or class_ is None:
        return problem(request, 404)
    words = request.query.get("q", "").replace("\0", "").strip()[:LONGEST_WORDS]
    known = {one.person_id for one in roll.homeroom_teachers}
    return page(
        request,
        "head/class_teachers.html",
        status=422 if error else 200,
        roll=roll,
        teachers=[
            one for one in roll.homeroom_teachers if one.person_id in class_.homeroom_teachers
        ],
        substitutes=substitutes_of(class_, roll),
        words=words,
        found=await staff_found(visit, account, words, besides=known),
        errors=[error] if error else [],
    )


async def class_of(visit: Visit, account: Account, class_id: ClassId) -> SchoolClass | None:
    """A class of the year with its teachers, substitutes apart."""
    classes = await visit.services.directory.classes(account.org_id)
    return next((one for one in classes if one.class_id == class_id), None)


def substitutes_of(class_: SchoolClass, roll: Roll) -> list[tuple[PersonRecord, date]]:
    """Who stands beside the class teacher, and until which day."""
    known = {one.person_id: one for one in roll.homeroom_teachers}
    return [
        (known[one.person_id], one.until) for one in class_.substitutes if one.person_id in known
    ]


async def staff_found(
    visit: Visit, account: Account, words: str, *, besides: Collection[PersonId]
) -> list[PersonRecord]:
    """Members of staff of this name; nobody without words."""
    if not words:
        return []
    found: dict[PersonId, PersonRecord] = {}
    for role in (Role.TEACHER, Role.DEPUTY, Role.DIRECTOR, Role.ADMINISTRATOR):
        answer = await visit.services.directory.search(
            account.org_id, words=words, role=role, limit=MOST_FOUND
        )
        found |= {
            one.person_id: one
            for one in answer.people
            if one.status is not Status.LEFT and one.person_id not in besides
        }
    return list(found.values())[:MOST_FOUND]


async def _rows(
    visit: Visit, account: Account
) -> list[tuple[ClassFigures, tuple[PersonRecord, ...]]]:
    """Figures of each class with the records of its teachers."""
    directory = visit.services.directory
    overview = await directory.overview(account.org_id)
    listed = {one.class_id: one for one in await directory.classes(account.org_id)}
    records: dict[PersonId, PersonRecord] = {}
    for one in listed.values():
        for person_id in one.homeroom_teachers:
            if person_id not in records:
                record = await directory.person(account.org_id, person_id)
                if record is not None:
                    records[person_id] = record
    return [
        (
            row,
            tuple(
                records[person_id]
                for person_id in (
                    listed[row.class_id].homeroom_teachers if row.class_id in listed else ()
                )
                if person_id in records
            ),
        )
        for row in overview.classes
    ]


def _table(
    visit: Visit, rows: list[tuple[ClassFigures, tuple[PersonRecord, ...]]]
) -> Iterator[tuple[str, ...]]:
    yield tuple(
        visit.gettext(one)
        for one in (
            N_("Класс"), N_("Классный руководитель"), N_("Учеников"), N_("Ещё не вошли"),
            N_("Ждут подтверждения"), N_("Родителей"), N_("Родителей вошло"),
        )
    )  # fmt: skip
    for row, teachers in rows:
        yield (
            row.name,
            ", ".join(one.full_name for one in teachers),
            str(row.students),
            str(row.students - row.active_students),
            str(row.unconfirmed),
            str(row.guardians),
            str(row.active_guardians),
        )
