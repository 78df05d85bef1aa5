"""Who of a school's administration may change whom, and who sees what of a family (R31, R34). Pure.

The module has the same table (`synapse_sferum/edits.py`, MAY_GRANT) for people who call it themselves. The bridge
calls it with the service token, for which there is no such limit: so the pages ask here first.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping

from attrs import evolve

from bridge.people import Family, LinkStatus, PersonRecord, Relative, Status
from bridge.roles import ADMINISTRATION, Account, Role

#: Which administrative roles each may give and take: only a director makes a director or a deputy.
MAY_GRANT: Mapping[Role, frozenset[Role]] = {
    Role.DIRECTOR: ADMINISTRATION,
    Role.DEPUTY: frozenset({Role.ADMINISTRATOR}),
}


class ChangeRefusal(enum.Enum):
    """Why a change of a person is not made. The values are stable: logged, counted, tested."""

    NOT_YOURS = "not_yours"  # colleagues with rights: see MAY_GRANT
    SELF = "self"  # one's own profile has its own page
    NO_ROLE = "no_role"
    LISTED_ROLES = "listed_roles"  # only a director goes back to roles that nobody has looked at
    HEADS_ONLY = "heads_only"
    LAST_ADMINISTRATOR = "last_administrator"  # R33, said by the module
    REFUSED = "refused"  # the module's other refusals: the record has changed meanwhile


def may_grant(by: Account) -> frozenset[Role]:
    """The administrative roles that `by` may give and take."""
    return frozenset[Role]().union(*(MAY_GRANT.get(role, frozenset()) for role in by.roles))


def rights_of(person: PersonRecord | None) -> frozenset[Role]:
    """What a record gives right now: who has left has no rights."""
    if person is None or person.status is Status.LEFT:
        return frozenset()
    return person.roles & ADMINISTRATION


def roles_refusal(
    by: Account, person: PersonRecord, roles: frozenset[Role] | None
) -> ChangeRefusal | None:
    """Why `by` may not give `person` these roles; None of roles goes back to the list's (R31)."""
    if roles is None:
        return None if Role.DIRECTOR in by.roles else ChangeRefusal.LISTED_ROLES
    if not roles:
        return ChangeRefusal.NO_ROLE
    changed = (person.roles & ADMINISTRATION) ^ (roles & ADMINISTRATION)
    return ChangeRefusal.NOT_YOURS if changed - may_grant(by) else None


def touch_refusal(
    by: Account, person: PersonRecord, account: Account | None
) -> ChangeRefusal | None:
    """Why `by` may not sign out, release or take out `person`: it would take rights that `by` cannot give.

    Args:
        account: the person's account, which may be several persons (R32); None: not in.
    """
    if person.user_id == by.user_id or person.person_id in by.persons:
        return ChangeRefusal.SELF
    rights = rights_of(person) | (account.roles & ADMINISTRATION if account else frozenset())
    return ChangeRefusal.NOT_YOURS if rights - may_grant(by) else None


def visible(by: Account, family: Family) -> Family:
    """R34: a restricted link does not exist for anybody but director and deputies."""
    if by.heads:
        return family
    return evolve(family, guardians=_shown(family.guardians), children=_shown(family.children))


def link_refusal(
    by: Account, status: LinkStatus | None, known: LinkStatus | None
) -> ChangeRefusal | None:
    """Why `by` may not make, change or (None) take away this link. `known`: as it is now."""
    if by.heads or LinkStatus.RESTRICTED not in {status, known}:
        return None
    # One answer for a hidden link and for a record that cannot be linked.
    return ChangeRefusal.REFUSED if known is LinkStatus.RESTRICTED else ChangeRefusal.HEADS_ONLY


def _shown(relatives: tuple[Relative, ...]) -> tuple[Relative, ...]:
    return tuple(one for one in relatives if one.status is not LinkStatus.RESTRICTED)
