"""Calls servers of schools of a district on loopback: tokens, media and the looks at who is still in the room."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

from attrs import define

from media.access.claims import Claims
from media.access.rechecking import Rechecker
from media.rechecks import rechecker
from tests.media.access.world import World as Tokens
from tests.media.access.world import get_token, openid, running
from tests.media.world import Guest, calls
from tests.media.world import World as Media
from tests.support.school import School

#: Seconds between two looks at who is in the calls; 45 where it is not a test.
LOOKS_EVERY_S = 0.3


@define(eq=False)
class CallsServer:
    """One school's. People of other schools show it a token of their own homeserver."""

    school: School
    tokens: Tokens
    media: Media
    checks: Rechecker

    async def claims(self, school: School, who: str, room_id: str) -> Claims:
        """What the token says that somebody gets for the call of a room."""
        return await self.tokens.claims("/get_token", await self._body(school, who, room_id))

    async def answer(self, school: School, who: str, room_id: str) -> tuple[int, Any]:
        """Status and body, also of a no."""
        body = await self._body(school, who, room_id)
        status, found, _ = await self.tokens.ask("POST", "/get_token", body)
        return status, found

    async def enter(self, name: str, claims: Claims) -> Guest:
        """A participant of the Python SDK with what a token says; nothing is decoded."""
        assert claims.member is not None
        return await self.media.join(
            name, claims.room, member=claims.member, sources=claims.sources, decode=False
        )

    def present(self) -> set[str]:
        """Names of everybody who is in a call here."""
        halls = self.media.node.halls.values()
        return {str(client.identity) for hall in halls for client in hall.clients.values()}

    async def _body(self, school: School, who: str, room_id: str) -> dict[str, Any]:
        account = school.signed_in[who]
        return get_token(room_id, await openid(school.server, account), account.user_id)


@asynccontextmanager
async def calls_server(school: School, others: Sequence[School]) -> AsyncIterator[CallsServer]:
    """The calls server of a school while the block runs; `others` are the servers its operator has registered."""
    servers = {one.server.server_name: one.server.url for one in others}
    async with (
        running(school.server, real_module=True, others=servers) as tokens,
        calls() as media,
        asyncio.TaskGroup() as group,
    ):
        checks = rechecker(media.node, tokens.access.rights, school.server.server_name)
        looking = group.create_task(checks.run(LOOKS_EVERY_S))
        try:
            yield CallsServer(school, tokens, media, checks)
        finally:
            looking.cancel()
