"""Makes rooms of several schools equal to the register and the directory (ADR 30). Runs in one process.

A look is cheap while nothing has changed. What fails is tried again at a later look. Other schools are invited each on
its own, beside the loop: a server that does not answer for minutes holds up nothing.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any, assert_never

from attrs import evolve
from synapse.module_api import ModuleApi
from synapse.module_api.errors import SynapseError

from synapse_sferum import events, metrics
from synapse_sferum.config import Config
from synapse_sferum.district import room_rows
from synapse_sferum.district.room_plan import (
    ActualCommonRoom,
    Admit,
    Ask,
    CommonRoom,
    Expel,
    Rename,
    RoomAction,
    RoomState,
    SetAcl,
    SetLevels,
    Tell,
    Withdraw,
    acl,
    levels,
    plan_as_guest,
    plan_as_maker,
    service_user_of,
    wanted,
)
from synapse_sferum.facts import Facts
from synapse_sferum.private.tables import (
    Invitation,
    invitations_txn,
    members_txn,
    rooms_created_by_txn,
)

logger = logging.getLogger(__name__)

#: Seconds until everything is looked at again though nothing has changed here, and until failures are tried again.
AGAIN_S = 60.0
#: State that a room is created with, and that nothing writes again.
_CREATED_WITH = (
    events.ROOM,
    "m.room.join_rules",
    "m.room.guest_access",
    "m.room.history_visibility",
)


def _is_left(room: CommonRoom, actual: ActualCommonRoom, service_user: str) -> bool:
    """Whether the maker has gone from a room that is wanted again: no way leads back into it."""
    return room.state is RoomState.OPEN and actual.members.get(service_user) != "join"


class DistrictRooms:
    """The loop over the rooms of the register.

    Args:
        now_ms: wall clock, milliseconds since 1970.
    """

    def __init__(
        self, api: ModuleApi, config: Config, facts: Facts, now_ms: Callable[[], int]
    ) -> None:
        self._api, self._facts, self._now_ms = api, facts, now_ms
        self._own = str(api.server_name)
        self._service_user = service_user_of(self._own)
        self._pause_s = 1 / config.apply_rate
        self._again_ms = min(AGAIN_S, config.district_interval_s) * 1000
        self._seen: object = None
        self._looked_ms = 0.0
        self._asking: set[str] = set()

    async def turn(self) -> None:
        """One look; does nothing while register, directory and invitations are as they were."""
        view = await self._api.run_db_interaction(
            "sferum_common_view", room_rows.view_txn, self._now_ms()
        )
        states = Counter(
            room.state.value if room.room_id or room.state is RoomState.LEFT else "waiting"
            for room in view.rooms
        )
        for state in ("waiting", *(one.value for one in RoomState)):
            metrics.COMMON_ROOMS.labels(state).set(states[state])
        if not view.rooms:
            return
        invited = await self._api.run_db_interaction(
            "sferum_common_invited", invitations_txn, self._service_user
        )
        mark = (view.mark, tuple((i.room_id, i.sender) for i in invited))
        now = self._now_ms()
        if mark == self._seen and now - self._looked_ms < self._again_ms:
            return
        self._seen, self._looked_ms = mark, now
        staff, subjects = await self._api.run_db_interaction(
            "sferum_common_staff", room_rows.staff_txn
        )
        asks: dict[str, list[tuple[CommonRoom, str]]] = {}
        for room in view.rooms:
            if room.state is RoomState.LEFT:
                continue
            people = wanted(room, staff, subjects)
            try:
                if room.host == self._own:
                    await self._make(room, view.peers, people, asks)
                else:
                    await self._visit(room, people, invited)
            except Exception as error:
                self._failed(room, error)
        for user_id in asks.keys() - self._asking:
            self._asking.add(user_id)
            self._api.delayed_background_call(
                0, self._ask, user_id, asks[user_id], desc="sferum_common_ask"
            )

    async def _ask(self, user_id: str, rooms: Sequence[tuple[CommonRoom, str]]) -> None:
        """Invite another school's service user; after the first no it is left for the next look."""
        for room, room_id in rooms:
            told = {events.SHARED: {"ref": room.ref}}
            try:
                await self._api.update_room_membership(
                    self._service_user, user_id, room_id, "invite", content=told
                )
            except Exception as error:
                self._failed(room, error)
                break
            metrics.ACTIONS.labels("Ask").inc()
        self._asking.discard(user_id)

    async def _make(
        self,
        room: CommonRoom,
        peers: frozenset[str],
        people: Mapping[str, bool],
        asks: dict[str, list[tuple[CommonRoom, str]]],
    ) -> None:
        """One of ours. Whom to invite of other schools goes into `asks`."""
        room_id = room.room_id
        actual = await self._actual(room_id) if room_id else None
        if actual is None or _is_left(room, actual, self._service_user):
            if room.state is not RoomState.OPEN:
                await self._gone(room)
                return
            room_id = await self._create(room, people)
            if room.room_id:
                await self._facts.forget_common_rooms([room.room_id])
            actual = await self._actual(room_id)
            if actual is None:
                raise RuntimeError("the room made just now is not there")
        plan = plan_as_maker(room, self._own, peers, people, actual)
        for action in plan:
            if isinstance(action, Ask):
                asks.setdefault(action.user_id, []).append((room, room_id))
        if await self._apply(room, room_id, plan) and room.state is RoomState.LEAVING:
            await self._gone(room)

    async def _visit(
        self, room: CommonRoom, people: Mapping[str, bool], invited: Sequence[Invitation]
    ) -> None:
        """One of another school's."""
        room_id = await self._entered(room, invited)
        if not room_id:
            if room.state is RoomState.LEAVING:
                await self._gone(room)
            return
        members = await self._api.run_db_interaction("sferum_members", members_txn, room_id)
        plan = plan_as_guest(room, self._own, people, members)
        if await self._apply(room, room_id, plan) and room.state is RoomState.LEAVING:
            await self._gone(room)

    async def _entered(self, room: CommonRoom, invited: Sequence[Invitation]) -> str:
        """The id of another school's room, entered first where we are invited; "": not invited (yet).

        One room at a time: who makes another one under the same name is followed, and the old one is left, also where
        word of its end has never come here. What the maker invited to earlier is then declined.
        """
        if room.state is not RoomState.OPEN:
            return room.room_id
        maker, told = service_user_of(room.host), {"ref": room.ref}
        asked = [
            invitation.room_id
            for invitation in invited
            if invitation.sender == maker and invitation.content.get(events.SHARED) == told
        ]
        for number, room_id in enumerate(asked):
            try:
                await self._api.update_room_membership(
                    self._service_user,
                    self._service_user,
                    room_id,
                    "join",
                    remote_room_hosts=[room.host],
                )
            except Exception as error:
                self._failed(room, error, "Enter")
                continue  # an earlier one may still be good
            await self._set_room_id(room, room_id)
            logger.info("entered a room of the district ref=%s", room.ref)
            if room.room_id and room_id != room.room_id:
                await self._leave_behind(room, room.room_id)
            await self._decline(room, asked[number + 1 :])
            return room_id
        return room.room_id

    async def _decline(self, room: CommonRoom, room_ids: Sequence[str]) -> None:
        """Invitations of before the one that was taken: their rooms are gone."""
        for room_id in room_ids:
            try:
                await self._api.update_room_membership(
                    self._service_user, self._service_user, room_id, "leave"
                )
            except Exception as error:
                self._failed(room, error, "Decline")

    async def _leave_behind(self, room: CommonRoom, room_id: str) -> None:
        """A room of before, which is none of the register's any more: our people go, the service user last."""
        await self._facts.forget_common_rooms([room_id])
        members = await self._api.run_db_interaction("sferum_members", members_txn, room_id)
        left = evolve(room, state=RoomState.LEAVING)
        await self._apply(left, room_id, plan_as_guest(left, self._own, {}, members))

    async def _apply(self, room: CommonRoom, room_id: str, plan: Sequence[RoomAction]) -> bool:
        """Everything that can be done; whether all of it was. The service user stays until everybody else is out."""
        whole = True
        for action in plan:
            if isinstance(action, Ask):
                continue  # beside the loop
            if action == Withdraw(self._service_user) and not whole:
                continue  # without it nobody of those who are still there could be taken out
            try:
                await self._do(action, room_id)
            except Exception as error:
                self._failed(room, error, type(action).__name__)
                whole = False
                continue
            metrics.ACTIONS.labels(type(action).__name__).inc()
            await self._api.sleep(self._pause_s)
        return whole

    async def _do(self, action: RoomAction, room_id: str) -> None:
        service, move = self._service_user, self._api.update_room_membership
        match action:
            case Rename(name):
                await self._state(room_id, "m.room.name", {"name": name})
            case SetLevels(content):
                await self._state(room_id, "m.room.power_levels", content)
            case SetAcl(content):
                await self._state(room_id, "m.room.server_acl", content)
            case Tell(seen):
                await self._state(room_id, events.SHARED, {"seen": seen})
            case Expel(user_id):
                await move(service, user_id, room_id, "leave")
            case Admit(user_id):
                await move(service, user_id, room_id, "invite")
                await move(user_id, user_id, room_id, "join")
            case Withdraw(user_id):
                await move(user_id, user_id, room_id, "leave")
            case Ask():
                raise AssertionError("other schools are asked beside the loop")
            case _:
                assert_never(action)

    async def _state(self, room_id: str, kind: str, content: Mapping[str, Any]) -> None:
        await self._api.create_and_send_event_into_room(
            {
                "type": kind,
                "state_key": "",
                "room_id": room_id,
                "sender": self._service_user,
                "content": dict(content),
            }
        )

    async def _actual(self, room_id: str) -> ActualCommonRoom | None:
        kinds = (
            *("m.room.create", "m.room.name", "m.room.power_levels", "m.room.server_acl"),
            events.SHARED,
        )
        state = await self._api.get_room_state(room_id, [(kind, "") for kind in kinds])
        if ("m.room.create", "") not in state:
            return None

        def content(kind: str) -> dict[str, Any]:
            event = state.get((kind, ""))
            return {} if event is None else dict(event.content)

        return ActualCommonRoom(
            name=str(content("m.room.name").get("name", "")),
            power_levels=content("m.room.power_levels"),
            acl=content("m.room.server_acl"),
            told=str(content(events.SHARED).get("seen", "")),
            members=await self._api.run_db_interaction("sferum_members", members_txn, room_id),
        )

    async def _create(self, room: CommonRoom, people: Mapping[str, bool]) -> str:
        """Create the room, or take up the one that a crash left behind."""
        marker = {"kind": "common", "ref": room.ref}
        room_id = await self._left_behind(marker)
        if room_id is None:
            state = {
                events.ROOM: marker,
                "m.room.join_rules": {"join_rule": "invite"},
                "m.room.guest_access": {"guest_access": "forbidden"},
                "m.room.history_visibility": {"history_visibility": "shared"},
                "m.room.server_acl": acl({self._own}),
            }
            body = {
                "preset": "private_chat",
                "visibility": "private",
                "room_version": "12",
                "name": room.name,
                "creation_content": {"m.federate": True, events.ROOM: marker},
                "initial_state": [
                    {"type": kind, "state_key": "", "content": content}
                    for kind, content in state.items()
                ],
                "power_level_content_override": levels(room, (), people),
            }
            room_id, _ = await self._api.create_room(self._service_user, body, ratelimit=False)
            metrics.ACTIONS.labels("CreateRoom").inc()
        await self._set_room_id(room, room_id)
        logger.info("made a room of the district ref=%s", room.ref)
        return room_id

    async def _left_behind(self, marker: Mapping[str, str]) -> str | None:
        """A whole room of ours with this marker that is written down nowhere; half-made ones are deleted."""
        created = await self._api.run_db_interaction(
            "sferum_created", rooms_created_by_txn, self._service_user
        )
        for room_id in created:
            if await self._facts.managed_room(room_id) is not None:
                continue
            state = await self._api.get_room_state(
                room_id,
                [
                    ("m.room.create", ""),
                    ("m.room.member", self._service_user),
                    *((kind, "") for kind in _CREATED_WITH),
                ],
            )
            create = state.get(("m.room.create", ""))
            ours = state.get(("m.room.member", self._service_user))
            if create is None or create.content.get(events.ROOM) != marker:
                continue
            if ours is None or ours.membership != "join":
                continue  # a room of before, which everybody has left
            if all((kind, "") in state for kind in _CREATED_WITH):
                return room_id
            await self._api.delete_room(room_id)
        return None

    async def _set_room_id(self, room: CommonRoom, room_id: str) -> None:
        await self._api.run_db_interaction(
            "sferum_common_set", room_rows.set_room_id_txn, room, room_id
        )
        await self._facts.forget_common_rooms([room_id])

    async def _gone(self, room: CommonRoom) -> None:
        been_in = room.state is RoomState.LEAVING and bool(room.room_id)
        write = room_rows.left_txn if been_in else room_rows.delete_txn
        await self._api.run_db_interaction("sferum_common_gone", write, room)
        if room.room_id:
            await self._facts.forget_common_rooms([room.room_id])
        logger.info("out of a room of the district ref=%s", room.ref)

    def _failed(self, room: CommonRoom, error: Exception, action: str = "") -> None:
        """Tried again later. The reason may name people, so only its kind is told."""
        metrics.COMMON_FAILURES.inc()
        kind = type(error).__name__
        code = error.errcode if isinstance(error, SynapseError) else ""
        logger.warning(
            "room of the district not as wanted ref=%s %s %s %s", room.ref, action, kind, code
        )
