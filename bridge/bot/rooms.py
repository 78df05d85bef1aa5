"""Which room is a school's administration room, as the directory says; whoever makes another room is not believed."""

from __future__ import annotations

from collections.abc import Callable

from attrs import define, field

from bridge.ports_directory import Directory
from bridge.roles import OrgId

#: Seconds that an answer is kept: a room is made once, and replaced almost never.
KEEP_S = 60.0
#: The kind of docs/contracts.md §3.
ADMINISTRATION = "administration"


@define(eq=False)
class Rooms:
    """Attributes:
    seconds: any clock that does not go back.
    """

    _directory: Directory
    _seconds: Callable[[], float]
    _kept: dict[OrgId, tuple[float, str]] = field(factory=dict, init=False)

    async def administration(self, org_id: OrgId) -> str | None:
        """Its id; None while it is not there yet, which is asked again every time."""
        kept = self._kept.get(org_id)
        if kept is not None and self._seconds() - kept[0] < KEEP_S:
            return kept[1]
        for room in await self._directory.rooms(org_id):
            room_id = room.get("room_id")
            if room.get("kind") == ADMINISTRATION and isinstance(room_id, str) and room_id:
                self._kept[org_id] = (self._seconds(), room_id)
                return room_id
        return None
