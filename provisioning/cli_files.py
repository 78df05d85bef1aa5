"""Files named on a command line → a Reading; the only place of `sferum roster` that touches the disk."""

from __future__ import annotations

from datetime import date
from pathlib import Path

from attrs import frozen

from provisioning.problem import Place, Problem, in_order
from provisioning.readers.files import MAX_FILE, Options, SourceFile, read_roster, school_year_on
from provisioning.readers.mapping import (
    SECTIONS,
    BadMapping,
    ColumnMapping,
    format_mapping,
    parse_mapping,
)
from provisioning.reading import Reading
from provisioning.roster import Group


@frozen(kw_only=True)
class Request:
    """What the operator typed, options of `sferum roster` by name."""

    files: tuple[str, ...]
    mapping: Path | None = None
    save_mapping: Path | None = None
    school_year: str | None = None
    source: str | None = None
    school: str | None = None


def load(request: Request, today: date, default_year: str = "") -> Reading:
    """Read everything the operator named; unreadable files are problems like any other.

    Args:
        default_year: the school's year on the server, used for tables when none is stated; a
            OneRoster archive says its own.
    """
    problems: list[Problem] = []
    mapping = _mapping(request.mapping, problems)
    files = [file for named in request.files if (file := _file(named, problems)) is not None]
    if problems:
        return Reading(None, in_order(problems))
    reading = read_roster(
        files,
        Options(
            today=today,
            school_year=request.school_year,
            table_year=default_year or school_year_on(today),
            source=request.source,
            school=request.school,
            mapping=mapping,
        ),
    )
    if request.save_mapping is not None and reading.columns:
        in_use = ColumnMapping(reading.columns, mapping.positions)
        request.save_mapping.write_text(format_mapping(in_use), encoding="utf-8")
    return reading


def _mapping(path: Path | None, problems: list[Problem]) -> ColumnMapping:
    if path is None:
        return ColumnMapping()
    try:
        return parse_mapping(path.read_text(encoding="utf-8-sig"))
    except BadMapping as error:
        problems.append(Problem("mapping_bad", Place(path.name), {"reason": str(error)}))
    except UnicodeDecodeError:
        problems.append(Problem("mapping_bad", Place(path.name), {"reason": "UTF-8?"}))
    except OSError:
        problems.append(Problem("file_unreadable", Place(path.name)))
    return ColumnMapping()


def _file(named: str, problems: list[Problem]) -> SourceFile | None:
    """`FILE` or `students=FILE`."""
    group: Group | None = None
    path = Path(named)
    kind, equals, rest = named.partition("=")
    if equals and not path.exists():
        if kind not in SECTIONS:
            problems.append(Problem("kind_unknown", Place(Path(rest).name)))
            return None
        group, path = SECTIONS[kind], Path(rest)
    try:
        with path.open("rb") as stream:
            content = stream.read(MAX_FILE + 1)
    except (OSError, ValueError):
        problems.append(Problem("file_unreadable", Place(path.name)))
        return None
    return SourceFile(path.name, content, group)
