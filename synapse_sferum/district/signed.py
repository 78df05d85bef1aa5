"""Whether a register is the operator's: the chain of keys and the signature (Ed25519). Pure.

A school writes one key of the operator into homeserver.yaml. Each later key is signed by the one before it, so a school
follows the operator to a new key without touching its settings; and having followed, it believes the old key no more.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from canonicaljson import encode_canonical_json
from nacl.exceptions import BadSignatureError
from nacl.signing import VerifyKey

from synapse_sferum.district.canonical import parse_bounded, signed_bytes
from synapse_sferum.district.refusals import BadRegister, RegisterRefusal
from synapse_sferum.district.register import (
    MOST_OPERATOR_KEYS,
    Register,
    objects,
    octets,
    read_register,
)

KEY_FORMAT = "sferum.operator_key.v1"


def verified(data: bytes, *, district: str, anchor: bytes) -> Register:
    """The register in `data`, if `district` signed it.

    Args:
        anchor: the operator's key that is trusted: of the register held, else of homeserver.yaml; 32 octets.

    Raises:
        BadRegister: any reason but those of time and order, which are `force.refusal`'s.
    """
    document = parse_bounded(data)
    register = read_register(document)
    if register.district != district:
        raise BadRegister(RegisterRefusal.OTHER_DISTRICT)
    check_chain(document, district, register.operator_keys, anchor)
    check_signature(document, district, register.operator_keys)
    return register


def link_bytes(district: str, number: int, key: str) -> bytes:
    """What an operator's key signs to name its successor; `number` counts keys from 1, `key` is base64."""
    link = {"format": KEY_FORMAT, "district": district, "number": number, "key": key}
    return encode_canonical_json(link)


def check_chain(
    document: Mapping[str, Any], district: str, keys: Sequence[bytes], anchor: bytes
) -> None:
    """From the key trusted on, each key is named by the one before it.

    The newest first: whoever puts a key of their own behind the operator's, which are public, costs us one look.

    Args:
        keys: `operator_keys(document)`.

    Raises:
        BadRegister: KEY_CHAIN or MALFORMED.
    """
    if keys.count(anchor) != 1:
        raise BadRegister(RegisterRefusal.KEY_CHAIN)
    links = objects(document, "operator_keys", MOST_OPERATOR_KEYS)
    for index in range(len(keys) - 1, keys.index(anchor), -1):
        signature = octets(links[index].get("signature"), 64, f"operator_keys[{index}].signature")
        named = link_bytes(district, index + 1, links[index]["key"])
        if not _is_signed(keys[index - 1], named, signature):
            raise BadRegister(RegisterRefusal.KEY_CHAIN)


def check_signature(document: Mapping[str, Any], district: str, keys: Sequence[bytes]) -> None:
    """The last of the keys has signed the document.

    Raises:
        BadRegister: SIGNATURE or MALFORMED.
    """
    signature = _signature(document, district, f"ed25519:{len(keys)}")
    if not keys or not _is_signed(keys[-1], signed_bytes(document), signature):
        raise BadRegister(RegisterRefusal.SIGNATURE)


def _signature(document: Mapping[str, Any], district: str, key_id: str) -> bytes:
    signatures = document.get("signatures")
    ours = signatures.get(district) if isinstance(signatures, Mapping) else None
    found = ours.get(key_id) if isinstance(ours, Mapping) else None
    if found is None:
        raise BadRegister(RegisterRefusal.SIGNATURE)
    return octets(found, 64, "signatures")


def _is_signed(key: bytes, message: bytes, signature: bytes) -> bool:
    try:
        VerifyKey(key).verify(message, signature)
    except BadSignatureError:
        return False
    return True
