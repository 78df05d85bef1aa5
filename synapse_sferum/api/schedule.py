"""The schedule of a school: who sees what is planned, who plans, changes, calls off (docs/flows/schedule.md).

Rights are the person's: with the service token somebody has to be named, and is judged as if they had asked themselves.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from attrs import evolve

from synapse_sferum.account import rooms_of
from synapse_sferum.api.call import BadField, Call
from synapse_sferum.api.services import Services
from synapse_sferum.api.viewer import viewer
from synapse_sferum.broadcast_rights import WHOLE_SCHOOL
from synapse_sferum.edits import EditRefused, archived, not_found
from synapse_sferum.model import RoomKey, UserId
from synapse_sferum.policy import Party
from synapse_sferum.schedule.book import MOST_OPEN, Planning, Rooms, gathering_id_of
from synapse_sferum.schedule.details import details_json
from synapse_sferum.schedule.rights import (
    ROOM_KINDS,
    Refusal,
    concerns,
    may_change,
    may_plan,
    may_see,
)
from synapse_sferum.schedule.rows import milliseconds
from synapse_sferum.schedule.times import Occurrence, between, midnight, occurrences
from synapse_sferum.schedule.values import (
    USUAL_REMINDERS,
    Gathering,
    Kind,
    Moved,
    Repeat,
    days,
    wrong,
)

#: Days of one question: a school year and its holidays. Occurrences of one answer.
MOST_DAYS, MOST_OCCURRENCES = 400, 5000
_DETAILS = ("title", "place", "note", "begins", "minutes", "repeat", "remind", "online")


async def list_schedule(services: Services, call: Call) -> tuple[int, Any]:
    """What is planned between two days, of what somebody may see or, with `mine=1`, of what is theirs."""
    org, who = await viewer(services, call)
    zone = ZoneInfo(org.timezone)
    since, until = _window(call, zone)
    found, rooms = await services.schedule.window(
        org.org_id, milliseconds(since), milliseconds(until)
    )
    key = _filter(call, rooms)
    mine = call.query.get("mine", "") == "1"
    seen = [one for one in found if key in {None, one.key} and _shown(who, one, rooms, mine=mine)]
    hits = sorted(
        ((hit, one) for one in seen for hit in between(one, zone, since, until)),
        key=lambda pair: (pair[0].begins, pair[1].gathering_id),
    )
    cut = hits[:MOST_OCCURRENCES]
    return 200, {
        "timezone": org.timezone,
        "gatherings": [_gathering_json(one, rooms, who) for one in seen],
        "occurrences": [_occurrence_json(one, hit) for hit, one in cut],
        "cut": len(cut) < len(hits),
    }


async def get_gathering(services: Services, call: Call) -> tuple[int, Any]:
    """One, with all its days."""
    org, who = await viewer(services, call)
    one, rooms = await services.schedule.one(org.org_id, call.params["gathering_id"])
    if one is None or not _shown(who, one, rooms, mine=False):
        raise not_found()
    hits = occurrences(one, ZoneInfo(org.timezone))
    return 200, {
        **_gathering_json(one, rooms, who),
        "timezone": org.timezone,
        "days": [day.isoformat() for day in days(one)],
        "occurrences": [_occurrence_json(one, hit) for hit in hits],
    }


async def list_plannable(services: Services, call: Call) -> tuple[int, Any]:
    """For whom somebody may plan what, the widest first."""
    org, who = await viewer(services, call)
    _, rooms = await services.schedule.window(org.org_id, 0, 0)
    found = []
    for key, (room_id, name) in rooms.items():
        kinds = [kind for kind in Kind if may_plan(who, org.org_id, key, kind) is None]
        if kinds:
            found.append((key, room_id, name, kinds))
    return 200, {
        "rooms": [
            {
                "room_id": room_id,
                "kind": key.kind.value,
                "name": org.name if key == WHOLE_SCHOOL else name,
                "kinds": [kind.value for kind in kinds],
            }
            for key, room_id, name, kinds in sorted(
                found, key=lambda one: (one[0] != WHOLE_SCHOOL, one[2], one[0])
            )
        ]
    }


async def plan_gathering(services: Services, call: Call) -> tuple[int, Any]:
    """Plan something; with the `once` of before it is the one of before."""
    call.only("room_id", "kind", "once", *_DETAILS)
    org, who = await viewer(services, call)
    assert who.account is not None  # viewer said so
    room = await services.facts.managed_room(call.text("room_id", longest=255))
    if room is None or room.org_id != org.org_id:
        raise not_found()
    once = call.text("once", longest=64)
    if len(once) < 8:
        raise BadField("once", "must be 8 to 64 characters that no other form of yours has had")
    kind = _kind(call)
    one = Gathering(
        gathering_id=gathering_id_of(org.org_id, who.account.user_id, once),
        org_id=org.org_id,
        key=room.key,
        kind=kind,
        author=UserId(who.account.user_id),
        **_details(call, kind),
    )
    _check(one)
    made = await _refusing(services.schedule.plan(org, who, one, call.actor.name))
    _, rooms = await services.schedule.one(org.org_id, made.gathering_id)
    return 200, _gathering_json(made, rooms, who)


async def change_gathering(services: Services, call: Call) -> tuple[int, Any]:
    """Other details. Changes of single days stay where those days are left."""
    call.only(*_DETAILS, "reason")

    def edit(before: Gathering) -> Gathering:
        after = evolve(before, **_details(call, before.kind))
        left = set(days(after)) if wrong(evolve(after, changes={})) is None else set()
        return evolve(after, changes={d: c for d, c in before.changes.items() if d in left})

    return await _changed(services, call, edit)


async def change_day(services: Services, call: Call) -> tuple[int, Any]:
    """One day of it: another time, not held, or as usual again."""
    call.only("held", "begins", "minutes", "reason")
    try:
        day = date.fromisoformat(call.params["day"])
    except ValueError:
        raise not_found() from None

    def edit(before: Gathering) -> Gathering:
        if day not in set(days(before)):
            raise not_found()
        changes = {d: c for d, c in before.changes.items() if d != day}
        if not call.flag("held", default=True):
            changes[day] = None
        elif "begins" in call.body:
            instead = Moved(
                begins=_local(call), minutes=call.whole("minutes", default=before.minutes)
            )
            usual = datetime.combine(day, before.begins.time())
            if (instead.begins, instead.minutes) != (usual, before.minutes):
                changes[day] = instead
        return evolve(before, changes=changes)

    return await _changed(services, call, edit)


async def call_off(services: Services, call: Call) -> tuple[int, Any]:
    """All of it is off, for good; its people are told."""
    call.only("reason")
    return await _changed(services, call, lambda before: evolve(before, called_off=True))


async def _changed(
    services: Services, call: Call, edit: Callable[[Gathering], Gathering]
) -> tuple[int, Any]:
    org, who = await viewer(services, call)

    def checked(before: Gathering) -> Gathering:
        if before.called_off:
            raise EditRefused(409, "SFERUM_CALLED_OFF", "this has been called off; plan it anew")
        after = edit(before)
        _check(after)
        return after

    found = call.params["gathering_id"]
    reason = call.text("reason", default="", longest=300)
    after = await _refusing(
        services.schedule.change(org, who, found, checked, call.actor.name, reason)
    )
    _, rooms = await services.schedule.one(org.org_id, after.gathering_id)
    return 200, _gathering_json(after, rooms, who)


async def _refusing(writing: Any) -> Gathering:
    """The answer of the book, its refusals as those of the API."""
    try:
        found: Gathering = await writing
    except Planning as planning:
        raise _refused(planning.refusal) from planning
    return found


def _refused(refusal: Refusal | None) -> EditRefused:
    match refusal:
        case None:
            return EditRefused(
                409, "SFERUM_TOO_MANY", f"a school plans at most {MOST_OPEN} at one time"
            )
        case Refusal.NOT_FOUND:
            return not_found()
        case Refusal.ARCHIVED:
            return archived()
        case Refusal.ROOM_KIND:
            return EditRefused(400, "M_INVALID_PARAM", "nothing of this kind is for these people")
        case Refusal.ELSEWHERE:
            return EditRefused(400, "M_INVALID_PARAM", "broadcasts are planned at their own desk")
        case Refusal.NOT_THEIRS:
            return EditRefused(403, "M_FORBIDDEN", "this is for the class teacher and the heads")


def _shown(who: Party, one: Gathering, rooms: Rooms, *, mine: bool) -> bool:
    archived = one.key not in rooms
    if mine:
        return not archived and concerns(who, one.key)
    return may_see(who, one.org_id, one.key, archived=archived)


def _window(call: Call, zone: ZoneInfo) -> tuple[datetime, datetime]:
    since, until = _day(call, "since"), _day(call, "until")
    if not timedelta(0) < until - since <= timedelta(days=MOST_DAYS):
        raise BadField("until", f"must be 1 to {MOST_DAYS} days after since")
    return midnight(since, zone), midnight(until, zone)


def _day(call: Call, field: str) -> date:
    try:
        found = date.fromisoformat(call.query.get(field, ""))
    except ValueError:
        raise BadField(field, "must be a day such as 2026-09-01") from None
    if not 1970 < found.year < 2200:
        raise BadField(field, "must be a day such as 2026-09-01")
    return found


def _filter(call: Call, rooms: Rooms) -> RoomKey | None:
    room_id = call.query.get("room_id", "")
    if not room_id:
        return None
    found = next((key for key, (known, _) in rooms.items() if known == room_id), None)
    if found is None:
        raise not_found()
    return found


def _check(one: Gathering) -> None:
    found = wrong(one)
    if found is not None:
        raise BadField(found.field, f"cannot be so: {found.value}")


def _details(call: Call, kind: Kind) -> dict[str, Any]:
    return {
        "title": " ".join(call.text("title").split()),
        "place": " ".join(call.text("place", default="").split()),
        "note": call.text("note", default="", longest=2000).strip(),
        "begins": _local(call),
        "minutes": call.whole("minutes"),
        "repeat": _repeat(call),
        "remind": _remind(call, kind),
        "online": call.flag("online", default=True),
    }


def _kind(call: Call) -> Kind:
    try:
        return Kind(call.text("kind", longest=20))
    except ValueError:
        planned = [kind.value for kind in ROOM_KINDS if kind is not Kind.BROADCAST]
        raise BadField("kind", f"must be one of {', '.join(planned)}") from None


def _local(call: Call) -> datetime:
    text = call.text("begins", longest=30)
    try:
        found = datetime.strptime(text, "%Y-%m-%dT%H:%M")  # noqa: DTZ007 - the school's wall clock
    except ValueError:
        raise BadField("begins", "must be the school's time, such as 2026-09-01T08:30") from None
    if not 1970 < found.year < 2200:
        raise BadField("begins", "must be a time of these years")
    return found


def _repeat(call: Call) -> Repeat | None:
    raw = call.body.get("repeat")
    if raw is None:
        return None
    if not isinstance(raw, Mapping) or not set(raw) <= {"weekdays", "until", "every_weeks"}:
        raise BadField("repeat", "must be {weekdays, until, every_weeks?} or null")
    weekdays, until, every = raw.get("weekdays"), raw.get("until"), raw.get("every_weeks", 1)
    if (
        not isinstance(weekdays, list)
        or len(weekdays) > 7
        or not all(_whole(one) for one in weekdays)
        or not _whole(every)
    ):
        raise BadField("repeat", "weekdays are numbers, 0 is Monday; every_weeks is one too")
    try:
        last = date.fromisoformat(until if isinstance(until, str) else "")
    except ValueError:
        raise BadField("repeat", "until must be a day such as 2027-05-25") from None
    return Repeat(weekdays=frozenset(weekdays), until=last, every_weeks=every)


def _remind(call: Call, kind: Kind) -> tuple[int, ...]:
    raw = call.body.get("remind")
    if raw is None:
        return USUAL_REMINDERS[kind]
    if not isinstance(raw, list) or len(raw) > 10 or not all(_whole(one) for one in raw):
        raise BadField("remind", "must be a list of minutes, or null for the usual ones")
    return tuple(sorted(set(raw), reverse=True))


def _whole(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _gathering_json(one: Gathering, rooms: Rooms, who: Party) -> dict[str, Any]:
    room_id, name = rooms.get(one.key, ("", ""))
    archived, account = one.key not in rooms, who.account
    return {
        "gathering_id": one.gathering_id,
        "kind": one.kind.value,
        "room_id": room_id,
        "room_kind": one.key.kind.value,
        "room_name": name,
        "author": one.author,
        "called_off": one.called_off,
        "sequence": one.sequence,
        "may_change": may_change(who, one, archived=archived) is None,
        "member": not archived and account is not None and one.key in rooms_of(account),
        **details_json(one),
    }


def _occurrence_json(one: Gathering, hit: Occurrence) -> dict[str, Any]:
    return {
        "gathering_id": one.gathering_id,
        "day": hit.day.isoformat(),
        "begins_at": milliseconds(hit.begins),
        "ends_at": milliseconds(hit.ends),
        "moved": hit.moved,
    }
