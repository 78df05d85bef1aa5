"""What differs between two states of one school's directory. Pure.

Every write goes through here: a change is "the directory as it should be", the difference is what the database must do.
"""

from __future__ import annotations

from attrs import frozen

from synapse_sferum.model import (
    Directory,
    Enrolment,
    Guardianship,
    Org,
    Person,
    PersonId,
    SchoolClass,
    UserId,
)


@frozen(kw_only=True)
class Difference:
    """Rows to write and rows to take away. Empty means: nothing to write."""

    org: Org | None = None
    people: tuple[Person, ...] = ()  # new and changed
    classes: tuple[SchoolClass, ...] = ()  # new and changed
    enrolments: tuple[Enrolment, ...] = ()  # new and changed
    enrolments_gone: tuple[Enrolment, ...] = ()
    guardianships: tuple[Guardianship, ...] = ()  # new and changed
    guardianships_gone: tuple[Guardianship, ...] = ()

    @property
    def empty(self) -> bool:
        """Whether there is nothing to write."""
        return self == Difference()


def difference(before: Directory, after: Directory) -> Difference:
    """The smallest set of rows that turns `before` into `after`. People and classes are never deleted, only changed.

    Raises:
        ValueError: the two are of different schools, or a record would vanish.
    """
    if before.org.org_id != after.org.org_id:
        raise ValueError("two schools have no difference")
    if before.people.keys() - after.people.keys() or before.classes.keys() - after.classes.keys():
        raise ValueError("a record is never deleted here")
    gone = {_enrolment_key(e): e for e in before.enrolments}
    for enrolment in after.enrolments:
        gone.pop(_enrolment_key(enrolment), None)
    return Difference(
        org=after.org if after.org != before.org else None,
        people=tuple(p for i, p in sorted(after.people.items()) if before.people.get(i) != p),
        classes=tuple(c for i, c in sorted(after.classes.items()) if before.classes.get(i) != c),
        enrolments=tuple(sorted(after.enrolments - before.enrolments)),
        enrolments_gone=tuple(sorted(gone.values())),
        guardianships=tuple(
            g for i, g in sorted(after.guardianships.items()) if before.guardianships.get(i) != g
        ),
        guardianships_gone=tuple(
            g for i, g in sorted(before.guardianships.items()) if i not in after.guardianships
        ),
    )


def accounts_touched(before: Directory, after: Directory, change: Difference) -> set[UserId]:
    """Every account whose facts may differ: the changed people, and those linked to them.

    A change of the school itself, or of a class, touches everybody with an account: settings and the school year decide
    what counts.
    """
    if change.org is not None or change.classes:
        everyone = {*before.people.values(), *after.people.values()}
        return {person.user_id for person in everyone if person.user_id}
    touched: set[PersonId] = {person.person_id for person in change.people}
    touched |= {e.person_id for e in (*change.enrolments, *change.enrolments_gone)}
    for link in (*change.guardianships, *change.guardianships_gone):
        touched |= {link.guardian_id, link.student_id}
    touched |= {
        person_id
        for links in (before.guardianships, after.guardianships)
        for pair in links
        if touched & set(pair)
        for person_id in pair
    }
    found: set[UserId] = set()
    for directory in (before, after):
        for person_id in touched:
            person = directory.people.get(person_id)
            if person is not None and person.user_id is not None:
                found.add(person.user_id)
    return found


def _enrolment_key(enrolment: Enrolment) -> tuple[str, str, str]:
    return enrolment.class_id, enrolment.person_id, enrolment.role.value
