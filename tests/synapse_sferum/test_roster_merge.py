"""A roster laid over a directory: own records change, everything else and everything set by hand stays."""

from __future__ import annotations

from datetime import date
from typing import Any

from attrs import evolve
from hypothesis import given, settings

from synapse_sferum.model import (
    Directory,
    Enrolment,
    EnrolmentRole,
    Guardianship,
    GuardianshipStatus,
    PersonStatus,
    Role,
    SchoolClass,
)
from synapse_sferum.roster import parse_roster
from synapse_sferum.roster_merge import merge
from tests.support.directories import document
from tests.support.schools import (
    LAST_YEAR,
    YEAR,
    School,
    cid,
    directories,
    ordinary,
    person,
    pid,
    rosters,
    uid,
)


def merged(directory: Directory, raw: dict[str, Any]) -> Directory:
    """The directory after an import."""
    return merge(directory, parse_roster(raw))


def status(directory: Directory, source_id: str) -> PersonStatus:
    """Where a person stands."""
    return directory.people[pid(source_id)].status


@given(directory=directories(), raw=rosters())
@settings(max_examples=50)
def test_an_import_touches_its_own_source_only(directory: Directory, raw: dict[str, Any]) -> None:
    """People, classes, hand-made enrolments and accounts of others are the same values after any import."""
    after = merged(directory, raw)
    for person_id, known in directory.people.items():
        now = after.people[person_id]
        if known.source != "csv":
            assert now == known
        assert (now.user_id, now.roles_by_hand, now.confirmed, now.left_by_hand) == (
            known.user_id,
            known.roles_by_hand,
            known.confirmed,
            known.left_by_hand,
        )
    for class_id, class_ in directory.classes.items():
        if class_.source != "csv":
            assert after.classes[class_id] == class_
    assert {e for e in directory.enrolments if e.by_hand and not e.until} <= after.enrolments
    restricted = GuardianshipStatus.RESTRICTED
    for pair, link in directory.guardianships.items():
        if link.status is restricted:
            assert after.guardianships[pair].status is restricted


@given(directory=directories(), raw=rosters())
@settings(max_examples=50)
def test_a_second_import_changes_nothing(directory: Directory, raw: dict[str, Any]) -> None:
    """Importing the same list again finds the school as it wants it (R21)."""
    once = merged(directory, raw)
    assert merged(once, raw) == once


def test_a_new_school_is_listed_without_accounts() -> None:
    """An import makes records, never accounts."""
    after = merged(
        School().directory(),
        document(
            {"U1": "student", "T1": "teacher", "R1": "guardian"},
            classes={"5А": {"U1": "student", "T1": "homeroom_teacher"}},
            links={"R1": "U1"},
        ),
    )
    assert {p.status for p in after.people.values()} == {PersonStatus.LISTED}
    assert Enrolment(cid("5А"), pid("U1"), EnrolmentRole.STUDENT) in after.enrolments
    link = after.guardianships[pid("R1"), pid("U1")]
    assert (link.relation, link.status) == ("мать", GuardianshipStatus.CONFIRMED)
    assert after.org.school_year == YEAR


def test_whoever_is_missing_from_a_whole_list_leaves() -> None:
    """Only groups that the file covers can be found missing; the record keeps its roles and its account (R29)."""
    before = ordinary().directory()
    after = merged(before, document({"U1": "student"}, covers="student"))
    assert status(after, "U1") is PersonStatus.ACTIVE
    assert status(after, "U2") is PersonStatus.LEFT
    assert after.people[pid("U2")].roles == {Role.STUDENT}
    assert after.people[pid("U2")].user_id == uid("U2")
    assert status(after, "T1") is status(after, "R1") is PersonStatus.ACTIVE


def test_an_incomplete_list_removes_nobody() -> None:
    """A file that covers nothing adds and changes, and takes nobody away."""
    before = ordinary().directory()
    after = merged(before, document({"U9": "student"}, covers=""))
    assert after.people.keys() - before.people.keys() == {pid("U9")}
    assert all(after.people[i] == p for i, p in before.people.items())
    assert before.enrolments <= after.enrolments


def test_who_returns_has_the_old_account() -> None:
    """On the list again: active with the old account, or listed without one (R29)."""
    school = ordinary()
    school.change("U1", status=PersonStatus.LEFT)
    school.people[pid("U8")] = evolve(person("U8", Role.STUDENT), status=PersonStatus.LEFT)
    after = merged(school.directory(), document({"U1": "student", "U8": "student"}, covers=""))
    assert status(after, "U1") is PersonStatus.ACTIVE
    assert status(after, "U8") is PersonStatus.LISTED


