"""A school's files, whatever their formats → one Reading. Pure: bytes in."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from attrs import field, frozen

from provisioning.assemble import assemble
from provisioning.problem import Place, Problem, has_errors, in_order
from provisioning.readers.archive import Archive, ArchiveTooLarge, DamagedArchive
from provisioning.readers.csv_table import read_csv
from provisioning.readers.mapping import ColumnMapping
from provisioning.readers.oneroster import is_oneroster, read_oneroster
from provisioning.readers.rows import read_rows
from provisioning.readers.sheet import recognise
from provisioning.readers.table import Table
from provisioning.readers.xlsx_table import read_xlsx
from provisioning.reading import Reading
from provisioning.records import Record
from provisioning.roster import Group

MAX_FILE = 20_000_000  # bytes; 50,000 people are about 6 MB as CSV or XLSX
OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"  # [MS-CFB] 2.2: .xls, and .xlsx with a password
FOREIGN = (
    (b"%PDF", "PDF"),
    (b"{\\rtf", "RTF"),
    (b"\x1f\x8b", "gzip"),
    (b"7z\xbc\xaf", "7-Zip"),
    (b"Rar!", "RAR"),
    (b"\x89PNG", "PNG"),
    (b"\xff\xd8\xff", "JPEG"),
)


@frozen
class SourceFile:
    """One file of the school.

    Attributes:
        name: shown in problems; without folders.
        content: at most `MAX_FILE` bytes are read.
        group: whose list it is, when the operator says so.
    """

    name: str
    content: bytes = field(repr=False)
    group: Group | None = None


@frozen(kw_only=True)
class Options:
    """What the files do not say.

    Attributes:
        today: for ages and ended enrolments.
        school_year: `YYYY/YYYY`, when stated by the operator.
        table_year: for tables when none is stated; a OneRoster archive says its own.
        source: name of the source; None: `csv` for tables, `oneroster` for OneRoster.
        school: sourcedId of the school in a OneRoster archive of several.
    """

    today: date
    school_year: str | None = None
    table_year: str | None = None
    source: str | None = None
    school: str | None = None
    mapping: ColumnMapping = field(factory=ColumnMapping)


def read_roster(files: Sequence[SourceFile], options: Options) -> Reading:
    """Read everything, report everything; a Roster only when nothing is wrong.

    Never raises on any content: whatever is wrong is a Problem in the answer.
    """
    if not files:
        return Reading(None, (Problem("no_files", Place("")),))
    tables: list[tuple[Table, Group | None]] = []
    problems: list[Problem] = []
    for file in files:
        archive, found = _archive(file)
        problems += found
        if found:
            continue
        if archive is not None and is_oneroster(archive):
            if len(files) > 1:
                return Reading(None, in_order([*problems, _mixed(file)]))
            return read_oneroster(
                file.name,
                archive,
                today=options.today,
                source=options.source or "oneroster",
                school_year=options.school_year,
                school=options.school,
            )
        of_file, found = _tables(file, archive)
        problems += found
        tables += [(table, file.group) for table in of_file]
    return _from_tables(tables, problems, options)


def tables_of(file: SourceFile) -> tuple[Table, ...]:
    """The tables in a file, for a person to say what their columns are; none of an archive with rules of its own."""
    archive, problems = _archive(file)
    if problems or (archive is not None and is_oneroster(archive)):
        return ()
    return tuple(_tables(file, archive)[0])


def _mixed(file: SourceFile) -> Problem:
    return Problem("mixed_formats", Place(file.name))


def _archive(file: SourceFile) -> tuple[Archive | None, list[Problem]]:
    """The zip in `file`, or None if it is none; problems when it must not be read at all."""
    place = Place(file.name)
    if len(file.content) > MAX_FILE:
        return None, [Problem("file_too_large", place, {"limit": str(MAX_FILE // 1_000_000)})]
    if not file.content:
        return None, [Problem("file_empty", place)]
    if file.content.startswith(OLE):
        return None, [Problem("format_xls", place)]
    for magic, found in FOREIGN:
        if file.content.startswith(magic):
            return None, [Problem("format_unsupported", place, {"found": found})]
    if file.content.removeprefix(b"\xef\xbb\xbf").lstrip()[:1] == b"<":
        return None, [Problem("format_unsupported", place, {"found": "HTML/XML"})]
    if not file.content.startswith(b"PK"):
        return None, []
    try:
        return Archive.open(file.content), []
    except DamagedArchive:
        return None, [Problem("archive_damaged", place)]
    except ArchiveTooLarge:
        return None, [Problem("archive_too_large", place)]


def _tables(file: SourceFile, archive: Archive | None) -> tuple[list[Table], list[Problem]]:
    if archive is None:
        table, problems = read_csv(file.name, file.content)
        return ([table] if table else []), problems
    names = archive.names()
    place = Place(file.name)
    if "xl/workbook.xml" in names:
        tables, problems = read_xlsx(file.name, archive, file.content)
        if not tables and not problems:
            problems = [Problem("file_empty", place)]
        return tables, problems
    if "mimetype" in names and "content.xml" in names:
        return [], [Problem("format_ods", place)]
    return [], [Problem("archive_unknown", place)]


def _from_tables(
    tables: Sequence[tuple[Table, Group | None]], problems: list[Problem], options: Options
) -> Reading:
    records: list[Record] = []
    covers: set[Group] = set()
    columns: dict[Group, dict[str, str]] = {}
    complete = bool(tables) and not has_errors(problems)
    several_sheets = {t.file for t, group in tables if "[" in t.file and group is None}
    for table, stated in tables:
        sheet, found = recognise(table, stated, options.mapping)
        if sheet is None and table.file in several_sheets and not _may_be_list(table, found):
            problems.append(Problem("sheet_skipped", Place(table.file)))
            continue
        problems += found
        if sheet is None:
            complete = False
            continue
        covers.add(sheet.group)
        columns.setdefault(sheet.group, {}).update(sheet.headings)
        of_sheet, found = read_rows(sheet, options.mapping.positions)
        records += of_sheet
        problems += found
    if tables and not covers and all(p.code == "sheet_skipped" for p in problems):
        problems.append(Problem("no_headings", Place(tables[0][0].file)))
    reading = assemble(
        records,
        problems,
        covers=frozenset(covers),
        source=options.source or "csv",
        school_year=options.school_year or options.table_year or school_year_on(options.today),
        today=options.today,
        complete=complete,
    )
    return Reading(reading.roster, reading.problems, columns)


def _may_be_list(table: Table, problems: Sequence[Problem]) -> bool:
    """Whether an unrecognised sheet could hold people.

    Passing over one class's sheet would make that class leave the school, so only notes are passed
    over: sheets with fewer than three rows of three cells.
    """
    if not any(p.code in {"no_headings", "kind_unclear"} for p in problems):
        return True
    filled = [sum(bool(cell.strip()) for cell in row.cells) for row in table.rows]
    return sum(cells >= 3 for cells in filled) >= 3


def school_year_on(day: date) -> str:
    """The school year a list made on `day` is for: from June on, the next one's."""
    first = day.year if day.month >= 6 else day.year - 1
    return f"{first}/{first + 1}"
