"""Viewers of WHEP on this process' ports: the publisher's packets go to them as they come."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping

from attrs import define, field

from media.broadcast.program.ports import Ports, peer_of, room_of
from media.broadcast.program.stage import MediaStage, track_of
from media.broadcast.whip.ids import BroadcastId, SessionId
from media.forwarder.api import DownTrack, Want
from media.ids import DownId, ParticipantSid, RoomName, TrackSid
from media.sdp.api import Outgoing, SectionKind, Sending
from media.transport.api import RemoteParameters

#: Whose pass this is; None: it does not hold.
AccountOf = Callable[[BroadcastId, str], Awaitable[str | None]]
Shown = Mapping[TrackSid, tuple[Outgoing, Sending]]


@define(eq=False)
class MediaGallery(Ports):
    """`whip.stage.Gallery`. What runs from a call is for the ordinary way alone: its tracks are the call's."""

    stage: MediaStage = field(kw_only=True)
    accounts: AccountOf = field(kw_only=True)
    bits: Callable[[int], int] = field(kw_only=True)
    _shown: dict[SessionId, tuple[BroadcastId, Shown]] = field(factory=dict)

    async def account_of(self, broadcast: BroadcastId, token: str) -> str | None:
        return await self.accounts(broadcast, token)

    def on_show(self, broadcast: BroadcastId) -> tuple[Outgoing, ...]:
        session = self.stage.live(broadcast)
        if session is None:
            return ()
        return tuple(
            Outgoing(
                sid=track_of(session, one.kind),
                publisher=ParticipantSid(session),
                kind=SectionKind(one.kind.value),
                codec=next(iter(one.payload_types.values())),
                ssrc=self._number(),
                rtx_ssrc=self._number() if one.rtx else 0,
                cname=f"{self.bits(64):016x}",
            )
            for one in self.stage.incoming(session)
        )

    def watch(
        self,
        broadcast: BroadcastId,
        session: SessionId,
        remote: RemoteParameters,
        shown: Shown,
    ) -> None:
        self._shown[session] = broadcast, shown
        self._peers[session].start(remote)

    def _number(self) -> int:
        return self.bits(31) + 1

    def _room(self, session: SessionId) -> RoomName:
        return room_of(self._shown[session][0])

    def _wire(self, session: SessionId) -> None:
        broadcast, shown = self._shown[session]
        live = self.stage.live(broadcast)
        theirs = (
            set()
            if live is None
            else {track_of(live, one.kind) for one in self.stage.incoming(live)}
        )
        if not theirs & shown.keys():  # another publisher is on air since the answer
            self.end(session)
            return
        peer = peer_of(session)
        for sid, (track, how) in shown.items():
            if sid not in theirs:
                continue
            down = DownTrack(
                id=DownId(f"{peer}-{sid}"),
                track=sid,
                peer=peer,
                mid=how.mid,
                ssrc=track.ssrc,
                rtx_ssrc=track.rtx_ssrc,
                payload_types=how.payload_types,
                extensions=how.extensions,
                cname=track.cname,
                first_sequence=self.bits(15),
                first_timestamp=self.bits(32),
                first_picture_id=self.bits(15),
            )
            self.plane.add_downs([(down, Want())])

    def _forget(self, session: SessionId) -> None:
        self._shown.pop(session, None)
