"""The guard's rules for /_matrix/client: one method per word of `routes.txt`.

Each either answers itself or passes the request on, whole or narrowed. An answer never tells whether a hidden person,
file or room exists: unknown ones take the same path (design §3).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from synapse.module_api import ModuleApi
from synapse.module_api.errors import Codes, SynapseError

from synapse_sferum.account import rooms_of
from synapse_sferum.config import Config
from synapse_sferum.facts import Facts
from synapse_sferum.guard import bodies
from synapse_sferum.guard.ask import Answer, Ask, Rule
from synapse_sferum.guard.resource import ServletCallback
from synapse_sferum.guard.uploads import Uploads
from synapse_sferum.metrics import DECISIONS
from synapse_sferum.own_accounts import own_accounts
from synapse_sferum.parties import Parties
from synapse_sferum.policy import Deny, may_meet_peer, may_reach_device, may_read_profile
from synapse_sferum.private.rooms import local_membership
from synapse_sferum.private.server import search_limiter
from synapse_sferum.search import PeopleSearch

if TYPE_CHECKING:
    from synapse.http.site import SynapseRequest

#: Profile fields that the school writes (docs/contracts.md §3).
_SCHOOL_FIELDS = ("displayname", "org.sferum.")


class ClientRules:
    """Everything in the client API that callbacks cannot close (isolation.md §9)."""

    def __init__(self, api: ModuleApi, config: Config, facts: Facts, service_user: str) -> None:
        self._api = api
        self._facts = facts
        self._service_user = service_user
        self._bridge_user = own_accounts(api, config).bridge_user
        self._gateways = frozenset(config.push_gateways)
        self._parties = Parties(api, config, facts, service_user)
        self._uploads = Uploads(api, facts, service_user)
        self._search = PeopleSearch(api, config, facts, service_user)
        self._search_limiter = search_limiter(api)
        self._rules: dict[str, Rule] = {
            "alias": self._alias,
            "join": self._join,
            "keys_claim": self._keys_claim,
            "keys_query": self._keys_query,
            "media": self._media,
            "membership": self._membership,
            "mutual_rooms": self._mutual_rooms,
            "own_profile": self._own_profile,
            "people_search": self._people_search,
            "presence": self._presence,
            "profile": self._profile,
            "public_rooms": self._public_rooms,
            "pusher": self._pusher,
            "report_user": self._report_user,
            "room_preview": self._room_preview,
            "room_report": self._room_report,
            "signatures": self._signatures,
            "to_device": self._to_device,
        }

    def guarded(self, rule: str, callback: ServletCallback) -> ServletCallback:
        """A servlet's method with a rule in front.

        Raises:
            KeyError: no such rule.
        """
        decide = self._rules[rule]

        async def answer(request: SynapseRequest, **arguments: str) -> Answer:
            return await decide(Ask(request, arguments, callback))

        return answer

    async def _requester(self, ask: Ask) -> str:
        requester = await self._api.get_user_by_req(ask.request)
        return requester.user.to_string()

    def _count(self, rule: str, reason: Deny) -> None:
        DECISIONS.labels(rule, reason.value).inc()

    # --- people

    async def _cannot_see(self, rule: str, reader: str, target: str) -> bool:
        """R1: names and pictures are for one's own school."""
        if reader in {self._service_user, target}:
            return False
        if target == self._service_user:
            # It writes the announcements; its name is no secret from people of a school.
            return await self._facts.account(reader) is None
        parties = await self._parties.of([reader, target])
        refused = may_read_profile(parties[reader], parties[target])
        if refused is not None:
            self._count(rule, refused)
        return refused is not None

    async def _profile(self, ask: Ask) -> Answer:
        if await self._cannot_see("profile", await self._requester(ask), ask.arguments["user_id"]):
            raise SynapseError(404, "Profile was not found", Codes.NOT_FOUND)
        return await ask.pass_on()

    async def _presence(self, ask: Ask) -> Answer:
        if await self._cannot_see("presence", await self._requester(ask), ask.arguments["user_id"]):
            raise SynapseError(403, "You are not allowed to see their presence.", Codes.FORBIDDEN)
        return await ask.pass_on()

    async def _own_profile(self, ask: Ask) -> Answer:
        requester = await self._requester(ask)
        field = ask.arguments["field_name"]
        own = ask.arguments["user_id"] == requester
        if requester != self._service_user and (not own or field.startswith(_SCHOOL_FIELDS)):
            self._count("own_profile", Deny.RENAMED)
            raise SynapseError(403, "This is written by the school", Codes.FORBIDDEN)
        return await ask.pass_on()

    async def _mutual_rooms(self, ask: Ask) -> Answer:
        requester = await self._requester(ask)
        for target in ask.query(b"user_id"):
            if await self._cannot_see("mutual_rooms", requester, target):
                return 200, {"joined": [], "count": 0}
        return await ask.pass_on()

    async def _report_user(self, ask: Ask) -> Answer:
        target = ask.arguments["target_user_id"]
        if await self._cannot_see("report_user", await self._requester(ask), target):
            return 200, {}
        return await ask.pass_on()

    async def _people_search(self, ask: Ask) -> Answer:
        requester = await self._api.get_user_by_req(ask.request)
        await self._search_limiter.ratelimit(requester)
        body = ask.body()
        term, limit = body.get("search_term"), body.get("limit", 10)
        if not isinstance(term, str):
            raise SynapseError(400, "`search_term` is required field", Codes.MISSING_PARAM)
        if not isinstance(limit, int):
            raise SynapseError(400, "`limit` must be a number", Codes.INVALID_PARAM)
        found, limited = await self._search.search(
            requester.user.to_string(), term, max(0, min(limit, 50))
        )
        results = []
        for person in found:
            localpart = person.user_id[1:].partition(":")[0]
            profile = await self._api.get_profile_for_user(localpart)
            results.append(
                {
                    "user_id": person.user_id,
                    "display_name": person.display_name,
                    "avatar_url": profile.avatar_url,
                }
            )
        return 200, {"limited": limited, "results": results}

    # --- devices

    async def _hidden(self, rule: str, requester: str, users: list[str]) -> set[str]:
        """Those of `users` whose devices the requester may not reach."""
        if requester == self._service_user:
            return set()
        parties = await self._parties.of([requester, *users])
        who = parties[requester]
        hidden = {}
        for user in users:
            refused = may_reach_device(who, parties[user])
            if refused is not None:
                hidden[user] = refused
        for reason in hidden.values():
            self._count(rule, reason)
        return set(hidden)

    async def _keys_query(self, ask: Ask) -> Answer:
        requester = await self._requester(ask)
        body = ask.body()
        hidden = await self._narrow(ask, body, "device_keys", requester, "keys_query")
        answer = await ask.pass_on()
        if hidden and answer is not None and answer[0] == 200:
            # What Synapse says of a local user without devices, and of one who does not exist.
            devices = answer[1].setdefault("device_keys", {})
            devices.update({user: {} for user in sorted(hidden)})
        return answer

    async def _keys_claim(self, ask: Ask) -> Answer:
        requester = await self._requester(ask)
        body = ask.body()
        if not bodies.well_formed(body, "one_time_keys", dict):
            raise SynapseError(400, "'one_time_keys' must map users to devices", Codes.BAD_JSON)
        await self._narrow(ask, body, "one_time_keys", requester, "keys_claim")
        return await ask.pass_on()

    async def _to_device(self, ask: Ask) -> Answer:
        requester = await self._requester(ask)
        body = ask.body()
        if not bodies.well_formed(body, "messages", dict):
            raise SynapseError(400, "'messages' must map users to devices", Codes.BAD_JSON)
        await self._narrow(ask, body, "messages", requester, "to_device")
        return await ask.pass_on()

    async def _signatures(self, ask: Ask) -> Answer:
        """Signatures under other people's keys; Synapse's failures would tell who has which."""
        requester = await self._requester(ask)
        body = {"signatures": ask.body()}
        if not bodies.well_formed(body, "signatures", dict):
            raise SynapseError(400, "The body must map users to keys", Codes.BAD_JSON)
        users = bodies.named_users(body, "signatures") or []
        hidden = await self._hidden("signatures", requester, users)
        if hidden:
            ask.replace_body(bodies.without(body, "signatures", hidden)["signatures"])
        return await ask.pass_on()

    async def _narrow(
        self, ask: Ask, body: dict[str, Any], field: str, requester: str, rule: str
    ) -> set[str]:
        users = bodies.named_users(body, field)
        hidden = await self._hidden(rule, requester, users) if users else set()
        if hidden:
            ask.replace_body(bodies.without(body, field, hidden))
        return hidden

    async def _pusher(self, ask: Ask) -> Answer:
        if not bodies.pusher_is_allowed(ask.body(), self._gateways):
            self._count("pusher", Deny.FORBIDDEN_ROUTE)
            raise SynapseError(403, "This push gateway is not allowed", Codes.FORBIDDEN)
        return await ask.pass_on()

    # --- files

    async def _media(self, ask: Ask) -> Answer:
        requester = await self._requester(ask)
        if requester == self._service_user:
            return await ask.pass_on()
        server, media_id = ask.arguments["server_name"], ask.arguments["media_id"]
        if requester == self._bridge_user and server == self._api.server_name:
            # Its pages answer ranges; whom they give the file to, they ask the module each time (R27).
            if not await self._uploads.is_material(f"mxc://{server}/{media_id}"):
                self._count("media", Deny.UNKNOWN)
                raise SynapseError(404, "Not found", Codes.NOT_FOUND)
            return await ask.pass_on()
        who = await self._parties.one(requester)
        peer = await self._facts.peer_server(server)
        if server == self._api.server_name:
            refused = await self._uploads.refusal(who.account, media_id)
        elif peer is None:
            refused = Deny.UNKNOWN_SERVER
        else:
            refused = may_meet_peer(who.account, peer.role_pairs, unconfirmed=who.unconfirmed)
        if refused is not None:
            self._count("media", refused)
            raise SynapseError(404, "Not found", Codes.NOT_FOUND)
        return await ask.pass_on()

    # --- rooms

    async def _is_of(self, user_id: str, room_id: str) -> bool:
        """Whether a room is this user's: joined, invited, or the school list's."""
        if user_id == self._service_user:
            return True
        room = await self._facts.managed_room(room_id)
        if room is not None:
            account = await self._facts.account(user_id)
            mine = account is not None and account.org_id == room.org_id
            if account is not None and mine and room.key in rooms_of(account):
                return True
        if not room_id.startswith("!"):
            return False
        return await local_membership(self._api, user_id, room_id) in {"join", "invite"}

    async def _room_preview(self, ask: Ask) -> Answer:
        room_id = ask.arguments.get("room_id") or ask.arguments.get("room_identifier", "")
        if not await self._is_of(await self._requester(ask), room_id):
            self._count("room_preview", Deny.SILENT)
            raise SynapseError(404, "Unknown room", Codes.NOT_FOUND)
        return await ask.pass_on()

    async def _room_report(self, ask: Ask) -> Answer:
        if not await self._is_of(await self._requester(ask), ask.arguments["room_id"]):
            self._count("room_report", Deny.SILENT)
            raise SynapseError(404, "Room does not exist", Codes.NOT_FOUND)
        return await ask.pass_on()

    async def _join(self, ask: Ask) -> Answer:
        room_id = ask.arguments.get("room_identifier") or ask.arguments.get("room_id", "")
        if not await self._is_of(await self._requester(ask), room_id):
            self._count("join", Deny.SILENT)
            raise SynapseError(403, "You are not invited to this room.", Codes.FORBIDDEN)
        return await ask.pass_on()

    async def _membership(self, ask: Ask) -> Answer:
        # Leaving, inviting and removing are judged by the callbacks, which see the room's state.
        return await (
            self._join(ask) if ask.arguments["membership_action"] == "join" else ask.pass_on()
        )

    async def _alias(self, ask: Ask) -> Answer:
        await self._requester(ask)
        self._count("alias", Deny.SILENT)
        raise SynapseError(404, "Room alias not found", Codes.NOT_FOUND)

    async def _public_rooms(self, ask: Ask) -> Answer:
        await self._requester(ask)
        return 200, {"chunk": [], "total_room_count_estimate": 0}
