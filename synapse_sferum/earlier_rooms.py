"""Names and links of rooms that have been: of which year an archive is, where a new room's people are from. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import quote

from attrs import frozen

from synapse_sferum.model import ClassId, SchoolClass

#: Characters of the topic: the twenty classes of a village school that became one fit.
LONGEST_TOPIC = 4000


@frozen
class EarlierRoom:
    """A room that can only be read now."""

    name: str
    room_id: str


def archive_name(name: str, class_: SchoolClass | None) -> str:
    """`9А` → `9А · 2026/2027` once the class is closed: the next class of that name has a room too."""
    return name if class_ is None or class_.open else f"{name} · {class_.session}"


def earlier_rooms_topic(rooms: Sequence[EarlierRoom], server_name: str) -> str:
    """The new room's topic, with a link to each earlier room; "" for none (R36). Russian: people see it."""
    if not rooms:
        return ""
    links = [
        f"{room.name} https://matrix.to/#/{quote(room.room_id, safe='!:')}?via={server_name}"
        for room in rooms
    ]
    return ("Прежние чаты (можно читать): " + " · ".join(links))[:LONGEST_TOPIC]


def reads_nothing(class_: SchoolClass, school_year: str) -> bool:
    """Whether the rooms of a closed class are of a year that has been taken back (R37): nobody is left in them."""
    return bool(school_year) and class_.session > school_year


def earlier_of(class_: SchoolClass | None) -> tuple[ClassId, ...]:
    """The classes that this one was made of."""
    return () if class_ is None else class_.came_from
