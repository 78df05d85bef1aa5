"""A gathering's details as JSON: in the table and on the wire (docs/contracts.md). Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

from synapse_sferum.schedule.values import Gathering, Moved, Repeat


def details_json(one: Gathering) -> dict[str, Any]:
    """What is planned; who planned it, for whom and whether it is called off stand beside it."""
    return {
        "title": one.title,
        "place": one.place,
        "note": one.note,
        "begins": local_text(one.begins),
        "minutes": one.minutes,
        "repeat": None if one.repeat is None else _repeat_json(one.repeat),
        "changes": [_change_json(day, one.changes[day]) for day in sorted(one.changes)],
        "remind": list(one.remind),
        "online": one.online,
        "link": one.link,
    }


def details_text(one: Gathering) -> str:
    """The same for a column."""
    return json.dumps(details_json(one), ensure_ascii=False, separators=(",", ":"))


def details_from(text: str) -> dict[str, Any]:
    """Fields of a `Gathering` from what `details_text` wrote."""
    raw = json.loads(text)
    repeat = raw["repeat"]
    return {
        "title": raw["title"],
        "place": raw["place"],
        "note": raw["note"],
        "begins": datetime.fromisoformat(raw["begins"]),
        "minutes": raw["minutes"],
        "repeat": None if repeat is None else _repeat_from(repeat),
        "changes": dict(_change_from(one) for one in raw["changes"]),
        "remind": tuple(raw["remind"]),
        "online": raw["online"],
        "link": raw["link"],
    }


def local_text(local: datetime) -> str:
    """`2026-09-01T08:30` of the school's clock."""
    return local.isoformat(timespec="minutes")


def _repeat_json(repeat: Repeat) -> dict[str, Any]:
    return {
        "weekdays": sorted(repeat.weekdays),
        "until": repeat.until.isoformat(),
        "every_weeks": repeat.every_weeks,
    }


def _repeat_from(raw: Mapping[str, Any]) -> Repeat:
    return Repeat(
        weekdays=frozenset(raw["weekdays"]),
        until=date.fromisoformat(raw["until"]),
        every_weeks=raw["every_weeks"],
    )


def _change_json(day: date, instead: Moved | None) -> dict[str, Any]:
    return {
        "day": day.isoformat(),
        "begins": None if instead is None else local_text(instead.begins),
        "minutes": None if instead is None else instead.minutes,
    }


def _change_from(raw: Mapping[str, Any]) -> tuple[date, Moved | None]:
    if raw["begins"] is None:
        return date.fromisoformat(raw["day"]), None
    begins = datetime.fromisoformat(raw["begins"])
    return date.fromisoformat(raw["day"]), Moved(begins=begins, minutes=raw["minutes"])
