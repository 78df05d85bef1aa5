"""This process as one of several nodes: its registry, and what it changes in the parts of a single node."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from redis.asyncio import Redis

from media.access.leave_keeper import LeaveKeeper
from media.cluster.broadcast_places import BroadcastPlaces
from media.cluster.neighbours import Neighbours
from media.cluster.placement import NodeSign
from media.cluster.registry import REDIS_S, Registry
from media.config import Config
from media.ids import RoomName
from media.room import events
from media.room.model import LeaveReason
from media.signal.node import Node
from serving.settings import BadConfig


@asynccontextmanager
async def joined(
    config: Config,
    url: str,
    password: str,
    node: Node,
    keeper: LeaveKeeper,
    neighbours: Neighbours,
) -> AsyncIterator[tuple[Registry, BroadcastPlaces]]:
    """The registry, and whose broadcasts are whose; at the end of the block the other nodes know that this one is gone.

    Their `run` is the caller's.

    Raises:
        BadConfig: another node has this one's name.
    """

    def own() -> NodeSign:
        halls = list(node.halls.values())
        return NodeSign(
            name=config.node,
            url=config.node_url,
            load=sum(len(hall.clients) for hall in halls),
            rooms=len(halls),
            draining=node.draining,
            full=node.is_full,
            broadcasts=config.broadcasts_url,
        )

    def moved(room: RoomName) -> None:
        keeper.forget(room)  # they come to the other node with their delayed leave in the token
        if (hall := node.halls.get(room)) is not None:
            hall.handle(events.Closing(LeaveReason.SERVER_SHUTDOWN))

    redis = Redis.from_url(
        url, password=password or None, socket_timeout=REDIS_S, socket_connect_timeout=REDIS_S
    )
    clock = node.services.clock
    registry = Registry(redis, own, node.halls.keys, neighbours, moved, clock)
    try:
        if (twin := await registry.twin()) is not None:
            raise BadConfig(f"node: {twin.url} calls itself {config.node} too; want another name")
        try:
            yield registry, BroadcastPlaces(redis, registry)
        finally:
            await registry.leave()
    finally:
        await redis.aclose()
