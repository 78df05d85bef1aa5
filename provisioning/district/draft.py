"""The register before it is signed: values, and the changes an operator makes. Pure.

Bounds and forms are those of docs/contracts.md §11: what is refused here, every school would refuse.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterable, Mapping
from typing import Any

from attrs import evolve, field, frozen

from provisioning.district import refusals

FORMAT = "sferum.register.v1"
MOST_SCHOOLS, MOST_KEYS, MOST_PAIRS, MOST_OPERATOR_KEYS, LONGEST_TEXT = 2_000, 8, 64, 32, 200
#: Days a register may be good for, and usually is: whoever keeps a removal from a school keeps it for so long.
MOST_DAYS, USUAL_DAYS = 367, 30
DAY_S = 86_400
MOST_ROOMS, LONGEST_SUBJECT = 200, 60

STAFF_WORDS = frozenset({"staff", "director", "deputy", "administrator", "teacher"})
WORDS = STAFF_WORDS | {"student", "guardian"}

_SERVER_NAME = re.compile(r"(?=.{1,230}\Z)[a-z0-9]([a-z0-9.-]*[a-z0-9])?(:[0-9]{1,5})?")
_DISTRICT = re.compile(r"[a-z0-9][a-z0-9.-]{0,62}")
_REF = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")
_ADDRESS = re.compile(
    r"(https://[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?|http://(127\.0\.0\.1|localhost))(:[0-9]{1,5})?"
)
_KEY = re.compile(r"(?P<id>ed25519:[A-Za-z0-9_]{1,64})=(?P<key>[A-Za-z0-9+/]{43})")


@frozen(kw_only=True)
class School:
    """One server.

    Attributes:
        keys: key id → base64 of its Matrix signing key.
        address: where its homeserver answers clients; "" when that is https:// and its name.
    """

    server_name: str
    name: str
    contact: str = field(repr=False)
    keys: Mapping[str, str]
    isolated: bool = False
    address: str = ""


@frozen
class OperatorKey:
    """One key of the operator's, and the signature of the one before it ("" of the first)."""

    key: str
    signature: str = ""


@frozen(kw_only=True)
class Draft:
    """What the next register will say. `serial` is that of the last one signed, 0 before the first."""

    district: str
    name: str
    serial: int = 0
    schools: Mapping[str, School] = field(factory=dict)
    pairs: tuple[tuple[str, str], ...] = (("staff", "staff"),)
    rooms: tuple[Mapping[str, Any], ...] = ()
    operator_keys: tuple[OperatorKey, ...] = ()


def new_draft(district: str, name: str, key: str) -> Draft:
    """A district without schools, whose staff may meet.

    Raises:
        BadDistrict, BadText.
    """
    if not _DISTRICT.fullmatch(district):
        raise refusals.BadDistrict(district)
    return Draft(district=district, name=_text(name), operator_keys=(OperatorKey(key),))


def with_school(
    draft: Draft, server_name: str, name: str, contact: str, keys: Iterable[str], address: str = ""
) -> Draft:
    """With a school, or with its entry replaced; one that was cut off stays so. `keys` as `ed25519:a_1=base64`.

    Raises:
        BadServerName, BadText, BadKey, BadAddress, TooMany.
    """
    if not _SERVER_NAME.fullmatch(server_name):
        raise refusals.BadServerName(server_name)
    if address and not _ADDRESS.fullmatch(address):
        raise refusals.BadAddress(address[:80])
    found = dict(_key(key) for key in keys)
    if not 1 <= len(found) <= MOST_KEYS:
        raise refusals.BadKey(server_name)
    before = draft.schools.get(server_name)
    school = School(
        server_name=server_name,
        name=_text(name),
        contact=_text(contact),
        keys=found,
        isolated=before is not None and before.isolated,
        address=address,
    )
    schools = {**draft.schools, server_name: school}
    if len(schools) > MOST_SCHOOLS:
        raise refusals.TooMany(f"{len(schools)} > {MOST_SCHOOLS}")
    return evolve(draft, schools=schools)


def without_school(draft: Draft, server_name: str) -> Draft:
    """Without a school: to the others it is a stranger from the next register on.

    Raises:
        NotInRegister.
    """
    if server_name not in draft.schools:
        raise refusals.NotInRegister(server_name)
    kept = {name: school for name, school in draft.schools.items() if name != server_name}
    return evolve(draft, schools=kept)


def with_isolation(draft: Draft, server_name: str, isolated: bool) -> Draft:
    """Cut off, or let in again; the entry and its keys stay.

    Raises:
        NotInRegister.
    """
    school = draft.schools.get(server_name)
    if school is None:
        raise refusals.NotInRegister(server_name)
    return evolve(draft, schools={**draft.schools, server_name: evolve(school, isolated=isolated)})


def with_pairs(draft: Draft, pairs: Iterable[str]) -> Draft:
    """With exactly these pairs, each `word:word`; none: nobody meets.

    Raises:
        BadPair, TooMany.
    """
    found = tuple(dict.fromkeys(_pair(pair) for pair in pairs))
    if len(found) > MOST_PAIRS:
        raise refusals.TooMany(f"{len(found)} > {MOST_PAIRS}")
    return evolve(draft, pairs=found)


