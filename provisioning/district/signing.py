"""Keys and signatures of a register: Ed25519 over canonical JSON (docs/contracts.md §11). Pure but for making a key.

The same bytes as the module has, written again: `tests/data/district/vectors.json` holds both to it.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping, Sequence
from typing import Any

from nacl.exceptions import BadSignatureError
from nacl.signing import SigningKey, VerifyKey

from provisioning.district.draft import MOST_OPERATOR_KEYS, OperatorKey, is_octets

KEY_FORMAT = "sferum.operator_key.v1"


def canonical(document: Mapping[str, Any]) -> bytes:
    """Matrix' canonical JSON: UTF-8, keys in order, no spaces."""
    text = json.dumps(
        document, ensure_ascii=False, allow_nan=False, separators=(",", ":"), sort_keys=True
    )
    return text.encode()


def signed_bytes(document: Mapping[str, Any]) -> bytes:
    """What a signature is over: everything but the signatures."""
    return canonical({name: value for name, value in document.items() if name != "signatures"})


def new_key() -> SigningKey:
    """A key of the system's randomness."""
    return SigningKey.generate()


def public(key: SigningKey) -> str:
    """The public half, base64 without padding."""
    return to_base64(bytes(key.verify_key))


def signed(document: Mapping[str, Any], key: SigningKey) -> dict[str, Any]:
    """The register with the operator's signature; `key` must be the last of its chain."""
    key_id = f"ed25519:{len(document['operator_keys'])}"
    signature = to_base64(key.sign(signed_bytes(document)).signature)
    return {**document, "signatures": {document["district"]: {key_id: signature}}}


def link(district: str, before: Sequence[OperatorKey], old: SigningKey, new: str) -> OperatorKey:
    """The next key of the chain, named by the last one."""
    message = _link_bytes(district, len(before) + 1, new)
    return OperatorKey(new, to_base64(old.sign(message).signature))


def is_signed(document: Mapping[str, Any], district: str, anchor: str) -> bool:
    """Whether `district` signed this, for somebody who trusts the key `anchor` (base64)."""
    links = document.get("operator_keys")
    if not isinstance(links, list) or not 1 <= len(links) <= MOST_OPERATOR_KEYS:
        return False
    if not all(isinstance(one, Mapping) and isinstance(one.get("key"), str) for one in links):
        return False
    keys = [one["key"] for one in links]
    if not all(is_octets(key, 32) for key in keys) or keys.count(anchor) != 1:
        return False
    for index in range(keys.index(anchor) + 1, len(keys)):
        message = _link_bytes(district, index + 1, keys[index])
        if not is_good(keys[index - 1], message, links[index].get("signature")):
            return False
    signatures = document.get("signatures")
    ours = signatures.get(district) if isinstance(signatures, Mapping) else None
    signature = ours.get(f"ed25519:{len(keys)}") if isinstance(ours, Mapping) else None
    return document.get("district") == district and is_good(
        keys[-1], signed_bytes(document), signature
    )


def to_base64(octets: bytes) -> str:
    return base64.b64encode(octets).decode().rstrip("=")


def from_base64(text: str) -> bytes:
    return base64.b64decode(text + "=" * (-len(text) % 4), validate=True)


def _link_bytes(district: str, number: int, key: str) -> bytes:
    return canonical({"format": KEY_FORMAT, "district": district, "number": number, "key": key})


def is_good(key: str, message: bytes, signature: object) -> bool:
    """Whether the key (base64) made the signature (base64, or whatever came in its place)."""
    if not isinstance(signature, str) or not is_octets(signature, 64):
        return False
    try:
        VerifyKey(from_base64(key)).verify(message, from_base64(signature))
    except BadSignatureError:
        return False
    return True
