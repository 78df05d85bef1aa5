"""What a room is told of a gathering. Pure.

Rooms are Russian, as their names are; `org.sferum.gathering` in each message says the same to programs. Only a
reminder's words depend on the day they are written, and it is never written again: a second look finds the same text.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import date, datetime
from html import escape
from typing import Any
from zoneinfo import ZoneInfo

from attrs import frozen

from synapse_sferum.events import GATHERING
from synapse_sferum.schedule.telling import Post, PostKey, Say
from synapse_sferum.schedule.times import instant
from synapse_sferum.schedule.values import Gathering, Kind, Repeat

_MONTHS = (
    *("января", "февраля", "марта", "апреля", "мая", "июня"),
    *("июля", "августа", "сентября", "октября", "ноября", "декабря"),
)
#: On which days, dative plural: «по средам».
_ON = ("понедельникам", "вторникам", "средам", "четвергам", "пятницам", "субботам", "воскресеньям")
_NAMES: Mapping[Kind, str] = {
    Kind.LESSON: "Урок",
    Kind.CLASS_HOUR: "Классный час",
    Kind.PARENTS_MEETING: "Родительское собрание",
    Kind.MEETING: "Встреча",
    Kind.BROADCAST: "Трансляция",
}
_EVERY = {2: "каждую вторую неделю", 3: "каждую третью неделю", 4: "каждую четвёртую неделю"}


@frozen(kw_only=True)
class Told:
    """A gathering as a room is told of it.

    Attributes:
        page: where the bridge shows it and lets people join, "" where there are no pages.
        today: the school's date.
    """

    gathering: Gathering
    zone: ZoneInfo
    page: str
    today: date


def message(told: Told, say: Say) -> dict[str, Any]:
    """The content of one message."""
    lead, rest = _sentence(told, say)
    body = f"{lead}{rest}"
    html = f"<strong>{escape(lead)}</strong>{escape(rest)}"
    link = _link(told, say)
    if link:
        body += f"\n{link}"
        html += f'<br><a href="{escape(link)}">{escape(link)}</a>'
    return {
        "msgtype": "m.text",
        "body": body,
        "format": "org.matrix.custom.html",
        "formatted_body": html.replace("\n", "<br>"),
        "m.mentions": {},
        GATHERING: _about(told, say, link),
    }


def edit(told: Told, say: Say, event_id: str) -> dict[str, Any]:
    """The same in the place of an earlier message."""
    now = message(told, say)
    return {
        **now,
        "body": f"* {now['body']}",
        "formatted_body": f"* {now['formatted_body']}",
        "m.new_content": now,
        "m.relates_to": {"rel_type": "m.replace", "event_id": event_id},
    }


def says(told: Told, say: Say) -> str:
    """The same for equal messages: what is there already is not written again."""
    return hashlib.sha256(str(message(told, say)["body"]).encode()).hexdigest()


def _about(told: Told, say: Say, link: str) -> dict[str, Any]:
    one = told.gathering
    about: dict[str, Any] = {
        "id": one.gathering_id,
        "post": say.key.post.value,
        "kind": one.kind.value,
        "title": one.title,
        "called_off": one.called_off,
    }
    if say.key.day is not None:
        about["day"] = say.key.day.isoformat()
        about["held"] = say.occurrence is not None
    if say.key.slot:
        about["slot"] = say.key.slot
    if say.occurrence is not None:
        about["begins_at"] = _milliseconds(say.occurrence.begins)
        about["ends_at"] = _milliseconds(say.occurrence.ends)
    elif one.repeat is None:
        about["begins_at"] = _milliseconds(instant(one.begins, told.zone))
    if link:
        about["link"] = link
    return about


def key_of(about: Mapping[str, Any]) -> PostKey | None:
    """Which message `org.sferum.gathering` of a room is; None: of none that this code writes."""
    day, slot = about.get("day", ""), about.get("slot", "")
    try:
        return PostKey(
            post=Post(about.get("post")),
            day=date.fromisoformat(day) if day else None,
            slot=str(slot),
        )
    except (ValueError, TypeError):
        return None


def _milliseconds(at: datetime) -> int:
    return int(at.timestamp() * 1000)


def _link(told: Told, say: Say) -> str:
    one = told.gathering
    if not told.page or one.called_off or (say.key.day is not None and say.occurrence is None):
        return ""
    day = "" if say.key.day is None or one.repeat is None else f"?day={say.key.day.isoformat()}"
    return f"{told.page}/{one.gathering_id}{day}"


def _sentence(told: Told, say: Say) -> tuple[str, str]:
    one = told.gathering
    name = f"{_NAMES[one.kind]} «{one.title}»"
    match say.key.post:
        case Post.CALLED_OFF:
            return "Отменено: ", f"{name}, {_when_planned(one)}."
        case Post.PLANNED if one.called_off:
            return f"{name} — отменено", f": {_when_planned(one)}."
        case Post.PLANNED:
            return name, f" — {_when_planned(one)}{_where(one)}.{_note(one)}"
        case Post.REMINDER:
            assert say.occurrence is not None
            at = say.occurrence.begins.astimezone(told.zone)
            return f"{_day_word(at.date(), told.today)} в {at:%H:%M}: ", f"{name}{_where(one)}."
        case Post.CHANGED:
            return _changed(told, say, name)


def _changed(told: Told, say: Say, name: str) -> tuple[str, str]:
    one, day = told.gathering, say.key.day
    assert day is not None
    if say.occurrence is None:
        return "Не состоится: ", f"{name} {_date(day)} в {one.begins:%H:%M}."
    at = say.occurrence.begins.astimezone(told.zone)
    if say.restored:
        return "Как обычно: ", f"{name} {_date(at.date())} в {at:%H:%M}{_where(one)}."
    where = _where(one)
    if at.date() == day:
        return (
            "Другое время: ",
            f"{name} {_date(day)} в {at:%H:%M}, не в {one.begins:%H:%M}{where}.",
        )
    return "Перенесено: ", f"{name} с {_date(day)} на {_date(at.date())}, {at:%H:%M}{where}."


def _when_planned(one: Gathering) -> str:
    if one.repeat is None:
        return f"{_date(one.begins.date())} в {one.begins:%H:%M}"
    return f"{_weekly(one.repeat)} в {one.begins:%H:%M}, с {_date(one.begins.date())} по {_date(one.repeat.until)}"


def _weekly(repeat: Repeat) -> str:
    names = [_ON[weekday] for weekday in sorted(repeat.weekdays)]
    listed = names[0] if len(names) == 1 else f"{', '.join(names[:-1])} и {names[-1]}"
    every = _EVERY.get(repeat.every_weeks, "")
    return f"по {listed}{f' ({every})' if every else ''}"


def _where(one: Gathering) -> str:
    return f", {one.place}" if one.place else ""


def _note(one: Gathering) -> str:
    return f"\n{one.note}" if one.note else ""


def _date(day: date) -> str:
    return f"{day.day} {_MONTHS[day.month - 1]}"


def _day_word(day: date, today: date) -> str:
    away = (day - today).days
    return {0: "Сегодня", 1: "Завтра"}.get(away, _date(day))
