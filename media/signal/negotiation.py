"""What both ways of negotiating share: answering a client's offer on one connection.

v0 (`negotiation_v0`) has two connections, and we offer on the subscriber's; v1 (`negotiation_v1`) has one, and only the
client offers (calls.md §2.3, §2.4). Nothing here waits: what must be sent goes through `say`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Protocol

from attrs import define, field
from livekit.protocol import rtc

from media.frozen import frozen
from media.ids import ParticipantSid, PeerId, TrackSid
from media.sdp.api import (
    Answers,
    Cache,
    Description,
    Local,
    Outgoing,
    Policy,
    SdpError,
    Section,
    SectionKind,
    Texts,
    build_answer,
    parse,
    write,
)
from media.signal.tracks import Changes, Publications
from media.transport.api import (
    IceCredentials,
    Listener,
    Peer,
    PeerObserver,
    PeerState,
    RemoteParameters,
)

#: Seconds for the answer to an offer of ours; then the client's state is not what we think.
ANSWER_S = 15.0


class BadDescription(Exception):
    """An offer or answer that cannot be used. The client's affair: counted, and nothing changes."""


class Ears(Protocol):
    """Who is told what was negotiated."""

    def published(self, changes: Changes) -> None: ...

    def carried(
        self, peer: PeerId, sections: Iterable[Section], tracks: Mapping[str, TrackSid]
    ) -> None:
        """Sections towards the client that both sides have agreed on."""


class Negotiation(Protocol):
    """One participant's side of it, from the first offer to the end."""

    publications: Publications

    @property
    def primary(self) -> PeerId:
        """The connection whose end is the participant's end."""

    @property
    def data_peer(self) -> Peer | None:
        """Where data packets go out."""

    def peer(self, peer: PeerId) -> Peer | None: ...

    def begin(self) -> None: ...

    def take_offer(self, offer: rtc.SessionDescription) -> None: ...

    def take_answer(self, answer: rtc.SessionDescription, now: float) -> None: ...

    def put(self, outgoing: Outgoing) -> None: ...

    def drop(self, track: TrackSid) -> None: ...

    def flush(self, now: float) -> None:
        """Tell the client what changed since the last time."""

    def resumed(self, now: float) -> None:
        """The client is back on another WebSocket: ICE restarts where that is ours to start."""

    def late(self, now: float) -> bool:
        """The client owes an answer for too long."""

    def gone(self, peer: PeerId) -> tuple[TrackSid, ...]:
        """A connection ended: tracks that were published on it."""

    def close(self) -> None: ...


@frozen(kw_only=True)
class Surroundings:
    """Of one participant."""

    sid: ParticipantSid
    listener: Listener
    observer: PeerObserver
    ears: Ears
    say: Callable[[rtc.SignalResponse], None]
    policy: Policy = field(factory=Policy)


@define(eq=False)
class Side:
    """One connection on which the client offers."""

    around: Surroundings
    id: PeerId
    peer: Peer | None = None
    _cache: Cache = field(factory=Cache)
    _answers: Answers = field(factory=Answers)
    _texts: Texts = field(factory=Texts)

    def answer(
        self,
        text: str,
        publications: Publications,
        fill: Callable[[Description], Mapping[str, Outgoing]] | None = None,
    ) -> tuple[Description, Description, Changes]:
        """The client's offer and our answer.

        Raises:
            BadDescription: nothing has changed.
        """
        offer = read_description(text, self._cache)
        peer = self.opened()
        meet(peer, offer)
        answer = build_answer(
            offer,
            local(self.around.listener, peer),
            self.around.policy,
            outgoing=fill(offer) if fill is not None else None,
            wishes=publications.offered(offer),
            answers=self._answers,
        )
        return offer, answer, publications.answered(offer, answer)

    def as_message(
        self, answer: Description, number: int, tracks: Mapping[str, TrackSid] | None = None
    ) -> rtc.SignalResponse:
        """`number`: of the offer it answers; livekit-client ignores answers to older ones."""
        return rtc.SignalResponse(
            answer=rtc.SessionDescription(
                type="answer",
                sdp=write(answer, self._texts),
                id=number,
                mid_to_track_id=tracks or {},
            )
        )

    def opened(self) -> Peer:
        if self.peer is None:
            self.peer = self.around.listener.add_peer(self.id, self.around.observer)
        return self.peer

    def close(self) -> None:
        if self.peer is not None:
            self.peer.close()
            self.peer = None


def read_description(text: str, cache: Cache) -> Description:
    """Raises:
    BadDescription: no SDP, or nobody could be reached with it.
    """
    try:
        description = parse(text, cache)
    except SdpError as wrong:
        raise BadDescription(str(wrong)) from None
    transport = description.transport
    if not (transport.ufrag and transport.pwd and transport.fingerprints):
        raise BadDescription("no ufrag, no password or no fingerprint")
    return description


def local(listener: Listener, peer: Peer) -> Local:
    return Local(
        ufrag=peer.local.ufrag,
        pwd=peer.local.pwd,
        fingerprint=listener.fingerprint,
        candidates=listener.candidates,
    )


def meet(peer: Peer, theirs: Description) -> None:
    """Believe the client's offer: start the first time, restart ICE when its ufrag is another one."""
    if peer.state is PeerState.NEW:
        peer.start(remote_parameters(theirs))
    elif theirs.transport.ufrag != peer.remote_ufrag:
        peer.restart_ice(IceCredentials(theirs.transport.ufrag, theirs.transport.pwd))


def not_decoded(track: TrackSid) -> rtc.SignalResponse:
    """To a client that has no decoder for it: LiveKit's SDKs tell their page (`TrackSubscriptionFailed`)."""
    return rtc.SignalResponse(
        subscription_response=rtc.SubscriptionResponse(track_sid=track, err="SE_CODEC_UNSUPPORTED")
    )


def remote_parameters(theirs: Description) -> RemoteParameters:
    data = next((one for one in theirs.sections if one.kind is SectionKind.DATA), None)
    transport = theirs.transport
    return RemoteParameters(
        ufrag=transport.ufrag,
        pwd=transport.pwd,
        fingerprints=transport.fingerprints,
        setup=transport.setup,
        sctp_port=(data.sctp_port if data is not None else None) or 5000,
        max_message_size=(data.max_message_size if data is not None else None) or 65536,
    )
