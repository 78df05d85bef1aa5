"""Who of those that publish a broadcast is on air: one, and one spare that takes over. Pure.

OBS whose network broke comes again while its old session still counts as connected for 30 s; and a school that must not
lose its concert runs a second computer. Both are a second session of the same key.
"""

from __future__ import annotations

from collections.abc import Callable

from attrs import evolve, frozen

from media.broadcast.whip.ids import SessionId

#: Seconds without a sign of life after which a session holds no place any more: browsers and libdatachannel check
#: every 2.5 to 6 s, viewers should see the picture again within ten.
SILENT_S = 7.0

#: Whether nothing has been heard of a session for `SILENT_S`.
Silent = Callable[[SessionId], bool]


@frozen
class Lineup:
    on_air: SessionId | None = None
    spare: SessionId | None = None

    @property
    def sessions(self) -> tuple[SessionId, ...]:
        return tuple(one for one in (self.on_air, self.spare) if one is not None)

    def with_newcomer(self, newcomer: SessionId, silent: Silent) -> Lineup | None:
        """Those who are silent make room; None: both places are held by somebody who lives."""
        alive = tuple(one for one in self.sessions if not silent(one))
        if len(alive) == 2:
            return None
        return Lineup(alive[0], newcomer) if alive else Lineup(newcomer)

    def without(self, gone: SessionId) -> Lineup:
        """The spare takes over."""
        return Lineup(*(one for one in self.sessions if one != gone))

    def looked_at(self, silent: Silent) -> Lineup:
        """They change places where only the one on air has fallen silent; it may yet come back as the spare."""
        if self.on_air is None or self.spare is None:
            return self
        if not silent(self.on_air) or silent(self.spare):
            return self
        return evolve(self, on_air=self.spare, spare=self.on_air)
