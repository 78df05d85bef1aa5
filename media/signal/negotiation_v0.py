"""Two connections: the client offers on the publisher's, we offer on the subscriber's (calls.md §2.3)."""

from __future__ import annotations

from attrs import define, field
from livekit.protocol import rtc

from media.ids import PeerId, TrackSid
from media.sdp.api import (
    Built,
    Cache,
    Description,
    Outgoing,
    SectionTable,
    Texts,
    build_offer,
    shown_in,
    write,
)
from media.signal.data import LOSSY, RELIABLE
from media.signal.negotiation import (
    ANSWER_S,
    Side,
    Surroundings,
    local,
    not_decoded,
    read_description,
    remote_parameters,
)
from media.signal.tracks import Publications
from media.transport.api import IceCredentials, Peer, PeerState


@define(eq=False)
class NegotiationV0:
    around: Surroundings
    publications: Publications = field(init=False)
    _publisher: Side = field(init=False)
    _subscriber: Peer = field(init=False)
    _table: SectionTable = field(factory=SectionTable)
    _cache: Cache = field(factory=Cache)
    _built: Built = field(factory=Built)
    _texts: Texts = field(factory=Texts)
    _offers: int = 0  # id of the last offer
    _outstanding: tuple[Description, float] | None = None  # and when it went out
    _changed: bool = True
    _refused: set[TrackSid] = field(factory=set)  # the client was told so

    def __attrs_post_init__(self) -> None:
        publisher = PeerId(f"{self.around.sid}:publisher")
        self.publications = Publications(publisher)
        self._publisher = Side(self.around, publisher)
        self._subscriber = self.around.listener.add_peer(
            PeerId(f"{self.around.sid}:subscriber"), self.around.observer
        )
        self._subscriber.open_channel(RELIABLE)
        self._subscriber.open_channel(LOSSY, ordered=False, max_retransmits=0)

    @property
    def primary(self) -> PeerId:
        return self._subscriber.id

    @property
    def data_peer(self) -> Peer | None:
        return self._subscriber

    def peer(self, peer: PeerId) -> Peer | None:
        return self._subscriber if peer == self._subscriber.id else self._publisher.peer

    def begin(self) -> None:
        """`flush` makes the first offer, with the data channels alone if need be."""

    def take_offer(self, offer: rtc.SessionDescription) -> None:
        """The publisher's.

        Raises:
            BadDescription: it is none.
        """
        _, answer, changes = self._publisher.answer(offer.sdp, self.publications)
        self.around.say(self._publisher.as_message(answer, offer.id))
        self.around.ears.published(changes)

    def take_answer(self, answer: rtc.SessionDescription, now: float) -> None:
        """The subscriber's; one to an older offer is ignored. Rust writes no id.

        Raises:
            BadDescription: it is none.
        """
        if self._outstanding is None or answer.id not in (0, self._offers):
            return
        offer, _ = self._outstanding
        theirs = read_description(answer.sdp, self._cache)
        self._outstanding = None
        if self._subscriber.state is PeerState.NEW:
            self._subscriber.start(remote_parameters(theirs))
        elif theirs.transport.ufrag != self._subscriber.remote_ufrag:
            self._subscriber.set_remote(
                IceCredentials(theirs.transport.ufrag, theirs.transport.pwd)
            )
        for track in self._table.answered(offer, theirs):
            if track not in self._refused:
                self._refused.add(track)
                self.around.say(not_decoded(track))
        shown = {one.mid: sid for one in offer.sections if (sid := shown_in(one)) is not None}
        self.around.ears.carried(self._subscriber.id, theirs.sections, shown)
        self.flush(now)

    def put(self, outgoing: Outgoing) -> None:
        self._table.put(outgoing)
        self._changed = True

    def drop(self, track: TrackSid) -> None:
        self._refused.discard(track)
        if self._table.drop(track) is not None:
            self._changed = True

    def flush(self, now: float) -> None:
        """One offer at a time: what changes meanwhile is in the next (calls.md §2.3)."""
        if not self._changed or self._outstanding is not None:
            return
        self._changed = False
        self._offers += 1
        offer = build_offer(
            self._table.sections(),
            local(self.around.listener, self._subscriber),
            version=self._offers,
            built=self._built,
        )
        self._outstanding = offer, now
        self.around.say(
            rtc.SignalResponse(
                offer=rtc.SessionDescription(
                    type="offer", sdp=write(offer, self._texts), id=self._offers
                )
            )
        )

    def resumed(self, now: float) -> None:
        """The offer that is out may have been lost with the old WebSocket."""
        if self._subscriber.state is not PeerState.NEW:
            self._subscriber.restart_ice()
        self._outstanding = None
        self._changed = True
        self.flush(now)

    def late(self, now: float) -> bool:
        return self._outstanding is not None and now - self._outstanding[1] > ANSWER_S

    def gone(self, peer: PeerId) -> tuple[TrackSid, ...]:
        if peer != self._publisher.id:
            return ()
        self._publisher.peer = None
        return self.publications.lost()

    def close(self) -> None:
        self._publisher.close()
        self._subscriber.close()