def test_who_left_by_hand_stays_away() -> None:
    """A list that is older than an administrator's decision does not undo it."""
    school = ordinary()
    school.change("U1", status=PersonStatus.LEFT, left_by_hand=True)
    after = merged(school.directory(), document({"U1": "student"}, covers=""))
    assert status(after, "U1") is PersonStatus.LEFT


def test_a_role_that_another_file_gave_stays() -> None:
    """A guardians' file says nothing of a teacher's post; a staff file takes the post and leaves the parent (R32)."""
    school = ordinary()
    school.add("T9", Role.TEACHER, Role.GUARDIAN)
    before = school.directory()
    parents = merged(before, document({"T9": "guardian"}, covers="guardian"))
    assert parents.people[pid("T9")].roles == {Role.TEACHER, Role.GUARDIAN}
    staff = merged(before, document({"D1": "director"}, covers="staff"))
    assert staff.people[pid("T9")].roles == {Role.GUARDIAN}
    assert status(staff, "T9") is PersonStatus.ACTIVE


def test_roles_by_hand_survive() -> None:
    """The list changes what it says; what an administrator said is in force (R31)."""
    school = ordinary()
    school.change("T1", roles_by_hand=frozenset({Role.DEPUTY}))
    after = merged(school.directory(), document({"T1": "teacher administrator"}, covers="staff"))
    assert after.people[pid("T1")].roles == {Role.DEPUTY}
    assert after.people[pid("T1")].listed_roles == {Role.TEACHER, Role.ADMINISTRATOR}


def test_a_file_without_birth_dates_erases_none() -> None:
    """An absent birth date keeps the known one; another one replaces it."""
    school = ordinary()
    school.change("U1", birth_date=date(2012, 7, 1))
    before = school.directory()
    assert merged(before, document({"U1": "student"}, covers="")).people[
        pid("U1")
    ].birth_date == date(2012, 7, 1)
    changed = document({"U1": "student"}, covers="", births={"U1": "2013-01-02"})
    assert merged(before, changed).people[pid("U1")].birth_date == date(2013, 1, 2)


def test_a_class_that_is_gone_is_closed() -> None:
    """Only a whole list of pupils closes classes; a class of another source is left alone."""
    school = ordinary()
    other = SchoolClass(
        class_id=cid("9А", "or"), source="or", source_id="9А", session=YEAR, name="9А"
    )
    school.classes[other.class_id] = other
    before = school.directory()
    whole = merged(before, document({"U1": "student"}, classes={"5А": {"U1": "student"}}))
    assert whole.classes[cid("5А")].open
    assert not whole.classes[cid("5Б")].open
    assert whole.classes[other.class_id] == other
    staff = merged(before, document({"D1": "director"}, covers="staff"))
    assert staff.classes == before.classes


def test_a_new_year_has_new_classes() -> None:
    """The same class name in another year is another class, and last year's enrolments stay on record."""
    before = ordinary().directory()
    after = merged(
        before, document({"U1": "student"}, classes={"5А": {"U1": "student"}}, year="2027/2028")
    )
    new = cid("5А", session="2027/2028")
    assert after.org.school_year == "2027/2028"
    assert Enrolment(new, pid("U1"), EnrolmentRole.STUDENT) in after.enrolments
    assert before.enrolments <= after.enrolments
    assert not after.classes[cid("5А")].open
    assert LAST_YEAR not in {c.session for c in after.classes.values()}


def test_a_pupil_moves_with_the_list() -> None:
    """The list's enrolments of its class and year replace the old ones."""
    before = ordinary().directory()
    after = merged(
        before,
        document({"U1": "student"}, covers="student", classes={"5А": {}, "5Б": {"U1": "student"}}),
    )
    mine = {e for e in after.enrolments if e.person_id == pid("U1")}
    assert mine == {Enrolment(cid("5Б"), pid("U1"), EnrolmentRole.STUDENT)}
    assert Enrolment(cid("5А"), pid("T1"), EnrolmentRole.HOMEROOM_TEACHER) in after.enrolments


def teachers(directory: Directory) -> set[tuple[str, bool]]:
    """Class teachers of 5А with their mark."""
    return {
        (directory.people[e.person_id].source_id, e.by_hand)
        for e in directory.enrolments
        if e.class_id == cid("5А") and e.role is EnrolmentRole.HOMEROOM_TEACHER
    }


