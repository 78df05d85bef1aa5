"""One connection, and only the client offers: we ask for sections and fill them in our answers (calls.md §2.4)."""

from __future__ import annotations

from attrs import define, field
from livekit.protocol import rtc

from media.ids import PeerId, TrackSid
from media.sdp.api import Outgoing, SectionAllocator
from media.signal.negotiation import ANSWER_S, Side, Surroundings, not_decoded
from media.signal.tracks import Publications
from media.transport.api import Peer


@define(eq=False)
class NegotiationV1:
    """`first`: the offer that came with the join, where one did (Chromium, Rust)."""

    around: Surroundings
    first: rtc.SessionDescription | None
    publications: Publications = field(init=False)
    _side: Side = field(init=False)
    _allocator: SectionAllocator = field(factory=SectionAllocator)
    _asked_at: float | None = None

    def __attrs_post_init__(self) -> None:
        peer = PeerId(f"{self.around.sid}:both")
        self.publications = Publications(peer)
        self._side = Side(self.around, peer)

    @property
    def primary(self) -> PeerId:
        return self._side.id

    @property
    def data_peer(self) -> Peer | None:
        """The client opened the channels; both directions use them."""
        return self._side.peer

    def peer(self, peer: PeerId) -> Peer | None:
        return self._side.peer

    def begin(self) -> None:
        """Raises:
        BadDescription: the first offer is none.
        """
        if self.first is not None:
            self.take_offer(self.first)

    def take_offer(self, offer: rtc.SessionDescription) -> None:
        """Raises:
        BadDescription: it is none.
        """
        self._asked_at = None
        unfit = self._allocator.unfit()
        _, answer, changes = self._side.answer(
            offer.sdp, self.publications, fill=self._allocator.fill
        )
        tracks = self._allocator.mid_to_track_id()
        self.around.say(self._side.as_message(answer, offer.id, tracks))
        for track in sorted(self._allocator.unfit() - unfit):
            self.around.say(not_decoded(track))
        self.around.ears.published(changes)
        self.around.ears.carried(self._side.id, answer.sections, tracks)

    def take_answer(self, answer: rtc.SessionDescription, now: float) -> None:
        """We never offer: there is nothing to answer."""

    def put(self, outgoing: Outgoing) -> None:
        self._allocator.put(outgoing)

    def drop(self, track: TrackSid) -> None:
        self._allocator.drop(track)

    def flush(self, now: float) -> None:
        if self._side.peer is None:  # its first offer fills what waits
            return
        if (more := self._allocator.requirement()) is not None:
            self._asked_at = now
            self.around.say(
                rtc.SignalResponse(
                    media_sections_requirement=rtc.MediaSectionsRequirement(
                        num_audios=more[0], num_videos=more[1]
                    )
                )
            )

    def resumed(self, now: float) -> None:
        """The client restarts ICE in its next offer; what we asked for may be lost."""
        self._asked_at = now

    def late(self, now: float) -> bool:
        return self._asked_at is not None and now - self._asked_at > ANSWER_S

    def gone(self, peer: PeerId) -> tuple[TrackSid, ...]:
        return ()

    def close(self) -> None:
        self._side.close()
