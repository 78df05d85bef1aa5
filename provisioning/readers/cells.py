"""One row's cells, each read as what it should be. Pure.

Reading goes on after a bad cell: the operator gets every problem of the file at once.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import date
from typing import TypeVar

from attrs import define, field

from provisioning.birth_date import BadDate, parse_date
from provisioning.class_name import BadClassName, ParsedClass, parse_class_name
from provisioning.contact import Email, Phone
from provisioning.names import (
    MAX_NAME,
    AmbiguousName,
    clean,
    is_name,
    mixes_alphabets,
    split_full_name,
)
from provisioning.problem import Place, Problem
from provisioning.roster import MAX_ID, MAX_RELATION, MAX_SUBJECT, MAX_SUBJECTS

T = TypeVar("T")
ID = re.compile(r"[\w .:/@+№#(){}-]+")
SCIENTIFIC = re.compile(r"\d(?:[.,]\d+)?[EeЕе][+-]?\d+")
ISO_DATE = re.compile(r"\d{4}-\d\d-\d\d(?:[T ].*)?")
FORMULA_ERROR = re.compile(
    r"#(?:Н/Д|ЗНАЧ!|ССЫЛКА!|ДЕЛ/0!|ИМЯ\?|N/A|REF!|VALUE!|NAME\?|DIV/0!|NUM!|NULL!)"
)
CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
LIST = re.compile(r"[,;\n]")
SEVERAL_PHONES = re.compile(r"[,;/\n]")


@define
class Cells:
    """The cells of one row by field name, and the problems found while reading them."""

    place: Place
    headings: Mapping[str, str]
    values: Mapping[str, str] = field(repr=False)
    problems: list[Problem] = field(factory=list)

    def report(self, code: str, field_name: str, **details: str) -> None:
        place = self.place.at(self.headings.get(field_name, ""))
        self.problems.append(Problem(code, place, details))

    def text(self, field_name: str) -> str:
        """A cleaned cell; "" when empty, absent, or broken (then reported)."""
        raw = self.values.get(field_name, "")
        if CONTROL.search(raw):
            self.report("cell_control", field_name)
            return ""
        cleaned = clean(raw)
        if FORMULA_ERROR.fullmatch(cleaned):
            self.report("cell_formula_error", field_name)
            return ""
        return cleaned

    def identity(self) -> str:
        """The person's id; "" when unusable."""
        before = len(self.problems)
        text = self.text("id")
        if not text:
            if len(self.problems) == before:
                self.report("id_empty", "id")
        elif SCIENTIFIC.fullmatch(text) and ("+" in text or "," in text or "." in text):
            self.report("id_scientific", "id")
            return ""
        elif len(text) > MAX_ID or not ID.fullmatch(text):
            self.report("id_bad", "id")
            return ""
        return text

    def names(self) -> tuple[str, str, str]:
        """Family, given, middle name; from one column or three."""
        if "full_name" in self.headings and "family_name" not in self.headings:
            return self._full_name()
        family, given, middle = (
            self._name(field_name, required=field_name != "middle_name")
            for field_name in ("family_name", "given_name", "middle_name")
        )
        return family, given, middle

    def _full_name(self) -> tuple[str, str, str]:
        text = self._name("full_name", required=True, longest=300)
        if not text:
            return "", "", ""
        try:
            return split_full_name(text)
        except AmbiguousName:
            self.report("full_name_ambiguous", "full_name")
            return "", "", ""

    def _name(self, field_name: str, *, required: bool, longest: int = MAX_NAME) -> str:
        before = len(self.problems)
        text = self.text(field_name)
        if text in {"-", "–", "—"} and not required:
            return ""  # the way to write "has none"
        if not text:
            if required and len(self.problems) == before:
                self.report("name_empty", field_name)
            return ""
        if "\ufffd" in text or "??" in text:
            self.report("name_damaged", field_name)
            return ""
        if not is_name(text, longest):
            self.report("name_bad", field_name)
            return ""
        if mixes_alphabets(text):
            self.report("name_mixed_alphabets", field_name)
        return text

    def _optional(self, field_name: str, code: str, parse: Callable[[str], T]) -> T | None:
        text = self.text(field_name)
        if not text or text in {"-", "–", "—", "нет"}:
            return None
        try:
            return parse(text)
        except ValueError:
            self.report(code, field_name)
            return None

    def birth_date(self) -> date | None:
        return self._optional("birth_date", "birth_date_bad", _date)

    def email(self) -> Email | None:
        return self._optional("email", "email_bad", Email.parse)

    def phone(self) -> Phone | None:
        text = self.text("phone")
        parts = [part for part in SEVERAL_PHONES.split(text) if sum(map(str.isdigit, part)) >= 6]
        if SCIENTIFIC.fullmatch(text):
            self.report("phone_scientific", "phone")
            return None
        if len(parts) > 1:
            self.report("phone_several", "phone")
            return None
        return self._optional("phone", "phone_bad", Phone.parse)

    def pupil_class(self) -> ParsedClass | None:
        """The class of a pupil, from one column or from grade and letter."""
        before = len(self.problems)
        if "class" in self.headings:
            field_name, text = "class", self.text("class")
        else:
            field_name, text = "grade", f"{self.text('grade')}{self.text('letter')}"
        if not text:
            if len(self.problems) == before:
                self.report("pupil_without_class", field_name)
            return None
        if len(LIST.split(text)) > 1:
            self.report("class_several", field_name)
            return None
        return self._class(text, field_name)

    def homerooms(self) -> list[ParsedClass]:
        """The classes a teacher is homeroom teacher of: `5А,11А`."""
        text = self.text("homeroom")
        if text in {"-", "–", "—", "нет"}:
            return []
        if text.casefold() in {"да", "yes"}:
            self.report("class_bad", "homeroom")  # which one?
            return []
        parts = [part.strip() for part in LIST.split(text)]
        parsed = [self._class(part, "homeroom") for part in parts if part]
        return list(dict.fromkeys(c for c in parsed if c is not None))

    def subjects(self) -> tuple[str, ...]:
        """What a teacher teaches: `Физика, астрономия` → two words in their one spelling (contracts.md §1).

        What is no subject, being too long, is left out: no right comes of it.
        """
        text = self.text("subject")
        words = [" ".join(part.casefold().split()) for part in LIST.split(text)]
        found = dict.fromkeys(word for word in words if word.strip("-–—"))
        return tuple(word for word in found if len(word) <= MAX_SUBJECT and word.isprintable())[
            :MAX_SUBJECTS
        ]

    def _class(self, text: str, field_name: str) -> ParsedClass | None:
        if ISO_DATE.fullmatch(text):
            self.report("class_is_date", field_name)
            return None
        try:
            parsed = parse_class_name(text)
        except BadClassName:
            self.report("class_bad", field_name)
            return None
        if parsed.grade is None:
            self.report("class_named", field_name, class_name=parsed.name)
        return parsed

    def children(self) -> tuple[str, ...]:
        """Ids of a guardian's children: `U0002,U0003`."""
        raw = self.values.get("children", "")
        if CONTROL.search(raw) or FORMULA_ERROR.fullmatch(raw.strip()):
            self.text("children")  # reports it
            return ()
        return tuple(part for part in map(clean, LIST.split(raw)) if part)

    def relation(self) -> str:
        text = self.text("relation")
        if len(text) > MAX_RELATION:
            self.report("relation_long", "relation")
            return ""
        return text


def _date(text: str) -> date:
    try:
        return parse_date(text)
    except BadDate:
        raise ValueError from None
