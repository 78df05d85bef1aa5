"""From packets to files: FFmpeg decodes everything that is written, at the times at which it happened."""

from __future__ import annotations

from collections.abc import Sequence
from io import BytesIO
from itertools import pairwise
from struct import unpack

import av
import pytest
from attrs import evolve

from media.broadcast.cmaf.clocks import RATE, PublisherClock
from media.broadcast.cmaf.cutter import Cutter
from media.broadcast.cmaf.fragment import Shown, write_fragment
from media.broadcast.cmaf.init import write_init
from media.broadcast.cmaf.parts import Output, Rendition
from media.broadcast.cmaf.pictures import Picture, PictureReader, Unseen
from media.broadcast.cmaf.rhythm import USUAL
from media.broadcast.cmaf.sound import FRAME, SILENCE
from media.broadcast.cmaf.source import PictureSource
from media.broadcast.cmaf.still import black
from media.broadcast.cmaf.transcoder import OpusToAac
from media.forwarder.plain.rtp import RtpPacket
from tests.media.broadcast.cmaf.camera import Units, film, packets, tone
from tests.media.broadcast.cmaf.judge import judge
from tests.media.broadcast.cmaf.reading import (
    boxes,
    decoded,
    file_of,
    inits_of,
    parts_of,
    samples,
)

BEGINS = 50_000  # ticks at which the first picture comes
STILL = black(64, 48)


