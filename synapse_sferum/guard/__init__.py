"""The guard (design §3, layer 3): our resource in front of Synapse's, for what no callback can close.

`register_web_resource` on `/_matrix/client` and `/_matrix/federation` replaces Synapse's resources. The guard builds
the same servlets, puts a rule in front of those that need one, and serves them where Synapse would have.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping

from attrs import frozen
from synapse.module_api import ModuleApi
from twisted.web.resource import EncodingResourceWrapper, Resource
from twisted.web.server import GzipEncoderFactory

from synapse_sferum.config import Config
from synapse_sferum.facts import Facts
from synapse_sferum.guard.client_rules import ClientRules
from synapse_sferum.guard.listeners import Listener, Serving, by_tag
from synapse_sferum.guard.peer_rules import PeerRules
from synapse_sferum.guard.resource import GuardedRoutes, PerListener
from synapse_sferum.guard.routes import Surface, UnknownRoute, pinned
from synapse_sferum.private.federation import wrap_edu
from synapse_sferum.private.routes import (
    JsonResource,
    authenticate_once,
    register_client_routes,
    register_federation_routes,
)
from synapse_sferum.private.server import (
    has_media_repository,
    homeserver_of,
    http_listeners_of,
    serves_media_without_token,
)

logger = logging.getLogger(__name__)

CLIENT_PREFIX = "/_matrix/client"
FEDERATION_PREFIX = "/_matrix/federation"


@frozen(kw_only=True)
class Guard:
    """What is in place in this process, for /health."""

    client: bool
    federation: bool


class UnsafeSettings(Exception):
    """homeserver.yaml opens what the guard cannot close."""


def install(api: ModuleApi, config: Config, facts: Facts, service_user: str) -> Guard:
    """Stand in front of both APIs of this process. Call once, in the module's constructor.

    Raises:
        UnknownRoute, AmbiguousListeners, UnsafeSettings: the server must not start; the message says what to do.
    """
    if serves_media_without_token(api):
        raise UnsafeSettings("set enable_authenticated_media: true, or files are open to anyone")
    listeners = listeners_of(api)
    media = has_media_repository(api)
    rules = pinned()
    client = ClientRules(api, config, facts, service_user)
    peers = PeerRules(api, facts, service_user)

    def build_client(serving: Serving) -> Resource:
        server = JsonResource(homeserver_of(api), canonical_json=False)
        routes = GuardedRoutes(Surface.CLIENT, rules, server, client.guarded)
        register_client_routes(routes, api, serving.groups)
        return _finished(routes, server, serving)

    def build_federation(serving: Serving) -> Resource:
        server = JsonResource(homeserver_of(api), canonical_json=False)
        routes = GuardedRoutes(Surface.FEDERATION, rules, server, peers.guarded)
        register_federation_routes(routes, api, peers, serving.groups)
        return _finished(routes, server, serving)

    authenticate_once(api)
    nothing = JsonResource(homeserver_of(api), canonical_json=False)
    for prefix, surface, build in (
        (CLIENT_PREFIX, Surface.CLIENT, build_client),
        (FEDERATION_PREFIX, Surface.FEDERATION, build_federation),
    ):
        resources = _built(by_tag(listeners, surface, media), build)
        api.register_web_resource(prefix, PerListener(resources, nothing))
        tags = ",".join(sorted(resources)) or "none"
        logger.info("guard in place surface=%s listeners=%s", surface.value, tags)
    wrap_edu(api, "m.direct_to_device", peers.narrow_to_device)
    return Guard(client=True, federation=True)


def listeners_of(api: ModuleApi) -> list[Listener]:
    """HTTP listeners of this process, as values."""
    found = []
    for listener in http_listeners_of(api):
        assert listener.http_options is not None
        resources = listener.http_options.resources
        found.append(
            Listener(
                tag=listener.get_site_tag(),
                names=frozenset(name for resource in resources for name in resource.names),
                compress=any(resource.compress for resource in resources),
            )
        )
    return found


def _built(
    serving: Mapping[str, Serving], build: Callable[[Serving], Resource]
) -> dict[str, Resource]:
    """One resource for each kind of listener, shared by listeners that serve the same."""
    made: dict[Serving, Resource] = {}
    for here in serving.values():
        if here not in made:
            made[here] = build(here)
    return {tag: made[here] for tag, here in serving.items()}


def _finished(routes: GuardedRoutes, server: JsonResource, serving: Serving) -> Resource:
    if routes.unknown:
        raise UnknownRoute(routes.unknown)
    if serving.compress:
        # Twisted is not typed; a wrapper is a resource.
        wrapped: Resource = EncodingResourceWrapper(server, [GzipEncoderFactory()])  # type: ignore[no-untyped-call] # Twisted has no types
        return wrapped
    return server
