"""Homeservers as servers that are asked while a client waits: for how long, for how much."""

from __future__ import annotations

import aiohttp

from serving.json_http import JsonHttp

#: Seconds for a whole request. Clients wait for us meanwhile: Element Call gives up after 10.
TIMEOUT_S = 8.0
#: Bytes of an answer; real ones have a few hundred.
MOST_BYTES = 65_536


def server_at(session: aiohttp.ClientSession, base_url: str) -> JsonHttp:
    """Raises:
    InsecureUrl: plain http to another machine.
    """
    return JsonHttp(session=session, base_url=base_url, timeout_s=TIMEOUT_S, most_bytes=MOST_BYTES)
