"""Whether a plan of the school year fits the school: all that must be put right before it is applied. Pure."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping

from attrs import frozen

from synapse_sferum.model import (
    STAFF,
    ClassId,
    Directory,
    EnrolmentRole,
    Person,
    PersonId,
    PersonStatus,
    Role,
)
from synapse_sferum.roster_plan import Note
from synapse_sferum.year_document import ClassFate, PupilFate, YearDocument, next_year
from synapse_sferum.year_draft import current_classes


@frozen
class Staff:
    """Whom a word of the plan means: a person id, a number of the list, or a full name."""

    by_word: Mapping[str, frozenset[PersonId]]

    def find(self, word: str) -> frozenset[PersonId]:
        """Everybody it may mean; exactly one is right."""
        exact = self.by_word.get(word)
        return exact if exact is not None else self.by_word.get(_folded(word), frozenset())


def staff_of(directory: Directory) -> Staff:
    """The staff who have not left."""
    found: dict[str, set[PersonId]] = defaultdict(set)
    for person in directory.people.values():
        if person.status is PersonStatus.LEFT or not person.roles & STAFF:
            continue
        for word in _words(person):
            found[word].add(person.person_id)
    return Staff({word: frozenset(ids) for word, ids in found.items()})


def _words(person: Person) -> Iterable[str]:
    short = f"{person.family_name} {person.given_name}"
    yield person.person_id
    yield person.source_id
    yield _folded(short)
    if person.middle_name:
        yield _folded(f"{short} {person.middle_name}")


def _folded(text: str) -> str:
    return " ".join(text.casefold().replace("ё", "е").split())


def pupils_of(directory: Directory) -> dict[PersonId, tuple[ClassId, ...]]:
    """Every pupil who has not left, with the current classes they are in; mostly one, () for none."""
    current = {c.class_id for c in current_classes(directory)}
    found: dict[PersonId, list[ClassId]] = {
        i: []
        for i, p in sorted(directory.people.items())
        if p.status is not PersonStatus.LEFT and Role.STUDENT in p.roles
    }
    for e in sorted(directory.enrolments):
        if e.role is EnrolmentRole.STUDENT and e.class_id in current and e.person_id in found:
            found[e.person_id].append(e.class_id)
    return {person_id: tuple(classes) for person_id, classes in found.items()}


def conflicts_of(directory: Directory, document: YearDocument) -> list[Note]:
    """What does not fit, in a stable order; empty when the plan can be applied."""
    return [
        *_year(directory, document),
        *_classes(directory, document),
        *_names(document),
        *_teachers(directory, document),
        *_pupils(directory, document),
    ]


def _year(directory: Directory, document: YearDocument) -> Iterable[Note]:
    now = directory.org.school_year
    if not now or document.school_year != next_year(now):
        yield Note(kind="wrong_year", detail=document.school_year)


def _classes(directory: Directory, document: YearDocument) -> Iterable[Note]:
    current = {c.class_id: c for c in current_classes(directory)}
    planned = Counter(line.class_id for line in document.classes if line.class_id is not None)
    for class_id, times in planned.items():
        if class_id not in current:
            yield Note(kind="class_unknown", class_id=class_id)
        elif times > 1:
            yield Note(kind="class_twice", class_id=class_id, detail=current[class_id].name)
    for class_id, class_ in current.items():
        if class_id not in planned:
            yield Note(kind="class_not_planned", class_id=class_id, detail=class_.name)
    decided = {line.person_id for line in document.pupils}
    waiting: dict[ClassId, int] = Counter(
        class_id
        for person_id, classes in pupils_of(directory).items()
        if person_id not in decided
        for class_id in classes
    )
    for line in document.classes:
        mine = line.class_id
        if line.fate is ClassFate.UNDECIDED and mine in current and waiting[mine]:
            name = f"{current[mine].name}: {waiting[mine]}"
            yield Note(kind="class_undecided", class_id=mine, detail=name)


def _names(document: YearDocument) -> Iterable[Note]:
    """Two that go on under one name become one class; a new one has a name of its own."""
    going_on = {line.name for line in document.classes if line.fate is ClassFate.CONTINUES}
    new = Counter(line.name for line in document.classes if line.fate is ClassFate.NEW)
    for name, times in sorted(new.items()):
        if times > 1 or name in going_on:
            yield Note(kind="name_twice", detail=name)


def _teachers(directory: Directory, document: YearDocument) -> Iterable[Note]:
    staff = staff_of(directory)
    for line in document.classes:
        for word in line.teachers or ():
            found = staff.find(word)
            if len(found) != 1:
                kind = "teacher_ambiguous" if found else "teacher_unknown"
                yield Note(kind=kind, class_id=line.class_id, detail=word)


def _pupils(directory: Directory, document: YearDocument) -> Iterable[Note]:
    pupils = pupils_of(directory)
    names = {line.name for line in document.classes if line.name}
    planned = Counter(line.person_id for line in document.pupils)
    for person_id, times in planned.items():
        if person_id not in pupils:
            yield Note(kind="pupil_unknown", person_id=person_id)
        elif times > 1:
            yield Note(kind="pupil_twice", person_id=person_id)
    for line in document.pupils:
        if line.fate is PupilFate.MOVES and line.name not in names:
            yield Note(kind="target_unknown", person_id=line.person_id, detail=line.name)
