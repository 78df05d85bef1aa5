"""Classes for whoever leads them: figures, the roll, its CSV (R9, R28)."""

from __future__ import annotations

from collections.abc import Iterator
from zoneinfo import ZoneInfo

from aiohttp import web

from bridge.class_roll import Confirmation, Presence, PupilRow, class_rows
from bridge.people import ClassFigures, LinkStatus, PersonRecord, Roll
from bridge.roles import Account, ClassId
from bridge.web.access import class_lead, leads_any
from bridge.web.call_links import host_page_of, led_broadcasts
from bridge.web.csv_file import csv_file
from bridge.web.i18n import N_
from bridge.web.queue_figures import dispute_count, waiting_count, waiting_pupils
from bridge.web.render import page, problem
from bridge.web.visit import Visit

routes = web.RouteTableDef()

#: Words of `?show=`: who of the class is shown.
SHOWN = ("all", "not_yet", "no_parent", "unconfirmed")

PRESENCE = {
    Presence.IN: N_("вход есть"),
    Presence.WAITING: N_("ждёт решения"),
    Presence.NOT_YET: N_("входа ещё нет"),
}
CONFIRMATION = {
    Confirmation.NOT_NEEDED: N_("не нужно"),
    Confirmation.CONFIRMED: N_("есть"),
    Confirmation.MISSING: N_("ещё нет"),
}


@routes.get("/classes")
@leads_any
async def classes(request: web.Request, visit: Visit, account: Account) -> web.StreamResponse:
    """A class teacher's own classes; administration sees all."""
    overview = await visit.services.directory.overview(account.org_id)
    mine = [one for one in overview.classes if account.administers or account.leads(one.class_id)]
    waiting = await waiting_count(visit, account)
    return page(
        request,
        "teacher/classes.html",
        classes=sorted(mine, key=_order),
        waiting=waiting,
        disputes=await dispute_count(visit, account),
    )


@routes.get("/class/{class_id}")
@class_lead
async def one_class(request: web.Request, visit: Visit, account: Account) -> web.StreamResponse:
    """The roll: who is in, who is not yet, whom a parent has confirmed."""
    roll = await roll_of(request, visit, account)
    if roll is None:
        return problem(request, 404)
    waiting = await waiting_count(visit, account, roll.class_id)
    rows = await rows_of(visit, account, roll)
    show = request.query.get("show", "")
    show = show if show in SHOWN else SHOWN[0]
    return page(
        request,
        "teacher/class.html",
        roll=roll,
        rows=[row for row in rows if is_shown(row, show)],
        counts={word: sum(is_shown(row, word) for row in rows) for word in SHOWN},
        show=show,
        waiting=waiting,
        call=await host_page_of(visit, account, roll.class_id),
        broadcasts=led_broadcasts(visit, account),
    )


@routes.get("/class/{class_id}/members.csv")
@class_lead
async def members(request: web.Request, visit: Visit, account: Account) -> web.StreamResponse:
    """R28: names and status of the class, its parents and class teachers; no contact of anybody."""
    roll = await roll_of(request, visit, account)
    if roll is None:
        return problem(request, 404)
    rows = await rows_of(visit, account, roll)
    name = visit.gettext("Список %(name)s", name=roll.name)
    return csv_file(name, _table(visit, roll, rows), "class")


def is_shown(row: PupilRow, show: str) -> bool:
    """Whether the pupil is on the roll that `?show=` asks for. Pure."""
    if show == "not_yet":
        return row.presence is not Presence.IN
    if show == "no_parent":
        return row.needs_parents
    if show == "unconfirmed":
        return row.presence is Presence.IN and row.confirmation is Confirmation.MISSING
    return True


async def roll_of(request: web.Request, visit: Visit, account: Account) -> Roll | None:
    """The class of the address, if the school has it."""
    class_id = ClassId(request.match_info["class_id"])
    return await visit.services.directory.roll(account.org_id, class_id)


async def rows_of(visit: Visit, account: Account, roll: Roll) -> list[PupilRow]:
    """Everybody of the class, by name."""
    rows = await class_rows(
        account.org_id,
        roll,
        visit.now,
        ZoneInfo(account.timezone),
        store=visit.services.store,
        waiting=await waiting_pupils(visit, account, roll.class_id),
    )
    return sorted(rows, key=lambda row: row.pupil.person.full_name.casefold().replace("ё", "е"))


def _order(figures: ClassFigures) -> tuple[int, str]:
    return (99 if figures.grade is None else figures.grade, figures.name)


def _table(visit: Visit, roll: Roll, rows: list[PupilRow]) -> Iterator[tuple[str, ...]]:
    yield tuple(
        visit.gettext(text)
        for text in (
            N_("Класс"), N_("Кто"), N_("Фамилия"), N_("Имя"), N_("Отчество"), N_("Вход"),
            N_("Подтверждение родителя"), N_("Ребёнок"), N_("Кем приходится"),
        )
    )  # fmt: skip
    for teacher in roll.homeroom_teachers:
        who = visit.gettext("классный руководитель")
        yield (roll.name, who, *_names(teacher), _presence(visit, teacher), "", "", "")
    for row in rows:
        person = row.pupil.person
        presence = visit.gettext(PRESENCE[row.presence])
        confirmation = visit.gettext(CONFIRMATION[row.confirmation])
        who = visit.gettext("ученик")
        yield (roll.name, who, *_names(person), presence, confirmation, "", "")
    for row in rows:
        child = f"{row.pupil.person.family_name} {row.pupil.person.given_name}"
        for one in row.guardians:
            who = visit.gettext("родитель")
            claimed = one.status is LinkStatus.CLAIMED
            presence = visit.gettext("ждёт решения") if claimed else _presence(visit, one.person)
            yield (roll.name, who, *_names(one.person), presence, "", child, one.relation)


def _names(person: PersonRecord) -> tuple[str, str, str]:
    return person.family_name, person.given_name, person.middle_name


def _presence(visit: Visit, person: PersonRecord) -> str:
    return visit.gettext(PRESENCE[Presence.IN if person.active else Presence.NOT_YET])
