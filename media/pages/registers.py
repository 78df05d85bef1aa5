"""Who was in calls that are over (R45): kept for hosts until the evening, in memory only, user ids and times."""

from __future__ import annotations

from collections.abc import Iterator

from attrs import define, field, frozen

from media.ids import RoomName
from media.room.attendance import Row
from media.room.model import Person
from media.room.room import View

#: Seconds after the end of a call: a teacher downloads it the same day. A restart forgets it.
KEEP_S = 12 * 3600.0
#: Of one chat: whoever comes back to an empty call for a moment makes another one.
MOST = 10


@frozen(kw_only=True)
class Register:
    """Of one call. Times are seconds since 1970; `ended_at` None: it is under way."""

    call_id: str
    began_at: float
    ended_at: float | None
    starter: Person | None
    rows: tuple[Row, ...] = field(repr=False)


def register_of(view: View, ended_at: float | None = None) -> Register:
    """Of a call as its room shows it."""
    return Register(
        call_id=view.info.sid,
        began_at=view.info.created_at,
        ended_at=ended_at,
        starter=view.starter,
        rows=view.attendance,
    )


@define
class Registers:
    """The last calls of each chat, the latest first."""

    _kept: dict[RoomName, list[Register]] = field(factory=dict)

    def keep(self, room: RoomName, register: Register) -> None:
        """At the end of a call; one that nobody entered leaves nothing."""
        now = register.ended_at or 0.0
        for name in list(self._kept):
            self._kept[name] = list(self.of(name, now))
            if not self._kept[name]:
                del self._kept[name]
        if register.rows:
            kept = self._kept.setdefault(room, [])
            kept.insert(0, register)
            del kept[MOST:]

    def of(self, room: RoomName, now: float) -> Iterator[Register]:
        """`now` is seconds since 1970."""
        for one in self._kept.get(room, ()):
            if now - (one.ended_at or now) < KEEP_S:
                yield one
