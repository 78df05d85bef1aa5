"""Whatever is added and whatever is asked: playlists keep Apple's rules."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from media.broadcast.hls.answers import Media, No, Refused, Text, Wait
from media.broadcast.hls.broadcast import Broadcast
from media.broadcast.hls.names import Ask, BadAsk, Kind, read
from media.broadcast.hls.timeline import First
from media.broadcast.hls.values import HZ, PART, SHORT_PART, Part, Shape
from tests.media.broadcast import m3u8
from tests.media.broadcast.world import NAMES, NOW_MS, Player, Stage, asks_of, broadcast

SHAPES = st.sampled_from(
    [
        Shape(),
        Shape(part_ticks=SHORT_PART, target_s=2, window_s=6),
        Shape(part_ticks=SHORT_PART, target_s=2, window_s=20, dvr_s=60),
        Shape(part_ticks=HZ, target_s=1, window_s=12, dvr_s=0),
    ]
)
#: What happens, and how: most of it is what a packager does.
STEPS = st.lists(
    st.tuples(
        st.sampled_from(
            ["part"] * 6 + ["long"] * 3 + ["break"] * 2 + ["close", "say", "odd", "again"]
        ),
        st.integers(1, 110),  # per cent of a part
        st.booleans(),
    ),
    min_size=5,
    max_size=40,
)
NUMBERS = st.integers(-2, 6)


def _step(stage: Stage, step: tuple[str, int, bool], odd: tuple[int, int, int]) -> None:
    what, percent, flag = step
    shape = stage.to.shape
    ticks = max(1, shape.part_ticks * (percent if flag else 100) // 100)
    if what == "part":
        if stage.part(ticks, independent=flag)[0] is not None:
            stage.next_segment()
    elif what == "long":
        for _ in range(percent // 3):
            if stage.part(shape.part_ticks, independent=flag)[0] is not None:
                stage.next_segment()
    elif what == "break":
        if stage.number:
            stage.next_segment(breaks=True)
        stage.begin(NOW_MS + (percent - 55) * 100_000)  # the wall clock jumps either way
        stage.part(ticks)
    elif what == "close":
        stage.to.close()
        if stage.number:
            stage.next_segment()
    elif what == "say":
        stage.to.say("Ёлка --> <b>зажглась</b> " * (percent // 20))
    elif what == "odd":
        _odd(stage, odd, ticks)
    else:
        stage.begin()


def _odd(stage: Stage, odd: tuple[int, int, int], ticks: int) -> None:
    """Parts with numbers a little off; where one is taken after all, the stage counts on from there."""
    place = (stage.discontinuity, stage.segment, stage.number)
    discontinuity, segment, number = (
        max(0, base + by) for base, by in zip(place, odd, strict=True)
    )
    for name in (*NAMES, "other"):
        part = Part(name, discontinuity, segment, number, ticks)
        if stage.to.add(part) is None:
            stage.discontinuity, stage.segment = part.discontinuity, part.segment
            stage.number = part.number + 1


@settings(max_examples=40)
@given(SHAPES, STEPS, st.tuples(NUMBERS, NUMBERS, NUMBERS))
def test_the_validator_is_content(
    shape: Shape, steps: list[tuple[str, int, bool]], odd: tuple[int, int, int]
) -> None:
    """After each event, refused or not, playlists and delta updates keep the rules, alone and after the last."""
    of = broadcast(shape)
    stage, player = Stage(of), Player(of)
    stage.begin()
    for step in steps:
        _step(stage, step, odd)
        assert player.look() == []
    of.end()
    assert player.look() == []
    for name in NAMES:
        assert not isinstance(of.answer(Ask(Kind.LIVE, name, segment=10**6)), Wait)


@settings(max_examples=25)
@given(SHAPES, STEPS)
def test_what_a_playlist_names_is_there(shape: Shape, steps: list[tuple[str, int, bool]]) -> None:
    """What is listed is answered, for a playlist's length longer than it is; the hint waits, and is what comes."""
    of = broadcast(shape)
    stage = Stage(of)
    stage.begin()
    named: dict[tuple[str, Ask], int] = {}
    for step in steps:
        hints = _hints(of)
        _step(stage, step, (0, 0, 0))
        for name, hint in hints.items():
            answer = of.answer(hint)
            assert isinstance(answer, Media) or (answer is Wait.WAIT and hint == _hints(of)[name])
        for name in NAMES:
            answer = of.answer(Ask(Kind.LIVE, name))
            if isinstance(answer, Text):
                for one in asks_of(m3u8.read(answer.text), name):
                    assert isinstance(one, Ask)
                    named[name, one] = of.edge
        for (_, one), edge in named.items():
            if of.edge - edge <= (shape.window_s + shape.target_s) * HZ:
                assert isinstance(of.answer(one), Media | Text)


