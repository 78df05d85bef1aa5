"""Which register is in force (R4). Pure.

| what came | what is in force |
| --- | --- |
| newer, signed, in time | the new one |
| the same again | the one held |
| older serial, bad signature, not readable, expired, from the future, nothing | the one held |
| the one held has expired | none: every other school is a stranger |
"""

from __future__ import annotations

import enum
from collections.abc import Mapping

from attrs import frozen

from synapse_sferum.district.refusals import RegisterRefusal
from synapse_sferum.district.register import Register

#: Seconds the operator's clock may be ahead of the school's.
AHEAD_S = 600


class Standing(enum.Enum):
    """How this school stands with the district. The value is stable: /health and the metrics have it."""

    NONE = "none"  # no register was ever believed: closed
    EXPIRED = "expired"  # closed
    NOT_LISTED = "not_listed"  # a register is in force and this school is not in it: closed
    ISOLATED = "isolated"  # the operator has cut this school off: closed
    OPEN = "open"


@frozen(kw_only=True)
class Peer:
    """A server that is let in.

    Attributes:
        role_pairs: (ours, theirs) words of roles.
        keys: Matrix signing keys that speak for it.
        until_s: seconds since 1970; from then on it is a stranger, whatever process asks.
    """

    server_name: str
    name: str
    role_pairs: frozenset[tuple[str, str]]
    keys: Mapping[str, bytes]
    until_s: int


def refusal(held: Register | None, came: Register, now_s: int) -> RegisterRefusal | None:
    """Why a signed register does not take the place of the one held; None: it does, or is that very one."""
    if came.issued_s > now_s + AHEAD_S:
        return RegisterRefusal.NOT_YET
    if held is not None:
        if came.serial < held.serial:
            return RegisterRefusal.ROLLBACK
        if came.serial == held.serial:
            return None if came.digest == held.digest else RegisterRefusal.TWO_FACES
    return None if came.is_in_time(now_s) else RegisterRefusal.EXPIRED


def standing(held: Register | None, own: str, now_s: int) -> Standing:
    """How the server `own` stands with the register held."""
    if held is None:
        return Standing.NONE
    if not held.is_in_time(now_s):
        return Standing.EXPIRED
    school = held.schools.get(own)
    if school is None:
        return Standing.NOT_LISTED
    return Standing.ISOLATED if school.isolated else Standing.OPEN


def peers(held: Register | None, own: str, now_s: int) -> Mapping[str, Peer]:
    """The servers that `own` lets in and reaches; none unless it stands open itself."""
    if held is None or standing(held, own, now_s) is not Standing.OPEN:
        return {}
    both_ways = frozenset(pair for a, b in held.pairs for pair in ((a, b), (b, a)))
    return {
        name: Peer(
            server_name=name,
            name=school.name,
            role_pairs=both_ways,
            keys=school.keys,
            until_s=held.expires_s,
        )
        for name, school in held.schools.items()
        if name != own and not school.isolated
    }
