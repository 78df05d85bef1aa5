"""Takes packets in, hands them on: the owner of peers, tracks and subscriptions. The rules are in the other files."""

from __future__ import annotations

from collections.abc import Sequence

from attrs import define, evolve, field

from media.forwarder.api import (
    Codec,
    Copy,
    DownTrack,
    Drop,
    Event,
    Extensions,
    Kind,
    Layer,
    Loudness,
    SrtpKeys,
    Stats,
    Tap,
    Tapped,
    TrackIn,
    Transmit,
    Want,
)
from media.forwarder.plain.control import take_in
from media.forwarder.plain.down import Down
from media.forwarder.plain.incoming import ExtensionWriter, Incoming, look_into
from media.forwarder.plain.loudest import Loudest
from media.forwarder.plain.loudness import LoudnessMeter
from media.forwarder.plain.outbox import Outbox
from media.forwarder.plain.passing import pass_on, pass_or_hold
from media.forwarder.plain.peer import Peer
from media.forwarder.plain.periodic import next_wakeup, poll_peer
from media.forwarder.plain.rtcp import parse_rtcp
from media.forwarder.plain.rtp import MAX_PAYLOAD, Malformed, RtpPacket, parse_rtp, unwrap_rtx
from media.forwarder.plain.srtp import SrtpSession
from media.forwarder.plain.stream import Stream
from media.forwarder.plain.track import Track
from media.ids import DownId, PeerId, TrackSid

#: Seconds between two looks at which layers still carry media.
LAYERS_S = 0.1


