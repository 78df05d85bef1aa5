"""JSON from the network within bounds, and the bytes that are signed. Pure.

The bytes are Matrix' canonical JSON (specification, appendices, "Canonical JSON"): UTF-8, keys in the order of code
points, no spaces, whole numbers within ±(2^53 - 1).
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any, NoReturn

from canonicaljson import encode_canonical_json

from synapse_sferum.district.refusals import BadRegister, RegisterRefusal

#: Bytes. A school takes some 350, so this is room for 2,800; a region has hundreds.
LARGEST = 1_000_000
#: Brackets within brackets; a register has four.
DEEPEST = 8
#: The largest whole number that every JSON reader keeps (canonical JSON).
MOST = 2**53 - 1

#: A string, whole or cut off, or one bracket.
_TOKENS = re.compile(rb'"(?:[^"\\]|\\.)*+"?|[\[{]|[\]}]', re.DOTALL)


def parse_bounded(data: bytes) -> dict[str, Any]:
    """One JSON object, at most `LARGEST` bytes and `DEEPEST` deep.

    Raises:
        BadRegister: TOO_LARGE, TOO_DEEP or NOT_JSON.
    """
    if len(data) > LARGEST:
        raise BadRegister(RegisterRefusal.TOO_LARGE)
    if _depth(data) > DEEPEST:
        raise BadRegister(RegisterRefusal.TOO_DEEP)
    try:
        found = json.loads(
            data.decode("utf-8"),
            object_pairs_hook=_unique,
            parse_int=_whole,
            parse_float=_refused,
            parse_constant=_refused,
        )
        if isinstance(found, dict):
            encode_canonical_json(found)  # half of a surrogate pair cannot be encoded
            return found
    except ValueError:  # includes what json, utf-8 and our own hooks raise
        pass
    raise BadRegister(RegisterRefusal.NOT_JSON)


def signed_bytes(document: Mapping[str, Any]) -> bytes:
    """What a signature is over: everything but the signatures."""
    return encode_canonical_json({k: v for k, v in document.items() if k != "signatures"})


def _depth(data: bytes) -> int:
    deep = deepest = 0
    for token in _TOKENS.finditer(data):
        match token[0]:
            case b"[" | b"{":
                deep += 1
                deepest = max(deep, deepest)
            case b"]" | b"}":
                deep -= 1
            case _:  # a string
                pass
    return deepest


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key is there twice")
    return found


def _whole(digits: str) -> int:
    number = int(digits) if len(digits) <= 17 else MOST + 1
    if abs(number) > MOST:
        raise ValueError("a number is too large")
    return number


def _refused(_: str) -> NoReturn:
    raise ValueError("not a whole number")
