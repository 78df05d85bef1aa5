"""CSV as schools export it → Table. Pure.

The separator is found from the shape of the rows; rows are numbered as a spreadsheet shows them,
so a line break inside quotes does not shift the numbers.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator

from provisioning.problem import Place, Problem
from provisioning.readers.encoding import decode
from provisioning.readers.table import MAX_CELL, MAX_COLUMNS, MAX_ROWS, Row, Table

SEPARATORS = (";", ",", "\t")
SNIFFED_ROWS = 50


def read_csv(
    file: str, content: bytes, separators: tuple[str, ...] = SEPARATORS
) -> tuple[Table | None, list[Problem]]:
    """One CSV file; None with the problems that prevent reading it."""
    place = Place(file)
    text = decode(content, place)
    if isinstance(text, Problem):
        return None, [text]
    if not text.strip():
        return None, [Problem("file_empty", place)]
    separator, text, offset = _separator(text, separators)
    rows: list[Row] = []
    number = offset
    try:
        for cells in _reader(text, separator):
            number += 1
            if problem := _out_of_bounds(Place(file, number), cells):
                return None, [problem]
            rows.append(Row(number, tuple(cells)))
    except csv.Error:
        # Its message may quote the row.
        return None, [Problem("csv_quotes", Place(file, number + 1))]
    if _is_cut_off(rows, text):
        return None, [Problem("csv_truncated", Place(file, rows[-1].number))]
    return Table(file, tuple(rows)), []


def _reader(text: str, separator: str) -> Iterator[list[str]]:
    return csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)


def _out_of_bounds(place: Place, cells: list[str]) -> Problem | None:
    if place.row is not None and place.row > MAX_ROWS:
        return Problem("too_many_rows", Place(place.file), {"limit": str(MAX_ROWS)})
    if len(cells) > MAX_COLUMNS:
        return Problem("too_many_columns", place, {"limit": str(MAX_COLUMNS)})
    if any(len(cell) > MAX_CELL for cell in cells):
        return Problem("cell_too_long", place, {"limit": str(MAX_CELL)})
    return None


def _separator(text: str, separators: tuple[str, ...]) -> tuple[str, str, int]:
    """The separator, the text without Excel's `sep=;` line, and how many lines that took."""
    first, _, rest = text.partition("\n")
    if first.strip().lower().startswith("sep=") and len(first.strip()) == 5:
        return first.strip()[4], rest, 1
    if first.rstrip("\r").lower() == "sep=\t":
        return "\t", rest, 1
    return max(separators, key=lambda separator: _fitness(text, separator)), text, 0


def _fitness(text: str, separator: str) -> float:
    """How table-like the head of `text` is: columns of the usual row × share of such rows.

    Only the usual width counts: a comma inside a `;` table gives rows of many widths.
    """
    widths: list[int] = []
    try:
        for cells in _reader(text[:100_000], separator):
            if any(cell.strip() for cell in cells):
                widths.append(len(cells))
            if len(widths) >= SNIFFED_ROWS:
                break
    except csv.Error:
        pass  # the head is enough; the whole is read strictly afterwards
    if not widths:
        return 0.0
    usual = max(set(widths), key=lambda width: (widths.count(width), width))
    share = widths.count(usual) / len(widths)
    heading_bonus = 0.5 if widths[0] == usual else 0.0
    return 0.0 if usual < 2 else share * 2 + heading_bonus + usual / 1000


def _is_cut_off(rows: list[Row], text: str) -> bool:
    """A file that stops in the middle of a row: no line end, fewer cells than every row before."""
    if len(rows) < 3 or text.endswith(("\n", "\r")):
        return False
    widths = {len(row.cells) for row in rows[:-1] if not row.is_blank()}
    return bool(widths) and len(rows[-1].cells) < min(widths)
