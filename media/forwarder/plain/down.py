"""One track on its way to one subscriber: which packets go on, and with which numbers."""

from __future__ import annotations

from attrs import define, evolve, field, frozen

from media.forwarder.api import Codec, DownTrack, Drop, Forwarding, Kind, Layer, Want
from media.forwarder.plain.history import AUDIO_SLOTS, VIDEO_SLOTS, History, Sent
from media.forwarder.plain.incoming import ExtensionWriter, Incoming, numbered
from media.forwarder.plain.outbox import Outbox
from media.forwarder.plain.pictures import PictureMap
from media.forwarder.plain.rtcp import ReportBlock
from media.forwarder.plain.rtp import HEADER, write_header
from media.forwarder.plain.scalable import Selection, Verdict
from media.forwarder.plain.sending import SendSide
from media.forwarder.plain.sequence import SequenceMap
from media.forwarder.plain.srtp import REPLAY_WINDOW
from media.forwarder.plain.stream import Stream
from media.forwarder.plain.timestamps import TimestampMap

#: A payload of nothing but padding (RFC 3550 5.1), its length byte included.
_FILLER = b"\x01"
_PADDED = 0x20  # P
#: As much padding as its length byte can say.
_TRAIN = bytes(254) + b"\xff"
#: Packets between two reports; more, and the receiver began to count anew, or an old report was overtaken.
MOST_REPORTED = 10_000
#: Seconds between two words of another layer inside a stream: a publisher can change them with every packet.
INSIDE_S = 1.0


@frozen(eq=False)
class Numbering:
    """How far the numbers of an SSRC are. With the same keys no number may stand for two packets (RFC 3711 9.1)."""

    sequence: SequenceMap
    clock: TimestampMap
    pictures: PictureMap
    rtx_sequence: int
    rtx_ssrc: int


