"""What a promotion has changed, kept so that it can be taken back; and the hash that says it was. Pure (R37).

Only what was written is kept: ids, statuses, names of classes; no names of people. Taken back is what still is as the
promotion left it: an account that was made since, a pupil who has moved since, an erased record stay as they are now.
"""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from collections.abc import Collection, Mapping
from typing import Any

from attrs import evolve, frozen

from synapse_sferum.difference import difference
from synapse_sferum.model import (
    ClassId,
    Directory,
    Enrolment,
    EnrolmentRole,
    Person,
    PersonId,
    PersonStatus,
    SchoolClass,
)
from synapse_sferum.year_check import pupils_of

#: Fields of a class that a promotion writes, in the order in which they are kept.
_CLASS_FIELDS = ("source_id", "session", "name", "grade", "open", "came_from", "rooms_until")

Values = tuple[Any, ...]


@frozen(kw_only=True)
class Footprint:
    """Each class and person as (before, after), a class that was not there before with None; enrolments.

    `teachers`: the class teachers that the promotion has left, of each class where it changed them.
    """

    from_year: str
    to_year: str
    classes: Mapping[ClassId, tuple[Values | None, Values]]
    people: Mapping[PersonId, tuple[Values, Values]]
    added: frozenset[Enrolment]
    gone: frozenset[Enrolment]
    teachers: Mapping[ClassId, frozenset[Enrolment]]


def footprint_of(before: Directory, after: Directory) -> Footprint:
    """What to keep of a promotion."""
    change = difference(before, after)
    gone = before.enrolments - after.enrolments
    teachers_of = {
        e.class_id for e in (*change.enrolments, *gone) if e.role is EnrolmentRole.HOMEROOM_TEACHER
    }
    return Footprint(
        from_year=before.org.school_year,
        to_year=after.org.school_year,
        classes={
            c.class_id: (
                _class_values(before.classes[c.class_id]) if c.class_id in before.classes else None,
                _class_values(c),
            )
            for c in change.classes
        },
        people={
            p.person_id: (_person_values(before.people[p.person_id]), _person_values(p))
            for p in change.people
        },
        added=frozenset(change.enrolments),
        gone=frozenset(gone),
        teachers={i: _teachers(after.enrolments, i) for i in sorted(teachers_of)},
    )


def _teachers(enrolments: Collection[Enrolment], class_id: ClassId) -> frozenset[Enrolment]:
    role = EnrolmentRole.HOMEROOM_TEACHER
    return frozenset(e for e in enrolments if (e.class_id, e.role) == (class_id, role))


def take_back(directory: Directory, footprint: Footprint) -> Directory:
    """The directory without the promotion; its new classes stay as closed ones of a year that is yet to come."""
    classes = dict(directory.classes)
    for class_id, (before, _) in footprint.classes.items():
        now = classes[class_id]
        if before is None:
            classes[class_id] = evolve(now, open=False, came_from=(), rooms_until="")
        else:
            classes[class_id] = evolve(now, **dict(zip(_CLASS_FIELDS, before, strict=True)))
    _made_since(classes, footprint)
    people = dict(directory.people)
    for person_id, (before_values, after_values) in footprint.people.items():
        person = people[person_id]
        if not person.erased and _as_left(person, after_values):
            status, leaves_on = before_values
            people[person_id] = evolve(person, status=PersonStatus(status), leaves_on=leaves_on)
    return evolve(
        directory,
        org=evolve(directory.org, school_year=footprint.from_year),
        people=people,
        classes=classes,
        enrolments=_enrolments(directory, footprint, classes, people),
    )


def left_without_class(before: Directory, after: Directory) -> frozenset[PersonId]:
    """Pupils who had a class and have none: put since into one that only the promotion had made."""
    then, now = pupils_of(before), pupils_of(after)
    return frozenset(i for i, classes in now.items() if not classes and then.get(i))


@frozen(kw_only=True)
class Restored:
    """What taking a promotion back would do now.

    Attributes:
        classes: get their name of before, or are open again.
        people: are of the school again.
        without_class: pupils who would be in no class.
        exact: names and memberships would be those of before.
    """

    classes: int
    people: int
    without_class: int
    exact: bool


def restored_by(directory: Directory, footprint: Footprint, state_before: str) -> Restored:
    """Nothing is written: for a person who is about to say yes (R37)."""
    after = take_back(directory, footprint)
    changed = difference(directory, after)
    return Restored(
        classes=sum(before is not None for before, _ in footprint.classes.values()),
        people=sum(
            _of_the_school(p) and not _of_the_school(directory.people[p.person_id])
            for p in changed.people
        ),
        without_class=len(left_without_class(directory, after)),
        exact=state_hash(after) == state_before,
    )


def _of_the_school(person: Person) -> bool:
    return person.status is not PersonStatus.LEFT and not person.leaves_on


def _made_since(classes: dict[ClassId, SchoolClass], footprint: Footprint) -> None:
    """Classes that a split since has made go back a year with the others; what a merge since has made is closed.

    The parts of such a merge are there again, with everybody who was in them.
    """
    names = {c.name for c in classes.values() if c.open and c.session == footprint.from_year}
    numbers = {(c.source, c.source_id, c.session) for c in classes.values()}
    for class_id, class_ in sorted(classes.items()):
        if class_.session != footprint.to_year or not class_.open:
            continue
        if any(classes[part].open for part in class_.came_from):
            classes[class_id] = evolve(class_, open=False)
            continue
        name, grade = class_.name, class_.grade
        if grade is not None and grade > 1:
            earlier = f"{grade - 1}{name.removeprefix(str(grade))}"
            name, grade = earlier if earlier not in names else name, grade - 1
        number = (class_.source, name, footprint.from_year)
        names.add(name)
        classes[class_id] = evolve(
            class_,
            session=footprint.from_year,
            name=name,
            grade=grade,
            source_id=name if number not in numbers else f"~{class_id}",
        )
        numbers.add(number)


