"""A school's figures: the counts of the overview are those of the whole directory."""

from __future__ import annotations

from datetime import date

from attrs import evolve
from hypothesis import given, settings

from synapse_sferum.account import counts
from synapse_sferum.desired import accounts_of
from synapse_sferum.family_rows import account_persons_txn, family_txn, roll_txn
from synapse_sferum.model import (
    STAFF,
    Directory,
    EnrolmentRole,
    GuardianshipStatus,
    PersonStatus,
    Role,
    UserId,
)
from synapse_sferum.overview import overview
from synapse_sferum.overview_rows import figures_txn
from tests.support.databases import Database
from tests.support.directories import store
from tests.support.schools import ORG, cid, directories, ordinary, pid, uid

TODAY = date(2026, 9, 1)


@given(directory=directories())
@settings(max_examples=25)
def test_the_counts_are_those_of_the_directory(database: Database, directory: Directory) -> None:
    """From the short rows of both databases, for any school; a second look at the same facts."""
    with database.scratch() as txn:
        store(txn, directory)
        figures = figures_txn(txn, ORG)
    assert figures is not None
    found = overview(figures, TODAY)
    here = {i: p for i, p in directory.people.items() if p.status is not PersonStatus.LEFT}
    for name, roles in (
        ("staff", STAFF),
        ("guardians", {Role.GUARDIAN}),
        ("students", {Role.STUDENT}),
    ):
        people = [p for p in here.values() if p.roles & roles]
        total = {"total": len(people), "active": sum(p.active for p in people)}
        assert total.items() <= found[name].items()
    if directory.org.status == "open":
        waiting = [a for a in accounts_of(directory).values() if a.unconfirmed(TODAY)]
        assert found["students"]["unconfirmed"] == sum(len(a.persons) for a in waiting)
    for row in found["classes"]:
        pupils = {
            e.person_id
            for e in directory.enrolments
            if e.class_id == row["class_id"]
            and e.role is EnrolmentRole.STUDENT
            and e.person_id in here
            and counts(e.role, here[e.person_id].roles)
        }
        parents = {
            g.guardian_id
            for g in directory.guardianships.values()
            if g.student_id in pupils
            and g.guardian_id in here
            and Role.GUARDIAN in here[g.guardian_id].roles
            and g.status is GuardianshipStatus.CONFIRMED
        }
        assert (row["students"], row["guardians"]) == (len(pupils), len(parents))
        assert row["active_guardians"] == sum(here[i].active for i in parents)


@given(directory=directories())
@settings(max_examples=25)
def test_rolls_and_families_are_the_directorys(database: Database, directory: Directory) -> None:
    """Of any school, in both databases: every current class has a roll, every person a family."""
    with database.scratch() as txn:
        store(txn, directory)
        for class_id, class_ in directory.classes.items():
            found = roll_txn(txn, ORG, class_id)
            current = class_.open and class_.session == directory.org.school_year
            assert (found is not None) == current
            if found is None:
                continue
            pupils = {family.person.person_id for family in found[0].students}
            assert pupils == {
                e.person_id
                for e in directory.enrolments
                if (e.class_id, e.role) == (class_id, EnrolmentRole.STUDENT)
                and directory.people[e.person_id].status is not PersonStatus.LEFT
                and counts(e.role, directory.people[e.person_id].roles)
            }
        for person_id, person in directory.people.items():
            answer = family_txn(txn, ORG, person_id)
            assert answer is not None
            assert answer[0].person == person
            links = {link for _, link in (*answer[0].guardians, *answer[0].children)}
            assert links == {g for pair, g in directory.guardianships.items() if person_id in pair}
        for user_id in {p.user_id for p in directory.people.values() if p.user_id}:
            persons, _ = account_persons_txn(txn, user_id)
            active = [p for _, p in sorted(directory.people.items()) if p.active]
            assert list(persons.people) == [p for p in active if p.user_id == user_id]


def test_one_guardian_counts_once(database: Database) -> None:
    """A parent of two children in one class is one guardian there; a restricted link counts nowhere (R34)."""
    school = ordinary()
    school.link("R1", "U2")
    school.link("R2", "U2", GuardianshipStatus.RESTRICTED)
    with database.scratch() as txn:
        store(txn, school.directory())
        figures = figures_txn(txn, ORG)
        assert figures_txn(txn, "nowhere") is None
        assert roll_txn(txn, ORG, "cnone") is None
        assert family_txn(txn, ORG, "pnone") is None
        persons, classes = account_persons_txn(txn, uid("U1"))
        assert (persons.org_name, [p.person_id for p in persons.people]) == ("Школа", [pid("U1")])
        assert [c["class_id"] for c in classes[pid("U1")]] == [cid("5А")]
        assert account_persons_txn(txn, UserId("@none:s.test"))[0].people == ()
    assert figures is not None
    (row,) = (one for one in overview(figures, TODAY)["classes"] if one["name"] == "5А")
    assert (row["students"], row["guardians"], row["homeroom_teachers"]) == (2, 1, 1)


def test_confirmation_not_required(database: Database) -> None:
    """Where the school does not ask for a parent's yes, nobody waits for one (R17)."""
    school = ordinary()
    for required, waiting in ((True, 4), (False, 0)):
        org_settings = evolve(school.org.settings, confirmation_required=required)
        school.org = evolve(school.org, settings=org_settings)
        with database.scratch() as txn:
            store(txn, school.directory())
            figures = figures_txn(txn, ORG)
        assert figures is not None
        assert overview(figures, TODAY)["students"]["unconfirmed"] == waiting
