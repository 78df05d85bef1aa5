"""Synapse's callbacks, answered from the policy and cached facts.

Signatures and the order in which Synapse runs them: reference/isolation.md §2. A callback that
fails refuses; the log gets its name and nothing else. The module's own service user is exempt by
id, because Synapse runs callbacks for it too.
"""

from __future__ import annotations

import functools
import logging
from collections.abc import Awaitable, Callable
from typing import Any, ParamSpec, TypeVar

from synapse.module_api import (
    NOT_SPAM,
    EventBase,
    ModuleApi,
    StateMap,
    UserProfile,
)
from synapse.module_api.errors import Codes, SynapseError
from synapse.types import Requester, RoomAlias  # type: ignore[attr-defined] # re-exported from Rust

from synapse_sferum.config import Config
from synapse_sferum.facts import Facts
from synapse_sferum.metrics import DECISIONS
from synapse_sferum.own_accounts import own_accounts
from synapse_sferum.parties import Parties, server_of
from synapse_sferum.policy import Deny, may_be_invited, may_contact, may_find, may_meet_peer
from synapse_sferum.policy_rooms import leaves_here, may_create, may_join_managed, room_request
from synapse_sferum.room_events import RoomEvents, refuse
from synapse_sferum.vouching import roles_told, with_roles

logger = logging.getLogger(__name__)

P = ParamSpec("P")
T = TypeVar("T")

#: What Synapse takes from a spam checker: the `NOT_SPAM` object or a code.
Answer = Any


def closed(
    surface: str, on_failure: Callable[[], T]
) -> Callable[[Callable[P, Awaitable[T]]], Callable[P, Awaitable[T]]]:
    """Make a callback refuse when it fails.

    Synapse lets several of them pass on an exception (isolation.md §2).
    """

    def wrap(callback: Callable[P, Awaitable[T]]) -> Callable[P, Awaitable[T]]:
        @functools.wraps(callback)
        async def closed_callback(*args: P.args, **kwargs: P.kwargs) -> T:
            try:
                return await callback(*args, **kwargs)
            except SynapseError:
                raise
            except Exception as failure:
                kind = type(failure).__name__
                logger.exception("callback failed, refused callback=%s kind=%s", surface, kind)
                DECISIONS.labels(surface, Deny.BROKEN.value).inc()
                return on_failure()

        return closed_callback

    return wrap


def not_allowed() -> tuple[bool, dict[str, Any] | None]:
    """The third-party rules' refusal."""
    return False, None


def no_room() -> None:
    """Refuse a room.

    Raises:
        SynapseError: always.
    """
    raise SynapseError(403, "You are not allowed to create this room", Codes.FORBIDDEN)


def forbidden() -> Answer:
    """A spam checker's refusal."""
    return Codes.FORBIDDEN


