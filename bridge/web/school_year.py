"""The school year: where it stands, the plan of the next one, check, apply, progress, undo (R35-R37).

Nothing happens before the last page's button; administrators plan, director and deputies press it.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from aiohttp import web

from bridge.people import PersonRecord, Status
from bridge.roles import Account, PersonId, Role
from bridge.school_year import (
    Drafted,
    YearRefusal,
    apply_draft,
    change_draft,
    discard_draft,
    drafted,
    undo_year,
)
from bridge.web import year_shown as shown
from bridge.web.access import administration
from bridge.web.render import page, redirect
from bridge.web.roster import language_of, progress_page
from bridge.web.security import form_of
from bridge.web.visit import Visit
from bridge.web.year_forms import Typed, read_classes
from bridge.web.year_words import FATES, REFUSALS

routes = web.RouteTableDef()

#: Members of the staff of one role who may be chosen as class teacher.
MOST_STAFF = 200


@routes.get("/school/year")
@administration
async def year(request: web.Request, visit: Visit, account: Account) -> web.StreamResponse:
    """Which year it is, what became of the last promotion, and the way to the next."""
    return await _start(request, visit, account)


async def _start(
    request: web.Request, visit: Visit, account: Account, refused: YearRefusal | None = None
) -> web.StreamResponse:
    state = await visit.services.directory.year(account.org_id)
    return page(
        request,
        "head/year.html",
        status=409 if refused else 200,
        state=state,
        last=state.get("promotion"),
        until=_until(state),
        errors=[visit.gettext(REFUSALS[refused])] if refused else [],
    )


@routes.get("/school/year/plan")
@administration
async def plan(request: web.Request, visit: Visit, account: Account) -> web.StreamResponse:
    """Every class → what becomes of it."""
    found = await drafted(account, services=visit.services)
    if isinstance(found, YearRefusal):
        return await _start(request, visit, account, found)
    return await _plan(request, visit, account, found)


@routes.post("/school/year/plan")
@administration
async def keep_plan(request: web.Request, visit: Visit, account: Account) -> web.StreamResponse:
    """Keep what is right; what is not is shown again with the error beside it."""
    form = form_of(request)
    found = await drafted(account, services=visit.services)
    if isinstance(found, YearRefusal):
        return await _start(request, visit, account, found)
    typed = read_classes(found.plan, form)
    if typed.errors:
        return await _plan(request, visit, account, found, typed)
    refused = await change_draft(
        account, lambda plan: read_classes(plan, form).plan, services=visit.services
    )
    if refused is not None:
        return await _start(request, visit, account, refused)
    if form.get("do") == "check":
        return redirect("/school/year/check")
    return redirect("/school/year/plan", said="year_kept")


async def _plan(
    request: web.Request,
    visit: Visit,
    account: Account,
    found: Drafted,
    typed: Typed | None = None,
) -> web.StreamResponse:
    errors = typed.errors if typed is not None else {}
    return page(
        request,
        "head/year_plan.html",
        status=422 if errors else 200,
        plan=found.plan,
        begun=found.begun,
        rows=shown.class_rows(found.plan, found.answer, typed),
        new=shown.new_rows(found.plan, typed),
        conflicts=shown.conflicts(found.answer, language_of(visit)),
        merged=shown.merged(found.plan, found.answer),
        staff=await staff_of(visit, account),
        values=typed.values if typed is not None else {},
        fates=FATES,
        wrong=errors,
    )


@routes.post("/school/year/discard")
@administration
async def discard(request: web.Request, visit: Visit, account: Account) -> web.StreamResponse:
    """Begin again with the draft; the school is as it was."""
    del request
    await discard_draft(account, services=visit.services)
    return redirect("/school/year/plan", said="year_discarded")


@routes.get("/school/year/check")
@administration
async def check(request: web.Request, visit: Visit, account: Account) -> web.StreamResponse:
    """Everything that would happen, before it does."""
    return await _check(request, visit, account)


async def _check(
    request: web.Request, visit: Visit, account: Account, refused: YearRefusal | None = None
) -> web.StreamResponse:
    found = await drafted(account, services=visit.services)
    if isinstance(found, YearRefusal):
        return await _start(request, visit, account, found)
    language = language_of(visit)
    return page(
        request,
        "head/year_check.html",
        status=409 if refused else 200,
        plan=found.plan,
        hash=found.hash,
        ready=found.ready,
        counts=shown.counts_words(found.answer, language),
        figures=found.answer["counts"],
        rows=list(shown.check_rows(found.answer)),
        exceptions=shown.exceptions(found.answer, language),
        conflicts=shown.conflicts(found.answer, language),
        next_classes=list(found.answer["next_classes"].items()),
        fates=FATES,
        errors=[visit.gettext(REFUSALS[refused])] if refused else [],
    )


@routes.post("/school/year/apply")
@administration
async def apply(request: web.Request, visit: Visit, account: Account) -> web.StreamResponse:
    """Do what was shown; anything else is shown again."""
    form = form_of(request)
    refused = await apply_draft(
        account,
        str(form.get("to_year", ""))[:9],
        str(form.get("plan", ""))[:64],
        agreed=form.get("agreed") == "yes",
        services=visit.services,
    )
    if refused is not None:
        return await _check(request, visit, account, refused)
    return redirect("/school/year/progress")


@routes.get("/school/year/progress")
@administration
async def progress(request: web.Request, visit: Visit, account: Account) -> web.StreamResponse:
    """How far the chats have followed; looks again by itself until they have."""
    state = await visit.services.directory.year(account.org_id)
    return await progress_page(
        request,
        visit,
        account,
        "head/year_progress.html",
        state=state,
        last=state.get("promotion"),
        until=_until(state),
    )


@routes.get("/school/year/undo")
@administration
async def ask_undo(request: web.Request, visit: Visit, account: Account) -> web.StreamResponse:
    """What would come back, and until when."""
    return await _undo(request, visit, account)


@routes.post("/school/year/undo")
@administration
async def undo(request: web.Request, visit: Visit, account: Account) -> web.StreamResponse:
    """Take the promotion back."""
    agreed = form_of(request).get("agreed") == "yes"
    done = await undo_year(account, agreed=agreed, services=visit.services)
    if isinstance(done, YearRefusal):
        return await _undo(request, visit, account, done)
    exact = done.get("exact") is True
    return redirect("/school/year/progress", said="year_undone" if exact else "year_undone_partly")


async def _undo(
    request: web.Request, visit: Visit, account: Account, refused: YearRefusal | None = None
) -> web.StreamResponse:
    state = await visit.services.directory.year(account.org_id)
    restores, last = state.get("restores"), state.get("promotion")
    if not isinstance(restores, dict) or not isinstance(last, dict):
        return await _start(request, visit, account, refused or YearRefusal.NO_UNDO)
    return page(
        request,
        "head/year_undo.html",
        status=409 if refused else 200,
        last=last,
        restores=restores,
        until=_until(state),
        errors=[visit.gettext(REFUSALS[refused])] if refused else [],
    )


def _until(state: Mapping[str, Any]) -> datetime | None:
    """Until when the last promotion can be taken back; None when it cannot."""
    last = state.get("promotion")
    if not isinstance(last, dict) or not last.get("may_undo"):
        return None
    return datetime.fromtimestamp(int(last["undo_until_ms"]) / 1000, UTC)


async def staff_of(visit: Visit, account: Account) -> list[PersonRecord]:
    """Who may lead a class, by name."""
    found: dict[PersonId, PersonRecord] = {}
    for role in (Role.TEACHER, Role.DEPUTY, Role.DIRECTOR, Role.ADMINISTRATOR):
        answer = await visit.services.directory.search(account.org_id, role=role, limit=MOST_STAFF)
        found |= {one.person_id: one for one in answer.people if one.status is not Status.LEFT}
    return sorted(found.values(), key=lambda one: one.full_name)
