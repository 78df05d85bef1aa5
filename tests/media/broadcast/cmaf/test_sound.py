"""Sound: silence that decoders take, a line without gaps, Opus that becomes AAC at its time."""

from __future__ import annotations

from itertools import pairwise

import av
import pytest
from av.audio.frame import AudioFrame
from hypothesis import given
from hypothesis import strategies as st

from media.broadcast.cmaf.sound import FRAME, MOST_AHEAD, SILENCE, Sound, SoundLine, audio_config
from media.broadcast.cmaf.transcoder import LARGEST_PACKET, OpusToAac
from tests.media.broadcast.cmaf.camera import tone


def _decode(frames: list[bytes], channels: int) -> list[AudioFrame]:
    decoder = av.CodecContext.create("aac", "r")
    decoder.extradata = audio_config(channels)
    return [frame for each in frames for frame in decoder.decode(av.Packet(each))]


@pytest.mark.parametrize("channels", [1, 2])
def test_silence_is_silent(channels: int) -> None:
    """Our frames of silence are 1,024 samples of nothing, with as many channels as they say."""
    frames = _decode([SILENCE[channels]] * 4, channels)
    assert [each.samples for each in frames] == [FRAME] * 4
    assert {each.layout.nb_channels for each in frames} == {channels}
    assert not any(any(bytes(plane)) for each in frames for plane in each.planes)


def test_impossible_frames() -> None:
    """An empty AAC frame, or one that is larger than AAC allows, is refused."""
    for data in (b"", bytes(1_537)):
        with pytest.raises(ValueError, match="1 to 1,536 bytes"):
            Sound(0, data)


def test_gaps_and_late_frames() -> None:
    """A gap is filled with whole frames of silence, jitter is not a gap, and what is late is left out."""
    line = SoundLine(1, 0)
    for ticks in (0, FRAME + 500, 2 * FRAME - 900, 5 * FRAME, 3 * FRAME, 6 * FRAME):
        line.take(Sound(ticks, b"%d" % (ticks // FRAME)))
    quiet = SILENCE[1]
    assert line.cut(7) == (b"0", b"1", b"1", quiet, quiet, b"5", b"6")
    assert (line.late, line.silent, line.begins) == (1, 2, 7 * FRAME)


@given(
    st.lists(
        st.one_of(
            st.integers(-20_000, 2 * MOST_AHEAD).map(lambda each: ("take", each)),
            st.integers(0, 10**9).map(lambda each: ("fill", each)),
            st.integers(0, 60).map(lambda each: ("cut", each)),
        ),
        max_size=40,
    )
)
def test_the_line_has_no_gap(steps: list[tuple[str, int]]) -> None:
    """Whatever comes when, `filled` is never less than it was, and memory is bounded."""
    line = SoundLine(2, 0)
    for what, number in steps:
        before = line.filled
        match what:
            case "take":
                line.take(Sound(line.begins + number, b"x"))
            case "fill":
                line.fill(number)
            case _:
                line.cut(number)
        assert line.filled >= before
        assert line.filled - line.begins <= MOST_AHEAD + 2 * FRAME


@pytest.mark.parametrize("channels", [1, 2])
def test_opus_keeps_its_time(channels: int) -> None:
    """A tone that begins after 0.4 s begins there in AAC, to a few milliseconds; frames follow each other."""
    coder = OpusToAac(channels, 64_000)
    got = [
        each
        for number, packet in enumerate(tone(60, silent=20, channels=channels))
        for each in coder.take(packet, 7_000 + 960 * number)
    ]
    got += coder.end()
    assert [each.ticks for each in got] == [7_000 + FRAME * n for n in range(len(got))]
    assert len(got) == -(-60 * 960 // FRAME)
    frames = _decode([each.data for each in got], channels)
    loud = next(
        number * FRAME + place
        for number, frame in enumerate(frames)
        for place, sample in enumerate(memoryview(bytes(frame.planes[0])).cast("f"))
        if abs(sample) > 0.1
    )
    assert abs(loud - (20 * 960 + 312)) < 300  # libopus looks 312 samples ahead
    assert (coder.broken, coder.late) == (0, 0)


def test_holes_and_pauses_of_opus() -> None:
    """A lost packet is silence of its length; after a pause sound has its time again; a late packet is left out."""
    coder = OpusToAac(1, 48_000)
    packets = tone(60, channels=1)
    got = []
    for number, packet in enumerate(packets[:20]):
        if number != 10:
            got += coder.take(packet, 960 * number)
    assert coder.take(packets[5], 960 * 5) == []
    for number, packet in enumerate(packets[20:40]):
        got += coder.take(packet, 480_000 + 960 * number)
    got += coder.end()
    before = [each.ticks for each in got if each.ticks < 240_000]
    after = [each.ticks for each in got if each.ticks >= 240_000]
    assert before == [FRAME * n for n in range(19)]
    assert after == [480_000 + FRAME * n for n in range(19)]
    assert coder.late == 1


def test_broken_opus() -> None:
    """Packets that are empty, too long or no Opus are counted, and the next one is heard."""
    coder = OpusToAac(2, 64_000)
    for bad in (b"", bytes(LARGEST_PACKET + 1), b"\xff\xff\xff"):
        coder.take(bad, 0)
    assert coder.broken == 3
    for number, packet in enumerate(tone(10)):
        coder.take(packet, 960 * number)
    assert len(coder.end()) > 0


@given(st.lists(st.tuples(st.binary(max_size=40), st.integers(-3_000, 20_000)), max_size=12))
def test_any_opus(packets: list[tuple[bytes, int]]) -> None:
    """Whatever the packets hold, frames come out one after the other, each possible."""
    coder = OpusToAac(2, 64_000)
    ticks, got = 10_000, []
    for data, later in packets:
        ticks += later
        got += coder.take(data, ticks)
    got += coder.end()
    times = [each.ticks for each in got]
    assert all(after - before >= FRAME for before, after in pairwise(times))


def test_settings_have_bounds() -> None:
    """Five channels or a rate that AAC cannot do are refused."""
    for channels, rate in ((5, 64_000), (2, 1_000)):
        with pytest.raises(ValueError, match="one channel or two"):
            OpusToAac(channels, rate)
