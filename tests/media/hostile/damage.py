"""Real bytes and words, damaged with their structure in mind; and a clock of the processor for what reads them."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st

#: Seconds of the processor that one input may cost.
MOST_S = 1.0
#: Numbers at which lengths and counts go wrong.
EXTREMES = (0, 1, 0x7F, 0x80, 0xFF, 0x7FFF, 0x8000, 0xFFFF, 0xFFFFFFFF)

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10), inner, max_size=4)
    ),
    max_leaves=12,
)


def share(part: int) -> settings:
    """For dear examples: one in `part` of what the profile has."""
    return settings(max_examples=max(10, settings().max_examples // part))


@contextmanager
def bounded() -> Iterator[None]:
    began = time.process_time()
    yield
    assert time.process_time() - began < MOST_S, "an input that costs too much"


@st.composite
def damaged(draw: Callable[[Any], Any], samples: Sequence[bytes]) -> bytes:
    """A sample, cut, flipped, overwritten with extremes, doubled, or joined to another one."""
    raw = bytearray(draw(st.sampled_from(samples)))
    for _ in range(draw(st.integers(0, 4))):
        at = draw(st.integers(0, max(0, len(raw) - 1)))
        match draw(st.integers(0, 5)):
            case 0:
                del raw[at:]
            case 1 if raw:
                raw[at] ^= 1 << draw(st.integers(0, 7))
            case 2:
                size = draw(st.sampled_from((1, 2, 4)))
                extreme = draw(st.sampled_from(EXTREMES)) % 256**size
                raw[at : at + size] = extreme.to_bytes(size, "big")
            case 3:
                raw[at:at] = raw[at : at + draw(st.integers(1, 60))]
            case 4:
                raw[at:] = draw(st.sampled_from(samples))[at:]
            case _:
                raw[at:at] = draw(st.binary(max_size=20))
    return bytes(raw)


@st.composite
def damaged_text(draw: Callable[[Any], Any], samples: Sequence[str]) -> str:
    """The same for lines of text, and for numbers in them."""
    lines = draw(st.sampled_from(samples)).splitlines(keepends=True)
    for _ in range(draw(st.integers(1, 5))):
        if not lines:
            break
        at = draw(st.integers(0, len(lines) - 1))
        cut = draw(st.integers(0, len(lines[at])))
        other = lines[draw(st.integers(0, len(lines) - 1))]
        junk = draw(st.text(max_size=12) | st.sampled_from(("0", "-1", "65536", "9" * 30, "NaN")))
        lines[at : at + 1] = draw(
            st.sampled_from(
                (
                    [],
                    [lines[at]] * 3,
                    [lines[at][:cut]],
                    [other, lines[at]],
                    [lines[at][:cut] + junk + lines[at][cut:]],
                    [lines[at][:cut] + junk + "\r\n"],
                )
            )
        )
    return "".join(lines)
