"""From a school's files to its rooms: upload, problems, columns, difference, yes, progress (R21, R33)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Mapping
from datetime import timedelta
from typing import Any

from aiohttp import web

from bridge.people import Org
from bridge.records import UploadId
from bridge.roles import Account
from bridge.roster_files import MOST_BYTES
from bridge.roster_import import (
    ImportRefusal,
    Plan,
    apply_import,
    note_failure,
    plan_import,
)
from bridge.roster_upload import (
    LIFETIME,
    Opened,
    UploadRefusal,
    discard,
    keep_upload,
    open_upload,
)
from bridge.web.access import Handler, administration
from bridge.web.csv_file import csv_file
from bridge.web.head_words import IMPORTS, UPLOADS
from bridge.web.i18n import N_
from bridge.web.problem_words import fix_of
from bridge.web.render import page, problem, redirect
from bridge.web.security import form_of
from bridge.web.visit import Visit
from bridge.web.year_words import NOT_PROMOTED
from provisioning.problem import Problem, Severity
from provisioning.problem_texts import Language
from provisioning.report import kind_words
from provisioning.roster import Role, Roster

routes = web.RouteTableDef()

#: Bytes of the form around the files.
UPLOAD_BYTES = MOST_BYTES + 64 * 1024
#: Rows shown on a page; the file has all of them.
MOST_SHOWN = 200
#: Problems of an archive that holds more schools than one.
OF_SEVERAL = frozenset({"oneroster_several_schools", "oneroster_school_unknown"})
#: Word of the log for files that could not be read (`head_words.FAILED_IMPORTS`).
PROBLEMS = "problems"
TICK = timedelta(microseconds=1)
#: Seconds between two looks at the rooms.
REFRESH_S = 2

UploadPage = Callable[[web.Request, Visit, Account, Org, Opened], Awaitable[web.StreamResponse]]


def of_upload(inner: UploadPage) -> Handler:
    """A page about an upload of this school; when its hour is over, the first page says so."""

    @administration
    async def handler(request: web.Request, visit: Visit, account: Account) -> web.StreamResponse:
        org = await visit.services.directory.org(account.org_id)
        upload_id = UploadId(request.match_info["upload_id"])
        opened = (
            None
            if org is None
            else await open_upload(account, org, upload_id, visit.now, services=visit.services)
        )
        if org is None or opened is None:
            return redirect("/school/roster", said="upload_gone")
        return await inner(request, visit, account, org, opened)

    return handler


@routes.get("/school/roster")
@administration
async def roster(request: web.Request, visit: Visit, account: Account) -> web.StreamResponse:
    """What to bring, and the form."""
    return await _start(request, visit, account)


@routes.post("/school/roster")
@administration
async def upload(request: web.Request, visit: Visit, account: Account) -> web.StreamResponse:
    """Keep the files; reading them is the next page's."""
    form = form_of(request)
    files = [
        (one.filename, one.file.read())
        for one in form.getall("files", [])
        if isinstance(one, web.FileField)
    ]
    kept = await keep_upload(
        account,
        files,
        visit.now,
        school_year=str(form.get("school_year", ""))[:9],
        services=visit.services,
    )
    if isinstance(kept, UploadRefusal):
        return await _start(request, visit, account, visit.gettext(UPLOADS[kept]))
    return redirect(f"/school/roster/upload/{kept}")


async def _start(
    request: web.Request, visit: Visit, account: Account, error: str = ""
) -> web.StreamResponse:
    org = await visit.services.directory.org(account.org_id)
    if org is None:
        return problem(request, 404)
    return page(
        request,
        "head/roster.html",
        status=422 if error else 200,
        org=org,
        years=_years(org.school_year),
        errors=[error] if error else [],
    )


def _years(current: str) -> list[str]:
    """This school year and the next. Pure."""
    if not current[:4].isdigit():
        return []
    first = int(current[:4])
    return [f"{first}/{first + 1}", f"{first + 1}/{first + 2}"]


