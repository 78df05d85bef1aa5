"""The directory with one roster laid over it. Pure.

Other sources, what was set by hand, accounts, people's coming and going by hand and erased people are left as they
are: a list that still names whom the school has erased does not write them again.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from attrs import evolve

from synapse_sferum.ids import free_class_id, person_id_of
from synapse_sferum.model import (
    ClassId,
    Directory,
    Enrolment,
    EnrolmentRole,
    Guardianship,
    GuardianshipStatus,
    Person,
    PersonId,
    PersonStatus,
    Role,
    SchoolClass,
)
from synapse_sferum.roster import GROUPS, Roster


class _Merge:
    """The directory with one roster laid over it."""

    def __init__(self, directory: Directory, roster: Roster) -> None:
        self.directory, self.roster = directory, roster
        self.org_id = directory.org.org_id
        self.erased = {i for i, person in directory.people.items() if person.erased}
        self.class_ids = _class_ids(directory, roster)

    def result(self) -> Directory:
        """The directory as it should be."""
        people = {**self.directory.people, **{p.person_id: p for p in self._people()}}
        classes = {**self.directory.classes, **{c.class_id: c for c in self._classes()}}
        return Directory(
            org=evolve(self.directory.org, school_year=self.roster.school_year),
            people=people,
            classes=classes,
            enrolments=self._enrolments(people),
            guardianships=self._guardianships(people),
        )

    def person_id(self, source_id: str) -> PersonId:
        return person_id_of(self.org_id, self.roster.source, source_id)

    def class_id(self, source_id: str) -> ClassId:
        return self.class_ids[source_id]

    def _people(self) -> Iterable[Person]:
        for listed in self.roster.people.values():
            person_id = self.person_id(listed.source_id)
            if person_id in self.erased:
                continue
            known = self.directory.people.get(person_id)
            fields: dict[str, Any] = {
                "family_name": listed.family_name,
                "given_name": listed.given_name,
                "middle_name": listed.middle_name,
                # A file without the column must not erase what another file said.
                "birth_date": listed.birth_date or (known.birth_date if known else None),
                "listed_roles": listed.roles | self._roles_not_covered(known),
                "leaves_on": "",  # whoever is on a list stays
            }
            if known is None:
                yield Person(
                    person_id=person_id,
                    source=self.roster.source,
                    source_id=listed.source_id,
                    **fields,
                )
            else:
                yield evolve(known, **fields, status=_returned(known))
        yield from self._missing()

    def _roles_not_covered(self, known: Person | None) -> frozenset[Role]:
        """Roles that another file of this source gave: a guardians' file says nothing of a teacher's post."""
        if known is None or known.status is PersonStatus.LEFT:
            return frozenset()
        covered = frozenset().union(*(GROUPS[group] for group in self.roster.covers))
        return known.listed_roles - covered

    def _missing(self) -> Iterable[Person]:
        """People of the covered groups whom the list no longer names: a role is lost, and with the last one
        the school."""
        covered = frozenset().union(*(GROUPS[group] for group in self.roster.covers))
        listed = {self.person_id(source_id) for source_id in self.roster.people}
        for person in self.directory.people.values():
            if person.source != self.roster.source or person.person_id in listed:
                continue
            if person.status is PersonStatus.LEFT or not person.listed_roles & covered:
                continue
            left = person.listed_roles - covered
            if left:
                yield evolve(person, listed_roles=left)
            else:
                # The roles stay on the record: they say what the person was, and a return gives them back (R29).
                yield evolve(person, status=PersonStatus.LEFT)

    def _classes(self) -> Iterable[SchoolClass]:
        listed = set()
        for row in self.roster.classes.values():
            class_id = self.class_id(row.source_id)
            listed.add(class_id)
            known = self.directory.classes.get(class_id)
            yield SchoolClass(
                class_id=class_id,
                source=self.roster.source,
                source_id=row.source_id,
                session=self.roster.school_year,
                name=row.name,
                grade=row.grade,
                came_from=known.came_from if known is not None else (),
            )
        if "student" in self.roster.covers:
            for class_ in self.directory.classes.values():
                if (
                    class_.source == self.roster.source
                    and class_.class_id not in listed
                    and class_.open
                ):
                    yield evolve(class_, open=False)

    def _enrolments(self, people: Mapping[PersonId, Person]) -> frozenset[Enrolment]:
        """Ours are replaced, those by hand and those of other sources stay.

        Class teachers set by hand stand instead of the list's, for as long as one of them is at the school;
        a substitute stands beside them, and stays on when the list names them.
        """
        listed = {
            Enrolment(self.class_id(class_), self.person_id(person), role)
            for class_, person, role in self.roster.enrolments
            if self.person_id(person) not in self.erased
        }
        by_hand = {e for e in self.directory.enrolments if e.by_hand}
        homeroom_by_hand = {
            e.class_id
            for e in by_hand
            if e.role is EnrolmentRole.HOMEROOM_TEACHER
            and not e.until
            and people[e.person_id].status is not PersonStatus.LEFT
        }
        new = {
            e
            for e in listed
            if evolve(e, by_hand=True) not in by_hand
            and not (e.role is EnrolmentRole.HOMEROOM_TEACHER and e.class_id in homeroom_by_hand)
        }
        for_good = {
            e
            for e in self.directory.enrolments
            if e.until and evolve(e, by_hand=False, until="") in new
        }
        by_hand -= for_good
        others = self.directory.enrolments - by_hand - for_good
        kept = {e for e in others if not self._replaces(e)}
        return frozenset(new | kept | by_hand)

    def _replaces(self, enrolment: Enrolment) -> bool:
        class_ = self.directory.classes.get(enrolment.class_id)
        if (
            class_ is None
            or class_.source != self.roster.source
            or class_.session != self.roster.school_year
        ):
            return False
        group = "student" if enrolment.role is EnrolmentRole.STUDENT else "staff"
        return group in self.roster.covers

    def _guardianships(
        self, people: Mapping[PersonId, Person]
    ) -> dict[tuple[PersonId, PersonId], Guardianship]:
        found = dict(self.directory.guardianships)
        if "guardian" in self.roster.covers:
            for pair in self.directory.guardianships:
                guardian = people.get(pair[0])
                mine = guardian is not None and guardian.source == self.roster.source
                if mine and found[pair].status is GuardianshipStatus.CONFIRMED:
                    del found[pair]
        for (guardian_source_id, student_source_id), relation in self.roster.guardianships.items():
            pair = (self.person_id(guardian_source_id), self.person_id(student_source_id))
            if self.erased & set(pair):
                continue
            known = self.directory.guardianships.get(pair)
            # A court's order outlives every list (R34); a list confirms a claim.
            restricted = known is not None and known.status is GuardianshipStatus.RESTRICTED
            status = GuardianshipStatus.RESTRICTED if restricted else GuardianshipStatus.CONFIRMED
            found[pair] = Guardianship(*pair, relation=relation, status=status)
        return found


def _class_ids(directory: Directory, roster: Roster) -> dict[str, ClassId]:
    """Which class each row of the list is: its own of this year, else the one of that name, else a new one.

    A promoted class keeps its id and its rooms (R36), and the next list may number it anew: then the name finds it.
    """
    mine = [
        c
        for _, c in sorted(directory.classes.items())
        if (c.source, c.session) == (roster.source, roster.school_year)
    ]
    found = {c.source_id: c.class_id for c in mine if c.source_id in roster.classes}
    by_name = {c.name: c.class_id for c in mine if c.open and c.source_id not in roster.classes}
    taken = set(directory.classes)
    for source_id, row in sorted(roster.classes.items()):
        if source_id in found:
            continue
        if row.name in by_name:
            found[source_id] = by_name.pop(row.name)
        else:
            found[source_id] = free_class_id(
                directory.org.org_id, roster.source, source_id, roster.school_year, taken
            )
        taken.add(found[source_id])
    return found


def merge(directory: Directory, roster: Roster) -> Directory:
    """The directory as the roster wants it. Other sources, things set by hand and accounts are left as they are."""
    return _Merge(directory, roster).result()


def _returned(person: Person) -> PersonStatus:
    """R29: whoever is on the list again is back, with the old account if there was one.

    Not so whoever left by hand: the list may be older than that; an administrator brings them back.
    """
    if person.status is not PersonStatus.LEFT or person.left_by_hand:
        return person.status
    return PersonStatus.ACTIVE if person.user_id else PersonStatus.LISTED