def with_room(
    draft: Draft,
    ref: str,
    name: str,
    host: str,
    members: Iterable[str],
    writers: Iterable[str],
    subject: str = "",
) -> Draft:
    """With a room of several schools, or with its entry replaced.

    Args:
        host: the server of the register that makes it.
        members, writers: words of staff; where the writers are not at least the members, only people of the host write.
        subject: only teachers of it; "": all.

    Raises:
        BadRoom, BadText, NotInRegister, TooMany.
    """
    if host not in draft.schools:
        raise refusals.NotInRegister(host)
    found, write = sorted(set(members)), sorted(set(writers))
    if not _REF.fullmatch(ref) or not found or not {*found, *write} <= STAFF_WORDS:
        raise refusals.BadRoom(ref[:60])
    of = " ".join(subject.casefold().split())
    if len(of) > LONGEST_SUBJECT or not of.isprintable():
        raise refusals.BadRoom(ref)
    room = {
        "ref": ref,
        "host": host,
        "name": _text(name),
        "members": found,
        "writers": write,
        **({"subject": of} if of else {}),
    }
    rooms = (*(kept for kept in draft.rooms if kept["ref"] != ref), room)
    if len(rooms) > MOST_ROOMS:
        raise refusals.TooMany(f"{len(rooms)} > {MOST_ROOMS}")
    return evolve(draft, rooms=rooms)


def without_room(draft: Draft, ref: str) -> Draft:
    """Without a room: everybody leaves it, and nobody reads it any more.

    Raises:
        NoRoom.
    """
    kept = tuple(room for room in draft.rooms if room["ref"] != ref)
    if len(kept) == len(draft.rooms):
        raise refusals.NoRoom(ref[:60])
    return evolve(draft, rooms=kept)


def with_key(draft: Draft, key: OperatorKey) -> Draft:
    """With the operator's next key, already named by the one before it."""
    return evolve(draft, operator_keys=(*draft.operator_keys, key))


def issued(draft: Draft, now_s: int, days: int) -> tuple[Draft, dict[str, Any]]:
    """The draft with its next serial, and the register to be signed.

    Args:
        now_s: seconds since 1970.
        days: how long it is good for, 1 to `MOST_DAYS`.
    """
    later = evolve(draft, serial=draft.serial + 1)
    document = {
        "format": FORMAT,
        "issued": now_s,
        "expires": now_s + days * DAY_S,
        **contents(later),
    }
    return later, document


def contents(draft: Draft) -> dict[str, Any]:
    """Everything of a register but its format, its times and its signatures."""
    return {
        "district": draft.district,
        "name": draft.name,
        "serial": draft.serial,
        "schools": [
            {
                "server_name": school.server_name,
                "name": school.name,
                "contact": school.contact,
                "keys": dict(school.keys),
                "isolated": school.isolated,
                **({"address": school.address} if school.address else {}),
            }
            for _, school in sorted(draft.schools.items())
        ],
        "pairs": [list(pair) for pair in draft.pairs],
        "rooms": [dict(room) for room in draft.rooms],
        "operator_keys": chain(draft),
    }


def chain(draft: Draft) -> list[dict[str, str]]:
    """The operator's keys as documents have them, each signed by the one before."""
    return [
        {"key": link.key, "signature": link.signature} if link.signature else {"key": link.key}
        for link in draft.operator_keys
    ]


def read_draft(document: Mapping[str, Any]) -> Draft:
    """The draft of what `contents` made.

    Raises:
        KeyError, TypeError, ValueError, AttributeError: it is something else.
    """
    schools = [School(**entry) for entry in document["schools"]]
    return Draft(
        district=str(document["district"]),
        name=str(document["name"]),
        serial=int(document["serial"]),
        schools={school.server_name: school for school in schools},
        pairs=tuple((str(first), str(second)) for first, second in document["pairs"]),
        rooms=tuple(dict(room) for room in document["rooms"]),
        operator_keys=tuple(OperatorKey(**link) for link in document["operator_keys"]),
    )


def _text(value: str) -> str:
    if not value.strip() or len(value) > LONGEST_TEXT or not value.isprintable():
        raise refusals.BadText(repr(value[:30]))
    return value


def _key(value: str) -> tuple[str, str]:
    found = _KEY.fullmatch(value)
    if found is None or not is_octets(found["key"], 32):
        raise refusals.BadKey(value[:80])
    return found["id"], found["key"]


def _pair(value: str) -> tuple[str, str]:
    first, _, second = value.partition(":")
    if not {first, second} <= WORDS or not STAFF_WORDS & {first, second}:
        raise refusals.BadPair(value[:60])
    return (first, second) if first <= second else (second, first)


def is_octets(value: str, length: int) -> bool:
    """Whether this is so many octets in base64 without padding, in its one spelling."""
    try:
        found = base64.b64decode(value + "=" * (-len(value) % 4), validate=True)
    except (binascii.Error, ValueError):
        return False
    return len(found) == length and base64.b64encode(found).decode().rstrip("=") == value
