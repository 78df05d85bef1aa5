"""A coder's command line: which codec, which rungs. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from media.broadcast.ladder.values import DECODED, Rung
from media.broadcast.ladder.wire import MOST_RUNGS
from media.forwarder.api import Codec


def write_words(codec: Codec, rungs: Sequence[Rung]) -> list[str]:
    if codec not in DECODED or not 1 <= len(rungs) <= MOST_RUNGS:
        raise ValueError(f"VP8 or H.264, 1 to {MOST_RUNGS} rungs")
    return [
        codec.name,
        *(f"{r.name}:{r.width}:{r.height}:{r.bit_rate}:{r.frames_per_s}" for r in rungs),
    ]


def read_words(words: Sequence[str]) -> tuple[Codec, tuple[Rung, ...]]:
    """What `write_words` wrote.

    Raises:
        ValueError: or something else.
    """
    try:
        codec = Codec[words[0]]
    except LookupError:
        raise ValueError("no such codec") from None
    rungs = []
    for word in words[1:]:
        name, *numbers = word.split(":")
        rungs.append(Rung(name, *map(int, numbers)))
    write_words(codec, rungs)
    return codec, tuple(rungs)
