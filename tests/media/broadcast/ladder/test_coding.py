"""Pictures coded here: decoded by FFmpeg, judged as the packager's others, of one size whatever comes in."""

from __future__ import annotations

from fractions import Fraction
from io import BytesIO

import av
import pytest
from av.video.frame import VideoFrame
from hypothesis import given
from hypothesis import strategies as st

from media.broadcast.cmaf.clocks import RATE
from media.broadcast.cmaf.cutter import Cutter
from media.broadcast.cmaf.parts import Output, Rendition
from media.broadcast.cmaf.pictures import Picture, PictureReader, Unseen, split_annex_b
from media.broadcast.cmaf.rhythm import USUAL
from media.broadcast.cmaf.still import black
from media.broadcast.ladder.coding import KEY_EVERY, LadderCoder, RungCoder, Undecodable, fitted
from media.broadcast.ladder.values import Coded, Rung, annex_b
from media.forwarder.api import Codec
from tests.media.broadcast.cmaf.camera import film as h264_film
from tests.media.broadcast.cmaf.judge import judge
from tests.media.broadcast.cmaf.reading import decoded, file_of
from tests.media.broadcast.ladder.vp8_film import film

STEP = RATE // 25
LOW = Rung("v96", 160, 96, 200_000)
LOWER = Rung("v48", 80, 48, 100_000, 10)


def _coded(frames: tuple[bytes, ...], keys: tuple[int, ...] = (0,), begins: int = 0) -> list[Coded]:
    return [
        Coded(begins + number * STEP, number in keys, frame) for number, frame in enumerate(frames)
    ]


def _made(
    coder: LadderCoder, some: list[Coded], wishes: tuple[int, ...] = ()
) -> list[list[Picture]]:
    """Pictures of each rung, as the packager reads them; `wishes`: where a key frame is asked for."""
    readers = [PictureReader() for _ in coder.rungs]
    out: list[list[Picture]] = [[] for _ in coder.rungs]
    for number, coded in enumerate(some):
        for rung, data in coder.take(coded, make=True, key=number in wishes):
            picture = readers[rung].read(split_annex_b(data), coded.ticks)
            assert isinstance(picture, Picture), picture
            out[rung].append(picture)
    return out


def _frames(pictures: list[Picture]) -> list[VideoFrame]:
    decoder = av.CodecContext.create("h264", "r")
    frames = []
    for picture in pictures:
        frames += decoder.decode(av.Packet(annex_b(picture).data))
    return [*frames, *decoder.decode(None)]


def test_every_picture_in_every_rung() -> None:
    """VP8 becomes H.264 with the same times; a rung with fewer pictures a second has every third."""
    made = _made(LadderCoder(Codec.VP8, (LOW, LOWER)), _coded(film(30)))
    assert [picture.ticks for picture in made[0]] == [number * STEP for number in range(30)]
    assert [picture.ticks for picture in made[1]] == [number * STEP for number in range(0, 30, 3)]
    frames = _frames(made[0])
    assert [(frame.width, frame.height) for frame in frames] == [(160, 96)] * 30
    assert [(frame.width, frame.height) for frame in _frames(made[1])] == [(80, 48)] * 10
    assert not made[0][0].parameters.sequence.reorders


def test_pictures_look_like_what_came_in() -> None:
    """What is decoded of the rung differs from what is decoded of the publisher's picture by coding noise only."""
    decoder = av.CodecContext.create("vp8", "r")
    source = [frame for data in film(30) for frame in decoder.decode(av.Packet(data))]
    made = _frames(_made(LadderCoder(Codec.VP8, (LOW,)), _coded(film(30)))[0])
    for ours, theirs in zip(made, source, strict=True):
        first, second = (
            bytes(each.planes[0])[: 96 * each.planes[0].line_size] for each in (ours, theirs)
        )
        noise = sum(abs(a - b) for a, b in zip(first, second, strict=True)) / len(first)
        assert noise < 6


