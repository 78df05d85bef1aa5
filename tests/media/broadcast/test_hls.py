"""Playlists word for word, and what each kind of request is answered."""

from __future__ import annotations

import pytest

from media.broadcast.hls.answers import MEDIA, PLAIN, WAITED, Media, No, Refused, Text, Wait
from media.broadcast.hls.broadcast import Broadcast
from media.broadcast.hls.multivariant import Captions, Picture, Variant
from media.broadcast.hls.timeline import First, Unfit
from media.broadcast.hls.values import HZ, PART, Part, Shape, date, fits_target, seconds
from tests.media.broadcast import apple, m3u8
from tests.media.broadcast.world import HIGH, NOW_MS, SOUND, Player, Stage, ask, broadcast, text


def _begun(segments: int = 0, shape: Shape | None = None) -> tuple[Broadcast, Stage]:
    of = broadcast(shape)
    stage = Stage(of)
    assert stage.begin() is None
    stage.segments(segments)
    return of, stage


LIVE = """\
#EXTM3U
#EXT-X-VERSION:9
#EXT-X-TARGETDURATION:5
#EXT-X-SERVER-CONTROL:CAN-SKIP-UNTIL=30,HOLD-BACK=15,CAN-BLOCK-RELOAD=YES,PART-HOLD-BACK=2.252813
#EXT-X-PART-INF:PART-TARGET=1.024
#EXT-X-MEDIA-SEQUENCE:0
#EXT-X-DISCONTINUITY-SEQUENCE:0
#EXT-X-MAP:URI="i0.mp4"
#EXT-X-PROGRAM-DATE-TIME:2026-12-25T10:00:00.000Z
#EXT-X-PART:DURATION=1.024,URI="p0.m4s",INDEPENDENT=YES
#EXT-X-PART:DURATION=1,URI="p1.m4s"
#EXTINF:2.024,
s0.m4s
#EXT-X-DISCONTINUITY
#EXT-X-MAP:URI="i1.mp4"
#EXT-X-PROGRAM-DATE-TIME:2026-12-25T10:00:09.000Z
#EXT-X-PART:DURATION=1.024,URI="p2.m4s",INDEPENDENT=YES
#EXT-X-PRELOAD-HINT:TYPE=PART,URI="p3.m4s"
#EXT-X-RENDITION-REPORT:URI="../v360/live.m3u8",LAST-MSN=1,LAST-PART=0
#EXT-X-RENDITION-REPORT:URI="../sound/live.m3u8",LAST-MSN=1,LAST-PART=0
"""

MAIN = """\
#EXTM3U
#EXT-X-VERSION:9
#EXT-X-MEDIA:TYPE=SUBTITLES,GROUP-ID="captions",NAME="Субтитры",LANGUAGE="ru",AUTOSELECT=YES,DEFAULT=NO,FORCED=NO,\
URI="captions/live.m3u8"
#EXT-X-STREAM-INF:BANDWIDTH=2000000,AVERAGE-BANDWIDTH=1500000,CODECS="avc1.42e01f,mp4a.40.2",RESOLUTION=1280x720,\
FRAME-RATE=25.000,SUBTITLES="captions"
v720/live.m3u8
#EXT-X-STREAM-INF:BANDWIDTH=400000,CODECS="avc1.42e01e,mp4a.40.2",RESOLUTION=640x360,SUBTITLES="captions"
v360/live.m3u8
#EXT-X-STREAM-INF:BANDWIDTH=64000,CODECS="mp4a.40.2",SUBTITLES="captions"
sound/live.m3u8
"""


def test_a_live_playlist_word_for_word() -> None:
    """Parts of two segments, another picture size between them, the hint, and where the others are."""
    of, stage = _begun()
    stage.part()
    stage.part(HZ, independent=False)
    stage.next_segment(breaks=True)
    stage.begin(NOW_MS + 9_000)
    stage.part()
    assert text(of, "v720/live.m3u8") == LIVE
    assert apple.problems(m3u8.read(LIVE)) == []


