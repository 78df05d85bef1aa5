"""The key of a broadcast: whoever shows it publishes (RFC 6750). We keep its hash, compared in constant time. Pure."""

from __future__ import annotations

import hashlib
import hmac
import re

#: Characters; ours have 32, a viewer's pass a few hundred.
MAX_TOKEN = 1024
_TOKEN = re.compile(r"[A-Za-z0-9\-._~+/]{1,1024}=*")  # RFC 6750 2.1: b64token
#: Nobody's hash: what a broadcast that does not exist is compared with, so that it takes as long.
_NOBODY = bytes(32)


def bearer_of(authorization: str) -> str:
    """The token of an Authorization header; "" where there is none, or it cannot be one."""
    scheme, _, token = authorization.partition(" ")
    token = token.strip()
    known = scheme.lower() == "bearer" and len(token) <= MAX_TOKEN and _TOKEN.fullmatch(token)
    return token if known else ""


def digest(token: str) -> bytes:
    """What is kept of a key instead of itself: 32 bytes, enough for a random one of 128 bits and more."""
    return hashlib.sha256(token.encode()).digest()


def fits(token: str, kept: bytes | None) -> bool:
    """Whether `token` is the one whose `digest` is kept; None: no such broadcast, which takes the same time."""
    same = hmac.compare_digest(digest(token), kept if kept is not None else _NOBODY)
    return same and kept is not None and token != ""
