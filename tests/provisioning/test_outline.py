"""What somebody who has to name columns and positions is shown of a file."""

from __future__ import annotations

from provisioning.names import fold
from provisioning.readers.files import SourceFile, tables_of
from provisioning.readers.mapping import ColumnMapping
from provisioning.readers.outline import Outline, needed, outline
from provisioning.roster import Group, Role


def outline_of(text: str, mapping: ColumnMapping | None = None) -> Outline:
    (table,) = tables_of(SourceFile("list.csv", text.encode()))
    return outline(table, mapping or ColumnMapping())


def test_known_headings_tell_whose_list_it_is() -> None:
    """Columns that are understood are chosen already."""
    found = outline_of("Список школы;;;\nИД;ФИО;Класс;Хобби\nU1;Иванов Иван;5А;шахматы\n")
    assert found.group is Group.STUDENT
    assert found.headings == ("ИД", "ФИО", "Класс", "Хобби")
    assert found.chosen(Group.STUDENT) == {"id": "ИД", "full_name": "ФИО", "class": "Класс"}


def test_unknown_headings_are_the_first_full_row() -> None:
    """Titles above it are passed over; whose list it is, the person says."""
    found = outline_of("Выгрузка\n№ л/д;Фам.;Имечко\n1;Иванов;Иван\n")
    assert (found.group, found.headings) == (None, ("№ л/д", "Фам.", "Имечко"))
    assert found.chosen(Group.STUDENT) == {}


def test_only_what_headings_do_not_say_is_kept() -> None:
    """So another file of the school with plain headings goes on working."""
    headings = ("ИД", "Фам.", "Имя", "Телефон", "Мобильный телефон")
    chosen = {"id": "ИД", "family_name": "Фам.", "given_name": "Имя", "phone": "Телефон"}
    # «Телефон» is kept: without a choice it would be one of two.
    assert needed(Group.STUDENT, headings, chosen) == {"family_name": "Фам.", "phone": "Телефон"}


def test_positions_without_rights_are_listed_once() -> None:
    """Those that the school has named, or that name a role themselves, are not asked about."""
    text = "ИД;ФИО;Должность\n1;А Б;Повар\n2;В Г;ПОВАР\n3;Д Е;Учитель\n4;Ж З;Сторож\n5;И К;\n"
    assert outline_of(text).positions == ("Повар", "Сторож")
    mapping = ColumnMapping(positions={fold("Сторож"): frozenset({Role.TEACHER})})
    assert outline_of(text, mapping).positions == ("Повар",)


def test_archives_and_rubbish_have_no_tables() -> None:
    """Nothing to name in them."""
    for content in (b"", b"PK\x03\x04", b"%PDF", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"):
        assert tables_of(SourceFile("x", content)) == ()
