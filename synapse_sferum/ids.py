"""Ids of ours. A record's id follows from its identity in the source: a repeated import makes the same record."""

from __future__ import annotations

import base64
import hashlib
import secrets
from collections.abc import Container

from synapse_sferum.model import ClassId, OrgId, PersonId

#: 12 characters of base32 are 60 bits: two of 100,000 people meet once in 10^8 schools.
_ID_LENGTH = 12


def person_id_of(org_id: OrgId, source: str, source_id: str) -> PersonId:
    """`p` + 12 of `a-z2-7`."""
    return PersonId("p" + _digest("person", org_id, source, source_id))


def class_id_of(org_id: OrgId, source: str, source_id: str, session: str) -> ClassId:
    """`c` + 12 of `a-z2-7`; of a list's class that nobody has promoted (those keep the id they had)."""
    return ClassId("c" + _digest("class", org_id, source, source_id, session))


def free_class_id(
    org_id: OrgId, source: str, source_id: str, session: str, taken: Container[str]
) -> ClassId:
    """The id of a class that is new: the next of its row when a cohort has taken the first with it (R36)."""
    found, nth = class_id_of(org_id, source, source_id, session), 1
    while found in taken:
        nth += 1
        found = ClassId("c" + _digest("class", org_id, source, source_id, session, str(nth)))
    return found


def new_localpart() -> str:
    """`u` + 8 random characters of base32: opaque, for ever (docs/contracts.md §4)."""
    return "u" + base64.b32encode(secrets.token_bytes(5)).decode().lower()


def _digest(*parts: str) -> str:
    joined = "\x00".join(parts).encode()
    return base64.b32encode(hashlib.sha256(joined).digest()).decode().lower()[:_ID_LENGTH]
