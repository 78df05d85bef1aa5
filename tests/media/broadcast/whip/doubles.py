"""The process around WHIP and WHEP, as a record of what it was told."""

from __future__ import annotations

import itertools
from collections.abc import Mapping

from attrs import Factory, define

from media.broadcast.whip.ids import BroadcastId, SessionId
from media.broadcast.whip.publishing import PublisherOffer
from media.broadcast.whip.tokens import digest
from media.forwarder.api import Codec
from media.ids import TrackSid
from media.sdp.api import Local, Outgoing, Sending
from media.transport.api import IceCredentials, RemoteParameters
from tests.media.sdp.goldens import LOCAL, camera, microphone

CONCERT = BroadcastId("concert")
KEY = "k3y-of-the-concert_0123456789"


@define
class Peers:
    """Attributes:
    told: every call that changes something, in order.
    silence: seconds by session; 0 for the others.
    """

    told: list[tuple[str, ...]] = Factory(list)
    silence: dict[str, float] = Factory(dict)
    draining: bool = False
    lost: bool = False
    _numbers: itertools.count[int] = Factory(lambda: itertools.count(1))

    def open(self, session: SessionId) -> Local | None:
        if self.draining:
            return None
        self.told.append(("open", session))
        return self._local()

    def restart(self, session: SessionId, remote: IceCredentials) -> Local | None:
        if self.lost:
            return None
        self.told.append(("restart", session, remote.ufrag, remote.pwd))
        return self._local()

    def silent_s(self, session: SessionId) -> float:
        return self.silence.get(session, 0.0)

    def end(self, session: SessionId) -> None:
        self.told.append(("end", session))

    def _local(self) -> Local:
        return Local(
            ufrag=f"ours{next(self._numbers)}",
            pwd="p" * 32,
            fingerprint=LOCAL.fingerprint,
            candidates=LOCAL.candidates,
        )


@define
class FakeStage(Peers):
    keys: dict[BroadcastId, bytes] = Factory(lambda: {CONCERT: digest(KEY)})
    offers: dict[SessionId, PublisherOffer] = Factory(dict)
    broken: bool = False

    async def key_of(self, broadcast: BroadcastId) -> bytes | None:
        if self.broken:
            raise RuntimeError("no registry")
        return self.keys.get(broadcast)

    def publish(self, broadcast: BroadcastId, session: SessionId, offer: PublisherOffer) -> None:
        self.told.append(("publish", broadcast, session))
        self.offers[session] = offer

    def on_air(self, broadcast: BroadcastId, session: SessionId | None) -> None:
        self.told.append(("on_air", broadcast, session or "nobody"))


@define
class FakeGallery(Peers):
    passes: dict[str, str] = Factory(lambda: {"pass-of-ann": "@ann:s", "pass-of-bob": "@bob:s"})
    tracks: tuple[Outgoing, ...] = (microphone(), camera(codec=Codec.H264))
    shown: dict[SessionId, Mapping[TrackSid, tuple[Outgoing, Sending]]] = Factory(dict)

    async def account_of(self, broadcast: BroadcastId, token: str) -> str | None:
        return self.passes.get(token) if broadcast == CONCERT else None

    def on_show(self, broadcast: BroadcastId) -> tuple[Outgoing, ...]:
        return self.tracks if broadcast == CONCERT else ()

    def watch(
        self,
        broadcast: BroadcastId,
        session: SessionId,
        remote: RemoteParameters,
        shown: Mapping[TrackSid, tuple[Outgoing, Sending]],
    ) -> None:
        self.told.append(("watch", broadcast, session, remote.ufrag))
        self.shown[session] = shown


def numbered() -> itertools.count[int]:
    return itertools.count(1)
