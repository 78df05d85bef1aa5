"""Who was in a call, as a file that a Russian Excel opens by a double click (R45). Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, tzinfo
from zoneinfo import ZoneInfo

from attrs import field, frozen

from media.pages.registers import Register
from media.room.attendance import to_csv
from media.room.model import Person

#: Columns of `attendance.to_csv`.
TITLES: Mapping[str, tuple[str, ...]] = {
    "ru": ("Участник", "Пришёл", "Ушёл", "Минут", "Секунд", "Сколько раз входил"),
    "en": ("Participant", "Came", "Left", "Minutes", "Seconds", "Times joined"),
}
#: Characters of a name that is written down; profiles have fewer.
LONGEST_NAME = 256


class BadRequest(ValueError):
    """The question is not of the agreed form; the message names the field."""


@frozen(kw_only=True)
class Wanted:
    """A register as the page asks for it: names and time zone are the browser's."""

    call_id: str
    titles: tuple[str, ...]
    zone: tzinfo
    names: Mapping[Person, str] = field(repr=False)


def request_of(raw: Mapping[str, object]) -> Wanted:
    """`{"call", "lang"?, "zone"?, "names"?}`. A zone that this machine does not know is UTC.

    Raises:
        BadRequest: names the field.
    """
    call_id, lang, zone = raw.get("call"), raw.get("lang", "ru"), raw.get("zone", "UTC")
    names = raw.get("names", {})
    if not isinstance(call_id, str):
        raise BadRequest("call")
    if not isinstance(lang, str) or lang not in TITLES:
        raise BadRequest("lang")
    if not isinstance(zone, str):
        raise BadRequest("zone")
    if not isinstance(names, dict) or not all(isinstance(one, str) for one in names.values()):
        raise BadRequest("names")
    return Wanted(
        call_id=call_id,
        titles=TITLES[lang],
        zone=_zone(zone),
        names={Person(who): name[:LONGEST_NAME] for who, name in names.items() if name},
    )


def file_of(register: Register, wanted: Wanted) -> bytes:
    """With a byte order mark: without it, Excel reads Russian letters as another alphabet."""
    return to_csv(register.rows, wanted.names, wanted.zone, wanted.titles).encode("utf-8-sig")


def _zone(name: str) -> tzinfo:
    try:
        return ZoneInfo(name)
    except (ValueError, KeyError, OSError):
        return UTC
