"""The directory of the year to come: one change of values, written in one transaction. Pure (R35, R36, R38).

A class that goes on keeps its id, and with it its two rooms, their history and everybody in them: they are renamed.
A class that ends, or becomes one with another, is closed: its rooms can be read. Enrolments in closed classes stay.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping

from attrs import define, evolve, field

from synapse_sferum.ids import free_class_id
from synapse_sferum.model import (
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
from synapse_sferum.year_check import pupils_of, staff_of
from synapse_sferum.year_document import ClassFate, ClassLine, PupilFate, YearDocument
from synapse_sferum.year_draft import LAST_GRADE, current_classes

#: Source of a new class in a school that has none.
NO_LIST = "year"


def promote(directory: Directory, document: YearDocument) -> Directory:
    """The directory after the plan, which has no conflicts (`year_check.conflicts_of`)."""
    return _Promotion(directory, document).result()


@define
class _Promotion:
    directory: Directory
    document: YearDocument
    classes: dict[ClassId, SchoolClass] = field(factory=dict, init=False)
    #: Next year's class of each current one; None when it ends.
    next_of: dict[ClassId, ClassId | None] = field(factory=dict, init=False)
    by_name: dict[str, ClassId] = field(factory=dict, init=False)
    added: set[Enrolment] = field(factory=set, init=False)
    gone: set[Enrolment] = field(factory=set, init=False)
    used: set[tuple[str, str]] = field(factory=set, init=False)  # (source, source id) of next year
    of_class: dict[ClassId, list[Enrolment]] = field(factory=dict, init=False)

    def result(self) -> Directory:
        self.classes = dict(self.directory.classes)
        self.of_class = defaultdict(list)
        for e in sorted(self.directory.enrolments):
            self.of_class[e.class_id].append(e)
        self._all_classes()
        leaving = self._all_pupils()
        return evolve(
            self.directory,
            org=evolve(self.directory.org, school_year=self.document.school_year),
            people=self._people(leaving),
            classes=self._out_of_the_way(),
            enrolments=(self.directory.enrolments - self.gone) | self.added,
        )

    # --- classes

    def _all_classes(self) -> None:
        going_on: dict[str, list[ClassLine]] = defaultdict(list)
        for line in self.document.classes:
            if line.fate is ClassFate.CONTINUES:
                going_on[line.name].append(line)
            elif line.fate is ClassFate.NEW:
                self._new(line.name, line.grade, line.teachers or (), ())
            elif line.class_id is not None:
                self._close(line.class_id, self.document.rooms_until.isoformat())
                self.next_of[line.class_id] = None
        for name, lines in going_on.items():
            if len(lines) == 1:
                self._go_on(lines[0])
            else:
                self._become_one(name, lines)

    def _go_on(self, line: ClassLine) -> None:
        assert line.class_id is not None
        old = self.classes[line.class_id]
        named = line.name if old.source_id == old.name else old.source_id
        self.classes[old.class_id] = evolve(
            old,
            session=self.document.school_year,
            name=line.name,
            grade=line.grade,
            source_id=self._unused(old.source, named, old.class_id),
        )
        self.next_of[old.class_id] = self.by_name[line.name] = old.class_id
        if line.teachers is not None:
            self._set_teachers(old.class_id, line.teachers)

    def _become_one(self, name: str, lines: list[ClassLine]) -> None:
        """R36: both rooms are closed and can be read, the new one links to both."""
        parts = tuple(sorted(line.class_id for line in lines if line.class_id is not None))
        stated = [line.teachers for line in lines if line.teachers is not None]
        words = dict.fromkeys(word for teachers in stated for word in teachers)
        grades = [line.grade for line in lines if line.grade is not None]
        new = self._new(name, max(grades, default=None), tuple(words), parts)
        for part in parts:
            self._close(part, "")
            self.next_of[part] = new
        # A teacher of one who stands in for another's is their teacher: those with a last day come last.
        for e in sorted((e for part in parts for e in self.of_class[part]), key=lambda e: e.until):
            teaches = e.role is EnrolmentRole.TEACHER
            if teaches or (e.role is EnrolmentRole.HOMEROOM_TEACHER and not stated):
                self._add(evolve(e, class_id=new))

    def _new(
        self, name: str, grade: int | None, teachers: Iterable[str], came_from: tuple[ClassId, ...]
    ) -> ClassId:
        sources = Counter(c.source for c in current_classes(self.directory))
        source = min(sources, key=lambda one: (-sources[one], one), default=NO_LIST)
        year = self.document.school_year
        same = [
            c.class_id
            for _, c in sorted(self.directory.classes.items())
            if (c.source, c.session, c.name) == (source, year, name)
        ]
        class_id = same[0] if same else free_class_id(
            self.directory.org.org_id, source, name, year, self.classes
        )  # fmt: skip
        self.classes[class_id] = SchoolClass(
            class_id=class_id,
            source=source,
            source_id=self._unused(source, name, class_id),
            session=year,
            name=name,
            grade=grade,
            came_from=came_from,
        )
        self.by_name[name] = class_id
        self._set_teachers(class_id, teachers)
        return class_id

    def _close(self, class_id: ClassId, rooms_until: str) -> None:
        old = self.classes[class_id]
        self.classes[class_id] = evolve(old, open=False, rooms_until=rooms_until)

    def _unused(self, source: str, source_id: str, class_id: ClassId) -> str:
        """The number in the source, unless another class of the year has it: then one of its own."""
        found = source_id if (source, source_id) not in self.used else f"~{class_id}"
        self.used.add((source, found))
        return found

    def _out_of_the_way(self) -> dict[ClassId, SchoolClass]:
        """Classes of that year from before, of a list that came too early or a plan taken back, are closed."""
        year, mine = self.document.school_year, set(self.by_name.values())
        for class_id, class_ in self.directory.classes.items():
            if class_.session == year and class_id not in mine:
                taken = (class_.source, class_.source_id) in self.used
                number = f"~{class_id}" if taken else class_.source_id
                self.classes[class_id] = evolve(class_, open=False, source_id=number)
        return self.classes

    # --- people

    def _all_pupils(self) -> set[PersonId]:
        """Enrols everybody; returns who leaves, at once or as a graduate."""
        lines = {line.person_id: line for line in self.document.pupils}
        leaving = set()
        for person_id, classes in pupils_of(self.directory).items():
            line = lines.get(person_id)
            if line is None:
                goes_on = [c for c in (self.next_of[one] for one in classes) if c is not None]
                for class_id in goes_on:
                    self._enrol(person_id, class_id, classes)
                if classes and not goes_on:
                    leaving.add(person_id)
            elif line.fate is PupilFate.LEAVES:
                leaving.add(person_id)
            else:
                self._move(person_id, self.by_name[line.name], classes)
        return leaving

    def _enrol(self, person_id: PersonId, class_id: ClassId, classes: tuple[ClassId, ...]) -> None:
        by_hand = any(e.by_hand for one in classes for e in self._mine(one, person_id))
        if class_id not in classes:
            self._add(Enrolment(class_id, person_id, EnrolmentRole.STUDENT, by_hand))

    def _move(self, person_id: PersonId, target: ClassId, classes: tuple[ClassId, ...]) -> None:
        self._enrol(person_id, target, classes)
        for class_id in classes:
            if class_id == target:
                continue
            if self.next_of[class_id] == class_id:
                self.gone |= set(self._mine(class_id, person_id))
            elif self.next_of[class_id] is None:
                self._came_from(target, class_id)

    def _came_from(self, target: ClassId, class_id: ClassId) -> None:
        """The new class of some of an ended one: its room links to the old one, which they go on reading."""
        class_ = self.classes[target]
        if target not in self.next_of:
            parts = tuple(sorted({*class_.came_from, class_id}))
            self.classes[target] = evolve(class_, came_from=parts)

    def _mine(self, class_id: ClassId, person_id: PersonId) -> list[Enrolment]:
        return [
            e
            for e in self.of_class[class_id]
            if e.person_id == person_id and e.role is EnrolmentRole.STUDENT
        ]

    def _people(self, leaving: set[PersonId]) -> Mapping[PersonId, Person]:
        """Whoever finishes the eleventh class leaves on the day of the plan, everybody else, named or not, at once.

        So do parents whose last child leaves, unless they are something else at the school.
        """
        people = dict(self.directory.people)
        decided = {line.person_id for line in self.document.pupils}
        graduates = {
            e.person_id
            for c in current_classes(self.directory)
            if c.grade == LAST_GRADE
            for e in self.of_class[c.class_id]
            if e.person_id in leaving and e.person_id not in decided
        }
        day = self.document.graduates_leave_on.isoformat()
        for person_id in sorted(leaving):
            if people[person_id].roles == {Role.STUDENT}:
                people[person_id] = _leaves(people[person_id], person_id in graduates, day)
        children_of: dict[PersonId, list[PersonId]] = defaultdict(list)
        for guardian_id, student_id in self.directory.guardianships:
            children_of[guardian_id].append(student_id)
        for guardian_id, ids in sorted(children_of.items()):
            if leaving.isdisjoint(ids):
                continue
            guardian, children = people[guardian_id], [people[i] for i in ids]
            stays = any(c.status is not PersonStatus.LEFT and not c.leaves_on for c in children)
            if not stays and guardian.roles == {Role.GUARDIAN}:
                last = any(c.status is not PersonStatus.LEFT for c in children)
                people[guardian_id] = _leaves(guardian, last, day)
        return people

    def _set_teachers(self, class_id: ClassId, words: Iterable[str]) -> None:
        staff, role = staff_of(self.directory), EnrolmentRole.HOMEROOM_TEACHER
        wanted = {next(iter(staff.find(word))) for word in words}
        here = {e for e in self.of_class[class_id] if e.role is role}
        self.gone |= {e for e in here if e.person_id not in wanted or e.until}
        known = {e.person_id for e in here if not e.until}
        for person_id in sorted(wanted - known):
            self._add(Enrolment(class_id, person_id, role))

    def _add(self, enrolment: Enrolment) -> None:
        """One enrolment for each person, class and role: two classes that become one may share a teacher."""
        same = {
            e
            for e in self.added | set(self.of_class[enrolment.class_id]) - self.gone
            if (e.class_id, e.person_id, e.role)
            == (enrolment.class_id, enrolment.person_id, enrolment.role)
        }
        if not same:
            self.added.add(enrolment)


def _leaves(person: Person, graduate: bool, day: str) -> Person:
    if person.status is PersonStatus.LEFT:
        return person
    return evolve(person, leaves_on=day) if graduate else evolve(person, status=PersonStatus.LEFT)
