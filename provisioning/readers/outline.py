"""What a table looks like to somebody who has to say which column is which. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from attrs import field, frozen

from provisioning.names import clean, fold
from provisioning.readers.headings import FIELDS, field_of
from provisioning.readers.mapping import ColumnMapping
from provisioning.readers.positions import roles_of
from provisioning.readers.sheet import (
    HEADING_SEARCH,
    field_meant,
    group_of,
    heading_row_of,
    headings_in,
)
from provisioning.readers.table import Row, Table
from provisioning.roster import Group

MOST_POSITIONS = 60
LONGEST_POSITION = 100


@frozen
class Outline:
    """Attributes:
    file: as problems name it.
    headings: not empty ones, each once, in the file's order.
    group: whose list it is, if the headings tell.
    positions: of a list of staff: positions that tell no rights, as they stand in the file.
    """

    file: str
    headings: tuple[str, ...] = field(repr=False)
    group: Group | None
    positions: tuple[str, ...] = field(default=(), repr=False)
    _mapping: ColumnMapping = field(factory=ColumnMapping, repr=False)

    def chosen(self, group: Group) -> dict[str, str]:
        """field → heading as it is understood now, for a list of `group`."""
        found: dict[str, str] = {}
        for heading in self.headings:
            name = field_meant(heading, group, self._mapping)
            if name is not None:
                found.setdefault(name, heading)
        return found


def outline(table: Table, mapping: ColumnMapping) -> Outline:
    """Headings of a table, or what stands where they should be."""
    row = heading_row_of(table, mapping) or _first_full_row(table)
    headings = [] if row is None else headings_in(row)
    group = group_of(headings, mapping)
    unknown: tuple[str, ...] = ()
    if row is not None and group is Group.STAFF:
        unknown = _unknown_positions(table, row, headings, mapping)
    named = tuple(dict.fromkeys(heading for heading in headings if heading))
    return Outline(table.file, named, group, unknown, mapping)


def needed(group: Group, headings: Sequence[str], chosen: dict[str, str]) -> dict[str, str]:
    """Of a person's choice only what the headings do not say by themselves: the rest goes on working elsewhere."""
    kept: dict[str, str] = {}
    for name in FIELDS[group]:
        plain = [heading for heading in headings if field_of(heading, group) == name]
        if name in chosen and plain != [chosen[name]]:
            kept[name] = chosen[name]
    return kept


def _first_full_row(table: Table) -> Row | None:
    """Where headings would be: the first row with three cells in it; of two, when none has three."""
    filled = [row for row in table.rows if not row.is_blank()][:HEADING_SEARCH]
    for wanted in (3, 2):
        for row in filled:
            if sum(bool(cell.strip()) for cell in row.cells) >= wanted:
                return row
    return None


def _unknown_positions(
    table: Table, heading_row: Row, headings: Sequence[str], mapping: ColumnMapping
) -> tuple[str, ...]:
    columns = [
        index
        for index, heading in enumerate(headings)
        if heading and field_meant(heading, Group.STAFF, mapping) == "position"
    ]
    if not columns:
        return ()
    found: dict[str, str] = {}
    for row in table.rows:
        if row.number <= heading_row.number or columns[0] >= len(row.cells):
            continue
        position = clean(row.cells[columns[0]])
        if position and roles_of(position, mapping.positions) is None:
            found.setdefault(fold(position), position[:LONGEST_POSITION])
    return tuple(list(found.values())[:MOST_POSITIONS])
