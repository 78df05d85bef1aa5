"""Proofs of who somebody is: a Matrix OpenID token (as calls take it), or a ticket of the bridge's page."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence

from attrs import define, field

from media.access.openid import OpenId
from media.access.requests import MOST_ID, MOST_TOKEN, OpenIdToken
from media.broadcast.register.api import No
from media.broadcast.register.tickets import Tickets
from serving.json_http import NoAnswer


@define(eq=False)
class Doors:
    """Attributes:
    server_name: our own: broadcasts are for people of this server's schools.
    tokens: service tokens, as their file says now.
    wall: seconds since 1970.
    counted: `openid`, `ticket`, or a word of `No` after the door's name.
    """

    _openid: OpenId
    _server_name: str
    _tokens: Callable[[], Sequence[str]] = field(repr=False)
    _wall: Callable[[], float]
    counted: Counter[str] = field(factory=Counter, init=False)
    _tickets: Tickets = field(factory=Tickets, init=False)

    async def by_openid(self, openid: Mapping[str, object]) -> str | No:
        """`{"access_token", "matrix_server_name", …}`; SIGNED_OUT or UNAVAILABLE."""
        found = await self._by_openid(openid)
        self.counted[f"openid_{found.value}" if isinstance(found, No) else "openid"] += 1
        return found

    async def _by_openid(self, openid: Mapping[str, object]) -> str | No:
        token, server = openid.get("access_token"), openid.get("matrix_server_name")
        if not _is_text(token, MOST_TOKEN) or not _is_text(server, MOST_ID):
            return No.SIGNED_OUT
        if server != self._server_name:
            return No.SIGNED_OUT
        try:
            found = await self._openid.user_id(OpenIdToken(str(token), str(server)))
        except NoAnswer:
            return No.UNAVAILABLE
        return No.SIGNED_OUT if found is None else found

    def by_ticket(self, ticket: str, to: str) -> str | No:
        """`to`: a broadcast's id or `tickets.DESK`. SIGNED_OUT: whoever asks gets another one at the bridge."""
        found = self._tickets.account(ticket, to, self._tokens(), self._wall())
        self.counted["ticket_signed_out" if found is None else "ticket"] += 1
        return No.SIGNED_OUT if found is None else found


def _is_text(value: object, most: int) -> bool:
    """Half a surrogate pair is JSON, and no text."""
    return (
        isinstance(value, str)
        and 0 < len(value) <= most
        and not any("\ud800" <= sign <= "\udfff" for sign in value)
    )