def test_all_qualities_word_for_word() -> None:
    """Best picture first, sound alone last; another address has the sound alone."""
    of, stage = _begun()
    assert ask(of, "main.m3u8") is Wait.WAIT
    stage.part()
    assert text(of, "main.m3u8") == MAIN
    assert list(apple.multivariant_problems(MAIN)) == []
    sound = text(of, "sound.m3u8")
    assert list(apple.multivariant_problems(sound)) == []
    assert "avc1" not in sound


BACK = """\
#EXTM3U
#EXT-X-VERSION:9
#EXT-X-START:TIME-OFFSET=-30
#EXT-X-MEDIA:TYPE=SUBTITLES,GROUP-ID="captions",NAME="Субтитры",LANGUAGE="ru",AUTOSELECT=YES,DEFAULT=NO,FORCED=NO,\
URI="captions/rewind.m3u8"
#EXT-X-STREAM-INF:BANDWIDTH=2000000,AVERAGE-BANDWIDTH=1500000,CODECS="avc1.42e01f,mp4a.40.2",RESOLUTION=1280x720,\
FRAME-RATE=25.000,SUBTITLES="captions"
v720/rewind.m3u8
#EXT-X-STREAM-INF:BANDWIDTH=400000,CODECS="avc1.42e01e,mp4a.40.2",RESOLUTION=640x360,SUBTITLES="captions"
v360/rewind.m3u8
#EXT-X-STREAM-INF:BANDWIDTH=64000,CODECS="mp4a.40.2",SUBTITLES="captions"
sound/rewind.m3u8
"""


def test_all_qualities_to_go_back_in_word_for_word() -> None:
    """The rewind playlists, half a minute before their end; waited for until a segment is whole."""
    of, stage = _begun()
    stage.part()
    assert ask(of, "rewind.m3u8") is Wait.WAIT
    stage.next_segment()
    stage.part()
    assert text(of, "rewind.m3u8") == BACK
    assert list(apple.multivariant_problems(BACK)) == []
    sound = text(of, "soundrewind.m3u8")
    assert sound.endswith("sound/rewind.m3u8\n")
    assert "avc1" not in sound
    for closed in (_begun(3, Shape(dvr_s=0))[0], _begun()[0]):
        closed.end()
        assert ask(closed, "rewind.m3u8") == Refused(No.NOT_THERE)


def test_captions_may_begin_while_it_runs() -> None:
    """The list of qualities is another one then, with another ETag; until then there is no such playlist."""
    of, stage = _begun(2)
    stage.part()
    of.captions = None
    before = ask(of, "main.m3u8")
    assert ask(of, "captions/live.m3u8") == Refused(No.NO_SUCH_FILE)
    of.captions = Captions()
    after = ask(of, "main.m3u8")
    assert isinstance(before, Text)
    assert isinstance(after, Text)
    assert before.etag != after.etag
    assert ("SUBTITLES" in before.text, "SUBTITLES" in after.text) == (False, True)
    assert isinstance(ask(of, "captions/live.m3u8"), Text)


def test_rewind_has_everything_and_only_grows() -> None:
    """After ten minutes the live playlist shows half a minute, rewind all of it, in plain segments."""
    of, stage = _begun(150)
    stage.part()
    live, rewind = (m3u8.read(text(of, f"v720/{one}.m3u8")) for one in ("live", "rewind"))
    assert (live.sequence, len(live.segments)) == (142, 8)
    assert (rewind.sequence, len(rewind.segments), rewind.headers["EXT-X-PLAYLIST-TYPE"]) == (
        0,
        150,
        "EVENT",
    )
    assert apple.problems(rewind) == []
    delta = m3u8.read(text(of, "v720/rewind.m3u8", skip="YES"))
    assert (delta.skipped, len(delta.segments)) == (142, 8)
    assert isinstance(ask(of, "v720/s0.m4s"), Media)