class Callbacks:
    """Everything that documented callbacks can close (design §3, layer 2)."""

    def __init__(self, api: ModuleApi, config: Config, facts: Facts, service_user: str) -> None:
        self._api = api
        self._config = config
        self._facts = facts
        self._service_user = service_user
        self._own = own_accounts(api, config).everyone
        self._parties = Parties(api, config, facts, service_user)
        self._events = RoomEvents(api, config, facts, self._parties)

    def register(self) -> None:
        """Hand every callback to Synapse.

        Call once, in the module's constructor, in every process.
        """
        self._api.register_spam_checker_callbacks(
            check_event_for_spam=self.check_event_for_spam,
            should_drop_federated_event=self.should_drop_federated_event,
            user_may_join_room=self.user_may_join_room,
            user_may_invite=self.user_may_invite,
            federated_user_may_invite=self.federated_user_may_invite,
            user_may_send_3pid_invite=self.user_may_send_3pid_invite,
            user_may_create_room=self.user_may_create_room,
            user_may_create_room_alias=self.user_may_create_room_alias,
            user_may_publish_room=self.user_may_publish_room,
            user_may_send_state_event=self.user_may_send_state_event,
            check_username_for_spam=self.check_username_for_spam,
        )
        self._api.register_third_party_rules_callbacks(
            check_event_allowed=self.check_event_allowed,
            on_create_room=self.on_create_room,
            check_threepid_can_be_invited=self.check_threepid_can_be_invited,
            check_visibility_can_be_modified=self.check_visibility_can_be_modified,
            check_can_deactivate_user=self.check_can_deactivate_user,
        )
        self._api.register_account_validity_callbacks(is_user_expired=self.is_user_expired)
        self._api.register_password_auth_provider_callbacks(is_3pid_allowed=self.is_3pid_allowed)

    # --- rooms

    @closed("check_event_allowed", not_allowed)
    async def check_event_allowed(
        self, event: EventBase, state: StateMap[EventBase]
    ) -> tuple[bool, dict[str, Any] | None]:
        """Every event made here, whoever makes it; also delayed ones, when they fire."""
        refused = await self._events.refusal(event, state)
        if refused is None:
            return True, await self._vouched(event)
        refuse("check_event_allowed", refused)
        return False, None

    async def _vouched(self, event: EventBase) -> dict[str, Any] | None:
        """An invitation to another server with what the inviter is here (ADR 25); None: as it is."""
        if event.type != "m.room.member" or event.membership != "invite":
            return None
        if self._api.is_mine(event.state_key) or not self._api.is_mine(event.sender):
            return None
        inviter = await self._facts.account(event.sender)
        whole = event.get_dict()
        return {**whole, "content": with_roles(whole["content"], inviter)}

    @closed("on_create_room", no_room)
    async def on_create_room(
        self, requester: Requester, config: dict[str, Any], is_requester_admin: bool
    ) -> None:
        """Narrow the request, then judge everybody in it together.

        Raises:
            SynapseError: 403. Synapse turns any other exception into 403 as well.
        """
        del is_requester_admin  # has no say here
        creator = requester.user.to_string()
        if creator == self._service_user:
            return
        invited = config.get("invite")
        names = [str(user_id) for user_id in invited] if isinstance(invited, list) else []
        parties = await self._parties.of([creator, *names])
        guests = [parties[name] for name in dict.fromkeys(names) if name != creator]
        refused = room_request(config, federates=leaves_here(guests)) or may_create(
            parties[creator], guests, self._config.group_limit
        )
        if refused is not None:
            DECISIONS.labels("on_create_room", refused.value).inc()
            no_room()

    @closed("user_may_create_room", forbidden)
    async def user_may_create_room(self, user_id: str, room_config: dict[str, Any]) -> Answer:
        """Only accounts of a school; what they may create is `on_create_room`'s."""
        del room_config
        if user_id == self._service_user or await self._facts.account(user_id) is not None:
            return NOT_SPAM
        return self._no("user_may_create_room", Deny.UNKNOWN)

    @closed("user_may_join_room", forbidden)
    async def user_may_join_room(self, user_id: str, room_id: str, is_invited: bool) -> Answer:
        """Managed rooms by the school list; others by invitation only (R2).

        Also runs on renames of members.
        """
        if user_id == self._service_user:
            return NOT_SPAM
        who = await self._parties.one(user_id)
        room = await self._facts.managed_room(room_id)
        if room is not None:
            refused = may_join_managed(who, room.org_id, room.key)
        elif who.account is None:
            refused = Deny.UNKNOWN
        elif is_invited:
            refused = await self._by_a_stranger(user_id, room_id)
        elif await self._is_joined(room_id, user_id):
            refused = None
        else:
            refused = Deny.ROOM_KIND
        return NOT_SPAM if refused is None else self._no("user_may_join_room", refused)

    async def _by_a_stranger(self, user_id: str, room_id: str) -> Deny | None:
        """An invitation lasts as long as the inviter's server is listed, and the register names the invited (R4)."""
        inviter = await self._facts.inviter(user_id, room_id)
        if inviter is None or self._api.is_mine(inviter):
            return None
        peer = await self._facts.peer_server(server_of(inviter))
        if peer is None:
            return Deny.UNKNOWN_SERVER
        who = await self._parties.one(user_id)
        return may_meet_peer(who.account, peer.role_pairs, unconfirmed=who.unconfirmed)

    async def _is_joined(self, room_id: str, user_id: str) -> bool:
        state = await self._api.get_room_state(room_id, [("m.room.member", user_id)])
        return any(event.membership == "join" for event in state.values())

    @closed("user_may_invite", forbidden)
    async def user_may_invite(self, inviter: str, invitee: str, room_id: str) -> Answer:
        """Nobody but the service user invites to managed rooms; elsewhere the matrix in the invitation's direction."""
        if inviter == self._service_user:
            return NOT_SPAM
        if await self._facts.managed_room(room_id) is not None:
            return self._no("user_may_invite", Deny.MANAGED)
        if not self._api.is_mine(inviter):
            # The event has been judged, with the inviter's roles, by `federated_user_may_invite`.
            return await self._peer_may_reach("user_may_invite", inviter, invitee, None)
        parties = await self._parties.of([inviter, invitee])
        outcome = may_contact(parties[inviter], parties[invitee])
        return self._no("user_may_invite", outcome) if isinstance(outcome, Deny) else NOT_SPAM

    @closed("user_may_send_state_event", forbidden)
    async def user_may_send_state_event(
        self, user_id: str, room_id: str, event_type: str, state_key: str, content: dict[str, Any]
    ) -> Answer:
        """A delayed state event is refused when it is scheduled, not only when it fires (MSC4140)."""
        refused = await self._events.early_refusal(user_id, room_id, event_type, state_key, content)
        return NOT_SPAM if refused is None else self._no("user_may_send_state_event", refused)

    async def user_may_send_3pid_invite(
        self, inviter: str, medium: str, address: str, room_id: str
    ) -> Answer:
        """Nobody makes the server write to a phone or an address."""
        del inviter, medium, address, room_id
        return self._no("user_may_send_3pid_invite", Deny.FORBIDDEN_ROUTE)

    async def check_threepid_can_be_invited(
        self, medium: str, address: str, state: StateMap[EventBase]
    ) -> bool:
        """The same, where the third-party rules are asked."""
        del medium, address, state
        return False

    async def user_may_create_room_alias(self, user_id: str, room_alias: RoomAlias) -> Answer:
        """Resolving an alias tells strangers that a room exists, so there are none."""
        del user_id, room_alias
        return self._no("user_may_create_room_alias", Deny.FORBIDDEN_ROUTE)

    async def user_may_publish_room(self, user_id: str, room_id: str) -> Answer:
        """The room directory stays empty."""
        del user_id, room_id
        return self._no("user_may_publish_room", Deny.FORBIDDEN_ROUTE)

    async def check_visibility_can_be_modified(
        self, room_id: str, state: StateMap[EventBase], new_visibility: str
    ) -> bool:
        """The room directory stays empty, also for createRoom."""
        del room_id, state
        return new_visibility != "public"

    # --- people

    @closed("is_user_expired", lambda: True)
    async def is_user_expired(self, user_id: str) -> bool:
        """Without an active person in a school there is nothing to see here (R16, R29)."""
        if user_id in self._own or user_id in self._config.operator_users:
            return False
        return await self._facts.account(user_id) is None

    async def check_can_deactivate_user(self, user_id: str, by_admin: bool) -> bool:
        """R29: an account is never burnt by its owner; who leaves the school keeps it, locked, for a return."""
        del user_id
        return by_admin

    @closed("check_username_for_spam", lambda: True)
    async def check_username_for_spam(self, profile: UserProfile, requester_id: str) -> bool:
        """True hides a result of Synapse's own directory; the guard answers from ours."""
        parties = await self._parties.of([requester_id, profile["user_id"]])
        return may_find(parties[requester_id], parties[profile["user_id"]]) is not None

    async def is_3pid_allowed(self, medium: str, address: str, registration: bool) -> bool:
        """Contacts live in the bridge; Synapse never sends a code to a phone or an address."""
        del medium, address, registration
        return False

    # --- federation

    @closed("federated_user_may_invite", forbidden)
    async def federated_user_may_invite(self, event: EventBase) -> Answer:
        """An invitation through /invite."""
        surface = "federated_user_may_invite"
        told = roles_told(event.content)
        return await self._peer_may_reach(surface, event.sender, event.state_key, told)

    @closed("check_event_for_spam", forbidden)
    async def check_event_for_spam(self, event: EventBase) -> Answer:
        """PDUs of other servers, among them invitations pushed through /send.

        Our own are judged elsewhere.
        """
        if self._api.is_mine(event.sender):
            return NOT_SPAM
        if event.type == "m.room.member" and event.membership == "invite":
            surface, told = "check_event_for_spam", roles_told(event.content)
            return await self._peer_may_reach(surface, event.sender, event.state_key, told)
        if await self._facts.peer_server(server_of(event.sender)) is None:
            return self._no("check_event_for_spam", Deny.UNKNOWN_SERVER)
        return NOT_SPAM

    @closed("should_drop_federated_event", lambda: True)
    async def should_drop_federated_event(self, event: EventBase) -> bool:
        """Nothing of a server outside the register is even stored (R4)."""
        return await self._facts.peer_server(server_of(event.sender)) is None

    async def _peer_may_reach(
        self, surface: str, theirs: str, target: str | None, told: frozenset[str] | None
    ) -> Answer:
        """Whether somebody of another server may invite `target`; `told` is what they are, None: not known here."""
        peer = await self._facts.peer_server(server_of(theirs))
        if peer is None:
            return self._no(surface, Deny.UNKNOWN_SERVER)
        if target is not None and not self._api.is_mine(target):
            # Two other schools in a room where some of ours are: both judge their own.
            listed = await self._facts.peer_server(server_of(target)) is not None
            return NOT_SPAM if listed else self._no(surface, Deny.UNKNOWN_SERVER)
        ours = await self._parties.one(target or "")
        refused = may_be_invited(
            ours.account, peer.role_pairs, theirs=told, unconfirmed=ours.unconfirmed
        )
        return NOT_SPAM if refused is None else self._no(surface, refused)

    def _no(self, surface: str, reason: Deny) -> Answer:
        DECISIONS.labels(surface, reason.value).inc()
        return Codes.FORBIDDEN
