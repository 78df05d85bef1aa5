"""Layers inside a stream: both forwarders choose alike, whatever its descriptors say."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from media.forwarder.api import Layer
from tests.media.forwarder.conftest import IMPLEMENTATIONS
from tests.media.forwarder.descriptors import write_frame
from tests.media.forwarder.ends import MID, rtp
from tests.media.forwarder.film import CAMERA, DESCRIPTOR, PICTURES, SSRC, Film
from tests.media.forwarder.test_scalable import structures

pytestmark = pytest.mark.skipif(
    "native" not in IMPLEMENTATIONS, reason="the native forwarder is not built (make native)"
)


@given(
    day=st.binary(min_size=40, max_size=400),
    kinds=st.lists(st.sampled_from(range(len(PICTURES))), min_size=1, max_size=4),
    parts=st.sampled_from([1, 2]),
)
def test_both_choose_alike(day: bytes, kinds: list[int], parts: int) -> None:
    """Lost, late and repeated packets, wants and structures that change, keyframes now and then: the same bytes and
    events.
    """
    plain, native = (
        Film(IMPLEMENTATIONS[name](), kinds[0], parts=parts) for name in ("plain", "native")
    )
    held: list[bytes] = []
    for at, step in enumerate(day):
        for film in (plain, native):
            if step % 16 == 0:
                film.kind = kinds[at % len(kinds)]
                film.frames -= 0 if step else 40_000  # counts anew
            film.active = step & 7 if step % 16 == 9 else None
        made = plain.packets(key=step % 16 == 0)
        assert made == native.packets(key=step % 16 == 0)
        if step & 0x10:
            for film in (plain, native):
                film.want(Layer((step >> 5) % 3), step & 3)
        if step >> 5 == 3:
            held += made[:1]
            made = made[1:]
        elif step >> 5 == 5:
            made, held = made + held, []
        elif step >> 5 == 6:
            made = made[:-1]
        assert plain.send(made) == native.send(made)
        assert plain.events == native.events
    assert plain.forwarder.stats() == native.forwarder.stats()


@st.composite
def said(draw: st.DrawFn) -> list[bytes]:
    """Descriptors of two structures, whole, cut off, and none at all."""
    known = draw(st.lists(structures(), min_size=1, max_size=2))
    descriptors = []
    for number in range(draw(st.integers(5, 30))):
        structure = draw(st.sampled_from(known))
        descriptor = write_frame(
            number - draw(st.sampled_from([0, 0, 0, 1, 3, 200])),
            draw(st.integers(0, len(structure.templates) - 1)),
            structure,
            key=number == 0 or draw(st.integers(0, 5)) == 0,
            active=draw(st.none() | st.integers(0, (1 << len(structure.targets)) - 1)),
        )
        whole = draw(st.integers(0, 5)) or not number
        size = len(descriptor) if whole else draw(st.integers(0, len(descriptor)))
        descriptors.append(descriptor[: min(size, 255)])
    return descriptors


@given(
    descriptors=said(),
    wants=st.lists(st.tuples(st.sampled_from(Layer), st.integers(0, 3)), min_size=1, max_size=6),
)
def test_both_read_alike(descriptors: list[bytes], wants: list[tuple[Layer, int]]) -> None:
    """Whatever structures say: the same bytes and events."""
    plain, native = (Film(IMPLEMENTATIONS[name]()) for name in ("plain", "native"))
    for number, descriptor in enumerate(descriptors):
        packet = rtp(
            ssrc=SSRC,
            sequence=number,
            timestamp=number // 2 * 3_600,
            payload_type=45,
            payload=b"\x18picture" if not number else b"\x10picture",
            elements={MID: CAMERA.mid.encode(), DESCRIPTOR: descriptor},
        )
        for film in (plain, native):
            film.want(*wants[number % len(wants)])
        assert plain.send([packet]) == native.send([packet])
        assert plain.events == native.events
    assert plain.forwarder.stats() == native.forwarder.stats()
