"""Broadcasts of other schools in the house: what hosts ask of the fan-out, and what they are told of it."""

from __future__ import annotations

from attrs import define, field

from media.broadcast.desk.shown import Unable
from media.broadcast.fanout.node import FanOut, Unfollowed
from media.broadcast.fanout.puller import Now
from media.broadcast.register.values import Broadcast
from media.broadcast.whip.ids import BroadcastId

#: After which a broadcast of ours is over, if it has been seen at all.
ENDS = frozenset({Now.OVER, Now.CUT_OFF, Now.GIVEN_UP})
_UNABLE = {Unfollowed.NO_LINK: Unable.NO_LINK, Unfollowed.BUSY: Unable.BUSY}


@define(eq=False)
class Following:
    """`OtherSchools` of the house, over one node's fan-out."""

    fan: FanOut
    _refused: set[BroadcastId] = field(factory=set, init=False)  # that never showed anything
    _seen: set[BroadcastId] = field(factory=set, init=False)

    @property
    def any(self) -> bool:
        return bool(self.fan.schools())

    def link(self, broadcast: BroadcastId) -> str:
        return self.fan.link(broadcast) or ""

    def follow(self, broadcast: Broadcast, link: str) -> Unable | None:
        refused = self.fan.promise(broadcast.id, link)
        if refused is not None:
            return _UNABLE[refused]
        self._refused.discard(broadcast.id)
        if broadcast.on_air:
            self.resume(broadcast)
        return None

    def resume(self, broadcast: Broadcast) -> None:
        self.fan.begin(broadcast.id, recorded=broadcast.recorded)

    def now(self, broadcast: BroadcastId) -> str:
        found = self.fan.now(broadcast)
        if found is not None:
            return found.value
        return Now.CUT_OFF.value if broadcast in self._refused else ""

    def leave(self, broadcast: BroadcastId) -> None:
        self.fan.leave(broadcast)
        self._refused.discard(broadcast)
        self._seen.discard(broadcast)

    def heard(self, broadcast: BroadcastId, now: Now) -> bool:
        """Told by the fan-out; whether ours is over with it."""
        if now is Now.LIVE:
            self._seen.add(broadcast)
        if now is Now.NOT_TAKEN or (now in ENDS and broadcast not in self._seen):
            self._refused.add(broadcast)
            return False
        return now in ENDS
