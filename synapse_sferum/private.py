"""Every private name of Synapse that the module relies on, and nothing else.

Verified on 1.163.x; `tests/synapse_sferum/test_private_names.py` is the contract test that an upgrade must pass first.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol, cast

from attrs import field, frozen
from signedjson.key import decode_verify_key_bytes
from synapse.api.errors import StoreError
from synapse.api.ratelimiting import Ratelimiter
from synapse.crypto.keyring import KeyFetcher
from synapse.federation.transport.server import (
    register_servlets as register_federation_servlets,
)
from synapse.federation.transport.server._base import Authenticator, NoAuthenticationError
from synapse.http.server import HttpServer, JsonResource
from synapse.module_api import EventBase, JsonDict, LoggingTransaction, ModuleApi, Requester
from synapse.push import PusherConfig
from synapse.push.httppusher import HttpPusher
from synapse.rest import SERVLET_GROUPS, ClientRestResource
from synapse.rest.client.media import register_servlets as register_media_servlets
from synapse.storage.keys import FetchKeyResult
from synapse.types import UserID, create_requester
from synapse.util.duration import Duration
from unpaddedbase64 import decode_base64

if TYPE_CHECKING:
    from synapse.config.server import ListenerConfig
    from synapse.http.site import SynapseRequest
    from synapse.server import HomeServer
    from synapse.storage.databases.main.event_push_actions import HttpPushAction
    from synapse.util.clock import Clock

__all__ = ["Authenticator", "HttpServer", "JsonResource", "NoAuthenticationError"]


#: A key that the register names is good while it is in the register; Synapse wants a time (milliseconds since 1970).
_FOREVER_MS = 2**53


def clock_of(api: ModuleApi) -> Clock:
    """Synapse's clock; its cache descriptors read it off the instance they are used on."""
    return api._clock


def members_txn(txn: LoggingTransaction, room_id: str) -> dict[str, str]:
    """user_id → membership of everybody ever in a room, from Synapse's table of current state.

    `ModuleApi.get_room_state` would load every member event: 2,300 of them for the announcements of a large school.
    """
    txn.execute(
        "SELECT state_key, membership FROM current_state_events"
        " WHERE room_id = ? AND type = 'm.room.member'",
        (room_id,),
    )
    return {str(user_id): str(membership) for user_id, membership in txn}


def joined_of_txn(txn: LoggingTransaction, room_id: str, user_ids: Sequence[str]) -> frozenset[str]:
    """Which of these, whatever servers they are of, are joined to a room that this server is in."""
    found: set[str] = set()
    for start in range(0, len(user_ids), 500):  # SQLite's limit of parameters is above it
        some = user_ids[start : start + 500]
        marks = ", ".join("?" * len(some))
        txn.execute(
            "SELECT state_key FROM current_state_events WHERE room_id = ?"
            f" AND type = 'm.room.member' AND membership = 'join' AND state_key IN ({marks})",
            [room_id, *some],
        )
        found.update(str(row[0]) for row in txn)
    return frozenset(found)


def joined_here_txn(txn: LoggingTransaction, room_id: str) -> frozenset[str]:
    """This server's users who are joined to a room."""
    txn.execute(
        "SELECT user_id FROM local_current_membership WHERE room_id = ? AND membership = 'join'",
        (room_id,),
    )
    return frozenset(str(row[0]) for row in txn)


def profiles_txn(
    txn: LoggingTransaction, user_ids: Sequence[str]
) -> dict[str, tuple[str | None, str | None]]:
    """user_id → (display name, picture) of local accounts, many in one query; at most some hundreds."""
    marks = ", ".join("?" * len(user_ids))
    txn.execute(
        f"SELECT full_user_id, displayname, avatar_url FROM profiles WHERE full_user_id IN ({marks})",
        list(user_ids),
    )
    return {str(user_id): (name, picture) for user_id, name, picture in txn}


def own_messages_txn(
    txn: LoggingTransaction, room_id: str, sender: str, since_ms: int, most: int
) -> list[tuple[str, JsonDict]]:
    """(event id, content) of one sender's messages in a room since a time, the oldest first: what came of a crash.

    By Synapse's index on times: a room's whole history is never read.
    """
    txn.execute(
        "SELECT e.event_id, j.json FROM events AS e JOIN event_json AS j ON j.event_id = e.event_id"
        " WHERE e.origin_server_ts >= ? AND e.room_id = ? AND e.sender = ? AND e.type = 'm.room.message'"
        " ORDER BY e.origin_server_ts, e.stream_ordering LIMIT ?",
        (since_ms, room_id, sender, most),
    )
    found = []
    for event_id, text in list(txn):
        content = json.loads(text).get("content")
        if isinstance(content, dict):
            found.append((str(event_id), content))
    return found


