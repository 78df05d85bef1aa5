"""A school's plan of its next year while it is being made: what the pages change in `sferum.year.v1`. Pure (R35).

The module drafts, checks and applies it (docs/contracts.md §10); here is only what a person decides about it.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import date
from typing import Any

from attrs import evolve, field, frozen

#: The plan as it travels.
Document = Mapping[str, Any]

#: What becomes of a class: of the module's words.
CONTINUES, ENDS, UNDECIDED, NEW = "continues", "ends", "undecided", "new"
#: What becomes of a pupil who does not do what the class does.
MOVES, LEAVES = "moves", "leaves"
#: New classes of one plan that the page offers lines for beyond those there are.
SPARE_LINES = 3


@frozen(kw_only=True)
class ClassLine:
    """One class of the plan; `class_id` "" for a new one.

    Attributes:
        name: of next year, canonical (R39); "" when it ends or is undecided.
        teachers: person ids of next year's class teachers; None keeps today's.
    """

    class_id: str
    fate: str
    name: str = ""
    grade: int | None = None
    teachers: tuple[str, ...] | None = field(default=None, repr=False)


@frozen(kw_only=True)
class Plan:
    """The whole of it.

    Attributes:
        pupils: person id → the class they move into, or "" for whoever leaves the school.
        graduates_leave_on: until this day those who have finished the eleventh class read their chats.
        rooms_until: on this day the chats of classes that have ended are removed (R36).
    """

    school_year: str
    classes: tuple[ClassLine, ...]
    pupils: Mapping[str, str] = field(factory=dict, repr=False)
    graduates_leave_on: date
    rooms_until: date

    @property
    def names(self) -> list[str]:
        """Next year's classes."""
        return list(dict.fromkeys(line.name for line in self.classes if line.name))

    def line(self, class_id: str) -> ClassLine | None:
        return next((one for one in self.classes if one.class_id == class_id), None)


def plan_of(document: Document) -> Plan:
    """The plan out of `sferum.year.v1`, which the module or this service has written."""
    return Plan(
        school_year=str(document["school_year"]),
        classes=tuple(
            ClassLine(
                class_id=str(one["class_id"] or ""),
                fate=str(one["fate"]),
                name=str(one["name"]),
                grade=one["grade"],
                teachers=None if one["teachers"] is None else tuple(map(str, one["teachers"])),
            )
            for one in document["classes"]
        ),
        pupils={str(one["person_id"]): str(one["name"]) for one in document["pupils"]},
        graduates_leave_on=date.fromisoformat(str(document["graduates_leave_on"])),
        rooms_until=date.fromisoformat(str(document["rooms_until"])),
    )


def document_of(plan: Plan) -> dict[str, Any]:
    """The plan as `sferum.year.v1`."""
    return {
        "format": "sferum.year.v1",
        "school_year": plan.school_year,
        "classes": [
            {
                "class_id": one.class_id or None,
                "fate": one.fate,
                "name": one.name,
                "grade": one.grade,
                "teachers": None if one.teachers is None else list(one.teachers),
            }
            for one in plan.classes
        ],
        "pupils": [
            {"person_id": person_id, "fate": MOVES if name else LEAVES, "name": name}
            for person_id, name in sorted(plan.pupils.items())
        ],
        "graduates_leave_on": plan.graduates_leave_on.isoformat(),
        "rooms_until": plan.rooms_until.isoformat(),
    }


def renewed(fresh: Plan, kept: Plan | None, students: Collection[str]) -> Plan:
    """What was decided, for the school as it is now.

    A list may have come since: classes that are gone have no line, those that have come have the draft's, and of
    pupils those who are still here. A plan of another year is of no use any more.

    Args:
        fresh: the module's draft of this moment.
        students: ids of everybody who may have a line.
    """
    if kept is None or kept.school_year != fresh.school_year:
        return fresh
    ours = {line.class_id: line for line in kept.classes if line.class_id}
    classes = [ours.get(line.class_id, line) for line in fresh.classes if line.class_id]
    new = [line for line in kept.classes if not line.class_id]
    return evolve(
        kept,
        classes=(*classes, *new),
        pupils={one: name for one, name in kept.pupils.items() if one in students},
    )


def with_classes(
    plan: Plan,
    lines: Sequence[ClassLine],
    new: Sequence[ClassLine | None],
    graduates_leave_on: date,
    rooms_until: date,
) -> Plan:
    """The plan with what the page of all classes says; teachers stay. A class that changes its name takes with it
    the pupils who were to move into it.

    Args:
        lines: of classes there are; whoever has none keeps the plan's.
        new: in the plan's order of new classes, None for one that is not to be; further ones follow.
    """
    said = {line.class_id: line for line in lines}
    renamed: dict[str, str] = {}
    classes = []
    for old in plan.classes:
        if old.class_id:
            line = evolve(said.get(old.class_id, old), teachers=old.teachers)
            classes.append(line)
            _note(renamed, old, line)
    before = [line for line in plan.classes if not line.class_id]
    for at, added in enumerate(new):
        if added is not None:
            classes.append(added)
            if at < len(before):
                _note(renamed, before[at], added)
    there = {line.name for line in classes}
    return evolve(
        plan,
        classes=tuple(classes),
        pupils={
            one: name if name in there else renamed.get(name, name)
            for one, name in plan.pupils.items()
        },
        graduates_leave_on=graduates_leave_on,
        rooms_until=rooms_until,
    )


def _note(renamed: dict[str, str], old: ClassLine, new: ClassLine) -> None:
    if old.name and new.name and old.name != new.name:
        renamed[old.name] = new.name


def with_pupils(
    plan: Plan,
    class_id: str,
    here: Collection[str],
    choices: Mapping[str, str | None],
    teachers: tuple[str, ...] | None,
) -> Plan:
    """The plan with what the page of one class says.

    Args:
        here: the pupils of the class; nobody else is changed by this page.
        choices: person id → class of next year, "" leaves the school, None does what the class does.
        teachers: of next year, None keeps today's.
    """
    pupils = dict(plan.pupils)
    for person_id, choice in choices.items():
        if person_id not in here:
            continue
        if choice is None:
            pupils.pop(person_id, None)
        else:
            pupils[person_id] = choice
    classes = tuple(
        evolve(line, teachers=teachers) if line.class_id == class_id else line
        for line in plan.classes
    )
    return evolve(plan, classes=classes, pupils=pupils)


def targets_for(plan: Plan, grade: int | None) -> list[str]:
    """Classes of next year into which pupils of a grade may go: the next grade, or the same again (R38)."""
    fits = [
        line.name
        for line in plan.classes
        if line.name and (grade is None or line.grade in {None, grade, grade + 1})
    ]
    return list(dict.fromkeys(fits))
