"""A plan of the school year as a table that a secretary edits in a spreadsheet, and back (`sferum.year.v1`). Pure.

One row for each class, for each new class and for each pupil. Only four columns are read: what the row is about, its
id, what becomes of it, and the class teachers; the others are there to be looked at.
"""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from attrs import define, field

from provisioning.birth_date import BadDate, parse_date
from provisioning.class_name import BadClassName, parse_class_name
from provisioning.formulas import harmless
from provisioning.language import say
from provisioning.problem import Place, Problem
from provisioning.problem_texts import Language
from provisioning.readers.csv_table import read_csv
from provisioning.readers.table import Table
from provisioning.roster import is_school_year

FORMAT = "sferum.year.v1"
Row = Mapping[str, Any]

#: Columns in their order: field → heading in Russian, in English.
COLUMNS: Mapping[str, tuple[str, str]] = {
    "what": ("строка", "row"),
    "id": ("номер", "id"),
    "now": ("сейчас", "now"),
    "who": ("кто", "who"),
    "next": ("станет", "next"),
    "teachers": ("новые классные руководители", "new class teachers"),
    "students": ("учеников", "pupils"),
    "teachers_now": ("классные руководители сейчас", "class teachers now"),
}
READ = ("what", "id", "next", "teachers")
#: What a row is about: word in Russian, in English.
KINDS: Mapping[str, tuple[str, str]] = {
    "class": ("класс", "class"),
    "new": ("новый класс", "new class"),
    "pupil": ("ученик", "pupil"),
    "plan": ("план", "plan"),
}
#: Of the rows of kind `plan`: what they say.
SETTINGS: Mapping[str, tuple[str, str]] = {
    "school_year": ("Учебный год", "School year"),
    "graduates_leave_on": ("Выпускники уходят", "Graduates leave on"),
    "rooms_until": ("Чаты выпускников хранятся до", "Rooms of graduates are kept until"),
}
ENDS = ("выпуск", "ends")
UNDECIDED = ("?", "?")
LEAVES = ("выбывает", "leaves")
NONE = ("нет", "none")

_ENDS = {*ENDS, "закрывается", "закрыть", "выпускается"}
_LEAVES = {*LEAVES, "выбыл", "выбыла", "выбывают", "уходит"}
_NONE = {*NONE, "-", "—"}
_ID = re.compile(r"[cp][a-z2-7]{12}")


