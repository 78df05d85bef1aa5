"""What the house asks of the fan-out: broadcasts of other schools here, and ours there."""

from __future__ import annotations

from typing import Protocol

from media.broadcast.desk.shown import Unable
from media.broadcast.register.values import Broadcast
from media.broadcast.whip.ids import BroadcastId


class OtherSchools(Protocol):
    """Nothing of it raises for what a person or a network did."""

    @property
    def any(self) -> bool:
        """Whether there is another school."""

    def link(self, broadcast: BroadcastId) -> str:
        """For a host of another school; "": it is not ours to give."""

    def follow(self, broadcast: Broadcast, link: str) -> Unable | None:
        """Show theirs as this one of ours, which is on air."""

    def resume(self, broadcast: Broadcast) -> None:
        """After a start of the process: what it followed before; nothing where it did not."""

    def now(self, broadcast: BroadcastId) -> str:
        """joining, live, away; cut_off: it was refused; "": none is followed."""

    def leave(self, broadcast: BroadcastId) -> None:
        """Ours is over."""
