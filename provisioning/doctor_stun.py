"""STUN and TURN messages (RFC 8489, RFC 8656), as far as `sferum doctor` speaks them. Bytes in, values out; pure."""

from __future__ import annotations

import base64
import hashlib
import hmac
import struct
import zlib
from collections.abc import Iterable, Mapping

BINDING, ALLOCATE, REFRESH = 0x0001, 0x0003, 0x0004
#: Bits of a message's type: an answer that says yes, one that says no.
YES, NO = 0x0100, 0x0110
COOKIE = 0x2112A442
USERNAME, INTEGRITY, REALM, NONCE = 0x0006, 0x0008, 0x0014, 0x0015
LIFETIME, TRANSPORT, PRIORITY = 0x000D, 0x0019, 0x0024
CONTROLLING, FINGERPRINT = 0x802A, 0x8028
#: RFC 8656 7.1: UDP, in the first of four bytes.
UDP = b"\x11\0\0\0"
HEADER = struct.Struct("!HHI12s")


def message(
    kind: int, transaction: bytes, attributes: Iterable[tuple[int, bytes]], key: bytes = b""
) -> bytes:
    """`key`: of the message integrity; b"" without one."""
    body = b"".join(_attribute(*one) for one in attributes)
    if key:
        head = HEADER.pack(kind, len(body) + 24, COOKIE, transaction)
        body += _attribute(INTEGRITY, hmac.digest(key, head + body, "sha1"))
    head = HEADER.pack(kind, len(body) + 8, COOKIE, transaction)
    check = zlib.crc32(head + body) ^ 0x5354554E
    return head + body + _attribute(FINGERPRINT, check.to_bytes(4, "big"))


def read(datagram: bytes) -> tuple[int, bytes, Mapping[int, bytes]] | None:
    """Type, transaction, attributes; None: no STUN message."""
    if len(datagram) < HEADER.size:
        return None
    kind, length, cookie, transaction = HEADER.unpack_from(datagram)
    if cookie != COOKIE or len(datagram) < HEADER.size + length:
        return None
    found: dict[int, bytes] = {}
    at, end = HEADER.size, HEADER.size + length
    while at + 4 <= end:
        name, size = struct.unpack_from("!HH", datagram, at)
        found[name] = datagram[at + 4 : at + 4 + size]
        at += 4 + size + -size % 4
    return kind, transaction, found


def ice_check(ufrag: str, pwd: str, transaction: bytes) -> bytes:
    """What a browser sends first to a media port it wants to use (RFC 8445 7.1)."""
    attributes = [
        (USERNAME, f"{ufrag}:sferumdoctor".encode()),
        (PRIORITY, (0x6E0001FF).to_bytes(4, "big")),
        (CONTROLLING, transaction[:8]),
    ]
    return message(BINDING, transaction, attributes, pwd.encode())


def relay_name(secret: str, now: float) -> tuple[str, str]:
    """User and password for coturn's `use-auth-secret`, good for ten minutes. `now`: seconds since 1970."""
    name = f"{int(now) + 600}:sferum-doctor"
    digest = hmac.digest(secret.encode(), name.encode(), "sha1")
    return name, base64.b64encode(digest).decode()


def allocation(
    transaction: bytes, name: str, password: str, realm: bytes, nonce: bytes, *, ends: bool = False
) -> bytes:
    """Asks for a relay, or `ends` it; with the credentials of RFC 8489 9.2.2."""
    key = hashlib.md5(b":".join((name.encode(), realm, password.encode()))).digest()  # noqa: S324 - the RFC's
    own = (LIFETIME, bytes(4)) if ends else (TRANSPORT, UDP)
    attributes = [own, (USERNAME, name.encode()), (REALM, realm), (NONCE, nonce)]
    return message(REFRESH if ends else ALLOCATE, transaction, attributes, key)


def _attribute(name: int, value: bytes) -> bytes:
    return struct.pack("!HH", name, len(value)) + value + bytes(-len(value) % 4)
