"""Who may hand out which link, and what a link opens (R8, R9, R10)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from attrs import evolve

from bridge.invite import (
    Invite,
    InviteId,
    InviteKind,
    InviteRefusal,
    IssueRefusal,
    Order,
    email_opens,
    issue,
    issue_refusal,
    new_token,
    token_hash,
)
from bridge.roles import Account, ClassId, OrgId, PersonId, Role, UserId

NOW = datetime(2026, 9, 1, 8, 30, tzinfo=UTC)
SCHOOL, CLASS, OTHER_CLASS = OrgId("school"), ClassId("1А"), ClassId("1Б")


def person(
    name: str, *roles: Role, homeroom: ClassId | None = None, org: OrgId = SCHOOL
) -> Account:
    led = frozenset() if homeroom is None else frozenset({homeroom})
    return Account(
        user_id=UserId(name),
        org_id=org,
        roles=frozenset(roles),
        persons=frozenset({PersonId(name)}),
        homeroom_of=led,
    )


DIRECTOR = person("director", Role.DIRECTOR)
DEPUTY = person("deputy", Role.DEPUTY)
ADMINISTRATOR = person("administrator", Role.ADMINISTRATOR)
CLASS_TEACHER = person("class teacher", Role.TEACHER, homeroom=CLASS)
OTHERS_TEACHER = person("other class's", Role.TEACHER, homeroom=OTHER_CLASS)
SUBJECT_TEACHER = person("subject teacher", Role.TEACHER)
PUPIL = person("pupil", Role.STUDENT)
PARENT = person("parent", Role.GUARDIAN)
STRANGER = person("next school's director", Role.DIRECTOR, org=OrgId("next"))
EVERYBODY = (
    DIRECTOR, DEPUTY, ADMINISTRATOR, CLASS_TEACHER, OTHERS_TEACHER, SUBJECT_TEACHER, PUPIL, PARENT, STRANGER,
)  # fmt: skip

PUPILS = Order(
    org_id=SCHOOL,
    kind=InviteKind.CLASS_PUPIL,
    role=Role.STUDENT,
    class_id=CLASS,
    grade=1,
    max_uses=30,
)
PARENTS = evolve(PUPILS, kind=InviteKind.CLASS_PARENT, role=Role.GUARDIAN)
NAMED = evolve(PUPILS, kind=InviteKind.PERSONAL, person_id=PersonId(PUPIL.user_id), max_uses=1)
CHILDS = evolve(NAMED, kind=InviteKind.CHILD_PARENT, role=Role.GUARDIAN)
TEACHERS = Order(org_id=SCHOOL, kind=InviteKind.STAFF, role=Role.TEACHER)
ANYBODY = Order(org_id=SCHOOL, kind=InviteKind.SCHOOL, role=None, max_uses=500)

ADMINISTRATION = {"director", "deputy", "administrator"}


@pytest.mark.parametrize(
    ("order", "issuers"),
    [
        (PUPILS, ADMINISTRATION | {"class teacher"}),
        (PARENTS, ADMINISTRATION | {"class teacher"}),
        (NAMED, ADMINISTRATION | {"class teacher"}),
        (CHILDS, ADMINISTRATION | {"class teacher", "pupil"}),
        (TEACHERS, {"director", "deputy"}),
        (evolve(TEACHERS, role=Role.DIRECTOR), {"director", "deputy"}),
        (ANYBODY, ADMINISTRATION),
    ],
    ids=lambda value: value.kind.value if isinstance(value, Order) else "",
)
def test_who_may_issue(order: Order, issuers: set[str]) -> None:
    """R9: administration and this class's teacher; R10: staff by director and deputies only."""
    allowed = {by.user_id for by in EVERYBODY if issue_refusal(by, order) is None}
    refusals = {issue_refusal(by, order) for by in EVERYBODY if by.user_id not in allowed}

    assert allowed == issuers
    assert refusals == {IssueRefusal.NOT_YOURS}


def test_a_child_makes_links_to_itself_only() -> None:
    """Another child's parent is none of its business; nor is a parent a child."""
    assert (
        issue_refusal(PUPIL, evolve(CHILDS, person_id=PersonId(PARENT.user_id)))
        is IssueRefusal.NOT_YOURS
    )
    assert (
        issue_refusal(PARENT, evolve(CHILDS, person_id=PersonId(PARENT.user_id)))
        is IssueRefusal.NOT_YOURS
    )


