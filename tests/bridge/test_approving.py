"""What a yes does, and what it cannot do (R10, R16, R32, R34)."""

from __future__ import annotations

from typing import Any

import pytest
from attrs import evolve

from bridge.applicant import Applicant
from bridge.application import Application
from bridge.approving import ApprovalRefusal, Surroundings, approval_steps
from bridge.people import LinkStatus, NewPerson, Relative, SourceKey, Status
from bridge.roles import Account, ClassId, PersonId, Role
from bridge.steps import Activate, CreatePerson, EnsureAccount, Link
from tests.bridge.test_joining import (
    GONE,
    IN,
    MUM,
    MUM_IN,
    OTHER_CLASS,
    PUPIL,
    RESTRICTED,
    STAFF,
    link,
    person,
)
from tests.bridge.values import CLASS, MOTHER, SCHOOL, TEACHER, application

CLASS_TEACHER = Account(
    user_id=TEACHER, org_id=SCHOOL, roles=frozenset({Role.TEACHER}), homeroom_of=frozenset({CLASS})
)
DIRECTOR = evolve(CLASS_TEACHER, roles=frozenset({Role.DIRECTOR}))
OF_PUPIL = evolve(application(), applicant=MOTHER)
OF_PARENT = evolve(OF_PUPIL, role=Role.GUARDIAN)
OF_TEACHER = evolve(OF_PUPIL, role=Role.TEACHER, class_id=None)
NAMES = Applicant(family_name="Новиков", given_name="Пётр", relation="отец")
KEY = SourceKey("application", "a1")


def record(*roles: Role, class_id: ClassId | None = None) -> CreatePerson:
    new = NewPerson(key=KEY, family_name="Новиков", given_name="Пётр", roles=frozenset(roles))
    return CreatePerson(evolve(new, class_id=class_id))


def linked(who: object, child: str = "in") -> Link:
    return Link(who, PersonId(child), "отец", LinkStatus.CONFIRMED)  # type: ignore[arg-type] # of a test


@pytest.mark.parametrize(
    ("of", "around", "steps"),
    [
        (OF_PUPIL, {}, (record(Role.STUDENT, class_id=CLASS), Activate(KEY))),
        (OF_PUPIL, {"match": PUPIL}, (Activate(PUPIL.person_id),)),
        (OF_TEACHER, {}, (record(Role.TEACHER), Activate(KEY))),
        (OF_TEACHER, {"match": STAFF}, (Activate(STAFF.person_id),)),
        (OF_PARENT, {"child": IN}, (record(Role.GUARDIAN), Activate(KEY), linked(KEY))),
        (OF_PARENT, {"child": PUPIL}, (record(Role.GUARDIAN), Activate(KEY), linked(KEY, "pupil"))),
        (
            OF_PARENT, {"child": IN, "match": MUM},
            (Activate(MUM.person_id), linked(MUM.person_id)),
        ),
        (
            OF_PARENT, {"match": MUM, "match_children": [link(PUPIL)]}, (Activate(MUM.person_id),),
        ),
        # a second child: the record that the account has already (R32)
        (OF_PARENT, {"own": [MUM_IN], "child": IN}, (linked(MUM_IN.person_id),)),
    ],
)  # fmt: skip
def test_steps_of_a_yes(of: Application, around: dict[str, Any], steps: tuple[object, ...]) -> None:
    """The account is made sure of first; then a record, the list's or a new one; then the child."""
    answer = approval_steps(of, NAMES, CLASS_TEACHER, Surroundings(**around))
    assert answer == (EnsureAccount(), *steps)


