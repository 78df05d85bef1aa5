"""Whatever bytes arrive, the answer is a Reading: a Roster or problems, never an exception."""

from __future__ import annotations

import io
import zipfile
from contextlib import suppress

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from provisioning.problem import Severity
from provisioning.readers.archive import Archive, ArchiveTooLarge, DamagedArchive
from provisioning.readers.mapping import BadMapping, parse_mapping
from provisioning.readers.positions import roles_of
from provisioning.reading import Reading
from tests.provisioning.files import (
    GUARDIANS,
    HEAD,
    MOTHER,
    ONEROSTER,
    PUPIL,
    PUPIL_2,
    STAFF,
    STUDENTS,
    csv_bytes,
    oneroster_bytes,
    read,
    xlsx_bytes,
    zip_bytes,
)

CSV = csv_bytes(STUDENTS, PUPIL, PUPIL_2)
XLSX = xlsx_bytes({"Лист1": [line.split(";") for line in (STUDENTS, PUPIL, PUPIL_2)]})
ONEROSTER_ZIP = oneroster_bytes()
cells = st.text(st.characters(codec="utf-8"), max_size=30)


def checked(reading: Reading) -> None:
    """A Roster exactly when there is no error, every problem can be told, and the Roster can be sent."""
    assert (reading.roster is None) == bool(reading.of(Severity.ERROR))
    for problem in reading.problems:
        assert problem.line("ru")
        assert problem.line("en")
        assert problem.as_json()
    if reading.roster is not None:
        assert reading.roster.to_json()


@given(st.binary(max_size=600))
def test_any_bytes(content: bytes) -> None:
    """Random bytes, also behind the marks of known formats."""
    for head in (b"", b"PK\x03\x04", b"\xef\xbb\xbf", b"\xff\xfe", CSV):
        checked(read({"a.csv": head + content}))


@given(st.text(max_size=400))
def test_any_text(text: str) -> None:
    """Random text below sound headings."""
    body = text.encode("utf-8", "surrogatepass")
    for headings in (STUDENTS, STAFF, GUARDIANS):
        checked(read({"a.csv": f"{headings}\r\n".encode() + body}))


@pytest.mark.parametrize(
    ("headings", "row"), [(STUDENTS, PUPIL), (STAFF, HEAD), (GUARDIANS, MOTHER)]
)
@given(data=st.data())
def test_any_cell(headings: str, row: str, data: st.DataObject) -> None:
    """A sound row with one or two cells replaced by anything."""
    values = row.split(";")
    for _ in range(2):
        values[data.draw(st.integers(0, len(values) - 1))] = data.draw(cells)
    checked(
        read({"a.csv": csv_bytes(STUDENTS, PUPIL), "b.csv": csv_bytes(headings, ";".join(values))})
    )


@given(st.lists(st.lists(cells, max_size=6), max_size=6))
def test_any_table(rows: list[list[str]]) -> None:
    """Tables without any sense."""
    checked(read({"a.csv": csv_bytes(*(";".join(row) for row in rows))}))


@pytest.mark.parametrize("content", [CSV, XLSX, ONEROSTER_ZIP], ids=["csv", "xlsx", "oneroster"])
@given(data=st.data())
@settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow])
def test_damaged_files(content: bytes, data: st.DataObject) -> None:
    """Sound files with bytes changed, cut off or doubled."""
    damaged = bytearray(content)
    for _ in range(data.draw(st.integers(1, 4))):
        damaged[data.draw(st.integers(0, len(damaged) - 1))] = data.draw(st.integers(0, 255))
    start, end = sorted((data.draw(st.integers(0, len(damaged))), len(damaged)))
    checked(read({"a": bytes(damaged)}))
    checked(read({"a": bytes(damaged[:start])}))
    checked(read({"a": bytes(damaged[: max(1, end - 1)])}))


@given(name=st.sampled_from(sorted(ONEROSTER)), data=st.data())
@settings(max_examples=80)
def test_damaged_oneroster_files(name: str, data: st.DataObject) -> None:
    """One file of an archive is anything, or has a line of anything."""
    text = ONEROSTER[name]
    line = data.draw(cells)
    lines = text.splitlines()
    lines.insert(
        data.draw(st.integers(0, len(lines))), ",".join([line] * data.draw(st.integers(1, 8)))
    )
    checked(read({"a.zip": oneroster_bytes(**{name: "\n".join(lines)})}))
    checked(read({"a.zip": oneroster_bytes(**{name: line})}))


@given(st.binary(max_size=300))
@settings(max_examples=60)
def test_damaged_workbook_parts(content: bytes) -> None:
    """A workbook whose sheet is anything, packed soundly."""
    parts: dict[str, bytes] = {}
    with zipfile.ZipFile(io.BytesIO(XLSX)) as book:
        parts = {name: book.read(name) for name in book.namelist()}
    for name in ("xl/worksheets/sheet1.xml", "xl/workbook.xml", "xl/styles.xml"):
        checked(read({"a.xlsx": zip_bytes({**parts, name: content})}))
        checked(read({"a.xlsx": zip_bytes({**parts, name: parts[name][: len(content)]})}))


@given(st.binary(max_size=400))
def test_any_archive(content: bytes) -> None:
    """Opening an archive raises its two errors and no others."""
    with suppress(DamagedArchive, ArchiveTooLarge):
        archive = Archive.open(b"PK\x05\x06" + content)
        for name in archive.names():
            archive.read(name)


@given(st.text(max_size=200))
def test_any_mapping_and_position(text: str) -> None:
    """Mappings raise their own error only; positions give roles or None."""
    with suppress(BadMapping):
        parse_mapping(text)
    roles_of(text, {})
