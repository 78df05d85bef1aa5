"""What a node asks the others directly: which calls they have, over their own Twirp."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable, Sequence

import aiohttp
from attrs import define, field
from google.protobuf.message import DecodeError
from livekit.protocol import models, room

from media.access.claims import Claims
from media.access.tokens import Key, mint, verify
from media.cluster.placement import NodeSign
from media.ids import RoomName

logger = logging.getLogger(__name__)

PATH = "/livekit/sfu/twirp/livekit.RoomService/ListRooms"
#: Whoever was passed on once is not passed on again: two nodes that disagree must not play ball. The node that passes
#: on signs it (`passed_by`): pupils who wrote it themselves would have a call beside the one their teacher sees.
PASSED = "X-Sferum-Passed"
#: Seconds: a client waits meanwhile, and a node that is well answers within milliseconds.
TIMEOUT = aiohttp.ClientTimeout(total=2)
#: Seconds that a token from node to node holds; clocks of two machines differ.
TOKEN_S = 30.0


def passed_by(keys: Sequence[Key], now: float) -> str:
    """What a node says to another one: a token that no participant has. `now`: seconds since 1970."""
    return mint(Claims(list_rooms=True), keys, now, TOKEN_S)


def is_node(token: str, keys: Sequence[Key], now: float) -> bool:
    """Whether `passed_by` of another node, or a service with our key, made it."""
    claims = verify(token, keys, now)
    return isinstance(claims, Claims) and claims.list_rooms and not claims.join


@define(eq=False)
class Neighbours:
    """Of one node. `wall`: seconds since 1970."""

    http: aiohttp.ClientSession
    keys: Sequence[Key] = field(repr=False)
    wall: Callable[[], float]

    async def holder(
        self, name: RoomName, nodes: Iterable[NodeSign]
    ) -> tuple[NodeSign | None, list[NodeSign]]:
        """Who has this call, and which of the nodes answered."""
        asked = list(nodes)
        answers = await asyncio.gather(*(self.rooms(one, (name,)) for one in asked))
        alive = [node for node, rooms in zip(asked, answers, strict=True) if rooms is not None]
        has = (node for node, rooms in zip(asked, answers, strict=True) if rooms)
        return min(has, key=lambda node: node.name, default=None), alive

    async def rooms(
        self, node: NodeSign, names: Sequence[str] = ()
    ) -> Sequence[models.Room] | None:
        """Its calls, all or those named; None: it does not answer."""
        token = passed_by(self.keys, self.wall())
        headers = {
            PASSED: token,
            "Authorization": f"Bearer {token}",
            "Content-Type": "application/protobuf",
        }
        body = room.ListRoomsRequest(names=names).SerializeToString()
        try:
            async with self.http.post(
                node.url + PATH, data=body, headers=headers, timeout=TIMEOUT, allow_redirects=False
            ) as answer:
                if answer.status != 200:
                    return None
                return list(room.ListRoomsResponse.FromString(await answer.read()).rooms)
        except (aiohttp.ClientError, TimeoutError, OSError, DecodeError):
            return None