@routes.get("/school/roster/upload/{upload_id}")
@of_upload
async def look(
    request: web.Request, visit: Visit, account: Account, org: Org, opened: Opened
) -> web.StreamResponse:
    """Problems to mend, or the difference to agree to."""
    if opened.reading.roster is None:
        sent_at = opened.upload.expires_at - LIFETIME
        await note_failure(
            account, PROBLEMS, visit.now, since=sent_at - TICK, services=visit.services
        )
        return _problems(request, visit, opened)
    return await _difference(request, visit, account, org, opened, opened.reading.roster)


@routes.get("/school/roster/upload/{upload_id}/problems.csv")
@of_upload
async def problems_csv(
    request: web.Request, visit: Visit, account: Account, org: Org, opened: Opened
) -> web.StreamResponse:
    """All problems, for whoever mends the file."""
    del request, account, org
    return csv_file(
        visit.gettext("Ошибки в списках"), _table(visit, opened.reading.problems), "problems"
    )


@routes.post("/school/roster/upload/{upload_id}/discard")
@of_upload
async def throw_away(
    request: web.Request, visit: Visit, account: Account, org: Org, opened: Opened
) -> web.StreamResponse:
    """The files are gone; nothing has changed."""
    del request, account, org
    await discard(opened.upload.id, services=visit.services)
    return redirect("/school/roster", said="upload_discarded")


@routes.post("/school/roster/upload/{upload_id}/apply")
@of_upload
async def apply(
    request: web.Request, visit: Visit, account: Account, org: Org, opened: Opened
) -> web.StreamResponse:
    """Write what was shown; anything else is shown again."""
    read = opened.reading.roster
    if read is None:
        return _problems(request, visit, opened)
    form = form_of(request)
    done = await apply_import(
        account,
        read,
        str(form.get("plan", ""))[:64],
        visit.now,
        force=form.get("force") == "yes",
        services=visit.services,
    )
    if isinstance(done, ImportRefusal):
        return await _difference(request, visit, account, org, opened, read, done)
    await discard(opened.upload.id, services=visit.services)
    return redirect("/school/roster/progress")


@routes.get("/school/roster/progress")
@administration
async def progress(request: web.Request, visit: Visit, account: Account) -> web.StreamResponse:
    """How far the rooms have followed; looks again by itself until they have."""
    return await progress_page(request, visit, account, "head/roster_progress.html")


async def progress_page(
    request: web.Request, visit: Visit, account: Account, template: str, **more: Any
) -> web.StreamResponse:
    """The figures of the rooms' way, for whatever has set them on it; `more` is what the template needs besides."""
    found = await visit.services.directory.progress(account.org_id)
    memberships, jobs = _part(found, "memberships"), _part(found, "jobs")
    settled, held = bool(found.get("settled")), bool(found.get("held"))
    shown = page(
        request,
        template,
        wanted=memberships.get("wanted") or 0,
        done=min(memberships.get("done") or 0, memberships.get("wanted") or 0),
        waiting=(jobs.get("queued") or 0) + (jobs.get("running") or 0),
        dead=jobs.get("dead") or 0,
        settled=settled,
        held=held,
        **more,
    )
    if not settled and not held:
        shown.headers["Refresh"] = str(REFRESH_S)
    return shown


