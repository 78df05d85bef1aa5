"""The process: tokens, signalling, media, pages and figures, started together and stopped in order.

Asked to end, it lets nobody new in, tells everyone to connect elsewhere, waits `drain_s` at most, and closes its ports.
"""

from __future__ import annotations

import asyncio
import gc
import logging
import os
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager

import aiohttp
from aiohttp import web
from attrs import frozen
from livekit.protocol import rtc
from yarl import URL

from media import turn
from media.access.delayed_leave import DelayedLeaves
from media.access.endpoints import access_app
from media.access.granting import Access
from media.access.json_http import server_at
from media.access.key_file import BadKeyFile
from media.access.leave_keeper import LeaveKeeper
from media.access.openid import OpenId
from media.access.requests import Home
from media.access.rights import ModuleRights
from media.broadcast.opening import Broadcasting, check_broadcasts
from media.broadcast.pages.endpoints import away
from media.broadcast.serving import broadcasts, figures_of
from media.cluster.broadcast_places import BroadcastPlaces
from media.cluster.broadcast_relay import BroadcastRelay
from media.cluster.broadcast_way import BroadcastWay
from media.cluster.joining import joined
from media.cluster.neighbours import Neighbours
from media.cluster.relay import Relay
from media.config import Config
from media.figures import Sources, figures_app, relay_addresses, watch_lag
from media.forwarder.choose import Choice, NoForwarder, choose
from media.logs import AccessLog
from media.metrics import CONNECTING
from media.pages import element_call
from media.pages.host import HostDesk
from media.plane import choose as planes
from media.rechecks import rechecker
from media.secret_files import KeyRing, Looked, SecretFile, read_tokens, watch
from media.signal import http as signal_http
from media.signal import twirp
from media.signal.messages import NodeFacts
from media.signal.node import Node, open_node
from media.signal.webhooks import Hook
from media.transport.api import TransportSettings
from media.transport.dtls import Certificate
from serving.json_http import InsecureUrl, JsonHttp
from serving.listening import LOOPBACK, listening
from serving.patience import patient
from serving.secret_files import BadSecret, read_secret
from serving.settings import BadConfig

logger = logging.getLogger(__name__)
requests = logging.getLogger("media.requests")

#: Where Synapse's `livekit_service_url` points, and what is below `sfu_url`.
JWT, SFU = "/livekit/jwt", "/livekit/sfu"
#: Of the garbage collector: new objects, and looks at younger ones, until the next look. A join leaves two
#: thousand, most of which go with whoever left: the later it looks, the less there is to see. 50,000 are some 10 MB.
LOOKS_AT = 50_000, 20, 20
#: Seconds for answers under way when the ports close.
STOP_S = 2.0


@frozen
class Machine:
    """Time and chance. `wall`: seconds since 1970. `bits`: n random bits."""

    wall: Callable[[], float]
    bits: Callable[[int], int]


def check(config: Config) -> None:
    """Whether it would start, but for its ports; `sferum doctor` asks.

    Raises:
        BadConfig: names the setting.
    """
    with _named("keys_file"):
        KeyRing(config.keys_file)
    with _named("service_token_file"):
        SecretFile(config.service_token_file, read_tokens)
    _relays(config)
    _password(config)
    _forwarder(config)
    if config.pages is not None and not (config.pages / "index.html").is_file():
        raise BadConfig(f"pages: no index.html in {config.pages}")
    if config.broadcasts is not None:
        check_broadcasts(config.broadcasts)


