"""A promotion before anything is written: classes, exceptions, figures, what is to be put right. Pure (R35)."""

from __future__ import annotations

import hashlib
import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping

from attrs import field, frozen

from synapse_sferum.model import (
    ClassId,
    Directory,
    EnrolmentRole,
    PersonId,
    PersonStatus,
    Role,
)
from synapse_sferum.roster_plan import Note, exceptions_of
from synapse_sferum.year_change import promote
from synapse_sferum.year_check import conflicts_of, pupils_of
from synapse_sferum.year_document import ClassFate, YearDocument
from synapse_sferum.year_draft import LAST_COMMON_GRADE, current_classes
from synapse_sferum.year_footprint import Footprint, footprint_json, footprint_of

#: The grade in which classes are given to other teachers.
FIRST_UPPER_GRADE = 5
#: Of the exceptions that every directory has, those that a promotion may bring about.
_OF_THE_YEAR = {
    "class_without_homeroom_teacher",
    "student_without_class",
    "student_of_two_classes",
    "homeroom_teacher_of_several",
}


@frozen(kw_only=True)
class ClassRow:
    """One class, today and next year.

    Attributes:
        fate: of `ClassFate`, and `becomes_one` for one of several that go on under one name.
        stay, elsewhere, leave: pupils who go on in this class, in another one, and who leave the school.
    """

    class_id: ClassId | None
    name: str
    fate: str
    next_name: str
    students: int
    stay: int
    elsewhere: int
    leave: int
    teachers: tuple[PersonId, ...] = field(repr=False)


@frozen(kw_only=True)
class StudentRow:
    """One pupil: the classes of today, and what is planned. `fate` is of `PupilFate`, or `with_the_class`."""

    person_id: PersonId
    classes: str
    fate: str
    name: str


@frozen(kw_only=True)
class YearPlan:
    """What a document does to a school.

    Attributes:
        after: the directory of next year; None while there are conflicts.
        plan_hash: 64 hex characters over everything that would be written; "" while there are conflicts.
        next_classes: next year's classes, name → pupils.
        students: every pupil, in a register's order: each may be an exception.
    """

    document: YearDocument
    before: Directory
    after: Directory | None
    footprint: Footprint | None
    plan_hash: str
    counts: Mapping[str, int]
    rows: tuple[ClassRow, ...]
    next_classes: Mapping[str, int]
    students: tuple[StudentRow, ...] = field(repr=False)
    conflicts: tuple[Note, ...]
    exceptions: tuple[Note, ...]


def plan_year(directory: Directory, document: YearDocument) -> YearPlan:
    """Everything a person needs to say yes or no."""
    conflicts = tuple(conflicts_of(directory, document))
    if conflicts:
        return YearPlan(
            document=document, before=directory, after=None, footprint=None, plan_hash="",
            counts={}, rows=tuple(_bare_rows(directory, document)), next_classes={},
            students=tuple(_students(directory, document)), conflicts=conflicts, exceptions=(),
        )  # fmt: skip
    after = promote(directory, document)
    footprint = footprint_of(directory, after)
    rows = tuple(_rows(directory, after, document))
    return YearPlan(
        document=document,
        before=directory,
        after=after,
        footprint=footprint,
        plan_hash=plan_hash_of(directory, footprint),
        counts=_counts(directory, after, rows),
        rows=rows,
        next_classes=_sizes(after),
        students=tuple(_students(directory, document)),
        conflicts=(),
        exceptions=tuple(_exceptions(directory, after, document)),
    )


