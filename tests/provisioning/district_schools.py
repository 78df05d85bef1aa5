"""Schools of a district for tests: what their modules would answer, each with a key of its own."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from nacl.signing import SigningKey

from provisioning.district import draft as drafts
from provisioning.district.draft import Draft, OperatorKey, School
from provisioning.district.judging import Issued
from provisioning.district.question import Asked, Status, read_answer
from provisioning.district.signing import public, signed_bytes, to_base64

DISTRICT = "district-56.example"
#: 1 September 2026, 08:30 in Moscow.
NOW_S = 1_788_240_600
NONCE = "n" * 32
OPERATOR = SigningKey(bytes(32))
ISSUED = Issued(serial=12, issued_s=NOW_S - 86_400, expires_s=NOW_S + 20 * 86_400, changed=False)


def key_of(server_name: str) -> SigningKey:
    return SigningKey(hashlib.sha256(server_name.encode()).digest())


def draft_of(*server_names: str, **addresses: str) -> Draft:
    """A district of these schools; addresses by name."""
    draft = drafts.new_draft(DISTRICT, "Управление образования", public(OPERATOR))
    for name in server_names:
        key = f"ed25519:a_test={public(key_of(name))}"
        draft = drafts.with_school(
            draft, name, f"Школа {name}", f"office@{name}", [key], addresses.get(name, "")
        )
    return draft


def answer(server_name: str, nonce: str = NONCE, **changes: Any) -> dict[str, Any]:
    """What a school where all is well answers, not signed; `changes` go into its parts by name, `part__field`."""
    document: dict[str, Any] = {
        "format": "sferum.district_status.v1",
        "server_name": server_name,
        "nonce": nonce,
        "time": NOW_S,
        "keys": {"ed25519:a_test": public(key_of(server_name))},
        "versions": {"sferum": "0.1.0", "synapse": "1.163.2"},
        "register": {
            "standing": "open",
            "serial": 12,
            "expires": ISSUED.expires_s,
            "refusal": "",
            "agreed": NOW_S - 60,
        },
        "health": {
            "schema_found": 10,
            "schema_wanted": 10,
            "dead": 0,
            "waiting": 0,
            "oldest_s": 0,
            "lag_s": 0,
            "held": 0,
        },
        "counts": {
            "schools": 1,
            "active": 811,
            "listed": None,
            "rooms": 74,
            "common_ready": 2,
            "common_waiting": 0,
        },
    }
    for name, value in changes.items():
        part, _, inner = name.partition("__")
        if inner:
            document[part][inner] = value
        else:
            document[part] = value
    return document


def signed(document: Mapping[str, Any], by: SigningKey | None = None) -> bytes:
    """The answer with the school's signature, or another's."""
    name = str(document["server_name"])
    signature = (by or key_of(name)).sign(signed_bytes(document)).signature
    whole = {**document, "signatures": {name: {"ed25519:a_test": to_base64(signature)}}}
    return json.dumps(whole, ensure_ascii=False).encode()


def status(school: School, **changes: Any) -> Status:
    """What is believed of such an answer."""
    name = school.server_name
    return read_answer(signed(answer(name, **changes)), school, NONCE)


def answered(school: School, **changes: Any) -> Asked:
    return Asked(status=status(school, **changes))


def two_keys(draft: Draft) -> tuple[OperatorKey, ...]:
    """The chain of a district that has changed its key once, for pages."""
    return (*draft.operator_keys, OperatorKey("B" * 42 + "A", "C" * 85 + "A"))
