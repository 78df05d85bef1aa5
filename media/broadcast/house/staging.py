"""What the house asks of whoever produces broadcasts: begin, end, what comes in, whom of a call to show."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Protocol

from attrs import frozen

from media.broadcast.desk.shown import Speaker, Unable
from media.broadcast.pages.asking import BadLine
from media.broadcast.pages.shown import Said
from media.broadcast.register.values import Broadcast
from media.broadcast.whip.ids import BroadcastId


@frozen(kw_only=True)
class OnStage:
    """What a stage has at this moment.

    Attributes:
        opened: there is something to watch.
        publishers: of WHIP: none, the one on air, and a spare.
        speaker: the key of whoever is shown from the call; "": nobody.
        notices: what is wrong now, Russian and English.
    """

    opened: bool = False
    publishers: int = 0
    speaker: str = ""
    notices: tuple[tuple[str, str], ...] = ()


class Staging(Protocol):
    """Nothing of it raises for what a person or a network did."""

    async def begin(self, broadcast: Broadcast) -> bool:
        """Viewers are shown it from now on; whoever publishes already is on air. False: this node bears no more."""

    def end(self, broadcast: BroadcastId) -> None:
        """It is over: publishers are let go, the recording is made. Harmless for one that does not run."""

    def seen(self, broadcast: BroadcastId) -> OnStage: ...

    async def speakers(self, broadcast: Broadcast) -> Sequence[Speaker]:
        """Cameras and screens of the call of its room, with names; nothing where nobody calls."""

    async def names(self, accounts: Collection[str]) -> Mapping[str, str]:
        """Of people, as the school knows them; whoever is missing has no name today."""

    def calls(self, broadcast: Broadcast) -> bool:
        """Whether the call of its room is what viewers see."""

    def caption(self, broadcast: Broadcast) -> None:
        """Somebody types captions from now on: players are told that there are some."""

    def captioned(self, broadcast: BroadcastId) -> bool:
        """Whether what viewers see has captions: typed here, or at the school that it comes from."""

    def type(self, broadcast: BroadcastId, line: str) -> BadLine | None:
        """A line of captions, shown from now on."""

    def post(self, broadcast: BroadcastId, said: Said) -> None:
        """All viewers see this line; without a text no more. Where nothing runs yet they see it when it does."""

    def takes_lines(self, broadcast: BroadcastId) -> bool:
        """False: it is over, or so many came at once that another one has to wait."""

    def repeat(self, broadcast: BroadcastId, lines: Sequence[Said]) -> None:
        """What all saw before this process began, the oldest first."""

    def show(self, broadcast: Broadcast, account: str, speaker: str) -> Unable | None:
        """Show this one of them; "": none any more. `account`, a host, decides (R48)."""
