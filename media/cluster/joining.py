"""This process as one of several nodes: its registry, and what it changes in the parts of a single node."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from redis.asyncio import Redis

from media.cluster.placement import NodeSign
from media.cluster.registry import Registry
from media.config import Config
from media.signal.node import Node


@asynccontextmanager
async def joined(config: Config, url: str, password: str, node: Node) -> AsyncIterator[Registry]:
    """The registry; at the end of the block the other nodes know that this one is gone. Its `run` is the caller's."""

    def own() -> NodeSign:
        halls = list(node.halls.values())
        return NodeSign(
            name=config.node,
            url=config.node_url,
            load=sum(len(hall.clients) for hall in halls),
            rooms=len(halls),
            draining=node.draining,
        )

    redis = Redis.from_url(
        url, password=password or None, socket_timeout=2, socket_connect_timeout=2
    )
    registry = Registry(redis, own, lambda: list(node.halls))
    try:
        yield registry
    finally:
        await registry.leave()
        await redis.aclose()
