"""How a school stands: the operator's question, and what of an answer is believed (docs/contracts.md §12). Pure.

The question is signed with the operator's key; the answer with the key of the school that the register pins, so neither
a stolen name nor a proxy on the way can speak for a school.
"""

from __future__ import annotations

import enum
import json
import re
from collections.abc import Mapping
from typing import Any

from attrs import Factory, frozen
from nacl.signing import SigningKey

from provisioning.district.draft import Draft, School, chain, is_octets
from provisioning.district.signing import canonical, is_good, signed, signed_bytes

QUESTION, STATUS = "sferum.district_question.v1", "sferum.district_status.v1"
PATH = "/_synapse/client/sferum/district/status"
#: Bytes of an answer; ours take some 1,200.
LARGEST_ANSWER = 16_384
#: The largest number of anything, and the latest time (seconds since 1970; in the year 3058) that is believed.
MOST, LATEST_S = 10**9, 2**35
STANDINGS = frozenset({"none", "expired", "not_listed", "isolated", "open"})

_WORD = re.compile(r"[a-z_]{0,40}")
_VERSION = re.compile(r"[0-9A-Za-z][0-9A-Za-z.+_-]{0,39}")
_KEY_ID = re.compile(r"ed25519:[A-Za-z0-9_]{1,64}")


class Fault(enum.Enum):
    """Why nothing is known of a school. The value is stable: sentences, `--json` and tests have it."""

    UNREACHABLE = "unreachable"  # no connection: name, address, port
    CERTIFICATE = "certificate"
    SLOW = "slow"  # not whole in time
    NOT_THERE = "not_there"  # 404: an older module, or it is not of this district, or it believes another key
    CLOCK = "clock"  # it believes us, and its clock differs by more than ten minutes
    HTTP = "http"  # another status
    TOO_LARGE = "too_large"
    MALFORMED = "malformed"
    OTHER_SCHOOL = "other_school"  # another server's answer
    REPLAYED = "replayed"  # an answer to another question
    OTHER_KEY = "other_key"  # well signed, with a key that the register does not name
    SIGNATURE = "signature"


class NoStatus(Exception):
    """There is no answer that is believed.

    Attributes:
        fault: why.
        detail: a word or a number to it, never more than 80 characters; "" for none.
    """

    def __init__(self, fault: Fault, detail: str = "") -> None:
        super().__init__(f"{fault.value} {detail}".strip())
        self.fault, self.detail = fault, detail[:80]


@frozen(kw_only=True)
class Status:
    """What a school says of itself, checked. Times in seconds since 1970.

    Attributes:
        key_ids: ids of the keys that it signs with now.
        standing, refusal: words of docs/contracts.md §12; "" when nothing was refused.
        agreed_s: when it last heard from the district what it believes; 0: never.
        dead, waiting: tasks given up, and not yet done; `oldest_s` and `lag_s` their waiting, seconds.
        held: schools of this server whose change waits for a person.
        active, listed: people with and without an account; None: fewer than five.
        common_ready, common_waiting: rooms of several schools.
    """

    time_s: int
    sferum: str
    synapse: str
    key_ids: tuple[str, ...]
    standing: str
    serial: int
    expires_s: int
    refusal: str
    agreed_s: int
    schema_found: int
    schema_wanted: int
    dead: int
    waiting: int
    oldest_s: int
    lag_s: int
    held: int
    schools: int
    active: int | None
    listed: int | None
    rooms: int
    common_ready: int
    common_waiting: int


@frozen(kw_only=True)
class Asked:
    """What came of asking one school: a status, or a fault with a word to it.

    Attributes:
        key_ids: with OTHER_KEY, the ids of the keys it signed with.
    """

    status: Status | None = None
    fault: Fault | None = None
    detail: str = ""
    key_ids: tuple[str, ...] = Factory(tuple)


def address_of(school: School) -> str:
    """Where a school is asked; no redirect leads away from it."""
    return (school.address or f"https://{school.server_name}") + PATH


def question(
    draft: Draft, key: SigningKey, server_name: str, *, nonce: str, now_s: int
) -> dict[str, Any]:
    """The question to one school, good for ten minutes and for nobody else.

    Args:
        key: the last of the draft's chain.
        nonce: 16 to 64 of `A-Za-z0-9_-`, never the same twice.
    """
    return signed(
        {
            "format": QUESTION,
            "district": draft.district,
            "server_name": server_name,
            "nonce": nonce,
            "asked": now_s,
            "operator_keys": chain(draft),
        },
        key,
    )


