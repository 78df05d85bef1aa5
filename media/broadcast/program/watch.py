"""When hosts are told that something is missing, and that it is back. Pure; ticks of 48 kHz."""

from __future__ import annotations

from attrs import define, field

from media.broadcast.cmaf.clocks import RATE
from media.broadcast.program.notices import Notice

#: Nothing for so long is worth a word. Screens that stand still send a picture in some seconds.
AWAY = 5 * RATE


@define
class _Kind:
    """One thing that should come all the time."""

    gone: Notice
    back: Notice
    away: bool = False

    def look(self, last: int, now: int) -> list[Notice]:
        away = now - last > AWAY
        if away == self.away:
            return []
        self.away = away
        return [self.gone if away else self.back]


@define
class Watch:
    """Attributes:

    began: of the broadcast, ticks: nothing is missed in its first seconds.
    """

    began: int
    _picture: _Kind = field(factory=lambda: _Kind(Notice.PICTURE_AWAY, Notice.PICTURE_BACK))
    _sound: _Kind = field(factory=lambda: _Kind(Notice.SOUND_AWAY, Notice.SOUND_BACK))
    _said: set[Notice] = field(factory=set)

    def look(self, picture: int | None, sound: int | None, now: int) -> list[Notice]:
        """When the last of each was shown or heard; None: never."""
        return [
            *self._picture.look(self.began if picture is None else picture, now),
            *self._sound.look(self.began if sound is None else sound, now),
        ]

    def once(self, notice: Notice) -> list[Notice]:
        """What does not get better by itself is said once."""
        if notice in self._said:
            return []
        self._said.add(notice)
        return [notice]
