"""Rows of a recognised sheet → records. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from provisioning.class_name import ParsedClass
from provisioning.problem import Place, Problem
from provisioning.readers.cells import Cells
from provisioning.readers.positions import roles_of
from provisioning.readers.sheet import Sheet
from provisioning.readers.table import Row
from provisioning.records import ClassRef, Record
from provisioning.roster import Group, Role


def read_rows(
    sheet: Sheet, positions: Mapping[str, frozenset[Role]]
) -> tuple[list[Record], list[Problem]]:
    """Every row's record, and every problem of every row.

    A row with a bad cell still gives a record if its id is sound: its other cells are checked too,
    and nobody is told that a child is missing because the child's phone is bad.
    """
    records: list[Record] = []
    problems: list[Problem] = []
    for row in sheet.rows:
        place = Place(sheet.file, row.number)
        if any(cell.strip() for cell in row.cells[sheet.width :]):
            problems.append(Problem("row_too_long", place))
            continue
        cells = Cells(place, sheet.headings, _values(sheet, row))
        record = _record(cells, sheet.group, positions)
        problems += cells.problems
        if record is not None:
            records.append(record)
    return records, problems


def _values(sheet: Sheet, row: Row) -> dict[str, str]:
    return {n: row.cells[i] for n, i in sheet.columns.items() if i < len(row.cells)}


def _record(cells: Cells, group: Group, positions: Mapping[str, frozenset[Role]]) -> Record | None:
    source_id = cells.identity()
    family_name, given_name, middle_name = cells.names()
    birth_date, phone, email = cells.birth_date(), cells.phone(), cells.email()
    roles: frozenset[Role] | None
    classes: list[ParsedClass] = []
    children: tuple[str, ...] = ()
    relation = ""
    subjects: tuple[str, ...] = ()
    match group:
        case Group.STUDENT:
            roles = frozenset({Role.STUDENT})
            pupil_class = cells.pupil_class()
            classes = [pupil_class] if pupil_class else []
        case Group.STAFF:
            roles = _staff_roles(cells, positions)
            classes, subjects = cells.homerooms(), cells.subjects()
        case Group.GUARDIAN:
            roles = frozenset({Role.GUARDIAN})
            children, relation = cells.children(), cells.relation()
    if not source_id or roles is None:
        return None
    return Record(
        place=cells.place,
        group=group,
        source_id=source_id,
        family_name=family_name,
        given_name=given_name,
        middle_name=middle_name,
        birth_date=birth_date,
        roles=roles,
        classes=tuple(ClassRef(c.name, c.name, c.grade) for c in classes),
        children=children,
        relation=relation,
        subjects=subjects,
        phone=phone,
        email=email,
        headings=cells.headings,
    )


def _staff_roles(cells: Cells, positions: Mapping[str, frozenset[Role]]) -> frozenset[Role] | None:
    """Roles by position; none when it is unknown (reported); None: left out by the school's mapping."""
    before = len(cells.problems)
    position = cells.text("position")
    if not position:
        if len(cells.problems) == before:
            cells.report("position_empty", "position")
        return frozenset()
    roles = roles_of(position, positions)
    if roles is None:
        cells.report("position_unknown", "position")
        return frozenset()
    return roles or None