def read_answer(data: bytes, school: School, nonce: str) -> Status:
    """The status in `data`, if `school` signed it for this very question.

    Raises:
        NoStatus.
    """
    document = _parse(data)
    if document.get("format") != STATUS or "unsigned" in document:
        raise NoStatus(Fault.MALFORMED, "format")
    if document.get("server_name") != school.server_name:
        raise NoStatus(Fault.OTHER_SCHOOL)
    shown = _keys(document)
    if not _is_signed(document, school.server_name, school.keys):
        if _is_signed(document, school.server_name, shown):
            raise NoStatus(Fault.OTHER_KEY, ", ".join(sorted(shown)))
        raise NoStatus(Fault.SIGNATURE)
    if document.get("nonce") != nonce:
        raise NoStatus(Fault.REPLAYED)
    return _status(document, tuple(sorted(shown)))


def _parse(data: bytes) -> dict[str, Any]:
    if len(data) > LARGEST_ANSWER:
        raise NoStatus(Fault.TOO_LARGE)
    try:
        found = json.loads(data)
        if isinstance(found, dict):
            canonical(found)  # what cannot be written cannot be signed: half a surrogate, NaN
            return found
    except (ValueError, RecursionError):
        pass
    raise NoStatus(Fault.MALFORMED, "json")


def _keys(document: Mapping[str, Any]) -> dict[str, str]:
    found = document.get("keys")
    if not isinstance(found, dict) or not 1 <= len(found) <= 8:
        raise NoStatus(Fault.MALFORMED, "keys")
    for key_id, key in found.items():
        if not _KEY_ID.fullmatch(key_id) or not isinstance(key, str) or not is_octets(key, 32):
            raise NoStatus(Fault.MALFORMED, "keys")
    return found


def _is_signed(document: Mapping[str, Any], server_name: str, keys: Mapping[str, str]) -> bool:
    """Whether one of the keys has signed it for the server."""
    signatures = document.get("signatures")
    theirs = signatures.get(server_name) if isinstance(signatures, Mapping) else None
    if not isinstance(theirs, Mapping):
        return False
    message = signed_bytes(document)
    return any(is_good(key, message, theirs.get(key_id)) for key_id, key in keys.items())


def _status(document: Mapping[str, Any], key_ids: tuple[str, ...]) -> Status:
    versions, register, health, counts = (
        _part(document, name) for name in ("versions", "register", "health", "counts")
    )
    standing = _text(register, "standing", _WORD)
    if standing not in STANDINGS:
        raise NoStatus(Fault.MALFORMED, "standing")
    return Status(
        time_s=_number(document, "time", LATEST_S),
        sferum=_text(versions, "sferum", _VERSION),
        synapse=_text(versions, "synapse", _VERSION),
        key_ids=key_ids,
        standing=standing,
        serial=_number(register, "serial"),
        expires_s=_number(register, "expires", LATEST_S),
        refusal=_text(register, "refusal", _WORD),
        agreed_s=_number(register, "agreed", LATEST_S),
        **{
            name: _number(health, name)
            for name in (
                "schema_found",
                "schema_wanted",
                "dead",
                "waiting",
                "oldest_s",
                "lag_s",
                "held",
            )
        },
        schools=_number(counts, "schools"),
        active=_few(counts, "active"),
        listed=_few(counts, "listed"),
        rooms=_number(counts, "rooms"),
        common_ready=_number(counts, "common_ready"),
        common_waiting=_number(counts, "common_waiting"),
    )


def _part(document: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    found = document.get(name)
    if not isinstance(found, Mapping):
        raise NoStatus(Fault.MALFORMED, name)
    return found


def _number(part: Mapping[str, Any], name: str, most: int = MOST) -> int:
    found = part.get(name)
    if isinstance(found, bool) or not isinstance(found, int) or not 0 <= found <= most:
        raise NoStatus(Fault.MALFORMED, name)
    return found


def _few(part: Mapping[str, Any], name: str) -> int | None:
    return None if name in part and part[name] is None else _number(part, name)


def _text(part: Mapping[str, Any], name: str, form: re.Pattern[str]) -> str:
    found = part.get(name)
    if not isinstance(found, str) or not form.fullmatch(found):
        raise NoStatus(Fault.MALFORMED, name)
    return found