def _as_left(person: Person, after: Values) -> bool:
    """Whether a person still is as the promotion made them; a graduate whose day has come is, too."""
    if _person_values(person) == after:
        return True
    return (
        bool(after[1])
        and person.status is PersonStatus.LEFT
        and not person.left_by_hand
        and person.leaves_on in {"", after[1]}
    )


def _enrolments(
    directory: Directory,
    footprint: Footprint,
    classes: Mapping[ClassId, SchoolClass],
    people: Mapping[PersonId, Person],
) -> frozenset[Enrolment]:
    """Nobody ends in two classes: who has moved since into a class that stays is left there.

    Nor does a class get back its teachers when others have been set since.
    """
    kept = directory.enrolments - footprint.added
    moved = {e.person_id for e in footprint.added - directory.enrolments}
    placed: dict[PersonId, set[ClassId]] = defaultdict(set)
    for e in kept:
        class_ = classes[e.class_id]
        stays = class_.open and class_.session == footprint.from_year
        if e.role is EnrolmentRole.STUDENT and stays:
            placed[e.person_id].add(e.class_id)
    keys = {_key(e) for e in kept}
    other_teachers = {
        class_id
        for class_id, after in footprint.teachers.items()
        if _teachers(directory.enrolments, class_id) != after
    }
    back = {
        e
        for e in footprint.gone
        if not people[e.person_id].erased
        and _key(e) not in keys
        and not (e.role is EnrolmentRole.HOMEROOM_TEACHER and e.class_id in other_teachers)
        and not (e.role is EnrolmentRole.STUDENT and e.person_id in moved and placed[e.person_id])
    }
    return frozenset(kept | back)


def _key(e: Enrolment) -> tuple[str, str, str]:
    return e.class_id, e.person_id, e.role.value


def _class_values(class_: SchoolClass) -> Values:
    return tuple(getattr(class_, name) for name in _CLASS_FIELDS)


def _person_values(person: Person) -> Values:
    return person.status.value, person.leaves_on


def state_hash(directory: Directory) -> str:
    """64 hex characters over names and memberships: the year, its open classes, who is in them, who is of the school.

    Accounts are not in it: somebody may sign up between a promotion and its undoing.
    """
    year = directory.org.school_year
    current = {i: c for i, c in directory.classes.items() if c.open and c.session == year}
    rows: list[Any] = [
        year,
        sorted(
            [i, c.source, c.source_id, c.name, c.grade or 0, *c.came_from]
            for i, c in current.items()
        ),
        sorted(
            [i, p.status is PersonStatus.LEFT, p.leaves_on, sorted(r.value for r in p.roles)]
            for i, p in directory.people.items()
        ),
        sorted(
            [*_key(e), e.by_hand, e.until] for e in directory.enrolments if e.class_id in current
        ),
        sorted([*pair, link.status.value] for pair, link in directory.guardianships.items()),
    ]
    return hashlib.sha256(json.dumps(rows, ensure_ascii=False).encode()).hexdigest()


def footprint_json(footprint: Footprint) -> str:
    """For `sferum_years`."""
    return json.dumps(
        {
            "from": footprint.from_year,
            "to": footprint.to_year,
            "classes": {i: list(both) for i, both in sorted(footprint.classes.items())},
            "people": {i: list(both) for i, both in sorted(footprint.people.items())},
            "added": _rows(footprint.added),
            "gone": _rows(footprint.gone),
            "teachers": {i: _rows(found) for i, found in sorted(footprint.teachers.items())},
        },
        ensure_ascii=False,
    )


def footprint_from(text: str) -> Footprint:
    """The same back. Written by us only."""
    raw = json.loads(text)
    return Footprint(
        from_year=raw["from"],
        to_year=raw["to"],
        classes={
            ClassId(i): (None if a is None else _class_from(a), _class_from(b))
            for i, (a, b) in raw["classes"].items()
        },
        people={PersonId(i): (tuple(a), tuple(b)) for i, (a, b) in raw["people"].items()},
        added=_enrolments_from(raw["added"]),
        gone=_enrolments_from(raw["gone"]),
        teachers={ClassId(i): _enrolments_from(rows) for i, rows in raw["teachers"].items()},
    )


def _class_from(values: list[Any]) -> Values:
    return tuple(
        tuple(value) if name == "came_from" else value
        for name, value in zip(_CLASS_FIELDS, values, strict=True)
    )


def _rows(enrolments: Collection[Enrolment]) -> list[list[Any]]:
    return [[e.class_id, e.person_id, e.role.value, e.by_hand, e.until] for e in sorted(enrolments)]


def _enrolments_from(rows: list[list[Any]]) -> frozenset[Enrolment]:
    return frozenset(
        Enrolment(ClassId(c), PersonId(p), EnrolmentRole(role), by_hand, until)
        for c, p, role, by_hand, until in rows
    )
