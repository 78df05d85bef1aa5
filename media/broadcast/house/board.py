"""What hosts of a broadcast are told now: what is wrong goes on the board, and off it when it is right. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from attrs import define, field

from media.broadcast.origin.publication import Fault
from media.broadcast.program.notices import SENTENCES, Notice

#: Seconds that something which nobody takes back stays on the board.
STAYS_S = 30.0
#: What ends what.
BACK: Mapping[Notice, Notice] = {
    Notice.PICTURE_BACK: Notice.PICTURE_AWAY,
    Notice.SOUND_BACK: Notice.SOUND_AWAY,
}
#: Those that stay until the end: nothing mends them while the broadcast runs.
LASTING = frozenset({Notice.DISK_FULL, Notice.PICTURE_AWAY, Notice.SOUND_AWAY})
#: Of the origin; others are told by the state of the recording.
OF_ORIGIN: Mapping[Fault, Notice] = {
    Fault.DISK_FULL: Notice.DISK_FULL,
    Fault.DISK_FAILED: Notice.DISK_FULL,
    Fault.DISK_SLOW: Notice.DISK_FULL,
    Fault.UNFIT: Notice.NOT_PUBLISHED,
}
#: While nobody has published since it began.
NOBODY = (
    "Изображения и звука ещё нет: выберите, откуда они придут.",
    "There is no picture and no sound yet: choose where they come from.",
)


@define
class Board:
    _since: dict[Notice, float] = field(factory=dict, init=False)

    def say(self, notice: Notice, now: float) -> None:
        if notice in BACK:
            self._since.pop(BACK[notice], None)
        else:
            self._since[notice] = now

    def sentences(self, now: float) -> tuple[tuple[str, str], ...]:
        """Russian and English."""
        for notice, at in list(self._since.items()):
            if notice not in LASTING and now - at > STAYS_S:
                del self._since[notice]
        return tuple(SENTENCES[notice] for notice in self._since)
