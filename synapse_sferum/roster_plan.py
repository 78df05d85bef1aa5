"""What a roster would change in a school, before anything is written. Pure.

`merge` gives the directory as it should be; `plan_roster` says what that means in people's terms, and refuses itself
when it looks like half a file. Nothing here touches records of another source.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from typing import Any

from attrs import evolve, frozen

from synapse_sferum.account import counts
from synapse_sferum.desired import membership_pairs
from synapse_sferum.difference import Difference, difference
from synapse_sferum.ids import class_id_of, person_id_of
from synapse_sferum.model import (
    ADMINISTRATIVE,
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

#: Below this many removals a share says nothing: two of five pupils may well have moved away.
SMALLEST_UNSAFE = 10


@frozen(kw_only=True)
class Note:
    """One line for a person to look at. `kind` is a stable word, `person_id`/`class_id` say whom or what."""

    kind: str
    person_id: PersonId | None = None
    class_id: ClassId | None = None
    detail: str = ""


@frozen(kw_only=True)
class RosterPlan:
    """The difference a roster makes.

    Attributes:
        plan_hash: 64 hex characters over the difference; equal plans have equal hashes.
        counts: how many of each kind of change.
        by_class: class name → {"before", "after", "joins", "leaves"} pupils.
        removals: (memberships that would end, memberships there are, share of them).
        refusal: None, `unsafe` or `last_administrator`; the second cannot be forced.
    """

    before: Directory
    after: Directory
    change: Difference
    plan_hash: str
    counts: Mapping[str, int]
    changes: tuple[Note, ...]
    exceptions: tuple[Note, ...]
    by_class: Mapping[str, Mapping[str, int]]
    removals: tuple[int, int, float]
    refusal: str | None
    message: str


class _Merge:
    """The directory with one roster laid over it."""

    def __init__(self, directory: Directory, roster: Roster) -> None:
        self.directory, self.roster = directory, roster
        self.org_id = directory.org.org_id

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
        return class_id_of(self.org_id, self.roster.source, source_id, self.roster.school_year)

    def _people(self) -> Iterable[Person]:
        for listed in self.roster.people.values():
            person_id = self.person_id(listed.source_id)
            known = self.directory.people.get(person_id)
            fields: dict[str, Any] = {
                "family_name": listed.family_name,
                "given_name": listed.given_name,
                "middle_name": listed.middle_name,
                # A file without the column must not erase what another file said.
                "birth_date": listed.birth_date or (known.birth_date if known else None),
                "listed_roles": listed.roles | self._roles_not_covered(known),
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
            yield SchoolClass(
                class_id=class_id,
                source=self.roster.source,
                source_id=row.source_id,
                session=self.roster.school_year,
                name=row.name,
                grade=row.grade,
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

        Class teachers set by hand stand instead of the list's, for as long as one of them is at the school.
        """
        by_hand = {e for e in self.directory.enrolments if e.by_hand}
        homeroom_by_hand = {
            e.class_id
            for e in by_hand
            if e.role is EnrolmentRole.HOMEROOM_TEACHER
            and people[e.person_id].status is not PersonStatus.LEFT
        }
        listed = {
            Enrolment(self.class_id(class_), self.person_id(person), role)
            for class_, person, role in self.roster.enrolments
        }
        new = {
            e
            for e in listed
            if evolve(e, by_hand=True) not in by_hand
            and not (e.role is EnrolmentRole.HOMEROOM_TEACHER and e.class_id in homeroom_by_hand)
        }
        kept = {e for e in self.directory.enrolments - by_hand if not self._replaces(e)}
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
            known = self.directory.guardianships.get(pair)
            # A court's order outlives every list (R34); a list confirms a claim.
            restricted = known is not None and known.status is GuardianshipStatus.RESTRICTED
            status = GuardianshipStatus.RESTRICTED if restricted else GuardianshipStatus.CONFIRMED
            found[pair] = Guardianship(*pair, relation=relation, status=status)
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


