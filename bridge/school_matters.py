"""What a school's administration should look at today, and what only needs a click: the first page's figures."""

from __future__ import annotations

import enum
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from attrs import field, frozen

from bridge.application import Application, DecisionRefusal, decision_refusal
from bridge.dispute import Dispute
from bridge.disputes_waiting import decidable
from bridge.people import Overview
from bridge.records import Action, AuditEntry, DeadSteps, StepsId
from bridge.roles import Account, UserId
from bridge.services import Services
from bridge.steps import EnsureAccount, Steps, WriteContacts
from bridge.writer import enqueue

#: How long a stopped sending or a failed import is news.
NEWS_FOR = timedelta(days=7)
MOST_NEWS = 20
MOST_DEAD = 50


class Matter(enum.Enum):
    """Kinds of exceptions, the most urgent first. The values are stable: shown by page and CSV, tested."""

    SENDING_STOPPED = "sending_stopped"
    ROOMS_HELD = "rooms_held"
    STEPS_DEAD = "steps_dead"
    ROOMS_DEAD = "rooms_dead"
    IMPORT_FAILED = "import_failed"
    DISPUTES = "disputes"  # numbers: time decides if nobody does (R11)
    APPLICATIONS = "applications"
    NO_CLASS_TEACHER = "no_class_teacher"
    UNCONFIRMED = "unconfirmed"
    NOT_IN_YET = "not_in_yet"
    EMPTY_CLASS = "empty_class"


@frozen(kw_only=True)
class Found:
    """One exception.

    Attributes:
        about: name of a class, of a limit, of a reason; "" when the kind says it all.
        path: the page where it is mended.
        since: the oldest of them.
    """

    matter: Matter
    count: int
    about: str = ""
    path: str
    since: datetime | None = None


@frozen(kw_only=True)
class SchoolToday:
    overview: Overview
    progress: Mapping[str, Any] = field(repr=False)
    dead_steps: tuple[DeadSteps, ...] = ()
    dead_rooms: tuple[Mapping[str, Any], ...] = ()
    found: tuple[Found, ...] = ()

    @property
    def held(self) -> str:
        """Why the rooms wait for a person's yes, in the module's words; "" if they do not."""
        return str(self.progress.get("held") or "")


async def school_today(by: Account, now: datetime, *, services: Services) -> SchoolToday:
    """Everything of the first page."""
    overview = await services.directory.overview(by.org_id)
    progress = await services.directory.progress(by.org_id)
    jobs = progress.get("jobs")
    has_dead = isinstance(jobs, dict) and bool(jobs.get("dead"))
    dead_rooms = await services.directory.dead_jobs(by.org_id) if has_dead else ()
    async with services.store.begin() as work:
        dead = await work.steps.dead(by.org_id, MOST_DEAD)
        waiting = await work.applications.waiting(by.org_id)
        news = await work.audit.lately(
            by.org_id,
            (Action.SENDING_STOPPED, Action.ROSTER_FAILED, Action.CONTACTS_LISTED),
            now - NEWS_FOR,
            MOST_NEWS,
        )
    disputes = await decidable(by, services=services)
    return SchoolToday(
        overview=overview,
        progress=progress,
        dead_steps=tuple(dead),
        dead_rooms=tuple(dead_rooms),
        found=tuple(
            exceptions(
                by,
                overview,
                held=bool(progress.get("held")),
                dead_steps=dead,
                dead_rooms=len(dead_rooms),
                waiting=waiting,
                news=news,
                disputes=[one for one, _ in disputes],
            )
        ),
    )


