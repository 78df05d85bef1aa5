"""What Matrix is told of a broadcast: messages of the service user in the school's rooms, and in its hosts' own.

Messages are brought to what they should be, not sent: the same word twice writes nothing, and what was missed while
Synapse was away is caught up with the next word.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence

from synapse.module_api import ModuleApi
from synapse.module_api.errors import SynapseError

from synapse_sferum import broadcast_words
from synapse_sferum.broadcast_rights import WHOLE_SCHOOL, in_audience
from synapse_sferum.broadcast_rows import (
    Posted,
    candidates_txn,
    hosts_room_txn,
    log_stage_txn,
    open_rooms_txn,
    posts_txn,
    put_hosts_room_txn,
    put_post_txn,
)
from synapse_sferum.broadcast_words import Line, Post, Told, edit, is_of, message, says, wanted
from synapse_sferum.directory import DirectoryService
from synapse_sferum.model import Org, RoomKey, RoomKind
from synapse_sferum.parties import Parties
from synapse_sferum.private.tables import members_txn
from synapse_sferum.service_messages import ServiceMessages

logger = logging.getLogger(__name__)


def told_rooms(key: RoomKey) -> dict[RoomKey, bool]:
    """Rooms that hear of a broadcast for these people → whether its recording is kept there (R27, R48)."""
    match key.kind:
        case RoomKind.CLASS:  # parents watch too, and are in the other room
            return {key: True, RoomKey(RoomKind.CLASS_PARENTS, key.ref): True}
        case RoomKind.ANNOUNCEMENTS:
            return {key: False, RoomKey(RoomKind.MATERIALS): True}
        case _:
            return {key: True}


class BroadcastPosts:
    """Writes as the service user, which is in every room of the list.

    Args:
        now_ms: wall clock, milliseconds since 1970.
    """

    def __init__(
        self,
        api: ModuleApi,
        directory: DirectoryService,
        parties: Parties,
        now_ms: Callable[[], int],
    ) -> None:
        self._api, self._directory, self._parties = api, directory, parties
        self._messages, self._now_ms = ServiceMessages(api, parties.service_user), now_ms

    async def announce(self, org: Org, key: RoomKey, told: Told, actor: str, reason: str) -> int:
        """Make the rooms say it; returns how many messages were written.

        Raises:
            SynapseError: one was refused; what is done stays done, another call goes on.
        """
        rooms = await self._directory.read(open_rooms_txn, org.org_id, told_rooms(key))
        keeps = {rooms[one]: keep for one, keep in told_rooms(key).items() if one in rooms}
        there = await self._there(org, told)
        written = 0
        for room_id in keeps.keys() | {room_id for room_id, _ in there}:
            here = [post for room, post in there if room == room_id]
            keep = keeps.get(room_id, False)
            if key == WHOLE_SCHOOL and keep:  # materials are for recordings alone
                aims = wanted(told, here, keeps=True)
                aims = {post: aim for post, aim in aims.items() if post is Post.RECORDING}
            else:
                aims = wanted(told, here, keeps=keep)
            for post, aim in aims.items():
                posted = there.get((room_id, post))
                if aim and room_id in keeps:
                    written += await self._write(org, room_id, told, post, posted)
                elif not aim and posted is not None:
                    await self._messages.take_back(room_id, posted.event_id)
                    await self._put(org, room_id, told, post, None)
                    written += 1
        await self._directory.read(
            log_stage_txn,
            org.org_id,
            told.broadcast_id,
            told.stage.value,
            actor,
            reason,
            self._now_ms(),
        )
        return written

    async def _write(
        self, org: Org, room_id: str, told: Told, post: Post, posted: Posted | None
    ) -> int:
        text, now_ms = says(told, post), self._now_ms()
        if posted is None:
            await self._put(org, room_id, told, post, Posted("", text, now_ms))
            event_id = await self._messages.write(room_id, message(told, post))
        elif posted.says == text:
            return 0
        else:  # written twice after a crash, an edit looks as if it had been written once
            event_id = posted.event_id
            await self._messages.write(room_id, edit(told, post, event_id))
        await self._put(org, room_id, told, post, Posted(event_id, text, now_ms))
        return 1

    async def _there(self, org: Org, told: Told) -> dict[tuple[str, Post], Posted]:
        """What the rooms were told; claims are looked up, and dropped where nothing came of them."""
        there = await self._directory.read(posts_txn, org.org_id, told.broadcast_id)
        for (room_id, post), posted in list(there.items()):
            if posted.event_id:
                continue
            own = await self._messages.since(room_id, posted.claimed_ms)
            found = [event_id for event_id, content in own if is_of(content, told, post)]
            if found:
                there[room_id, post] = Posted(found[0], posted.says, posted.claimed_ms)
            else:
                del there[room_id, post]
            await self._put(org, room_id, told, post, there.get((room_id, post)))
        return there

    async def _put(
        self, org: Org, room_id: str, told: Told, post: Post, now: Posted | None
    ) -> None:
        await self._directory.read(put_post_txn, org.org_id, told.broadcast_id, room_id, post, now)

    async def tell(
        self,
        org: Org,
        key: RoomKey,
        name: str,
        broadcast_id: str,
        title: str,
        lines: Sequence[Line],
    ) -> int:
        """Signs of the hall to the moderators' room, whose members are today's hosts; returns messages written."""
        room_id = await self._hosts_room(org, key, name)
        await self._let_hosts_in(org, key, room_id)
        written = 0
        for content in broadcast_words.hall(broadcast_id, title, lines):
            await self._messages.write(room_id, content)
            written += 1
        return written

    async def _hosts_room(self, org: Org, key: RoomKey, name: str) -> str:
        known = await self._directory.read(hosts_room_txn, org.org_id, key)
        if known is not None and await self._is_there(known):
            return known
        body = {
            "name": "Ведущие трансляций" if key == WHOLE_SCHOOL else f"Ведущие трансляций · {name}",
            "topic": "Вопросы и поднятые руки зрителей",
            "preset": "private_chat",
            "creation_content": {"m.federate": False},
            "power_level_content_override": {"invite": 50},  # nobody but us brings anybody
            "initial_state": [
                {
                    "type": "m.room.guest_access",
                    "state_key": "",
                    "content": {"guest_access": "forbidden"},
                }
            ],
        }
        room_id, _ = await self._api.create_room(self._parties.service_user, body, ratelimit=False)
        return await self._directory.read(put_hosts_room_txn, org.org_id, key, room_id, known)

    async def _is_there(self, room_id: str) -> bool:
        members = await self._directory.read(members_txn, room_id)
        return members.get(self._parties.service_user) == "join"

    async def _let_hosts_in(self, org: Org, key: RoomKey, room_id: str) -> None:
        """Hosts in, whoever is none any more out.

        Of a class: its teacher; the heads come in where it has none, so that somebody reads it.
        """
        found = await self._directory.read(candidates_txn, org.org_id, key)
        parties = await self._parties.joined(found)
        rights = {user: in_audience(party, org.org_id, key) for user, party in parties.items()}
        hosts = {user for user, right in rights.items() if right is not None and right.host}
        heads = {user for user in hosts if (right := rights[user]) is not None and right.keeper}
        wanted_in = (hosts - heads) or heads
        members = await self._directory.read(members_txn, room_id)
        joined = {user for user, how in members.items() if how == "join"}
        service = self._parties.service_user
        for user in sorted(wanted_in - joined):
            try:
                await self._api.update_room_membership(service, user, room_id, "invite")
                await self._api.update_room_membership(user, user, room_id, "join")
            except SynapseError as error:
                logger.warning("a host was not let in room=%s why=%s", room_id, error.errcode)
        for user in sorted(joined - wanted_in - {service}):
            await self._api.update_room_membership(service, user, room_id, "leave")