async def serve(
    config: Config, machine: Machine, stop: asyncio.Event, reread: asyncio.Event
) -> None:
    """Serve until `stop` is set; `reread` asks for the files of secrets to be read again.

    Raises:
        BadConfig: names the setting; nothing was served.
    """
    with _named("keys_file"):
        keys = KeyRing(config.keys_file)
    with _named("service_token_file"):
        tokens = SecretFile(config.service_token_file, read_tokens)
    relays = _relays(config)
    forwarder = _forwarder(config)
    logger.info("%s", planes.sentence(forwarder, config.media_threads))
    clock = asyncio.get_running_loop().time
    async with AsyncExitStack() as stack:
        http = await stack.enter_async_context(aiohttp.ClientSession())
        homeserver = _server(http, "homeserver_url", config.homeserver_url)
        servers = {
            name: _server(http, f"servers.{name}", url) for name, url in config.servers.items()
        }
        keeper = LeaveKeeper(DelayedLeaves(sends_unclaimed=config.redis is None), homeserver, clock)
        access = Access(
            Home(config.server_name, frozenset({config.client_url})),
            config.sfu_url,
            OpenId(servers | {config.server_name: homeserver}, clock),
            ModuleRights(homeserver, lambda: tokens.now),
            keeper,
            lambda: keys,
            machine.wall,
            clock,
        )
        hooks = [Hook(URL(url), keys, machine.wall) for url in config.webhooks]
        stack.enter_context(_named_ports())
        group = await stack.enter_async_context(asyncio.TaskGroup())
        stack.callback(group.create_task(keeper.run()).cancel)
        node = await stack.enter_async_context(
            open_node(
                _transport(config),
                Certificate.generateCertificate(),
                plane=planes.plane_of(forwarder, config.media_threads),
                keys=keys,
                wall=machine.wall,
                bits=machine.bits,
                facts=NodeFacts(
                    node_id=config.node,
                    relays=_servers(config, relays, machine),
                    sif_trailer=machine.bits(128).to_bytes(16, "big"),
                ),
                hooks=hooks,
                leaves=keeper,
                max_rooms=config.max_rooms,
                connected=CONNECTING.observe,
            )
        )
        files: list[Looked] = [keys.file, tokens, *([] if relays is None else [relays])]
        stack.callback(group.create_task(watch(files, reread)).cancel)
        checks = rechecker(node, access.rights, config.server_name)
        stack.callback(group.create_task(checks.run()).cancel)
        registry, places = None, None
        if config.redis is not None:
            neighbours = Neighbours(http, keys, machine.wall)
            registry, places = await stack.enter_async_context(
                joined(config, config.redis, _password(config), node, keeper, neighbours)
            )
            for meeting in (registry.run(), places.run()):
                stack.callback(group.create_task(meeting).cancel)
        relay = None if registry is None else Relay(registry, http, keys, machine.wall, access.home)
        serves = _servers(config, relays, machine)
        broadcasting = await stack.enter_async_context(
            broadcasts(
                config, node, homeserver, access.openid, lambda: tokens.now, serves, access.rights
            )
        )
        exchange = BroadcastRelay(http, keys, machine.wall, config.trusted_proxies)
        way = _way(places, exchange, config.public_url, broadcasting)
        app = build(config, access, node, relay, broadcasting, way)
        if config.metrics_port is not None:
            sources = Sources(
                node, access, hooks, checks, relay, await relay_addresses(config), way
            )
            stack.callback(group.create_task(watch_lag()).cancel)
            await stack.enter_async_context(
                answering(
                    figures_app(sources, figures_of(broadcasting)),
                    LOOPBACK,
                    config.metrics_port,
                    "metrics_port",
                )
            )
        await stack.enter_async_context(
            answering(
                app,
                config.listen_host,
                config.listen_port,
                "listen_port",
                slow=lambda: node.count("http_too_slow"),
            )
        )
        _set_apart_what_stays()
        logger.info("calls served node=%s url=%s", config.node, config.public_url)
        await stop.wait()
        logger.info("draining rooms=%s", len(node.halls))
        keeper.drain()
        node.draining = True
        if registry is not None:
            await registry.say_now()  # who is sent away finds the call placed elsewhere
        await node.drain(clock() + config.drain_s)
    logger.info("stopped")


def _way(
    places: BroadcastPlaces | None,
    exchange: BroadcastRelay,
    shared: str,
    broadcasting: Broadcasting | None,
) -> BroadcastWay | None:
    """To broadcasts of other nodes; the others are told which are here."""
    if places is None:
        return None
    if broadcasting is not None:
        places.held = broadcasting.ids
        broadcasting.house.elsewhere = places.elsewhere
        broadcasting.register.book.changed.append(lambda _: places.changed())
        places.changed()
    lists = broadcasting is not None
    return BroadcastWay(places, lists, exchange, shared, away)


