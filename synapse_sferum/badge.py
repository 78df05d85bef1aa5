"""The role badge: a profile field that says who somebody is at school, and that nobody can give to themselves. Pure.

It has roles only: no class, no child's name, because whoever may see the profile sees it (docs/contracts.md §3).
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, Final

from synapse_sferum.model import Role

#: Profile field (MSC4133). Not the name of a state event, so no member can write it in a room either.
FIELD: Final = "org.sferum.role"

_RU: Final = {
    Role.DIRECTOR: "директор",
    Role.DEPUTY: "заместитель директора",
    Role.ADMINISTRATOR: "администратор",
    Role.TEACHER: "учитель",
    Role.STUDENT: "ученик",
    Role.GUARDIAN: "родитель",
}
_EN: Final = {
    Role.DIRECTOR: "head teacher",
    Role.DEPUTY: "deputy head",
    Role.ADMINISTRATOR: "administrator",
    Role.TEACHER: "teacher",
    Role.STUDENT: "pupil",
    Role.GUARDIAN: "parent",
}


def badge(roles: Collection[Role]) -> dict[str, Any] | None:
    """The field's content, None for somebody without a role: then there is no field.

    Roles come in the order of `Role`, so that equal roles make equal badges.
    """
    ordered = [role for role in Role if role in roles]
    if not ordered:
        return None
    return {
        "roles": [role.value for role in ordered],
        "label": {
            "ru": _capital(", ".join(_RU[role] for role in ordered)),
            "en": _capital(", ".join(_EN[role] for role in ordered)),
        },
    }


def _capital(text: str) -> str:
    return text[0].upper() + text[1:]
