"""Playlists and parts of another school: ours are read as they were written, all others are refused."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from media.broadcast.cmaf.clocks import RATE
from media.broadcast.cmaf.init import write_init
from media.broadcast.cmaf.parts import Part as Chunk
from media.broadcast.fanout.boxes import check_init, media_at
from media.broadcast.fanout.playlists import Page, read_front, read_page
from media.broadcast.hls.values import PART, SHORT_PART, Shape
from media.forwarder.plain.rtp import Malformed
from tests.media.broadcast.cmaf.stage import Stage as Paper
from tests.media.broadcast.cmaf.stage import parameters
from tests.media.broadcast.world import HIGH, LOW, NAMES, NOW_MS, SOUND, Stage, broadcast, text
from tests.media.hostile.damage import bounded, damaged


def _live(segments: int, shape: Shape | None = None, parts: int = 2) -> Stage:
    stage = Stage(broadcast(shape))
    assert stage.begin() is None
    stage.segments(segments)
    for number in range(parts):
        stage.part((shape or Shape()).part_ticks, independent=number == 0)
    return stage


LIVE = text(_live(9).to, "v720/live.m3u8")
MAIN = text(_live(1).to, "main.m3u8")
PAPER = Paper(gop=90)
PAPER.go(5 * RATE)
CHUNKS = [each for each in PAPER.out if isinstance(each, Chunk)]
INITS = (write_init(2, None), write_init(1, parameters(1)))


def test_a_live_playlist() -> None:
    """Numbers, parts, lengths, dates and what is whole are those of the broadcast."""
    stage = _live(9)
    page = read_page("v720", text(stage.to, "v720/live.m3u8"))
    assert page.shape == Shape()
    assert not page.ended
    assert [one.number for one in page.passages] == list(range(1, 10)), "the window is 30 s"
    assert [one.whole for one in page.passages] == [True] * 8 + [False]
    newest = page.passages[-1]
    assert [one.serial for one in newest.parts] == [36, 37]
    assert [one.independent for one in newest.parts] == [True, False]
    assert {one.ticks for one in newest.parts} == {PART}
    assert newest.wall_ms == NOW_MS + 36 * PART * 1000 // RATE
    assert page.passages[0].parts == ()
    stage.to.end()
    assert read_page("v720", text(stage.to, "v720/live.m3u8")).ended


@pytest.mark.parametrize(
    "shape",
    [
        Shape(part_ticks=SHORT_PART, target_s=3),
        Shape(hold_back_percent=300),
        Shape(hold_back_percent=233, target_s=9),
    ],
)
def test_shapes(shape: Shape) -> None:
    """A school that follows promises its players what it was promised itself."""
    stage = Stage(broadcast(shape))
    stage.begin()
    stage.part(shape.part_ticks)
    page = read_page("sound", text(stage.to, "sound/live.m3u8"))
    assert page.shape.part_ticks == shape.part_ticks
    assert page.shape.target_s == shape.target_s
    assert page.shape.hold_back_percent == shape.hold_back_percent


def test_discontinuities() -> None:
    """Segments say which init segment they need."""
    stage = _live(2, parts=0)
    stage.discontinuity += 1
    assert stage.begin(NOW_MS + 10_000) is None
    stage.segments(2)
    page = read_page("v360", text(stage.to, "v360/live.m3u8"))
    assert [one.init for one in page.passages] == [0, 0, 1, 1]


def test_the_front() -> None:
    """All qualities, as they were opened."""
    front = read_front(MAIN)
    assert sorted(front.variants, key=repr) == sorted((HIGH, LOW, SOUND), key=repr)
    assert front.captions is not None
    assert front.captions.language == "ru"
    assert {one.rendition for one in front.variants} == set(NAMES)


@pytest.mark.parametrize(
    ("was", "is_"),
    [
        ("#EXTM3U\n", ""),
        ("#EXT-X-TARGETDURATION:5", "#EXT-X-TARGETDURATION:x"),
        ("#EXT-X-TARGETDURATION:5", "#EXT-X-TARGETDURATION:99"),
        ("PART-TARGET=1.024", "PART-TARGET=0.1"),
        ("DURATION=1.024", "DURATION=1.5"),
        ("DURATION=1.024", "DURATION=0"),
        ('URI="p36.m4s"', 'URI="../../secret"'),
        ('URI="p36.m4s"', 'URI="http://other.example/p36.m4s"'),
        ('URI="p36.m4s"', 'URI="s36.m4s"'),
        ('#EXT-X-MAP:URI="i0.mp4"', ""),
        ("s2.m4s", "s3.m4s"),
        ("#EXT-X-PART-INF:", "#EXT-X-SKIP:SKIPPED-SEGMENTS=3\n#EXT-X-PART-INF:"),
        ("2026-12-25", "2026-13-25"),
    ],
)
def test_playlists_that_are_refused(was: str, is_: str) -> None:
    """Files elsewhere, impossible lengths, numbers out of order, deltas: the whole of it is refused."""
    assert was in LIVE
    with pytest.raises(Malformed):
        read_page("v720", LIVE.replace(was, is_))


@pytest.mark.parametrize(
    ("was", "is_"),
    [
        ("v720/live.m3u8", "https://other.example/live.m3u8"),
        ("v720/live.m3u8", "v360/live.m3u8"),
        ("avc1.42e01f", "vp09.00"),
        ("RESOLUTION=1280x720", "RESOLUTION=9999x9999"),
        ("BANDWIDTH=64000", "BANDWIDTH=0"),
        ("#EXTM3U", "#EXTM3U\nv1/live.m3u8"),
    ],
)
def test_fronts_that_are_refused(was: str, is_: str) -> None:
    """Addresses elsewhere, qualities twice, codecs that we do not serve."""
    assert was in MAIN
    with pytest.raises(Malformed):
        read_front(MAIN.replace(was, is_))


def test_parts() -> None:
    """A part says when it begins; an init segment is one."""
    for chunk in CHUNKS:
        assert media_at(chunk.data) == chunk.begins
    for init in INITS:
        check_init(init)
        with pytest.raises(Malformed):
            media_at(init)
    with pytest.raises(Malformed):
        check_init(CHUNKS[0].data)
    with pytest.raises(Malformed):
        check_init(INITS[0] + bytes(70_000))


TEXTS = st.one_of(
    st.text(max_size=300),
    st.lists(st.sampled_from([*LIVE.split("\n"), *MAIN.split("\n")]), max_size=40).map("\n".join),
    damaged((LIVE.encode(), MAIN.encode())).map(lambda data: data.decode(errors="replace")),
)


@given(TEXTS)
def test_fuzz_playlists_of_others(of_others: str) -> None:
    """No text raises anything but the refusal; what is read has lengths that our own playlists may have."""
    with bounded():
        try:
            page = read_page("v720", of_others)
        except Malformed:
            pass
        else:
            assert isinstance(page, Page)
            assert all(
                part.ticks <= page.shape.part_ticks for one in page.passages for part in one.parts
            )
        try:
            front = read_front(of_others)
        except Malformed:
            pass
        else:
            assert any(one.picture is None for one in front.variants)


@given(damaged(tuple(chunk.data for chunk in CHUNKS[:4]) + INITS))
def test_fuzz_parts_of_others(data: bytes) -> None:
    """No bytes raise anything but the refusal, and soon."""
    with bounded():
        for read in (media_at, check_init):
            with suppress(Malformed):
                read(data)