def test_rewind_closes_when_it_is_full() -> None:
    """A broadcast that nobody ends does not fill the memory: rewind ends, live goes on."""
    of, stage = _begun(30, Shape(dvr_s=60))
    stage.part()
    rewind = m3u8.read(text(of, "v720/rewind.m3u8"))
    assert (rewind.ended, len(rewind.segments)) == (True, 14)
    assert not m3u8.read(text(of, "v720/live.m3u8")).ended
    none, stage = _begun(3, Shape(dvr_s=0))
    assert ask(none, "v720/rewind.m3u8") == Refused(No.NOT_THERE)


def test_the_end() -> None:
    """Everybody who waits is answered: the playlist ends, and what was hinted never comes."""
    of, stage = _begun(2)
    stage.part()
    assert ask(of, "v720/live.m3u8", msn=3) is Wait.WAIT
    assert ask(of, "v720/p9.m4s") is Wait.WAIT
    of.end()
    assert m3u8.read(text(of, "v720/live.m3u8", msn=3)).ended
    assert m3u8.read(text(of, "captions/live.m3u8")).ended
    assert ask(of, "v720/p9.m4s") == Refused(No.NOT_THERE)
    assert stage.part() == [Unfit.ENDED] * 3
    assert stage.begin() is Unfit.ENDED
    assert Player(of).look() == []


WAITS = [
    # two whole segments (0, 1) of four parts, and two parts of segment 2
    ({}, 200),
    ({"msn": 0}, 200),
    ({"msn": 1, "part": 3}, 200),
    ({"msn": 1, "part": 9}, 200),  # behind the end of its segment: the first of the next
    ({"msn": 2, "part": 1}, 200),
    ({"msn": 2, "part": 2}, 0),
    ({"msn": 2, "part": 4}, 0),
    ({"msn": 2, "part": 5}, 400),
    ({"msn": 2}, 0),
    ({"msn": 3}, 0),
    ({"msn": 3, "part": 0}, 0),
    ({"msn": 3, "part": 3}, 400),
    ({"msn": 4}, 400),
    ({"part": 0}, 400),
    ({"msn": "x"}, 400),
    ({"msn": "01"}, 400),
    ({"msn": "-1"}, 400),
    ({"skip": "NO"}, 400),
    ({"skip": "v2"}, 200),
]


@pytest.mark.parametrize(("directives", "status"), WAITS)
def test_blocking(directives: dict[str, int | str], status: int) -> None:
    """RFC 8216bis 6.2.5.2, row by row; 0: it waits."""
    of, stage = _begun(2)
    stage.part()
    stage.part()
    answer = ask(of, "v720/live.m3u8", **directives)
    if status == 0:
        assert answer is Wait.WAIT
    elif status == 200:
        assert isinstance(answer, Text)
        assert answer.cache_control == (WAITED if "msn" in directives else PLAIN)
    else:
        assert isinstance(answer, Refused)
        assert (answer.status, answer.cache_control) == (status, PLAIN)


def test_a_closed_segment_has_no_more_parts() -> None:
    """Where the end of a segment is known before the next begins, its fifth part is the first of that one."""
    of, stage = _begun(1)
    of.close()
    assert ask(of, "v720/live.m3u8", msn=0, part=3) != Wait.WAIT
    assert ask(of, "v720/live.m3u8", msn=0, part=4) is Wait.WAIT
    stage.part()
    assert isinstance(ask(of, "v720/live.m3u8", msn=0, part=4), Text)


FILES = [
    ("v720/p0.m4s", 200),
    ("v720/p9.m4s", 0),
    ("v720/p10.m4s", 404),
    ("v720/s1.m4s", 200),
    ("v720/s2.m4s", 404),
    ("v720/i0.mp4", 200),
    ("v720/i1.mp4", 404),
    ("captions/s1.vtt", 200),
    ("captions/s2.vtt", 404),
    ("captions/p0.m4s", 404),
    ("v720/s1.vtt", 404),
    ("v1080/p0.m4s", 404),
    ("v1080/live.m3u8", 404),
    ("v720/p00.m4s", 404),
    ("../main.m3u8", 404),
    ("v720/" + "p" * 99, 404),
    ("", 404),
]


