"""A promotion taken back: exactly, and without touching what people have changed since (R37)."""

from __future__ import annotations

from datetime import date

import pytest
from attrs import evolve

from synapse_sferum import class_edits, edits, record_edits
from synapse_sferum.desired import desired_rooms, membership_pairs
from synapse_sferum.edits import Edit
from synapse_sferum.model import Directory, PersonStatus, Role, UserId
from synapse_sferum.year_document import YearDocument
from synapse_sferum.year_draft import draft_year
from synapse_sferum.year_footprint import (
    Footprint,
    footprint_from,
    footprint_json,
    left_without_class,
    state_hash,
    take_back,
)
from synapse_sferum.year_plan import plan_year
from tests.support.promotions import class_named, decided
from tests.support.schools import cid, ordinary, pid, uid
from tests.synapse_sferum.test_year_plan import class_rooms, school

ME = "@d1:school.test"
LATER = date(2027, 9, 1)


def promoted(before: Directory, document: YearDocument) -> tuple[Directory, Footprint]:
    """The directory after a plan, and what is kept of the one before."""
    plan = plan_year(before, document)
    assert plan.after is not None
    assert plan.footprint is not None
    return plan.after, plan.footprint


def run(edit: Edit, directory: Directory) -> Directory:
    """The directory after an edit."""
    return edit(directory)[0]


def everything() -> tuple[Directory, Directory, Footprint]:
    """11А graduates, of 9Б one goes on and one leaves."""
    before = school(a=11, b=9).directory()
    document = decided(before, new={"10А": 10}, moves={pid("U3"): "10А"}, leaves=[pid("U4")])
    return (before, *promoted(before, document))


def test_everything_is_as_before() -> None:
    """Names, memberships, statuses and rooms; new classes are left closed, in no year that is the school's."""
    before, after, footprint = everything()
    back = take_back(after, footprint)
    assert state_hash(back) == state_hash(before) != state_hash(after)
    assert desired_rooms(back) == desired_rooms(before)
    assert (back.people, back.org) == (before.people, before.org)
    new = back.classes.keys() - before.classes.keys()
    assert {back.classes[i].open for i in new} == {False}


def test_a_day_of_the_calendar_does_not_keep_graduates_away() -> None:
    """They and their parents leave on their day; taken back after it, they are here again."""
    before, after, footprint = everything()
    gone = run(class_edits.fall_due(LATER), after)
    assert {gone.people[pid(i)].status for i in ("U1", "U2", "R2")} == {PersonStatus.LEFT}
    back = take_back(gone, footprint)
    assert back.people == before.people
    assert state_hash(back) == state_hash(before)


def test_an_account_made_since_stays() -> None:
    """Somebody signs up between: taken back, the state is that of before and the account is there."""
    made = ordinary()
    made.add("U9", Role.STUDENT, active=False)
    before = made.directory()
    after, footprint = promoted(before, draft_year(before))
    back = take_back(run(edits.activate(pid("U9"), uid("U9"), ME), after), footprint)
    assert back.people[pid("U9")].user_id == uid("U9")
    assert state_hash(back) == state_hash(before)


def test_a_pupil_who_moved_since_stays_moved() -> None:
    """6А to 6Б after the promotion is 5А to 5Б when it is taken back: not exact, and said so by the hash."""
    before = ordinary().directory()
    after, footprint = promoted(before, draft_year(before))
    moved = run(edits.move(pid("U1"), cid("5А"), cid("5Б"), ME, ""), after)
    back = take_back(moved, footprint)
    assert {class_id for _, class_id in class_rooms(back, "U1")} == {cid("5Б")}
    assert state_hash(back) != state_hash(before)


@pytest.mark.parametrize(("to", "expected"), [("6В", "5А"), ("5Б", "5Б")])
def test_a_split_pupil_is_in_one_class(to: str, expected: str) -> None:
    """Put into 6В by the plan and back into 5А; moved on by hand into a class that stays, left there."""
    before = ordinary().directory()
    document = decided(before, new={"6В": 6}, moves={pid("U1"): "6В"})
    after, footprint = promoted(before, document)
    if to != "6В":
        after = run(edits.move(pid("U1"), class_named(after, "6В"), cid(to), ME, ""), after)
    back = take_back(after, footprint)
    assert {class_id for _, class_id in class_rooms(back, "U1")} == {cid(expected)}


def test_class_teachers_set_since_stay() -> None:
    """Untouched, the class has its teacher of before again; set by hand since, it keeps those, and only those."""
    before = ordinary().directory()
    after, footprint = promoted(before, decided(before, teachers={"5А": ("T2",)}))
    assert state_hash(take_back(after, footprint)) == state_hash(before)
    by_hand = run(edits.set_homeroom_teachers(cid("5А"), [pid("Z1")], ME), after)
    back = take_back(by_hand, footprint)
    for source_id, there in (("Z1", True), ("T1", False), ("T2", False)):
        assert (cid("5А") in {c for _, c in class_rooms(back, source_id)}) is there