def exceptions(
    by: Account,
    overview: Overview,
    *,
    held: bool,
    dead_steps: Sequence[DeadSteps],
    dead_rooms: int,
    waiting: Sequence[Application],
    news: Sequence[AuditEntry],
    disputes: Sequence[Dispute] = (),
) -> list[Found]:
    """Everything that is not as it should be, the most urgent first. Pure.

    Args:
        news: of the last days, the newest first.
        disputes: those that `by` may decide on.
    """
    found = [*_news(news)]
    if held:
        found.append(Found(matter=Matter.ROOMS_HELD, count=1, path="/school#held"))
    if dead_steps:
        since = min(one.given_up_at for one in dead_steps)
        found.append(
            Found(
                matter=Matter.STEPS_DEAD,
                count=len(dead_steps),
                path="/school#failed",
                since=since,
            )
        )
    if dead_rooms:
        found.append(Found(matter=Matter.ROOMS_DEAD, count=dead_rooms, path="/school#failed"))
    if disputes:
        since = min(one.opened_at for one in disputes)
        found.append(
            Found(matter=Matter.DISPUTES, count=len(disputes), path="/disputes", since=since)
        )
    mine = [one for one in waiting if decision_refusal(by, one) is not DecisionRefusal.NOT_YOURS]
    if mine:
        since = min(one.submitted_at for one in mine)
        found.append(
            Found(matter=Matter.APPLICATIONS, count=len(mine), path="/applications", since=since)
        )
    for row in overview.classes:
        teachers = f"/school/classes/{row.class_id}"
        roll = f"/class/{row.class_id}"
        missing = row.students - row.active_students
        for matter, count, path in (
            (Matter.EMPTY_CLASS, int(not row.students), teachers),
            (Matter.NO_CLASS_TEACHER, int(not row.homeroom_teachers), teachers),
            (Matter.UNCONFIRMED, row.unconfirmed, roll),
            (Matter.NOT_IN_YET, missing, roll),
        ):
            if count:
                found.append(Found(matter=matter, count=count, about=row.name, path=path))
    order = list(Matter)
    return sorted(found, key=lambda one: order.index(one.matter))


def _news(news: Sequence[AuditEntry]) -> list[Found]:
    """The newest of each kind; a failed import is over with the next good one."""
    found: dict[tuple[Matter, str], Found] = {}
    imported = False
    for entry in news:
        if entry.action is Action.CONTACTS_LISTED:
            imported = True
        elif entry.action is Action.SENDING_STOPPED:
            key = Matter.SENDING_STOPPED, entry.subject
            one = Found(
                matter=key[0], count=1, about=key[1], path="/school/settings#codes", since=entry.at
            )
            found.setdefault(key, one)
        elif not imported:
            key = Matter.IMPORT_FAILED, ""
            one = Found(
                matter=key[0], count=1, about=entry.subject, path="/school/roster", since=entry.at
            )
            found.setdefault(key, one)
    return list(found.values())


async def retry_steps(by: Account, steps_id: StepsId, *, services: Services) -> StepsId | None:
    """What can be done again of a list that was given up: the account with its contacts as they are now.

    The list itself is gone; people's part of it is done on their page. None: there is no such list.
    """
    now = services.clock()
    async with services.store.begin() as work:
        user_id = await work.steps.dismiss(by.org_id, steps_id)
        if user_id is None:
            return None
        await work.audit.add(_entry(by, Action.STEPS_RETRIED, user_id, now))
        steps = Steps(
            user_id=user_id,
            org_id=by.org_id,
            by=by.user_id,
            steps=(EnsureAccount(), WriteContacts()),
        )
        return await enqueue(work, steps, now, services.vault, services.chance)


async def dismiss_steps(by: Account, steps_id: StepsId, *, services: Services) -> bool:
    """Somebody has seen to it by hand."""
    async with services.store.begin() as work:
        user_id = await work.steps.dismiss(by.org_id, steps_id)
        if user_id is not None:
            await work.audit.add(_entry(by, Action.STEPS_DISMISSED, user_id, services.clock()))
    return user_id is not None


def _entry(by: Account, action: Action, user_id: UserId, now: datetime) -> AuditEntry:
    return AuditEntry(at=now, org_id=by.org_id, actor=by.user_id, action=action, subject=user_id)