def write_table(answer: Mapping[str, Any], language: Language) -> bytes:
    """The answer of the module's plan as CSV, as Excel in Russia opens it."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, delimiter=";", lineterminator="\r\n")
    writer.writerow([say(language, *heading) for heading in COLUMNS.values()])
    for row in _rows(answer, language):
        writer.writerow([harmless(row.get(name, "")) for name in COLUMNS])
    return b"\xef\xbb\xbf" + text.getvalue().encode()


def _rows(answer: Mapping[str, Any], language: Language) -> Iterator[dict[str, str]]:
    plan = answer["plan"]
    for name, title in SETTINGS.items():
        yield {
            "what": say(language, *KINDS["plan"]),
            "id": name,
            "who": say(language, *title),
            "next": str(plan[name]),
        }
    shown = {row["class_id"]: row for row in answer["classes"] if row["class_id"]}
    for line in plan["classes"]:
        row = shown.get(line["class_id"], {})
        fates = {"ends": say(language, *ENDS), "undecided": say(language, *UNDECIDED)}
        people = [one["person"] for one in row.get("teachers", [])]
        yield {
            "what": say(language, *KINDS["class" if line["class_id"] else "new"]),
            "id": line["class_id"] or "",
            "now": row.get("name", ""),
            "next": fates.get(line["fate"], line["name"]),
            "teachers": _teachers(line["teachers"], language) if line["class_id"] else ", ".join(
                line["teachers"] or []
            ),
            "students": str(row.get("students", "")),
            "teachers_now": ", ".join(people),
        }  # fmt: skip
    for student in answer["students"]:
        leaves = student["fate"] == "leaves"
        yield {
            "what": say(language, *KINDS["pupil"]),
            "id": student["person_id"],
            "now": student["class"],
            "who": student["person"],
            "next": say(language, *LEAVES) if leaves else student["name"],
        }


def _teachers(words: Sequence[str] | None, language: Language) -> str:
    if words is None:
        return ""
    return ", ".join(words) if words else say(language, *NONE)


def read_plan(file: str, content: bytes) -> tuple[dict[str, Any] | None, list[Problem]]:
    """A plan out of a table or a JSON file; None with everything that prevents reading it."""
    if file.lower().endswith(".json"):
        return _from_json(file, content)
    table, problems = read_csv(file, content)
    if table is None:
        return None, problems
    reading = _Reading(table)
    document = reading.document()
    return (None if reading.problems else document), reading.problems


def _from_json(file: str, content: bytes) -> tuple[dict[str, Any] | None, list[Problem]]:
    try:
        document = json.loads(content.decode("utf-8-sig"))
    except (ValueError, RecursionError):
        document = None
    if not isinstance(document, dict) or document.get("format") != FORMAT:
        return None, [Problem("year_json", Place(file))]
    return document, []


@define
class _Reading:
    table: Table
    problems: list[Problem] = field(factory=list, init=False)
    columns: dict[str, int] = field(factory=dict, init=False)
    settings: dict[str, str] = field(factory=dict, init=False)
    classes: list[dict[str, Any]] = field(factory=list, init=False)
    pupils: list[dict[str, Any]] = field(factory=list, init=False)

    def document(self) -> dict[str, Any]:
        """`sferum.year.v1`; of use only without problems."""
        rows = [row for row in self.table.rows if not row.is_blank()]
        if rows and self._headings(rows[0].cells):
            for row in rows[1:]:
                self._row(Place(self.table.file, row.number), row.cells)
            for name, title in SETTINGS.items():
                if name not in self.settings:
                    self._problem("year_missing", Place(self.table.file), name=title[0])
        return {
            "format": FORMAT,
            "school_year": self.settings.get("school_year", ""),
            "classes": self.classes,
            "pupils": self.pupils,
            "graduates_leave_on": self.settings.get("graduates_leave_on", ""),
            "rooms_until": self.settings.get("rooms_until", ""),
        }

    def _headings(self, cells: Iterable[str]) -> bool:
        found = {cell.strip().casefold(): at for at, cell in enumerate(cells)}
        for name in READ:
            for heading in COLUMNS[name]:
                if heading in found:
                    self.columns[name] = found[heading]
        missing = [COLUMNS[name][0] for name in READ if name not in self.columns]
        if missing:
            self._problem("year_headings", Place(self.table.file, 1), names=", ".join(missing))
        return not missing

    def _row(self, place: Place, cells: Sequence[str]) -> None:
        cell = {
            name: _plain(cells[at]) if at < len(cells) else "" for name, at in self.columns.items()
        }
        kind = cell["what"].casefold()
        if kind in KINDS["plan"]:
            self._setting(place, cell["id"], cell["next"])
        elif kind in KINDS["class"] or kind in KINDS["new"]:
            self._class(place, cell, new=kind in KINDS["new"])
        elif kind in KINDS["pupil"]:
            self._pupil(place, cell)
        else:
            words = ", ".join(ru for ru, _ in KINDS.values())
            self._problem("year_row", place.at(COLUMNS["what"][0]), words=words)

    def _setting(self, place: Place, name: str, value: str) -> None:
        if name not in SETTINGS:
            self._problem("year_id", place.at(COLUMNS["id"][0]))
        elif name == "school_year":
            if not is_school_year(value):
                self._problem("year_next", place.at(COLUMNS["next"][0]), words="2027/2028")
            self.settings[name] = value
        else:
            try:
                self.settings[name] = parse_date(value).isoformat()
            except BadDate:
                self.settings[name] = ""
                self._problem("year_date", place.at(COLUMNS["next"][0]))

    def _class(self, place: Place, cell: Mapping[str, str], *, new: bool) -> None:
        target = cell["next"]
        if new and not target:
            return
        line: dict[str, Any] = {"class_id": None if new else cell["id"]}
        if not new and not _ID.fullmatch(cell["id"]):
            self._problem("year_id", place.at(COLUMNS["id"][0]))
            return
        if not new and target.casefold() in _ENDS:
            line |= {"fate": "ends", "name": "", "grade": None}
        elif not new and target in {"", *UNDECIDED}:
            line |= {"fate": "undecided", "name": "", "grade": None}
        else:
            try:
                parsed = parse_class_name(target)
            except BadClassName:
                words = ENDS[0] if not new else "1А"
                self._problem("year_next", place.at(COLUMNS["next"][0]), words=words)
                return
            fate = "new" if new else "continues"
            line |= {"fate": fate, "name": parsed.name, "grade": parsed.grade}
        self.classes.append({**line, "teachers": _read_teachers(cell["teachers"], new=new)})

    def _pupil(self, place: Place, cell: Mapping[str, str]) -> None:
        target = cell["next"]
        if not target:
            return
        if not _ID.fullmatch(cell["id"]):
            self._problem("year_id", place.at(COLUMNS["id"][0]))
            return
        if target.casefold() in _LEAVES:
            self.pupils.append({"person_id": cell["id"], "fate": "leaves", "name": ""})
            return
        try:
            name = parse_class_name(target).name
        except BadClassName:
            self._problem("year_next", place.at(COLUMNS["next"][0]), words=LEAVES[0])
            return
        self.pupils.append({"person_id": cell["id"], "fate": "moves", "name": name})

    def _problem(self, code: str, place: Place, **details: str) -> None:
        self.problems.append(Problem(code, place, details))


def _plain(cell: str) -> str:
    """The cell without spaces around it, and without the quote that keeps a spreadsheet from running it."""
    return " ".join(cell.removeprefix("'").split())


def _read_teachers(cell: str, *, new: bool) -> list[str] | None:
    """None: as they are today; a new class has none of its own."""
    if not cell:
        return [] if new else None
    if cell.casefold() in _NONE:
        return []
    return [word for word in (part.strip() for part in cell.split(",")) if word]