def test_a_class_split_since_goes_back_a_year_with_the_others() -> None:
    """6В, split from 6А since, is 5В afterwards, with its pupils and its room; nobody is without a class."""
    before = ordinary().directory()
    after, footprint = promoted(before, draft_year(before))
    split = run(class_edits.split_class(cid("5А"), "6В", [pid("U2")], ME), after)
    back = take_back(split, footprint)
    new = class_named(back, "5В")
    assert new == class_named(split, "6В")
    assert {c for _, c in class_rooms(back, "U2")} == {new}
    assert back.classes[new].grade == 5


def test_who_is_put_into_a_new_class_since_is_told_of() -> None:
    """10А is gone with the promotion that made it: U1, moved there by hand since, is without a class."""
    before = ordinary().directory()
    after, footprint = promoted(before, decided(before, new={"10А": 10}))
    move = edits.move(pid("U1"), cid("5А"), class_named(after, "10А"), ME, "")
    moved = run(move, after)
    back = take_back(moved, footprint)
    assert left_without_class(moved, back) == {pid("U1")}
    assert class_rooms(back, "U1") == set()
    assert left_without_class(after, take_back(after, footprint)) == frozenset()


def test_classes_merged_since_are_two_again() -> None:
    """6Г, made of 6А and 6Б since, is closed; everybody is in the class of before, once."""
    before = ordinary().directory()
    after, footprint = promoted(before, draft_year(before))
    merged = run(class_edits.merge_classes([cid("5А"), cid("5Б")], "6Г", ME), after)
    back = take_back(merged, footprint)
    assert membership_pairs(back) == membership_pairs(before)
    assert state_hash(back) == state_hash(before)


def test_who_was_erased_since_stays_erased() -> None:
    """152-FZ: nothing of an erased record comes back, neither the status nor a class."""
    _, after, footprint = everything()
    for source_id in ("U1", "U3"):
        after = run(record_edits.erase(pid(source_id), ME), after)
    back = take_back(after, footprint)
    for source_id in ("U1", "U3"):
        assert back.people[pid(source_id)].status is PersonStatus.LEFT
        assert class_rooms(back, source_id) == set()


def test_who_left_by_hand_since_stays_away() -> None:
    """A graduate whom an administrator has taken out does not come back with the others."""
    _, after, footprint = everything()
    back = take_back(run(edits.leave(pid("U1"), ME, ""), after), footprint)
    assert back.people[pid("U1")].status is PersonStatus.LEFT
    assert back.people[pid("U2")].status is PersonStatus.ACTIVE


def test_who_came_back_since_has_the_account_of_then() -> None:
    """U4 left with the plan and came back by hand with another account: that one stays."""
    _, after, footprint = everything()
    returned = run(edits.activate(pid("U4"), UserId("@x:school.test"), ME), after)
    back = take_back(returned, footprint)
    assert back.people[pid("U4")].user_id == "@x:school.test"


def test_the_same_plan_again_finds_its_classes() -> None:
    """Applied, taken back, applied again: the same state, and the new class is the first time's, with its room."""
    _, after, footprint = everything()
    back = take_back(after, footprint)
    document = decided(back, new={"10А": 10}, moves={pid("U3"): "10А"}, leaves=[pid("U4")])
    again, _ = promoted(back, document)
    assert state_hash(again) == state_hash(after)
    assert membership_pairs(again) == membership_pairs(after)
    assert class_named(again, "10А") == class_named(after, "10А")


def test_another_plan_may_take_the_name() -> None:
    """After 10А of the first plan was taken back, 9Б itself may become 10А: no two classes have one number."""
    before, after, footprint = everything()
    back = take_back(after, footprint)
    other, second = promoted(back, decided(back, names={"9Б": "10А"}))
    numbers = [(c.source, c.source_id, c.session) for c in other.classes.values()]
    assert len(numbers) == len(set(numbers))
    assert state_hash(take_back(other, second)) == state_hash(before)


def test_what_is_kept_holds_no_names() -> None:
    """It survives being written down, and holds ids and statuses only."""
    made = school(a=11)
    made.change("U1", family_name="Ёлкин-Палкин")
    before = made.directory()
    _, footprint = promoted(before, draft_year(before))
    text = footprint_json(footprint)
    assert footprint_from(text) == footprint
    assert "Ёлкин" not in text
    assert "school.test" not in text


def test_the_hash_knows_what_matters() -> None:
    """A name of a class, a membership and a leaver make another state; an account does not."""
    before = ordinary().directory()
    other_name = evolve(before.classes[cid("5А")], name="5Я")
    different = [
        evolve(before, classes={**before.classes, cid("5А"): other_name}),
        run(edits.move(pid("U1"), cid("5А"), cid("5Б"), ME, ""), before),
        run(edits.leave(pid("U1"), ME, ""), before),
        run(edits.set_homeroom_teachers(cid("5А"), [pid("T2")], ME), before),
    ]
    assert len({state_hash(one) for one in (before, *different)}) == 5
    person = evolve(before.people[pid("U1")], user_id=UserId("@x:school.test"))
    same = evolve(before, people={**before.people, pid("U1"): person})
    assert state_hash(same) == state_hash(before)
