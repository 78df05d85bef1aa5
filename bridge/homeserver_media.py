"""Files that people have posted in chats, as Synapse has them: their octets as they come, bounded in time and size."""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator
from typing import Final

import aiohttp
from attrs import frozen
from yarl import URL

from bridge.json_http import server_at
from bridge.ports_homeserver import HomeserverDown, HomeserverRefused
from serving.json_http import CHUNK_BYTES, JsonHttp, path_of

PATH: Final = "/_matrix/client/v1/media/download"
#: Seconds for a whole file, and between two pieces of it: it is on the same machine, or on the next one.
WHOLE_S, PIECE_S = 300.0, 30.0
_MXC = re.compile(r"mxc://([^/]{1,255})/([A-Za-z0-9_-]{1,255})")


class TooLarge(Exception):
    """The file has more octets than were asked for."""


@frozen
class HttpMedia:
    """Implements `ports_materials.Media`, with the token of the application service (docs/contracts.md §2)."""

    _http: JsonHttp

    @classmethod
    def connect(cls, session: aiohttp.ClientSession, base_url: str, as_token: str) -> HttpMedia:
        """Nothing is sent yet.

        Raises:
            InsecureUrl: plain http to another machine.
        """
        return cls(server_at(session, base_url, "media", as_token))

    async def pieces(self, mxc: str, most_bytes: int) -> AsyncGenerator[bytes, None]:
        found = _MXC.fullmatch(mxc)
        if found is None:
            raise HomeserverRefused(404, "M_NOT_FOUND")
        http, got = self._http, 0
        url = URL(http.base_url.rstrip("/") + PATH + path_of(found[1], found[2]), encoded=True)
        try:
            async with http.session.get(
                url,
                headers={"Authorization": f"Bearer {http.token}"},
                allow_redirects=False,
                timeout=aiohttp.ClientTimeout(total=WHOLE_S, sock_read=PIECE_S),
            ) as response:
                if response.status >= 500 or response.status == 429:
                    raise HomeserverDown
                if response.status != 200:
                    raise HomeserverRefused(response.status, "")
                async for piece in response.content.iter_chunked(4 * CHUNK_BYTES):
                    got += len(piece)
                    if got > most_bytes:
                        raise TooLarge
                    yield piece
        except (aiohttp.ClientError, OSError):  # TimeoutError is one of the latter
            http.count("unreachable")
            raise HomeserverDown from None
        http.count("answered")
