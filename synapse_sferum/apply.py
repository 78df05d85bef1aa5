"""Carries a room's plan out, one idempotent action at a time."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, assert_never

from synapse.module_api import ModuleApi

from synapse_sferum import events, metrics
from synapse_sferum.model import OrgId, RoomKey, UserId
from synapse_sferum.plan import (
    Action,
    Close,
    Join,
    LetIn,
    LinkToSpace,
    Mark,
    Remove,
    RoomPlan,
    SetName,
    SetPowerLevels,
    weight,
)
from synapse_sferum.private.rooms import send_together
from synapse_sferum.private.tables import members_txn, profiles_txn


class NotLetIn(Exception):
    """Synapse took the events and did not write them: the room had changed meanwhile. Another try looks again."""


class Applier:
    """Makes the changes as the service user, at a set rate.

    Args:
        pace: awaited after membership changes with how many there were; holds the rate.
    """

    def __init__(
        self, api: ModuleApi, service_user: str, pace: Callable[[int], Awaitable[None]]
    ) -> None:
        self._api, self._service_user, self._pace = api, service_user, pace

    async def apply(
        self,
        org_id: OrgId,
        key: RoomKey,
        room_id: str,
        space_id: str | None,
        plan: RoomPlan,
        most: int,
    ) -> int:
        """Do the plan until `most` membership changes are done; returns how many are left.

        Raises:
            SynapseError, NotLetIn: one action was refused; those before it are done.
        """
        done = 0
        total = plan.joins + plan.removals
        for action in plan.actions:
            changes = weight(action)
            if changes and done >= most:
                return total - done
            await self._do(action, org_id, key, room_id, space_id)
            metrics.ACTIONS.labels(type(action).__name__).inc()
            if changes:
                done += changes
                await self._pace(changes)
        return 0

    async def _do(
        self, action: Action, org_id: OrgId, key: RoomKey, room_id: str, space_id: str | None
    ) -> None:
        match action:
            case Mark():
                marker = {"org_id": org_id, "kind": key.kind.value, "ref": key.ref}
                await self._state(room_id, events.ROOM, "", marker)
            case SetName(name):
                await self._state(room_id, "m.room.name", "", {"name": name})
            case SetPowerLevels(content):
                await self._state(room_id, "m.room.power_levels", "", content)
            case LinkToSpace():
                if space_id is not None:
                    via = {"via": [self._api.server_name], "suggested": False}
                    await self._state(space_id, "m.space.child", room_id, via)
            case Close():
                await self._state(room_id, "m.room.join_rules", "", {"join_rule": "invite"})
            case LetIn(user_ids):
                await self._let_in(room_id, user_ids)
            case Join(user_id):
                await self._api.update_room_membership(
                    self._service_user, user_id, room_id, "invite"
                )
                await self._api.update_room_membership(user_id, user_id, room_id, "join")
            case Remove(user_id):
                await self._api.update_room_membership(
                    self._service_user, user_id, room_id, "leave"
                )
            case _:
                assert_never(action)

    async def _let_in(self, room_id: str, user_ids: Sequence[UserId]) -> None:
        """Open, everybody in, close: one transaction."""
        profiles = await self._api.run_db_interaction("sferum_profiles", profiles_txn, user_ids)
        joins = []
        for user_id in user_ids:
            shown = zip(
                ("displayname", "avatar_url"), profiles.get(user_id, (None, None)), strict=True
            )
            content = {"membership": "join", **{k: v for k, v in shown if v is not None}}
            joins.append(self._event(room_id, "m.room.member", user_id, content, sender=user_id))
        door = [
            self._event(room_id, "m.room.join_rules", "", {"join_rule": rule})
            for rule in ("public", "invite")
        ]
        await send_together(self._api, self._service_user, room_id, [door[0], *joins, door[1]])
        members = await self._api.run_db_interaction("sferum_members", members_txn, room_id)
        if any(members.get(user_id) != "join" for user_id in user_ids):
            raise NotLetIn(room_id)

    def _event(
        self,
        room_id: str,
        kind: str,
        state_key: str,
        content: Mapping[str, Any],
        sender: str | None = None,
    ) -> dict[str, Any]:
        return {
            "type": kind,
            "state_key": state_key,
            "room_id": room_id,
            "sender": sender or self._service_user,
            "content": dict(content),
        }

    async def _state(
        self, room_id: str, kind: str, state_key: str, content: Mapping[str, Any]
    ) -> None:
        event = self._event(room_id, kind, state_key, content)
        await self._api.create_and_send_event_into_room(event)