@given(
    SHAPES,
    STEPS,
    st.sampled_from([*NAMES, "captions", "none"]),
    st.integers(0, 40),
    st.none() | st.integers(0, 40),
    st.booleans(),
)
@settings(max_examples=60)
def test_waiting_ends(
    shape: Shape,
    steps: list[tuple[str, int, bool]],
    name: str,
    segment: int,
    part: int | None,
    skip: bool,
) -> None:
    """Whoever waits is answered once what they asked for is there; what is there never waits."""
    of = broadcast(shape)
    stage = Stage(of)
    stage.begin()
    one = Ask(Kind.LIVE, name, segment=segment, part=part, skip=skip)
    answered = False
    for step in steps:
        _step(stage, step, (0, 0, 0))
        answer = of.answer(one)
        if isinstance(answer, Text):
            answered = True
            assert _has(m3u8.read(answer.text), one)
        elif isinstance(answer, Refused):
            assert not answered
            assert answer.why in (No.TOO_FAR_AHEAD, No.NO_SUCH_FILE)
        else:
            assert answer is Wait.WAIT
            assert not answered, "what was there is there still"
    of.end()
    assert of.answer(one) is not Wait.WAIT


def _has(playlist: m3u8.Playlist, one: Ask) -> bool:
    newest = playlist.everything[-1]
    assert one.segment is not None
    if one.part is None or one.rendition == "captions":
        return playlist.segments[-1].number >= one.segment
    if newest.number == one.segment:
        return len(newest.parts) > one.part
    return newest.number > one.segment


def _hints(of: Broadcast) -> dict[str, Ask]:
    found = {}
    for name in NAMES:
        answer = of.answer(Ask(Kind.LIVE, name))
        if isinstance(answer, Text):
            one = read(f"{name}/{m3u8.read(answer.text).hints[0]['URI']}")
            assert isinstance(one, Ask)
            found[name] = one
    return found


@given(
    st.text(max_size=80)
    | st.from_regex(r"[a-z0-9]{1,17}/[psi][0-9]{1,12}\.(m4s|mp4|vtt|m3u8)", fullmatch=True)
    | st.sampled_from(
        ["v720/live.m3u8", "captions/live.m3u8", "main.m3u8", "rewind.m3u8", "events.json"]
    ),
    st.lists(
        st.tuples(
            st.sampled_from(["_HLS_msn", "_HLS_part", "_HLS_skip", "_HLS_x", "seq", "x"])
            | st.text(),
            st.text(max_size=12) | st.sampled_from(["0", "7", "YES", "v2", "-1", "٣", "1e3"]),
        ),
        max_size=5,
    ),
)
def test_any_request_has_an_answer(path: str, query: list[tuple[str, str]]) -> None:
    """Nothing that a stranger writes into an address raises; numbers stay below a thousand million, pages below ten."""
    one = read(path, query)
    assert isinstance(one, Ask | BadAsk)
    if isinstance(one, Ask):
        most = 10**10 if one.kind is Kind.EVENTS else 10**9
        assert max(one.number, one.segment or 0, one.part or 0) < most
    of = broadcast(first=First(segment=3, serial=9))
    of.begin(0, NOW_MS)
    Stage(of, segment=3).segments(2)
    answer = of.answer(one)
    assert isinstance(answer, Text | Media | Refused | Wait)


def test_a_part_is_as_long_as_the_clock_says() -> None:
    """48 frames of AAC are 1.024 s, and the low-latency part is half of it."""
    assert (PART, SHORT_PART) == (49_152, 24_576)