def broadcast(
    sent: Sequence[Units], *, opus: int = 0, lost: frozenset[int] = frozenset()
) -> tuple[list[Output], PictureSource]:
    """A film of 25 pictures a second and so many packets of Opus, through source, transcoder and cutter."""
    publisher = PublisherClock()
    source = PictureSource(publisher.stream(90_000))
    coder = OpusToAac(2, 64_000)
    cutter = Cutter(USUAL, STILL, 2, 1 << 63)
    coming: list[tuple[int, int, RtpPacket | bytes]] = [
        (BEGINS + each.timestamp * RATE // 90_000, place, each)
        for place, each in enumerate(packets(sent))
        if place not in lost
    ]
    coming += ((BEGINS + 960 * place, place, each) for place, each in enumerate(tone(opus)))
    out: list[Output] = []
    now = BEGINS
    for now, _, each in sorted(coming, key=lambda entry: entry[:2]):
        if isinstance(each, bytes):
            for sound in coder.take(each, now):
                out += cutter.take_sound(sound, now)
        else:
            for picture in source.take(each, now):
                out += cutter.take_picture(picture, now)
            if source.wants_key:
                out += cutter.lose(now)
    for sound in coder.end():
        out += cutter.take_sound(sound, now)
    now = cutter._sound.filled if opus else now + RATE // 2
    return out + cutter.end(now), source


@pytest.mark.parametrize("gop", [7, 30, 103, 250])
def test_a_film_with_sound(gop: int) -> None:
    """Ten seconds: each picture and each frame of sound comes out of FFmpeg at its time, in both renditions."""
    out, source = broadcast(film(250, gop=gop), opus=500)
    judge(out, USUAL, coded=True)
    heard, seen = decoded(file_of(out, Rendition.PICTURES, 0))
    assert seen == [BEGINS + 1_920 * n for n in range(250)]
    assert heard == [BEGINS + FRAME * n for n in range(len(heard))]
    assert len(heard) in {469, 470}
    assert decoded(file_of(out, Rendition.SOUND, 0)) == (heard, [])
    assert not source.unseen


def test_a_film_without_sound() -> None:
    """The same pictures, and silence beside them that decodes."""
    out, _ = broadcast(film(250, gop=60))
    judge(out, USUAL, coded=True)
    heard, seen = decoded(file_of(out, Rendition.PICTURES, 0))
    assert seen == [BEGINS + 1_920 * n for n in range(250)]
    assert heard == [BEGINS + FRAME * n for n in range(len(heard))]
    assert len(heard) > 460


def test_a_film_with_losses() -> None:
    """After each hole pictures go on with the next key frame; all that are there decode without an error."""
    sent = film(250, gop=25)
    out, source = broadcast(sent, opus=500, lost=frozenset({90, 300}))
    judge(out, USUAL, coded=True)
    heard, seen = decoded(file_of(out, Rendition.PICTURES, 0))
    missing = 250 - len(seen)
    # A lost packet spoils its picture, and the next one too if it was the last of its own.
    assert missing - source.unseen[Unseen.AFTER_LOSS] in {2, 3, 4}
    assert 2 < missing < 50
    assert len(heard) in {469, 470}


def test_a_film_with_b_frames() -> None:
    """What is left of it without B-frames is shown in order, and counted for the host."""
    out, source = broadcast(film(100, gop=50, b_frames=2), opus=200)
    judge(out, USUAL, coded=True)
    _, seen = decoded(file_of(out, Rendition.PICTURES, 0))
    assert source.unseen[Unseen.B_FRAME] > 50
    assert len(seen) == 100 - source.unseen[Unseen.B_FRAME]
    assert all(after > before for before, after in pairwise(seen))


def test_a_film_whose_size_changes() -> None:
    """Each size is a file of its own with its own init segment; both decode, and time goes on."""
    out, _ = broadcast((*film(80), *film(90, width=96, height=64)), opus=340)
    judge(out, USUAL, coded=True)
    inits = inits_of(out, Rendition.PICTURES)
    assert [each.size for each in inits] == [(64, 48), (96, 64)]
    assert {each.codecs[:5] for each in inits} == {"avc1."}
    assert inits_of(out, Rendition.SOUND)[1].codecs == "mp4a.40.2"
    first, second = (decoded(file_of(out, Rendition.PICTURES, n)) for n in range(2))
    assert first[1] == [BEGINS + 1_920 * n for n in range(80)]
    assert second[1] == [BEGINS + 1_920 * n for n in range(80, 170)]
    assert second[0][0] == first[0][-1] + FRAME


def test_it_can_be_begun_with_at_any_independent_part() -> None:
    """A viewer who comes later sees every picture from the first one of an independent part on."""
    out, _ = broadcast(film(250, gop=40), opus=500)
    (init,) = inits_of(out, Rendition.PICTURES)
    parts = parts_of(out, Rendition.PICTURES)
    starts = [place for place, part in enumerate(parts) if part.independent]
    assert len(starts) > 2
    for start in starts:
        rest = parts[start:]
        expected = [s.ticks for part in rest for s in samples(part.data) if s.track == 2]
        _, seen = decoded(init.data + b"".join(part.data for part in rest))
        assert seen == expected


@pytest.mark.parametrize("profile", ["baseline", "main", "high"])
def test_what_ffmpeg_reads_in_an_init_segment(profile: str) -> None:
    """Profile, level, size, rate and channels are those that were coded."""
    picture = PictureReader().read(
        film(1, width=642, height=362, preset="veryfast", profile=profile)[0], 0
    )
    assert isinstance(picture, Picture)
    for channels in (1, 2):
        data = write_init(channels, picture.parameters) + write_fragment(
            number=1,
            begins=0,
            origin_ntp=0,
            sound=[SILENCE[channels]] * 4,
            pictures=[Shown(picture, 4 * FRAME)],
        )
        with av.open(BytesIO(data), "r") as container:
            (sound,), (pictures,) = container.streams.audio, container.streams.video
            assert (sound.codec_context.sample_rate, sound.codec_context.channels) == (
                RATE,
                channels,
            )
            assert sound.codec_context.profile == "LC"
            assert (pictures.codec_context.width, pictures.codec_context.height) == (642, 362)
            assert profile in (pictures.codec_context.profile or "").lower()
            assert pictures.codec_context.extradata is not None
            assert pictures.codec_context.extradata[5] & 0x1F == 1
            frames = list(container.decode())
        assert len(frames) == 5


def test_the_wall_clock_of_a_part() -> None:
    """`prft` ties the first sample to the wall clock: half a second after tick 0 is half a second later."""
    data = write_fragment(
        number=7, begins=24_000, origin_ntp=5 << 32, sound=[SILENCE[1]], pictures=None
    )
    kind, content = next(boxes(data))
    assert kind == b"prft"
    assert unpack("!IIQQ", content) == (1 << 24 | 24, 1, (5 << 32) + (1 << 31), 24_000)


def test_the_black_picture() -> None:
    """The still picture is one small key frame that decodes to black."""
    still = black(640, 360)
    assert still.key
    assert len(still.data) < 2_000
    data = write_init(1, still.parameters) + write_fragment(
        number=1, begins=0, origin_ntp=0, sound=[SILENCE[1]], pictures=[Shown(still, FRAME)]
    )
    with av.open(BytesIO(data), "r") as container:
        frame = next(container.decode(video=0))
        assert (frame.width, frame.height) == (640, 360)
        assert set(bytes(frame.planes[0])[:640]) == {16}


def test_from_the_still_picture_to_the_camera() -> None:
    """A broadcast that begins without a camera and gets one later: both parts of it decode."""
    cutter = Cutter(USUAL, STILL, 1, 0)
    out: list[Output] = []
    for now in range(0, 5 * RATE, RATE // 10):
        out += cutter.advance(now)
    reader = PictureReader()
    for number, units in enumerate(film(50)):
        now = 5 * RATE + 1_920 * number
        picture = reader.read(units, 0)
        assert isinstance(picture, Picture)
        out += cutter.take_picture(evolve(picture, ticks=now), now)
    out += cutter.end(7 * RATE + RATE // 2)
    judge(out, USUAL, coded=True)
    assert len(decoded(file_of(out, Rendition.PICTURES, 0))[1]) >= 1
    assert len(decoded(file_of(out, Rendition.PICTURES, 1))[1]) == 50