def events_since_txn(
    txn: LoggingTransaction, room_id: str, seen: int, before_ms: int, most: int
) -> list[tuple[int, str, JsonDict]]:
    """(place in the stream, event id, event) of messages and redactions of a room after a place, in order.

    Only what came before a time: events of several writers are not always there in the order of their places.
    """
    txn.execute(
        "SELECT e.stream_ordering, e.event_id, j.json FROM events AS e"
        " JOIN event_json AS j ON j.event_id = e.event_id"
        " WHERE e.room_id = ? AND e.stream_ordering > ? AND e.received_ts < ?"
        " AND e.type IN ('m.room.message', 'm.room.redaction') AND NOT e.outlier"
        " AND NOT EXISTS (SELECT 1 FROM rejections AS r WHERE r.event_id = e.event_id)"
        " ORDER BY e.stream_ordering LIMIT ?",
        (room_id, seen, before_ms, most),
    )
    return [(int(place), str(event_id), json.loads(text)) for place, event_id, text in txn]


def messages_txn(
    txn: LoggingTransaction, room_id: str, after: int, most: int
) -> list[tuple[int, str, JsonDict, bool]]:
    """(place in the stream, event id, event, whether it was deleted) of what was said after a place, in order."""
    txn.execute(
        "SELECT e.stream_ordering, e.event_id, j.json, EXISTS"
        " (SELECT 1 FROM redactions AS r WHERE r.redacts = e.event_id) FROM events AS e"
        " JOIN event_json AS j ON j.event_id = e.event_id"
        " WHERE e.room_id = ? AND e.stream_ordering > ? AND e.type IN"
        " ('m.room.message', 'm.room.encrypted', 'm.sticker', 'm.reaction', 'm.poll.start',"
        " 'org.matrix.msc3381.poll.start') AND NOT e.outlier"
        " AND NOT EXISTS (SELECT 1 FROM rejections AS x WHERE x.event_id = e.event_id)"
        " ORDER BY e.stream_ordering LIMIT ?",
        (room_id, after, most),
    )
    return [
        (int(place), str(event_id), json.loads(text), bool(gone))
        for place, event_id, text, gone in txn
    ]


async def send_together(
    api: ModuleApi, service_user: str, room_id: str, event_dicts: Sequence[JsonDict]
) -> None:
    """Create events one upon the other and write them in one transaction, as createRoom does with its first ones.

    Every event goes through `check_event_allowed` and Synapse's own rules; an error drops all of them. The membership
    callbacks do not run. At most 100 events stay in one transaction.

    Raises:
        SynapseError: one was refused.
    """
    # Synapse finds the latest event by itself on its main process only.
    latest = await api.run_db_interaction("sferum_latest", _latest_event_txn, room_id)
    handler = api._hs.get_event_creation_handler()
    await handler.create_and_send_new_client_events(
        create_requester(service_user), room_id, latest, event_dicts, ratelimit=False
    )


def _latest_event_txn(txn: LoggingTransaction, room_id: str) -> str:
    """The deepest of a room's last events."""
    txn.execute(
        "SELECT e.event_id FROM event_forward_extremities AS f JOIN events AS e ON e.event_id = f.event_id"
        " WHERE f.room_id = ? ORDER BY e.depth DESC, e.stream_ordering DESC LIMIT 1",
        (room_id,),
    )
    row = txn.fetchone()
    if row is None:
        raise LookupError("the room has no events")
    return str(row[0])


def rooms_created_by_txn(txn: LoggingTransaction, user_id: str) -> list[str]:
    """Rooms a user created, newest first; how a room is found again after a crash in the middle of its creation."""
    txn.execute("SELECT room_id FROM rooms WHERE creator = ?", (user_id,))
    return [str(row[0]) for row in txn]


# --- for the guard: the pieces of Synapse's own resources, put together again with our checks between them


def homeserver_of(api: ModuleApi) -> HomeServer:
    """The server itself; servlets are built from it."""
    return api._hs


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


async def local_membership(api: ModuleApi, user_id: str, room_id: str) -> str | None:
    """Membership of one of our users in any room, also one we only have an invitation to."""
    store = api._hs.get_datastores().main
    found, _ = await store.get_local_current_membership_for_user_in_room(user_id, room_id)
    return found