@pytest.mark.parametrize(
    ("order", "refusal"),
    [
        (evolve(PUPILS, role=Role.TEACHER), IssueRefusal.ROLE),  # R10: no staff by a class link
        (evolve(PUPILS, role=Role.GUARDIAN), IssueRefusal.ROLE),
        (evolve(TEACHERS, role=Role.STUDENT), IssueRefusal.ROLE),
        (evolve(ANYBODY, role=Role.DIRECTOR), IssueRefusal.ROLE),
        (evolve(PUPILS, class_id=None), IssueRefusal.CLASS_NEEDED),
        (evolve(NAMED, person_id=None), IssueRefusal.PERSON_NEEDED),
        (evolve(NAMED, max_uses=2), IssueRefusal.USES),  # R10: single use
        (evolve(PUPILS, max_uses=0), IssueRefusal.USES),
        (evolve(PUPILS, max_uses=501), IssueRefusal.USES),
        (evolve(CHILDS, lifetime=timedelta(days=15)), IssueRefusal.LIFETIME),
        (evolve(PUPILS, lifetime=timedelta(0)), IssueRefusal.LIFETIME),
        (evolve(PUPILS, lifetime=timedelta(days=400)), IssueRefusal.LIFETIME),
        (evolve(PUPILS, grade=5, allow_email=True), IssueRefusal.EMAIL_GRADE),
        (evolve(PUPILS, grade=None, allow_email=True), IssueRefusal.EMAIL_GRADE),
        (evolve(PARENTS, allow_email=True), IssueRefusal.EMAIL_GRADE),
        (evolve(PUPILS, grade=4, allow_email=True), None),
    ],
)
def test_what_may_be_ordered(order: Order, refusal: IssueRefusal | None) -> None:
    """Each kind has its role, its class, its uses, its time."""
    assert issue_refusal(DIRECTOR, order) is refusal


def made(order: Order = PUPILS) -> Invite:
    return issue(InviteId("i1"), "token", order, CLASS_TEACHER, NOW)


@pytest.mark.parametrize(
    ("invite", "now", "refusal"),
    [
        (made(), NOW, None),
        (made(), NOW + PUPILS.lifetime, InviteRefusal.EXPIRED),
        (evolve(made(), used=29), NOW, None),
        (evolve(made(), used=30), NOW, InviteRefusal.USED_UP),
        (evolve(made(), used=30, revoked_at=NOW), NOW, InviteRefusal.REVOKED),
    ],
)
def test_when_a_link_is_over(invite: Invite, now: datetime, refusal: InviteRefusal | None) -> None:
    """R10: expired, used up, or revoked, which is said first."""
    assert invite.refusal(now) is refusal


@pytest.mark.parametrize(
    ("invite", "grade", "opens"),
    [
        (None, 1, False),  # R8: no link, no mail
        (made(), 1, False),  # the link does not say so
        (made(evolve(PUPILS, allow_email=True)), 4, True),
        (made(evolve(PUPILS, allow_email=True)), 5, False),  # promoted since it was printed
        (evolve(made(evolve(PUPILS, allow_email=True)), revoked_at=NOW), 1, False),
    ],
)
def test_mail_instead_of_a_phone(invite: Invite | None, grade: int, opens: bool) -> None:
    """R8: only by a valid link that allows it, for grades 1 to 4."""
    assert email_opens(invite, grade, NOW) is opens


def test_the_grade_of_mail_is_a_setting() -> None:
    """`email_signup_max_grade`."""
    order = evolve(PUPILS, grade=6, allow_email=True)

    assert issue_refusal(DIRECTOR, order, email_signup_max_grade=6) is None
    assert email_opens(made(order), 6, NOW, email_signup_max_grade=6)


def test_a_token_is_in_the_link_only() -> None:
    """The record has its hash and prints neither."""
    token = new_token(lambda n: bytes(range(n)))

    assert len(token) == 22
    assert made().token_hash == token_hash("token")
    assert "hash" not in repr(made())
