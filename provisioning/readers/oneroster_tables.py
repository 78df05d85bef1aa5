"""The CSV files of a OneRoster archive, checked against its manifest. Pure.

Source: 1EdTech OneRoster 1.2 CSV binding, and 1.1 where it differs. Only `bulk` files are taken.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from attrs import define, field, frozen

from provisioning.problem import Place, Problem
from provisioning.readers.archive import Archive, DamagedArchive
from provisioning.readers.csv_table import read_csv
from provisioning.readers.table import Table

MANIFEST = "manifest.csv"
VERSIONS = ("1.1", "1.2")
#: file → columns without which it is of no use
NEEDED: dict[str, tuple[str, ...]] = {
    "orgs": ("sourcedId", "name", "type"),
    "users": ("sourcedId", "givenName", "familyName"),
    "classes": ("sourcedId", "title", "classType"),
    "enrollments": ("classSourcedId", "userSourcedId", "role"),
    "roles": ("userSourcedId", "role"),
    "demographics": ("sourcedId", "birthDate"),
    "academicSessions": ("sourcedId", "type"),
}
OPTIONAL = frozenset({"demographics", "academicSessions", "orgs"})


@frozen
class Line:
    """One row of one file: column → text, stripped."""

    place: Place
    cells: Mapping[str, str] = field(repr=False)

    def __getitem__(self, column: str) -> str:
        return self.cells.get(column, "").strip()

    def at(self, column: str) -> Place:
        return self.place.at(column)

    def ids(self, column: str) -> list[str]:
        """A list of sourcedIds: comma-separated inside one quoted cell."""
        return [part.strip() for part in self[column].split(",") if part.strip()]


@define
class OneRosterTables:
    """All rows that count, by file name without `.csv`.

    Attributes:
        version: "1.1" or "1.2".
        lines: rows that are not `tobedeleted`.
        deleted: sourcedIds of those that are, by file.
    """

    version: str
    lines: dict[str, list[Line]] = field(factory=dict)
    deleted: dict[str, set[str]] = field(factory=dict)


def folder_of(archive: Archive) -> str | None:
    """Where manifest.csv is: the top of the archive or one folder below; None: no OneRoster."""
    for name in archive.names():
        folder, _, file = name.rpartition("/")
        if file == MANIFEST and "/" not in folder:
            return f"{folder}/" if folder else ""
    return None


def read_tables(name: str, archive: Archive) -> tuple[OneRosterTables | None, list[Problem]]:
    """Every listed file; None with the problems when the archive as a whole is unusable."""
    folder = folder_of(archive) or ""
    manifest_place = Place(f"{name}/{MANIFEST}")
    manifest, problems = _lines(name, archive, folder, MANIFEST, ("propertyName", "value"))
    if problems:
        return None, problems
    properties = {line["propertyName"]: line["value"] for line in manifest}
    version = properties.get("oneroster.version", "")
    if version not in VERSIONS:
        return None, [Problem("oneroster_version", manifest_place)]
    problems = list(_delta_or_odd(manifest))
    if problems:
        return None, problems
    tables = OneRosterTables(version)
    for file, columns in NEEDED.items():
        if file == "roles" and version == "1.1":
            continue
        present = f"{folder}{file}.csv" in archive.names()
        if properties.get(f"file.{file}", "absent") != "bulk":
            if present:
                problems.append(Problem("oneroster_file_unlisted", Place(f"{name}/{file}.csv")))
            if file not in OPTIONAL:
                problems.append(_missing(name, file))
            continue
        if not present:
            problems.append(_missing(name, file))
            continue
        lines, found = _lines(name, archive, folder, f"{file}.csv", columns)
        problems += found
        tables.lines[file], tables.deleted[file] = [], set()
        for line in lines:
            _sort_in(tables, file, line, problems)
    return tables, problems


def _sort_in(tables: OneRosterTables, file: str, line: Line, problems: list[Problem]) -> None:
    status = line["status"].casefold()
    if status in {"", "active"}:
        tables.lines[file].append(line)
    elif status == "tobedeleted":
        tables.deleted[file].add(line["sourcedId"])
    else:
        problems.append(Problem("oneroster_status", line.at("status")))


def _missing(name: str, file: str) -> Problem:
    return Problem("oneroster_file_missing", Place(name), {"wanted": f"{file}.csv"})


def _delta_or_odd(manifest: list[Line]) -> Iterator[Problem]:
    for line in manifest:
        if not line["propertyName"].startswith("file."):
            continue
        if line["value"] == "delta":
            yield Problem("oneroster_delta", line.at("value"))
        elif line["value"] not in {"bulk", "absent"}:
            yield Problem("oneroster_manifest", line.at("value"))


def _lines(
    name: str, archive: Archive, folder: str, file: str, columns: tuple[str, ...]
) -> tuple[list[Line], list[Problem]]:
    place = Place(f"{name}/{file}")
    try:
        content = archive.read(f"{folder}{file}")
    except DamagedArchive:
        return [], [Problem("archive_damaged", place)]
    table, problems = read_csv(place.file, content, separators=(",",))
    if table is None:
        return [], problems
    return _named(table, columns)


def _named(table: Table, columns: tuple[str, ...]) -> tuple[list[Line], list[Problem]]:
    headings = [cell.strip() for cell in table.rows[0].cells]
    place = Place(table.file, table.rows[0].number)
    missing = [column for column in columns if column not in headings]
    if missing:
        return [], [Problem("oneroster_column", place, {"wanted": c}) for c in missing]
    lines: list[Line] = []
    problems: list[Problem] = []
    for row in table.rows[1:]:
        at = Place(table.file, row.number)
        if row.is_blank():
            continue
        if len(row.cells) > len(headings):
            problems.append(Problem("row_too_long", at))
            continue
        lines.append(Line(at, dict(zip(headings, row.cells, strict=False))))
    return lines, problems