def search_limiter(api: ModuleApi) -> Ratelimiter:
    """Synapse's own limit on searches for people, `rc_user_directory`."""
    hs = api._hs
    return Ratelimiter(
        store=hs.get_datastores().main,
        clock=hs.get_clock(),
        cfg=hs.config.ratelimiting.rc_user_directory,
    )


def uploader_txn(txn: LoggingTransaction, media_id: str) -> str | None:
    """Who uploaded a local file, or None when there is no such file."""
    txn.execute("SELECT user_id FROM local_media_repository WHERE media_id = ?", (media_id,))
    row = txn.fetchone()
    return None if row is None or row[0] is None else str(row[0])


def inviter_txn(txn: LoggingTransaction, user_id: str, room_id: str) -> str | None:
    """Who invited one of our users to a room, also to one of another server; None: there is no invitation."""
    txn.execute(
        "SELECT m.sender FROM local_current_membership AS c"
        " JOIN room_memberships AS m ON m.event_id = c.event_id"
        " WHERE c.room_id = ? AND c.user_id = ? AND c.membership = 'invite'",
        (room_id, user_id),
    )
    row = txn.fetchone()
    return None if row is None else str(row[0])


@frozen
class Invitation:
    """One of ours is invited to a room; `content` is the invitation's."""

    room_id: str
    sender: str
    content: Mapping[str, Any] = field(hash=False)


def invitations_txn(txn: LoggingTransaction, user_id: str) -> list[Invitation]:
    """Rooms that one of our users is invited to today, also those of other servers; the newest invitation first."""
    txn.execute(
        "SELECT c.room_id, j.json FROM local_current_membership AS c"
        " JOIN event_json AS j ON j.event_id = c.event_id"
        " JOIN events AS e ON e.event_id = c.event_id"
        " WHERE c.user_id = ? AND c.membership = 'invite'"
        " ORDER BY e.stream_ordering DESC, c.room_id",
        (user_id,),
    )
    found = [(str(room_id), json.loads(text)) for room_id, text in txn]
    return [Invitation(room, str(event["sender"]), event["content"]) for room, event in found]


def membership_txn(txn: LoggingTransaction, user_id: str, room_id: str) -> str | None:
    """Membership of anybody in a room that this server is in; None: never there."""
    txn.execute(
        "SELECT membership FROM current_state_events"
        " WHERE room_id = ? AND type = 'm.room.member' AND state_key = ?",
        (room_id, user_id),
    )
    row = txn.fetchone()
    return None if row is None or row[0] is None else str(row[0])


async def server_is_joined(api: ModuleApi, server_name: str, room_id: str) -> bool:
    """Whether somebody of a server is in a room, by the current state that this server holds of it."""
    store = cast(
        "Any", api._hs.get_datastores().main
    )  # mypy does not know what its caches are called with
    return bool(await store.is_host_joined(room_id, server_name))


def room_of_event_txn(txn: LoggingTransaction, event_id: str) -> str | None:
    """The room of an event of this database; None: there is none."""
    txn.execute("SELECT room_id FROM events WHERE event_id = ?", (event_id,))
    row = txn.fetchone()
    return None if row is None else str(row[0])


def wrap_edu(
    api: ModuleApi,
    edu_type: str,
    narrow: Callable[[str, dict[str, Any]], Awaitable[dict[str, Any] | None]],
) -> bool:
    """Put `narrow` before the handler of an EDU of other servers; None from it drops the EDU.

    A transaction is signed as a whole, so its parts cannot be filtered over HTTP. Returns whether this process handles
    the EDU at all.
    """
    hs = api._hs
    hs.get_device_message_handler()  # registers the handler on the process that writes to-device messages
    handlers = hs.get_federation_registry().edu_handlers
    handler = handlers.get(edu_type)
    if handler is None:
        return False

    async def narrowed(origin: str, content: dict[str, Any]) -> None:
        kept = await narrow(origin, content)
        if kept is not None:
            await handler(origin, kept)

    handlers[edu_type] = narrowed
    return True


def federation_whitelist(api: ModuleApi) -> dict[str, bool] | None:
    """Servers that Synapse itself talks to, as this process holds them: one dict, which all its parts look at.

    None when homeserver.yaml has no list. What is put into the dict holds from then on.
    """
    return api._hs.config.federation.federation_domain_whitelist


