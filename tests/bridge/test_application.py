"""From the form to a yes or a no (R16)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from attrs import evolve

from bridge.application import (
    ERASED,
    LIFETIME,
    REMEMBERED,
    REPEAT_AFTER,
    TRANSITIONS,
    Application,
    ApplicationId,
    ApplyRefusal,
    DecisionRefusal,
    IllegalTransition,
    State,
    apply_refusal,
    decision_refusal,
)
from bridge.roles import ClassId, Role, UserId
from tests.bridge.test_invite import (
    ADMINISTRATION,
    ADMINISTRATOR,
    CLASS,
    CLASS_TEACHER,
    DIRECTOR,
    EVERYBODY,
    SCHOOL,
    STRANGER,
)

NOW = datetime(2026, 9, 1, 8, 30, tzinfo=UTC)
HASH = b"h" * 32
OF_PUPIL = Application(
    id=ApplicationId("a1"), org_id=SCHOOL, role=Role.STUDENT, class_id=CLASS, applicant=None,
    submitted_at=NOW,
)  # fmt: skip

MOVES: dict[State, Callable[[Application], Application]] = {
    State.APPROVED: lambda application: application.approve(DIRECTOR, NOW),
    State.REJECTED: lambda application: application.reject(DIRECTOR, NOW),
    State.FINISHED: lambda application: application.finish(),
    State.WITHDRAWN: lambda application: application.withdraw(),
    State.EXPIRED: lambda application: application.expire(NOW + LIFETIME),
}


@pytest.mark.parametrize("new", MOVES, ids=lambda state: state.value)
@pytest.mark.parametrize("old", State, ids=lambda state: state.value)
def test_only_the_moves_of_the_table_are_made(old: State, new: State) -> None:
    """Nothing is decided twice, and nothing is finished that was not approved."""
    application = evolve(OF_PUPIL, state=old)
    if new in TRANSITIONS[old]:
        assert MOVES[new](application).state is new
    else:
        with pytest.raises(IllegalTransition, match=f"{old.value} -> {new.value}"):
            MOVES[new](application)


@pytest.mark.parametrize(
    ("role", "deciders"),
    [
        (Role.STUDENT, ADMINISTRATION | {"class teacher"}),
        (Role.GUARDIAN, ADMINISTRATION | {"class teacher"}),
        (Role.TEACHER, ADMINISTRATION),
        (Role.ADMINISTRATOR, {"director", "deputy"}),
        (Role.DEPUTY, {"director", "deputy"}),
        (Role.DIRECTOR, {"director", "deputy"}),
    ],
)
def test_who_decides(role: Role, deciders: set[str]) -> None:
    """Administration any role, but rights are given by those who have them; class teachers their class."""
    application = evolve(OF_PUPIL, role=role)
    answers = {by.user_id: decision_refusal(by, application) for by in EVERYBODY}

    assert {name for name, refusal in answers.items() if refusal is None} == deciders
    assert set(answers.values()) == {None, DecisionRefusal.NOT_YOURS}


def test_nobody_decides_on_themselves_or_twice() -> None:
    """And a stranger does not even learn that it was decided."""
    own = evolve(OF_PUPIL, applicant=CLASS_TEACHER.user_id, role=Role.GUARDIAN)
    done = OF_PUPIL.approve(DIRECTOR, NOW)

    assert decision_refusal(CLASS_TEACHER, own) is DecisionRefusal.OWN
    assert decision_refusal(ADMINISTRATOR, done) is DecisionRefusal.DECIDED
    assert decision_refusal(STRANGER, done) is DecisionRefusal.NOT_YOURS


@pytest.mark.parametrize("state", sorted(ERASED, key=str))
def test_what_did_not_become_a_member_is_forgotten(state: State) -> None:
    """A no keeps a hash; the others not even that."""
    gone = MOVES[state](evolve(OF_PUPIL, applicant=UserId("p1"), repeat_hash=HASH))

    assert (gone.role, gone.class_id, gone.applicant) == (None, None, None)
    assert (gone.repeat_hash is not None) == (state is State.REJECTED)


def test_an_application_expires_after_a_month_and_not_before() -> None:
    """A late teacher still finds it in the queue."""
    with pytest.raises(ValueError, match="not 30 days old"):
        OF_PUPIL.expire(NOW + LIFETIME - timedelta(seconds=1))


@pytest.mark.parametrize(
    ("rejections", "refusal"),
    [
        ([], None),
        ([NOW - REPEAT_AFTER + timedelta(seconds=1)], ApplyRefusal.REJECTED_LATELY),
        ([NOW - REPEAT_AFTER], None),
        ([NOW - REPEAT_AFTER * n for n in (1, 2, 3)], ApplyRefusal.REJECTED_OFTEN),
        ([NOW - REMEMBERED, NOW - REPEAT_AFTER * 2, NOW - REPEAT_AFTER * 3], None),
    ],
)
def test_repeats_after_a_no_are_slow(
    rejections: list[datetime], refusal: ApplyRefusal | None
) -> None:
    """A day between them, three in ninety days."""
    got = apply_refusal(Role.STUDENT, CLASS, waiting=[], rejections=rejections, now=NOW)
    assert got is refusal


def test_pupils_and_parents_name_a_class() -> None:
    """Else nobody knows whose queue it is; staff have none."""

    def refusal(role: Role) -> ApplyRefusal | None:
        return apply_refusal(role, None, waiting=[], rejections=[], now=NOW)

    assert refusal(Role.STUDENT) is ApplyRefusal.CLASS_NEEDED
    assert refusal(Role.TEACHER) is None


def test_one_contact_waits_once_for_each_class() -> None:
    """A parent of five applies for five; nobody floods the queue with one phone."""
    classes = [ClassId(f"{n}А") for n in range(1, 6)]
    waiting = [evolve(OF_PUPIL, role=Role.GUARDIAN, class_id=one) for one in classes]

    def refusal(number: int, class_id: ClassId) -> ApplyRefusal | None:
        return apply_refusal(
            Role.GUARDIAN, class_id, waiting=waiting[:number], rejections=[], now=NOW
        )

    assert refusal(1, classes[0]) is ApplyRefusal.WAITING
    assert refusal(4, classes[4]) is None
    assert refusal(5, ClassId("9А")) is ApplyRefusal.WAITING
