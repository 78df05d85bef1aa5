"""Opus to AAC with FFmpeg (PyAV): old phones and tablets do not play Opus in MP4. 24 ms of CPU for a second.

Not pure: it codes. It has no clock and no network.
"""

from __future__ import annotations

from collections.abc import Iterable
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
_BYTES = 4  # of one sample, float


@define
class OpusToAac:
    """One voice, or a mix. What is broken or missing is silence.

    Attributes:
        channels: of the AAC, 1 or 2.
        bit_rate: of the AAC, bits a second.
        broken: packets that could not be decoded.
        late: packets whose time had passed.
    """

    channels: int
    bit_rate: int
    broken: int = 0
    late: int = 0
    _decoder: AudioCodecContext = field(init=False, repr=False)
    _encoder: AudioCodecContext = field(init=False, repr=False)
    _waiting: tuple[bytearray, ...] = field(init=False, repr=False)  # samples of each channel
    _coded: int = 0  # samples that the encoder has got
    _first: int | None = None  # ticks of its first sample

    def __attrs_post_init__(self) -> None:
        if self.channels not in {1, 2} or not 16_000 <= self.bit_rate <= 256_000:
            raise ValueError("AAC of one channel or two, 16 to 256 kbit/s")
        self._decoder = av.CodecContext.create("opus", "r")
        self._decoder.layout = self._layout
        self._decoder.sample_rate = RATE
        self._start()

    def take(self, packet: bytes, ticks: int) -> list[Sound]:
        """A packet of Opus whose first sample is heard at `ticks`: the AAC that is complete now."""
        done: list[Sound] = []
        if self._first is not None:
            hole = ticks - self._filled
            if hole < -TOLERANCE:
                self.late += 1
                return done
            if hole > LONGEST_HOLE:
                done += self.end()
            elif hole > TOLERANCE:
                self._add([bytes(_BYTES * hole)] * self.channels)
        if self._first is None:
            self._first = ticks
        for frame in self._decoded(packet):
            self._add([bytes(plane)[: _BYTES * frame.samples] for plane in frame.planes])
        return done + self._encoded()

    def end(self) -> list[Sound]:
        """What is still inside, filled up with silence. Afterwards it can begin anew."""
        if self._first is None:
            return []
        odd = -(len(self._waiting[0]) // _BYTES) % FRAME
        self._add([bytes(_BYTES * odd)] * self.channels)
        done = self._encoded() + self._named(self._encoder.encode(None))
        self._start()
        return done

    @property
    def _layout(self) -> str:
        return "mono" if self.channels == 1 else "stereo"

    @property
    def _filled(self) -> int:
        assert self._first is not None
        return self._first + self._coded + len(self._waiting[0]) // _BYTES

    def _start(self) -> None:
        encoder = av.CodecContext.create("aac", "w")
        encoder.sample_rate = RATE
        encoder.layout = self._layout
        encoder.format = "fltp"
        encoder.bit_rate = self.bit_rate
        encoder.time_base = Fraction(1, RATE)
        self._encoder = encoder
        self._waiting = tuple(bytearray() for _ in range(self.channels))
        self._coded = 0
        self._first = None

    def _decoded(self, packet: bytes) -> list[AudioFrame]:
        if 0 < len(packet) <= LARGEST_PACKET:
            try:
                frames = self._decoder.decode(av.Packet(packet))
            except av.FFmpegError:
                frames = []
            if frames and sum(each.samples for each in frames) <= LONGEST_PACKET:
                return frames
        self.broken += 1
        return []

    def _add(self, planes: list[bytes]) -> None:
        for waiting, plane in zip(self._waiting, planes, strict=True):
            waiting.extend(plane)

    def _encoded(self) -> list[Sound]:
        done: list[Sound] = []
        size = _BYTES * FRAME
        while len(self._waiting[0]) >= size:
            frame = AudioFrame("fltp", self._layout, FRAME)
            frame.sample_rate = RATE
            frame.time_base = Fraction(1, RATE)
            frame.pts = self._coded
            for plane, waiting in zip(frame.planes, self._waiting, strict=True):
                plane.update(bytes(waiting[:size]))
                del waiting[:size]
            self._coded += FRAME
            done += self._named(self._encoder.encode(frame))
        return done

    def _named(self, packets: Iterable[av.Packet[Any]]) -> list[Sound]:
        """The encoder's frames on the broadcast's clock. Its first, before time 0, only warms up a decoder."""
        assert self._first is not None
        return [
            Sound(self._first + packet.pts, bytes(packet))
            for packet in packets
            if packet.pts is not None and packet.pts >= 0
        ]
