"""Who of the administration may change whom; what of a family is seen (R31, R34)."""

from __future__ import annotations

import pytest

from bridge.people import Family, LinkStatus, PersonRecord, Relative, Status
from bridge.roles import Account, OrgId, PersonId, Role, UserId
from bridge.school_rights import (
    MAY_GRANT,
    ChangeRefusal,
    link_refusal,
    may_grant,
    roles_refusal,
    touch_refusal,
    visible,
)
from synapse_sferum import edits

D, Z, A, T, S = Role.DIRECTOR, Role.DEPUTY, Role.ADMINISTRATOR, Role.TEACHER, Role.STUDENT
NOT_YOURS = ChangeRefusal.NOT_YOURS


def account(*roles: Role, name: str = "me") -> Account:
    return Account(
        user_id=UserId(f"@{name}:s"),
        org_id=OrgId("s"),
        roles=frozenset(roles),
        persons=frozenset({PersonId(f"p-{name}")}),
    )


def person(*roles: Role, name: str = "x", status: Status = Status.ACTIVE) -> PersonRecord:
    return PersonRecord(
        person_id=PersonId(f"p-{name}"),
        source="csv",
        source_id=name,
        family_name="Иванов",
        given_name="Иван",
        roles=frozenset(roles),
        status=status,
        user_id=UserId(f"@{name}:s"),
    )


def test_the_table_is_the_modules() -> None:
    """The bridge enforces what the module would, were it asked by the person itself."""
    theirs = {role.value: {one.value for one in grants} for role, grants in edits.MAY_GRANT.items()}
    assert {r.value: {one.value for one in grants} for r, grants in MAY_GRANT.items()} == theirs


def test_rights_add_up() -> None:
    """R30: of several roles the union counts."""
    assert may_grant(account(A, T)) == set()
    assert may_grant(account(Z, A)) == {A}
    assert may_grant(account(D, T)) == {D, Z, A}


@pytest.mark.parametrize(
    ("by", "had", "gets", "refusal"),
    [
        ((D,), (T,), (D,), None),
        ((Z,), (T,), (A,), None),
        ((Z,), (T,), (Z,), NOT_YOURS),
        ((Z,), (Z,), (T,), NOT_YOURS),
        ((A,), (T,), (A,), NOT_YOURS),
        ((A,), (A,), (T,), NOT_YOURS),
        ((A,), (A,), (A, T), None),
        ((A,), (T,), (S,), None),
        ((D,), (T,), (), ChangeRefusal.NO_ROLE),
    ],
)
def test_roles_given_and_taken(
    by: tuple[Role, ...],
    had: tuple[Role, ...],
    gets: tuple[Role, ...],
    refusal: ChangeRefusal | None,
) -> None:
    """Only what changes is looked at: a right that stays may be anybody's."""
    assert roles_refusal(account(*by), person(*had), frozenset(gets)) is refusal


def test_only_a_director_goes_back_to_the_list() -> None:
    """Nobody has looked at what stands there."""
    assert roles_refusal(account(D), person(T), None) is None
    assert roles_refusal(account(Z), person(T), None) is ChangeRefusal.LISTED_ROLES


@pytest.mark.parametrize(
    ("by", "target", "theirs", "refusal"),
    [
        ((A,), person(S), None, None),
        ((A,), person(A), None, NOT_YOURS),
        ((Z,), person(A), None, None),
        ((Z,), person(D), None, NOT_YOURS),
        ((D,), person(D), None, None),
        ((A,), person(D, status=Status.LEFT), None, None),
        ((A,), person(Role.GUARDIAN), account(Role.GUARDIAN, D, name="x"), NOT_YOURS),
        ((D,), person(D, name="me"), None, ChangeRefusal.SELF),
    ],
)
def test_an_account_is_touched_by_whoever_could_give_its_rights(
    by: tuple[Role, ...],
    target: PersonRecord,
    theirs: Account | None,
    refusal: ChangeRefusal | None,
) -> None:
    """Also when the rights are another person's of the same account (R32)."""
    assert touch_refusal(account(*by), target, theirs) is refusal


def test_a_restricted_link_is_seen_by_heads_only() -> None:
    """R34, in both directions."""
    links = tuple(
        Relative(person=person(S, name=status.value), relation="", status=status)
        for status in LinkStatus
    )
    family = Family(person=person(S), guardians=links, children=links)
    for role in (D, Z):
        assert visible(account(role), family) == family
    for role in (A, T):
        seen = visible(account(role), family)
        assert LinkStatus.RESTRICTED not in {one.status for one in seen.guardians + seen.children}
        assert len(seen.guardians) == len(seen.children) == 2


@pytest.mark.parametrize("status", [None, *LinkStatus])
@pytest.mark.parametrize("known", [None, *LinkStatus])
def test_links_are_changed_by_whoever_sees_them(
    status: LinkStatus | None, known: LinkStatus | None
) -> None:
    """An administrator who meets a hidden link is told what is told of any record that cannot be linked."""
    assert link_refusal(account(Z), status, known) is None
    refusal = link_refusal(account(A), status, known)
    if known is LinkStatus.RESTRICTED:
        assert refusal is ChangeRefusal.REFUSED
    elif status is LinkStatus.RESTRICTED:
        assert refusal is ChangeRefusal.HEADS_ONLY
    else:
        assert refusal is None
