"""What is true of every broadcast, whatever happened on its stage."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby, pairwise

from media.broadcast.cmaf.clocks import RATE
from media.broadcast.cmaf.cutter import LONGEST_STEP
from media.broadcast.cmaf.init import PICTURE_TRACK, SOUND_TRACK
from media.broadcast.cmaf.parts import Further, Init, Output, Part, Rendition
from media.broadcast.cmaf.rhythm import Rhythm
from media.broadcast.cmaf.sound import FRAME
from tests.media.broadcast.cmaf.reading import Sample, parts_of, samples


def judge(
    out: Sequence[Output], rhythm: Rhythm, *, ended: bool = True, coded: bool = False
) -> None:
    """Raises AssertionError where a player would have reason to complain.

    Args:
        coded: pictures are real ones, not those of `stage` that name what they build on.
    """
    parts = parts_of(out, Rendition.PICTURES)
    _same_parts(parts, parts_of(out, Rendition.SOUND))
    _initialised(out)
    _numbered(parts)
    _lengths(parts, rhythm, ended=ended)
    for part in parts:
        _sounds(part)
    _pictures(parts, rhythm, coded=coded)


def _same_parts(pictures: Sequence[Part], sounds: Sequence[Part]) -> None:
    def shape(part: Part) -> tuple[int, ...]:
        return part.discontinuity, part.segment, part.part, part.begins, part.ticks

    assert list(map(shape, pictures)) == list(map(shape, sounds))
    assert all(part.independent for part in sounds)
    assert all(each.track == SOUND_TRACK for part in sounds for each in samples(part.data))


def _initialised(out: Sequence[Output]) -> None:
    """Each discontinuity has its init segments, and they come before its parts."""
    known: set[tuple[Rendition | Further, int]] = set()
    for each in out:
        if isinstance(each, Init):
            assert (each.rendition, each.discontinuity) not in known
            known.add((each.rendition, each.discontinuity))
        elif isinstance(each, Part):
            assert (each.rendition, each.discontinuity) in known


def _numbered(parts: Sequence[Part]) -> None:
    if parts:
        first = parts[0]
        assert (first.discontinuity, first.segment, first.part) == (0, 0, 0)
    for before, after in pairwise(parts):
        if after.segment == before.segment:
            assert after.part == before.part + 1
            assert after.discontinuity == before.discontinuity
        else:
            assert (after.segment, after.part) == (before.segment + 1, 0)
            assert after.discontinuity - before.discontinuity in {0, 1}
        assert before.begins + before.ticks == after.begins or _skips(before, after)


def _skips(before: Part, after: Part) -> bool:
    """Whether the clock went on after the process had stood still: then everything begins anew."""
    forth = after.begins - before.begins - before.ticks
    return after.discontinuity == before.discontinuity + 1 and forth > LONGEST_STEP - 2 * RATE


def _lengths(parts: Sequence[Part], rhythm: Rhythm, *, ended: bool) -> None:
    segments = [list(group) for _, group in groupby(parts, key=lambda part: part.segment)]
    for segment in segments:
        assert sum(part.ticks for part in segment) <= rhythm.longest
        assert all(part.ticks == rhythm.part_ticks for part in segment[:-1])
        assert 0 < segment[-1].ticks <= rhythm.part_ticks
        assert segment[-1].ticks % FRAME == 0
    if not ended and segments:
        assert segments[-1][-1].ticks <= rhythm.part_ticks


def _sounds(part: Part) -> None:
    heard = [each for each in samples(part.data) if each.track == SOUND_TRACK]
    assert [each.ticks for each in heard] == list(
        range(part.begins, part.begins + part.ticks, FRAME)
    )


def _pictures(parts: Sequence[Part], rhythm: Rhythm, *, coded: bool) -> None:
    shown: list[tuple[Part, Sample]] = []
    for part in parts:
        seen = [each for each in samples(part.data) if each.track == PICTURE_TRACK]
        assert part.independent == bool(seen and seen[0].key)
        shown += ((part, each) for each in seen)
        assert all(part.begins <= each.ticks for each in seen)
        # Of pictures in the last AAC frame before a key frame some may be past the part's end.
        assert all(each.ticks < part.begins + part.ticks + FRAME for each in seen)
        if part.part == 0:
            _beginning(part, seen, parts, rhythm)
    jumps = {after.begins for before, after in pairwise(parts) if _skips(before, after)}
    for (_, before), (part, after) in pairwise(shown):
        assert before.ticks < after.ticks
        lasts = before.ticks + before.duration + FRAME
        assert lasts > after.ticks or part.begins in jumps, "a hole between pictures"
        if not after.key:
            assert after.ticks - before.ticks <= 2 * before.duration
        if not coded:
            _builds(part, before.data, after)
    if shown:
        assert shown[0][1].key


def _beginning(part: Part, seen: Sequence[Sample], parts: Sequence[Part], rhythm: Rhythm) -> None:
    """A segment begins with a key frame at once, or because the one before could not be longer."""
    if seen and seen[0].key and seen[0].ticks - part.begins < FRAME:
        return
    before = sum(each.ticks for each in parts if each.segment == part.segment - 1)
    assert before + part.ticks > rhythm.longest


def _builds(part: Part, before: bytes, after: Sample) -> None:
    """`after` needs nothing, or what is before it; another encoder's pictures begin a segment."""
    encoder, number, _ = after.data.split()
    last_encoder, last_number, _ = before.split()
    if not after.key:
        assert (last_encoder, int(last_number)) == (encoder, int(number) - 1)
    if encoder != last_encoder:
        assert part.part == 0
