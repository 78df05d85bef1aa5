"""Broadcasts in the calls server: what `media.serving` has, handed to `opening`."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from urllib.parse import quote

from livekit.protocol import rtc
from prometheus_client.registry import Collector

from media.access.openid import OpenId
from media.access.rights import ModuleRights
from media.broadcast.around import Around
from media.broadcast.house.names import Names
from media.broadcast.house.studio import open_studio
from media.broadcast.opening import Broadcasting, open_broadcasts
from media.broadcast.whip.links import IceServer
from media.config import Config
from media.signal.node import Node
from serving.json_http import JsonHttp, NoAnswer


@asynccontextmanager
async def broadcasts(
    config: Config,
    node: Node,
    homeserver: JsonHttp,
    openid: OpenId,
    tokens: Callable[[], Sequence[str]],
    relays: Callable[[], Iterable[rtc.ICEServer]],
    rights: ModuleRights,
) -> AsyncIterator[Broadcasting | None]:
    """Until the end of the block; None: media.yaml has none.

    Raises:
        BadConfig: names the setting.
    """
    if config.broadcasts is None:
        yield None
        return
    services = node.services
    around = Around(
        public_url=config.broadcasts_url,
        client_url=config.client_url,
        server_name=config.server_name,
        trusted=config.trusted_proxies,
        homeserver=homeserver,
        openid=openid,
        tokens=tokens,
        wall=services.wall,
        clock=services.clock,
        bits=services.bits,
        may_call=lambda account, room_id: may_call(rights, account, room_id),
        call_page=lambda room_id: call_page(config, room_id),
    )
    names = Names(homeserver, tokens, services.clock)
    async with open_broadcasts(
        config.broadcasts,
        around,
        lambda register, origin, signing: open_studio(
            node,
            register,
            origin,
            signing,
            names,
            lambda: links_of(relays()),
            config.trusted_proxies,
        ),
    ) as made:
        yield made


async def may_call(rights: ModuleRights, account: str, room_id: str) -> bool | None:
    """Whether the module lets somebody into the call of a room; None: it does not answer."""
    try:
        return await rights.of(account, room_id) is not None
    except NoAnswer:
        return None


def call_page(config: Config, room_id: str) -> str:
    """The call of a room, as the page of calls is asked for it; "": there is no such page here."""
    if config.pages is None or not room_id:
        return ""
    # The page has its session at the address that all nodes share.
    here = "" if config.broadcasts_url == config.public_url else config.public_url
    return f"{here}/room#?roomId={quote(room_id, safe='')}&viaServers={quote(config.server_name, safe='')}"


def figures_of(made: Broadcasting | None) -> tuple[Collector, ...]:
    """For `/metrics`."""
    return () if made is None else made.collectors()


def links_of(relays: Iterable[rtc.ICEServer]) -> tuple[IceServer, ...]:
    """Relays as WHIP tells them: an address each."""
    return tuple(
        IceServer(url=url, username=one.username, credential=one.credential)
        for one in relays
        for url in one.urls
    )
