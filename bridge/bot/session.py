"""The bot as a Matrix client: signed in by the application service, on one device that stays (matrix-nio).

nio returns its errors; here they are raised.
"""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Awaitable, Mapping
from contextlib import asynccontextmanager
from typing import Any, TypeVar

import aiohttp
import nio
from attrs import define, evolve, field

from bridge.bot.cross_signing import CannotSign, Identity, sign
from bridge.bot.folder import Folder
from bridge.bot.heard import Heard
from bridge.bot.hearing import heard_in
from bridge.ports_homeserver import Homeserver
from bridge.roles import UserId
from serving.json_http import JsonHttp, NoAnswer, path_of
from serving.json_object import BadJson

T = TypeVar("T")

logger = logging.getLogger(__name__)

CLIENT = "/_matrix/client/v3"
#: Loggers of nio that quote whole answers and events.
for _name in ("nio.responses", "nio.events.misc"):
    logging.getLogger(_name).disabled = True
#: What of the server's news the bot asks for.
NOTHING: dict[str, Any] = {"types": []}
FILTER = {
    "presence": NOTHING,
    "account_data": NOTHING,
    "room": {"account_data": NOTHING, "ephemeral": NOTHING, "timeline": {"limit": 100}},
}
#: Events that were said while the bot was away: pages of a hundred, and how many of them.
PAGE, MOST_PAGES = 100, 20
#: Encrypted events whose keys have not come yet; the oldest are given up.
MOST_SEALED = 200


class BotDown(Exception):
    """Synapse cannot be reached, is busy, or does not let the bot in: try again later."""


class KeysLost(BotDown):
    """The server has other one-time keys under our names: the process was killed between giving and keeping them."""


class BotRefused(Exception):
    """Synapse said no to one request. `errcode` is Matrix's, such as M_FORBIDDEN."""

    def __init__(self, errcode: str) -> None:
        super().__init__(errcode)
        self.errcode = errcode


async def checked(answer: Awaitable[T | nio.ErrorResponse]) -> T:
    """Await a nio call; its result, never its error.

    Raises:
        BotRefused: the server refused.
        BotDown: no answer, or one that means "later".
    """
    try:
        response = await answer
    except (aiohttp.ClientError, TimeoutError, OSError) as error:
        raise BotDown(type(error).__name__) from None
    except (
        nio.exceptions.ProtocolError
    ) as error:  # of nio itself: it lacks something that a sync brings
        raise BotDown(type(error).__name__) from None
    if isinstance(response, nio.ErrorResponse):
        code = str(response.status_code or "M_UNKNOWN")
        if isinstance(response, nio.KeysUploadError) and "already exists" in str(response.message):
            raise KeysLost("one-time keys are others")  # Synapse has no code for it
        if code in {"M_UNKNOWN", "M_LIMIT_EXCEEDED", "M_UNKNOWN_TOKEN", "M_MISSING_TOKEN"}:
            raise BotDown(code)
        raise BotRefused(code)
    return response


