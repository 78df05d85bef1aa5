"""The difference of two directories: smallest, complete, and refused where something would vanish."""

from __future__ import annotations

import pytest
from attrs import evolve
from hypothesis import given, settings

from synapse_sferum.desired import accounts_of
from synapse_sferum.difference import Difference, accounts_touched, difference
from synapse_sferum.model import Directory, OrgId
from tests.support.schools import cid, directories, ordinary, pid, uid


def applied(before: Directory, change: Difference) -> Directory:
    """What a database holds after writing the difference, row by row."""
    enrolments = {(e.class_id, e.person_id, e.role): e for e in before.enrolments}
    for e in change.enrolments_gone:
        del enrolments[e.class_id, e.person_id, e.role]
    enrolments |= {(e.class_id, e.person_id, e.role): e for e in change.enrolments}
    links = dict(before.guardianships)
    for g in change.guardianships_gone:
        del links[g.guardian_id, g.student_id]
    links |= {(g.guardian_id, g.student_id): g for g in change.guardianships}
    return Directory(
        org=change.org or before.org,
        people={**before.people, **{p.person_id: p for p in change.people}},
        classes={**before.classes, **{c.class_id: c for c in change.classes}},
        enrolments=frozenset(enrolments.values()),
        guardianships=links,
    )


def grown(before: Directory, after: Directory) -> Directory:
    """`after` with the records of `before` that it lacks."""
    people, classes = {**before.people, **after.people}, {**before.classes, **after.classes}
    return evolve(after, people=people, classes=classes)


@given(before=directories(), after=directories())
@settings(max_examples=25)
def test_applying_a_difference_gives_the_other_directory(
    before: Directory, after: Directory
) -> None:
    """Nothing is forgotten, and a directory does not differ from itself."""
    after = grown(before, after)
    change = difference(before, after)
    assert applied(before, change) == after
    assert difference(after, after).empty
    assert change.empty == (before == after)


@given(before=directories(), after=directories())
@settings(max_examples=25)
def test_every_account_that_changed_is_touched(before: Directory, after: Directory) -> None:
    """No cache can hold old facts: whoever's facts differ is among the accounts to forget."""
    after = grown(before, after)
    old, new = accounts_of(before), accounts_of(after)
    differs = {u for u in old.keys() | new.keys() if old.get(u) != new.get(u)}
    assert differs <= accounts_touched(before, after, difference(before, after))


def test_a_change_touches_few() -> None:
    """A change of one pupil touches the pupil and the parents, not the school."""
    school = ordinary()
    before = school.directory()
    school.change("U3", confirmed=True)
    after = school.directory()
    assert accounts_touched(before, after, difference(before, after)) == {
        uid("U3"),
        uid("R1"),
        uid("R3"),
    }
    school.classes[cid("5А")] = evolve(school.classes[cid("5А")], name="6А")
    everyone = school.directory()
    assert len(accounts_touched(after, everyone, difference(after, everyone))) == len(school.people)


def test_two_schools_have_no_difference() -> None:
    """A difference across schools is a bug."""
    one = ordinary().directory()
    two = evolve(one, org=evolve(one.org, org_id=OrgId("other")))
    with pytest.raises(ValueError, match="two schools"):
        difference(one, two)


def test_a_record_never_vanishes() -> None:
    """People and classes are never deleted by a difference."""
    before = ordinary().directory()
    people = {i: p for i, p in before.people.items() if i != pid("U1")}
    classes = {i: c for i, c in before.classes.items() if i != cid("5А")}
    for after in (evolve(before, people=people), evolve(before, classes=classes)):
        with pytest.raises(ValueError, match="never deleted"):
            difference(before, after)