def test_class_teachers_set_by_hand_stand_instead_of_the_lists() -> None:
    """The list's teacher does not come back beside the one set by hand, until that one leaves the school."""
    school = ordinary()
    old = Enrolment(cid("5А"), pid("T1"), EnrolmentRole.HOMEROOM_TEACHER)
    school.enrolments.remove(old)
    school.enrolments.add(evolve(old, person_id=pid("T2"), by_hand=True))
    listed = document(
        {"T1": "teacher", "T2": "teacher", "D1": "director"},
        covers="staff",
        classes={"5А": {"T1": "homeroom_teacher"}},
    )
    once = merged(school.directory(), listed)
    assert teachers(once) == {("T2", True)}
    both = document(
        {"T1": "teacher", "T2": "teacher"},
        covers="staff",
        classes={"5А": {"T1": "homeroom_teacher", "T2": "homeroom_teacher"}},
    )
    assert teachers(merged(once, both)) == {("T2", True)}
    school.change("T2", status=PersonStatus.LEFT, left_by_hand=True)
    assert teachers(merged(school.directory(), listed)) == {("T1", False), ("T2", True)}


def test_links_follow_the_list() -> None:
    """A link that a whole list lacks goes; a claim is confirmed by being listed, and otherwise waits."""
    school = ordinary()
    school.link("R3", "U4", GuardianshipStatus.CLAIMED)
    school.link("R2", "U4", GuardianshipStatus.CLAIMED)
    people = {"R1": "guardian", "R2": "guardian", "R3": "guardian"} | {
        f"U{i}": "student" for i in range(1, 5)
    }
    after = merged(
        school.directory(), document(people, covers="guardian", links={"R1": "U1", "R3": "U4"})
    )
    assert {pair: link.status for pair, link in after.guardianships.items()} == {
        (pid("R1"), pid("U1")): GuardianshipStatus.CONFIRMED,
        (pid("R3"), pid("U4")): GuardianshipStatus.CONFIRMED,
        (pid("R2"), pid("U4")): GuardianshipStatus.CLAIMED,
    }


def test_a_courts_order_outlives_every_list() -> None:
    """A restricted link stays restricted, named by the list or not (R34)."""
    school = ordinary()
    pair = (pid("R1"), pid("U1"))
    school.links[pair] = Guardianship(*pair, relation="", status=GuardianshipStatus.RESTRICTED)
    before = school.directory()
    people = {"R1": "guardian", "U1": "student"}
    for links in ({"R1": "U1"}, {}):
        after = merged(before, document(people, covers="guardian", links=links))
        assert after.guardianships[pair].status is GuardianshipStatus.RESTRICTED


def test_a_promoted_class_is_found_by_its_name() -> None:
    """R36: the next list may number it anew: the class, its rooms and its people by hand stay."""
    made = ordinary()
    made.org = evolve(made.org, school_year="2027/2028")
    old = made.classes[cid("5А")]
    made.classes[cid("5А")] = evolve(old, session="2027/2028", name="6А", source_id="oneroster-17")
    raw = document(
        {"U1": "student"}, covers="", classes={"6А": {"U1": "student"}}, year="2027/2028"
    )
    after = merged(made.directory(), raw)
    found = after.classes[cid("5А")]
    assert (found.name, found.source_id, found.open) == ("6А", "6А", True)
    assert len(after.classes) == 2
    assert Enrolment(cid("5А"), pid("U1"), EnrolmentRole.STUDENT) in after.enrolments


def test_a_list_of_the_old_year_makes_classes_of_its_own() -> None:
    """The promoted 6А has the id that 5А of the old year had: a late list gets another, and takes nothing away."""
    made = ordinary()
    made.org = evolve(made.org, school_year="2027/2028")
    promoted = evolve(made.classes[cid("5А")], session="2027/2028", name="6А", source_id="6А")
    made.classes[cid("5А")] = promoted
    raw = document({"U1": "student"}, covers="", classes={"5А": {"U1": "student"}})
    after = merged(made.directory(), raw)
    assert after.classes[cid("5А")] == promoted
    (late,) = after.classes.keys() - made.classes.keys()
    assert after.classes[late].name == "5А"
    assert merged(after, raw) == after


def test_whoever_is_on_a_list_stays() -> None:
    """A graduate whom the next list names again does not leave on the day of the plan."""
    made = ordinary()
    made.change("U1", leaves_on="2027-09-01")
    after = merged(made.directory(), document({"U1": "student"}, covers=""))
    assert after.people[pid("U1")].leaves_on == ""
