"""Which of a subscriber's sections carries which track. Pure.

Sections are never removed: a track that ends leaves its section free for the next one of its kind (RFC 8829 5.2.2).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from attrs import Factory, define, evolve

from media.ids import TrackSid
from media.sdp.answer import Outgoing, can_carry
from media.sdp.slots import Slot
from media.sdp.values import Description, Direction, Section, SectionKind

__all__ = ["SectionAllocator", "SectionTable", "Slot"]


@define
class SectionTable:
    """v0: we offer, so a section appears when a track needs one. Mid 0 is for data channels.

    A section whose track just ended is reused at the earliest in the offer after the one that shows it empty: browsers
    end the old track only when they see it inactive.
    """

    _slots: list[Slot] = Factory(list)
    _at: dict[TrackSid, int] = Factory(dict)  # which of the slots carries it
    _empty: set[int] = Factory(set)  # slots without a track
    _resting: set[str] = Factory(set)  # mids that the client has not yet been shown empty

    def put(self, track: Outgoing) -> str:
        """The mid that carries `track` from the next offer on. The same sid again: its section, changed."""
        at = self._at.get(track.sid)
        if at is None:
            at = self._place(track)
        else:
            self._slots[at] = evolve(self._slots[at], track=track)
        self._at[track.sid] = at
        return self._slots[at].mid

    def _place(self, track: Outgoing) -> int:
        for at in sorted(self._empty):
            slot = self._slots[at]
            if slot.kind is track.kind and slot.mid not in self._resting:
                self._slots[at] = evolve(slot, track=track)
                self._empty.remove(at)
                return at
        self._slots.append(Slot(mid=str(len(self._slots) + 1), kind=track.kind, track=track))
        return len(self._slots) - 1

    def drop(self, sid: TrackSid) -> str | None:
        """Free the track's section; its mid, or None where there is none."""
        at = self._at.pop(sid, None)
        if at is None:
            return None
        slot = self._slots[at] = evolve(self._slots[at], track=None)
        self._empty.add(at)
        self._resting.add(slot.mid)
        return slot.mid

    def sections(self) -> tuple[Slot, ...]:
        return tuple(self._slots)

    def mid_of(self, sid: TrackSid) -> str | None:
        at = self._at.get(sid)
        return None if at is None else self._slots[at].mid

    def answered(self, offer: Description, answer: Description) -> tuple[TrackSid, ...]:
        """The client answered `offer`: what was empty in it is free again. Returns tracks that it refused."""
        answers = {section.mid: section for section in answer.sections}
        for section in offer.sections:
            if section.msid is None:
                self._resting.discard(section.mid)
        return tuple(
            slot.track.sid
            for slot in self._slots
            if slot.track is not None
            and (answered := answers.get(slot.mid)) is not None
            and (answered.rejected or not answered.direction.receives)
            and _showed(offer, slot)
        )


def _showed(offer: Description, slot: Slot) -> bool:
    return any(s.mid == slot.mid and s.msid is not None for s in offer.sections)


@define
class SectionAllocator:
    """v1: only the client offers, so tracks wait for free sections, and for more of them we ask once.

    Chromium comes with three audio and three video sections (calls.md §2.4); asking again before its next offer would
    double them.
    """

    _waiting: dict[TrackSid, Outgoing] = Factory(dict)
    _placed: dict[str, Outgoing] = Factory(
        dict
    )  # mid → what the last answer put there, or the next will
    _free: dict[SectionKind, int] = Factory(dict)  # sections of the last offer that carry nothing
    _asked: dict[SectionKind, int] = Factory(dict)
    _shown: set[str] = Factory(set)  # mids that carried something in the last answer
    _unfit: dict[TrackSid, Outgoing] = Factory(dict)  # in codecs that the client does not decode
    _stale: bool = False  # what is placed differs from what the client was last told

    def put(self, track: Outgoing) -> None:
        """Have it carried; the same sid again: changed."""
        for mid, placed in self._placed.items():
            if placed.sid == track.sid:
                self._stale |= placed != track
                self._placed[mid] = track
                return
        self._waiting[track.sid] = track

    def drop(self, sid: TrackSid) -> None:
        self._waiting.pop(sid, None)
        self._unfit.pop(sid, None)
        for mid, placed in list(self._placed.items()):
            if placed.sid == sid:
                del self._placed[mid]
                self._free[placed.kind] = self._free.get(placed.kind, 0) + 1
                self._stale = True

    def fill(self, offer: Description) -> dict[str, Outgoing]:
        """What the answer to `offer` puts where, by mid: tracks keep their sections, waiting ones take free ones.

        A section whose track was dropped since the last answer stays empty in this one; see `SectionTable`.
        """
        usable = {section.mid: section for section in offer.sections if _usable(section)}
        for mid in [mid for mid in self._placed if mid not in usable]:
            lost = self._placed.pop(mid)
            self._waiting[lost.sid] = lost
        resting = self._shown - set(self._placed)
        for mid, section in usable.items():
            if mid not in self._placed and mid not in resting:
                track = next((t for t in self._waiting.values() if can_carry(section, t)), None)
                if track is not None:
                    self._placed[mid] = self._waiting.pop(track.sid)
        self._set_apart_unfit(usable.values())
        self._free = {}
        for mid, section in usable.items():
            if mid not in self._placed:
                self._free[section.kind] = self._free.get(section.kind, 0) + 1
        self._asked = {}
        self._stale = False
        self._shown = set(self._placed)
        return dict(self._placed)

    def _set_apart_unfit(self, sections: Iterable[Section]) -> None:
        """More sections would not help a track that no section of its kind can carry."""
        by_kind: dict[SectionKind, Section] = {section.kind: section for section in sections}
        for sid, track in list(self._waiting.items()):
            section = by_kind.get(track.kind)
            if section is not None and not can_carry(section, track):
                self._unfit[sid] = self._waiting.pop(sid)

    def unfit(self) -> frozenset[TrackSid]:
        """Tracks in codecs that the client does not decode; they get no section."""
        return frozenset(self._unfit)

    def requirement(self) -> tuple[int, int] | None:
        """`media_sections_requirement` to send now: (audios, videos) to add; (0, 0): only offer again; None: nothing.

        Calling it counts as having asked, until the next offer.
        """
        missing = {
            kind: sum(track.kind is kind for track in self._waiting.values())
            - self._free.get(kind, 0)
            for kind in (SectionKind.AUDIO, SectionKind.VIDEO)
        }
        more = {k: max(0, n - self._asked.get(k, 0)) for k, n in missing.items()}
        nothing_asked = not self._asked
        if not any(more.values()) and not (nothing_asked and (self._waiting or self._stale)):
            return None
        for kind, count in more.items():
            self._asked[kind] = self._asked.get(kind, 0) + count
        return more[SectionKind.AUDIO], more[SectionKind.VIDEO]

    def mid_to_track_id(self) -> Mapping[str, TrackSid]:
        """For the answer that `fill` was called for."""
        return {mid: track.sid for mid, track in self._placed.items()}

    def mid_of(self, sid: TrackSid) -> str | None:
        return next((mid for mid, track in self._placed.items() if track.sid == sid), None)


def _usable(section: Section) -> bool:
    return (
        section.kind is not SectionKind.DATA
        and not section.rejected
        and section.direction is Direction.RECVONLY
        and section.mid != ""
    )
