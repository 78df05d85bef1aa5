"""Who a browser is: passes for broadcasts, and the cookie of hosts' pages, which is a pass for no broadcast. Pure."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Sequence

from attrs import define, field

from media.broadcast.passes import Kind, NoPass, Pass, Revoked, check, issue

#: The cookie's own name of a broadcast; real ones have 22 characters.
DESK = "desk"
#: Digits of the code of whoever types captions. It is said aloud or sent in a chat, and opens nothing without an
#: account that may watch; tries are paced (`pages.captioning`).
CODE_DIGITS = 10
#: What else the key may seal cannot be taken for a code.
_CAPTIONS = b"sferum captions 1\n"


@define
class Signing:
    """Attributes:

    keys: the first one seals, all of them are believed.
    revoked: passes that hold no longer.
    """

    keys: Sequence[bytes] = field(repr=False)
    revoked: Revoked = field(factory=Revoked)

    def viewer(self, broadcast: str, account: str, now: float) -> str:
        return issue(broadcast, account, Kind.VIEWER, self.keys, now)

    def publisher(self, broadcast: str, account: str, now: float) -> str:
        """For the page of the camera: whoever has it publishes."""
        return issue(broadcast, account, Kind.HOST, self.keys, now)

    def cookie(self, account: str, now: float) -> str:
        return issue(DESK, account, Kind.HOST, self.keys, now)

    def account(self, cookie: str, now: float) -> str | None:
        found = check(cookie, DESK, self.keys, now, self.revoked)
        return found.account if isinstance(found, Pass) else None

    def look(self, broadcast: str, token: str, now: float) -> Pass | NoPass:
        return check(token, broadcast, self.keys, now, self.revoked)

    def captions_code(self, broadcast: str, turn: int) -> str:
        """Of whoever types captions. `turn`: a new code each, which makes the ones before void."""
        return _code(broadcast, turn, self.keys[0])

    def may_type(self, broadcast: str, turn: int, code: str) -> bool:
        """`code`: its digits alone."""
        given = code.encode("utf-8", "replace")
        fits = [
            hmac.compare_digest(given, _code(broadcast, turn, key).encode()) for key in self.keys
        ]
        return any(fits)

    def may_publish(self, broadcast: str, token: str, now: float) -> bool:
        """Beside the key that OBS has."""
        found = self.look(broadcast, token, now)
        return isinstance(found, Pass) and found.kind is Kind.HOST


def _code(broadcast: str, turn: int, key: bytes) -> str:
    said = _CAPTIONS + f"{broadcast}\n{turn}".encode()
    number = int.from_bytes(hmac.digest(key, said, hashlib.sha256)[:8], "big")
    return f"{number % 10**CODE_DIGITS:0{CODE_DIGITS}}"
