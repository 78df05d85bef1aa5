"""What a roster would change in a school, before anything is written. Pure.

`merge` gives the directory as it should be; `plan_roster` says what that means in people's terms, and refuses itself
when it looks like half a file. Nothing here touches records of another source.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping

from attrs import frozen

from synapse_sferum.account import counts
from synapse_sferum.desired import membership_pairs
from synapse_sferum.difference import Difference, difference
from synapse_sferum.model import (
    ADMINISTRATIVE,
    ClassId,
    Directory,
    EnrolmentRole,
    Guardianship,
    Person,
    PersonId,
    PersonStatus,
    Role,
    SchoolClass,
)
from synapse_sferum.roster import Roster
from synapse_sferum.roster_merge import merge

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
        exceptions=(*_not_promoted(directory, roster), *exceptions_of(after)),
        by_class=_by_class(directory, after),
        removals=removals,
        refusal=refusal,
        message=message,
    )


def _not_promoted(directory: Directory, roster: Roster) -> Iterable[Note]:
    """A list of another year closes every class and its rooms; promoted before, each class keeps them (R36)."""
    year = directory.org.school_year
    if year and roster.school_year > year and _pupils_by_class(directory):
        yield Note(kind="year_not_promoted", detail=f"{year} → {roster.school_year}")


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
        classless = not classes_of[person_id, EnrolmentRole.STUDENT]
        # Whoever has finished the eleventh class has none until the day they leave, and needs none.
        if Role.STUDENT in person.roles and classless and not person.leaves_on:
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
