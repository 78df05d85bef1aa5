"""Keeps the forwarder's peers, tracks and down tracks in the order it needs them.

What people want (a track, a subscription) is known long before DTLS is done, and in any order; the forwarder knows a
down track only with its track, its track only with its peer. Wishes are kept here and carried out when they can be.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeVar

from attrs import define, evolve, field

from media.forwarder.api import DownTrack, Layer, SrtpKeys, Tap, TrackIn, Want
from media.frozen import frozen
from media.ids import DownId, PeerId, RoomName, TrackSid
from media.plane.api import Forwarding

K = TypeVar("K")


@frozen
class Down:
    track: DownTrack
    want: Want


@define(eq=False)
class Wiring:
    """Every call is legal at any time and harmless when said twice."""

    forwarder: Forwarding
    _peers: set[PeerId] = field(factory=set)
    _tracks: dict[TrackSid, TrackIn] = field(factory=dict)
    _muted: set[TrackSid] = field(factory=set)
    _pinned: set[TrackSid] = field(factory=set)
    _taps: dict[TrackSid, Tap] = field(factory=dict)
    _downs: dict[DownId, Down] = field(factory=dict)
    _wired_tracks: set[TrackSid] = field(factory=set)
    _wired_downs: set[DownId] = field(factory=set)
    _downs_of: dict[TrackSid, set[DownId]] = field(factory=dict)
    _downs_to: dict[PeerId, set[DownId]] = field(factory=dict)

    def peer_connected(self, peer: PeerId, keys: SrtpKeys, room: RoomName) -> None:
        if peer in self._peers:
            return
        self.forwarder.add_peer(peer, keys, room)
        self._peers.add(peer)
        for track in [one for one in self._tracks.values() if one.peer == peer]:
            self._wire_track(track)
        self._wire_downs(sorted(self._downs_to.get(peer, ())))

    def peer_gone(self, peer: PeerId) -> None:
        """Its tracks and down tracks are forgotten too; the forwarder takes them with the peer."""
        for down in list(self._downs_to.get(peer, ())):
            self._forget_down(self._downs.pop(down))
            self._wired_downs.discard(down)
        for track in [one.sid for one in self._tracks.values() if one.peer == peer]:
            self.drop_track(track)
        if peer in self._peers:
            self._peers.remove(peer)
            self.forwarder.remove_peer(peer)

    def put_track(self, track: TrackIn) -> None:
        """Publish it, or change it after a re-negotiation."""
        if self._tracks.get(track.sid) == track:
            return
        self._tracks[track.sid] = track
        self._wire_track(track)

    def drop_track(self, sid: TrackSid) -> None:
        """Its down tracks wait: their subscribers are told by the room."""
        self._tracks.pop(sid, None)
        self._muted.discard(sid)
        self._pinned.discard(sid)
        self._taps.pop(sid, None)
        if sid in self._wired_tracks:
            self._wired_tracks.remove(sid)
            self._wired_downs -= self._downs_of.get(sid, set())
            self.forwarder.remove_track(sid)

    def mute(self, sid: TrackSid, muted: bool) -> None:
        """By the server (R43): holds for a track that comes only later, too."""
        (self._muted.add if muted else self._muted.discard)(sid)
        if sid in self._wired_tracks:
            self.forwarder.mute_track(sid, muted)

    def pin(self, sid: TrackSid, pinned: bool) -> None:
        """Whether this voice is heard whoever else speaks: then it competes in no group."""
        (self._pinned.add if pinned else self._pinned.discard)(sid)
        if sid in self._wired_tracks:
            self._wire_track(self._tracks[sid])

    def tap(self, tap: Tap) -> None:
        """Copies of these layers are taken; of none: no more."""
        if tap.layers:
            self._taps[tap.track] = tap
        else:
            self._taps.pop(tap.track, None)
        if tap.track in self._wired_tracks:
            self.forwarder.add_tap(tap)

    def ask_key(self, sid: TrackSid, layer: Layer) -> None:
        """Of a track that is tapped; one that is gone meanwhile has none to give."""
        if sid in self._wired_tracks:
            self.forwarder.ask_key(sid, layer)

    def put_downs(self, downs: Iterable[tuple[DownTrack, Want]]) -> None:
        """Down tracks, or changes of them after a re-negotiation."""
        put: list[DownId] = []
        for track, want in downs:
            known = self._downs.get(track.id)
            if known is not None and known.track != track:
                self.drop_down(track.id)
            self._downs[track.id] = Down(track, want)
            self._downs_of.setdefault(track.track, set()).add(track.id)
            self._downs_to.setdefault(track.peer, set()).add(track.id)
            put.append(track.id)
        self._wire_downs(put)

    def drop_down(self, down: DownId) -> None:
        if (known := self._downs.pop(down, None)) is None:
            return
        self._forget_down(known)
        if down in self._wired_downs:
            self._wired_downs.remove(down)
            self.forwarder.remove_down(down)

    def _forget_down(self, down: Down) -> None:
        """That its track, and its peer, have it."""
        track = down.track
        _discard(self._downs_of, track.track, track.id)
        _discard(self._downs_to, track.peer, track.id)

    def set_want(self, down: DownId, want: Want) -> None:
        if (known := self._downs.get(down)) is None or known.want == want:
            return
        self._downs[down] = Down(known.track, want)
        if down in self._wired_downs:
            self.forwarder.set_want(down, want)

    def set_wish(self, peer: PeerId, bitrate_bps: int) -> None:
        """Of a connection that estimates came from; one that is gone meanwhile needs nothing."""
        if peer in self._peers:
            self.forwarder.set_wish(peer, bitrate_bps)

    def _wire_track(self, track: TrackIn) -> None:
        if track.peer not in self._peers:
            return
        free = track.sid in self._pinned
        self.forwarder.add_track(evolve(track, group="") if free else track)
        if track.sid in self._wired_tracks:
            return
        self._wired_tracks.add(track.sid)
        if track.sid in self._muted:
            self.forwarder.mute_track(track.sid, muted=True)
        if (tap := self._taps.get(track.sid)) is not None:
            self.forwarder.add_tap(tap)
        self._wire_downs(sorted(self._downs_of.get(track.sid, ())))

    def _wire_downs(self, ids: Iterable[DownId]) -> None:
        """Those of them that can be, together."""
        ready: list[tuple[DownTrack, Want]] = []
        for down in map(self._downs.__getitem__, ids):
            track = down.track
            if (
                track.id not in self._wired_downs
                and track.peer in self._peers
                and track.track in self._wired_tracks
            ):
                self._wired_downs.add(track.id)
                ready.append((track, down.want))
        if ready:
            self.forwarder.add_downs(ready)


def _discard(sets: dict[K, set[DownId]], key: K, down: DownId) -> None:
    """No empty sets stay."""
    sets[key].discard(down)
    if not sets[key]:
        del sets[key]
