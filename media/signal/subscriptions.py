"""What one participant is sent: from the room's word to sections, SSRCs and down tracks. Pure but for the bits."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from attrs import define, evolve, field

from media.forwarder.api import LAYERED, Codec, DownTrack, Kind, Want
from media.frozen import frozen
from media.ids import DownId, ParticipantSid, PeerId, TrackSid
from media.sdp.api import Looks, Outgoing, Section, SectionKind, Sending, sending

SECTION_KINDS: Mapping[Kind, SectionKind] = {
    Kind.AUDIO: SectionKind.AUDIO,
    Kind.VIDEO: SectionKind.VIDEO,
}
#: Of a participant's sid: 30 random bits tell the people of a call apart, and stand there three times for each.
CNAME_CHARACTERS = 6


@frozen(kw_only=True)
class Subscription:
    """A track on its way to one participant.

    Attributes:
        down: as the forwarder has it; None until it is negotiated.
        section: what `down` was made of; the same object again says nothing new.
    """

    id: DownId
    outgoing: Outgoing
    want: Want
    down: DownTrack | None = None
    section: Section | None = None

    @property
    def is_whole(self) -> bool:
        """Has layers inside that nobody leaves out: the client would not know that they are missing."""
        return (
            self.outgoing.codec in LAYERED
            and self.down is not None
            and not self.down.extensions.dependency_descriptor
        )


@define
class Subscriptions:
    """`bits(n)`: n random bits, for SSRCs and where numbering begins (RFC 3550 8.1). `looks`: others' too."""

    subscriber: ParticipantSid
    bits: Callable[[int], int]
    looks: Looks = field(factory=Looks)
    _by_track: dict[TrackSid, Subscription] = field(factory=dict)
    _ssrcs: set[int] = field(factory=set)

    def __contains__(self, track: object) -> bool:
        return track in self._by_track

    def start(
        self,
        track: TrackSid,
        publisher: ParticipantSid,
        kind: Kind,
        codec: Codec,
        want: Want,
        *,
        stereo: bool = False,
    ) -> Outgoing:
        known = self._by_track.get(track)
        if known is not None:
            self._by_track[track] = evolve(known, want=want)
            return known.outgoing
        drawn = self.bits(64)
        outgoing = Outgoing(
            sid=track,
            publisher=publisher,
            kind=SECTION_KINDS[kind],
            codec=codec,
            ssrc=self._ssrc(drawn & 0xFFFFFFFF),
            rtx_ssrc=self._ssrc(drawn >> 32) if kind is Kind.VIDEO else 0,
            cname=publisher[-CNAME_CHARACTERS:],
            stereo=stereo,
        )
        self._by_track[track] = Subscription(
            id=DownId(f"{self.subscriber}:{track}"), outgoing=outgoing, want=want
        )
        return outgoing

    def stop(self, track: TrackSid) -> Subscription | None:
        stopped = self._by_track.pop(track, None)
        if stopped is not None:
            self._ssrcs -= {stopped.outgoing.ssrc, stopped.outgoing.rtx_ssrc}
        return stopped

    def want(self, track: TrackSid, want: Want) -> DownId | None:
        """The down track that is now wanted otherwise; None where there is no such subscription."""
        if (known := self._by_track.get(track)) is None:
            return None
        self._by_track[track] = evolve(known, want=want)
        return known.id

    def negotiated(
        self, peer: PeerId, sections: Iterable[Section], carried: Mapping[str, TrackSid]
    ) -> list[Subscription]:
        """New or changed down tracks, after sections were agreed on. `carried`: by mid."""
        changed: list[Subscription] = []
        for section in sections:
            known = self._by_track.get(carried.get(section.mid, TrackSid("")))
            if known is None or known.section is section:
                continue
            looks = sending(section, self.looks)
            if looks is None or known.outgoing.codec not in looks.payload_types:
                continue
            down = self._down(known, peer, looks)
            agreed = Subscription(
                id=known.id, outgoing=known.outgoing, want=known.want, down=down, section=section
            )
            self._by_track[known.outgoing.sid] = agreed
            if down != known.down:
                changed.append(agreed)
        return changed

    def _down(self, known: Subscription, peer: PeerId, looks: Sending) -> DownTrack:
        if known.down is not None:  # numbering goes on
            return evolve(
                known.down,
                peer=peer,
                mid=looks.mid,
                payload_types=looks.payload_types,
                extensions=looks.extensions,
            )
        outgoing, drawn = known.outgoing, self.bits(15 + 32 + 15)
        return DownTrack(
            id=known.id,
            track=outgoing.sid,
            peer=peer,
            mid=looks.mid,
            ssrc=outgoing.ssrc,
            rtx_ssrc=outgoing.rtx_ssrc,
            payload_types=looks.payload_types,
            extensions=looks.extensions,
            cname=outgoing.cname,
            # the lower half: no wrap in the first packets (RFC 3711 3.3.1)
            first_sequence=drawn & 0x7FFF,
            first_timestamp=drawn >> 15 & 0xFFFFFFFF,
            first_picture_id=drawn >> 47,
        )

    def _ssrc(self, drawn: int) -> int:
        """`drawn`, unless it is taken."""
        ssrc = drawn
        while ssrc in self._ssrcs or ssrc == 0:
            ssrc = self.bits(32)
        self._ssrcs.add(ssrc)
        return ssrc
