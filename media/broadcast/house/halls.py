"""Calls of this process, as the programs of broadcasts for their rooms: which it is, and who can be shown of it."""

from __future__ import annotations

from collections.abc import Sequence

from attrs import frozen

from media.access.hashes import room_name
from media.broadcast.desk.shown import Speaker
from media.broadcast.house import speaking
from media.broadcast.house.names import Names
from media.broadcast.program.choosing import Shot
from media.broadcast.register.values import Broadcast
from media.signal.hall import Hall
from media.signal.node import Node


@frozen
class Halls:
    """Looks them up each time: a call begins and ends when its people do."""

    node: Node
    people: Names

    def of(self, broadcast: Broadcast) -> Hall | None:
        """The call of its room; a broadcast for the whole school has none."""
        room_id = broadcast.audience.room_id
        return self.node.halls.get(room_name(room_id)) if room_id else None

    async def speakers(self, broadcast: Broadcast) -> Sequence[Speaker]:
        """Cameras and screens that a host may choose from."""
        hall = self.of(broadcast)
        if hall is None:
            return ()
        found = list(speaking.shown(hall.room.view(self.node.services.clock())))
        accounts = {one.key: _account(hall, one.person.sid) for one in found}
        names = await self.people.of(set(accounts.values()))
        return [
            Speaker(
                one.key,
                one.person.name or names.get(accounts[one.key], "?"),
                screen=one.shot is Shot.SCREEN,
            )
            for one in found
        ]


def _account(hall: Hall, sid: object) -> str:
    client = next((one for one in hall.clients.values() if one.sid == sid), None)
    member = None if client is None else client.claims.member
    return "" if member is None else member.user_id