def _set_apart_what_stays() -> None:
    """Modules and settings are there to the end, so the garbage collector need not look through them again.

    It did once for every 150 joins, and the loop stood still for 65 ms each time. And it looks more rarely
    (`LOOKS_AT`): what a join makes stays a while; looking after every 700 objects found nothing, four times a join.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(*LOOKS_AT)


def build(
    config: Config,
    access: Access,
    node: Node,
    relay: Relay | None,
    broadcasting: Broadcasting | None = None,
    way: BroadcastWay | None = None,
) -> web.Application:
    """Everything that is answered on `listen_port`."""
    around = [one.middleware() for one in (relay, way) if one is not None]
    app = web.Application(middlewares=around)
    app.router.add_get("/healthz", _healthz)
    app.add_subapp(JWT, access_app(access, config.trusted_proxies))
    signal_http.add_routes(app, node, SFU)
    twirp.add_routes(app, node, SFU)
    desk = HostDesk(node, access.rights)
    desk.add_routes(app)
    node.finished = desk.finished
    if broadcasting is not None:
        broadcasting.add_routes(app)
    if config.pages is not None:
        desk.add_page(app, config.client_url, broadcasts=broadcasting is not None)
        try:
            element_call.add_routes(
                app,
                config.pages,
                client_url=config.client_url,
                server_name=config.server_name,
            )
        except element_call.NoCallPage as missing:
            raise BadConfig(f"pages: no index.html in {missing}") from None
    return app


async def _healthz(_request: web.Request) -> web.StreamResponse:
    return web.json_response({})


@asynccontextmanager
async def answering(
    app: web.Application,
    host: str,
    port: int,
    setting: str,
    slow: Callable[[], None] = lambda: None,
) -> AsyncIterator[None]:
    """Answer on a port until the end of the block. `slow` is told of requests that never end.

    Raises:
        BadConfig: the port is taken or may not be used.
    """
    runner = web.AppRunner(
        app,
        access_log_class=AccessLog,
        access_log=requests,
        shutdown_timeout=STOP_S,
        **signal_http.RUNNER_OPTIONS,
    )
    async with patient(app, runner, slow), listening(runner, host, port, setting):
        yield


def _relays(config: Config) -> SecretFile[str] | None:
    """The relay's secret."""
    if config.turn is None:
        return None
    with _named("turn.secret_file"):
        return SecretFile(config.turn.secret_file, read_secret)


def _servers(
    config: Config, secret: SecretFile[str] | None, machine: Machine
) -> Callable[[], tuple[rtc.ICEServer, ...]]:
    if config.turn is None or secret is None:
        return tuple
    urls = config.turn.urls
    return lambda: (turn.Relay(urls, secret.now).server(machine.wall()),)


def _forwarder(config: Config) -> Choice:
    try:
        return choose(config.forwarder)
    except NoForwarder as missing:
        raise BadConfig(str(missing)) from None


def _transport(config: Config) -> TransportSettings:
    return TransportSettings(
        host=config.media_host,
        udp_port=config.udp_port,
        tcp_port=config.tcp_port,
        advertised=config.addresses,
    )


class _named_ports:  # noqa: N801 - used as a block
    """The transport's ports are opened inside task groups: their OSError comes out as a sentence."""

    def __enter__(self) -> None:
        return None

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        while isinstance(error, BaseExceptionGroup) and len(error.exceptions) == 1:
            error = error.exceptions[0]
        if isinstance(error, BadConfig):
            raise error from None
        if isinstance(error, OSError) and not isinstance(error, ConnectionError):
            raise BadConfig(f"udp_port, tcp_port: {os.strerror(error.errno or 0)}") from None


def _password(config: Config) -> str:
    """Of Redis; nothing where none is named. Connections keep it: a new one needs a restart."""
    if config.redis_password_file is None:
        return ""
    with _named("redis_password_file"):
        return read_secret(config.redis_password_file)


@contextmanager
def _named(setting: str) -> Iterator[None]:
    """A file that cannot be used is named with its setting."""
    try:
        yield
    except (BadSecret, BadKeyFile) as error:
        raise BadConfig(f"{setting}: {error}") from None


def _server(http: aiohttp.ClientSession, setting: str, url: str) -> JsonHttp:
    try:
        return server_at(http, url)
    except InsecureUrl as error:
        raise BadConfig(f"{setting}: {error}") from None
