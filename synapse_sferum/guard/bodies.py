"""What is taken out of a request's body, and how refusals look. Pure.

A person who is hidden and a person who does not exist are the same here: both are taken out, and both get the same
answer.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from typing import Any

#: `X-Matrix origin=a.example,key="…"`, quotes optional, spaces allowed (server-server API, "Authentication").
_ORIGIN = re.compile(r"(?:^X-Matrix\s+|,\s*)origin=\"?(?P<origin>[^\",\s]+)\"?", re.IGNORECASE)


def named_users(body: object, field: str) -> list[str] | None:
    """The user ids that are keys of `body[field]`, or None when the body has another shape."""
    users = body.get(field) if isinstance(body, Mapping) else None
    if not isinstance(users, Mapping) or not all(isinstance(user, str) for user in users):
        return None
    return list(users)


def without(body: Mapping[str, Any], field: str, hidden: Collection[str]) -> dict[str, Any]:
    """The body without some users."""
    kept = {user: value for user, value in body[field].items() if user not in hidden}
    return {**body, field: kept}


def claimed_origins(headers: Iterable[str]) -> frozenset[str]:
    """Servers that a federation request says it is from. Nothing is verified yet."""
    return frozenset(
        found["origin"]
        for header in headers
        if header.lower().startswith("x-matrix")
        for found in [_ORIGIN.search(header)]
        if found is not None
    )


def pusher_is_allowed(body: object, gateways: Collection[str]) -> bool:
    """Whether a pusher may be set: removing one, or an HTTP one to a gateway of the allow-list."""
    if not isinstance(body, Mapping):
        return True  # Synapse answers 400
    kind = body.get("kind")
    if kind is None:
        return True
    data = body.get("data")
    return kind == "http" and isinstance(data, Mapping) and data.get("url") in gateways


def invited_in(body: object) -> str | None:
    """Who is invited by a federation /invite body, v1 or v2."""
    if not isinstance(body, Mapping):
        return None
    event = body.get("event", body)
    target = event.get("state_key") if isinstance(event, Mapping) else None
    return target if isinstance(target, str) else None


def well_formed(body: object, field: str, value: type) -> bool:
    """Whether `body[field]` maps users to `value`s, so that Synapse cannot stumble over it."""
    users = body.get(field) if isinstance(body, Mapping) else None
    return isinstance(users, Mapping) and all(isinstance(found, value) for found in users.values())
