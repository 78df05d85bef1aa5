"""The module's answer about a year as rows and sentences for the pages. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from attrs import field, frozen

from bridge.web.year_forms import Typed
from bridge.year_draft import CONTINUES, SPARE_LINES, ClassLine, Plan
from provisioning.language import say
from provisioning.problem_texts import Language
from provisioning.year_report import CONFLICTS, COUNTS, EXCEPTIONS

Answer = Mapping[str, Any]
#: Rows of one kind on a page; the rest is counted.
MOST_SHOWN = 200


@frozen(kw_only=True)
class ClassRow:
    """A class of today in the form; `name` is what stands in the field, `apart` the pupils who do something else."""

    class_id: str
    now: str
    students: int
    apart: int
    fate: str
    name: str
    teachers: str = field(repr=False)
    error: str = ""


@frozen(kw_only=True)
class NewRow:
    """A class that is not there yet, or an empty line for one."""

    at: int
    name: str
    teacher: str
    error: str = ""


@frozen(kw_only=True)
class Note:
    """Something to look at, or to mend: words, and the page where it is mended."""

    words: str = field(repr=False)
    path: str = ""


def class_rows(plan: Plan, answer: Answer, typed: Typed | None = None) -> list[ClassRow]:
    """In the order of the plan; what was typed stands before what is kept."""
    values = typed.values if typed is not None else {}
    errors = typed.errors if typed is not None else {}
    shown = {str(row["class_id"]): row for row in answer["classes"] if row["class_id"]}
    apart: dict[str, int] = {}
    for one in answer["students"]:
        if one["person_id"] in plan.pupils:
            for name in str(one["class"]).split(", "):
                apart[name] = apart.get(name, 0) + 1
    rows = []
    for line in plan.classes:
        row = shown.get(line.class_id)
        if not line.class_id or row is None:
            continue
        field_ = f"name-{line.class_id}"
        rows.append(
            ClassRow(
                class_id=line.class_id,
                now=str(row["name"]),
                students=int(row["students"]),
                apart=apart.get(str(row["name"]), 0),
                fate=values.get(f"fate-{line.class_id}", line.fate),
                name=values.get(field_, line.name),
                teachers=", ".join(str(one["person"]) for one in row["teachers"]),
                error=errors.get(field_, ""),
            )
        )
    return rows


def new_rows(plan: Plan, typed: Typed | None = None) -> list[NewRow]:
    """The plan's new classes, and a few empty lines."""
    values = typed.values if typed is not None else {}
    errors = typed.errors if typed is not None else {}
    new = [line for line in plan.classes if not line.class_id]
    empty = ClassLine(class_id="", fate="new")
    if typed is not None:  # their places are those of the form, which may have had more of them
        places = [name for name in values if name.startswith("new-")]
        new = [empty] * max(len(places) - SPARE_LINES, 0)
    return [
        NewRow(
            at=at,
            name=values.get(f"new-{at}", line.name),
            teacher=values.get(f"teacher-{at}", (line.teachers or ("",))[0]),
            error=errors.get(f"new-{at}", ""),
        )
        for at, line in enumerate([*new, *[empty] * SPARE_LINES])
    ]


def counts_words(answer: Answer, language: Language) -> list[tuple[str, int]]:
    """Figures with words; those that are nought are left out."""
    counts = answer["counts"]
    return [
        (say(language, *words), counts[kind]) for kind, words in COUNTS.items() if counts.get(kind)
    ]


def conflicts(answer: Answer, language: Language) -> list[Note]:
    """What is still to be decided."""
    classes = _classes(answer)
    return [
        Note(words=_words(note, CONFLICTS, classes, language), path=_mended(note, answer, classes))
        for note in answer["conflicts"]
    ]


def exceptions(answer: Answer, language: Language) -> list[tuple[str, list[str], int]]:
    """Kinds of what is not "the same class, one grade on": (words, a line for each, how many)."""
    found: dict[str, list[Mapping[str, Any]]] = {}
    for note in answer["exceptions"]:
        found.setdefault(str(note["kind"]), []).append(note)
    classes = _classes(answer)
    return [
        (
            say(language, *EXCEPTIONS[kind]) if kind in EXCEPTIONS else kind,
            [_about(note, classes) for note in notes[:MOST_SHOWN]],
            len(notes),
        )
        for kind, notes in found.items()
    ]


def merged(plan: Plan, answer: Answer) -> list[tuple[str, list[str]]]:
    """Classes of next year that are made of several: (name, classes of today)."""
    classes = _classes(answer)
    parts: dict[str, list[str]] = {}
    for line in plan.classes:
        if line.fate == CONTINUES:
            parts.setdefault(line.name, []).append(classes.get(line.class_id, ""))
    return [(name, found) for name, found in parts.items() if len(found) > 1]


def pupils_of(answer: Answer, name: str) -> list[Mapping[str, Any]]:
    """The pupils of a class of today, in a register's order."""
    return [one for one in answer["students"] if name in str(one["class"]).split(", ")]


def _classes(answer: Answer) -> dict[str, str]:
    return {str(row["class_id"]): str(row["name"]) for row in answer["classes"] if row["class_id"]}


def _words(
    note: Mapping[str, Any],
    texts: Mapping[str, tuple[str, str]],
    classes: Mapping[str, str],
    language: Language,
) -> str:
    """An unknown kind shows as it is: the module may be newer."""
    kind = str(note["kind"])
    words = say(language, *texts[kind]) if kind in texts else kind
    return ": ".join(part for part in (words, _about(note, classes)) if part)


def _about(note: Mapping[str, Any], classes: Mapping[str, str]) -> str:
    """Whom or what: of a teacher whom nobody knows any more the class, their id says nothing to anybody."""
    name = classes.get(str(note.get("class_id") or ""), "")
    detail = name if str(note["kind"]).startswith("teacher_un") else str(note.get("detail") or name)
    return " → ".join(part for part in (str(note.get("person") or ""), detail) if part)


def _mended(note: Mapping[str, Any], answer: Answer, classes: Mapping[str, str]) -> str:
    ids = {name: class_id for class_id, name in classes.items()}
    person = next(
        (one for one in answer["students"] if one["person_id"] == note.get("person_id")), None
    )
    of_one = str(note["kind"]).startswith(("teacher_", "class_undecided"))
    class_id = str(note.get("class_id") or "") if of_one else ""
    if person is not None:
        class_id = ids.get(str(person["class"]).split(", ")[0], "")
    return f"/school/year/plan/{class_id}" if class_id in classes else "/school/year/plan"


def check_rows(answer: Answer) -> Iterator[Mapping[str, Any]]:
    """Every class, today and next year, with its teachers' names."""
    for row in answer["classes"]:
        teachers: Sequence[Mapping[str, Any]] = row["teachers"]
        yield {**row, "teachers": ", ".join(str(one["person"]) for one in teachers)}
