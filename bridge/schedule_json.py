"""JSON of docs/contracts.md §2 (schedule) → the values of `bridge.schedule`. Pure."""

from __future__ import annotations

from datetime import datetime

from bridge.schedule import Audience, Days, Held, Kind, Planned, Schedule, Weekly
from serving.json_object import BadJson, JsonObject


def schedule(found: JsonObject) -> Schedule:
    """An answer about a window."""
    known = {one.gathering_id: one for one in map(planned, found.objects("gatherings"))}
    return Schedule(
        held=tuple(_held(one, known) for one in found.objects("occurrences")),
        cut=found.flag("cut"),
    )


def days(found: JsonObject) -> Days:
    """An answer about one gathering."""
    one = planned(found)
    return Days(
        planned=one,
        days=tuple(found.days("days")),
        held=tuple(_held(hit, {one.gathering_id: one}) for hit in found.objects("occurrences")),
    )


def planned(found: JsonObject) -> Planned:
    repeat = found.raw.get("repeat")
    return Planned(
        gathering_id=found.text("gathering_id"),
        kind=found.word("kind", Kind),
        room_id=found.text("room_id"),
        room_kind=found.text("room_kind"),
        room_name=found.text("room_name"),
        title=found.text("title"),
        place=found.text("place"),
        note=found.text("note"),
        begins=_local(found.text("begins")),
        minutes=found.number("minutes"),
        repeat=None if repeat is None else _weekly(found.object("repeat")),
        off=tuple(
            one.day("day") for one in found.objects("changes") if one.text_or_none("begins") is None
        ),
        remind=tuple(found.numbers("remind")),
        online=found.flag("online"),
        link=found.text("link"),
        called_off=found.flag("called_off"),
        sequence=found.number("sequence"),
        may_change=found.flag("may_change"),
        member=found.flag("member"),
    )


def audience(found: JsonObject) -> Audience:
    return Audience(
        room_id=found.text("room_id"),
        kind=found.text("kind"),
        name=found.text("name"),
        kinds=tuple(found.words("kinds", Kind)),
    )


def _held(found: JsonObject, known: dict[str, Planned]) -> Held:
    one = known.get(found.text("gathering_id"))
    if one is None:
        raise BadJson("gathering_id")
    return Held(
        planned=one,
        day=found.day("day"),
        begins=found.instant("begins_at"),
        ends=found.instant("ends_at"),
        moved=found.flag("moved"),
    )


def _weekly(found: JsonObject) -> Weekly:
    return Weekly(
        weekdays=frozenset(found.numbers("weekdays")),
        until=found.day("until"),
        every_weeks=found.number("every_weeks"),
    )


def _local(text: str) -> datetime:
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise BadJson("begins") from None
    if found.tzinfo is not None:
        raise BadJson("begins")
    return found
