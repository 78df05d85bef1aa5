"""A table as read from a file: rows of text with the numbers a spreadsheet shows. Pure."""

from __future__ import annotations

from attrs import field, frozen

#: A school of 50,000 people fits; a runaway export does not.
MAX_ROWS = 60_000
MAX_COLUMNS = 200
MAX_CELL = 2_000  # characters; the longest honest cell is a list of children's ids


@frozen
class Row:
    """One row.

    Attributes:
        number: as a spreadsheet shows it, from 1.
        cells: texts as they stand in the file; dates of XLSX as ISO 8601.
    """

    number: int
    cells: tuple[str, ...] = field(repr=False)

    def is_blank(self) -> bool:
        return not any(cell.strip() for cell in self.cells)


@frozen
class Table:
    """All rows of one sheet; `file` is the name shown in problems."""

    file: str
    rows: tuple[Row, ...] = field(repr=False)

    def is_blank(self) -> bool:
        return all(row.is_blank() for row in self.rows)
