"""What is planned: a week, one gathering, and the way into its call or broadcast (docs/flows/schedule.md)."""

from __future__ import annotations

from datetime import date, timedelta
from urllib.parse import quote
from zoneinfo import ZoneInfo

from aiohttp import web

from bridge.roles import Account
from bridge.schedule import Days, Held, Kind, by_day, monday_of
from bridge.web.access import member
from bridge.web.i18n import N_
from bridge.web.render import page, problem
from bridge.web.visit import Visit

routes = web.RouteTableDef()

#: How a broadcast's id is written in the schedule.
BROADCAST_PREFIX = "b."
KINDS = {
    Kind.LESSON: N_("Урок"),
    Kind.CLASS_HOUR: N_("Классный час"),
    Kind.PARENTS_MEETING: N_("Родительское собрание"),
    Kind.MEETING: N_("Встреча"),
    Kind.BROADCAST: N_("Трансляция"),
}
WEEKDAYS = (
    *(N_("понедельник"), N_("вторник"), N_("среда"), N_("четверг")),
    *(N_("пятница"), N_("суббота"), N_("воскресенье")),
)


@routes.get("/schedule")
@member
async def week(request: web.Request, visit: Visit, account: Account) -> web.StreamResponse:
    """Seven days of what concerns somebody; administration may look at everything."""
    zone = ZoneInfo(account.timezone)
    today = visit.now.astimezone(zone).date()
    first = monday_of(day_of(request.query.get("week", ""), today))
    everything = account.administers and request.query.get("all") == "1"
    found = await visit.services.schedules.window(
        account.org_id, account.user_id, first, first + timedelta(days=7), mine=not everything
    )
    planned = by_day(found.held, zone)
    return page(
        request,
        "schedule/week.html",
        days=[
            (day, WEEKDAYS[day.weekday()], planned.get(day, []))
            for day in (first + timedelta(days=number) for number in range(7))
        ],
        first=first,
        before=first - timedelta(days=7),
        after=first + timedelta(days=7),
        today=today,
        everything=everything,
        cut=found.cut,
        kinds=KINDS,
        zone=zone,
        may_plan=account.administers or account.is_staff,
    )


@routes.get("/schedule/{gathering_id:[a-z0-9A-Z._-]{2,80}}")
@member
async def one(request: web.Request, visit: Visit, account: Account) -> web.StreamResponse:
    """One of them on one day: what, when, where, and a button while there is something to join."""
    found = await gathering_of(request, visit, account)
    if found is None:
        return problem(request, 404)
    zone = ZoneInfo(account.timezone)
    asked = request.query.get("day", "")
    held = found.next(visit.now)
    off: date | None = None
    if asked:
        day = day_of(asked, date.min)
        held = found.of(day)
        if held is None:
            if day not in found.days:
                return problem(request, 404)
            off = day
    return page(
        request,
        "schedule/one.html",
        planned=found.planned,
        kind=KINDS[found.planned.kind],
        held=held,
        off=off,
        begins=None if held is None else held.begins.astimezone(zone),
        ends=None if held is None else held.ends.astimezone(zone),
        join=join_address(visit, account, held),
        host=_host_address(visit, account, held),
        soon=held is not None and visit.now < held.begins,
        dates=_dates(found, visit, zone),
        zone=zone,
        weekdays=[WEEKDAYS[number] for number in _weekdays(found)],
        calls=bool(visit.services.config.clients.calls),
    )


async def gathering_of(request: web.Request, visit: Visit, account: Account) -> Days | None:
    """The one of the address, if they may see it."""
    return await visit.services.schedules.one(account, request.match_info["gathering_id"])


def day_of(text: str, otherwise: date) -> date:
    """A day of an address; what is none is `otherwise`. Pure."""
    try:
        found = date.fromisoformat(text)
    except ValueError:
        return otherwise
    return found if 1971 < found.year < 2199 else otherwise


def join_address(visit: Visit, account: Account, held: Held | None) -> str:
    """Where the call or the broadcast is, "" when there is nothing to join now."""
    config = visit.services.config
    if held is None or not config.clients.calls or not held.may_join(visit.now):
        return ""
    planned = held.planned
    if planned.kind is Kind.BROADCAST:
        return f"/broadcasts/{quote(planned.gathering_id.removeprefix(BROADCAST_PREFIX), safe='')}"
    room, server = quote(planned.room_id, safe=""), quote(config.server_name, safe="")
    return f"{config.clients.calls}/room#?roomId={room}&viaServers={server}"


def _host_address(visit: Visit, account: Account, held: Held | None) -> str:
    """For who leads: the page with mute, admit, remove."""
    if held is None or held.planned.kind is Kind.BROADCAST or not held.planned.may_change:
        return ""
    if not join_address(visit, account, held):
        return ""
    return f"{visit.services.config.clients.calls}/host#room={quote(held.planned.room_id, safe='')}"


def _weekdays(found: Days) -> list[int]:
    repeat = found.planned.repeat
    return [] if repeat is None else sorted(repeat.weekdays)


def _dates(found: Days, visit: Visit, zone: ZoneInfo) -> list[tuple[date, bool]]:
    """The next ten days of a series, and whether it is held on each."""
    if found.planned.repeat is None:
        return []
    held = {one.day: one for one in found.held}
    ahead = [day for day in found.days if day not in held or held[day].ends > visit.now]
    today = visit.now.astimezone(zone).date()
    return [(day, day in held) for day in ahead if day in held or day >= today][:10]