@pytest.mark.parametrize(("path", "status"), FILES)
def test_files(path: str, status: int) -> None:
    """Parts, segments and init segments that are there, the next part, and what is not; 0: it waits."""
    of, stage = _begun(2)
    stage.part()
    answer = ask(of, path)
    if status == 0:
        assert answer is Wait.WAIT
    elif status == 200:
        assert isinstance(answer, Media | Text)
        assert answer.cache_control == MEDIA
    else:
        assert isinstance(answer, Refused)
        assert answer.status == 404


def test_which_bytes_are_meant() -> None:
    """A part's file counts over all segments, and is found by segment and number where bytes are kept."""
    of, stage = _begun(2)
    stage.part()
    assert ask(of, "v720/p5.m4s") == Media("v720", "video/mp4", segment=1, part=1)
    assert ask(of, "sound/p8.m4s") == Media("sound", "audio/mp4", segment=2, part=0)
    assert ask(of, "sound/s1.m4s") == Media("sound", "audio/mp4", segment=1)
    assert ask(of, "sound/i0.mp4") == Media("sound", "audio/mp4", init=0)


def test_the_hint_is_right_where_a_segment_ends() -> None:
    """What was hinted before the next key frame came is the first part of its segment, new picture size or not."""
    for breaks in (False, True):
        of, stage = _begun(1)
        hint = m3u8.read(text(of, "v720/live.m3u8")).hints[0]["URI"]
        if breaks:
            stage.discontinuity += 1
            stage.begin()
        stage.part()
        assert m3u8.read(text(of, "v720/live.m3u8")).everything[-1].parts[0].uri == hint


