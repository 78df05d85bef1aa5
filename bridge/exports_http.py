"""Exports of the module over HTTP (docs/contracts.md §2), with the service token."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from typing import Any

import aiohttp
from attrs import frozen

from bridge.directory_calls import DirectoryCalls, org_path
from bridge.roles import Account, PersonId

#: Octets of one piece of a room: the module cuts at two million, plus the last message and what JSON adds.
MOST_PIECE_BYTES = 12_000_000


@frozen
class HttpExports:
    """Implements `ports_exports.Exports`."""

    _calls: DirectoryCalls

    @classmethod
    def connect(
        cls, session: aiohttp.ClientSession, base_url: str, service_token: str
    ) -> HttpExports:
        """Nothing is sent yet.

        Raises:
            InsecureUrl: plain http to another machine.
        """
        return cls(DirectoryCalls.connect(session, base_url, service_token))

    async def person(self, by: Account, person_id: PersonId, reason: str) -> Mapping[str, Any]:
        path = org_path(by.org_id, "people", person_id, "export")
        answer = await self._calls.large(
            "POST", path, {"reason": reason}, by.user_id, MOST_PIECE_BYTES
        )
        return answer.json.raw

    async def room(
        self, by: Account, room_id: str, reason: str
    ) -> AsyncIterator[Mapping[str, Any]]:
        path, after = org_path(by.org_id, "rooms", "export"), 0
        while True:
            body = {"room_id": room_id, "from": after, "reason": reason}
            answer = await self._calls.large("POST", path, body, by.user_id, MOST_PIECE_BYTES)
            for one in answer.json.objects("messages"):
                yield one.raw
            following = answer.json.number_or_none("next")
            if following is None or following <= after:
                return
            after = following
