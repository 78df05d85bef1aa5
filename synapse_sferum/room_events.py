"""From one event and the room's state to the policy's question. Nothing is decided here."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from typing import Any

from attrs import frozen
from synapse.module_api import EventBase, ModuleApi, StateMap
from synapse.module_api.errors import Codes, SynapseError

from synapse_sferum.config import Config
from synapse_sferum.district.room_plan import CommonRoom, belongs, service_user_of
from synapse_sferum.facts import Facts, ManagedRoom
from synapse_sferum.metrics import DECISIONS
from synapse_sferum.parties import Parties, server_of
from synapse_sferum.policy import Deny, Party, may_contact
from synapse_sferum.policy_rooms import (
    REQUIRED_TEXT,
    Act,
    managed_event,
    may_go,
    may_invite,
    may_send,
    peer_may_join,
    state_of_own_room,
)
from synapse_sferum.policy_shared import shared_event

#: Rooms whose last verdict is kept. 20,000 at some 500 bytes are 10 MB.
_KEPT_ROOMS = 20_000


def refuse(surface: str, reason: Deny) -> None:
    """Count a refusal, and say why where the person can do something about it.

    Raises:
        SynapseError: 403 with the rule, for R25.
    """
    DECISIONS.labels(surface, reason.value).inc()
    if reason is Deny.REQUIRED:
        raise SynapseError(403, REQUIRED_TEXT, Codes.FORBIDDEN)


@frozen
class _Kept:
    sender: Party
    others: tuple[Party, ...]
    verdict: Deny | None

    def still(self, sender: Party, others: tuple[Party, ...]) -> bool:
        """Whether these are the very same facts; identity, because comparing accounts costs more than the question."""
        return (
            _same(self.sender, sender)
            and len(self.others) == len(others)
            and all(_same(a, b) for a, b in zip(self.others, others, strict=True))
        )


def _same(a: Party, b: Party) -> bool:
    return (
        a.account is b.account
        and a.unconfirmed == b.unconfirmed
        and a.joined == b.joined
        and a.peer == b.peer  # a school taken out of the register is a stranger at the next message
    )


class RoomEvents:
    """Judges events before they exist."""

    def __init__(self, api: ModuleApi, config: Config, facts: Facts, parties: Parties) -> None:
        self._api = api
        self._facts = facts
        self._parties = parties
        self._limit = config.group_limit
        self._kept: OrderedDict[tuple[str, str], _Kept] = OrderedDict()

    async def refusal(self, event: EventBase, state: StateMap[EventBase]) -> Deny | None:
        """Why this event may not be sent, or None."""
        if event.sender == self._parties.service_user:
            return None
        if not self._api.is_mine(event.sender):
            return await self._of_another_server(event, state)
        who = await self._parties.one(event.sender)
        state_key = event.get_state_key()
        room = await self._facts.managed_room(event.room_id)
        if room is not None:
            act = Act(
                sender=event.sender,
                type=event.type,
                state_key=state_key,
                membership=event.membership if event.type == "m.room.member" else "",
                renames=event.type == "m.room.member" and await self._renames(event, state),
            )
            return _in_managed(who, room, act)
        common = await self._facts.common_room(event.room_id)
        if common is not None:
            act = Act(
                sender=event.sender,
                type=event.type,
                state_key=state_key,
                membership=event.membership if event.type == "m.room.member" else "",
                renames=event.type == "m.room.member" and await self._renames(event, state),
            )
            return await self._in_common(who, common, act)
        if event.type == "m.room.member" and state_key is not None:
            return await self._membership(who, event, state_key, state)
        refused = None
        if state_key is not None:
            refused = state_of_own_room(event.type, event.content)
        return refused or await self._send(who, event, state)

    async def _of_another_server(self, event: EventBase, state: StateMap[EventBase]) -> Deny | None:
        """make_join, make_knock and make_leave. Whether there is an invitation is Synapse's to check."""
        if event.type != "m.room.member" or event.get_state_key() != event.sender:
            return Deny.UNKNOWN_SERVER
        if event.membership == "leave":
            return None
        room = await self._facts.managed_room(event.room_id)
        if event.membership != "join" or room is not None or not _federates(state):
            return Deny.UNKNOWN_SERVER
        who = (await self._parties.joined([event.sender]))[event.sender]
        if await self._facts.common_room(event.room_id) is not None:
            # People of other schools join at their own servers, which are in the room: only those enter here.
            server = service_user_of(server_of(event.sender))
            return None if who.peer is not None and event.sender == server else Deny.MANAGED
        others = await self._parties.members(state, {event.sender}, invited=False)
        return peer_may_join(who, tuple(others.values()), self._limit)

    async def early_refusal(
        self, user_id: str, room_id: str, type_: str, state_key: str, content: Mapping[str, Any]
    ) -> Deny | None:
        """What can be said of a state event before it exists: for delayed ones, hours before."""
        if user_id == self._parties.service_user:
            return None
        who = await self._parties.one(user_id)
        membership = str(content.get("membership", "")) if type_ == "m.room.member" else ""
        room = await self._facts.managed_room(room_id)
        if room is not None:
            act = Act(sender=user_id, type=type_, state_key=state_key, membership=membership)
            refused = _in_managed(who, room, act)
            # R25 comes with its text, and that is `check_event_allowed`'s to give.
            return None if refused is Deny.REQUIRED else refused
        common = await self._facts.common_room(room_id)
        if common is not None:
            act = Act(sender=user_id, type=type_, state_key=state_key, membership=membership)
            refused = await self._in_common(who, common, act)
            return None if refused is Deny.REQUIRED else refused
        if membership == "invite":
            outcome = may_contact(who, await self._parties.one(state_key))
            return outcome if isinstance(outcome, Deny) else None
        if type_ == "m.room.member":
            return None
        return state_of_own_room(type_, content)

    async def _in_common(self, who: Party, room: CommonRoom, act: Act) -> Deny | None:
        subjects = await self._facts.subjects(act.sender)
        return shared_event(room, belongs(room, who.account, subjects), act)

    async def _membership(
        self, who: Party, event: EventBase, target: str, state: StateMap[EventBase]
    ) -> Deny | None:
        if event.membership == "invite":
            others = await self._parties.members(state, {event.sender, target}, invited=True)
            invitee = (await self._parties.of([event.sender, target]))[target]
            everyone = tuple(others.values())
            return may_invite(who, invitee, everyone, self._limit, federates=_federates(state))
        if event.membership == "join":
            if await self._renames(event, state):
                return Deny.RENAMED
            if _membership_of(state, target) == "join":
                return None
            return await self._send(who, event, state)
        if event.membership in {"leave", "ban"}:
            if _membership_of(state, target) != "join":
                return None
            others = await self._parties.members(state, {target}, invited=True)
            leaver = await self._parties.one(target)
            return may_go(leaver, tuple(others.values()), self._limit)
        return Deny.ROOM_KIND  # knock

    async def _send(self, who: Party, event: EventBase, state: StateMap[EventBase]) -> Deny | None:
        members = await self._parties.members(state, {event.sender}, invited=False)
        others = tuple(members.values())
        kept = self._kept.get((event.room_id, event.sender))
        if kept is not None and kept.still(who, others):
            return kept.verdict
        verdict = may_send(who, others, self._limit)
        self._kept[event.room_id, event.sender] = _Kept(who, others, verdict)
        if len(self._kept) > _KEPT_ROOMS:
            self._kept.popitem(last=False)
        return verdict

    async def _renames(self, event: EventBase, state: StateMap[EventBase]) -> bool:
        """Whether a join shows a name or picture that is neither the member's last nor the profile's."""
        if event.membership != "join":
            return False
        shown = (event.content.get("displayname"), event.content.get("avatar_url"))
        before = state.get(("m.room.member", event.sender))
        if before is not None and before.membership == "join":
            if shown == (before.content.get("displayname"), before.content.get("avatar_url")):
                return False
        elif shown == (None, None):
            return False
        profile = await self._api.get_profile_for_user(event.sender[1:].partition(":")[0])
        return (shown[0] or None, shown[1] or None) not in {
            (profile.display_name, profile.avatar_url),
            (profile.display_name, None),
        }


def _federates(state: StateMap[EventBase]) -> bool:
    """Whether a room may leave this server; the default of the specification is yes."""
    created = state.get(("m.room.create", ""))
    return created is not None and created.content.get("m.federate", True) is not False


def _membership_of(state: StateMap[EventBase], user_id: str) -> str:
    event = state.get(("m.room.member", user_id))
    return "leave" if event is None else str(event.membership)


def _in_managed(who: Party, room: ManagedRoom, act: Act) -> Deny | None:
    return managed_event(who, room.org_id, room.key, room.state == "archived", act)
