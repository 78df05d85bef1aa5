"""What a district's register says (docs/contracts.md §11), as values. Pure.

A register names the schools of a district, which roles of two schools may meet, and which rooms they share. Whether it
is believed is `signed.py`'s and `force.py`'s.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from attrs import field, frozen

from synapse_sferum.district.canonical import signed_bytes
from synapse_sferum.district.refusals import BadRegister, RegisterRefusal
from synapse_sferum.model import STAFF, Role

FORMAT = "sferum.register.v1"
#: Bounds, ours: a region has hundreds of schools; a server changes its keys once in years.
MOST_SCHOOLS, MOST_KEYS, MOST_PAIRS, MOST_ROOMS, MOST_OPERATOR_KEYS = 2_000, 8, 64, 200, 32
LONGEST_NAME, LONGEST_SUBJECT = 200, 60
#: Seconds a register may be good for. A year and a day: it is signed anew at least each September.
LONGEST_LIFE_S = 367 * 86_400

#: Words for one side of a pair: the roles, and `staff` for any of director, deputy, administrator, teacher.
STAFF_WORD = "staff"
STAFF_WORDS = frozenset({STAFF_WORD} | {role.value for role in STAFF})
WORDS = STAFF_WORDS | {role.value for role in Role}

_SERVER_NAME = re.compile(r"(?=.{1,230}\Z)[a-z0-9]([a-z0-9.-]*[a-z0-9])?(:[0-9]{1,5})?")
_DISTRICT = re.compile(r"[a-z0-9][a-z0-9.-]{0,62}")
_KEY_ID = re.compile(r"ed25519:[A-Za-z0-9_]{1,64}")
_ROOM_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")


@frozen(kw_only=True)
class School:
    """One server of the district.

    Attributes:
        keys: Matrix signing keys, key id → 32 octets; no other key speaks for this server.
        isolated: cut off for now: nobody meets its people, and they meet nobody.
    """

    server_name: str
    name: str
    contact: str = field(repr=False)
    keys: Mapping[str, bytes]
    isolated: bool = False


@frozen(kw_only=True)
class SharedRoom:
    """A room of several schools (ADR 30).

    Attributes:
        host: the listed server that makes it; "": it is not to be made (yet).
        members: words of staff; each school puts in those of its own.
        writers: words; those of `members` or more: everybody writes. Else only the host's people of these words do.
        subject: only teachers of it, as `subject_word` spells it; "": all.
    """

    ref: str
    host: str
    name: str
    members: frozenset[str]
    writers: frozenset[str]
    subject: str = ""


@frozen(kw_only=True)
class Register:
    """One register, as it was signed.

    Attributes:
        serial: grows by one or more with every register.
        issued_s, expires_s: seconds since 1970.
        pairs: words of roles that may meet, each pair once, in the order of the alphabet.
        operator_keys: the operator's keys, oldest first; the last one signs.
        digest: SHA-256 of the signed bytes.
    """

    district: str
    name: str
    serial: int
    issued_s: int
    expires_s: int
    schools: Mapping[str, School]
    pairs: frozenset[tuple[str, str]]
    rooms: tuple[SharedRoom, ...]
    operator_keys: tuple[bytes, ...]
    digest: str

    def is_in_time(self, now_s: int) -> bool:
        """Whether it is not expired at `now_s` (seconds since 1970)."""
        return now_s < self.expires_s


def read_register(document: Mapping[str, Any]) -> Register:
    """The register of a parsed document. Fields nobody knows are left to later versions: they are signed too.

    Raises:
        BadRegister: FORMAT or MALFORMED, with the field.
    """
    if document.get("format") != FORMAT:
        raise BadRegister(RegisterRefusal.FORMAT, "format")
    if "unsigned" in document:
        raise _wrong("unsigned")  # tools of Matrix leave it out of what they sign
    issued, expires = _number(document, "issued"), _number(document, "expires")
    if not issued < expires <= issued + LONGEST_LIFE_S:
        raise _wrong("expires")
    schools = list(_schools(document))
    by_name = {school.server_name: school for school in schools}
    if len(by_name) != len(schools):
        raise _wrong("schools")  # a server is there twice
    return Register(
        district=_matching(document, "district", _DISTRICT),
        name=_text(document, "name"),
        serial=_number(document, "serial"),
        issued_s=issued,
        expires_s=expires,
        schools=by_name,
        pairs=frozenset(_pairs(document)),
        rooms=tuple(_rooms(document)),
        operator_keys=operator_keys(document),
        digest=hashlib.sha256(signed_bytes(document)).hexdigest(),
    )


def operator_keys(document: Mapping[str, Any]) -> tuple[bytes, ...]:
    """The operator's keys that a document names, oldest first; whether they are a chain, `signed.py` says.

    Raises:
        BadRegister: MALFORMED.
    """
    links = objects(document, "operator_keys", MOST_OPERATOR_KEYS)
    return tuple(
        octets(link.get("key"), 32, f"operator_keys[{number}].key")
        for number, link in enumerate(links)
    )


def _schools(document: Mapping[str, Any]) -> Iterator[School]:
    for number, entry in enumerate(objects(document, "schools", MOST_SCHOOLS)):
        where = f"schools[{number}]."
        keys = entry.get("keys")
        if not isinstance(keys, Mapping) or not 1 <= len(keys) <= MOST_KEYS:
            raise _wrong(f"{where}keys")
        if not all(_KEY_ID.fullmatch(key_id) for key_id in keys):
            raise _wrong(f"{where}keys")
        isolated = entry.get("isolated", False)
        if not isinstance(isolated, bool):
            raise _wrong(f"{where}isolated")
        yield School(
            server_name=_matching(entry, "server_name", _SERVER_NAME, where),
            name=_text(entry, "name", where),
            contact=_text(entry, "contact", where),
            keys={key_id: octets(key, 32, f"{where}keys") for key_id, key in keys.items()},
            isolated=isolated,
        )


def _pairs(document: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Two words each. One of the two is always staff: pupils and parents of two schools meet nowhere (rules §2.6)."""
    for number, pair in enumerate(_list(document, "pairs", MOST_PAIRS)):
        where = f"pairs[{number}]"
        if not isinstance(pair, list) or len(pair) != 2:
            raise _wrong(where)
        first, second = (_word(word, where) for word in pair)
        if not STAFF_WORDS & {first, second}:
            raise _wrong(where)
        yield (first, second) if first <= second else (second, first)