class PinnedKeys:
    """Matrix signing keys of listed servers, as the district's register names them; Synapse's `KeyFetcher` interface.

    Without a `fetcher` it answers with the register's keys. Around one of Synapse's it keeps that one from being
    asked for a server that the register gives keys: not the database, not a notary, not the server itself.
    """

    def __init__(
        self, fetcher: KeyFetcher | None, pinned: Callable[[str], Awaitable[Mapping[str, str]]]
    ) -> None:
        self._fetcher, self._pinned = fetcher, pinned

    async def get_keys(
        self, server_name: str, key_ids: list[str], minimum_valid_until_ts: int
    ) -> dict[str, FetchKeyResult]:
        """For requests and events alike."""
        pins = await self._pinned(server_name)
        if self._fetcher is not None:
            if pins:
                return {}
            return await self._fetcher.get_keys(server_name, key_ids, minimum_valid_until_ts)
        return {
            key_id: FetchKeyResult(
                decode_verify_key_bytes(key_id, decode_base64(pins[key_id])), _FOREVER_MS
            )
            for key_id in key_ids
            if key_id in pins
        }

    def shutdown(self) -> None:
        """When the server stops."""
        if self._fetcher is not None:
            self._fetcher.shutdown()


def pin_keys(api: ModuleApi, pinned: Callable[[str], Awaitable[Mapping[str, str]]]) -> None:
    """From now on a server for which `pinned` names keys (key id → base64) speaks with those, and with no other."""
    fetchers = api._hs.get_keyring()._key_fetchers
    guarded: list[Any] = [PinnedKeys(fetcher, pinned) for fetcher in (None, *fetchers)]
    fetchers[:] = guarded


async def register_account(api: ModuleApi, user_id: str, name: str) -> None:
    """A new account without a password.

    `ModuleApi.register_user` refuses the sender of an application service, which is what the bridge's account is.
    """
    await api._hs.get_registration_handler().register_with_store(
        user_id=user_id, create_profile_with_displayname=name
    )


async def lift_rate_limits(api: ModuleApi, user_id: str) -> None:
    """From now on none of Synapse's limits on events, invitations and joins holds this account back.

    As `POST /_synapse/admin/v1/users/{user_id}/override_ratelimit` does it; the module API's own callback reaches
    the limits of invitations only.
    """
    store = api._hs.get_datastores().main
    await store.set_ratelimit_for_user(user_id, messages_per_second=0, burst_count=0)


# --- for login: passwords stay Synapse's, the decision who may try is ours


class Passwords:
    """Synapse's own password hashes, with its pepper and bcrypt."""

    def __init__(self, api: ModuleApi) -> None:
        self._handler = api._hs.get_auth_handler()

    async def find(self, user_id: str) -> tuple[str, str | None] | None:
        """(user id as it is written, hash or None when there is no password); None for no such user. Any case."""
        return await self._handler._find_user_id_and_pwd_hash(user_id)

    async def match(self, password: str, stored: str) -> bool:
        """Whether this password has this hash. Takes as long as `bcrypt_rounds` wants, in a thread."""
        return await self._handler.validate_hash(password, stored)

    async def hash(self, password: str) -> str:
        """The hash of a password; a new one each time."""
        return await self._handler.hash(password)

    def take_over(self) -> None:
        """Make Synapse's own check say no to everybody.

        After a module's no, `AuthHandler._validate_userid_login` asks the local database as well: the password would be
        looked at twice for those who exist and once for those who do not, and past every limit of the module.
        """

        async def nobody(user_id: str, password: str) -> None:
            del user_id, password

        self._handler._check_local_password = nobody  # type: ignore[method-assign]


def owner_of_threepid_txn(txn: LoggingTransaction, medium: str, address: str) -> str | None:
    """Whose phone or e-mail this is, in the form in which Synapse keeps it."""
    txn.execute(
        "SELECT user_id FROM user_threepids WHERE medium = ? AND address = ?", (medium, address)
    )
    row = txn.fetchone()
    return None if row is None else str(row[0])


# --- for the role badge: custom profile fields (MSC4133), which ModuleApi does not have yet


async def profile_field(api: ModuleApi, user: UserID, name: str) -> object:
    """A custom field of one of our users, None when it is not set."""
    store = api._hs.get_datastores().main
    try:
        return (await store.get_profile_fields(user)).get(name)
    except StoreError as error:
        if error.code != 404:  # no profile at all, as after an erasure
            raise
        return None