@pytest.mark.parametrize(
    ("of", "around", "refusal"),
    [
        (OF_PARENT, {}, ApprovalRefusal.CHILD_NEEDED),
        (OF_PARENT, {"match": MUM}, ApprovalRefusal.CHILD_NEEDED),
        (OF_PARENT, {"child": MUM}, ApprovalRefusal.CHILD_UNSUITABLE),
        (OF_PARENT, {"child": GONE}, ApprovalRefusal.CHILD_UNSUITABLE),
        (OF_PARENT, {"child": OTHER_CLASS}, ApprovalRefusal.CHILD_UNSUITABLE),
        (OF_PUPIL, {"match": IN}, ApprovalRefusal.MATCH_UNSUITABLE),
        (OF_PUPIL, {"match": MUM}, ApprovalRefusal.MATCH_UNSUITABLE),
        (OF_PUPIL, {"match": OTHER_CLASS}, ApprovalRefusal.MATCH_UNSUITABLE),
        (evolve(OF_TEACHER, role=Role.DEPUTY), {"match": STAFF}, ApprovalRefusal.MATCH_UNSUITABLE),
    ],
)
def test_a_yes_that_does_not_fit(
    of: Application, around: dict[str, Any], refusal: ApprovalRefusal
) -> None:
    """A child of that class is needed; a match has no account, the role and the class."""
    assert approval_steps(of, NAMES, DIRECTOR, Surroundings(**around)) is refusal


@pytest.mark.parametrize("of", [OF_TEACHER, OF_PARENT])
def test_a_yes_gives_no_more_than_whoever_says_it_could(of: Application) -> None:
    """R10, R31: the list's record may have rights besides what was applied for; those only heads give."""
    assert of.role is not None
    rights = person("both", of.role, Role.DEPUTY)
    around = {"match": rights, "match_children": [link(PUPIL)]}
    found = Surroundings(**around)  # type: ignore[arg-type] # a table
    administrator = evolve(DIRECTOR, roles=frozenset({Role.ADMINISTRATOR}))
    for by in (CLASS_TEACHER, administrator):
        assert approval_steps(of, NAMES, by, found) is ApprovalRefusal.HEADS_ONLY
    assert isinstance(approval_steps(of, NAMES, DIRECTOR, found), tuple)


def test_a_class_teacher_makes_no_teacher_of_a_parent() -> None:
    """R10: a parent of the list who is a colleague too is for the administration."""
    colleague = person("both", Role.GUARDIAN, Role.TEACHER)
    found = Surroundings(match=colleague, child=IN)
    assert approval_steps(OF_PARENT, NAMES, CLASS_TEACHER, found) is ApprovalRefusal.HEADS_ONLY
    administrator = evolve(DIRECTOR, roles=frozenset({Role.ADMINISTRATOR}))
    assert isinstance(approval_steps(OF_PARENT, NAMES, administrator, found), tuple)


def test_a_court_order_is_for_heads() -> None:
    """R34: a class teacher is sent to the heads without a reason; heads are told; no link is made by either."""
    same = evolve(MUM, family_name="новиков", given_name="Петр")
    by_name = {"child": IN, "child_guardians": [link(same, RESTRICTED)]}
    by_record = {"child": IN, "match": MUM, "child_guardians": [link(MUM, RESTRICTED)]}
    for around in (by_name, by_record):
        found = Surroundings(**around)  # type: ignore[arg-type] # a table
        assert approval_steps(OF_PARENT, NAMES, CLASS_TEACHER, found) is ApprovalRefusal.HEADS_ONLY
        assert approval_steps(OF_PARENT, NAMES, DIRECTOR, found) is ApprovalRefusal.RESTRICTED
    listed = Surroundings(match=MUM, match_children=[link(IN, RESTRICTED), link(PUPIL)])
    assert approval_steps(OF_PARENT, NAMES, CLASS_TEACHER, listed) is ApprovalRefusal.HEADS_ONLY
    steps = approval_steps(OF_PARENT, NAMES, DIRECTOR, listed)
    assert steps == (EnsureAccount(), Activate(MUM.person_id))


def test_whom_a_court_order_does_not_concern() -> None:
    """Another parent of the same child is linked as ever."""
    left = Relative(person=evolve(MUM, status=Status.LEFT), relation="", status=RESTRICTED)
    found = Surroundings(child=IN, child_guardians=[left])
    steps = approval_steps(OF_PARENT, NAMES, CLASS_TEACHER, found)
    assert isinstance(steps, tuple)
    assert steps[-1] == linked(KEY)
