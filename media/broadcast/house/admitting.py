"""Who publishes: the key of a broadcast (OBS), or the token of its camera page. Both are the same right."""

from __future__ import annotations

from collections.abc import Callable

from attrs import frozen

from media.broadcast.whip.admitted import Admitted
from media.broadcast.whip.endpoints import Sessions
from media.broadcast.whip.ids import BroadcastId
from media.broadcast.whip.refusals import Refused
from media.broadcast.whip.sessions import Created, Restarted, Trickled


@frozen
class Publishers:
    """In front of `Ingest`.

    Attributes:
        may_publish: whether a token is the one of this broadcast's camera page, and the broadcast can be published.
    """

    ingest: Sessions
    may_publish: Callable[[BroadcastId, str], bool]

    async def admit(self, broadcast: BroadcastId, token: str) -> Admitted | Refused:
        if self.may_publish(broadcast, token):
            return Admitted(broadcast, holder="")
        return await self.ingest.admit(broadcast, token)

    def create(self, admitted: Admitted, raw: bytes) -> Created | Refused:
        return self.ingest.create(admitted, raw)

    def patch(
        self, admitted: Admitted, session: str, if_match: str | None, raw: bytes
    ) -> Trickled | Restarted | Refused:
        return self.ingest.patch(admitted, session, if_match, raw)

    def delete(self, admitted: Admitted, session: str) -> Refused | None:
        return self.ingest.delete(admitted, session)
