"""A ticket for the calls server: this browser is this account's, says the page it is signed in at. Pure.

Good once, for a minute, for one broadcast or for the list of them; sealed with the service token, which both programs
have (docs/contracts.md §8). `media/broadcast/register/tickets.py` reads the same form; a test compares them.
"""

from __future__ import annotations

import hashlib
import hmac
import struct
from base64 import urlsafe_b64encode

#: Issued at (seconds since 1970), chance, octets of `to`.
_HEAD = struct.Struct(">I16sB")
CHANCE_BYTES = 16
_PURPOSE = b"sferum ticket 1\n"
#: What a ticket for the list of broadcasts is to.
DESK = "desk"


def ticket(account: str, to: str, issued_at: int, chance: bytes, token: str) -> str:
    """`to`: a broadcast's name, or DESK."""
    name = to.encode()
    body = _HEAD.pack(issued_at, chance, len(name)) + name + account.encode()
    seal = hmac.new(token.encode(), _PURPOSE + body, hashlib.sha256).digest()
    return urlsafe_b64encode(body + seal).rstrip(b"=").decode()
