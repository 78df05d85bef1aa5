"""A record made and a record erased, as pure functions; and what a list may still do with an erased one."""

from __future__ import annotations

from datetime import date

import pytest
from attrs import evolve
from hypothesis import given, settings
from hypothesis import strategies as st

from synapse_sferum import edits, record_edits
from synapse_sferum.desired import accounts_of, desired_rooms
from synapse_sferum.difference import accounts_touched, difference
from synapse_sferum.edits import EditRefused
from synapse_sferum.model import (
    Directory,
    Enrolment,
    EnrolmentRole,
    PersonStatus,
    Role,
    UserId,
)
from synapse_sferum.roster import RosterPerson, parse_roster
from synapse_sferum.roster_merge import merge
from tests.support.schools import cid, directories, ordinary, pid, rosters, uid

ME = "service"
SOURCE = "application"
NEW = RosterPerson(
    source_id="a1",
    family_name="Новиков",
    given_name="Пётр",
    birth_date=date(2012, 9, 1),
    roles=frozenset({Role.STUDENT}),
)
NEW_ID = pid("a1", SOURCE)


def refused(edit: edits.Edit, directory: Directory) -> tuple[int, str]:
    """Status and code of a refusal."""
    with pytest.raises(EditRefused) as no:
        edit(directory)
    return no.value.status, no.value.errcode


def test_a_new_pupil_is_enrolled_by_hand() -> None:
    """The record is listed with the roles of the application; the class survives imports."""
    before = ordinary().directory()
    after, (entry,) = record_edits.add_person(SOURCE, NEW, cid("5А"), ME)(before)
    made = after.people[NEW_ID]
    assert (made.status, made.user_id) == (PersonStatus.LISTED, None)
    assert made.roles == {Role.STUDENT}
    assert after.enrolments - before.enrolments == {
        Enrolment(cid("5А"), NEW_ID, EnrolmentRole.STUDENT, by_hand=True)
    }
    assert (entry.action, entry.target, entry.after) == ("add", NEW_ID, "student")


def test_a_record_is_made_once() -> None:
    """Whatever the second call says, nothing differs; also when the record was erased meanwhile."""
    first, _ = record_edits.add_person(SOURCE, NEW, None, ME)(ordinary().directory())
    other = evolve(NEW, family_name="Другой", roles=frozenset({Role.GUARDIAN}))
    again, _ = record_edits.add_person(SOURCE, other, cid("5А"), ME)(first)
    assert difference(first, again).empty
    erased, _ = record_edits.erase(NEW_ID, ME)(first)
    back, _ = record_edits.add_person(SOURCE, NEW, None, ME)(erased)
    assert difference(erased, back).empty


def test_a_class_must_be_there_and_fit() -> None:
    """A closed class is not found; a parent has no class."""
    school = ordinary()
    parent = evolve(NEW, roles=frozenset({Role.GUARDIAN}))
    found = refused(record_edits.add_person(SOURCE, parent, cid("5А"), ME), school.directory())
    assert found == (400, "M_INVALID_PARAM")
    school.classes[cid("5А")] = evolve(school.classes[cid("5А")], open=False)
    found = refused(record_edits.add_person(SOURCE, NEW, cid("5А"), ME), school.directory())
    assert found == (404, "M_NOT_FOUND")


@given(directory=directories(), data=st.data())
@settings(max_examples=50)
def test_nothing_of_an_erased_person_is_left(directory: Directory, data: st.DataObject) -> None:
    """No name, date, class, link, room or right; nobody else's record changes; a second time writes nothing."""
    if not directory.people:
        return
    person_id = data.draw(st.sampled_from(sorted(directory.people)))
    try:
        after, _ = record_edits.erase(person_id, ME)(directory)
    except EditRefused:  # the last administrator
        return
    person, known = after.people[person_id], directory.people[person_id]
    assert person.erased
    assert (person.birth_date, person.middle_name, person.confirmed) == (None, "", False)
    assert (person.user_id, person.source_id) == (known.user_id, known.source_id)
    assert not any(e.person_id == person_id for e in after.enrolments)
    assert not any(person_id in pair for pair in after.guardianships)
    assert all(person_id not in account.persons for account in accounts_of(after).values())
    others = directory.people.keys() - {person_id}
    assert all(after.people[i] == directory.people[i] for i in others)
    again, _ = record_edits.erase(person_id, ME)(after)
    assert difference(after, again).empty


def test_erasing_touches_the_family() -> None:
    """The child's and the parent's facts are read anew; the parents' room follows."""
    before = ordinary().directory()
    after, _ = record_edits.erase(pid("U2"), ME)(before)
    assert accounts_touched(before, after, difference(before, after)) == {uid("U2"), uid("R2")}
    wanted = {user for room in desired_rooms(after).values() for user in room.members}
    assert uid("U2") not in wanted


@given(document=rosters(), source_id=st.sampled_from(["U1", "T1", "R1"]))
@settings(max_examples=50)
def test_no_list_writes_an_erased_person_again(document: dict[str, object], source_id: str) -> None:
    """Not the names, not a class, not a link, whatever the list says."""
    school = ordinary()
    before, _ = record_edits.erase(pid(source_id), ME)(school.directory())
    after = merge(before, parse_roster(document))
    assert after.people[pid(source_id)] == before.people[pid(source_id)]
    assert not any(e.person_id == pid(source_id) for e in after.enrolments)
    assert not any(pid(source_id) in pair for pair in after.guardianships)


def test_an_erased_record_is_closed() -> None:
    """No edit brings anything back to it."""
    school, _ = record_edits.erase(pid("U1"), ME)(ordinary().directory())
    for edit in (
        edits.activate(pid("U1"), UserId("@u1:school.test"), ME),
        edits.leave(pid("U1"), ME, ""),
        edits.set_roles(pid("U1"), frozenset({Role.TEACHER}), ME, ""),
        edits.confirm(pid("U1"), True, ME),
        edits.set_guardianship(pid("R1"), pid("U1"), None, None, ME, leader=True),
        edits.set_homeroom_teachers(cid("5А"), [pid("U1")], ME),
    ):
        assert refused(edit, school) == (409, "SFERUM_ERASED")
    assert refused(record_edits.erase("pnobody", ME), school) == (404, "M_NOT_FOUND")
