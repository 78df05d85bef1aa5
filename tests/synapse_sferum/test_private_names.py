"""The contract of synapse_sferum/private: every private name of Synapse is what we take it for.

An upgrade of Synapse runs this file first: a failure here names what moved.
"""

from __future__ import annotations

import ast
import asyncio
import inspect
import sqlite3
from pathlib import Path
from typing import cast

import pytest
from synapse.api.auth.internal import InternalAuth
from synapse.api.ratelimiting import Ratelimiter, RequestRatelimiter
from synapse.appservice import ApplicationService
from synapse.config.experimental import ExperimentalConfig
from synapse.config.federation import FederationConfig
from synapse.config.repository import ContentRepositoryConfig
from synapse.config.server import HttpListenerConfig, TCPListenerConfig, UnixListenerConfig
from synapse.config.workers import WorkerConfig
from synapse.crypto.keyring import KeyFetcher, Keyring
from synapse.federation.federation_server import FederationHandlerRegistry
from synapse.federation.transport import server as federation
from synapse.federation.transport.server._base import (
    AuthenticationError,
    Authenticator,
    BaseFederationServlet,
    NoAuthenticationError,
)
from synapse.handlers.devicemessage import DeviceMessageHandler
from synapse.handlers.message import EventCreationHandler
from synapse.handlers.register import RegistrationHandler
from synapse.http.server import HttpServer, JsonResource
from synapse.http.site import SynapseRequest, SynapseSite
from synapse.media.media_repository import (  # type: ignore[import-not-found] # a namespace package
    MediaRepository,
)
from synapse.module_api import ModuleApi
from synapse.push.httppusher import HttpPusher
from synapse.push.pusher import PusherFactory
from synapse.push.pusherpool import PusherPool
from synapse.rest import SERVLET_GROUPS, ClientRestResource
from synapse.rest.client import media
from synapse.server import HomeServer
from synapse.storage.controllers.persist_events import EventsPersistenceStorageController
from synapse.storage.databases.main.event_push_actions import EventPushActionsWorkerStore
from synapse.storage.databases.main.pusher import PusherWorkerStore
from synapse.storage.databases.main.room import RoomWorkerStore
from synapse.storage.databases.main.roommember import RoomMemberWorkerStore
from synapse.storage.keys import FetchKeyResult

from synapse_sferum.plan import MOST_AT_ONCE
from synapse_sferum.private.federation import PinnedKeys
from tests.support.template import sqlite_template

MODULE = Path(__file__).parents[2] / "synapse_sferum"


def source(thing: object) -> str:
    return inspect.getsource(thing)  # type: ignore[arg-type] # classes and functions


def parameters(function: object) -> list[str]:
    return list(inspect.signature(function).parameters)  # type: ignore[arg-type] # callables


def test_private_names_are_in_one_folder() -> None:
    """Nothing outside of `private` reads an attribute of Synapse that starts with an underscore."""
    foreign = []
    for path in MODULE.rglob("*.py"):
        if path.is_relative_to(MODULE / "private"):
            continue
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if (
                isinstance(node, ast.Attribute)
                and node.attr.startswith("_")
                and node.attr[:2] != "__"
            ):
                owner = node.value
                ours = isinstance(owner, ast.Name) and owner.id in {"self", "cls", "other"}
                if not ours:
                    foreign.append(f"{path.name}:{node.lineno} {node.attr}")
    assert not foreign


def test_the_module_api_holds_the_server_and_the_clock() -> None:
    """`ModuleApi._hs` and `ModuleApi._clock` are set by its constructor."""
    assert "self._hs = hs" in source(ModuleApi.__init__)
    assert "self._clock" in source(ModuleApi.__init__)


def test_a_server_has_one_key_to_sign_with() -> None:
    """`HomeServer.signing_key` is the first of the configured ones, in every process."""
    assert "self.signing_key = config.key.signing_key[0]" in source(HomeServer.__init__)