def plan_hash_of(directory: Directory, footprint: Footprint) -> str:
    """Equal plans of equal schools have equal hashes."""
    text = json.dumps([directory.org.org_id, footprint_json(footprint)], ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


def _students(directory: Directory, document: YearDocument) -> Iterable[StudentRow]:
    order = {c.class_id: (at, c.name) for at, c in enumerate(current_classes(directory))}
    lines = {line.person_id: line for line in document.pupils}

    def place(found: tuple[PersonId, tuple[ClassId, ...]]) -> tuple[int, str, str, str, str]:
        person = directory.people[found[0]]
        at = min((order[one][0] for one in found[1]), default=len(order))
        return at, person.family_name, person.given_name, person.middle_name, found[0]

    for person_id, classes in sorted(pupils_of(directory).items(), key=place):
        line = lines.get(person_id)
        yield StudentRow(
            person_id=person_id,
            classes=", ".join(order[one][1] for one in classes),
            fate="with_the_class" if line is None else line.fate.value,
            name="" if line is None else line.name,
        )


def _places(directory: Directory) -> dict[PersonId, frozenset[ClassId]]:
    return {i: frozenset(classes) for i, classes in pupils_of(directory).items()}


def _sizes(directory: Directory) -> dict[str, int]:
    sizes = Counter(one for classes in _places(directory).values() for one in classes)
    return {c.name: sizes[c.class_id] for c in current_classes(directory)}


def _homeroom(directory: Directory) -> dict[ClassId, tuple[PersonId, ...]]:
    found: dict[ClassId, list[PersonId]] = defaultdict(list)
    for e in sorted(directory.enrolments):
        left = directory.people[e.person_id].status is PersonStatus.LEFT
        if e.role is EnrolmentRole.HOMEROOM_TEACHER and not left:
            found[e.class_id].append(e.person_id)
    return {class_id: tuple(ids) for class_id, ids in found.items()}


def _bare_rows(directory: Directory, document: YearDocument) -> Iterable[ClassRow]:
    """Of a plan that cannot be applied yet: what is known without it."""
    sizes, teachers = _sizes(directory), _homeroom(directory)
    names = {c.class_id: c.name for c in current_classes(directory)}
    for line in document.classes:
        name = names.get(line.class_id, "") if line.class_id is not None else ""
        yield ClassRow(
            class_id=line.class_id, name=name, fate=line.fate.value, next_name=line.name,
            students=sizes.get(name, 0), stay=0, elsewhere=0, leave=0,
            teachers=teachers.get(line.class_id, ()) if line.class_id is not None else (),
        )  # fmt: skip


def _rows(before: Directory, after: Directory, document: YearDocument) -> Iterable[ClassRow]:
    old, new, teachers = _places(before), _places(after), _homeroom(after)
    names = {c.class_id: c.name for c in current_classes(before)}
    by_name = {c.name: c.class_id for c in current_classes(after)}
    shared = Counter(line.name for line in document.classes if line.fate is ClassFate.CONTINUES)
    members: dict[ClassId, list[PersonId]] = defaultdict(list)
    for person_id, classes in old.items():
        for class_id in classes:
            members[class_id].append(person_id)
    for line in document.classes:
        target = by_name.get(line.name)
        mine = members[line.class_id] if line.class_id is not None else []
        leave = [i for i in mine if _gone(after, i)]
        stay = [i for i in mine if i not in set(leave) and target in new.get(i, frozenset())]
        one = line.fate is ClassFate.CONTINUES and shared[line.name] > 1
        yield ClassRow(
            class_id=line.class_id,
            name=names.get(line.class_id, "") if line.class_id is not None else "",
            fate="becomes_one" if one else line.fate.value,
            next_name=line.name,
            students=len(mine),
            stay=len(stay),
            elsewhere=len(mine) - len(stay) - len(leave),
            leave=len(leave),
            teachers=teachers.get(target, ()) if target is not None else (),
        )


def _gone(directory: Directory, person_id: PersonId) -> bool:
    person = directory.people[person_id]
    return person.status is PersonStatus.LEFT or bool(person.leaves_on)


def _counts(before: Directory, after: Directory, rows: Iterable[ClassRow]) -> dict[str, int]:
    fates = Counter(row.fate for row in rows)
    gone = [i for i in before.people if _gone(after, i) and not _gone(before, i)]
    pupils = [i for i in gone if Role.STUDENT in before.people[i].roles]
    graduates = [i for i in pupils if after.people[i].leaves_on]
    places, new = _places(before), _places(after)
    ninth = {c.class_id for c in current_classes(before) if c.grade == LAST_COMMON_GRADE}
    tenth = {c.class_id for c in current_classes(after) if c.grade == LAST_COMMON_GRADE + 1}
    return {
        "classes_before": len(current_classes(before)),
        "classes_after": len(current_classes(after)),
        "renamed": fates["continues"],
        "become_one": fates["becomes_one"],
        "ended": fates["ends"] + fates["undecided"],
        "new": fates["new"],
        "students_before": len(places),
        "students_after": len(places) - len(pupils),
        "graduates": len(graduates),
        "leave": len(pupils) - len(graduates),
        "guardians_leave": len(gone) - len(pupils),
        "to_tenth": sum(
            not ninth.isdisjoint(places[i]) and not tenth.isdisjoint(new.get(i, frozenset()))
            for i in places
        ),
    }


def _exceptions(before: Directory, after: Directory, document: YearDocument) -> Iterable[Note]:
    """What a director should look at: everything that is not "the same class, one grade on"."""
    yield from _of_classes(before, after, document)
    yield from _of_pupils(before, after, document)
    for note in exceptions_of(after):
        if note.kind in _OF_THE_YEAR:
            yield note


def _of_classes(before: Directory, after: Directory, document: YearDocument) -> Iterable[Note]:
    old = {c.class_id: c for c in current_classes(before)}
    was, now = _homeroom(before), _homeroom(after)
    shared = Counter(line.name for line in document.classes if line.fate is ClassFate.CONTINUES)
    for line in document.classes:
        class_ = old.get(line.class_id) if line.class_id is not None else None
        if class_ is None:
            yield Note(kind="class_new", detail=line.name)
            continue
        class_id, said = class_.class_id, f"{class_.name} → {line.name}"
        if line.fate is not ClassFate.CONTINUES:
            yield Note(kind="class_ends", class_id=class_id, detail=class_.name)
            continue
        if shared[line.name] > 1:
            yield Note(kind="classes_become_one", class_id=class_id, detail=said)
        if class_.grade is not None and line.grade != class_.grade + 1:
            yield Note(kind="grade_unusual", class_id=class_id, detail=said)
        if was.get(class_id, ()) != now.get(class_id, ()) and shared[line.name] == 1:
            yield Note(kind="teacher_changes", class_id=class_id, detail=line.name)
        elif line.grade == FIRST_UPPER_GRADE and was.get(class_id):
            yield Note(kind="teacher_of_the_lower_grades", class_id=class_id, detail=line.name)


def _of_pupils(before: Directory, after: Directory, document: YearDocument) -> Iterable[Note]:
    old, new = _places(before), _places(after)
    was = {c.class_id: c for c in current_classes(before)}
    now = {c.class_id: c for c in current_classes(after)}
    for line in sorted(document.pupils, key=lambda one: one.person_id):
        person_id = line.person_id
        left = _gone(after, person_id)
        moved = sorted(new.get(person_id, frozenset()) - old[person_id])
        if left:
            yield Note(kind="student_leaves", person_id=person_id)
        for class_id in moved if not left else ():
            grades = {was[c].grade for c in old[person_id]}
            repeats = now[class_id].grade is not None and now[class_id].grade in grades
            kind = "student_repeats" if repeats else "student_moves"
            yield Note(kind=kind, person_id=person_id, class_id=class_id, detail=now[class_id].name)
    for person_id, classes in old.items():
        if classes and not new.get(person_id) and not _gone(after, person_id):
            yield Note(kind="other_roles_stay", person_id=person_id)
