"""WHEP: who watches without delay. Decides and remembers; `Gallery` carries out."""

from __future__ import annotations

from collections.abc import Callable

from attrs import define, field

from media.broadcast.whip.admitted import Admitted
from media.broadcast.whip.ids import BroadcastId, SessionId
from media.broadcast.whip.refusals import Refused, Why
from media.broadcast.whip.sessions import (
    Created,
    Restarted,
    Session,
    Sessions,
    Trickled,
    session_of,
)
from media.broadcast.whip.stage import Gallery
from media.broadcast.whip.watching import read_viewer

#: Seconds until the publisher may be there, or a place free.
TRY_AGAIN_S = 5.0
#: Viewers of one broadcast: above that the ordinary way is for (broadcast.md §6, §8).
MOST_VIEWERS = 500
#: Devices of one account; the one that came first makes room, as after a page that was loaded again.
MOST_DEVICES = 2


@define
class Egress:
    """`new_id` as of `Ingest`."""

    gallery: Gallery
    new_id: Callable[[], str]
    most_viewers: int = MOST_VIEWERS
    sessions: Sessions = field(init=False)

    @sessions.default
    def _none(self) -> Sessions:
        return Sessions(self.gallery)

    async def admit(self, broadcast: BroadcastId, token: str) -> Admitted | Refused:
        """Whose pass this is."""
        account = await self.gallery.account_of(broadcast, token) if token else None
        return Admitted(broadcast, account) if account else Refused(Why.UNAUTHORIZED)

    def create(self, admitted: Admitted, raw: bytes) -> Created | Refused:
        """A new viewer; a third device of one account ends the first."""
        broadcast = admitted.broadcast
        offer = read_viewer(raw)
        if isinstance(offer, Refused):
            return offer
        tracks = self.gallery.on_show(broadcast)
        if not tracks:
            return Refused(Why.NOT_ON_AIR, retry_after_s=TRY_AGAIN_S)
        shown = offer.placed(tracks)
        if isinstance(shown, Refused):
            return shown
        watching = list(self.sessions.of(broadcast))
        own = [one for one in watching if one.holder == admitted.holder]
        displaced = own[: len(own) + 1 - MOST_DEVICES] if len(own) >= MOST_DEVICES else []
        if len(watching) - len(displaced) >= self.most_viewers:
            return Refused(Why.FULL, retry_after_s=TRY_AGAIN_S)
        name = SessionId(self.new_id())
        local = self.gallery.open(name)
        if local is None:
            return Refused(Why.DRAINING, retry_after_s=TRY_AGAIN_S)
        for one in displaced:
            self._end(one)
        session = session_of(
            name,
            broadcast,
            admitted.holder,
            local,
            remote_ufrag=offer.remote.ufrag,
            mids=offer.mids,
            kind=offer.kind,
        )
        self.sessions.add(session)
        answer = offer.answer(local, shown)
        by_sid = {track.sid: track for track in shown.values()}
        self.gallery.watch(
            broadcast,
            name,
            offer.remote,
            {sid: (by_sid[sid], how) for sid, how in answer.sending.items()},
        )
        return Created(session=name, etag=session.etag, answer=answer.text)

    def patch(
        self, admitted: Admitted, session: str, if_match: str | None, raw: bytes
    ) -> Trickled | Restarted | Refused:
        found = self._get(admitted, session)
        return found if isinstance(found, Refused) else self.sessions.patch(found, if_match, raw)

    def delete(self, admitted: Admitted, session: str) -> Refused | None:
        found = self._get(admitted, session)
        if isinstance(found, Refused):
            return found
        self._end(found)
        return None

    def gone(self, session: SessionId) -> None:
        """A viewer's peer has ended."""
        self.sessions.pop(session)

    def revoke(self, account: str) -> None:
        """Somebody may watch no longer (R27): their devices are cut off now."""
        for one in self.sessions.held_by(account):
            self._end(one)

    def close(self, broadcast: BroadcastId) -> None:
        """The broadcast is over, or its tracks are others now: whoever watches comes again."""
        for one in self.sessions.of(broadcast):
            self._end(one)

    def _get(self, admitted: Admitted, session: str) -> Session | Refused:
        found = self.sessions.get(admitted.broadcast, session, admitted.holder)
        return found or Refused(Why.NO_SESSION)

    def _end(self, session: Session) -> None:
        self.sessions.pop(session.id)
        self.gallery.end(session.id)