def test_keys_come_from_a_list_of_fetchers() -> None:
    """The keyring asks each of `_key_fetchers` in turn with three arguments, for requests and for events alike."""
    assert "for fetcher in self._key_fetchers:" in source(Keyring)
    wanted = ["self", "server_name", "key_ids", "minimum_valid_until_ts"]
    assert parameters(KeyFetcher.get_keys) == wanted
    assert parameters(PinnedKeys.get_keys) == wanted
    assert parameters(FetchKeyResult.__init__) == ["self", "verify_key", "valid_until_ts"]


def test_the_whitelist_is_one_dict_that_all_hold() -> None:
    """FederationConfig makes one dict of the list; requests, sending and files look into that same one."""
    assert "self.federation_domain_whitelist = {}" in source(FederationConfig.read_config)
    for part in (Authenticator.__init__, MediaRepository.__init__):
        assert "hs.config.federation.federation_domain_whitelist" in source(part)


def test_pinned_keys_are_the_only_ones() -> None:
    """A listed server speaks with the keys that the register names; Synapse finds those of other servers."""
    asked: list[str] = []

    class Finds:
        async def get_keys(self, name: str, key_ids: list[str], until: int) -> dict[str, str]:
            asked.append(name)
            return dict.fromkeys(key_ids, "found")

    async def pinned(name: str) -> dict[str, str]:
        return {"ed25519:a_1": "A" * 43} if name == "listed" else {}

    ours, theirs = PinnedKeys(None, pinned), PinnedKeys(cast("KeyFetcher", Finds()), pinned)
    found = asyncio.run(ours.get_keys("listed", ["ed25519:a_1", "ed25519:a_2"], 0))
    assert set(found) == {"ed25519:a_1"}
    assert bytes(found["ed25519:a_1"].verify_key) == bytes(32)
    assert asyncio.run(theirs.get_keys("listed", ["ed25519:a_2"], 0)) == {}
    assert asked == []
    assert asyncio.run(ours.get_keys("other", ["ed25519:a_2"], 0)) == {}
    assert set(asyncio.run(theirs.get_keys("other", ["ed25519:a_2"], 0))) == {"ed25519:a_2"}


def test_client_servlets_register_on_any_http_server() -> None:
    """ClientRestResource.register_servlets takes the server to register on, and the groups."""
    assert parameters(ClientRestResource.register_servlets) == [
        "client_resource",
        "hs",
        "servlet_groups",
    ]
    assert 'SERVLET_GROUPS["media"] = (media.register_servlets,)' in source(
        ClientRestResource.__init__
    )
    assert "client" in SERVLET_GROUPS
    assert parameters(media.register_servlets) == ["hs", "http_server"]


def test_an_http_server_takes_paths() -> None:
    """The interface that servlets register on is the one `GuardedRoutes` has."""
    wanted = ["self", "method", "path_patterns", "callback", "servlet_classname"]
    assert parameters(HttpServer.register_paths) == wanted
    assert parameters(JsonResource.__init__)[:3] == ["self", "hs", "canonical_json"]
    assert JsonResource.isLeaf


def test_federation_servlets_ask_the_authenticator() -> None:
    """Every federation servlet awaits `authenticate_request(request, content)` and works on that same content."""
    assert parameters(federation.register_servlets) == [
        "hs",
        "resource",
        "authenticator",
        "ratelimiter",
        "servlet_groups",
    ]
    assert parameters(Authenticator.authenticate_request) == ["self", "request", "content"]
    assert parameters(Authenticator.__init__) == ["self", "hs"]
    wrap = source(BaseFederationServlet._wrap)
    assert "await authenticator.authenticate_request(" in wrap
    assert "except NoAuthenticationError" in wrap
    assert "origin, content, request" in wrap
    assert issubclass(NoAuthenticationError, AuthenticationError)
    assert {"openid", "media"} <= set(federation.SERVLET_GROUPS)


