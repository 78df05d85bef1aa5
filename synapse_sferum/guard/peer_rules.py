"""The guard's rules for /_matrix/federation: who is let in at all, and what a listed server may see (R4).

A server outside the register is refused before its keys are even asked for. A listed one reaches those of us whom the
register names, and nobody else: Synapse's own whitelist is all or nothing (isolation.md §0.4).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

from attrs import frozen
from synapse.module_api import ModuleApi
from synapse.module_api.errors import Codes, SynapseError

from synapse_sferum.facts import Facts, PeerServer
from synapse_sferum.guard import bodies
from synapse_sferum.guard.resource import ServletCallback
from synapse_sferum.guard.uploads import Uploads
from synapse_sferum.metrics import DECISIONS
from synapse_sferum.parties import server_of
from synapse_sferum.policy import Deny, may_meet_peer
from synapse_sferum.private.routes import Authenticator, NoAuthenticationError
from synapse_sferum.private.server import homeserver_of

if TYPE_CHECKING:
    from synapse.http.site import SynapseRequest


@frozen(eq=False)
class Expected:
    """A guarded request on its way to the authenticator."""

    rule: str
    arguments: dict[str, str]


#: Checks one request of a listed server; may narrow the content in place.
PeerRule = Callable[["SynapseRequest", Expected, PeerServer, dict[str, Any]], Awaitable[None]]


def not_found() -> SynapseError:
    """The one answer for people and files that a listed server does not see."""
    return SynapseError(404, "Not found", Codes.NOT_FOUND)


class PeerRules(Authenticator):
    """Synapse's authenticator of federation requests, with the register before and the rules after it."""

    def __init__(self, api: ModuleApi, facts: Facts, service_user: str) -> None:
        super().__init__(homeserver_of(api))
        self._facts = facts
        self._uploads = Uploads(api, facts, service_user)
        self._service_user = service_user
        self._expected: WeakKeyDictionary[SynapseRequest, Expected] = WeakKeyDictionary()
        self._rules: dict[str, PeerRule] = {
            "devices": self._one_user,
            "event": self._event,
            "invite": self._invite,
            "join": self._join,
            "keys_claim": self._keys,
            "keys_query": self._keys,
            "leave": self._leave,
            "media": self._media,
            "peer": self._peer,
            "query": self._query,
            "room": self._room,
        }

    def guarded(self, rule: str, callback: ServletCallback) -> ServletCallback:
        """A servlet's method; its rule runs when the servlet authenticates the request.

        Raises:
            KeyError: no such rule.
        """
        self._rules[rule]

        async def answer(request: SynapseRequest, **arguments: str) -> Any:
            self._expected[request] = Expected(rule, arguments)
            return await callback(request, **arguments)

        return answer

    async def authenticate_request(
        self, request: SynapseRequest, content: dict[str, Any] | None
    ) -> str:
        """Called by every servlet before it does anything.

        Raises:
            SynapseError: 403 for a server outside the register, 404 for what a listed one does not see, 401 for a bad
                signature.
        """
        expected = self._expected.pop(request, None)
        if expected is None:
            # version and openid need no signature, and we need not fetch anyone's keys to answer them.
            raise NoAuthenticationError(401, "Missing Authorization headers", Codes.UNAUTHORIZED)
        headers = request.requestHeaders.getRawHeaders("Authorization") or []
        for claimed in bodies.claimed_origins(headers):
            await self._listed(claimed)
        origin = await super().authenticate_request(request, content)
        peer = await self._listed(origin)
        await self._rules[expected.rule](request, expected, peer, content or {})
        return origin

    async def _listed(self, server_name: str) -> PeerServer:
        peer = await self._facts.peer_server(server_name)
        if peer is None:
            DECISIONS.labels("federation", Deny.UNKNOWN_SERVER.value).inc()
            raise SynapseError(403, "This server is not in the register", Codes.FORBIDDEN)
        return peer

    async def hidden(self, peer: PeerServer, user_id: str) -> bool:
        """Whether one of our users is invisible to a listed server."""
        account = await self._facts.account(user_id)
        unconfirmed = account is not None and account.unconfirmed(
            self._facts.today(account.timezone)
        )
        refused = may_meet_peer(account, peer.role_pairs, unconfirmed=unconfirmed)
        if refused is not None:
            DECISIONS.labels("federation", refused.value).inc()
        return refused is not None

    async def narrow_to_device(self, origin: str, content: dict[str, Any]) -> dict[str, Any] | None:
        """To-device messages of another server: only those to people it may reach; None drops all."""
        peer = await self._facts.peer_server(origin)
        users = bodies.named_users(content, "messages")
        if peer is None or users is None:
            return None
        return bodies.without(
            content, "messages", [user for user in users if await self.hidden(peer, user)]
        )

    async def _peer(
        self, request: SynapseRequest, expected: Expected, peer: PeerServer, content: dict[str, Any]
    ) -> None:
        """Listed is enough: what a transaction carries is judged piece by piece."""

    async def _room(
        self, request: SynapseRequest, expected: Expected, peer: PeerServer, content: dict[str, Any]
    ) -> None:
        """State and history: where somebody of that server is today. A room without them looks like no room."""
        if not await self._facts.server_is_joined(peer.server_name, expected.arguments["room_id"]):
            raise not_found()

    async def _event(
        self, request: SynapseRequest, expected: Expected, peer: PeerServer, content: dict[str, Any]
    ) -> None:
        room_id = await self._facts.room_of_event(expected.arguments["event_id"])
        if room_id is None or not await self._facts.server_is_joined(peer.server_name, room_id):
            raise not_found()

    async def _leave(
        self, request: SynapseRequest, expected: Expected, peer: PeerServer, content: dict[str, Any]
    ) -> None:
        """One of theirs leaves, or declines: only where they are, or are invited."""
        user_id = expected.arguments.get("user_id") or content.get("state_key")
        if not isinstance(user_id, str) or server_of(user_id) != peer.server_name:
            raise not_found()
        room_id = expected.arguments["room_id"]
        if await self._facts.membership(user_id, room_id) not in {"invite", "join"}:
            raise not_found()

    async def _one_user(
        self, request: SynapseRequest, expected: Expected, peer: PeerServer, content: dict[str, Any]
    ) -> None:
        if await self.hidden(peer, expected.arguments["user_id"]):
            raise not_found()

    async def _query(
        self, request: SynapseRequest, expected: Expected, peer: PeerServer, content: dict[str, Any]
    ) -> None:
        users = (request.args or {}).get(b"user_id", [])
        if expected.arguments["query_type"] != "profile" or not users:
            raise not_found()
        for user in users:
            if await self.hidden(peer, user.decode("utf-8", "replace")):
                raise not_found()

    async def _invite(
        self, request: SynapseRequest, expected: Expected, peer: PeerServer, content: dict[str, Any]
    ) -> None:
        target = bodies.invited_in(content)
        if target == self._service_user:
            # `federated_user_may_invite` knows whether it is a room that the register gives us (ADR 30).
            return
        if target is None or await self.hidden(peer, target):
            raise SynapseError(403, "This user cannot be invited", Codes.FORBIDDEN)

    async def _join(
        self, request: SynapseRequest, expected: Expected, peer: PeerServer, content: dict[str, Any]
    ) -> None:
        """Before the room is given out: to one of theirs who is invited, and never a room of the school's own.

        What comes by send_join no callback judges before Synapse answers with the whole room (isolation.md §1).
        """
        room_id = expected.arguments["room_id"]
        user_id = expected.arguments.get("user_id") or content.get("state_key")
        if not isinstance(user_id, str) or server_of(user_id) != peer.server_name:
            raise not_found()
        if await self._facts.managed_room(room_id) is not None:
            raise not_found()
        if await self._facts.membership(user_id, room_id) not in {"invite", "join"}:
            raise not_found()

    async def _keys(
        self, request: SynapseRequest, expected: Expected, peer: PeerServer, content: dict[str, Any]
    ) -> None:
        field = "device_keys" if expected.rule == "keys_query" else "one_time_keys"
        users = bodies.named_users(content, field)
        if users is None:
            raise SynapseError(400, f"'{field}' must map users to devices", Codes.BAD_JSON)
        for user in users:
            if await self.hidden(peer, user):
                del content[field][user]

    async def _media(
        self, request: SynapseRequest, expected: Expected, peer: PeerServer, content: dict[str, Any]
    ) -> None:
        uploader = await self._uploads.uploader(expected.arguments["media_id"])
        if uploader is None or await self.hidden(peer, uploader):
            raise not_found()
