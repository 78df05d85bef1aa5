"""Who was in the call, from when to when (R45). Pure."""

from __future__ import annotations

import csv
import io
from collections.abc import Collection, Iterable, Mapping
from datetime import datetime, tzinfo

from attrs import Factory, define, field, frozen

from media.room.model import Person

#: Seconds of absence that are no leaving: Element Call comes to look first, and a moment later to stay (calls.md §5.3).
CHANGE_S = 5.0


@frozen(kw_only=True)
class Row:
    """One person in one call. Times are seconds since 1970; `seconds` counts presence, gaps are not in it."""

    person: Person = field(repr=False)
    joined_at: float
    left_at: float | None  # None: still there
    seconds: float
    times: int = 1  # how often they came


@define
class _Stay:
    first: float
    connections: int = 0
    since: float = 0.0
    last: float | None = None
    seconds: float = 0.0
    times: int = 0


@define
class Attendance:
    """Presence of persons over all their connections: two devices at once count once."""

    _stays: dict[Person, _Stay] = Factory(dict)

    def came(self, person: Person, at: float) -> None:
        """A connection of theirs is in."""
        stay = self._stays.setdefault(person, _Stay(first=at))
        if stay.connections == 0:
            stay.since = at
            if stay.last is None or at - stay.last > CHANGE_S:
                stay.times += 1
        stay.connections += 1

    def went(self, person: Person, at: float) -> None:
        """A connection of theirs is out."""
        stay = self._stays.get(person)
        if stay is None or stay.connections == 0:
            return
        stay.connections -= 1
        if not stay.connections:
            stay.seconds += at - stay.since
            stay.last = at

    def rows(self, at: float) -> tuple[Row, ...]:
        """Everyone, in the order in which they first came."""
        return tuple(self._row(person, stay, at) for person, stay in self._stays.items())

    @staticmethod
    def _row(person: Person, stay: _Stay, at: float) -> Row:
        present = stay.connections > 0
        return Row(
            person=person,
            joined_at=stay.first,
            left_at=None if present else stay.last,
            seconds=stay.seconds + (at - stay.since if present else 0.0),
            times=stay.times,
        )


def to_csv(
    rows: Iterable[Row], names: Mapping[Person, str], zone: tzinfo, titles: Collection[str]
) -> str:
    """The list for a spreadsheet: name, first join, last leave, minutes (rounded), whole seconds, how often.

    `;` and CRLF, as a Russian Excel reads them. A cell that a spreadsheet would take for a formula gets an apostrophe.
    """
    out = io.StringIO()
    writer = csv.writer(out, delimiter=";", lineterminator="\r\n")
    writer.writerow(titles)
    for row in rows:
        writer.writerow(
            [
                _cell(names.get(row.person, row.person)),
                _clock(row.joined_at, zone),
                "" if row.left_at is None else _clock(row.left_at, zone),
                int(row.seconds / 60 + 0.5),
                int(row.seconds),
                row.times,
            ]
        )
    return out.getvalue()


def _clock(at: float, zone: tzinfo) -> str:
    return datetime.fromtimestamp(at, zone).strftime("%Y-%m-%d %H:%M:%S")


def _cell(text: str) -> str:
    return f"'{text}" if text[:1] in {"=", "+", "-", "@", "\t", "\r"} else text
