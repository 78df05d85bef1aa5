"""Captions of another school's broadcast: read at the moment at which they were typed, and nothing but lines."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from media.broadcast.fanout import spoken
from media.broadcast.fanout.spoken import MOST_BYTES, MOST_LINES, Line
from media.broadcast.hls.captions import MPEG_HZ, MPEG_WRAP, CaptionTrack
from media.broadcast.hls.values import HZ, Segment, Shape

#: Where segments of the world begin on a timeline, ticks: whole frames of AAC, as packagers cut.
BEGINS = 300 * 1024


def segment(media_at: int) -> Segment:
    return Segment(1, 0, False, BEGINS, 0, media_at=media_at, ticks=4 * HZ)


@given(
    st.lists(st.tuples(st.text(min_size=1, max_size=40), st.integers(0, 180)), max_size=6),
    st.integers(0, 2 * MPEG_WRAP * HZ // MPEG_HZ),
)
def test_what_a_track_of_ours_says(lines: list[tuple[str, int]], media_at: int) -> None:
    """Text and moment are the same on the other side, within a few milliseconds, wherever MPEG's clock begins anew."""
    track, typed, at = CaptionTrack(Shape()), [], BEGINS
    for text, frames in lines:
        at += frames * 1024
        if at < BEGINS + 4 * HZ and track.say(text, at) is None and track.newest is not None:
            typed.append(track.newest)
    found = spoken.read(track.segment(segment(media_at)).encode(), media_at)
    assert [(one.number, one.text) for one in found] == [(one.number, one.text) for one in typed]
    for one, cue in zip(found, typed, strict=True):
        assert abs(one.at - (cue.starts_at - BEGINS)) <= HZ // 400


def test_a_line_of_before_is_not_said_again() -> None:
    """What goes on from an earlier segment stands in its file already."""
    track = CaptionTrack(Shape())
    assert track.say("Раньше", BEGINS - HZ) is None
    assert track.say("Теперь", BEGINS + HZ) is None
    found = spoken.read(track.segment(segment(BEGINS)).encode(), BEGINS)
    assert found == [Line(1, HZ, "Теперь")]


HEAD = "WEBVTT\nX-TIMESTAMP-MAP=LOCAL:00:00:00.000,MPEGTS:0\n\n"
GOOD = "7\n00:00:01.000 --> 00:00:05.000\nСлова\n"


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        (HEAD + GOOD, 1),
        (HEAD + "NOTE\n\n" + GOOD, 1),
        (HEAD + GOOD.replace(" --> ", "->"), 0),
        (HEAD + GOOD + "<b>2</b>\n", 0),
        (HEAD.replace("LOCAL:00:00:00.000", "LOCAL:00:00:01.000") + GOOD, 0),
        ("WEBVTT\n\n" + GOOD, 0),
        (HEAD + "\n".join([GOOD] * 2 * MOST_LINES), MOST_LINES),
        (HEAD + GOOD + " " * MOST_BYTES, 0),
        ("", 0),
    ],
)
def test_only_our_own_form(text: str, lines: int) -> None:
    """Anything else is no line, and no more of them than anybody types."""
    assert len(spoken.read(text.encode(), 0)) == lines


@given(st.binary(max_size=200), st.integers(0, 2**62))
def test_fuzz_any_octets(raw: bytes, media_at: int) -> None:
    """Nothing that is sent breaks it."""
    for text in (raw, HEAD.encode() + raw, HEAD.encode() + GOOD.encode() + b"\n" + raw):
        for line in spoken.read(text, media_at):
            assert line.at >= 0
            assert line.text