@define(eq=False)
class Down:
    """Attributes:
    target: the stream that the subscriber is to get; it begins with that stream's next keyframe.
    current: the stream that it gets until then.
    """

    spec: DownTrack
    want: Want
    kind: Kind
    clock_rate: int
    outbox: Outbox
    writer: ExtensionWriter
    sending: SendSide | None  # where transport-cc was negotiated
    target: Stream | None = None
    current: Stream | None = None
    packets: int = 0  # sent, for sender reports
    octets: int = 0
    history: History = field(init=False)
    clock: TimestampMap = field(init=False)
    rtx_sequence: int = field(init=False)
    _sequence: SequenceMap = field(init=False)
    _pictures: PictureMap = field(init=False)
    _epoch: int = 0  # of the current stream
    _temporal: int = 3  # highest temporal layer sent now
    _selection: Selection = field(factory=Selection)  # of layers inside the current stream
    _inside: Layer | None = None  # layer that is sent of it
    _tells_inside_at: float = 0.0  # not before
    _last_picture: int | None = (
        None  # incoming timestamp of the picture whose layer was judged last
    )
    _told: Layer | None = None
    _reported: ReportBlock | None = None  # the last
    _given: int = 0  # numbers that went out
    _holes: int = 0  # and that did not, at the last report

    def __attrs_post_init__(self) -> None:
        spec = self.spec
        self.history = History(VIDEO_SLOTS if self.kind is Kind.VIDEO else AUDIO_SLOTS)
        self.clock = TimestampMap(self.clock_rate, spec.first_timestamp)
        self.rtx_sequence = spec.first_sequence
        self._sequence = SequenceMap(spec.first_sequence)
        self._pictures = PictureMap(spec.first_picture_id)

    def left(self) -> Numbering:
        """What a later one with the same SSRC goes on from."""
        self.clock.leave()
        return Numbering(
            self._sequence, self.clock, self._pictures, self.rtx_sequence, self.spec.rtx_ssrc
        )

    def go_on(self, before: Numbering) -> None:
        """This SSRC was used before: a re-negotiation, or the publisher connected anew."""
        self._sequence, self.clock = before.sequence, before.clock
        self._pictures, self.rtx_sequence = before.pictures, before.rtx_sequence

    def stop(self) -> None:
        """Nothing more of the current stream; whatever comes next begins with a keyframe."""
        self.current = None
        self.tell()

    def reported(self, block: ReportBlock) -> tuple[int, int]:
        """(expected, lost) since the subscriber's last report about this; nothing of the first one, or of an old one.

        What we did not have to send, lost on the publisher's way to us, is not this link's loss.
        """
        before, self._reported = self._reported, block
        holes = self._sequence.following - self.spec.first_sequence - self._given
        more, self._holes = holes - self._holes, holes
        if before is None:
            return 0, 0
        expected = (block.highest_sequence - before.highest_sequence) & 0xFFFFFFFF
        if expected > MOST_REPORTED:
            return 0, 0
        lost = block.packets_lost - before.packets_lost - more
        return max(0, expected - more), min(expected, lost)

    def again(self, seq: int, now: float, rtt_s: float | None) -> Sent | None:
        """What went out with this number, while SRTP sends it again: numbers jump where much was lost."""
        sent = self.history.again(seq, now, rtt_s)
        if sent is None or self._sequence.following - sent[0] > REPLAY_WINDOW:
            return None
        return sent

    def tell(self) -> None:
        """Say what is sent now, if it changed."""
        layer = self._inside if self.current else None
        if layer is not self._told:
            self._told = layer
            self.outbox.event(Forwarding(self.spec.id, layer))

    def forward(self, media: Incoming, stream: Stream, now: float) -> Sent | Drop:
        """What the subscriber gets for this packet of `stream`, before its transport-wide number and encryption.

        It must be `put` into the history.
        """
        if stream is not self.current or stream.epoch != self._epoch:
            refusal = self._switch(media, stream, now)
            if refusal is not None:
                return refusal
        number = media.sequence
        late = self._sequence.is_late(number)
        if not media.payload and media.descriptor is None:
            return self._leave_out(media, media.why_empty, late, now)
        codec, payload = media.codec, media.payload
        types = self.spec.payload_types.get(codec)
        if types is None and codec is Codec.RED:
            types = self.spec.payload_types.get(Codec.OPUS)
            payload = media.plain_audio() or b""
        if types is None or (not payload and codec is Codec.RED):
            return self._leave_out(media, Drop.UNKNOWN_PAYLOAD, late, now)
        marker, verdict = media.marker, self._choose(media, stream, late)
        if self._inside is not self._told and now >= self._tells_inside_at:
            self._tells_inside_at = now + INSIDE_S
            self.tell()
        if verdict is not None:
            if not verdict.forward:
                return self._leave_out(media, Drop.OTHER_LAYER, late, now)
            marker = marker or verdict.marker
        descriptor = b""
        if media.descriptor is not None:
            if not late:
                self._judge_temporal(media)
            written = self._describe(media, late)
            if written is None:
                return self._leave_out(media, Drop.OTHER_LAYER, late, now)
            descriptor = written
        out = self._sequence.forward(number)
        if out is None:
            return Drop.TOO_LATE
        clock = self.clock
        timestamp = clock.late(media.timestamp) if late else clock.forward(media.timestamp, now)
        block = self.writer.block(media, now)
        head = (
            HEADER.pack(
                0x90 if block else 0x80,
                types[0] | 0x80 if marker else types[0],
                out & 0xFFFF,
                timestamp,
                self.spec.ssrc,
            )
            + block
            + descriptor
        )
        self.packets += 1
        self._given += 1
        self.octets += len(descriptor) + len(payload)
        return out, head, payload, 12 + len(block)

    def withdraw(self, number: int) -> None:
        """A packet that was to be sent later is not: its number stays a hole, and is none of the link's losses."""
        self.history.forget(number)
        self._given -= 1

    def _choose(self, media: Incoming, stream: Stream, late: bool) -> Verdict | None:
        """Of layers inside a stream; None where there are none, or the subscriber could not read what is left."""
        if media.frame is None or not self.spec.extensions.dependency_descriptor:
            return None
        verdict = self._selection.judge(media.frame, media.timestamp, self.want, late=late)
        if verdict is None:
            return None
        if verdict.needs_keyframe:
            stream.want_keyframe()
        self._inside = verdict.layer
        return verdict

    @property
    def rtx_type(self) -> int:
        """Of the first codec that has one."""
        return next((rtx for _, rtx in self.spec.payload_types.values() if rtx), 0)

    @property
    def may_pad(self) -> bool:
        """Whether `padding` makes packets whose arrival is told."""
        return self.sending is not None and self.spec.rtx_ssrc != 0 and self.rtx_type != 0

    def padding(self, number: int) -> bytes:
        """A packet of a train (`probe.py`): 255 bytes of padding on the RTX stream, in nobody's way.

        `number`: its transport-wide one.
        """
        block = numbered(self.writer.bare, number)
        head = write_header(
            marker=False,
            payload_type=self.rtx_type,
            sequence=self.rtx_sequence,
            timestamp=self.spec.first_timestamp,
            ssrc=self.spec.rtx_ssrc,
            extensions=block,
        )
        self.rtx_sequence += 1
        return bytes((head[0] | _PADDED,)) + head[1:] + _TRAIN

    def skip_to(self, number: int, stream: Stream) -> None:
        """Nothing of `stream` before `number` comes any more. Time goes on meanwhile, as in a pause of its speaker."""
        if stream is self.current and stream.epoch == self._epoch:
            self._sequence.begin(number)

    def fill(
        self, passed_over: list[int], media: Incoming, stream: Stream, now: float
    ) -> list[Sent]:
        """Close the gaps of numbers that carried nothing: padding where the subscriber's number is taken already. Each
        must be `put` into the history.
        """
        if stream is not self.current or stream.epoch != self._epoch:
            return []
        filled = []
        for number in passed_over:
            late = self._sequence.is_late(number)
            empty = evolve(media, sequence=number, blocks={})
            filler = self._leave_out(empty, Drop.PADDING_ONLY, late, now)
            if not isinstance(filler, Drop):
                filled.append(filler)
        return filled

    def _switch(self, media: Incoming, stream: Stream, now: float) -> Drop | None:
        """Begin with another stream, if a decoder can begin with this packet."""
        if stream is not self.target:
            return Drop.OTHER_LAYER
        if not media.payload:
            return media.why_empty
        if not media.starts_keyframe:
            stream.want_keyframe()
            return Drop.NOT_A_KEYFRAME
        if media.sequence != stream.highest:
            return Drop.TOO_LATE  # what followed it was not forwarded
        self._sequence.begin(media.sequence)
        self.clock.begin(media.timestamp, now, stream.clock)
        if media.descriptor is not None and media.descriptor.picture_id is not None:
            self._pictures.begin(media.descriptor)
        self._temporal = self.want.temporal
        self._epoch = stream.epoch
        self._selection, self._inside = Selection(stream.layer), stream.layer
        before, self.current = self.current, stream
        if before is not None and before is not stream:
            before.takers.remove(self)
        if before is not stream:
            self._tells_inside_at = now
        return None

    def _judge_temporal(self, media: Incoming) -> None:
        """Which temporal layers go on changes only where a picture begins.

        Less at once. More, one layer at a time, at a picture of that layer which needs the base layer only (Y).
        """
        picture = media.descriptor
        assert picture is not None
        if media.timestamp == self._last_picture:
            return
        self._last_picture = media.timestamp
        wanted = self.want.temporal
        if wanted < self._temporal or picture.keyframe:
            self._temporal = wanted
        elif wanted > self._temporal and picture.sync and picture.temporal == self._temporal + 1:
            self._temporal += 1

    def _describe(self, media: Incoming, late: bool) -> bytes | None:
        """The VP8 descriptor as the subscriber sees it; None for a picture that it does not get."""
        picture = media.descriptor
        assert picture is not None
        if not late and picture.temporal is not None and picture.temporal > self._temporal:
            self._pictures.drop(picture)
            return None
        return self._pictures.forward(picture)

    def _leave_out(self, media: Incoming, why: Drop, late: bool, now: float) -> Sent | Drop:
        """Drop on purpose without leaving a gap.

        A late packet's number was given away already: the subscriber gets a packet of padding in its place, or it
        would ask for it again and again.
        """
        if not late:
            self._sequence.drop(media.sequence)
            return why
        out = self._sequence.forward(media.sequence)
        types = next(iter(self.spec.payload_types.values()), None)
        if out is None or types is None:
            return Drop.TOO_LATE
        block = self.writer.block(media, now)
        head = write_header(
            marker=False,
            payload_type=types[0],
            sequence=out,
            timestamp=self.clock.late(media.timestamp),
            ssrc=self.spec.ssrc,
            extensions=block,
        )
        head = bytes((head[0] | _PADDED,)) + head[1:]
        self._given += 1
        return out, head, _FILLER, 12 + len(block)
