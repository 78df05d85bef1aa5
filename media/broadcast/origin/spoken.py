"""Lines of captions as the disk has them: one JSON array a line, appended as they come. Pure: values and octets.

Read up to the first line that is not whole: a process that is killed leaves half a line at most.
"""

from __future__ import annotations

import json
from collections.abc import Iterable

from media.broadcast.hls.captions import MOST_CHARS, Cue

#: Octets of a line: 200 characters of four octets each, some of them escaped, with four numbers.
MOST_LINE = 2_000


def line(cue: Cue) -> bytes:
    """One line."""
    values = [cue.number, cue.starts_at, cue.ends_at, cue.discontinuity, cue.text]
    return json.dumps(values, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"


def read(lines: Iterable[bytes]) -> list[Cue]:
    """All lines up to the first that is not whole."""
    found: list[Cue] = []
    for one in lines:
        cue = _cue(one)
        if cue is None:
            break
        found.append(cue)
    return found


def _cue(raw: bytes) -> Cue | None:
    if not raw.endswith(b"\n") or len(raw) > MOST_LINE:
        return None
    try:
        values = json.loads(raw)
    except ValueError:
        return None
    match values:
        case [int(number), int(starts_at), int(ends_at), int(discontinuity), str(text)]:
            counted = min(number, discontinuity) >= 0 and 0 <= starts_at < ends_at
            if counted and text.isprintable() and 0 < len(text) <= MOST_CHARS:
                return Cue(number, starts_at, ends_at, text, discontinuity)
    return None
