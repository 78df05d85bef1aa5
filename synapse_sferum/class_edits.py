"""A class in the middle of the year: split, made one with another, a substitute; and what falls due. Pure."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date

from attrs import evolve

from synapse_sferum.audit import AuditEntry
from synapse_sferum.edits import Edit, Edited, EditRefused, current_class, known_person
from synapse_sferum.ids import free_class_id
from synapse_sferum.model import (
    STAFF,
    ClassId,
    Directory,
    Enrolment,
    EnrolmentRole,
    Person,
    PersonId,
    PersonStatus,
    Role,
    SchoolClass,
)
from synapse_sferum.year_draft import current_classes

#: Who writes what falls due; there is no person behind it.
CALENDAR = "calendar"


def split_class(class_id: str, name: str, person_ids: Collection[str], actor: str) -> Edit:
    """Some pupils of a class become a class of their own; the others keep the room. Parents follow (R40).

    Raises (when run):
        EditRefused: 404; 409 `SFERUM_NAME_TAKEN`, `SFERUM_NOT_IN_CLASS`.
    """

    def edit(directory: Directory) -> Edited:
        old = current_class(directory, class_id)
        _free_name(directory, name, ())
        wanted = {PersonId(i) for i in person_ids}
        role = EnrolmentRole.STUDENT
        mine = {e for e in directory.enrolments if (e.class_id, e.role) == (old.class_id, role)}
        moving = {e for e in mine if e.person_id in wanted}
        if len(moving) != len(wanted) or not wanted:
            raise EditRefused(409, "SFERUM_NOT_IN_CLASS", f"not all of them are in {old.name}")
        new = _new_class(directory, old, name, ())
        entry = AuditEntry(
            actor, "split_class", old.class_id, "", new.class_id, f"students={len(moving)}"
        )
        return evolve(
            directory,
            classes={**directory.classes, new.class_id: new},
            enrolments=(directory.enrolments - moving)
            | {evolve(e, class_id=new.class_id) for e in moving},
        ), [entry]

    return edit


def merge_classes(class_ids: Collection[str], name: str, actor: str) -> Edit:
    """R36: several classes become one: their rooms can be read, and the new room links to them.

    Raises (when run):
        EditRefused: 404; 400, fewer than two; 409 `SFERUM_NAME_TAKEN` by a class that is none of them.
    """

    def edit(directory: Directory) -> Edited:
        parts = sorted({current_class(directory, one).class_id for one in class_ids})
        if len(parts) < 2:
            raise EditRefused(400, "M_INVALID_PARAM", "class_ids: at least two classes")
        _free_name(directory, name, parts)
        first = directory.classes[parts[0]]
        new = _new_class(directory, first, name, tuple(parts))
        classes = {**directory.classes, new.class_id: new}
        for part in parts:
            old = classes[part]
            # Its number in the list is free for the new class, and for a list that still has the old one.
            classes[part] = evolve(old, open=False, source_id=f"~{part}")
        coming = {
            (e.person_id, e.role): evolve(e, class_id=new.class_id)
            # A teacher of one who stands in for another's is their teacher: those without a last day come last.
            for e in sorted(directory.enrolments, key=lambda e: (not e.until, e))
            if e.class_id in parts
        }
        entry = AuditEntry(actor, "merge_classes", new.class_id, ",".join(parts), new.class_id)
        return evolve(
            directory,
            classes=classes,
            enrolments=directory.enrolments | set(coming.values()),
        ), [entry]

    return edit


def set_substitute(class_id: str, person_id: str, until: date | None, actor: str) -> Edit:
    """Somebody of the staff stands beside the class teacher until a day, that day included; None ends it at once.

    Raises (when run):
        EditRefused: 404; 400, not of the staff; 409 `SFERUM_IS_TEACHER`, they are the class's teacher already.
    """

    def edit(directory: Directory) -> Edited:
        class_ = current_class(directory, class_id)
        person = known_person(directory, person_id)
        role = EnrolmentRole.HOMEROOM_TEACHER
        mine = [
            e
            for e in directory.enrolments
            if (e.class_id, e.person_id, e.role) == (class_.class_id, person.person_id, role)
        ]
        if any(not e.until for e in mine):
            raise EditRefused(409, "SFERUM_IS_TEACHER", "this person is the class's teacher")
        enrolments = directory.enrolments - set(mine)
        if until is not None:
            if not person.roles & STAFF or person.status is PersonStatus.LEFT:
                raise EditRefused(400, "M_INVALID_PARAM", "a substitute must be of the staff")
            enrolments |= {
                Enrolment(
                    class_.class_id, person.person_id, role, by_hand=True, until=until.isoformat()
                )
            }
        before = mine[0].until if mine else ""
        after = "" if until is None else until.isoformat()
        entry = AuditEntry(
            actor, "substitute", f"{class_.class_id}>{person.person_id}", before, after
        )
        return evolve(directory, enrolments=enrolments), [entry]

    return edit


def fall_due(today: date) -> Edit:
    """What a day brings about: substitutes whose last day is over, graduates whose day has come, and their parents.

    Whoever has found a place since, by hand, stays.
    """

    def edit(directory: Directory) -> Edited:
        day = today.isoformat()
        over = {e for e in directory.enrolments if e.until and e.until < day}
        entries = [
            AuditEntry(CALENDAR, "substitute", f"{e.class_id}>{e.person_id}", e.until, "")
            for e in sorted(over)
        ]
        enrolments = directory.enrolments - over
        people = dict(directory.people)
        due = [i for i, p in sorted(people.items()) if p.leaves_on and p.leaves_on <= day]
        # Children first: whether a parent has a child here is then known.
        for person_id in sorted(due, key=lambda i: Role.GUARDIAN in people[i].roles):
            person = people[person_id]
            stays = person.status is PersonStatus.LEFT or _has_a_place(directory, people, person)
            status = person.status if stays else PersonStatus.LEFT
            people[person_id] = evolve(person, status=status, leaves_on="")
            if not stays:
                entry = AuditEntry(CALENDAR, "leave", person_id, person.status.value, "left")
                entries.append(entry)
        return evolve(directory, people=people, enrolments=enrolments), entries

    return edit


def _has_a_place(directory: Directory, people: dict[PersonId, Person], person: Person) -> bool:
    """Whether a pupil is in a class of the year, a parent has a child here, or the person is something else."""
    if person.roles - {Role.STUDENT, Role.GUARDIAN}:
        return True
    current = {c.class_id for c in current_classes(directory)}
    enrolled = any(
        e.person_id == person.person_id
        and e.role is EnrolmentRole.STUDENT
        and e.class_id in current
        for e in directory.enrolments
    )
    return (Role.STUDENT in person.roles and enrolled) or any(
        guardian == person.person_id and people[student].status is not PersonStatus.LEFT
        for guardian, student in directory.guardianships
    )


def _free_name(directory: Directory, name: str, except_for: Collection[ClassId]) -> None:
    for class_ in current_classes(directory):
        if class_.name == name and class_.class_id not in except_for:
            raise EditRefused(409, "SFERUM_NAME_TAKEN", f"there is a class {name} already")


def _new_class(
    directory: Directory, like: SchoolClass, name: str, came_from: tuple[ClassId, ...]
) -> SchoolClass:
    """A class of the same grade and year; one that was closed under this name had rooms of its own."""
    org_id, year = directory.org.org_id, like.session
    class_id = free_class_id(org_id, like.source, name, year, directory.classes)
    taken = {
        (c.source, c.source_id)
        for c in directory.classes.values()
        if c.session == year and c.class_id not in came_from
    }
    return SchoolClass(
        class_id=class_id,
        source=like.source,
        source_id=name if (like.source, name) not in taken else f"~{class_id}",
        session=year,
        name=name,
        grade=like.grade,
        came_from=came_from,
    )
