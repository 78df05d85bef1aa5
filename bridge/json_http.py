"""Synapse and the directory as servers that are asked: for how long, for how much, counted."""

from __future__ import annotations

from collections.abc import Callable

import aiohttp

from bridge.metrics import REQUESTS
from serving.json_http import JsonHttp

#: Seconds for a whole request; Synapse hashes a password in under one, eight at once on one core in a few.
TIMEOUT_S = 15.0
#: Bytes of an answer. The largest ordinary one is a page of a thousand people, half a megabyte.
MOST_BYTES = 4 * 1024 * 1024


def server_at(session: aiohttp.ClientSession, base_url: str, peer: str, token: str) -> JsonHttp:
    """`peer`: its name in the figures.

    Raises:
        InsecureUrl: plain http to another machine.
    """
    return JsonHttp(
        session=session,
        base_url=base_url,
        timeout_s=TIMEOUT_S,
        most_bytes=MOST_BYTES,
        token=token,
        count=_counter(peer),
    )


def _counter(peer: str) -> Callable[[str], object]:
    return lambda outcome: REQUESTS.labels(peer, outcome).inc()