@define(eq=False)
class PlainForwarder:
    """See `media.forwarder.api.Forwarder`."""

    _peers: dict[PeerId, Peer] = field(factory=dict)
    _tracks: dict[TrackSid, Track] = field(factory=dict)
    _downs: dict[DownId, Down] = field(factory=dict)
    _writers: dict[tuple[Extensions, str], ExtensionWriter] = field(factory=dict)
    _outbox: Outbox = field(factory=Outbox)
    _loudness: LoudnessMeter = field(factory=LoudnessMeter)
    _loudest: Loudest = field(factory=Loudest)
    _layers_due: float = float("-inf")

    # --- who and what

    def add_peer(self, peer: PeerId, keys: SrtpKeys) -> None:
        if peer in self._peers:
            raise KeyError(peer)
        self._peers[peer] = Peer(peer, SrtpSession(keys))

    def remove_peer(self, peer: PeerId) -> None:
        leaving = self._peers[peer]
        for track in leaving.demux.tracks:
            self.remove_track(track.spec.sid)
        for down in list(leaving.downs.values()):
            self.remove_down(down.spec.id)
        del self._peers[peer]

    def add_track(self, track: TrackIn) -> None:
        peer = self._peers[track.peer]
        known = self._tracks.get(track.sid)
        if known is None:
            known = self._tracks[track.sid] = Track(track, self._outbox)
        elif known.spec.peer != track.peer:
            raise KeyError(track.peer)
        elif known.spec.group != track.group:
            self._loudest.gone(known.spec.group, track.sid)
        known.spec = track
        peer.demux.add(known)
        known.retarget()

    def remove_track(self, sid: TrackSid) -> None:
        track = self._tracks[sid]
        for down in list(track.downs):
            self.remove_down(down.spec.id)
        self._peers[track.spec.peer].demux.remove(track)
        self._loudness.gone(sid)
        self._loudest.gone(track.spec.group, sid)
        del self._tracks[sid]

    def mute_track(self, sid: TrackSid, muted: bool) -> None:
        track = self._tracks[sid]
        track.mute(muted)
        if muted:
            self._loudness.gone(sid)
            self._loudest.gone(track.spec.group, sid)

    def add_down(self, down: DownTrack, want: Want) -> None:
        track = self._tracks[down.track]
        peer = self._peers[down.peer]
        if down.id in self._downs or down.ssrc in peer.downs:
            raise KeyError(down.id)
        added = Down(
            spec=down,
            want=want,
            kind=track.spec.kind,
            clock_rate=track.spec.clock_rate,
            outbox=self._outbox,
            writer=self._writer(down.extensions, down.mid),
            sending=peer.sending if down.extensions.transport_cc else None,
        )
        self._downs[down.id] = added
        peer.add_down(added)
        track.add(added)

    def _writer(self, ids: Extensions, mid: str) -> ExtensionWriter:
        shared = self._writers.get((ids, mid))
        if shared is None:
            if len(self._writers) >= 10_000:  # they cost nothing but memory, and are made again
                self._writers.clear()
            mid_bytes = mid.encode("ascii")[:16] if ids.mid else b""
            shared = self._writers[ids, mid] = ExtensionWriter(ids, mid_bytes)
        return shared

    def remove_down(self, down: DownId) -> None:
        removed = self._downs.pop(down)
        track = self._tracks[removed.spec.track]
        track.remove(removed)
        self._peers[removed.spec.peer].remove_down(removed)

    def set_want(self, down: DownId, want: Want) -> None:
        changed = self._downs[down]
        changed.want = want
        self._tracks[changed.spec.track].retarget()

    def set_budget(self, peer: PeerId, bitrate_bps: int) -> None:
        changed = self._peers[peer]
        changed.budget_bps = bitrate_bps
        changed.budget_changed = True

    def set_wish(self, peer: PeerId, bitrate_bps: int) -> None:
        self._peers[peer].sending.prober.wish(bitrate_bps)

    def add_tap(self, tap: Tap) -> None:
        self._tracks[tap.track].tap(tap.layers)

    def remove_tap(self, sid: TrackSid) -> None:
        self._tracks[sid].tap(frozenset())

    def ask_key(self, sid: TrackSid, layer: Layer) -> None:
        stream = self._tracks[sid].streams.get(layer)
        if stream is not None and stream.tapped:
            stream.want_keyframe()

    # --- packets

    def receive(self, peer: PeerId, datagram: bytes, now: float, came: float | None = None) -> None:
        outbox = self._outbox
        outbox.packets_in += 1
        outbox.bytes_in += len(datagram)
        sender = self._peers.get(peer)
        if sender is None:
            drop: Drop | None = Drop.UNKNOWN_PEER
        elif len(datagram) < 12 or not 128 <= datagram[0] <= 191:
            drop = Drop.NOT_RTP
        elif 192 <= datagram[1] <= 223:  # RFC 5761 4
            drop = self._receive_rtcp(sender, datagram, now)
        else:
            drop = self._receive_rtp(sender, datagram, now, now if came is None else came)
        if drop is not None:
            outbox.drops[drop] += 1

    def _receive_rtcp(self, peer: Peer, datagram: bytes, now: float) -> Drop | None:
        ssrc = int.from_bytes(datagram[4:8], "big")
        if not peer.may_use(ssrc):
            return Drop.UNKNOWN_SSRC
        data = peer.srtp.unprotect_rtcp(datagram)
        if isinstance(data, Drop):
            return data
        peer.reported(ssrc)
        if not peer.may_control(now):
            return Drop.TOO_OFTEN
        try:
            items = parse_rtcp(data)
        except Malformed:
            return Drop.RTCP_MALFORMED
        for item in items:
            take_in(item, peer, self._outbox, now)
        return None

    def _receive_rtp(self, peer: Peer, datagram: bytes, now: float, came: float) -> Drop | None:
        ssrc = int.from_bytes(datagram[8:12], "big")
        if not peer.may_use(ssrc):
            return Drop.UNKNOWN_SSRC
        data = peer.srtp.unprotect(datagram)
        if isinstance(data, Drop):
            return data
        peer.accepted(ssrc)
        try:
            packet = parse_rtp(data)
        except Malformed:
            return Drop.NOT_RTP
        if len(packet.payload) > MAX_PAYLOAD:
            return Drop.TOO_LONG
        number = peer.demux.transport_cc(packet)
        if number is not None:
            peer.feedback.arrived(number, ssrc, came)
        route = peer.demux.route(packet)
        if isinstance(route, Drop):
            return route
        spec = route.track.spec
        repairs = spec.rtx.get(packet.payload_type)
        if repairs is not None:
            stream = route.track.streams.get(route.layer)
            if len(packet.payload) <= 2:
                return Drop.PADDING_ONLY  # Chromium probes the link with these
            if stream is None:
                return Drop.UNKNOWN_SSRC
            packet = _unwrapped(packet, repairs, stream.ssrc)
        else:
            stream, replaced = route.track.stream(route.layer, ssrc)
            if replaced is not None:
                peer.demux.forget(replaced.ssrc)
        codec = spec.payload_types.get(packet.payload_type)
        dropped = self._hand_on(
            route.track, stream, packet, codec, now, repaired=repairs is not None
        )
        if not stream.tapped or dropped is Drop.REPLAYED:
            return dropped
        plain = data if repairs is None else unwrap_rtx(data, packet.payload_type, stream.ssrc)
        self._outbox.tap(Tapped(spec.sid, stream.layer, codec, plain, now))
        return None if not stream.takers else dropped

    def _hand_on(
        self,
        track: Track,
        stream: Stream,
        packet: RtpPacket,
        codec: Codec | None,
        now: float,
        *,
        repaired: bool,
    ) -> Drop | None:
        sequence = stream.arrived(packet.sequence, packet.timestamp, now, repaired=repaired)
        if sequence is None:
            return Drop.REPLAYED
        new_picture = stream.is_new_picture(packet.timestamp)
        spec = track.spec
        media = look_into(
            packet,
            sequence,
            codec,
            spec.extensions,
            new_picture=new_picture,
            structure=stream.structure,
        )
        if media.payload:
            track.media_arrived(stream, media, len(packet.payload), now)
        if track.muted:
            return Drop.MUTED
        if media.audio_level and spec.kind is Kind.AUDIO:
            self._loudness.heard(spec.sid, media.audio_level, now)
        if media.starts_keyframe:
            stream.keyframes.keyframe_arrived()
        if not stream.takers:
            return track.why_nobody() if media.payload else media.why_empty
        if not self._goes_on(track.spec, stream, media, now):
            return Drop.QUIETER
        passed_over = stream.passed_over(media)
        for down in stream.takers:
            self._serve(down, media, stream, passed_over, now)
        return None

    def _serve(
        self, down: Down, media: Incoming, stream: Stream, passed_over: list[int], now: float
    ) -> None:
        peer, outbox, full = self._peers[down.spec.peer], self._outbox, False
        if passed_over:
            for filler in down.fill(passed_over, media, stream, now):
                full |= pass_or_hold(filler, down, peer, outbox, now)
        made = down.forward(media, stream, now)
        if isinstance(made, Drop):
            outbox.drops[made] += 1
        else:
            full |= pass_or_hold(made, down, peer, outbox, now)
        if full:
            pass_on(peer, outbox, now)

    def _goes_on(self, spec: TrackIn, stream: Stream, media: Incoming, now: float) -> bool:
        """Whether its voice is among the loudest. A late packet belongs to what went before, or was held back."""
        number, held_from = media.sequence, stream.held_from
        if number != stream.highest:
            return held_from is None or number < held_from
        if self._loudest.heard(spec.group, spec.sid, media.audio_level, now):
            stream.go_on_from(number)
            return True
        if held_from is None:
            stream.held_from = number
        return False

    # --- time

    def poll(self, now: float) -> None:
        if now >= self._layers_due:
            self._layers_due = now + LAYERS_S
            for track in self._tracks.values():
                track.refresh(now)
        for peer in self._peers.values():
            poll_peer(peer, self._outbox, now)
        levels = self._loudness.poll(now)
        if levels:
            self._outbox.event(Loudness(levels))

    def next_wakeup(self) -> float | None:
        """None without peers; else never later than the next look at the layers."""
        if not self._peers:
            return None
        due = [time for peer in self._peers.values() for time in next_wakeup(peer)]
        loudness = self._loudness.next_wakeup()
        if loudness is not None:
            due.append(loudness)
        return min((self._layers_due, *due))

    # --- results

    def take_output(self) -> Sequence[Transmit]:
        return self._outbox.take_transmits()

    def take_events(self) -> Sequence[Event]:
        return self._outbox.take_events()

    def take_tapped(self) -> Sequence[Copy]:
        return self._outbox.take_tapped()

    def stats(self) -> Stats:
        return self._outbox.stats()


def _unwrapped(packet: RtpPacket, payload_type: int, ssrc: int) -> RtpPacket:
    """RFC 4588 4: the packet that an RTX packet brings again."""
    return evolve(
        packet,
        payload_type=payload_type,
        sequence=int.from_bytes(packet.payload[:2], "big"),
        ssrc=ssrc,
        payload=packet.payload[2:],
    )