def _rooms(document: Mapping[str, Any]) -> Iterator[SharedRoom]:
    seen: set[str] = set()
    for number, entry in enumerate(objects(document, "rooms", MOST_ROOMS)):
        where = f"rooms[{number}]."
        ref = _matching(entry, "ref", _ROOM_NAME, where)
        if ref in seen:
            raise _wrong(f"{where}ref")
        seen.add(ref)
        host, subject = entry.get("host", ""), entry.get("subject", "")
        if host != "" and not (isinstance(host, str) and _SERVER_NAME.fullmatch(host)):
            raise _wrong(f"{where}host")
        if not isinstance(subject, str) or subject != subject_word(subject):
            raise _wrong(f"{where}subject")
        yield SharedRoom(
            ref=ref,
            host=host,
            name=_text(entry, "name", where),
            members=_staff_words(entry, "members", where),
            writers=_staff_words(entry, "writers", where),
            subject=subject,
        )


def subject_word(text: str) -> str:
    """A subject in its one spelling: small letters, single spaces, at most 60 characters; "" for what is none."""
    found = " ".join(text.casefold().split())
    return found if len(found) <= LONGEST_SUBJECT and found.isprintable() else ""


def _staff_words(entry: Mapping[str, Any], name: str, where: str) -> frozenset[str]:
    """Rooms of several schools hold staff only: design §2 keeps pupils' rooms on their own server."""
    words = frozenset(_word(word, where + name) for word in _list(entry, name, len(WORDS), where))
    if not words <= STAFF_WORDS:
        raise _wrong(where + name)
    return words


def _word(value: object, where: str) -> str:
    if not isinstance(value, str) or value not in WORDS:
        raise _wrong(where)
    return value


def objects(document: Mapping[str, Any], name: str, most: int) -> Sequence[Mapping[str, Any]]:
    """A list of at most `most` objects.

    Raises:
        BadRegister: MALFORMED.
    """
    found = _list(document, name, most)
    for number, entry in enumerate(found):
        if not isinstance(entry, Mapping):
            raise _wrong(f"{name}[{number}]")
    return found


def octets(value: object, length: int, where: str) -> bytes:
    """So many octets of base64 without padding, in its one spelling.

    Raises:
        BadRegister: MALFORMED.
    """
    if isinstance(value, str) and value.isascii() and "=" not in value:
        try:
            found = base64.b64decode(value + "=" * (-len(value) % 4), validate=True)
        except binascii.Error:
            raise _wrong(where) from None
        if len(found) == length and base64.b64encode(found).decode().rstrip("=") == value:
            return found
    raise _wrong(where)


def _list(document: Mapping[str, Any], name: str, most: int, where: str = "") -> list[Any]:
    found = document.get(name)
    if not isinstance(found, list) or len(found) > most:
        raise _wrong(where + name)
    return found


def _number(document: Mapping[str, Any], name: str) -> int:
    found = document.get(name)
    if isinstance(found, bool) or not isinstance(found, int) or found < 1:
        raise _wrong(name)
    return found


def _text(document: Mapping[str, Any], name: str, where: str = "") -> str:
    found = document.get(name)
    if not isinstance(found, str) or not found.strip() or len(found) > LONGEST_NAME:
        raise _wrong(where + name)
    if not found.isprintable():
        raise _wrong(where + name)
    return found


def _matching(
    document: Mapping[str, Any], name: str, form: re.Pattern[str], where: str = ""
) -> str:
    found = document.get(name)
    if not isinstance(found, str) or not form.fullmatch(found):
        raise _wrong(where + name)
    return found


def _wrong(where: str) -> BadRegister:
    return BadRegister(RegisterRefusal.MALFORMED, where)
