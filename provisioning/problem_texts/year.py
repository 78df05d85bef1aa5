"""Problems with the table of a school year."""

from __future__ import annotations

from provisioning.problem_texts.text import Text, error

TEXTS: dict[str, Text] = {
    "year_headings": error(
        "в первой строке нет нужных заголовков: {names}",
        "возьмите таблицу команды sferum year plan --write и не меняйте её первую строку",
        "the first row lacks headings: {names}",
        "take the table of sferum year plan --write and leave its first row as it is",
    ),
    "year_row": error(
        "непонятно, о чём эта строка",
        "в первой ячейке оставьте одно из слов: {words}",
        "unclear what this row is about",
        "leave one of these words in the first cell: {words}",
    ),
    "year_id": error(
        "номер строки испорчен",
        "возьмите строку из таблицы команды sferum year plan --write заново",
        "the row's id is damaged",
        "take the row from the table of sferum year plan --write anew",
    ),
    "year_next": error(
        "такого класса не бывает",
        "впишите класс, например 6А, или одно из слов: {words}",
        "there is no such class",
        "write a class such as 6А, or one of the words: {words}",
    ),
    "year_date": error(
        "это не дата",
        "впишите дату: 2027-09-01 или 01.09.2027",
        "this is not a date",
        "write a date: 2027-09-01 or 01.09.2027",
    ),
    "year_missing": error(
        "в таблице нет строки «{name}»",
        "возьмите таблицу команды sferum year plan --write заново",
        "the table has no row “{name}”",
        "take the table of sferum year plan --write anew",
    ),
    "year_json": error(
        "это не план учебного года",
        "возьмите файл команды sferum year plan --write заново",
        "this is no plan of a school year",
        "take the file of sferum year plan --write anew",
    ),
}
