"""Who a browser is: passes for broadcasts, and the cookie of hosts' pages, which is a pass for no broadcast. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from attrs import define, field

from media.broadcast.passes import Kind, NoPass, Pass, Revoked, check, issue

#: The cookie's own name of a broadcast; real ones have 22 characters.
DESK = "desk"


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

    def may_publish(self, broadcast: str, token: str, now: float) -> bool:
        """Beside the key that OBS has."""
        found = self.look(broadcast, token, now)
        return isinstance(found, Pass) and found.kind is Kind.HOST
