"""The plan of a school year before anybody has decided anything: every class one grade on. Pure (R35)."""

from __future__ import annotations

from datetime import date

from synapse_sferum.account import counts
from synapse_sferum.model import ClassId, Directory, EnrolmentRole, PersonStatus, SchoolClass
from synapse_sferum.year_document import ClassFate, ClassLine, YearDocument, next_year

#: After it some go on to the tenth class and some leave: the school says who.
LAST_COMMON_GRADE = 9
LAST_GRADE = 11


def draft_year(directory: Directory) -> YearDocument:
    """5А → 6А, 11А ends, 9А is undecided; as many first classes as there are today, still empty.

    Raises:
        ValueError: the school has no school year yet.
    """
    year = next_year(directory.org.school_year)
    classes = current_classes(directory)
    lines = [_line(class_) for class_ in classes]
    firsts = [c.name for c in classes if c.grade == 1 and _has_pupils(directory, c.class_id)]
    lines += [
        ClassLine(class_id=None, fate=ClassFate.NEW, name=name, grade=1, teachers=())
        for name in firsts
    ]
    return YearDocument(
        school_year=year,
        classes=tuple(lines),
        graduates_leave_on=date(int(year[:4]), 9, 1),
        rooms_until=date(int(year[-4:]), 9, 1),
    )


def current_classes(directory: Directory) -> list[SchoolClass]:
    """The open classes of the school's year, in a register's order."""
    found = [
        c for c in directory.classes.values() if c.open and c.session == directory.org.school_year
    ]
    return sorted(found, key=lambda c: (c.grade or 99, c.name, c.class_id))


def promoted_name(name: str, grade: int) -> str:
    """`5А` → `6А`; a name that does not begin with its grade stays."""
    return f"{grade + 1}{name.removeprefix(str(grade))}" if name.startswith(str(grade)) else name


def _line(class_: SchoolClass) -> ClassLine:
    grade = class_.grade
    if grade is None:  # a named class has no next grade: it goes on under its name
        return ClassLine(class_id=class_.class_id, fate=ClassFate.CONTINUES, name=class_.name)
    if grade >= LAST_GRADE:
        return ClassLine(class_id=class_.class_id, fate=ClassFate.ENDS)
    if grade == LAST_COMMON_GRADE:
        return ClassLine(class_id=class_.class_id, fate=ClassFate.UNDECIDED)
    return ClassLine(
        class_id=class_.class_id,
        fate=ClassFate.CONTINUES,
        name=promoted_name(class_.name, grade),
        grade=grade + 1,
    )


def _has_pupils(directory: Directory, class_id: ClassId) -> bool:
    return any(
        e.class_id == class_id
        and e.role is EnrolmentRole.STUDENT
        and directory.people[e.person_id].status is not PersonStatus.LEFT
        and counts(e.role, directory.people[e.person_id].roles)
        for e in directory.enrolments
    )
