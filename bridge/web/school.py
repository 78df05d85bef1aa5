"""The administration's first page: figures, what is not as it should be, what only needs a click (R17, R24)."""

from __future__ import annotations

from collections.abc import Iterator

from aiohttp import web

from bridge.people import PersonRecord
from bridge.ports_directory import DirectoryRefused
from bridge.records import DeadSteps, StepsId
from bridge.roles import Account
from bridge.school_matters import (
    Found,
    Matter,
    SchoolToday,
    dismiss_steps,
    retry_steps,
    school_today,
)
from bridge.web.access import administration, heads
from bridge.web.csv_file import csv_file
from bridge.web.district_shown import district_state
from bridge.web.head_words import FAILED_IMPORTS, FAILURES, LIMITS, MATTERS, ROOM_KINDS
from bridge.web.i18n import N_
from bridge.web.render import moment, page, problem, redirect
from bridge.web.roster import language_of
from bridge.web.security import form_of
from bridge.web.visit import Visit

routes = web.RouteTableDef()

#: Seconds that a click waits for the writer.
WAIT_S = 5.0


@routes.get("/school")
@administration
async def school(request: web.Request, visit: Visit, account: Account) -> web.StreamResponse:
    """How far the school has come, and what waits for somebody."""
    today = await school_today(account, visit.now, services=visit.services)
    return page(
        request,
        "head/school.html",
        today=today,
        found=[(one, about(visit, one)) for one in today.found if one.matter not in PER_CLASS],
        matters=MATTERS,
        without_teacher=[row for row in today.overview.classes if not row.homeroom_teachers],
        dead=[await _dead(visit, account, one) for one in today.dead_steps],
        district=district_state(
            await visit.services.directory.health(), visit.now, language_of(visit)
        ),
        rooms=[(one, _room(visit, str(one.get("ref", "")))) for one in today.dead_rooms],
    )


#: Shown in the table of classes, not in the list above it.
PER_CLASS = frozenset(
    {Matter.NO_CLASS_TEACHER, Matter.UNCONFIRMED, Matter.NOT_IN_YET, Matter.EMPTY_CLASS}
)


@routes.get("/school/exceptions.csv")
@administration
async def exceptions(request: web.Request, visit: Visit, account: Account) -> web.StreamResponse:
    """Every exception with where it is mended."""
    del request
    today = await school_today(account, visit.now, services=visit.services)
    return csv_file(visit.gettext("Что требует внимания"), _table(visit, account, today), "school")


@routes.post("/school/held")
@heads
async def let_go_on(request: web.Request, visit: Visit, account: Account) -> web.StreamResponse:
    """A person has looked at a change of the rooms that held itself."""
    del request
    await visit.services.directory.sanction(account.org_id, account.user_id)
    return redirect("/school", said="rooms_go_on")


@routes.post("/school/failed/{steps_id}")
@administration
async def failed(request: web.Request, visit: Visit, account: Account) -> web.StreamResponse:
    """Do again, or take from the list."""
    steps_id = StepsId(request.match_info["steps_id"])
    if form_of(request).get("do") == "dismiss":
        done = await dismiss_steps(account, steps_id, services=visit.services)
        return redirect("/school", said="dismissed") if done else problem(request, 404)
    again = await retry_steps(account, steps_id, services=visit.services)
    if again is None:
        return problem(request, 404)
    await visit.services.writer.finish(again, WAIT_S)
    return redirect("/school", said="retried")


@routes.post("/school/rooms/{job_id}")
@administration
async def room_again(request: web.Request, visit: Visit, account: Account) -> web.StreamResponse:
    """Try a room again that the module has given up on."""
    try:
        await visit.services.directory.retry_job(
            account.org_id, request.match_info["job_id"], account.user_id
        )
    except DirectoryRefused:
        return problem(request, 404)
    return redirect("/school", said="retried")


def about(visit: Visit, found: Found) -> str:
    """What an exception is about, in words."""
    words = {Matter.SENDING_STOPPED: LIMITS, Matter.IMPORT_FAILED: FAILED_IMPORTS}.get(found.matter)
    if words is None:
        return found.about
    return visit.gettext(words[found.about]) if found.about in words else found.about


def failure_words(visit: Visit, failure: str) -> str:
    return visit.gettext(FAILURES[failure]) if failure in FAILURES else failure


async def _dead(
    visit: Visit, account: Account, dead: DeadSteps
) -> tuple[DeadSteps, str, PersonRecord | None]:
    """With the person whose account it is, if they are of the school already."""
    persons = await visit.services.directory.persons(dead.user_id)
    mine = await visit.services.directory.account(dead.user_id)
    own = mine is not None and mine.org_id == account.org_id
    return dead, failure_words(visit, dead.failure), persons[0] if own and persons else None


def _room(visit: Visit, ref: str) -> str:
    """`class/…`: the kind in words."""
    kind = ref.partition("/")[0]
    return visit.gettext(ROOM_KINDS[kind]) if kind in ROOM_KINDS else visit.gettext(N_("Чат"))


def _table(visit: Visit, account: Account, today: SchoolToday) -> Iterator[tuple[str, ...]]:
    yield tuple(
        visit.gettext(one)
        for one in (N_("Что"), N_("Где"), N_("Сколько"), N_("С какого времени"), N_("Страница"))
    )
    for found in today.found:
        since = moment(found.since, visit.language, account.timezone) if found.since else ""
        yield (
            visit.gettext(MATTERS[found.matter]),
            about(visit, found),
            str(found.count),
            since,
            visit.services.config.public_url + found.path,
        )
