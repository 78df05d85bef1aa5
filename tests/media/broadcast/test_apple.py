"""The validator itself: it finds each fault that it is there for."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.media.broadcast import apple, m3u8
from tests.media.broadcast.world import Stage, broadcast, text

GOOD = """\
#EXTM3U
#EXT-X-VERSION:9
#EXT-X-TARGETDURATION:4
#EXT-X-SERVER-CONTROL:CAN-SKIP-UNTIL=24,HOLD-BACK=12,CAN-BLOCK-RELOAD=YES,PART-HOLD-BACK=2.2
#EXT-X-PART-INF:PART-TARGET=1
#EXT-X-MEDIA-SEQUENCE:5
#EXT-X-DISCONTINUITY-SEQUENCE:1
#EXT-X-MAP:URI="i1.mp4"
#EXT-X-PROGRAM-DATE-TIME:2026-01-01T00:00:00.000Z
#EXT-X-PART:DURATION=1,URI="p0",INDEPENDENT=YES
#EXT-X-PART:DURATION=0.9,URI="p1"
#EXTINF:1.9,
s5
#EXT-X-DISCONTINUITY
#EXT-X-MAP:URI="i2.mp4"
#EXT-X-PROGRAM-DATE-TIME:2026-01-01T00:00:02.000Z
#EXT-X-PART:DURATION=1,URI="p2",INDEPENDENT=YES
#EXT-X-PRELOAD-HINT:TYPE=PART,URI="p3"
#EXT-X-RENDITION-REPORT:URI="../a",LAST-MSN=6,LAST-PART=0
"""

FAULTS = [
    ("PART-TARGET=1", "PART-TARGET=0.9"),
    ("PART-TARGET=1", "PART-TARGET=1.2"),
    ("PART-TARGET=1", "PART-TARGET=5"),
    ("PART-HOLD-BACK=2.2", "PART-HOLD-BACK=1.9"),
    ("HOLD-BACK=12", "HOLD-BACK=11"),
    ("UNTIL=24", "UNTIL=23"),
    (",CAN-BLOCK-RELOAD=YES", ""),
    ("TARGETDURATION:4", "TARGETDURATION:1"),
    ("VERSION:9", "VERSION:5"),
    ("EXTINF:1.9", "EXTINF:2"),
    ("#EXT-X-DISCONTINUITY\n", ""),
    ('#EXT-X-MAP:URI="i1.mp4"\n', ""),
    ('#EXT-X-MAP:URI="i2.mp4"\n', ""),
    ("00:00:02.000Z", "00:00:01.000Z"),
    ("00:00:02.000Z", "00:00:02.000"),
    ('URI="p3"', 'URI="p2"'),
    ('#EXT-X-PRELOAD-HINT:TYPE=PART,URI="p3"\n', ""),
    ("LAST-MSN=6,", ""),
    ('URI="p1"', 'URI="p0"'),
    ("#EXT-X-PART-INF:PART-TARGET=1\n", ""),
    ("#EXT-X-DISCONTINUITY-SEQUENCE:1\n", ""),
    ("DURATION=0.9", "DURATION=0"),
]

UNREADABLE = [
    ("#EXTM3U\n", ""),
    ("#EXTINF:1.9,\n", ""),
    ("#EXTINF:1.9,", "#EXTINF:1.9"),
    ("#EXTINF:1.9,", "#EXTINF:-1,"),
    ("#EXT-X-VERSION:9\n", ""),
    ("#EXT-X-VERSION:9\n", "#EXT-X-VERSION:9\n#EXT-X-VERSION:9\n"),
    ("s5\n", "s5\n\n"),
    ("s5\n", "s5\r\n"),
    ("s5\n", "s5\n#EXT-X-VERSION:9\n"),
    ("s5\n", "s5\n#EXT-X-ENDLIST\n"),
    ("INDEPENDENT=YES", "INDEPENDENT=NO"),
    ('URI="p1"', "URI=p 1"),
    ('URI="p1"', 'URI="p1",URI="p1"'),
    ("#EXT-X-PRELOAD-HINT", "#EXT-X-PRELOAD"),
]


def test_the_good_one_is_praised() -> None:
    """It keeps every rule."""
    assert apple.problems(m3u8.read(GOOD)) == []


@pytest.mark.parametrize(("right", "wrong"), FAULTS)
def test_a_fault_is_found(right: str, wrong: str) -> None:
    """One change, at least one complaint."""
    assert right in GOOD
    assert apple.problems(m3u8.read(GOOD.replace(right, wrong, 1))) != []


@pytest.mark.parametrize(("right", "wrong"), UNREADABLE)
def test_what_cannot_be_read(right: str, wrong: str) -> None:
    """Form is judged before sense."""
    assert right in GOOD
    with pytest.raises(m3u8.BadPlaylist):
        m3u8.read(GOOD.replace(right, wrong, 1))


UPDATES = [
    ("TARGETDURATION:4", "TARGETDURATION:5"),
    ("MEDIA-SEQUENCE:5", "MEDIA-SEQUENCE:4"),
    ("MEDIA-SEQUENCE:5", "MEDIA-SEQUENCE:6"),
    ("DISCONTINUITY-SEQUENCE:1", "DISCONTINUITY-SEQUENCE:2"),
    ("s5\n", "s55\n"),
    ("i2.mp4", "i3.mp4"),
    ('URI="p2"', 'URI="p22"'),
    ("DURATION=1,", "DURATION=0.95,"),
]


@pytest.mark.parametrize(("right", "wrong"), UPDATES)
def test_what_may_not_change_between_two_fetches(right: str, wrong: str) -> None:
    """The same playlist again is fine; with this change it is not."""
    older = m3u8.read(GOOD)
    assert apple.update_problems(older, m3u8.read(GOOD)) == []
    assert apple.update_problems(older, m3u8.read(GOOD.replace(right, wrong, 1))) != []


def test_a_broken_hint_is_found() -> None:
    """Another part came than the one that was announced."""
    later = GOOD.replace(
        '#EXT-X-PRELOAD-HINT:TYPE=PART,URI="p3"',
        '#EXT-X-PART:DURATION=1,URI="p4"\n#EXT-X-PRELOAD-HINT:TYPE=PART,URI="p5"',
    )
    assert apple.update_problems(m3u8.read(GOOD), m3u8.read(later)) != []
    kept = later.replace('"p4"', '"p3"').replace('"p5"', '"p4"')
    assert apple.update_problems(m3u8.read(GOOD), m3u8.read(kept)) == []


def test_a_greedy_delta_update_is_found() -> None:
    """It leaves out less than six target durations before the end."""
    of = broadcast()
    stage = Stage(of)
    stage.begin()
    stage.segments(12)
    delta = text(of, "v720/rewind.m3u8", skip="YES")
    assert apple.problems(m3u8.read(delta)) == []
    greedy = delta.replace("#EXTINF:4.096,\ns5.m4s\n", "").replace("SEGMENTS=3", "SEGMENTS=4")
    assert greedy.count("EXTINF") == delta.count("EXTINF") - 1
    assert apple.problems(m3u8.read(greedy)) != []


def test_faults_of_all_qualities_are_found() -> None:
    """Streams without addresses, groups or sizes."""
    good = '#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=5,CODECS="avc1.42e01f",RESOLUTION=64x64\na\n'
    assert list(apple.multivariant_problems(good)) == []
    for right, wrong in (
        ("a\n", ""),
        (",RESOLUTION=64x64", ""),
        ("BANDWIDTH=5", "BANDWIDTH=5,AVERAGE-BANDWIDTH=6"),
        ("RESOLUTION", 'SUBTITLES="x",RESOLUTION'),
        ("#EXTM3U", "#EXT"),
        ("a\n", "a\nb\n"),
    ):
        assert list(apple.multivariant_problems(good.replace(right, wrong, 1))) != []


@given(st.text(alphabet='#EXTINF-PARMUSQ:=,."019s\n', max_size=200))
def test_the_reader_survives_anything(rest: str) -> None:
    """It reads, or says that it cannot."""
    try:
        found = m3u8.read(GOOD[:60] + rest)
    except (m3u8.BadPlaylist, KeyError, ValueError):
        return
    assert found.sequence >= 0
