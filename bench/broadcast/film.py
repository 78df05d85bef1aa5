"""What is broadcast: half a minute of pictures and sound, coded once, in parts as the packager writes them.

In its first lines each picture says its number, so that whoever sees it knows when it was taken: the film begins anew
when the clock's seconds are a multiple of its length. Each part begins with a key frame.
"""

from __future__ import annotations

import json
import math
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from attrs import asdict, frozen
from av.audio.codeccontext import AudioCodecContext
from av.video.codeccontext import VideoCodecContext
from numpy.typing import NDArray

from media.broadcast.cmaf.clocks import RATE
from media.broadcast.cmaf.fragment import Shown, write_fragment
from media.broadcast.cmaf.init import write_init
from media.broadcast.cmaf.pictures import Picture, PictureReader, split_annex_b
from media.broadcast.cmaf.sound import FRAME

#: Ticks of a picture, so that parts have a whole number of them: 23.4 a second.
PICTURE = 2 * FRAME
#: Frames of AAC in the whole film: 32.768 s.
FRAMES = 1_536
WIDTH, HEIGHT = 640, 360
#: Bits a second of pictures and sound: together what broadcast.md measured with.
PICTURES_BPS, SOUND_BPS = 250_000, 48_000
#: Bits of a picture's number, and its opposite beside it, each a block of so many pixels.
BITS, BLOCK = 10, 32
PICTURES, SOUND = "video", "audio"


@frozen(kw_only=True)
class Film:
    """Attributes:
    part_frames: of AAC in each part.
    codec: of the pictures, as playlists name it.
    """

    part_frames: int
    codec: str
    bandwidth_bps: int

    @property
    def part_ticks(self) -> int:
        return self.part_frames * FRAME

    @property
    def part_s(self) -> float:
        return self.part_ticks / RATE

    @property
    def parts(self) -> int:
        return FRAMES // self.part_frames

    @property
    def length_s(self) -> float:
        return FRAMES * FRAME / RATE


def make(folder: Path, part_frames: int) -> Film:
    """`video-i.mp4`, `video-0.m4s` …, the same of `audio`, and `film.json`."""
    sound, pictures = _sound(), _pictures(part_frames * FRAME // PICTURE)
    parameters = pictures[0].parameters
    (folder / f"{PICTURES}-i.mp4").write_bytes(write_init(1, parameters))
    (folder / f"{SOUND}-i.mp4").write_bytes(write_init(1, None))
    longest = 0
    for part in range(FRAMES // part_frames):
        first = part * part_frames
        heard = sound[first : first + part_frames]
        seen = pictures[first * FRAME // PICTURE : (first + part_frames) * FRAME // PICTURE]
        for name, shown in ((PICTURES, [Shown(one, PICTURE) for one in seen]), (SOUND, None)):
            data = write_fragment(
                number=1, begins=first * FRAME, origin_ntp=0, sound=heard, pictures=shown
            )
            (folder / f"{name}-{part}.m4s").write_bytes(data)
            longest = max(longest, len(data))
    film = Film(
        part_frames=part_frames,
        codec=parameters.sequence.codec,
        bandwidth_bps=math.ceil(longest * 8 * RATE / (part_frames * FRAME)),
    )
    (folder / "film.json").write_text(json.dumps(asdict(film)))
    return film


def load(folder: Path) -> Film:
    return Film(**json.loads((folder / "film.json").read_text()))


def octets(folder: Path) -> int:
    """Of all parts of all renditions."""
    return sum(one.stat().st_size for one in folder.glob("*.m4s"))


def _pictures(gop: int) -> list[Picture]:
    encoder = av.CodecContext.create("libx264", "w")
    assert isinstance(encoder, VideoCodecContext)
    encoder.width, encoder.height, encoder.pix_fmt = WIDTH, HEIGHT, "yuv420p"
    encoder.time_base = encoder.framerate = Fraction(PICTURE, RATE)
    encoder.framerate = 1 / encoder.framerate
    encoder.bit_rate = PICTURES_BPS
    limit = PICTURES_BPS // 1_000
    encoder.options = {
        "preset": "superfast",
        "tune": "zerolatency",
        "profile": "baseline",
        "x264-params": f"keyint={gop}:min-keyint={gop}:scenecut=0:threads=1"
        f":vbv-maxrate={limit}:vbv-bufsize={limit}",
    }
    noise = np.random.default_rng(6).integers(60, 200, (HEIGHT, 2 * WIDTH), np.uint8)
    coded: list[bytes] = []
    for number in range(FRAMES * FRAME // PICTURE):
        encoder_takes = av.VideoFrame.from_ndarray(_drawn(number, noise), format="gray")
        frame = encoder_takes.reformat(format="yuv420p")
        frame.pts, frame.time_base = number, encoder.time_base
        coded += (bytes(packet) for packet in encoder.encode(frame))
    coded += (bytes(packet) for packet in encoder.encode(None))
    reader, pictures = PictureReader(), list[Picture]()
    for number, data in enumerate(coded):
        picture = reader.read(split_annex_b(data), number * PICTURE)
        assert isinstance(picture, Picture), picture
        assert picture.key == (number % gop == 0)
        pictures.append(picture)
    return pictures


def _drawn(number: int, noise: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The number's bits, then their opposites; below, something that moves."""
    picture = noise[:, number % WIDTH : number % WIDTH + WIDTH].copy()
    picture = (picture // 16 + 8 * (number % 16)).astype(np.uint8)
    for place in range(2 * BITS):
        bit = number >> (place % BITS) & 1 ^ (place >= BITS)
        picture[:BLOCK, place * BLOCK : (place + 1) * BLOCK] = 235 if bit else 16
    return picture


def _sound() -> list[bytes]:
    encoder = av.CodecContext.create("aac", "w")
    assert isinstance(encoder, AudioCodecContext)
    encoder.sample_rate, encoder.layout, encoder.format = RATE, "mono", "fltp"
    encoder.bit_rate = SOUND_BPS
    coded: list[bytes] = []
    for number in range(FRAMES + 4):  # it gives back the first ones late
        at = np.arange(number * FRAME, (number + 1) * FRAME, dtype=np.float32) / RATE
        wave = (np.sin(at * 2 * np.pi * 440) * 0.2).astype(np.float32)
        frame = av.AudioFrame.from_ndarray(wave[None], "fltp", "mono")
        frame.sample_rate, frame.pts = RATE, number * FRAME
        coded += (bytes(packet) for packet in encoder.encode(frame))
    return coded[:FRAMES]
