"""The pieces of Synapse's own resources, which the guard puts together again with its checks between them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from synapse.federation.transport.server import (
    register_servlets as register_federation_servlets,
)
from synapse.federation.transport.server._base import Authenticator, NoAuthenticationError
from synapse.http.server import HttpServer, JsonResource
from synapse.module_api import ModuleApi, Requester
from synapse.rest import SERVLET_GROUPS, ClientRestResource
from synapse.rest.client.media import register_servlets as register_media_servlets

from synapse_sferum.private.server import has_media_repository

if TYPE_CHECKING:
    from synapse.http.site import SynapseRequest

__all__ = ["Authenticator", "HttpServer", "JsonResource", "NoAuthenticationError"]


def site_tag_of(request: SynapseRequest) -> str:
    """Which listener a request came through."""
    return request.synapse_site.site_tag


def hand_over_requester(request: SynapseRequest) -> None:
    """Let a servlet ask again who a request is from: Synapse allows it once, and is given the answer it gave us."""
    request._sferum_requester = request._requester  # type: ignore[attr-defined]
    request._requester = None


def authenticate_once(api: ModuleApi) -> None:
    """Make Synapse's authentication remember, within one request, what it found for the guard.

    The guard asks with the strictest flags (no guests, no expired, no locked accounts), so its answer holds
    for whatever
    flags a servlet asks with. Without this every guarded request is authenticated twice, about a tenth of its time.
    """
    auth = api._hs.get_auth()
    ask = auth.get_user_by_req

    async def get_user_by_req(
        request: SynapseRequest,
        allow_guest: bool = False,
        allow_expired: bool = False,
        allow_locked: bool = False,
    ) -> Requester:
        known = request.__dict__.pop("_sferum_requester", None)
        if known is None:
            return await ask(request, allow_guest, allow_expired, allow_locked)
        found: Requester = known
        request.requester = found
        return found

    auth.get_user_by_req = get_user_by_req  # type: ignore[method-assign]


def register_client_routes(
    server: HttpServer, api: ModuleApi, groups: tuple[str, ...] | None
) -> None:
    """Build Synapse's client servlets and hand each route to `server`.

    The `media` group comes into being when a resource of the whole is built; here it is added the way that does it.
    """
    if has_media_repository(api):
        SERVLET_GROUPS["media"] = (register_media_servlets,)
    ClientRestResource.register_servlets(server, api._hs, groups)


def register_federation_routes(
    server: HttpServer,
    api: ModuleApi,
    authenticator: Authenticator,
    groups: tuple[str, ...] | None,
) -> None:
    """The same for federation; `authenticator` sees every request that needs a signature."""
    hs = api._hs
    register_federation_servlets(hs, server, authenticator, hs.get_federation_ratelimiter(), groups)