def _part(found: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    part = found.get(name)
    return part if isinstance(part, dict) else {}


def _problems(request: web.Request, visit: Visit, opened: Opened) -> web.StreamResponse:
    of_kind = {one: opened.reading.of(one) for one in Severity}
    return page(
        request,
        "head/roster_problems.html",
        upload=opened.upload,
        of_kind={one: found[:MOST_SHOWN] for one, found in of_kind.items() if found},
        counts={one: len(found) for one, found in of_kind.items()},
        words=_words(visit),
        outlines=list(enumerate(opened.outlines)),
        positions=sum(len(one.positions) for one in opened.outlines),
        several_schools=any(one.code in OF_SEVERAL for one in opened.reading.problems),
    )


async def _difference(
    request: web.Request,
    visit: Visit,
    account: Account,
    org: Org,
    opened: Opened,
    read: Roster,
    refused: ImportRefusal | None = None,
) -> web.StreamResponse:
    plan = await plan_import(account, read, services=visit.services)
    if isinstance(plan, ImportRefusal):
        return await _start(request, visit, account, visit.gettext(IMPORTS[plan]))
    refusals = list(dict.fromkeys(one for one in (refused, plan.refusal) if one is not None))
    by_class = plan.answer.get("by_class") or {}
    return page(
        request,
        "head/roster_plan.html",
        status=409 if refused else 200,
        upload=opened.upload,
        org=org,
        plan=plan,
        read=read,
        figures=_figures(read),
        counts=[
            (kind_words(str(kind), language_of(visit)), number)
            for kind, number in (plan.answer.get("counts") or {}).items()
            if number
        ],
        classes=[(name, row) for name, row in by_class.items() if row["joins"] or row["leaves"]],
        same=sum(not row["joins"] and not row["leaves"] for row in by_class.values()),
        notes=_notes(visit, plan),
        leaving=[
            one
            for one in plan.answer.get("changes") or []
            if one.get("kind") in {"person_left", "class_closed"}
        ][:MOST_SHOWN],
        warnings=opened.reading.problems[:MOST_SHOWN],
        words=_words(visit),
        errors=[visit.gettext(IMPORTS[one]) for one in refusals],
        unsafe=plan.refusal is ImportRefusal.UNSAFE,
        blocked=plan.refusal in {ImportRefusal.LAST_ADMINISTRATOR, ImportRefusal.RIGHTS},
        removals=plan.answer.get("removals") or {},
    )


def _figures(read: Roster) -> Mapping[str, int]:
    return {
        "students": read.count(Role.STUDENT),
        "classes": len(read.classes),
        "staff": sum(bool(p.roles - {Role.STUDENT, Role.GUARDIAN}) for p in read.people),
        "guardians": read.count(Role.GUARDIAN),
    }


def _notes(visit: Visit, plan: Plan) -> list[tuple[str, list[tuple[str, str, str]]]]:
    """Exceptions by kind: (words, [(name, detail, path)])."""
    found: dict[str, list[tuple[str, str, str]]] = {}
    for note in plan.answer.get("exceptions") or []:
        person_id, class_id = note.get("person_id"), note.get("class_id")
        path = f"/school/people/{person_id}" if person_id else f"/school/classes/{class_id}"
        one = (str(note.get("person") or ""), str(note.get("detail") or ""), path)
        found.setdefault(str(note.get("kind")), []).append(one)
    return [
        (
            visit.gettext(NOT_PROMOTED)
            if kind == "year_not_promoted"
            else kind_words(kind, language_of(visit)),
            rows,
        )
        for kind, rows in found.items()
    ]


def _words(visit: Visit) -> Callable[[Problem], tuple[str, str]]:
    """What is wrong and what to do, in the visitor's language."""
    language = language_of(visit)
    return lambda one: (one.message(language), fix_of(visit, one, language))


def language_of(visit: Visit) -> Language:
    """Of the texts that the command line has too."""
    return "en" if visit.language == "en" else "ru"


SEVERITIES = {
    Severity.ERROR: N_("ошибка"),
    Severity.WARNING: N_("предупреждение"),
    Severity.SUGGESTION: N_("предложение"),
}


def _table(visit: Visit, problems: tuple[Problem, ...]) -> Iterator[tuple[str, ...]]:
    yield tuple(
        visit.gettext(one)
        for one in (
            N_("Вид"), N_("Файл"), N_("Строка"), N_("Столбец"), N_("Что не так"), N_("Что сделать"),
        )
    )  # fmt: skip
    words = _words(visit)
    for one in problems:
        kind = visit.gettext(SEVERITIES[one.severity])
        yield (kind, one.file, str(one.row or ""), one.column, *words(one))
