"""The school's log: what module and bridge have written, by time, in words; for director and deputies (R51)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from aiohttp import web
from attrs import frozen

from bridge.invite import InviteId
from bridge.records import AuditEntry
from bridge.roles import Account, PersonId, UserId
from bridge.web.access import heads
from bridge.web.csv_file import csv_file
from bridge.web.head_words import (
    ACTIONS,
    FAILED_IMPORTS,
    INVITES,
    LIMITS,
    LINKS,
    PARTS,
    REASONS,
    STAGES,
    STATUSES,
)
from bridge.web.i18n import N_
from bridge.web.render import moment, page
from bridge.web.visit import Visit
from bridge.web.words import ROLES
from provisioning.problem_texts import Language
from provisioning.report import kind_words

routes = web.RouteTableDef()

PAGE = 100
#: Lines of a download.
MOST = 5000
AT_ONCE = 500
#: An id of a record (synapse_sferum/ids.py).
PERSON = re.compile(r"p[a-z2-7]{12}")
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@frozen(kw_only=True)
class Line:
    """One entry of either log. Ids are turned into names when it is shown, for whoever may read them."""

    at: datetime
    actor: str
    action: str
    target: str
    before: str = ""
    after: str = ""
    reason: str = ""


def line_of(raw: Mapping[str, Any]) -> Line:
    """An entry of the module (docs/openapi.yaml, AuditEntry)."""
    words = {
        name: str(raw.get(name) or "")
        for name in ("actor", "action", "target", "before", "after", "reason")
    }
    return Line(at=EPOCH + timedelta(milliseconds=int(raw.get("at_ms") or 0)), **words)


def own_line(entry: AuditEntry) -> Line:
    """An entry of the bridge."""
    return Line(
        at=entry.at,
        actor=entry.actor,
        action=entry.action.value,
        target=entry.subject,
        reason=entry.reason,
    )


def merged(module: Sequence[Line], own: Sequence[Line], start: int, most: int) -> list[Line]:
    """Both logs as one, the newest first, from the `start`-th on. Pure."""
    lines = sorted([*module, *own], key=lambda line: line.at, reverse=True)
    return lines[start : start + most]


@routes.get("/school/audit")
@heads
async def audit(request: web.Request, visit: Visit, account: Account) -> web.StreamResponse:
    """Who did what to whom, a page at a time."""
    given = request.query.get("from", "")
    start = min(int(given), MOST) if given.isascii() and given.isdigit() and len(given) < 6 else 0
    lines = await _lines(visit, account, start, PAGE + 1)
    names = await _names(visit, account, lines[:PAGE])
    return page(
        request,
        "head/audit.html",
        lines=[told(visit, line, names) for line in lines[:PAGE]],
        before=max(0, start - PAGE) if start else None,
        after=start + PAGE if len(lines) > PAGE and start + PAGE < MOST else None,
    )


@routes.get("/school/audit.csv")
@heads
async def audit_csv(request: web.Request, visit: Visit, account: Account) -> web.StreamResponse:
    """The newest five thousand entries."""
    del request
    lines = await _lines(visit, account, 0, MOST)
    names = {**await _all_names(visit, account), **await _invite_names(visit, account, lines)}
    return csv_file(visit.gettext("Журнал школы"), _table(visit, account, lines, names), "log")


@frozen(kw_only=True)
class Told:
    """A line in words."""

    at: datetime
    actor: str
    action: str
    target: str
    detail: str
    reason: str


#: Id → name; ids that are not in it are shown as they are.
Names = Mapping[str, str]


def told(visit: Visit, line: Line, names: Names) -> Told:
    """A line with names for ids and words for words."""
    detail = " → ".join(
        part
        for part in (_value(visit, line, one, names) for one in (line.before, line.after))
        if part
    )
    return Told(
        at=line.at,
        actor=visit.gettext(PARTS[line.actor])
        if line.actor in PARTS
        else names.get(line.actor, line.actor),
        action=visit.gettext(ACTIONS[line.action]) if line.action in ACTIONS else line.action,
        target=_target(visit, line, names),
        detail=detail,
        reason=visit.gettext(REASONS[line.reason]) if line.reason in REASONS else line.reason,
    )


def _target(visit: Visit, line: Line, names: Names) -> str:
    words = {"sending_stopped": LIMITS, "roster_failed": FAILED_IMPORTS}.get(line.action, {})
    if line.target in words:
        return visit.gettext(words[line.target])
    return " — ".join(names.get(part, part) for part in line.target.split(">"))


#: Words of the module's `before` and `after`.
VALUES: dict[str, str] = {
    **ROLES,
    **{status.value: word for status, word in STATUSES.items()},
    **{status.value: word for status, word in LINKS.items()},
    "open": N_("открыта"),
    "unconfirmed": N_("не подтверждён"),
}


def _value(visit: Visit, line: Line, value: str, names: Names) -> str:
    """`teacher,guardian`, `listed` in words, class ids by name."""
    if line.action == "roster":
        counts = (part.partition("=") for part in value.split(",") if part)
        language: Language = "en" if visit.language == "en" else "ru"
        return ", ".join(f"{kind_words(kind, language)}: {number}" for kind, _, number in counts)
    if line.action == "broadcast":
        return visit.gettext(STAGES[value]) if value in STAGES else value
    parts = [part for part in value.split(",") if part]
    return ", ".join(
        visit.gettext(VALUES[part]) if part in VALUES else names.get(part, part) for part in parts
    )


async def _lines(visit: Visit, account: Account, start: int, most: int) -> list[Line]:
    wanted = start + most
    module: list[Line] = []
    before: int | None = None
    while len(module) < wanted:
        found = await visit.services.directory.audit(
            account.org_id, limit=min(AT_ONCE, wanted - len(module)), before=before
        )
        module += [line_of(one) for one in found]
        if not found or int(found[-1]["number"]) <= 1:
            break
        before = int(found[-1]["number"])
    async with visit.services.store.begin() as work:
        own = [own_line(one) for one in await work.audit.of_org(account.org_id, wanted)]
    return merged(module, own, start, most)


async def _names(visit: Visit, account: Account, lines: Sequence[Line]) -> Names:
    """Of the people and classes of one page."""
    directory = visit.services.directory
    names = await _class_names(visit, account)
    ids = {part for line in lines for part in (line.actor, *line.target.split(">"))}
    names |= await _invite_names(visit, account, lines)
    for one in sorted(ids - names.keys() - PARTS.keys()):
        if one.startswith("@"):
            persons = await directory.persons(UserId(one))
            owner = await directory.account(UserId(one))
            if persons and owner is not None and owner.org_id == account.org_id:
                names[one] = persons[0].short_name
        elif PERSON.fullmatch(one):
            person = await directory.person(account.org_id, PersonId(one))
            if person is not None and person.family_name:
                names[one] = person.full_name
    return names


async def _all_names(visit: Visit, account: Account) -> Names:
    """Of the whole school: one question for five hundred people instead of one for each."""
    names = await _class_names(visit, account)
    offset: int | None = 0
    while offset is not None:
        found = await visit.services.directory.search(account.org_id, limit=AT_ONCE, offset=offset)
        for person in found.people:
            if person.family_name:
                names[person.person_id] = person.full_name
                if person.user_id is not None:
                    names.setdefault(person.user_id, person.short_name)
        offset = found.next
    return names


async def _invite_names(visit: Visit, account: Account, lines: Sequence[Line]) -> dict[str, str]:
    """What kind of invite it was: its id says nothing to anybody."""
    ids = {line.target for line in lines if line.action in {"invite_issued", "invite_revoked"}}
    names: dict[str, str] = {}
    async with visit.services.store.begin() as work:
        for one in sorted(ids):
            invite = await work.invites.get(InviteId(one))
            if invite is not None and invite.org_id == account.org_id:
                role = "" if invite.role is None else f": {visit.gettext(ROLES[invite.role.value])}"
                names[one] = visit.gettext(INVITES[invite.kind]) + role
    return names


async def _class_names(visit: Visit, account: Account) -> dict[str, str]:
    classes = await visit.services.directory.classes(account.org_id)
    names = {str(one.class_id): one.name for one in classes}
    names[account.org_id] = account.org_name
    return names


def _table(
    visit: Visit, account: Account, lines: Sequence[Line], names: Names
) -> Iterator[tuple[str, ...]]:
    yield tuple(
        visit.gettext(one)
        for one in (
            N_("Когда"), N_("Кто"), N_("Что"), N_("С кем или с чем"), N_("Было → стало"), N_("Почему"),
        )
    )  # fmt: skip
    for line in lines:
        one = told(visit, line, names)
        at = moment(one.at, visit.language, account.timezone)
        yield (at, one.actor, one.action, one.target, one.detail, one.reason)
