"""Where the figures of `/metrics` come from: the parts that count, asked when Prometheus asks."""

from __future__ import annotations

import asyncio
import socket
from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from urllib.parse import urlsplit

from aiohttp import web
from attrs import frozen
from prometheus_client import CollectorRegistry
from prometheus_client.registry import Collector

from media.access.granting import Access
from media.access.rechecking import Rechecker
from media.cluster.broadcast_way import BroadcastWay
from media.cluster.relay import Relay
from media.config import Config
from media.metrics import LAG, CallFigures, Look
from media.signal.node import Node
from media.signal.webhooks import Hook
from media.transport.api import Route
from media.transport.routes import UdpRoute
from serving.listening import metrics_app

#: Seconds between two looks at how late the loop is.
LAG_EVERY_S = 0.25
#: Refusals of doors are counted among `wrong` under this prefix (media/signal/http.py).
JOIN = "join_"


@frozen
class Sources:
    """`relays`: addresses that our TURN server sends from."""

    node: Node
    access: Access
    hooks: Sequence[Hook]
    checks: Rechecker
    relay: Relay | None
    relays: Collection[str]
    way: BroadcastWay | None = None

    def look(self) -> Look:
        node, services = self.node, self.node.services
        halls = list(node.halls.values())
        wrong = services.wrong
        shut = {w.removeprefix(JOIN): n for w, n in wrong.items() if w.startswith(JOIN)}
        return Look(
            rooms=len(halls),
            participants=sum(len(hall.clients) for hall in halls),
            tracks=sum(len(hall.tracks) for hall in halls),
            peers=services.listener.peers,
            forwarder=services.plane.stats(),
            ignored=services.listener.ignored(),
            tokens=self.access.counted,
            leaves=self.access.leaves.counted,
            wrong={word: count for word, count in wrong.items() if not word.startswith(JOIN)},
            hooks={
                "sent": sum(hook.sent for hook in self.hooks),
                "failed": sum(hook.failed for hook in self.hooks),
                "dropped": sum(hook.dropped for hook in self.hooks),
            },
            draining=node.draining,
            ways=self._ways(),
            joins=node.joins + Counter(shut),
            rechecks=self.checks.counted,
            passed=None if self.relay is None else self.relay.counted,
            led=None if self.way is None else self.way.counted,
            redis=None if self.relay is None else self.relay.registry.reachable,
        )

    def _ways(self) -> dict[str, int]:
        found = {"udp": 0, "tcp": 0, "relay": 0}
        for route in self.node.services.listener.routes():
            found[way_of(route, self.relays)] += 1
        return found


def way_of(route: Route, relays: Collection[str]) -> str:
    """How media goes to a client: through our relay, else by the kind of port."""
    if route.source[0] in relays:
        return "relay"
    return "udp" if isinstance(route, UdpRoute) else "tcp"


async def relay_addresses(config: Config) -> frozenset[str]:
    """Of the TURN server, which may be this machine; empty without one."""
    if config.turn is None:
        return frozenset()
    found = {"127.0.0.1", "::1", *config.addresses}
    for url in config.turn.urls:
        host = urlsplit("//" + url.partition(":")[2]).hostname
        try:
            rows = await asyncio.get_running_loop().getaddrinfo(host, None, type=socket.SOCK_STREAM)
        except OSError:  # clients look the name up themselves
            continue
        found |= {str(row[4][0]) for row in rows}
    return frozenset(found)


async def watch_lag() -> None:
    """For ever."""
    clock = asyncio.get_running_loop().time
    while True:
        due = clock() + LAG_EVERY_S
        await asyncio.sleep(LAG_EVERY_S)
        LAG.observe(max(0.0, clock() - due))


def figures_app(sources: Sources, others: Iterable[Collector] = ()) -> web.Application:
    """`/metrics`, for Prometheus on this machine. `others`: of broadcasts."""
    registry = CollectorRegistry()
    registry.register(CallFigures(sources.look))
    for one in others:
        registry.register(one)

    return metrics_app(registry)
