"""XLSX → Tables, one per sheet that has anything in it.

openpyxl reads; this file bounds what it may be given and turns whatever it raises into a problem.
"""

from __future__ import annotations

import io
import re
import warnings
from collections.abc import Iterator
from datetime import date, datetime
from typing import Any

import openpyxl
from attrs import frozen

from provisioning.problem import Place, Problem
from provisioning.readers.archive import Archive, DamagedArchive
from provisioning.readers.table import MAX_CELL, MAX_COLUMNS, MAX_ROWS, Row, Table

#: XML of an honest workbook begins with its declaration and goes straight to the root element. A
#: DOCTYPE (entities that expand, files that are fetched) can only stand before the root.
PLAIN_XML = re.compile(rb"(?:\xef\xbb\xbf)?\s*(?:<\?xml[^>]{0,200}\?>)?\s*<[A-Za-z]")
MAX_SHEETS = 200  # one sheet per class is common
MAX_CELLS = 2_000_000  # of all sheets; 50,000 people with 20 columns are 1,000,000


@frozen
class _OutOfBounds(Exception):
    problem: Problem


def read_xlsx(file: str, archive: Archive, content: bytes) -> tuple[list[Table], list[Problem]]:
    """Every visible sheet with contents; no tables when the workbook cannot be trusted."""
    place = Place(file)
    try:
        for name in archive.names():
            if name.endswith((".xml", ".rels")) and not PLAIN_XML.match(archive.head(name, 2000)):
                return [], [Problem("xlsx_damaged", place)]
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # styles and extensions openpyxl does not know
            problems: list[Problem] = []
            return list(_sheets(file, content, problems)), problems
    except _OutOfBounds as bound:
        return [], [bound.problem]
    except DamagedArchive:
        return [], [Problem("xlsx_damaged", place)]
    except Exception:
        return [], [Problem("xlsx_damaged", place)]


def _sheets(file: str, content: bytes, problems: list[Problem]) -> Iterator[Table]:
    workbook = openpyxl.load_workbook(
        io.BytesIO(content), read_only=True, data_only=True, keep_links=False
    )
    try:
        visible = [sheet for sheet in workbook.worksheets if sheet.sheet_state == "visible"]
        problems += [
            Problem("sheet_hidden", Place(f"{file}[{sheet.title}]"))
            for sheet in workbook.worksheets
            if sheet.sheet_state != "visible"
        ]
        if len(visible) > MAX_SHEETS:
            raise _OutOfBounds(Problem("archive_too_large", Place(file)))
        cells = 0
        for sheet in visible:
            name = file if len(visible) == 1 else f"{file}[{sheet.title}]"
            sheet.reset_dimensions()  # the declared size may lie
            rows: list[Row] = []
            for row in _rows(name, sheet.iter_rows(values_only=True)):
                rows.append(row)
                cells += len(row.cells)
                if cells > MAX_CELLS:
                    raise _OutOfBounds(Problem("archive_too_large", Place(file)))
            table = Table(name, tuple(rows))
            if not table.is_blank():
                yield table
    finally:
        workbook.close()


def _rows(name: str, rows: Iterator[tuple[Any, ...]]) -> Iterator[Row]:
    for number, values in enumerate(rows, start=1):
        if number > MAX_ROWS:
            raise _OutOfBounds(Problem("too_many_rows", Place(name), {"limit": str(MAX_ROWS)}))
        width = max((i for i, value in enumerate(values, 1) if value is not None), default=0)
        if width > MAX_COLUMNS:
            details = {"limit": str(MAX_COLUMNS)}
            raise _OutOfBounds(Problem("too_many_columns", Place(name, number), details))
        cells = tuple(cell_text(value) for value in values[:width])
        if any(len(cell) > MAX_CELL for cell in cells):
            details = {"limit": str(MAX_CELL)}
            raise _OutOfBounds(Problem("cell_too_long", Place(name, number), details))
        yield Row(number, cells)


def cell_text(value: object) -> str:
    """A cell's value as the text a CSV would hold; dates as ISO 8601, whole numbers without .0."""
    match value:
        case None:
            return ""
        case bool():
            return "TRUE" if value else "FALSE"
        case float() if value.is_integer() and abs(value) < 1e15:
            return str(int(value))
        case datetime() if (value.hour, value.minute, value.second) == (0, 0, 0):
            return value.date().isoformat()
        case datetime() | date():
            return value.isoformat()
        case _:
            return str(value)
