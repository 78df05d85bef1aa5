"""Captions: what is typed, when it is shown, and that nothing shown is changed."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from media.broadcast.hls.answers import No, Refused
from media.broadcast.hls.captions import MOST_CHARS, CaptionTrack, Cue, Unsayable, webvtt
from media.broadcast.hls.timeline import First
from media.broadcast.hls.values import HZ, PART, Segment, Shape
from media.broadcast.origin import spoken
from tests.media.broadcast import apple, m3u8
from tests.media.broadcast.world import Stage, ask, broadcast, text

S = HZ
#: The second segment of four.
SECOND = Segment(1, 0, False, 4 * S, 0, media_at=1000 * S + 4 * S, ticks=4 * S)


def test_a_file_word_for_word() -> None:
    """Times of the timeline, tied to the media's own; marks of WebVTT are text."""
    track = CaptionTrack(Shape())
    assert track.say(" Дорогие\nдрузья & <гости>! ", 5 * S) is None
    assert track.segment(SECOND) == (
        "WEBVTT\n"
        "X-TIMESTAMP-MAP=LOCAL:00:00:00.000,MPEGTS:90000000\n\n"
        "0\n00:00:05.000 --> 00:00:12.083\nДорогие друзья &amp; &lt;гости&gt;!\n"
    )


def test_a_line_that_goes_on_is_in_the_next_file_too() -> None:
    """With the same times, so that a player shows it once."""
    track = CaptionTrack(Shape())
    track.say("Начинаем", 7 * S)
    later = Segment(2, 0, False, 8 * S, 0, ticks=4 * S)
    assert track.segment(SECOND).split("\n\n")[1:] == track.segment(later).split("\n\n")[1:]
    assert track.segment(Segment(0, 0, False, 0, 0, ticks=4 * S)).count("-->") == 0
    assert track.segment(Segment(0, 0, False, 3 * S, 0, ticks=4 * S)).count("-->") == 0


def test_files_have_one_clock() -> None:
    """Whatever a segment's length: a line that goes on has the very same time in the next file, to the last digit."""
    of = broadcast()
    stage = Stage(of)
    stage.begin()
    of.say("Начинаем")
    stage.segments(3, parts=3)  # 3.072 s each: no whole milliseconds of MPEG's clock
    stage.part()
    maps = [text(of, f"captions/s{number}.vtt").splitlines()[1] for number in range(3)]
    assert len(set(maps)) == 1


def test_a_line_does_not_cross_a_discontinuity() -> None:
    """It is in the files before, which say until when it is shown; behind, players would take it for another one."""
    of = broadcast()
    stage = Stage(of)
    stage.begin()
    stage.part()
    of.say("Начинаем")
    stage.part()
    stage.next_segment(breaks=True)
    stage.begin()
    of.say("Дальше")
    stage.segments(1)
    stage.part()
    first, second = (text(of, f"captions/s{number}.vtt") for number in range(2))
    assert ("Начинаем" in first, "Начинаем" in second) == (True, False)
    assert "Дальше" in second


def test_lines_that_are_not_taken() -> None:
    """Empty, longer than anybody reads, and the third within a second."""
    track = CaptionTrack(Shape())
    assert track.say(" \n\t\x00\u200b", 0) is Unsayable.EMPTY
    assert track.say("a" * (MOST_CHARS + 1), 0) is Unsayable.TOO_LONG
    assert [track.say("a", 0) for _ in range(3)] == [None, None, Unsayable.TOO_FAST]
    assert track.say("a", S) is None


@settings(max_examples=50)
@given(st.lists(st.tuples(st.booleans(), st.text(max_size=30)), max_size=60))
def test_a_file_never_changes(events: list[tuple[bool, str]]) -> None:
    """Whatever is typed later: a file that could be fetched once says the same as long as it can be fetched."""
    of = broadcast(Shape(part_ticks=PART, target_s=3, window_s=9))
    stage = Stage(of)
    stage.begin()
    known: dict[int, str] = {}
    for cuts, line in events:
        of.say(line)
        refused = stage.part()[0] is not None
        if cuts:  # known whole before the next one begins: a line that comes now is not in it
            of.close()
        if refused or cuts:
            stage.next_segment()
        for number in range(stage.segment):
            answer = ask(of, f"captions/s{number}.vtt")
            if hasattr(answer, "text"):
                assert known.setdefault(number, answer.text) == answer.text
                assert answer.text.count("-->") <= 40


def test_captions_can_be_gone_back_to() -> None:
    """Of every segment since the beginning; a file of long ago says what it said; numbers of nobody are 404."""
    of = broadcast(first=First(segment=100))
    stage = Stage(of, segment=100)
    stage.begin()
    lines = []
    for number in range(60):
        assert of.say(f"Строка {number}") is None
        stage.segments(1)
        stage.part()
        lines.append(text(of, f"captions/s{100 + number}.vtt"))
        stage.next_segment()
    back = m3u8.read(text(of, "captions/rewind.m3u8"))
    assert (back.sequence, back.headers["EXT-X-PLAYLIST-TYPE"]) == (100, "EVENT")
    assert len(back.segments) > 60
    assert list(apple.problems(back)) == []
    assert [text(of, f"captions/s{100 + number}.vtt") for number in range(60)] == lines
    assert "Строка 0" in text(of, "captions/s100.vtt")
    assert ask(of, "captions/s99.vtt") == Refused(No.NOT_THERE)


def test_a_file_for_the_recording() -> None:
    """Each line for as long as it takes to read, within the recording; without a line there is no file."""
    track = CaptionTrack(Shape())
    cues = []
    for at, line in ((0, "Добрый вечер"), (9 * S, "a" * 60), (11 * S, "Потом")):
        assert track.say(line, at) is None
        assert track.newest is not None
        cues.append(track.newest)
    assert webvtt(cues, 11 * S) == (
        "WEBVTT\n\n0\n00:00:00.000 --> 00:00:02.000\nДобрый вечер\n\n"
        f"1\n00:00:09.000 --> 00:00:11.000\n{'a' * 60}\n"
    )
    assert webvtt(cues, 0) == webvtt([], 60 * S) == ""


@given(st.lists(st.text(max_size=MOST_CHARS), max_size=9), st.binary(max_size=40))
def test_lines_are_read_as_they_were_written(lines: list[str], behind: bytes) -> None:
    """Whatever was typed; what stands behind the last whole line is nothing; another process goes on with them."""
    track, again = CaptionTrack(Shape()), CaptionTrack(Shape())
    cues: list[Cue] = []
    for number, each in enumerate(lines):
        if track.say(each, number * S) is None and track.newest is not None:
            cues.append(track.newest)
    raw = [spoken.line(one) for one in cues]
    assert spoken.read([*raw, behind]) == cues
    assert all(len(one) <= spoken.MOST_LINE for one in raw)
    again.take_up([*cues, *cues])
    assert again.newest == track.newest
    assert again.say("x", len(lines) * S) is None
    assert again.newest is not None
    assert again.newest.number == len(cues)


def test_captions_follow_the_segments() -> None:
    """One file for each whole segment, waited for by segment; nothing before the first."""
    of = broadcast()
    stage = Stage(of)
    stage.begin()
    stage.part()
    assert str(ask(of, "captions/live.m3u8")) == "Wait.WAIT"
    stage.next_segment()
    stage.part()
    assert text(of, "captions/live.m3u8", msn=0, part=2).endswith("#EXTINF:1.024,\ns0.vtt\n")
    assert str(ask(of, "captions/live.m3u8", msn=1)) == "Wait.WAIT"
