"""Pictures decoded, scaled and coded as H.264 with FFmpeg (PyAV). Not pure: it codes. No clock, no network, one thread.

What a publisher sends is decoded here only, in a process of its own (`__main__`): a decoder that a picture breaks
takes nobody's call with it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction

import av
import av.filter
from attrs import define, field
from av.codec.context import Flags
from av.video.codeccontext import VideoCodecContext
from av.video.format import VideoFormat
from av.video.frame import PictureType, VideoFrame

from media.broadcast.cmaf.clocks import RATE
from media.broadcast.ladder.values import Coded, Rung
from media.forwarder.api import Codec

#: Rungs have a key frame so often at least, all the same one: segments of publishers that ask for none end with them.
KEY_EVERY = 4 * RATE
#: A clock that goes back by more is another one; one that goes on by more has stood still.
BACK, MOST_PASSED = -RATE, 10 * RATE
#: Constant quality, as long as that needs less than the rung may have: a screen that stands still needs nearly nothing.
_QUALITY = 23
_DECODERS = {Codec.VP8: "vp8", Codec.H264: "h264"}
#: Samples of a decoded picture at most.
_MOST_SAMPLES = 4096 * 4096
_TIME_BASE = Fraction(1, RATE)


class Undecodable(Exception):
    """The decoder needs a key frame."""


def decoder(codec: Codec) -> VideoCodecContext:
    """Gives each picture out at once."""
    made = av.CodecContext.create(_DECODERS[codec], "r")
    assert isinstance(made, VideoCodecContext)
    made.thread_count = 1
    made.flags |= Flags.low_delay
    made.options = {"max_pixels": str(_MOST_SAMPLES)}
    return made


@define(eq=False)
class RungCoder:
    """One rung: decoded pictures of any size in, H.264 with start codes out, always of the rung's size."""

    rung: Rung
    _encoder: VideoCodecContext = field(init=False, repr=False)
    _graph: av.filter.Graph | None = field(default=None, init=False, repr=False)
    _shape: tuple[int, int, str] | None = field(default=None, init=False)  # that the graph is for
    _newest: int | None = field(default=None, init=False)  # ticks of the last that was made
    _pts: int = field(default=0, init=False)  # the coder's own time never goes back

    def __attrs_post_init__(self) -> None:
        rung = self.rung
        made = av.CodecContext.create("libx264", "w")
        assert isinstance(made, VideoCodecContext)
        made.width, made.height, made.pix_fmt = rung.width, rung.height, "yuv420p"
        made.time_base = _TIME_BASE
        made.framerate = Fraction(rung.frames_per_s)
        made.thread_count = 1
        made.options = {
            "preset": "superfast",
            "tune": "zerolatency",  # no B-frames, no pictures that wait
            "profile": "baseline",  # what playlists say before the first picture (`program.scene.CODEC`)
            "forced-idr": "1",
            "crf": str(_QUALITY),
            "maxrate": str(rung.bit_rate),
            "bufsize": str(rung.bit_rate),
            "x264-params": "scenecut=0:keyint=infinite",
        }
        self._encoder = made

    def make(self, frame: VideoFrame, ticks: int, *, key: bool) -> bytes | None:
        """The picture coded; None: the rung has enough pictures in this moment."""
        passed = RATE if self._newest is None else ticks - self._newest
        # A publisher's pictures are not even: a tenth early is in time. Another publisher's clock may be behind.
        if not key and passed > BACK and passed * self.rung.frames_per_s * 10 < RATE * 9:
            return None
        self._pts += passed if 0 < passed < MOST_PASSED else 1
        shown = self._fitted(frame)
        shown.pts, shown.time_base = self._pts, _TIME_BASE
        shown.pict_type = PictureType.I if key else PictureType.NONE
        data = b"".join(bytes(packet) for packet in self._encoder.encode(shown))
        self._newest = ticks
        return data

    def _fitted(self, frame: VideoFrame) -> VideoFrame:
        """Of the rung's size, with black bars where the shape is another."""
        shape = (frame.width, frame.height, frame.format.name)
        if shape == (self.rung.width, self.rung.height, "yuv420p"):
            return frame
        if self._graph is None or shape != self._shape:
            self._graph, self._shape = _scaling(shape, self.rung), shape
        self._graph.push(frame)
        fitted = self._graph.pull()
        assert isinstance(fitted, VideoFrame)
        return fitted


def fitted(width: int, height: int, most_width: int, most_height: int) -> tuple[int, int]:
    """The size at which a picture of this shape fills another one's width or height; even, and never nothing."""
    share = min(most_width / width, most_height / height)
    across, down = (max(2, int(side * share / 2 + 0.5) * 2) for side in (width, height))
    return min(across, most_width), min(down, most_height)


def _scaling(shape: tuple[int, int, str], rung: Rung) -> av.filter.Graph:
    width, height = rung.width, rung.height
    graph = av.filter.Graph()
    graph.threads = 1
    source = graph.add_buffer(
        width=shape[0],
        height=shape[1],
        format=VideoFormat(shape[2], shape[0], shape[1]),
        time_base=_TIME_BASE,
    )
    inside = fitted(shape[0], shape[1], width, height)
    scale = graph.add("scale", f"{inside[0]}:{inside[1]}:flags=fast_bilinear")
    pad = graph.add("pad", f"{width}:{height}:-1:-1:black")
    plain = graph.add("setsar", "1")
    form = graph.add("format", "yuv420p")
    graph.link_nodes(source, scale, pad, plain, form, graph.add("buffersink"))
    graph.configure()
    return graph


@define(eq=False)
class LadderCoder:
    """One publisher's pictures in, pictures of each rung out."""

    codec: Codec
    rungs: Sequence[Rung]
    _decoder: VideoCodecContext = field(init=False, repr=False)
    _coders: list[RungCoder] = field(init=False, repr=False)
    _key_due: bool = True
    _last_key: int = 0

    def __attrs_post_init__(self) -> None:
        self._decoder = decoder(self.codec)
        self._coders = [RungCoder(rung) for rung in self.rungs]

    def take(self, coded: Coded, *, make: bool, key: bool) -> Iterator[tuple[int, bytes]]:
        """Number of the rung and its picture. `make`: else it is only decoded; `key`: key frames, though it is none.

        Raises:
            Undecodable: ask for a key frame.
        """
        self._key_due |= key or coded.key
        if not coded.data:  # to FFmpeg that is the end of everything
            raise Undecodable
        packet = av.Packet(coded.data)
        packet.pts, packet.time_base = coded.ticks, _TIME_BASE
        try:
            frames = self._decoder.decode(packet)
        except av.FFmpegError:
            self._decoder.flush_buffers()
            raise Undecodable from None
        if not frames or not make:
            return
        due = self._key_due or abs(coded.ticks - self._last_key) >= KEY_EVERY
        self._key_due = False
        if due:
            self._last_key = coded.ticks
        for number, coder in enumerate(self._coders):
            try:
                data = coder.make(frames[-1], coded.ticks, key=due)
            except av.FFmpegError:  # a shape that cannot be scaled
                raise Undecodable from None
            if data:
                yield number, data