def test_a_request_is_authenticated_once() -> None:
    """`SynapseRequest._requester` guards against a second authentication, so the guard resets it."""
    assert "assert self._requester is None" in source(vars(SynapseRequest)["requester"].fset)
    assert "self._requester: Requester | str | None = None" in source(SynapseRequest.__init__)


def test_servlets_authenticate_through_one_method() -> None:
    """Servlets call `hs.get_auth().get_user_by_req` with these flags, so its answer can be handed over once."""
    flags = ["self", "request", "allow_guest", "allow_expired", "allow_locked"]
    assert parameters(InternalAuth.get_user_by_req) == flags
    assert "return InternalAuth(self)" in source(inspect.unwrap(HomeServer.get_auth))


def test_a_request_knows_its_listener() -> None:
    """`request.synapse_site.site_tag` is the listener's tag, or its port."""
    assert "self.synapse_site = site" in source(SynapseRequest.__init__)
    assert "self.site_tag = site_tag" in source(SynapseSite.__init__)
    plain = TCPListenerConfig(port=8008, bind_addresses=["::1"], type="http")
    assert plain.get_site_tag() == "8008"
    tagged = TCPListenerConfig(
        port=8008, bind_addresses=["::1"], type="http", http_options=HttpListenerConfig(tag="t")
    )
    assert tagged.get_site_tag() == "t"
    assert UnixListenerConfig(path="/x", mode=0o600, type="http").get_site_tag() == "unix"


def test_configuration_names() -> None:
    """The settings that the guard reads are where it reads them."""
    assert "self.worker_listeners" in source(WorkerConfig.read_config)
    assert "self.worker_app" in source(WorkerConfig.read_config)
    media_config = source(ContentRepositoryConfig.read_config)
    assert "self.can_load_media_repo" in media_config
    assert "self.enable_authenticated_media" in media_config
    assert "msc4512_enabled" in source(ExperimentalConfig.read_config)  # used by test_guard_start


def test_edu_handlers_are_looked_up_when_an_edu_comes() -> None:
    """`edu_handlers` is read at every EDU, so replacing a handler is enough; to-device registers there."""
    assert "self.edu_handlers.get(edu_type)" in source(FederationHandlerRegistry.on_edu)
    assert "register_edu_handler" in source(DeviceMessageHandler.__init__)
    assert 'content["messages"]' in source(DeviceMessageHandler.on_direct_to_device_edu)
    for name in (
        "get_federation_registry",
        "get_device_message_handler",
        "get_federation_ratelimiter",
    ):
        assert callable(getattr(HomeServer, name))


def test_store_and_limits() -> None:
    """The membership lookup and the limiter take what we give them."""
    lookup = RoomMemberWorkerStore.get_local_current_membership_for_user_in_room
    assert parameters(lookup) == ["self", "user_id", "room_id"]
    cached = RoomMemberWorkerStore.__dict__["is_host_joined"]
    assert parameters(cached.orig) == ["self", "room_id", "host"]
    assert {"store", "clock", "cfg"} <= set(parameters(Ratelimiter.__init__))
    assert parameters(Ratelimiter.ratelimit)[:2] == ["self", "requester"]


