"""What WHIP and WHEP ask of the process around them: who may, peers on the media ports, tracks in the forwarder.

Nothing here blocks but `key_of` and `account_of`, which may ask a registry. A peer that ends by itself is told to
`Ingest.gone` or `Egress.gone`; `Ingest.look` is called every second.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from media.broadcast.whip.ids import BroadcastId, SessionId
from media.broadcast.whip.publishing import PublisherOffer
from media.ids import TrackSid
from media.sdp.api import Local, Outgoing, Sending
from media.transport.api import IceCredentials, RemoteParameters


class Peers(Protocol):
    """Connections by the name of their session."""

    def open(self, session: SessionId) -> Local | None:
        """Announce a peer; None: the node drains, or bears no more."""

    def restart(self, session: SessionId, remote: IceCredentials) -> Local | None:
        """New credentials on both sides, the same DTLS; None: the peer has just ended."""

    def silent_s(self, session: SessionId) -> float:
        """Seconds since a sign of life, or since `open`."""

    def end(self, session: SessionId) -> None:
        """Close the peer, its tracks go with it; harmless for one that has ended. `gone` may follow, or not."""


class Stage(Peers, Protocol):
    """Publishers' side."""

    async def key_of(self, broadcast: BroadcastId) -> bytes | None:
        """`tokens.digest` of its key; None: there is no such broadcast, or it may not be published now."""

    def publish(self, broadcast: BroadcastId, session: SessionId, offer: PublisherOffer) -> None:
        """Let the peer that was opened start, and its tracks come in. Spares too: their pictures are kept warm."""

    def on_air(self, broadcast: BroadcastId, session: SessionId | None) -> None:
        """From now on viewers are shown this one; None: nobody."""


class Gallery(Peers, Protocol):
    """Viewers' side."""

    async def account_of(self, broadcast: BroadcastId, token: str) -> str | None:
        """Whose pass for this broadcast `token` is, however many devices they have; None: it does not hold."""

    def on_show(self, broadcast: BroadcastId) -> tuple[Outgoing, ...]:
        """Tracks of the broadcast with numbers for one more viewer; empty while nobody is on air."""

    def watch(
        self,
        broadcast: BroadcastId,
        session: SessionId,
        remote: RemoteParameters,
        shown: Mapping[TrackSid, tuple[Outgoing, Sending]],
    ) -> None:
        """Let the peer that was opened start, and send it these."""
