"""Lists for Excel."""

from __future__ import annotations

import csv
import io

import pytest

from bridge.web.csv_file import csv_file


def test_a_list_opens_in_excel() -> None:
    """UTF-8 with its mark, semicolons, quotes where they are needed; a Russian name for the file."""
    reply = csv_file('Список 5А "б"\r\n', [("Имя", "Заметка"), ('Пётр; "сын"', "a\nb")], "class")
    assert isinstance(reply.body, bytes)
    text = reply.body.decode("utf-8-sig")
    assert reply.body.startswith(b"\xef\xbb\xbf")
    assert list(csv.reader(io.StringIO(text, newline=""), delimiter=";")) == [
        ["Имя", "Заметка"],
        ['Пётр; "сын"', "a\nb"],
    ]
    disposition = reply.headers["Content-Disposition"]
    assert disposition.isascii()
    assert "\r" not in disposition
    assert disposition.count('"') == 2
    assert reply.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize("cell", ["=1+1", "+7", "-2", "@sum", "\t=1", "\r=1"])
def test_a_name_is_no_formula(cell: str) -> None:
    """What a newcomer typed is not calculated on the school's computer."""
    reply = csv_file("x", [(cell,)], "x")
    assert isinstance(reply.body, bytes)
    (row,) = csv.reader(io.StringIO(reply.body.decode("utf-8-sig"), newline=""), delimiter=";")
    assert row == [f"'{cell}"]