def test_a_pusher_is_made_by_a_factory_that_takes_ours() -> None:
    """`PusherFactory.pusher_types["http"]` makes pushers, and a pusher looks for what to send in one method (R49)."""
    assert '"http": HttpPusher' in source(PusherFactory.__init__)
    assert "self.pusher_types.get(kind" in source(PusherFactory.create_pusher)
    assert "self.pusher_factory = PusherFactory(hs)" in source(PusherPool.__init__)
    assert parameters(HttpPusher.__init__) == ["self", "hs", "pusher_config"]
    assert "await self._unsafe_process()" in source(HttpPusher._process)
    sending = source(HttpPusher._unsafe_process)
    asked = "get_unread_push_actions_for_user_in_range_for_http(\n"
    assert asked in sending
    assert "self.user_id, self.last_stream_ordering, self.max_stream_ordering" in sending
    assert "await self._process_one(push_action)" in sending
    assert "self.timed_call" in source(HttpPusher.on_stop)
    assert "self.failing_since and self.timed_call" in source(HttpPusher._start_processing)
    assert parameters(
        EventPushActionsWorkerStore.get_unread_push_actions_for_user_in_range_for_http
    ) == ["self", "user_id", "min_stream_ordering", "max_stream_ordering", "limit"]
    assert parameters(PusherWorkerStore.update_pusher_last_stream_ordering) == [
        "self",
        "app_id",
        "pushkey",
        "user_id",
        "last_stream_ordering",
    ]


@pytest.mark.integration
@pytest.mark.parametrize(
    ("table", "columns"),
    [
        ("local_media_repository", {"media_id", "user_id"}),
        ("local_current_membership", {"room_id", "user_id", "event_id", "membership"}),
        ("room_memberships", {"event_id", "sender"}),
        ("current_state_events", {"room_id", "type", "state_key", "membership"}),
        ("event_forward_extremities", {"room_id", "event_id"}),
        ("events", {"event_id", "depth", "stream_ordering"}),
        ("events", {"room_id", "sender", "type", "origin_server_ts", "received_ts", "outlier"}),
        ("event_json", {"event_id", "json"}),
        ("rejections", {"event_id"}),
        ("redactions", {"redacts"}),
        ("event_relations", {"event_id", "relates_to_id", "relation_type"}),
        ("profiles", {"full_user_id", "displayname", "avatar_url"}),
        ("rooms", {"room_id", "creator"}),
    ],
)
def test_tables(table: str, columns: set[str]) -> None:
    """Synapse's tables that we read have the columns we read."""
    connection = sqlite3.connect(f"file:{sqlite_template()}?mode=ro", uri=True)
    try:
        rows = connection.execute(f"PRAGMA table_info({table})").fetchall()
    finally:
        connection.close()
    assert columns <= {row[1] for row in rows}


def test_an_account_is_registered() -> None:
    """`register_with_store` makes an account without a password; the public way refuses an appservice's sender."""
    wanted = {"user_id", "password_hash", "create_profile_with_displayname"}
    register = inspect.signature(RegistrationHandler.register_with_store).parameters
    assert wanted <= set(register)
    assert register["password_hash"].default is None
    assert "user_id == self.sender" in source(ApplicationService.is_exclusive_user)
    assert "check_user_id_not_appservice_exclusive" in source(RegistrationHandler.check_username)


def test_limits_can_be_lifted_from_one_account() -> None:
    """An override of 0 ends every limit; the limit on events asks for it, and no callback of modules does."""
    assert {"user_id", "messages_per_second", "burst_count"} <= set(
        parameters(RoomWorkerStore.set_ratelimit_for_user)
    )
    assert "if override and not override.messages_per_second" in source(Ratelimiter)
    limit_on_events = source(RequestRatelimiter)
    assert "if not override.messages_per_second:\n                return" in limit_on_events
    assert "ratelimit_callbacks" not in limit_on_events


def test_events_are_sent_together() -> None:
    """`create_and_send_new_client_events` takes events of several senders and writes them as one batch."""
    together = EventCreationHandler.create_and_send_new_client_events
    assert parameters(together) == [
        "self",
        "requester",
        "room_id",
        "prev_event_id",
        "event_dicts",
        "ratelimit",
        "ignore_shadow_ban",
    ]
    assert "for_batch=True" in source(together)
    assert "check_event_allowed" in source(EventCreationHandler.create_new_client_event)
    assert MOST_AT_ONCE + 2 <= 100
    assert "x + 100" in source(EventsPersistenceStorageController)
