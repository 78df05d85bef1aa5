"""Registers for tests: an operator with fixed keys, and documents that are right until a test spoils them."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping, Sequence
from typing import Any

from nacl.signing import SigningKey

from synapse_sferum.district.canonical import signed_bytes
from synapse_sferum.district.register import Register
from synapse_sferum.district.signed import link_bytes, verified

DISTRICT = "district-56.example"
OWN, NEIGHBOUR, THIRD = "school86.example", "school12.example:8448", "lyceum3.example"
#: 1 September 2026, 08:30 in Moscow.
NOW_S = 1_788_240_600
MONTH_S = 30 * 86_400


def key(number: int) -> SigningKey:
    """The operator's key of that number; anybody else's for numbers from 100."""
    return SigningKey(number.to_bytes(32, "big"))


def b64(octets: bytes) -> str:
    return base64.b64encode(octets).decode().rstrip("=")


def school(server_name: str, **changes: Any) -> dict[str, Any]:
    seed = sum(server_name.encode()) + 1000
    return {
        "server_name": server_name,
        "name": f"Школа {server_name}",
        "contact": f"office@{server_name}",
        "keys": {"ed25519:a_test": b64(bytes(key(seed).verify_key))},
        **changes,
    }


def document(**changes: Any) -> dict[str, Any]:
    """An unsigned register of three schools whose staff may meet."""
    return {
        "format": "sferum.register.v1",
        "district": DISTRICT,
        "name": "Управление образования",
        "serial": 1,
        "issued": NOW_S - 60,
        "expires": NOW_S + MONTH_S,
        "schools": [school(OWN), school(NEIGHBOUR), school(THIRD)],
        "pairs": [["staff", "staff"]],
        "rooms": [],
        **changes,
    }


def chain(keys: Sequence[int], district: str = DISTRICT) -> list[dict[str, str]]:
    """Keys, each signed by the one before it."""
    links: list[dict[str, str]] = []
    for number, seed in enumerate(keys, start=1):
        name = b64(bytes(key(seed).verify_key))
        link = {"key": name}
        if number > 1:
            message = link_bytes(district, number, name)
            link["signature"] = b64(key(keys[number - 2]).sign(message).signature)
        links.append(link)
    return links


def signed(
    unsigned: Mapping[str, Any], keys: Sequence[int] = (1,), by: int | None = None
) -> dict[str, Any]:
    """The document with its chain of keys, signed by the last of them, or `by` another."""
    whole = {"operator_keys": chain(keys), **unsigned}
    signature = key(keys[-1] if by is None else by).sign(signed_bytes(whole)).signature
    return {
        **whole,
        "signatures": {str(whole["district"]): {f"ed25519:{len(keys)}": b64(signature)}},
    }


def data(found: Mapping[str, Any]) -> bytes:
    return json.dumps(found, ensure_ascii=False).encode()


def anchor(number: int = 1) -> bytes:
    return bytes(key(number).verify_key)


def register(keys: Sequence[int] = (1,), **changes: Any) -> Register:
    """A register that is believed."""
    whole = data(signed(document(**changes), keys))
    return verified(whole, district=DISTRICT, anchor=anchor(keys[0]))
