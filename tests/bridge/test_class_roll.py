"""A class as its teacher sees it, and what the teacher may do to whom. Tables."""

from __future__ import annotations

from datetime import date, timedelta
from zoneinfo import ZoneInfo

import pytest
from attrs import evolve

from bridge.cards import ends
from bridge.class_roll import Confirmation, Presence, PupilRow, pupil_row
from bridge.contact import Medium
from bridge.contact_reset import ResetRefusal, reset_refusal
from bridge.invite import InviteKind
from bridge.people import LinkStatus, PersonRecord, Pupil, Relative, Status
from bridge.roles import Account, OrgId, PersonId, Role, UserId
from bridge.web.classes import is_shown
from tests.bridge.values import CLASS, MASHA, MOTHER, NOW, SCHOOL, TEACHER, invite

ZONE = ZoneInfo("Europe/Moscow")


def person(name: str, role: Role, user_id: UserId | None = None) -> PersonRecord:
    return PersonRecord(
        person_id=PersonId(name), source="csv", source_id=name, family_name=name, given_name="А",
        roles=frozenset({role}), status=Status.ACTIVE if user_id else Status.LISTED, user_id=user_id,
        birth_date=date(2016, 1, 1),
    )  # fmt: skip


def relative(name: str, status: LinkStatus, user_id: UserId | None = None) -> Relative:
    return Relative(person=person(name, Role.GUARDIAN, user_id), relation="", status=status)


PUPIL = Pupil(person=person("masha", Role.STUDENT, MASHA))
NOT_IN = Pupil(person=person("petja", Role.STUDENT))


def account(user_id: UserId, *roles: Role, school: OrgId = SCHOOL, leads: bool = False) -> Account:
    return Account(
        user_id=user_id,
        org_id=school,
        roles=frozenset(roles),
        homeroom_of=frozenset({CLASS} if leads else ()),
    )


CLASS_TEACHER = account(TEACHER, Role.TEACHER, leads=True)
PUPILS = account(MASHA, Role.STUDENT)


@pytest.mark.parametrize(
    ("pupil", "waiting", "presence"),
    [
        (PUPIL, (), Presence.IN),
        (NOT_IN, (), Presence.NOT_YET),
        (NOT_IN, ("petja",), Presence.WAITING),
        (PUPIL, ("masha",), Presence.IN),  # an application of a namesake
        (Pupil(person=evolve(PUPIL.person, user_id=None)), (), Presence.NOT_YET),
    ],
)
def test_who_is_in(pupil: Pupil, waiting: tuple[PersonId, ...], presence: Presence) -> None:
    """In is who has an account that is active; waiting is who has probably applied."""
    assert pupil_row(pupil, NOW, ZONE, waiting=waiting).presence is presence


@pytest.mark.parametrize(
    ("born", "confirmed", "confirmation"),
    [
        (date(2012, 9, 1), False, Confirmation.NOT_NEEDED),  # 14 today
        (date(2012, 9, 2), False, Confirmation.MISSING),
        (date(2012, 9, 2), True, Confirmation.CONFIRMED),
        (None, False, Confirmation.MISSING),
    ],
)
def test_who_is_confirmed(born: date | None, confirmed: bool, confirmation: Confirmation) -> None:
    """R17 as the class teacher sees it."""
    pupil = Pupil(person=evolve(PUPIL.person, birth_date=born, confirmed=confirmed))
    assert pupil_row(pupil, NOW, ZONE).confirmation is confirmation


def test_a_court_order_is_not_seen() -> None:
    """R34: a restricted parent is not on the class teacher's page, and nobody's parent."""
    restricted = relative("father", LinkStatus.RESTRICTED, UserId("father"))
    row = pupil_row(evolve(PUPIL, guardians=(restricted,)), NOW, ZONE)
    assert row.guardians == ()
    assert row.needs_parents


def test_who_needs_paper() -> None:
    """A card: not in, and the list knows no contact. A parents' sheet: no parent is in."""
    bare = pupil_row(NOT_IN, NOW, ZONE)
    assert bare.needs_card
    assert not pupil_row(NOT_IN, NOW, ZONE, listed=frozenset({Medium.EMAIL})).needs_card
    assert not pupil_row(PUPIL, NOW, ZONE).needs_card
    assert not pupil_row(NOT_IN, NOW, ZONE, waiting=[NOT_IN.person.person_id]).needs_card
    with_parents = evolve(
        NOT_IN,
        guardians=(
            relative("mother", LinkStatus.CONFIRMED, MOTHER),
            relative("father", LinkStatus.CONFIRMED),
        ),
    )
    assert not pupil_row(with_parents, NOW, ZONE).needs_parents


