"""The server itself: its clock, its settings, its listeners, its limits."""

from __future__ import annotations

from typing import TYPE_CHECKING

from synapse.api.ratelimiting import Ratelimiter
from synapse.module_api import ModuleApi

if TYPE_CHECKING:
    from signedjson.types import SigningKey
    from synapse.config.server import ListenerConfig
    from synapse.server import HomeServer
    from synapse.util.clock import Clock


def clock_of(api: ModuleApi) -> Clock:
    """Synapse's clock; its cache descriptors read it off the instance they are used on."""
    return api._clock


def homeserver_of(api: ModuleApi) -> HomeServer:
    """The server itself; servlets are built from it."""
    return api._hs


def server_key(api: ModuleApi) -> SigningKey:
    """The key with which this server signs its events and requests."""
    return api._hs.signing_key


def http_listeners_of(api: ModuleApi) -> list[ListenerConfig]:
    """HTTP listeners of this process, main or worker."""
    config = api._hs.config
    worker = config.worker.worker_app is not None
    listeners = config.worker.worker_listeners if worker else config.server.listeners
    return [listener for listener in listeners if listener.http_options is not None]


def has_media_repository(api: ModuleApi) -> bool:
    """Whether this process serves uploads and downloads."""
    return api._hs.config.media.can_load_media_repo


def serves_media_without_token(api: ModuleApi) -> bool:
    """Whether /_matrix/media hands files to anyone who knows their address."""
    return not api._hs.config.media.enable_authenticated_media


def search_limiter(api: ModuleApi) -> Ratelimiter:
    """Synapse's own limit on searches for people, `rc_user_directory`."""
    hs = api._hs
    return Ratelimiter(
        store=hs.get_datastores().main,
        clock=hs.get_clock(),
        cfg=hs.config.ratelimiting.rc_user_directory,
    )