async def set_profile_field(
    api: ModuleApi, user: UserID, name: str, value: dict[str, Any] | None
) -> None:
    """Write a custom field, or take it away with None; on whichever process writes profiles."""
    handler, requester = api._hs.get_profile_handler(), create_requester(user)
    if value is None:
        await handler.dispatch_delete_profile_field(
            target_user=user, requester=requester, field_name=name, by_admin=True
        )
    else:
        await handler.dispatch_set_profile_field(
            target_user=user, requester=requester, field_name=name, new_value=value, by_admin=True
        )


# --- for quiet hours (R49): pushes are held where they are sent, so that nothing of delivery changes

#: Seconds after which a held pusher looks again, in case the rules have been changed; and where a gateway was away.
_LOOK_AGAIN_S, _TRY_AGAIN_S = 900, 60
#: Messages of one look. Synapse's own 20 are the oldest ones: what is urgent is often the twenty-first.
_MOST_WAITING = 10_000
#: Urgent messages that are remembered as sent already, of one device.
_MOST_AHEAD = 100


class HeldPusher(HttpPusher):
    """A device's pusher that waits while it is quiet for its owner.

    What waits stays in Synapse's own table, so a restart loses nothing. When the quiet ends one push goes out, of the
    newest message that is still unread, with the number of all; a night's forty do not ring one after the other.
    """

    def __init__(self, hs: HomeServer, config: PusherConfig, holding: Holding) -> None:
        super().__init__(hs, config)
        self._holding = holding
        # After a start it is not known whether something was held: a backlog is taken as one.
        self._held = True
        self._ahead: list[str] = []
        self._looked_at = self.last_stream_ordering
        self._ended = False

    def on_stop(self) -> None:
        """The device is gone, or the server stops."""
        self._ended = True
        super().on_stop()

    async def _unsafe_process(self) -> None:
        until_ms = await self._holding.until_ms(self.user_id)
        if until_ms is None:
            if self._held:
                await self._send_the_newest()
            await super()._unsafe_process()
            return
        self._held = True
        sent = await self._send_the_urgent()
        failing = bool(self.failing_since) or not sent
        self._wake(until_ms, _TRY_AGAIN_S if failing else _LOOK_AGAIN_S)

    async def _send_the_urgent(self) -> bool:
        """What passes goes ahead; each message is looked at once. False: the gateway was away."""
        for action in await self._waiting(max(self._looked_at, self.last_stream_ordering)):
            event = await self.store.get_event(action.event_id, allow_none=True)
            if event is not None and await self._holding.passes(event):
                if not await self._process_one(action):
                    return False
                self._ahead = [*self._ahead[1 - _MOST_AHEAD :], action.event_id]
            self._looked_at = action.stream_ordering
        return True

    async def _waiting(self, after: int) -> list[HttpPushAction]:
        found = await self.store.get_unread_push_actions_for_user_in_range_for_http(
            self.user_id, after, self.max_stream_ordering, _MOST_WAITING
        )
        return [action for action in found if action.event_id not in self._ahead]

    async def _send_the_newest(self) -> None:
        """After a hold: one push for all that waited; what went ahead does not go again."""
        until = self.max_stream_ordering
        waiting = [
            action
            for action in await self._waiting(self.last_stream_ordering)
            if action.stream_ordering <= until
        ]
        self._held = False
        if len(waiting) < 2 and not self._ahead:
            return  # nothing to leave out: Synapse's own way, which tries again when the gateway is away
        sent = not waiting or await self._process_one(waiting[-1])
        self._ahead = []
        self.last_stream_ordering = until if sent else waiting[-1].stream_ordering - 1
        await self.store.update_pusher_last_stream_ordering(
            self.app_id, self.pushkey, self.user_id, self.last_stream_ordering
        )

    def _wake(self, until_ms: int, most_s: int) -> None:
        waking: Any = self.timed_call  # Twisted types `active` without its `self`
        if waking is not None and waking.active():
            waking.cancel()
        if not self._ended:
            seconds = min(max((until_ms - self.clock.time_msec()) / 1000, 1), most_s)
            waking = self.hs.get_clock().call_later(Duration(seconds=seconds), self.on_timer)
            self.timed_call = waking


class Holding(Protocol):
    """What a pusher asks."""

    async def until_ms(self, user_id: str) -> int | None:
        """Until when it is quiet for somebody, milliseconds since 1970; None: it is not."""

    async def passes(self, event: EventBase) -> bool:
        """Whether this message is sent all the same."""


def hold_pushes(api: ModuleApi, holding: Holding) -> None:
    """From now on, pushers of this process ask first. Call before Synapse starts them."""
    types = api._hs.get_pusherpool().pusher_factory.pusher_types
    types["http"] = lambda hs, config: HeldPusher(hs, config, holding)