def plan_roster(directory: Directory, roster: Roster) -> RosterPlan:
    """Everything a person needs to say yes or no."""
    after = merge(directory, roster)
    change = difference(directory, after)
    changes = tuple(_changes(directory, after, change))
    removals = _removals(directory, after)
    refusal, message = _refusal(directory, after, removals)
    return RosterPlan(
        before=directory,
        after=after,
        change=change,
        plan_hash=_hash(directory, change),
        counts=dict(sorted(Counter(note.kind for note in changes).items())),
        changes=changes,
        exceptions=tuple(exceptions_of(after)),
        by_class=_by_class(directory, after),
        removals=removals,
        refusal=refusal,
        message=message,
    )


def _hash(before: Directory, change: Difference) -> str:
    """Over every row to write with what it replaces: agreeing to "new" is not agreeing to "instead of the teacher"."""
    rows = [
        *((_person_row(p), _person_row(before.people.get(p.person_id))) for p in change.people),
        *((_class_row(c), _class_row(before.classes.get(c.class_id))) for c in change.classes),
        *((e.class_id, e.person_id, e.role.value, e.by_hand) for e in change.enrolments),
        *((e.class_id, e.person_id, e.role.value, "gone") for e in change.enrolments_gone),
        *(
            (_link_row(g), _link_row(before.guardianships.get((g.guardian_id, g.student_id))))
            for g in change.guardianships
        ),
        *((_link_row(g), "gone") for g in change.guardianships_gone),
        (before.org.school_year, change.org.school_year if change.org else None),
    ]
    text = json.dumps([before.org.org_id, rows], ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


def _person_row(person: Person | None) -> tuple[object, ...]:
    if person is None:
        return ()
    names = (person.family_name, person.given_name, person.middle_name)
    roles = sorted(role.value for role in person.listed_roles)
    return person.person_id, person.status.value, *names, str(person.birth_date), roles


def _class_row(class_: SchoolClass | None) -> tuple[object, ...]:
    return () if class_ is None else (class_.class_id, class_.name, class_.grade, class_.open)


def _link_row(link: Guardianship | None) -> tuple[object, ...]:
    if link is None:
        return ()
    return link.guardian_id, link.student_id, link.relation, link.status.value


def _changes(before: Directory, after: Directory, change: Difference) -> Iterable[Note]:
    for person in change.people:
        known = before.people.get(person.person_id)
        yield Note(kind=_person_change(known, person), person_id=person.person_id)
    for class_ in change.classes:
        known_class = before.classes.get(class_.class_id)
        kind = (
            "class_added"
            if known_class is None
            else "class_changed"
            if class_.open
            else "class_closed"
        )
        yield Note(kind=kind, class_id=class_.class_id, detail=class_.name)
    for enrolment in change.enrolments:
        yield Note(
            kind=f"{enrolment.role.value}_enrolled",
            person_id=enrolment.person_id,
            class_id=enrolment.class_id,
            detail=after.classes[enrolment.class_id].name,
        )
    for enrolment in change.enrolments_gone:
        yield Note(
            kind=f"{enrolment.role.value}_taken_out",
            person_id=enrolment.person_id,
            class_id=enrolment.class_id,
            detail=before.classes[enrolment.class_id].name,
        )
    for link in change.guardianships:
        yield Note(kind="guardianship_set", person_id=link.guardian_id)
    for link in change.guardianships_gone:
        yield Note(kind="guardianship_gone", person_id=link.guardian_id)


def _person_change(known: Person | None, person: Person) -> str:
    if known is None:
        return "person_added"
    if known.status is not person.status:
        return "person_left" if person.status is PersonStatus.LEFT else "person_returned"
    if known.listed_roles != person.listed_roles:
        return "person_roles"
    return "person_changed"


def exceptions_of(directory: Directory) -> Iterable[Note]:
    """What a director should look at in a directory, in a stable order."""
    here = {i for i, p in directory.people.items() if p.status is not PersonStatus.LEFT}
    current = {
        i: c
        for i, c in directory.classes.items()
        if c.open and c.session == directory.org.school_year
    }
    members: dict[tuple[ClassId, EnrolmentRole], list[PersonId]] = defaultdict(list)
    classes_of: dict[tuple[PersonId, EnrolmentRole], list[ClassId]] = defaultdict(list)
    for e in sorted(directory.enrolments):
        if (
            e.person_id in here
            and e.class_id in current
            and counts(e.role, directory.people[e.person_id].roles)
        ):
            members[e.class_id, e.role].append(e.person_id)
            classes_of[e.person_id, e.role].append(e.class_id)
    for class_id, class_ in sorted(
        current.items(), key=lambda item: (item[1].grade or 99, item[1].name)
    ):
        if not members[class_id, EnrolmentRole.STUDENT]:
            yield Note(kind="class_empty", class_id=class_id, detail=class_.name)
        elif not members[class_id, EnrolmentRole.HOMEROOM_TEACHER]:
            yield Note(kind="class_without_homeroom_teacher", class_id=class_id, detail=class_.name)
    linked = {g.guardian_id for g in directory.guardianships.values() if g.student_id in here}
    for person_id in sorted(here):
        person = directory.people[person_id]
        if Role.STUDENT in person.roles and not classes_of[person_id, EnrolmentRole.STUDENT]:
            yield Note(kind="student_without_class", person_id=person_id)
        if len(classes_of[person_id, EnrolmentRole.STUDENT]) > 1:
            yield Note(kind="student_of_two_classes", person_id=person_id)
        homeroom = classes_of[person_id, EnrolmentRole.HOMEROOM_TEACHER]
        if len(homeroom) > 1:
            names = ", ".join(current[class_id].name for class_id in homeroom)
            yield Note(kind="homeroom_teacher_of_several", person_id=person_id, detail=names)
        if person.roles_by_hand is not None and person.roles_by_hand != person.listed_roles:
            yield Note(kind="roles_by_hand", person_id=person_id)
        if Role.GUARDIAN in person.roles and person_id not in linked:
            yield Note(kind="guardian_without_child", person_id=person_id)


def _by_class(before: Directory, after: Directory) -> dict[str, dict[str, int]]:
    old, new = _pupils_by_class(before), _pupils_by_class(after)
    return {
        name: {
            "before": len(old.get(name, set())),
            "after": len(new.get(name, set())),
            "joins": len(new.get(name, set()) - old.get(name, set())),
            "leaves": len(old.get(name, set()) - new.get(name, set())),
        }
        for name in sorted(old.keys() | new.keys(), key=_class_order)
    }


def _class_order(name: str) -> tuple[int, str]:
    digits = "".join(ch for ch in name[:2] if ch.isdigit())
    return int(digits) if digits else 99, name


def _pupils_by_class(directory: Directory) -> dict[str, set[PersonId]]:
    found: dict[str, set[PersonId]] = defaultdict(set)
    for e in directory.enrolments:
        class_ = directory.classes.get(e.class_id)
        person = directory.people.get(e.person_id)
        if class_ is None or person is None or e.role is not EnrolmentRole.STUDENT:
            continue
        if (
            class_.open
            and class_.session == directory.org.school_year
            and person.status is not PersonStatus.LEFT
            and counts(e.role, person.roles)
        ):
            found[class_.name].add(e.person_id)
    return found


def _removals(before: Directory, after: Directory) -> tuple[int, int, float]:
    """Memberships that would end, out of those there are, as if everybody had an account."""
    old, new = membership_pairs(before), membership_pairs(after)
    gone = len(old - new)
    return gone, len(old), gone / len(old) if old else 0.0


def _refusal(
    before: Directory, after: Directory, removals: tuple[int, int, float]
) -> tuple[str | None, str]:
    if loses_administrators(before, after):
        return "last_administrator", (
            "the school would be left without an administrator (director, deputy or administrator); "
            "give the role to somebody first"
        )
    gone, there, share = removals
    limit = before.org.settings.removal_limit
    if gone >= SMALLEST_UNSAFE and share > limit:
        return "unsafe", (
            f"this would end {gone} of {there} memberships ({share:.0%}), over the school's limit of {limit:.0%}; "
            "is the file whole? If so, apply again with --force"
        )
    return None, ""


def loses_administrators(before: Directory, after: Directory) -> bool:
    """R33: whether a change takes away the last who can administer the school.

    Once somebody with an account can, only people with an account count: a name on a list helps nobody.
    """
    able, active = _administrators(before)
    able_after, active_after = _administrators(after)
    return not active_after if active else bool(able) and not able_after


def _administrators(directory: Directory) -> tuple[bool, bool]:
    """Whether anybody on the lists could administer the school, and whether anybody active can."""
    able = [
        p
        for p in directory.people.values()
        if p.status is not PersonStatus.LEFT and p.roles & ADMINISTRATIVE
    ]
    return bool(able), any(p.active for p in able)