def test_parts_that_players_would_stop_at_are_not_taken() -> None:
    """Each with its reason, and nothing changes."""
    of = broadcast(Shape(part_ticks=PART, target_s=3))
    stage = Stage(of)
    part = Part("sound", 0, 0, 0, PART)
    assert of.add(part) is Unfit.NOT_BEGUN
    assert of.begin(1, NOW_MS) is Unfit.OUT_OF_ORDER
    stage.begin()
    assert stage.begin() is None  # nothing has come yet: it may begin once more
    stage.part(PART - 1000)
    before = text(of, "sound/live.m3u8")
    for odd, why in (
        (Part("sound", 0, 0, 1, PART + 1), Unfit.TOO_LONG),
        (Part("sound", 0, 0, 2, PART), Unfit.OUT_OF_ORDER),
        (Part("sound", 0, 2, 0, PART), Unfit.OUT_OF_ORDER),
        (Part("sound", 0, 1, 1, PART), Unfit.OUT_OF_ORDER),
        (Part("sound", 1, 1, 0, PART), Unfit.NOT_BEGUN),
        (Part("v1080", 0, 0, 1, PART), Unfit.OUT_OF_ORDER),
    ):
        assert of.add(odd) is why
    assert text(of, "sound/live.m3u8") == before
    stage.part(PART // 2, independent=False)
    assert stage.part() == [Unfit.AFTER_SHORT] * 3
    stage.next_segment()
    for _ in range(3):
        stage.part()
    assert stage.part() == [Unfit.SEGMENT_TOO_LONG] * 3
    stage.next_segment()
    stage.discontinuity += 1
    assert stage.begin() is None
    assert of.add(Part("sound", 0, 2, 0, PART)) is Unfit.OUT_OF_ORDER
    assert stage.part() == [None] * 3
    assert stage.begin() is Unfit.OUT_OF_ORDER


def test_an_origin_that_starts_again_goes_on_counting() -> None:
    """Numbers of segments, files and discontinuities lie above those that players already have."""
    of = broadcast(first=First(segment=40, discontinuity=3, serial=1000))
    stage = Stage(of, 3, 40)
    assert of.begin(0, NOW_MS) is Unfit.OUT_OF_ORDER
    stage.begin()
    stage.segments(2)
    stage.part()
    now = m3u8.read(text(of, "v720/live.m3u8"))
    assert (now.sequence, now.gone, now.uris[0], now.segments[0].map) == (
        40,
        3,
        "p1000.m4s",
        "i3.mp4",
    )
    assert apple.problems(now) == []
    assert ask(of, "v720/s39.m4s") == Refused(No.NOT_THERE)


def test_a_clock_that_is_set_back_is_not_followed() -> None:
    """Dates of the next discontinuity go on from the last one's end."""
    of, stage = _begun(1)
    stage.discontinuity += 1
    stage.begin(NOW_MS - 3_600_000)
    stage.part()
    now = m3u8.read(text(of, "v720/live.m3u8"))
    assert apple.problems(now) == []
    assert now.growing is not None
    assert now.growing.date is not None
    assert now.growing.date.isoformat() == "2026-12-25T10:00:04.096000+00:00"


def test_answers_have_a_tag_that_changes_with_them() -> None:
    """Before and after a part, with and without a delta update, before and after a restart."""
    of, stage = _begun(1)
    first = ask(of, "v720/live.m3u8")
    again = ask(of, "v720/live.m3u8")
    assert first == again
    stage.part()
    other = Broadcast("u", Shape(), (SOUND, HIGH))
    Stage(other).begin()
    other.add(Part("v720", 0, 0, 0, PART))
    answers = [
        first,
        ask(of, "v720/live.m3u8"),
        ask(of, "v720/live.m3u8", skip="YES"),
        ask(of, "v720/rewind.m3u8"),
        ask(other, "v720/live.m3u8"),
    ]
    rewind = ask(of, "v720/rewind.m3u8")
    stage.part()
    assert ask(of, "v720/rewind.m3u8") == rewind  # no segment more
    tags = {answer.etag for answer in answers if isinstance(answer, Text)}
    assert len(tags) == len(answers)


def test_constants_that_no_player_would_take() -> None:
    """Windows below three targets, parts above a segment, names that are no folders: refused when they are set."""
    picture = Picture(codec="avc1.42e01f", width=1280, height=720)
    for make in (
        lambda: Shape(window_s=14),
        lambda: Shape(part_ticks=2 * HZ, target_s=1, window_s=3),
        lambda: Shape(hold_back_percent=199),
        lambda: Part("V", 0, 0, 0, 1),
        lambda: Part("v", 0, 0, 0, 0),
        lambda: Picture(codec="vp8", width=64, height=64),
        lambda: Variant(rendition="captions", bandwidth_bps=1),
        lambda: Variant(rendition="a", bandwidth_bps=1, average_bps=2),
        lambda: Captions("Russian"),
        lambda: Captions("ru", 'a"b'),
        lambda: Broadcast("t", Shape(), (HIGH,)),
        lambda: Broadcast("t", Shape(), (SOUND, SOUND)),
        lambda: Broadcast("t", Shape(), (Variant(rendition="s", bandwidth_bps=1), SOUND, HIGH)),
    ):
        with pytest.raises(ValueError, match=r"."):
            make()
    assert picture.frames_per_s == 0


def test_numbers_as_text() -> None:
    """Seconds without superfluous noughts, dates in UTC even where a clock is absurd, and when half a second counts."""
    assert [seconds(ticks) for ticks in (0, 1, HZ, PART, 1024)] == [
        "0",
        "0.000021",
        "1",
        "1.024",
        "0.021333",
    ]
    assert date(0) == "1970-01-01T00:00:00.000Z"
    assert date(10**18)[:2] == "99"
    assert fits_target(5 * HZ + HZ // 2 - 1, Shape())
    assert not fits_target(5 * HZ + HZ // 2, Shape())
