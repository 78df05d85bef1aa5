"""A school vouches for who invites, in the invitation itself (ADR 25). Pure.

An invitation is an event: the inviter's server signs it, and no client of that server can write this key, because the
module writes it last. So the invited school learns the role with the invitation, and asks nobody.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from synapse_sferum.account import Account
from synapse_sferum.events import VOUCHED
from synapse_sferum.model import Role

_ROLES = frozenset(role.value for role in Role)


def with_roles(content: Mapping[str, Any], inviter: Account | None) -> dict[str, Any]:
    """The content of an invitation to another server, as it leaves; nobody's roles are none."""
    roles = [] if inviter is None else sorted(role.value for role in inviter.roles)
    return {**content, VOUCHED: {"roles": roles}}


def roles_told(content: Mapping[str, Any]) -> frozenset[str]:
    """Roles that the inviter's school names; none when it names none, or anything that is no role."""
    found = content.get(VOUCHED)
    roles = found.get("roles") if isinstance(found, Mapping) else None
    if not isinstance(roles, list | tuple) or len(roles) > len(_ROLES):
        return frozenset()
    if not all(isinstance(role, str) and role in _ROLES for role in roles):
        return frozenset()
    return frozenset(roles)
