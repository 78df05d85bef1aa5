"""Plans of the school year for tests: the draft with a secretary's decisions written into it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from attrs import evolve

from synapse_sferum.model import ClassId, Directory, PersonId
from synapse_sferum.year_check import pupils_of
from synapse_sferum.year_document import ClassFate, ClassLine, PupilFate, PupilLine, YearDocument
from synapse_sferum.year_draft import current_classes, draft_year


def decided(
    directory: Directory,
    *,
    ends: Iterable[str] = (),
    new: Mapping[str, int] | None = None,
    moves: Mapping[PersonId, str] | None = None,
    leaves: Iterable[PersonId] = (),
    names: Mapping[str, str] | None = None,
    teachers: Mapping[str, tuple[str, ...]] | None = None,
) -> YearDocument:
    """The draft, changed.

    Args:
        ends: classes of today that end.
        new: name → grade of classes that are added.
        names: class of today → another name next year than the draft's.
        teachers: class of today, or new class → its class teachers.
    """
    draft = draft_year(directory)
    today = {c.class_id: c.name for c in current_classes(directory)}
    lines = [*draft.classes]
    for name, grade in (new or {}).items():
        lines.append(
            ClassLine(class_id=None, fate=ClassFate.NEW, name=name, grade=grade, teachers=())
        )
    for at, line in enumerate(lines):
        name = line.name if line.class_id is None else today[line.class_id]
        if line.class_id is not None and name in set(ends):
            lines[at] = evolve(line, fate=ClassFate.ENDS, name="", grade=None)
        if line.class_id is not None and name in (names or {}):
            to = (names or {})[name]
            digits = "".join(ch for ch in to[:2] if ch.isdigit())
            lines[at] = evolve(
                line,
                fate=ClassFate.CONTINUES,
                name=to,
                grade=int(digits) if digits else None,
            )
        if name in (teachers or {}):
            lines[at] = evolve(lines[at], teachers=(teachers or {})[name])
    pupils = [
        PupilLine(person_id=i, fate=PupilFate.MOVES, name=to) for i, to in (moves or {}).items()
    ]
    pupils += [PupilLine(person_id=i, fate=PupilFate.LEAVES) for i in leaves]
    return evolve(draft, classes=tuple(lines), pupils=tuple(pupils))


def pupils_in(directory: Directory, name: str) -> list[PersonId]:
    """The pupils of a class of today who have not left, in order of their ids."""
    (class_id,) = [c.class_id for c in current_classes(directory) if c.name == name]
    return [i for i, classes in pupils_of(directory).items() if class_id in classes]


def class_named(directory: Directory, name: str) -> ClassId:
    """The id of an open class of the year."""
    (class_id,) = [c.class_id for c in current_classes(directory) if c.name == name]
    return class_id


def decide(
    plan: Mapping[str, Any],
    names: Mapping[str, str],
    *,
    ends: Iterable[str] = (),
    becomes: Mapping[str, str] | None = None,
    new: Mapping[str, int] | None = None,
    moves: Mapping[str, str] | None = None,
    leaves: Iterable[str] = (),
    **more: Any,
) -> dict[str, Any]:
    """The same on the JSON of the API.

    Args:
        names: class id → name of today.
        becomes: class of today → name of next year.
        moves, leaves: person ids.
        more: fields of the document, such as `graduates_leave_on`.
    """
    lines = [dict(line) for line in plan["classes"]]
    for line in lines:
        name = names.get(line["class_id"] or "", "")
        if name in set(ends):
            line |= {"fate": "ends", "name": "", "grade": None}
        if name in (becomes or {}):
            line |= {"fate": "continues", "name": (becomes or {})[name]}
    for name, grade in (new or {}).items():
        line = {"class_id": None, "fate": "new", "name": name, "grade": grade, "teachers": []}
        lines.append(line)
    pupils = [{"person_id": i, "fate": "moves", "name": to} for i, to in (moves or {}).items()]
    pupils += [{"person_id": i, "fate": "leaves", "name": ""} for i in leaves]
    return {**plan, **more, "classes": lines, "pupils": pupils}
