"""The school's people: found by words, role, class and status; downloaded as a list (R28, R30)."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from typing import Any

from aiohttp import web
from attrs import frozen

from bridge.people import PersonRecord, Status
from bridge.roles import Account, ClassId, Role
from bridge.web.access import administration
from bridge.web.csv_file import csv_file
from bridge.web.head_words import STATUSES
from bridge.web.i18n import N_
from bridge.web.render import page
from bridge.web.visit import Visit
from bridge.web.words import ROLES

routes = web.RouteTableDef()

PAGE = 50
#: Rows of a download; a larger school narrows the search by class.
MOST_ROWS = 10_000
AT_ONCE = 500
LONGEST_WORDS = 100
LAST_OFFSET = 1_000_000


@frozen(kw_only=True)
class Wanted:
    """What the form asks for. Words that are none of ours are ignored: an old bookmark still shows people."""

    words: str = ""
    role: Role | None = None
    class_id: ClassId | None = None
    status: str = ""
    offset: int = 0

    def query(self, offset: int) -> dict[str, str]:
        """For a link to another page of the same list."""
        values = {
            "q": self.words,
            "role": self.role.value if self.role else "",
            "class_id": self.class_id or "",
            "status": self.status,
            "from": str(offset) if offset else "",
        }
        return {name: value for name, value in values.items() if value}

    def arguments(self) -> dict[str, Any]:
        """For `Directory.search`."""
        return {
            "words": self.words,
            "role": self.role,
            "class_id": self.class_id,
            "status": self.status,
        }


def wanted_of(query: Mapping[str, str]) -> Wanted:
    """What the address says. Pure."""
    role, status = query.get("role", ""), query.get("status", "")
    offset = query.get("from", "")
    return Wanted(
        words=query.get("q", "").replace("\0", "").strip()[:LONGEST_WORDS],
        role=Role(role) if role in {one.value for one in Role} else None,
        class_id=ClassId(query["class_id"][:20]) if query.get("class_id") else None,
        status=status if status in {one.value for one in Status} else "",
        offset=int(offset)
        if offset.isascii() and offset.isdigit() and len(offset) < 8 and int(offset) <= LAST_OFFSET
        else 0,
    )


@routes.get("/school/people")
@administration
async def people(request: web.Request, visit: Visit, account: Account) -> web.StreamResponse:
    """Search, a page at a time."""
    wanted = wanted_of(request.query)
    directory = visit.services.directory
    found = await directory.search(
        account.org_id, limit=PAGE, offset=wanted.offset, **wanted.arguments()
    )
    return page(
        request,
        "head/people.html",
        found=found,
        wanted=wanted,
        before=wanted.query(max(0, wanted.offset - PAGE)) if wanted.offset else None,
        after=wanted.query(found.next) if found.next is not None else None,
        classes=await directory.classes(account.org_id),
        roles=[(role.value, visit.gettext(ROLES[role.value])) for role in Role],
        statuses=STATUSES,
    )


@routes.get("/school/people.csv")
@administration
async def people_csv(request: web.Request, visit: Visit, account: Account) -> web.StreamResponse:
    """The same list whole: names, roles, classes, status; no contact, no birth date."""
    wanted = wanted_of(request.query)
    rows = [row async for row in _table(visit, account, wanted)]
    return csv_file(visit.gettext("Люди школы"), rows, "people")


def roles_words(visit: Visit, person: PersonRecord) -> str:
    """«учитель, родитель»."""
    return ", ".join(visit.gettext(ROLES[role.value]) for role in Role if role in person.roles)


async def _table(visit: Visit, account: Account, wanted: Wanted) -> AsyncIterator[tuple[str, ...]]:
    yield tuple(
        visit.gettext(one)
        for one in (
            N_("Фамилия"), N_("Имя"), N_("Отчество"), N_("Роли"), N_("Классы"), N_("Состояние"),
            N_("Номер в списке"),
        )
    )  # fmt: skip
    offset: int | None = 0
    while offset is not None and offset < MOST_ROWS:
        found = await visit.services.directory.search(
            account.org_id, limit=AT_ONCE, offset=offset, **wanted.arguments()
        )
        for person in found.people:
            yield (
                person.family_name,
                person.given_name,
                person.middle_name,
                roles_words(visit, person),
                ", ".join(dict.fromkeys(seat.name for seat in person.seats)),
                visit.gettext(STATUSES[person.status]),
                person.source_id,
            )
        offset = found.next