@define(eq=False)
class Session:
    """One signed-in device. Every call may raise BotDown or BotRefused."""

    user_id: UserId
    device_id: str
    _client: nio.AsyncClient = field(repr=False)
    _http: JsonHttp = field(repr=False)  # as this device, for what nio has no call for
    _folder: Folder
    _since: str | None = None
    _first: nio.SyncResponse | None = field(default=None, init=False, repr=False)
    _sealed: list[tuple[str, nio.MegolmEvent]] = field(factory=list, init=False)

    @classmethod
    @asynccontextmanager
    async def open(
        cls, user_id: UserId, folder: Folder, as_http: JsonHttp, homeserver: Homeserver
    ) -> AsyncIterator[Session]:
        """Sign in, sync, upload keys, sign the device: in this order, else nobody can read what it writes.

        Args:
            as_http: with the application service's token.
        """
        device_id = folder.device_id(user_id)
        token = await _sign_in(as_http, user_id, device_id)
        http = evolve(as_http, token=token)
        client = nio.AsyncClient(
            as_http.base_url,
            user_id,
            device_id,
            store_path=str(folder.path),
            config=nio.AsyncClientConfig(
                pickle_key=folder.pickle_key, max_timeouts=0, max_limit_exceeded=3
            ),
        )
        session = cls(user_id, device_id, client, http, folder, folder.read_until())
        try:
            client.restore_login(user_id, device_id, token)
            await session._begin(as_http, homeserver)
            yield session
        finally:
            await client.close()
            if client.store is not None:
                client.store.database.close()

    async def _begin(self, as_http: JsonHttp, homeserver: Homeserver) -> None:
        # All state, and what was said since. With another token than `listen` has, rooms would be others than its
        # events are of: Synapse answers an initial sync from a cache for two minutes. And nio opens no answer twice.
        first = await checked(
            self._client.sync(sync_filter=FILTER, since=self._since, full_state=True)
        )
        try:
            await self._exchange_keys()
        except KeysLost:
            logger.error("bot device is replaced why=one-time keys are others")  # noqa: TRY400 (the word says it all)
            self._folder.forget_device()
            raise
        identity = Identity.of(self.user_id, self._folder.seeds())
        own_key = self._client.olm.account.identity_keys["ed25519"]
        try:
            await sign(self._http, as_http.token, identity, self.device_id, own_key)
        except CannotSign as error:
            logger.error("bot device not signed why=%s", error)  # noqa: TRY400 (the word says it all)
            if str(error) == "other device keys":
                self._folder.forget_device()
            raise BotDown(str(error)) from None
        except (NoAnswer, BadJson) as error:
            raise BotDown(str(error)) from None
        await self._lift_limit(as_http)
        devices = await homeserver.devices(self.user_id)
        old = [one.device_id for one in devices if one.device_id != self.device_id]
        if old:
            await homeserver.delete_devices(self.user_id, old)
        if self._since is None:
            # A new device decides on nothing that was said before it.
            self._since = first.next_batch
            self._folder.keep_reading(first.next_batch)
        else:
            self._first = first

    async def _lift_limit(self, as_http: JsonHttp) -> None:
        """A morning's fifty applications are 150 events; Synapse would slow them down like a person's."""
        path = "/_synapse/admin/v1" + path_of("users", self.user_id, "override_ratelimit")
        try:
            answer = await as_http.ask("POST", path, {"messages_per_second": 0, "burst_count": 0})
        except NoAnswer as lost:
            raise BotDown(str(lost)) from None
        if not answer.ok:
            logger.warning("bot is slowed down by Synapse status=%s", answer.status)

    async def listen(self, timeout_ms: int) -> list[Heard]:
        """What was said since `handled` was called last, the oldest first. Waits so long for something."""
        answer = self._first or await self._next(timeout_ms)
        self._first = None
        heard = self._unsealed()
        for room_id, room in answer.rooms.join.items():
            events = list(room.timeline.events)
            if room.timeline.limited:
                events = [*await self._missed(room_id, room.timeline.prev_batch), *events]
            heard += self._heard(room_id, events)
        self._since = answer.next_batch
        return heard

    async def _next(self, timeout_ms: int) -> nio.SyncResponse:
        answer = await checked(
            self._client.sync(timeout=timeout_ms, sync_filter=FILTER, since=self._since)
        )
        await self._exchange_keys()
        return answer

    def handled(self) -> None:
        """Everything heard was dealt with: after a restart it is not heard again."""
        if self._since is not None:
            self._folder.keep_reading(self._since)

    async def send(
        self, room_id: str, content: Mapping[str, Any], txn_id: str, kind: str = "m.room.message"
    ) -> str:
        """Its event id. The same `txn_id` again sends nothing and answers the same."""
        if room_id not in self._client.rooms:
            raise BotRefused("M_NOT_FOUND")
        sent = await checked(
            self._client.room_send(
                room_id, kind, dict(content), txn_id, ignore_unverified_devices=True
            )
        )
        return str(sent.event_id)

    async def is_redacted(self, room_id: str, event_id: str) -> bool:
        """Whether the message was taken back, or cannot be seen."""
        unsigned = await self._unsigned(room_id, event_id)
        return unsigned is None or "redacted_because" in unsigned

    async def sent_as(self, room_id: str, event_id: str) -> str | None:
        """The `txn_id` of what this device has sent; None for everything else."""
        txn_id = (await self._unsigned(room_id, event_id) or {}).get("transaction_id")
        return txn_id if isinstance(txn_id, str) else None

    async def _unsigned(self, room_id: str, event_id: str) -> Mapping[str, Any] | None:
        """What the server says about an event; None if it cannot be seen."""
        try:
            answer = await self._http.ask(
                "GET", CLIENT + path_of("rooms", room_id, "event", event_id)
            )
        except NoAnswer as lost:
            raise BotDown(str(lost)) from None
        if not answer.ok:
            return None
        unsigned = answer.json.raw.get("unsigned")
        return unsigned if isinstance(unsigned, dict) else {}

    async def _exchange_keys(self) -> None:
        client = self._client
        if client.outgoing_to_device_messages:
            await client.send_to_device_messages()
        if client.should_upload_keys:
            await checked(client.keys_upload())
        if client.should_query_keys:
            await checked(client.keys_query())
        if client.should_claim_keys:
            await checked(client.keys_claim(client.get_users_for_key_claiming()))

    async def _missed(self, room_id: str, start: str) -> list[nio.Event]:
        """Between the last look and the part that /sync gives, the oldest first."""
        newest_first: list[nio.Event] = []
        for _ in range(MOST_PAGES):
            page = await checked(
                self._client.room_messages(room_id, start=start, end=self._since, limit=PAGE)
            )
            newest_first += page.chunk
            if not page.chunk or not page.end:
                break
            start = page.end
        return newest_first[::-1]

    def _heard(self, room_id: str, events: list[nio.Event]) -> list[Heard]:
        self._sealed += [(room_id, one) for one in events if isinstance(one, nio.MegolmEvent)]
        del self._sealed[:-MOST_SEALED]
        return heard_in(room_id, events, self.user_id)

    def _unsealed(self) -> list[Heard]:
        """Events whose keys came later than themselves."""
        waiting, self._sealed = self._sealed, []
        heard: list[Heard] = []
        for room_id, event in waiting:
            try:
                opened = self._client.decrypt_event(event)
            except nio.exceptions.EncryptionError:
                self._sealed.append((room_id, event))
            else:
                heard += heard_in(room_id, [opened], self.user_id)
        return heard


async def _sign_in(as_http: JsonHttp, user_id: UserId, device_id: str) -> str:
    """An access token for the device; the one before is dead, what the device knows is not."""
    body = {
        "type": "m.login.application_service",
        "identifier": {"type": "m.id.user", "user": user_id},
        "device_id": device_id,
        "initial_device_display_name": "Sferum",
    }
    try:
        answer = await as_http.ask("POST", f"{CLIENT}/login", body)
        if not answer.ok:
            logger.error("bot cannot sign in status=%s", answer.status)
            raise BotDown(answer.errcode or str(answer.status))
        return answer.json.text("access_token")
    except (NoAnswer, BadJson) as error:
        raise BotDown(str(error)) from None
