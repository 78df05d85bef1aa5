"""Carries a room's plan out, one idempotent action at a time."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import assert_never

from synapse.module_api import ModuleApi

from synapse_sferum import events, metrics
from synapse_sferum.model import OrgId, RoomKey
from synapse_sferum.plan import (
    Action,
    Close,
    Join,
    LinkToSpace,
    Mark,
    Open,
    Remove,
    RoomPlan,
    SetName,
    SetPowerLevels,
)


class Applier:
    """Makes the changes as the service user, at a set rate.

    Args:
        pace: awaited after every membership change; holds the rate.
    """

    def __init__(
        self, api: ModuleApi, service_user: str, pace: Callable[[], Awaitable[None]]
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
        """Do the plan, at most `most` membership changes of it; returns how many of those are left.

        A door that was opened stays open between slices: the row says `filling`, and whoever comes after closes it.

        Raises:
            SynapseError: one action was refused; those before it are done.
        """
        done = 0
        total = plan.joins + plan.removals
        for action in plan.actions:
            if isinstance(action, Join | Remove):
                if done >= most:
                    return total - done
                done += 1
            await self._do(action, org_id, key, room_id, space_id)
            metrics.ACTIONS.labels(type(action).__name__).inc()
            if isinstance(action, Join | Remove):
                await self._pace()
        return 0

    async def close(self, room_id: str) -> None:
        """Back to invitation only, whatever happened before."""
        await self._state(room_id, "m.room.join_rules", "", {"join_rule": "invite"})

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
                await self._state(room_id, "m.room.power_levels", "", dict(content))
            case LinkToSpace():
                if space_id is not None:
                    via = {"via": [self._api.server_name], "suggested": False}
                    await self._state(space_id, "m.space.child", room_id, via)
            case Open():
                await self._state(room_id, "m.room.join_rules", "", {"join_rule": "public"})
            case Close():
                await self.close(room_id)
            case Join(user_id, by_invite):
                if by_invite:
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

    async def _state(
        self, room_id: str, kind: str, state_key: str, content: Mapping[str, object]
    ) -> None:
        await self._api.create_and_send_event_into_room(
            {
                "type": kind,
                "state_key": state_key,
                "room_id": room_id,
                "sender": self._service_user,
                "content": dict(content),
            }
        )
