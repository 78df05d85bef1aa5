"""Table → Sheet: whose list it is and which column is which. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from attrs import field, frozen

from provisioning.names import clean
from provisioning.problem import Place, Problem
from provisioning.readers.headings import (
    FIELDS,
    REQUIRED,
    TELLING,
    field_of,
    is_known,
    normal,
    preferred,
    shown,
)
from provisioning.readers.mapping import SECTION_OF, ColumnMapping
from provisioning.readers.table import Row, Table
from provisioning.roster import Group

HEADING_SEARCH = 20  # rows of titles that may stand above the headings


@frozen
class Sheet:
    """A list whose columns are known.

    Attributes:
        columns: field → index of its column.
        headings: field → heading as it stands in the file.
        rows: rows below the headings, blank ones left out.
        width: number of headings.
    """

    file: str
    group: Group
    columns: Mapping[str, int]
    headings: Mapping[str, str]
    rows: tuple[Row, ...] = field(repr=False)
    width: int


def recognise(
    table: Table, stated: Group | None, mapping: ColumnMapping
) -> tuple[Sheet | None, list[Problem]]:
    """Find the headings, the kind of list and its columns; None with what prevents it."""
    heading_row = heading_row_of(table, mapping)
    if heading_row is None:
        return None, [Problem("no_headings", Place(table.file))]
    headings = headings_in(heading_row)
    place = Place(table.file, heading_row.number)
    group = stated or group_of(headings, mapping)
    if group is None:
        return None, [Problem("kind_unclear", place, {"headings": shown(headings)})]
    columns, problems = _columns(place, headings, group, mapping)
    problems += _missing(place, headings, group, columns)
    if any(p.severity.value == "error" for p in problems):
        return None, problems
    rows = tuple(r for r in table.rows if r.number > heading_row.number and not r.is_blank())
    if not rows:
        return None, [*problems, Problem("list_empty", place)]
    named = {name: headings[index] for name, index in columns.items()}
    return Sheet(table.file, group, columns, named, rows, len(headings)), problems


def headings_in(row: Row) -> list[str]:
    """The headings of a row, without empty ones at its end."""
    headings = [clean(cell) for cell in row.cells]
    while headings and not headings[-1]:
        headings.pop()
    return headings


def heading_row_of(table: Table, mapping: ColumnMapping) -> Row | None:
    """The first row with two or more known headings: titles may stand above it."""
    own = {normal(h) for columns in mapping.columns.values() for h in columns.values()}
    filled = [row for row in table.rows if not row.is_blank()]
    for row in filled[:HEADING_SEARCH]:
        words = {normal(cell) for cell in row.cells if cell.strip()}
        if len({word for word in words if word in own or is_known(word)}) >= 2:
            return row
    return None


def group_of(headings: list[str], mapping: ColumnMapping) -> Group | None:
    """Whose list: by the columns only one kind of list has. None when none or several fit."""
    fitting = [
        group
        for group, telling in TELLING
        if telling <= {field_meant(heading, group, mapping) for heading in headings if heading}
    ]
    fitting = list(dict.fromkeys(fitting))
    if fitting == [Group.STAFF, Group.STUDENT]:
        return Group.STAFF  # «Класс» in a list with positions
    if fitting == [Group.GUARDIAN, Group.STUDENT]:
        return Group.GUARDIAN  # the child's class beside the child's id
    return fitting[0] if len(fitting) == 1 else None


def field_meant(heading: str, group: Group, mapping: ColumnMapping) -> str | None:
    """The field of a heading: the school's mapping first; a mapped field has no other heading."""
    own = mapping.columns.get(group, {})
    for name, mapped in own.items():
        if normal(mapped) == normal(heading):
            return name
    known = field_of(heading, group)
    return None if known in own else known


def _columns(
    place: Place, headings: list[str], group: Group, mapping: ColumnMapping
) -> tuple[dict[str, int], list[Problem]]:
    columns: dict[str, int] = {}
    problems: list[Problem] = []
    for index, heading in enumerate(headings):
        name = field_meant(heading, group, mapping) if heading else None
        if name is None:
            if heading and not is_known(heading):
                problems.append(Problem("column_ignored", place.at(shown([heading]).strip("«»"))))
        elif name in columns:
            details = {"first": headings[columns[name]], "second": heading}
            problems.append(Problem("heading_twice", place, details))
        else:
            columns[name] = index
    for name, wanted in mapping.columns.get(group, {}).items():
        if name not in columns:
            details = {"wanted": wanted, "headings": shown(headings)}
            problems.append(Problem("mapped_heading_missing", place, details))
    return columns, problems


def _missing(
    place: Place, headings: list[str], group: Group, columns: Mapping[str, int]
) -> list[Problem]:
    """Columns without which the list is of no use."""
    details = {"kind": SECTION_OF[group], "headings": shown(headings)}
    problems: list[Problem] = []
    if "id" not in columns:
        problems.append(Problem("id_column_missing", place, details))
    wanted = [name for name in REQUIRED[group] if name not in columns]
    if "grade" in columns and "letter" in columns:
        wanted = [name for name in wanted if name != "class"]
    if "full_name" not in columns:
        if "family_name" not in columns and "given_name" not in columns:
            wanted.append("full_name")
        else:
            wanted += [name for name in ("family_name", "given_name") if name not in columns]
    problems += [
        Problem("column_missing", place, {**details, "wanted": preferred(group, n), "field": n})
        for n in wanted
        if n in FIELDS[group]
    ]
    if group is Group.STUDENT and "birth_date" not in columns:
        problems.append(Problem("birth_dates_absent", place))
    return problems
