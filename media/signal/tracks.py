"""Which section of a publisher's offers carries which of the tracks they announced. Pure.

Chromium and Rust name a section's track by AddTrack's cid; Firefox names it otherwise, so what is left over is matched
by kind, in the order of the announcements (calls.md §2.5).
"""

from __future__ import annotations

from collections.abc import Mapping

from attrs import define, field

from media.forwarder.api import Codec, Kind, TrackIn
from media.frozen import frozen
from media.ids import PeerId, TrackSid
from media.room.model import Track
from media.sdp.api import Description, Incoming, Section, SectionKind, Wish, incoming, track_of

_KINDS: Mapping[SectionKind, Kind] = {
    SectionKind.AUDIO: Kind.AUDIO,
    SectionKind.VIDEO: Kind.VIDEO,
}
_CODECS: Mapping[str, Codec] = {codec.value.lower(): codec for codec in Codec}
#: Refused announcements that are remembered; a section comes soon after its announcement, or not at all.
MOST_REFUSED = 64
#: LiveKit's AudioTrackFeature: TF_STEREO.
_STEREO = 0


@frozen
class Negotiated:
    """A track as an answer has it: what the forwarder is told, and the codec its publisher sends."""

    track: TrackIn
    codec: Codec


@frozen
class Changes:
    ready: tuple[Negotiated, ...] = ()
    gone: tuple[TrackSid, ...] = ()


@define
class Publications:
    """One participant's. A section is only ever a track that the room has accepted."""

    peer: PeerId
    _announced: dict[TrackSid, Track] = field(factory=dict)
    _refused: dict[str, None] = field(factory=dict)  # cids, the last `MOST_REFUSED`
    _sections: dict[str, TrackSid] = field(factory=dict)  # by mid
    _closed: dict[str, str | None] = field(
        factory=dict
    )  # mid → the msid that must no longer be used
    _last: tuple[Description, Description] | None = None

    def announce(self, track: Track) -> Changes:
        """AddTrack was accepted. Its section may be there already: clients send both at once."""
        self._announced[track.sid] = track
        self._refused.pop(track.cid, None)
        if self._last is None:
            return Changes()
        offer, answer = self._last
        self._match(offer)
        return Changes(ready=self._ready(offer, answer, only=track.sid))

    def refuse(self, cid: str) -> None:
        """AddTrack was refused: its section must not be taken for another track."""
        self._refused[cid] = None
        if len(self._refused) > MOST_REFUSED:
            del self._refused[next(iter(self._refused))]

    def withdraw(self, sid: TrackSid) -> None:
        """Unpublished. The section may go on sending: nobody listens until it says otherwise."""
        self._announced.pop(sid, None)
        for mid in [mid for mid, track in self._sections.items() if track == sid]:
            del self._sections[mid]
            section = self._section(mid)
            self._closed[mid] = track_of(section) if section is not None else None

    def offered(self, offer: Description) -> Mapping[str, Wish]:
        """Match the sections of a new offer; how their answers should be."""
        self._closed = {
            mid: msid
            for mid, msid in self._closed.items()
            if any(s.mid == mid and _sends(s) and track_of(s) == msid for s in offer.sections)
        }
        self._match(offer)
        return {mid: _wish(self._announced[sid]) for mid, sid in self._sections.items()}

    def answered(self, offer: Description, answer: Description) -> Changes:
        """The answer to it is out."""
        self._last = offer, answer
        ready = self._ready(offer, answer)
        carried = {one.track.sid for one in ready}
        gone = tuple(sid for sid in self._sections.values() if sid not in carried)
        self._sections = {mid: sid for mid, sid in self._sections.items() if sid in carried}
        return Changes(ready=ready, gone=gone)

    def lost(self) -> tuple[TrackSid, ...]:
        """The connection ended: everything on it did. Announcements that wait go on waiting."""
        lost = tuple(self._sections.values())
        for sid in lost:
            del self._announced[sid]
        self._sections, self._closed, self._last = {}, {}, None
        return lost

    def _section(self, mid: str) -> Section | None:
        sections = self._last[0].sections if self._last is not None else ()
        return next((one for one in sections if one.mid == mid), None)

    def _match(self, offer: Description) -> None:
        free = [
            one
            for one in offer.sections
            if _sends(one) and one.mid not in self._sections and one.mid not in self._closed
        ]
        by_cid = {
            cid: track
            for track in self._unplaced()
            for cid in (track.cid, *(codec.cid for codec in track.codecs))
            if cid
        }
        left: list[Section] = []
        for section in free:
            track = by_cid.get(track_of(section) or "")
            if track is not None and track.kind is _KINDS[section.kind]:
                if track.sid not in self._sections.values():
                    self._sections[section.mid] = track.sid
            elif track_of(section) not in self._refused:
                left.append(section)
        for section in left:
            for track in self._unplaced():
                if track.kind is _KINDS[section.kind]:
                    self._sections[section.mid] = track.sid
                    break

    def _unplaced(self) -> list[Track]:
        placed = set(self._sections.values())
        return [one for one in self._announced.values() if one.sid not in placed]

    def _ready(
        self, offer: Description, answer: Description, only: TrackSid | None = None
    ) -> tuple[Negotiated, ...]:
        answers = {one.mid: one for one in answer.sections}
        ready: list[Negotiated] = []
        for section in offer.sections:
            sid = self._sections.get(section.mid)
            if sid is None or (only is not None and sid != only) or section.mid not in answers:
                continue
            arriving = incoming(section, answers[section.mid])
            if arriving is not None and arriving.payload_types:
                ready.append(self._negotiated(self._announced[sid], arriving))
        return tuple(ready)

    def _negotiated(self, track: Track, arriving: Incoming) -> Negotiated:
        return Negotiated(
            TrackIn(
                sid=track.sid,
                peer=self.peer,
                kind=arriving.kind,
                mid=arriving.mid,
                payload_types=arriving.payload_types,
                clock_rate=arriving.clock_rate,
                rtx=arriving.rtx,
                ssrcs=arriving.ssrcs,
                rids=arriving.rids,
                extensions=arriving.extensions,
                encrypted=track.encryption != 0,
            ),
            next(iter(arriving.payload_types.values())),
        )


def _sends(section: Section) -> bool:
    return section.kind in _KINDS and not section.rejected and section.direction.sends


def _wish(track: Track) -> Wish:
    return Wish(
        codec=_CODECS.get(track.mime_type.lower()),
        dtx=track.kind is Kind.AUDIO and not track.disable_dtx,
        stereo=track.stereo or _STEREO in track.audio_features,
    )
