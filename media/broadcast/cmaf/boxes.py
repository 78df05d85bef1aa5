"""Boxes of ISO/IEC 14496-12 4.2: length, four letters, content."""

from __future__ import annotations

from struct import Struct

_HEADER = Struct("!I4s")
_U16, _U32, _U64 = Struct("!H"), Struct("!I"), Struct("!Q")


def box(kind: bytes, *content: bytes) -> bytes:
    body = b"".join(content)
    return _HEADER.pack(8 + len(body), kind) + body


def full_box(kind: bytes, version: int, flags: int, *content: bytes) -> bytes:
    """A box with version (8 bits) and flags (24 bits)."""
    return box(kind, _U32.pack(version << 24 | flags), *content)


def u16(*numbers: int) -> bytes:
    return b"".join(map(_U16.pack, numbers))


def u32(*numbers: int) -> bytes:
    return b"".join(map(_U32.pack, numbers))


def u64(*numbers: int) -> bytes:
    return b"".join(map(_U64.pack, numbers))
