"""Opus to AAC with FFmpeg (PyAV): old phones and tablets do not play Opus in MP4. 24 ms of CPU for a second.

Not pure: it codes. It has no clock and no network.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from fractions import Fraction
from typing import Any

import av
from attrs import define, field
from av.audio.codeccontext import AudioCodecContext
from av.audio.frame import AudioFrame

from media.broadcast.cmaf.clocks import RATE
from media.broadcast.cmaf.sound import FRAME, Sound

#: Longest Opus packet: 120 ms (RFC 6716 2.1.4), samples; and bytes that one may have: RTP's payload.
LONGEST_PACKET, LARGEST_PACKET = 5_760, 1_500
#: A packet that is so near to the end of the last one follows it; less is rounding, or quartz against quartz.
TOLERANCE = RATE // 200
#: A hole that is longer is a pause: nothing is coded for it, the cutter puts silence there.
LONGEST_HOLE = RATE // 5
#: Of one sample, a float.
BYTES = 4


@define
class OpusDecoder:
    """One voice's packets → samples.

    Attributes:
        channels: of what comes out, 1 or 2, whatever the packets have.
        broken: packets that could not be decoded.
    """

    channels: int
    broken: int = 0
    _decoder: AudioCodecContext = field(init=False, repr=False)

    def __attrs_post_init__(self) -> None:
        self._decoder = av.CodecContext.create("opus", "r")
        self._decoder.layout = layout(self.channels)
        self._decoder.sample_rate = RATE

    def take(self, packet: bytes) -> list[tuple[bytes, ...]]:
        """Samples of each channel, floats of four bytes; nothing for what is broken."""
        if 0 < len(packet) <= LARGEST_PACKET:
            try:
                frames = self._decoder.decode(av.Packet(packet))
            except av.FFmpegError:
                frames = []
            if frames and sum(each.samples for each in frames) <= LONGEST_PACKET:
                return [
                    tuple(bytes(plane)[: BYTES * each.samples] for plane in each.planes)
                    for each in frames
                ]
        self.broken += 1
        return []


@define
class AacEncoder:
    """Samples that follow one another → frames of AAC on the broadcast's clock.

    Attributes:
        channels: 1 or 2.
        bit_rate: bits a second.
    """

    channels: int
    bit_rate: int
    _encoder: AudioCodecContext = field(init=False, repr=False)
    _waiting: tuple[bytearray, ...] = field(init=False, repr=False)  # samples of each channel
    _coded: int = 0  # samples that the encoder has got
    _first: int | None = None  # ticks of its first sample

    def __attrs_post_init__(self) -> None:
        if self.channels not in {1, 2} or not 16_000 <= self.bit_rate <= 256_000:
            raise ValueError("AAC of one channel or two, 16 to 256 kbit/s")
        self._start()

    @property
    def filled(self) -> int | None:
        """Ticks of the sample that comes next; None: it may begin anywhere."""
        if self._first is None:
            return None
        return self._first + self._coded + len(self._waiting[0]) // BYTES

    def begin(self, ticks: int) -> None:
        """The first sample is heard then."""
        self._first = ticks

    def add(self, planes: Sequence[bytes]) -> None:
        """Samples of each channel, floats of four bytes."""
        for waiting, plane in zip(self._waiting, planes, strict=True):
            waiting.extend(plane)

    def silence(self, samples: int) -> None:
        self.add([bytes(BYTES * samples)] * self.channels)

    def take(self) -> list[Sound]:
        """The frames that are complete."""
        done: list[Sound] = []
        size = BYTES * FRAME
        while len(self._waiting[0]) >= size:
            frame = AudioFrame("fltp", layout(self.channels), FRAME)
            frame.sample_rate = RATE
            frame.time_base = Fraction(1, RATE)
            frame.pts = self._coded
            for plane, waiting in zip(frame.planes, self._waiting, strict=True):
                plane.update(bytes(waiting[:size]))
                del waiting[:size]
            self._coded += FRAME
            done += self._named(self._encoder.encode(frame))
        return done

    def end(self) -> list[Sound]:
        """What is still inside, filled up with silence. Afterwards it can begin anew."""
        if self._first is None:
            return []
        self.silence(-(len(self._waiting[0]) // BYTES) % FRAME)
        done = self.take() + self._named(self._encoder.encode(None))
        self._start()
        return done

    def _start(self) -> None:
        encoder = av.CodecContext.create("aac", "w")
        encoder.sample_rate = RATE
        encoder.layout = layout(self.channels)
        encoder.format = "fltp"
        encoder.bit_rate = self.bit_rate
        encoder.time_base = Fraction(1, RATE)
        self._encoder = encoder
        self._waiting = tuple(bytearray() for _ in range(self.channels))
        self._coded = 0
        self._first = None

    def _named(self, packets: Iterable[av.Packet[Any]]) -> list[Sound]:
        """The encoder's frames on the broadcast's clock. Its first, before time 0, only warms up a decoder."""
        assert self._first is not None
        return [
            Sound(self._first + packet.pts, bytes(packet))
            for packet in packets
            if packet.pts is not None and packet.pts >= 0
        ]


@define
class OpusToAac:
    """One voice. What is broken or missing is silence.

    Attributes:
        channels: of the AAC, 1 or 2.
        bit_rate: of the AAC, bits a second.
        late: packets whose time had passed.
    """

    channels: int
    bit_rate: int
    late: int = 0
    _decoder: OpusDecoder = field(init=False, repr=False)
    _encoder: AacEncoder = field(init=False, repr=False)

    def __attrs_post_init__(self) -> None:
        self._encoder = AacEncoder(self.channels, self.bit_rate)
        self._decoder = OpusDecoder(self.channels)

    @property
    def broken(self) -> int:
        """Packets that could not be decoded."""
        return self._decoder.broken

    def take(self, packet: bytes, ticks: int) -> list[Sound]:
        """A packet of Opus whose first sample is heard at `ticks`: the AAC that is complete now."""
        done: list[Sound] = []
        filled = self._encoder.filled
        if filled is not None:
            hole = ticks - filled
            if hole < -TOLERANCE:
                self.late += 1
                return done
            if hole > LONGEST_HOLE:
                done += self.end()
            elif hole > TOLERANCE:
                self._encoder.silence(hole)
        if self._encoder.filled is None:
            self._encoder.begin(ticks)
        for planes in self._decoder.take(packet):
            self._encoder.add(planes)
        return done + self._encoder.take()

    def end(self) -> list[Sound]:
        """What is still inside, filled up with silence. Afterwards it can begin anew."""
        return self._encoder.end()


def layout(channels: int) -> str:
    """FFmpeg's word."""
    return "mono" if channels == 1 else "stereo"