def test_key_frames_where_they_are_wished() -> None:
    """The publisher's key frames, those that were asked for, and one each 4 s are key frames of every rung."""
    some = _coded(film(140, keys=(0, 20)), keys=(0, 20))
    made = _made(LadderCoder(Codec.VP8, (LOW, LOWER)), some, wishes=(37,))
    keys = [[picture.ticks // STEP for picture in rung if picture.key] for rung in made]
    assert keys[0] == [0, 20, 37, 137]
    assert keys[0] == keys[1]
    assert KEY_EVERY == 100 * STEP


def test_another_size_comes_in() -> None:
    """A camera that is turned, or sends less: the rung's size and parameter sets stay, with black bars at the sides."""
    coder = LadderCoder(Codec.VP8, (LOW,))
    turned = film(5, width=96, height=160)
    small = film(5, width=80, height=48)
    some = _coded(film(5)) + _coded(turned, begins=5 * STEP) + _coded(small, begins=10 * STEP)
    (made,) = _made(coder, some)
    assert len(made) == 15
    assert len({picture.parameters for picture in made}) == 1
    frames = _frames(made)
    row = bytes(frames[7].planes[0])[48 * frames[7].planes[0].line_size :][:160]
    assert max(row[:40]) < 40
    assert max(row[120:]) < 40
    assert max(row[60:100]) > 80
    assert max(bytes(frames[12].planes[0])[:160]) > 80


def test_the_profile_is_what_playlists_promise() -> None:
    """Constrained baseline, and for 720 lines at 30 pictures a second no more than level 3.1."""
    coder = RungCoder(Rung("v720", 1280, 720, 1_500_000))
    data = coder.make(VideoFrame(1280, 720, "yuv420p"), 0, key=True)
    assert data is not None
    picture = PictureReader().read(split_annex_b(data), 0)
    assert isinstance(picture, Picture)
    sequence = picture.parameters.sequence
    assert sequence.codec[:9] == "avc1.42c0"
    assert sequence.level <= 0x1F


def test_another_clock() -> None:
    """Another publisher, whose clock is behind, is seen at once from its key frame on; so is one whose clock jumps."""
    coder = LadderCoder(Codec.VP8, (LOW,))
    begins = (10 * RATE, 10 * RATE - RATE // 2, 3 * RATE, 90 * RATE)
    for at in begins:
        (made,) = _made(coder, _coded(film(5), begins=at))
        assert [each.ticks for each in made] == [at + number * STEP for number in range(5)]
        assert made[0].key


def test_h264_with_a_smaller_rung() -> None:
    """A publisher's H.264, passed on by the packager, becomes a smaller rung with key frames at the same ticks."""
    reader = PictureReader()
    source = []
    for number, units in enumerate(h264_film(30, width=160, height=96, gop=12)):
        picture = reader.read(units, number * STEP)
        assert isinstance(picture, Picture)
        source.append(picture)
    (made,) = _made(LadderCoder(Codec.H264, (LOWER,)), [annex_b(each) for each in source])
    assert [each.ticks for each in made if each.key] == [each.ticks for each in source if each.key]
    assert len(_frames(made)) == len(made)


def test_bit_rate_is_bounded() -> None:
    """Noise that no coder can press together still takes no more than the rung has, over some seconds."""
    rung = Rung("v96", 160, 96, 150_000)
    coder = LadderCoder(Codec.VP8, (rung,))
    encoder = av.CodecContext.create("libvpx", "w")
    encoder.width, encoder.height, encoder.pix_fmt = 160, 96, "yuv420p"
    encoder.time_base, encoder.bit_rate = Fraction(1, 25), 5_000_000
    encoder.options = {"deadline": "realtime", "cpu-used": "8", "lag-in-frames": "0"}
    noise = bytes((number * number * 7919 >> 3) & 0xFF for number in range(400_000))
    some = []
    for number in range(75):
        frame = VideoFrame(160, 96, "yuv420p")
        for plane in frame.planes:
            plane.update(noise[number * 1_009 :][: plane.buffer_size])
        frame.pts = number
        some += [bytes(packet) for packet in encoder.encode(frame)]
    (made,) = _made(coder, _coded(tuple(some)))
    assert sum(len(each.data) for each in made) * 8 < 3 * 150_000 * 1.3


def test_what_no_decoder_reads() -> None:
    """Rubbish asks for a key frame, or gives nothing; the coder goes on with the next one."""
    coder = LadderCoder(Codec.VP8, (LOW,))
    with pytest.raises(Undecodable):
        list(
            coder.take(
                Coded(0, True, b"\x10\x00\x00\x9d\x01\x2a\xff\xff\xff\xff"), make=True, key=False
            )
        )
    with pytest.raises(Undecodable):
        list(coder.take(Coded(1, True, b""), make=True, key=False))
    assert len(_made(coder, _coded(film(5), begins=STEP))[0]) == 5


@given(st.integers(1, 4096), st.integers(1, 4096), st.integers(8, 960), st.integers(8, 960))
def test_shapes_fit(width: int, height: int, half_width: int, half_height: int) -> None:
    """Whatever shape comes in: it fills the rung one way, is even, and keeps its shape as far as samples allow."""
    most = 2 * half_width, 2 * half_height
    across, down = fitted(width, height, *most)
    assert 2 <= across <= most[0]
    assert 2 <= down <= most[1]
    assert across % 2 == down % 2 == 0
    assert across == most[0] or down == most[1]
    assert abs(across / width - down / height) <= 2 / min(width, height)


@pytest.mark.parametrize("size", [(16, 4096), (4096, 16), (17, 33)])
def test_strange_shapes(size: tuple[int, int]) -> None:
    """A picture that is nearly a line becomes one with black bars, and no fault."""
    frame = VideoFrame(*size, "yuv420p")
    assert RungCoder(LOW).make(frame, 0, key=True)


def test_decoded_only() -> None:
    """A picture that is only decoded makes nothing; the next one that is made is whole, and a wish is kept for it."""
    coder = LadderCoder(Codec.VP8, (LOW,))
    reader = PictureReader()
    some = _coded(film(10, keys=(0, 5)), keys=(0, 5))
    out = []
    for number, coded in enumerate(some):
        out += [(number, data) for _, data in coder.take(coded, make=number % 3 == 0, key=False)]
    assert [number for number, _ in out] == [0, 3, 6, 9]
    pictures = [reader.read(split_annex_b(data), 0) for _, data in out]
    assert not any(isinstance(each, Unseen) for each in pictures)
    assert [each.key for each in pictures if isinstance(each, Picture)] == [
        True,
        False,
        True,
        False,
    ]


def test_a_broadcast_of_what_was_made() -> None:
    """Through the cutter: parts that the judge finds right, and FFmpeg decodes every picture of them."""
    cutter = Cutter(USUAL, black(160, 96), 2, 0)
    out: list[Output] = []
    (made,) = _made(LadderCoder(Codec.VP8, (LOW,)), _coded(film(120)), wishes=(98,))
    for picture in made:
        out += cutter.take_picture(picture, picture.ticks + RATE // 20)
    out += cutter.end(made[-1].ticks + RATE)
    judge(out, USUAL, coded=True)
    _, pictures = decoded(file_of(out, Rendition.PICTURES, 0))
    assert len(pictures) == 120
    with av.open(BytesIO(file_of(out, Rendition.PICTURES, 0))) as container:
        assert container.streams.video[0].codec_context.name == "h264"
