"""Applications: the queue, and yes or no to one or to several at once, after a look at what will happen (R16)."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

from aiohttp import web
from attrs import field, frozen
from babel.dates import format_timedelta
from multidict import MultiDictProxy

from bridge.application import Application, ApplicationId, DecisionRefusal
from bridge.approving import ApprovalRefusal
from bridge.deciding import Decision, decide_application
from bridge.people import PersonRecord
from bridge.reason import LONGEST_REASON, kept_reason
from bridge.roles import Account, ClassId, PersonId, Role
from bridge.waiting import Waiting, waiting_applications
from bridge.web.access import staff
from bridge.web.i18n import N_
from bridge.web.queue_figures import dispute_count
from bridge.web.render import page, problem, redirect
from bridge.web.security import form_of
from bridge.web.visit import Visit

routes = web.RouteTableDef()

#: A class in one go; more would keep the page waiting.
MOST_AT_ONCE = 40
#: In a choice of who somebody is: nobody of the list.
NEW = ""

REFUSALS: dict[DecisionRefusal | ApprovalRefusal, str] = {
    DecisionRefusal.NOT_YOURS: N_("Этой заявки больше нет."),
    DecisionRefusal.OWN: N_("Свою заявку решает кто-то другой."),
    DecisionRefusal.DECIDED: N_("Эту заявку уже кто-то решил."),
    ApprovalRefusal.CHILD_NEEDED: N_("Выберите, чей это родитель."),
    ApprovalRefusal.CHILD_UNSUITABLE: N_("Этого ученика в классе больше нет. Выберите другого."),
    ApprovalRefusal.MATCH_UNSUITABLE: N_("Этот человек из списка уже вошёл, или его там нет. Выберите заново."),
    ApprovalRefusal.HEADS_ONLY: N_("Эту заявку решает директор или заместитель."),
    ApprovalRefusal.RESTRICTED: N_("Доступ этого родителя к ребёнку ограничен судом: принять заявку нельзя."),
    ApprovalRefusal.UNREADABLE: N_("Заявку не удаётся прочитать. Попросите подать её ещё раз."),
}  # fmt: skip


@frozen(kw_only=True)
class Choice:
    """An application with what can be chosen for it, and what is chosen."""

    waiting: Waiting
    pupils: Sequence[PersonRecord] = field(repr=False)  # of the class, for a parent
    match: str
    child: str
    error: str = ""


@routes.get("/applications")
@staff
async def queue(request: web.Request, visit: Visit, account: Account) -> web.StreamResponse:
    """Oldest first."""
    waiting = await _waiting(visit, account)
    if waiting is None:
        return problem(request, 404)
    return page(
        request,
        "teacher/applications.html",
        waiting=waiting,
        ages={one.application.id: _age(one, visit.language) for one in waiting},
        disputes=await dispute_count(visit, account),
        student=Role.STUDENT,
        guardian=Role.GUARDIAN,
    )


@routes.get("/applications/decide")
@staff
async def preview(request: web.Request, visit: Visit, account: Account) -> web.StreamResponse:
    """What a yes or a no to the chosen ones will do; for a yes, who they are."""
    waiting = await _waiting(visit, account)
    if waiting is None:
        return problem(request, 404)
    chosen = _chosen(request.query.getall("a", []), waiting)
    if not chosen:
        return redirect("/applications", said="nobody_chosen")
    choices = [await _choice(visit, account, one) for one in chosen]
    return _preview(request, choices, yes=request.query.get("yes") == "1")


@routes.post("/applications/decide")
@staff
async def decide(request: web.Request, visit: Visit, account: Account) -> web.StreamResponse:
    """Say it. What could not be done is shown again with the reason; the others are done."""
    posted = form_of(request)
    yes = posted.get("yes") == "1"
    reason = "" if yes else kept_reason(str(posted.get("reason", "")))
    waiting = await _waiting(visit, account)
    if waiting is None:
        return problem(request, 404)
    ids = list(dict.fromkeys(str(one) for one in posted.getall("a", [])))[:MOST_AT_ONCE]
    decisions = (
        decide_application(
            account,
            ApplicationId(one),
            yes,
            visit.now,
            services=visit.services,
            match=_picked(posted, "match", one),
            child=_picked(posted, "child", one),
            reason=reason,
        )
        for one in ids
    )
    # No TaskGroup: of forty decisions one that fails would stop the others half-way.
    answers = await asyncio.gather(*decisions, return_exceptions=True)
    outcomes: dict[str, Decision] = {}
    for one, answer in zip(ids, answers, strict=True):
        if isinstance(answer, BaseException):
            raise answer
        outcomes[one] = answer
    refused = {
        one: outcome for one, outcome in outcomes.items() if not isinstance(outcome, Application)
    }
    again = [
        await _choice(visit, account, one, posted, refused[one.application.id])
        for one in waiting
        if one.application.id in refused
    ]
    if again:
        done = len(outcomes) - len(refused)
        return _preview(request, again, yes=yes, done=done, status=409, reason=reason)
    if refused or not outcomes:
        return redirect("/applications", said="applications_gone")
    return redirect(
        "/applications", said="applications_approved" if yes else "applications_rejected"
    )


async def _waiting(visit: Visit, account: Account) -> tuple[Waiting, ...] | None:
    """The queue; None: a subject teacher, who has none and is not told that there is one."""
    if not account.administers and not account.homeroom_of:
        return None
    return await waiting_applications(account, visit.now, services=visit.services)


def _chosen(ids: Sequence[str], waiting: Sequence[Waiting]) -> list[Waiting]:
    wanted = set(ids)
    return [one for one in waiting if one.application.id in wanted][:MOST_AT_ONCE]


async def _choice(
    visit: Visit,
    account: Account,
    waiting: Waiting,
    posted: MultiDictProxy[Any] | None = None,
    refusal: DecisionRefusal | ApprovalRefusal | None = None,
) -> Choice:
    pupils = await _pupils(visit, account, waiting)
    if posted is not None:
        match = _picked(posted, "match", waiting.application.id) or NEW
        child = _picked(posted, "child", waiting.application.id) or NEW
    else:
        sure = [one.person.person_id for one in waiting.suggestions if one.sure]
        match = sure[0] if len(sure) == 1 else NEW
        child = waiting.children[0].person_id if len(waiting.children) == 1 else NEW
    error = "" if refusal is None else visit.gettext(REFUSALS[refusal])
    return Choice(waiting=waiting, pupils=pupils, match=match, child=child, error=error)


async def _pupils(visit: Visit, account: Account, waiting: Waiting) -> Sequence[PersonRecord]:
    class_id: ClassId | None = waiting.application.class_id
    if waiting.application.role is not Role.GUARDIAN or class_id is None:
        return ()
    roll = await visit.services.directory.roll(account.org_id, class_id)
    return () if roll is None else [one.person for one in roll.students]


def _preview(
    request: web.Request,
    choices: Sequence[Choice],
    *,
    yes: bool,
    done: int = 0,
    status: int = 200,
    reason: str = "",
) -> web.StreamResponse:
    return page(
        request,
        "teacher/decide.html",
        status=status,
        choices=choices,
        yes=yes,
        done=done,
        guardian=Role.GUARDIAN,
        new=NEW,
        reason=reason,
        longest=LONGEST_REASON,
    )


def _picked(posted: MultiDictProxy[Any], what: str, application_id: str) -> PersonId | None:
    value = posted.get(f"{what}-{application_id}", NEW)
    return PersonId(value) if isinstance(value, str) and value else None


def _age(waiting: Waiting, language: str) -> str:
    return format_timedelta(waiting.age, locale=language, threshold=1.2)
