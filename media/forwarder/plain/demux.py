"""Whose packet is this? By SSRC, as RFC 8843 9.2 has it: from the SDP, or learnt from mid and rid."""

from __future__ import annotations

from attrs import define, field, frozen

from media.forwarder.api import Drop, Layer
from media.forwarder.plain.rtp import RtpPacket
from media.forwarder.plain.track import Track
from media.ids import TrackSid

#: SSRCs of one peer: 40 tracks of three layers with RTX. More is an attack.
MOST_SSRCS = 256


@frozen(eq=False)
class Route:
    track: Track
    layer: Layer


@define(eq=False)
class Demux:
    """Of one peer."""

    routes: dict[int, Route] = field(factory=dict)
    _tracks: dict[TrackSid, Track] = field(factory=dict)

    @property
    def tracks(self) -> list[Track]:
        return list(self._tracks.values())

    def add(self, track: Track) -> None:
        """Or take in its changed description."""
        self._tracks[track.spec.sid] = track
        for ssrc, layer in track.spec.ssrcs.items():
            if len(self.routes) < MOST_SSRCS:
                self.routes[ssrc] = Route(track, layer)

    def remove(self, track: Track) -> None:
        del self._tracks[track.spec.sid]
        self.routes = {
            ssrc: route for ssrc, route in self.routes.items() if route.track is not track
        }

    def forget(self, ssrc: int) -> None:
        self.routes.pop(ssrc, None)

    def transport_cc(self, packet: RtpPacket) -> int | None:
        """The transport-wide number; ids are the same in all sections of a transport (RFC 8843 9.1)."""
        for track in self._tracks.values():
            id_ = track.spec.extensions.transport_cc
            if id_:
                element = packet.elements.get(id_, b"")
                return int.from_bytes(element, "big") if len(element) == 2 else None
        return None

    def route(self, packet: RtpPacket) -> Route | Drop:
        known = self.routes.get(packet.ssrc)
        if known is not None:
            return known
        route = self._learn(packet)
        if isinstance(route, Route):
            if len(self.routes) >= MOST_SSRCS:
                return Drop.UNKNOWN_SSRC
            self.routes[packet.ssrc] = route
        return route

    def _learn(self, packet: RtpPacket) -> Route | Drop:
        track = self._track(packet)
        if track is None:
            return Drop.UNKNOWN_SSRC
        spec = track.spec
        kind = packet.payload_type
        if kind not in spec.payload_types and kind not in spec.rtx:
            return Drop.UNKNOWN_PAYLOAD
        if not spec.rids:
            if len(set(spec.ssrcs.values())) > 1:
                return (
                    Drop.UNKNOWN_SSRC
                )  # layers are told apart by SSRC only, and this one was not named
            return Route(track, next(iter(spec.ssrcs.values()), Layer.HIGH))
        ids = spec.extensions
        rid = _text(packet, ids.repaired_rid if kind in spec.rtx else ids.rid)
        layer = spec.rids.get(rid)
        return Drop.UNKNOWN_SSRC if layer is None else Route(track, layer)

    def _track(self, packet: RtpPacket) -> Track | None:
        for track in self._tracks.values():
            mid = _text(packet, track.spec.extensions.mid)
            if mid:
                return next((each for each in self._tracks.values() if each.spec.mid == mid), None)
        # No mid in the packet: by payload type, when that names one track only.
        fitting = [
            track
            for track in self._tracks.values()
            if packet.payload_type in track.spec.payload_types
            or packet.payload_type in track.spec.rtx
        ]
        return fitting[0] if len(fitting) == 1 else None


def _text(packet: RtpPacket, id_: int) -> str:
    """A mid or rid; empty when absent. They are ASCII (RFC 8852 3.3), what is not never fits one."""
    return packet.elements.get(id_, b"").decode("latin-1") if id_ else ""
