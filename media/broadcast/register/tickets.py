"""A ticket: the bridge's word, at its own page, that this browser is this account's; good once, for a minute. Pure.

Parents without e-mail and pupils with a QR card have a session at the bridge and nowhere else; its cookie stays there.
`bridge/handing_over.py` writes the same form (docs/contracts.md §8). Sealed with the service token, which both have.
"""

from __future__ import annotations

import binascii
import hashlib
import hmac
import struct
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections import OrderedDict
from collections.abc import Sequence

from attrs import define, field

#: Seconds from the bridge's page to ours; that the clocks of two machines may differ.
LIVES_S, LEEWAY_S = 60, 30
#: Issued at, chance, octets of `to`.
_HEAD = struct.Struct(">I16sB")
_SEAL = 32
_PURPOSE = b"sferum ticket 1\n"
#: Characters at most: a Matrix id and a broadcast's name.
MOST_CHARS = 600
#: Tickets that are remembered as used.
MOST_USED = 100_000
#: What a ticket for the hosts' page is to.
DESK = "desk"


def write(account: str, to: str, issued_at: int, chance: bytes, token: str) -> str:
    """As the bridge does it."""
    name = to.encode()
    body = _HEAD.pack(issued_at, chance, len(name)) + name + account.encode()
    return urlsafe_b64encode(body + _seal(body, token)).rstrip(b"=").decode()


def _seal(body: bytes, token: str) -> bytes:
    return hmac.new(token.encode(), _PURPOSE + body, hashlib.sha256).digest()


@define
class Tickets:
    """Which were used: each opens one door once.

    Attributes:
        most: remembered at one time; where more come within a minute, no more are taken, which is safe.
    """

    most: int = MOST_USED
    _used: OrderedDict[bytes, int] = field(factory=OrderedDict, init=False, repr=False)

    def account(self, ticket: str, to: str, tokens: Sequence[str], now: float) -> str | None:
        """Whose it is; None: it opens nothing, or not this, or nothing any more."""
        found = _read(ticket, tokens)
        if found is None:
            return None
        issued_at, chance, for_what, account = found
        if for_what != to or not issued_at - LEEWAY_S <= now < issued_at + LIVES_S + LEEWAY_S:
            return None
        while self._used and next(iter(self._used.values())) < now - LIVES_S - 2 * LEEWAY_S:
            self._used.popitem(last=False)
        if chance in self._used or len(self._used) >= self.most:
            return None
        self._used[chance] = int(now)
        return account


def _read(ticket: str, tokens: Sequence[str]) -> tuple[int, bytes, str, str] | None:
    if not ticket or len(ticket) > MOST_CHARS or not ticket.isascii():
        return None
    try:
        sealed = urlsafe_b64decode(ticket + "=" * (-len(ticket) % 4))
    except (binascii.Error, ValueError):
        return None
    # One spelling for each, as of passes.
    one = urlsafe_b64encode(sealed).rstrip(b"=") == ticket.encode()
    if not one or len(sealed) < _HEAD.size + _SEAL:
        return None
    body, seal = sealed[:-_SEAL], sealed[-_SEAL:]
    fits = [hmac.compare_digest(_seal(body, token), seal) for token in tokens]
    if not any(fits):
        return None
    issued_at, chance, length = _HEAD.unpack_from(body)
    names = body[_HEAD.size :]
    try:
        return issued_at, chance, names[:length].decode(), names[length:].decode()
    except UnicodeDecodeError:
        return None
