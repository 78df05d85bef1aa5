"""Who is asking: an OpenID token, shown to the homeserver that made it."""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Callable, Mapping

from attrs import define, field

from media.access.requests import OpenIdToken
from serving.json_http import JsonHttp

PATH = "/_matrix/federation/v1/openid/userinfo"
#: Seconds that a proved token is believed again: a client asks for two tokens of ours when it enters a call.
KEEP_S = 30.0
MOST_KEPT = 5_000


@define
class OpenId:
    """Asks under addresses of our configuration only; a server that is not in it is not asked.

    Attributes:
        servers: server name → its address. Our own, and those of the district's schools; nobody else's.
        clock: seconds that never go back.
    """

    _servers: Mapping[str, JsonHttp]
    _clock: Callable[[], float]
    _kept: OrderedDict[bytes, tuple[float, str]] = field(factory=OrderedDict, init=False)

    async def user_id(self, token: OpenIdToken) -> str | None:
        """Whose it is; None: nobody's whom we would believe.

        Raises:
            NoAnswer: their server does not answer.
        """
        server = self._servers.get(token.server_name)
        if server is None:
            return None
        key = hashlib.sha256(f"{token.server_name}\0{token.access_token}".encode()).digest()
        kept = self._kept.get(key)
        if kept is not None and self._clock() - kept[0] < KEEP_S:
            return kept[1]
        answer = await server.ask("GET", PATH, params={"access_token": token.access_token})
        found = answer.json.raw.get("sub")
        if answer.status != 200 or not isinstance(found, str):
            return None
        if not _is_of(found, token.server_name):
            return None
        self._kept[key] = (self._clock(), found)
        self._kept.move_to_end(key)
        if len(self._kept) > MOST_KEPT:
            self._kept.popitem(last=False)
        return found


def _is_of(user_id: str, server_name: str) -> bool:
    """A server speaks for its own people only."""
    localpart, _, domain = user_id.partition(":")
    return localpart.startswith("@") and len(localpart) > 1 and domain == server_name
