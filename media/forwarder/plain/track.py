"""A published track: its streams, its subscribers, and who of them is to get which."""

from __future__ import annotations

from attrs import define, field

from media.forwarder.api import Drop, Kind, Layer, LayersSeen, Rates, TappedClock, TrackIn
from media.forwarder.plain.down import Down
from media.forwarder.plain.incoming import Incoming
from media.forwarder.plain.layers import choose_layer, live_layers
from media.forwarder.plain.meter import taken
from media.forwarder.plain.outbox import Outbox
from media.forwarder.plain.scalable import served_by
from media.forwarder.plain.stream import Stream

#: Seconds over which the bits of a layer are counted: a keyframe in it weighs little.
RATES_S = 2.0
#: Seconds between two words of other layers inside a stream: a publisher can change them with every packet.
INSIDE_S = 1.0


@define(eq=False)
class Track:
    spec: TrackIn
    outbox: Outbox
    streams: dict[Layer, Stream] = field(factory=dict)
    downs: list[Down] = field(factory=list)
    muted: bool = False
    taps: frozenset[Layer] = frozenset()
    live: frozenset[Layer] = frozenset()
    _changed: bool = False  # the layers inside a stream are others than were told
    _tells_inside_at: float = float("-inf")  # not before
    _counted_at: float | None = None

    def stream(self, layer: Layer, ssrc: int) -> tuple[Stream, Stream | None]:
        """The stream of this layer, and the one it replaces when the publisher changed the SSRC."""
        known = self.streams.get(layer)
        if known is not None and known.ssrc == ssrc:
            return known, None
        stream = self.streams[layer] = Stream(self.spec.kind, layer, ssrc, self.spec.clock_rate)
        if known is not None:
            stream.last_media = known.last_media
            self._forget(known)
        self.retarget()
        return stream, known

    def remove_stream(self, layer: Layer) -> None:
        """The publisher said goodbye to it."""
        self._forget(self.streams.pop(layer))
        self.live -= {layer}
        self._tell_layers()
        self.retarget()

    def _forget(self, stream: Stream) -> None:
        for down in self.downs:
            if down.target is stream:
                down.target = None
            if down.current is stream:
                down.stop()

    def media_arrived(self, stream: Stream, media: Incoming, size: int, now: float) -> None:
        """A packet with a payload of so many bytes came."""
        stream.last_media = now
        self._changed |= stream.described(media)
        if stream.structure is None or media.frame is None:
            stream.meters[stream.layer].count(size, now)
        else:
            for layer in served_by(media.frame, stream.structure, stream.layer):
                stream.meters[layer].count(size, now)
        if stream.layer not in self.live:
            self.refresh(now)

    def refresh(self, now: float) -> None:
        """Which layers carry media; call it ten times a second."""
        live = live_layers({layer: each.last_media for layer, each in self.streams.items()}, now)
        carriers = live != self.live
        self.live = live
        if carriers or (self._changed and now >= self._tells_inside_at):
            self._changed, self._tells_inside_at = False, now + INSIDE_S
            self._tell_layers()
            self.retarget()
        self._tell_rates(now)

    def _tell_rates(self, now: float) -> None:
        if self.spec.kind is not Kind.VIDEO:
            return
        since = self._counted_at
        if since is not None and now - since < RATES_S:
            return
        self._counted_at = now
        meters = [
            each for stream in self.streams.values() for each in sorted(stream.meters.items())
        ]
        rates = taken(meters, since, now)
        if rates:
            self.outbox.event(Rates(self.spec.sid, rates))

    def _tell_layers(self) -> None:
        if self.spec.kind is Kind.VIDEO:
            seen = [self.streams[layer].layers for layer in self.live]
            self.outbox.event(LayersSeen(self.spec.sid, frozenset().union(*seen)))

    def mute(self, muted: bool) -> None:
        if muted == self.muted:
            return
        self.muted = muted
        for down in self.downs:
            down.stop()
        self.retarget()

    def add(self, down: Down) -> None:
        """The others get what they got: with a hundred of them that is not looked at again."""
        self.downs.append(down)
        self._aim(down, self._carriers())
        if down.target is not None:
            down.target.takers.append(down)
        self._ask_again()

    def remove(self, down: Down) -> None:
        self.downs.remove(down)
        for stream in self.streams.values():
            if down in stream.takers:
                stream.takers.remove(down)
        self._ask_again()

    def retarget(self) -> None:
        """Choose again for every subscriber; what they wait for is asked of the publisher."""
        carriers = self._carriers()
        for down in self.downs:
            self._aim(down, carriers)
        for stream in self.streams.values():
            stream.takers = [
                down for down in self.downs if stream is down.current or stream is down.target
            ]
        self._aim_taps()

    def tap(self, layers: frozenset[Layer]) -> None:
        """Copies of these are taken from now on, and of no others."""
        self.taps = layers
        self._aim_taps()

    def _aim_taps(self) -> None:
        for stream in self.streams.values():
            tapped = not self.muted and stream.layer in self.taps
            begins, stream.tapped = tapped and not stream.tapped, tapped
            if begins:
                stream.want_keyframe()
                self.tell_clock(stream)

    def tell_clock(self, stream: Stream) -> None:
        """Who takes copies needs it to bring sound and picture together."""
        clock = stream.clock
        if stream.tapped and clock is not None:
            told = TappedClock(self.spec.sid, stream.layer, clock.ntp, clock.rtp, clock.received_at)
            self.outbox.tap(told)

    def _ask_again(self) -> None:
        """Whoever still waits for a keyframe is in need of one, as after `retarget`."""
        for stream in self.streams.values():
            if any(down.target is stream is not down.current for down in stream.takers):
                stream.want_keyframe()

    def _carriers(self) -> dict[Layer, Stream]:
        """The stream that has each layer. VP9 and AV1 may have several in one, whatever else was announced.

        All silent: a camera that is off. What was sent goes on when it comes back, without a keyframe.
        """
        streams = [self.streams[layer] for layer in sorted(self.live or self.streams)]
        inside = {layer: stream for stream in streams for layer in stream.layers}
        return inside | {each.layer: each for each in streams if each.layer in each.layers}

    def _aim(self, down: Down, carriers: dict[Layer, Stream]) -> None:
        if down.want.paused or self.muted:
            down.target = None
            down.stop()
            return
        declared = {*self.spec.rids.values(), *self.spec.ssrcs.values()}
        layer = choose_layer(down.want.layer, declared, carriers)
        if layer is None:
            down.target = None
            if self.live:
                down.stop()  # only larger layers than it may be sent
            return
        down.target = carriers[layer]
        if down.target is not down.current:
            down.target.want_keyframe()

    def why_nobody(self) -> Drop:
        """Why a packet of a stream without takers goes nowhere."""
        if not self.downs:
            return Drop.NO_SUBSCRIBER
        if all(down.want.paused for down in self.downs):
            return Drop.PAUSED
        return Drop.OTHER_LAYER