@pytest.mark.parametrize(
    ("row", "shown"),
    [
        (pupil_row(PUPIL, NOW, ZONE), {"all", "no_parent", "unconfirmed"}),
        (pupil_row(NOT_IN, NOW, ZONE), {"all", "no_parent", "not_yet"}),
    ],
)
def test_what_the_filters_show(row: PupilRow, shown: set[str]) -> None:
    """Unconfirmed is only said of who is in: of the others it is too early."""
    words = ("all", "not_yet", "no_parent", "unconfirmed")
    assert {word for word in words if is_shown(row, word)} == shown


@pytest.mark.parametrize(
    ("by", "pupil", "theirs", "refusal"),
    [
        (CLASS_TEACHER, PUPIL.person, PUPILS, None),
        (account(UserId("d"), Role.DIRECTOR), PUPIL.person, PUPILS, None),
        (account(UserId("a"), Role.ADMINISTRATOR), PUPIL.person, PUPILS, None),
        (account(UserId("t"), Role.TEACHER), PUPIL.person, PUPILS, ResetRefusal.NOT_YOURS),
        (account(MOTHER, Role.GUARDIAN), PUPIL.person, PUPILS, ResetRefusal.NOT_YOURS),
        (PUPILS, PUPIL.person, PUPILS, ResetRefusal.NOT_YOURS),
        (CLASS_TEACHER, None, None, ResetRefusal.NOT_YOURS),
        (CLASS_TEACHER, NOT_IN.person, None, ResetRefusal.NO_ACCOUNT),
        (CLASS_TEACHER, PUPIL.person, None, ResetRefusal.NO_ACCOUNT),
        (
            CLASS_TEACHER,
            PUPIL.person,
            account(MASHA, Role.STUDENT, school=OrgId("other")),
            ResetRefusal.NO_ACCOUNT,
        ),
        (
            CLASS_TEACHER,
            PUPIL.person,
            account(MASHA, Role.STUDENT, Role.TEACHER),
            ResetRefusal.NOT_ONLY_A_PUPIL,
        ),
        (
            CLASS_TEACHER,
            PUPIL.person,
            account(MASHA, Role.STUDENT, Role.GUARDIAN),
            ResetRefusal.NOT_ONLY_A_PUPIL,
        ),
    ],
)
def test_whose_contact_is_reset_by_whom(
    by: Account, pupil: PersonRecord | None, theirs: Account | None, refusal: ResetRefusal | None
) -> None:
    """The class teacher and administration, of a pupil of the class who is nobody else."""
    assert reset_refusal(by, CLASS, pupil, theirs) is refusal


@pytest.mark.parametrize(
    ("new", "earlier", "issued_by", "dead"),
    [
        (InviteKind.CARD, InviteKind.CARD, TEACHER, True),
        (InviteKind.CARD, InviteKind.PERSONAL, TEACHER, True),
        (InviteKind.PERSONAL, InviteKind.CARD, UserId("director"), True),
        (InviteKind.CARD, InviteKind.CHILD_PARENT, TEACHER, False),
        (InviteKind.CHILD_PARENT, InviteKind.CARD, TEACHER, False),
        (InviteKind.CHILD_PARENT, InviteKind.CHILD_PARENT, TEACHER, True),
        (InviteKind.CHILD_PARENT, InviteKind.CHILD_PARENT, UserId("director"), True),
        (InviteKind.CHILD_PARENT, InviteKind.CHILD_PARENT, MASHA, False),
        (InviteKind.CHILD_PARENT, InviteKind.CHILD_PARENT, MOTHER, False),
    ],
)
def test_what_a_new_paper_ends(
    new: InviteKind, earlier: InviteKind, issued_by: UserId, dead: bool
) -> None:
    """R20: one way in for a pupil at a time; the family's own links are not the school's."""
    pupil = evolve(PUPIL, guardians=(relative("mother", LinkStatus.CONFIRMED, MOTHER),))
    old = evolve(invite(), kind=earlier, issued_by=issued_by, expires_at=NOW + timedelta(days=1))
    assert ends(new, old, pupil) is dead
