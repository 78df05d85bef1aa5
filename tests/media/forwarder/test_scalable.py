"""Streams with layers inside: what their descriptors say, and which frames a subscriber gets."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from media.forwarder.api import Layer, Want
from media.forwarder.plain.dependency import Frame, Structure, Template, parse_frame
from media.forwarder.plain.rtp import Malformed
from media.forwarder.plain.scalable import Selection, Verdict
from tests.media.forwarder.descriptors import L1T3, L2T1, L3T1_KEY, write_frame

LOW, MEDIUM, HIGH = Layer
#: A frame that refers to more than a decoder keeps.
NINE = Template(0, 0, (2, 2, 2), (1,) * 9, (0,))


@st.composite
def structures(draw: st.DrawFn) -> Structure:
    """Any that can be written."""
    targets = draw(st.integers(1, 32))
    chains = draw(st.integers(0, min(targets, 5)))
    layers = [(0, 0)]
    for step in draw(st.lists(st.integers(0, 2), max_size=20)):
        spatial, temporal = layers[-1]
        then = (spatial, temporal + 1) if step == 1 else (spatial + 1, 0) if step == 2 else None
        layers.append(then if then and then[0] < 4 and then[1] < 8 else (spatial, temporal))
    templates = tuple(
        Template(
            spatial,
            temporal,
            tuple(draw(st.lists(st.integers(0, 3), min_size=targets, max_size=targets))),
            tuple(draw(st.lists(st.integers(1, 16), max_size=8))),
            tuple(draw(st.lists(st.integers(0, 15), min_size=chains, max_size=chains))),
        )
        for spatial, temporal in layers
    )
    present = [
        [each for each in templates if each.dtis[target]] or [templates[0]]
        for target in range(targets)
    ]
    sizes = st.tuples(st.integers(1, 65536), st.integers(1, 65536))
    count = layers[-1][0] + 1
    return Structure(
        draw(st.integers(0, 63)),
        templates,
        tuple((max(t.spatial for t in p), max(t.temporal for t in p)) for p in present),
        tuple(draw(st.integers(0, chains - 1)) for _ in range(targets)) if chains else (),
        tuple(draw(st.lists(sizes, min_size=count, max_size=count))) if draw(st.booleans()) else (),
    )


@given(structure=structures(), number=st.integers(0, 65535), data=st.data())
def test_descriptors_come_back(structure: Structure, number: int, data: st.DataObject) -> None:
    """Structure, active targets, and what a frame says itself are read as they were written."""
    at = data.draw(st.integers(0, len(structure.templates) - 1))
    usual = structure.templates[at]
    mask = data.draw(st.none() | st.integers(0, (1 << len(structure.targets)) - 1))
    written = write_frame(number, at, structure, key=True, active=mask)
    frame = parse_frame(written, None)
    assert (frame.number, frame.structure, frame.kind) == (number, structure, usual)
    assert frame.active == ((1 << len(structure.targets)) - 1 if mask is None else mask)
    own = Template(
        usual.spatial,
        usual.temporal,
        tuple(3 - dti for dti in usual.dtis),
        tuple(data.draw(st.lists(st.integers(1, 4096), max_size=8))),
        tuple(255 - diff for diff in usual.chain_diffs),
    )
    frame = parse_frame(write_frame(number, at, structure, end=False, own=own), structure)
    assert (frame.start, frame.end, frame.kind, frame.structure) == (True, False, own, None)


@given(data=st.binary(max_size=80), known=st.none() | st.sampled_from([L1T3, L3T1_KEY]))
def test_fuzz_descriptors(data: bytes, known: Structure | None) -> None:
    """Any bytes are read or refused by name, and what is read is bounded."""
    try:
        frame = parse_frame(data, known)
    except Malformed:
        return
    assert len(frame.kind.diffs) <= 8
    assert len(frame.kind.dtis) <= 32


@pytest.mark.parametrize(
    ("data", "known", "why"),
    [
        (b"", None, "descriptor is cut off"),
        (b"\xc0\0", None, "descriptor is cut off"),
        (b"\xc0\0\1", None, "descriptor without a structure"),
        (b"\xc0\0\1\x40", None, "descriptor without a structure"),
        (b"\xc2\0\1", L3T1_KEY, "descriptor names no template"),
        (write_frame(1, 0, L1T3, key=True)[:12], None, "descriptor is cut off"),
        (b"\xc0\0\1\x80\0" + b"\x55" * 20, None, "descriptor has too many templates"),
        (write_frame(1, 0, L1T3, own=NINE), L1T3, "descriptor refers to too many frames"),
    ],
)
def test_malformed_descriptors_are_refused_by_name(
    data: bytes, known: Structure | None, why: str
) -> None:
    """Every wrong one has its own sentence."""
    with pytest.raises(Malformed, match=f"^{why}$"):
        parse_frame(data, known)


class Viewer:
    """Is given pictures, and says which frames of each went on."""

    def __init__(self, structure: Structure) -> None:
        self.structure, self.number, self.picture = structure, 65_530, 0
        self.selection = Selection()
        self.last: Verdict | None = None

    def frame(
        self, template: int, want: Want, *, key: bool = False, own: Template | None = None
    ) -> bool:
        data = write_frame(self.number, template, self.structure, key=key, own=own)
        self.number += 1
        frame = parse_frame(data, self.structure)
        self.last = self.selection.judge(frame, self.picture * 3000, want)
        assert self.last is not None
        return self.last.forward

    def sizes(self, layer: Layer, *, key: bool = False) -> tuple[list[int], list[int]]:
        """Of a picture in L3T1_KEY: spatial layers that went on, and those with a marker."""
        self.picture += 1
        sent, marked = [], []
        for spatial in range(3):
            template = 2 * spatial + (not key)
            if self.frame(template, Want(layer=layer), key=key and not spatial):
                sent.append(spatial)
            assert self.last is not None
            if self.last.marker:
                marked.append(spatial)
        return sent, marked


def test_sizes_of_their_own_begin_at_keyframes() -> None:
    """Until then what is sent goes on, and a keyframe is asked for; the last frame that is sent is marked."""
    viewer = Viewer(L3T1_KEY)
    assert viewer.sizes(HIGH, key=True) == ([0, 1, 2], [2])
    assert viewer.sizes(HIGH) == ([2], [2])
    assert viewer.sizes(LOW) == ([2], [2])
    assert viewer.last == Verdict(forward=True, marker=True, layer=HIGH, needs_keyframe=True)
    assert viewer.sizes(LOW, key=True) == ([0], [0])
    assert viewer.last == Verdict(forward=False, marker=False, layer=LOW, needs_keyframe=False)
    assert viewer.sizes(HIGH) == ([0], [0])
    assert viewer.last.needs_keyframe
    assert viewer.sizes(MEDIUM, key=True) == ([0, 1], [1])
    assert viewer.sizes(MEDIUM) == ([1], [1])
    assert (viewer.last.layer, viewer.last.needs_keyframe) == (MEDIUM, False)


def test_a_smaller_size_that_the_larger_one_needs_begins_at_once() -> None:
    """L2T1: the small picture is part of what was sent already; the way back needs a keyframe."""
    viewer = Viewer(L2T1)

    def picture(layer: Layer, *, key: bool = False) -> list[bool]:
        viewer.picture += 1
        want = Want(layer=layer)
        return [viewer.frame(0 if key else 1, want, key=key), viewer.frame(2 + (not key), want)]

    assert picture(HIGH, key=True) == [True, True]
    assert picture(HIGH) == [True, True]
    assert picture(MEDIUM) == [True, False]
    assert viewer.last == Verdict(forward=False, marker=False, layer=MEDIUM, needs_keyframe=False)
    assert picture(HIGH) == [True, False]
    assert viewer.last.needs_keyframe
    assert picture(HIGH, key=True) == [True, True]


def test_rates_change_without_keyframes() -> None:
    """Frames of a rate that was left out are needed by none that comes after the next base picture."""
    viewer = Viewer(L1T3)

    def four(temporal: int, *, key: bool = False) -> list[bool]:
        sent = []
        for at, template in enumerate((0 if key else 1, 3, 2, 4)):
            viewer.picture += 1
            sent.append(viewer.frame(template, Want(temporal=temporal), key=key and at == 0))
        return sent

    assert four(3, key=True) == [True, True, True, True]
    assert four(0) == [True, False, False, False]
    assert four(1) == [True, False, True, False]
    assert four(3) == [True, True, True, True]
    assert viewer.last is not None
    assert not viewer.last.needs_keyframe


def test_what_refers_to_a_frame_that_was_left_out_is_left_out() -> None:
    """A rate is wanted between a frame and the one that needs it."""
    viewer = Viewer(L1T3)
    viewer.frame(0, Want(), key=True)
    sent = []
    for template, temporal in ((3, 0), (2, 0), (4, 3), (1, 3), (3, 3)):
        viewer.picture += 1
        sent.append(viewer.frame(template, Want(temporal=temporal)))
    assert sent == [False, False, False, True, True]


def test_a_publisher_may_let_in_without_a_keyframe() -> None:
    """Where a chain begins anew at a frame that was sent, a larger size begins there (A.10.1.2)."""
    viewer = Viewer(L3T1_KEY)
    viewer.sizes(LOW, key=True)
    viewer.sizes(LOW)
    viewer.picture += 1
    renewed = Template(0, 0, (2, 2, 0), (3,), (3, 0, 1))
    assert viewer.frame(1, Want(layer=MEDIUM), own=renewed)
    assert viewer.frame(3, Want(layer=MEDIUM), own=Template(1, 0, (0, 2, 0), (1,), (1, 1, 2)))
    assert viewer.last is not None
    assert (viewer.last.layer, viewer.last.marker) == (MEDIUM, True)


def test_every_packet_of_a_frame_goes_its_way() -> None:
    """A late packet follows its frame, whatever is wanted by then; a frame that comes late goes with its size."""
    viewer = Viewer(L3T1_KEY)
    viewer.sizes(HIGH, key=True)
    sent = parse_frame(write_frame(viewer.number - 1, 5, L3T1_KEY), L3T1_KEY)
    viewer.number += 3  # a whole picture is missing
    viewer.sizes(LOW)
    judge, want = viewer.selection.judge, Want(layer=LOW)
    late = [
        parse_frame(write_frame(viewer.number - 6 + i, 1 + 2 * i, L3T1_KEY), L3T1_KEY)
        for i in (0, 2)
    ]
    verdicts = [judge(frame, 7, want, late=True) for frame in (sent, *late)]
    assert [each.forward for each in verdicts if each] == [True, True, False]


def test_late_keyframes_of_another_structure_change_nothing() -> None:
    """One with fewer decode targets is no frame of the size that is sent."""
    viewer = Viewer(L3T1_KEY)
    assert viewer.sizes(HIGH, key=True) == ([0, 1, 2], [2])
    late = parse_frame(write_frame(viewer.number - 50, 0, L2T1, key=True), None)
    verdict = viewer.selection.judge(late, 0, Want(), late=True)
    assert verdict is not None
    assert not verdict.forward
    assert viewer.sizes(HIGH) == ([2], [2])


def test_where_nothing_is_so_small_the_smallest_is_sent() -> None:
    """A stream may be decodable in its best size and rate only."""
    one = Structure(
        3, (Template(1, 2, (2,), (), (0,)), Template(1, 2, (2,), (1,), (1,))), ((1, 2),), (0,), ()
    )
    selection = Selection()
    for number in range(3):
        kind = one.templates[number > 0]
        frame = Frame(number, True, True, None if number else one, None if number else 1, kind)
        verdict = selection.judge(frame, number, Want(layer=LOW, temporal=0))
        assert verdict == Verdict(forward=True, marker=True, layer=HIGH, needs_keyframe=False)


def test_a_stream_without_chains_is_not_judged() -> None:
    """Before its first structure neither."""
    frame = parse_frame(write_frame(1, 0, L1T3), L1T3)
    assert Selection().judge(frame, 0, Want()) is None
