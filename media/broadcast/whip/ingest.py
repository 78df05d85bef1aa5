"""WHIP: who publishes which broadcast, one on air and one spare. Decides and remembers; `Stage` carries out."""

from __future__ import annotations

import logging
from collections.abc import Callable

from attrs import define, field

from media.broadcast.whip.admitted import Admitted
from media.broadcast.whip.ids import BroadcastId, SessionId
from media.broadcast.whip.lineup import SILENT_S, Lineup
from media.broadcast.whip.publishing import H264_ONLY, read_publisher
from media.broadcast.whip.refusals import Refused, Why
from media.broadcast.whip.sessions import (
    Created,
    Restarted,
    Session,
    Sessions,
    Trickled,
    session_of,
)
from media.broadcast.whip.stage import Stage
from media.broadcast.whip.tokens import fits
from media.forwarder.api import Codec

logger = logging.getLogger(__name__)

#: Seconds after which a place may be free, or the node up again.
TRY_AGAIN_S = 5.0


@define
class Ingest:
    """Attributes:

    new_id: random names of sessions, of 128 bits at least.
    video: codecs that are taken.
    """

    stage: Stage
    new_id: Callable[[], str]
    video: tuple[Codec, ...] = H264_ONLY
    sessions: Sessions = field(init=False)
    _lineups: dict[BroadcastId, Lineup] = field(factory=dict, init=False)

    @sessions.default
    def _none(self) -> Sessions:
        return Sessions(self.stage)

    async def admit(self, broadcast: BroadcastId, token: str) -> Admitted | Refused:
        """Whether this is the broadcast's key. No such broadcast and another key are the same answer."""
        may = fits(token, await self.stage.key_of(broadcast))
        return Admitted(broadcast, holder="") if may else Refused(Why.UNAUTHORIZED)

    def create(self, admitted: Admitted, raw: bytes) -> Created | Refused:
        """A new publisher: on air at once, or the spare of somebody who lives."""
        broadcast = admitted.broadcast
        offer = read_publisher(raw, self.video)
        if isinstance(offer, Refused):
            return offer
        name = SessionId(self.new_id())
        before = self.lineup(broadcast)
        after = before.with_newcomer(name, self._silent)
        if after is None:
            return Refused(Why.TAKEN, retry_after_s=TRY_AGAIN_S)
        local = self.stage.open(name)
        if local is None:
            return Refused(Why.DRAINING, retry_after_s=TRY_AGAIN_S)
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
        self.stage.publish(broadcast, name, offer)
        self._change(broadcast, after)
        for displaced in before.sessions:
            if displaced not in after.sessions:
                self.sessions.pop(displaced)
                self.stage.end(displaced)
        logger.info(
            "a broadcast is published broadcast=%s spare=%s", broadcast, after.spare == name
        )
        return Created(session=name, etag=session.etag, answer=offer.answer(local))

    def patch(
        self, admitted: Admitted, session: str, if_match: str | None, raw: bytes
    ) -> Trickled | Restarted | Refused:
        found = self._get(admitted, session)
        return found if isinstance(found, Refused) else self.sessions.patch(found, if_match, raw)

    def delete(self, admitted: Admitted, session: str) -> Refused | None:
        """At once: the next key frame that viewers get is the spare's."""
        found = self._get(admitted, session)
        if isinstance(found, Refused):
            return found
        self.gone(found.id)
        self.stage.end(found.id)
        return None

    def gone(self, session: SessionId) -> None:
        """A session's peer has ended, or is about to; unknown ones are none of ours (any more)."""
        ended = self.sessions.pop(session)
        if ended is not None:
            logger.info("a publisher has ended broadcast=%s", ended.broadcast)
            self._change(ended.broadcast, self.lineup(ended.broadcast).without(session))

    def close(self, broadcast: BroadcastId) -> None:
        """The broadcast is over: its host said so."""
        for session in self.sessions.of(broadcast):
            self.sessions.pop(session.id)
            self.stage.end(session.id)
        self._change(broadcast, Lineup())

    def look(self) -> None:
        """Every second: a spare takes over from whoever has fallen silent."""
        for broadcast, lineup in list(self._lineups.items()):
            after = lineup.looked_at(self._silent)
            if after != lineup:
                logger.warning("the publisher on air fell silent broadcast=%s", broadcast)
                self._change(broadcast, after)

    def lineup(self, broadcast: BroadcastId) -> Lineup:
        return self._lineups.get(broadcast, Lineup())

    def _get(self, admitted: Admitted, session: str) -> Session | Refused:
        found = self.sessions.get(admitted.broadcast, session, admitted.holder)
        return found or Refused(Why.NO_SESSION)

    def _silent(self, session: SessionId) -> bool:
        return self.stage.silent_s(session) > SILENT_S

    def _change(self, broadcast: BroadcastId, after: Lineup) -> None:
        before = self._lineups.pop(broadcast, Lineup())
        if after.sessions:
            self._lineups[broadcast] = after
        if after.on_air != before.on_air:
            self.stage.on_air(broadcast, after.on_air)
