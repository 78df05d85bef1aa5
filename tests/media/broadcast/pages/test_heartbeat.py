"""What players say of themselves."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from media.broadcast.pages.heartbeat import (
    MOST_BYTES,
    MOST_LATENCY_S,
    MOST_LINES,
    MOST_POSITION_S,
    MOST_REBUFFERS,
    BadHeartbeat,
    Heartbeat,
    parse_heartbeat,
)

HONEST = {"position": 12.5, "latency": 2.4, "rebuffers": 1, "level": 720}
FIELDS = {"size", "json", *HONEST}
ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner),
    max_leaves=8,
)


def parsed(**changes: Any) -> Heartbeat:
    return parse_heartbeat(json.dumps(HONEST | changes).encode())


def test_an_honest_one() -> None:
    """The four figures arrive; a player that cannot tell its delay or its picture says null."""
    assert parsed() == Heartbeat(position_s=12.5, latency_s=2.4, rebuffers=1, level=720)
    unknown = parsed(latency=None, level=None, position=3, newer="field")
    assert unknown == Heartbeat(position_s=3.0, latency_s=None, rebuffers=1, level=None)


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"position": None}, "position"),
        ({"position": -0.1}, "position"),
        ({"position": True}, "position"),
        ({"position": "1"}, "position"),
        ({"position": 86_400.1}, "position"),
        ({"position": 10**300}, "position"),
        ({"position": float("nan")}, "position"),
        ({"latency": float("inf")}, "latency"),
        ({"latency": []}, "latency"),
        ({"rebuffers": 1.0}, "rebuffers"),
        ({"rebuffers": -1}, "rebuffers"),
        ({"rebuffers": 100_001}, "rebuffers"),
        ({"rebuffers": None}, "rebuffers"),
        ({"level": 4321}, "level"),
        ({"level": False}, "level"),
        ({"much": "x" * MOST_BYTES}, "size"),
    ],
)
def test_out_of_bounds_is_no_figure(changes: dict[str, Any], named: str) -> None:
    """A wrong kind, NaN, and whatever no player can mean are refused by the name of the field."""
    with pytest.raises(BadHeartbeat, match=rf"^{named}$"):
        parsed(**changes)


@pytest.mark.parametrize("raw", [b"", b"[]", b"1", b"{", b"\xff", b"[" * 500, b'"' * 3])
def test_what_is_no_object(raw: bytes) -> None:
    """Anything but a JSON object is refused, nested as deep as it may be."""
    with pytest.raises(BadHeartbeat, match=r"^json$"):
        parse_heartbeat(raw)


def judged(raw: bytes) -> None:
    """Either every figure is in its bounds, or a known name is given and nothing quoted."""
    try:
        found = parse_heartbeat(raw)
    except BadHeartbeat as error:
        named = str(error)
    else:
        named = ""
        bounded(found)
    assert named in FIELDS | {""}


def bounded(found: Heartbeat) -> None:
    assert 0 <= found.position_s <= MOST_POSITION_S
    assert found.latency_s is None or 0 <= found.latency_s <= MOST_LATENCY_S
    assert 0 <= found.rebuffers <= MOST_REBUFFERS
    assert found.level is None or 0 <= found.level <= MOST_LINES


@given(st.binary(max_size=600))
def test_fuzz_of_bytes(raw: bytes) -> None:
    """Random bytes end in a figure within bounds or in a refusal, never in another error."""
    judged(raw)


@given(st.fixed_dictionaries(dict.fromkeys(HONEST, ANY_JSON)))
def test_fuzz_of_objects(found: dict[str, Any]) -> None:
    """Objects with the right names and any values do the same."""
    judged(json.dumps(found).encode())
