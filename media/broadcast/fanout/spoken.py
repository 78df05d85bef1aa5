"""Captions of another school's broadcast: the lines of one WebVTT file, and where in their segment they begin. Pure.

Only files of our own form have any, and a school that is let in may still send anything: what is not of it is no line.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from attrs import field, frozen

from media.broadcast.hls.captions import MOST_CHARS, MPEG_HZ, MPEG_WRAP
from media.broadcast.hls.values import HZ

#: Octets of a file; lines in it, of which two are typed a second at most.
MOST_BYTES, MOST_LINES = 65_536, 64
#: Ticks by which a beginning may be early: files have milliseconds.
ROUNDED = HZ // 500
_HEAD = re.compile(r"WEBVTT\nX-TIMESTAMP-MAP=LOCAL:00:00:00\.000,MPEGTS:([0-9]{1,10})")
_TIME = r"([0-9]{2,4}):([0-9]{2}):([0-9]{2})\.([0-9]{3})"
_BLOCK = re.compile(rf"([0-9]{{1,9}})\n{_TIME} --> {_TIME}\n([^\n]{{1,{5 * MOST_CHARS}}})\n?")


@frozen
class Line:
    """`number`: of theirs; `at`: ticks since its segment began."""

    number: int
    at: int
    text: str = field(repr=False)


def read(raw: bytes, media_at: int) -> list[Line]:
    """Lines that begin in the file's segment or later, in order.

    Args:
        media_at: the media's own time where that segment begins, ticks.
    """
    if len(raw) > MOST_BYTES:
        return []
    head, *blocks = raw.decode("utf-8", "replace").split("\n\n", MOST_LINES + 1)
    begins = _HEAD.fullmatch(head)
    if begins is None:
        return []
    moved = int(begins[1]) - media_at * MPEG_HZ // HZ
    return [one for one in _lines(blocks[:MOST_LINES], moved) if one.at >= 0]


def _lines(blocks: list[str], moved: int) -> Iterator[Line]:
    for block in blocks:
        found = _BLOCK.fullmatch(block)
        if found is None:
            continue
        hours, minutes, seconds, ms = (int(found[at]) for at in range(2, 6))
        since = ((hours * 60 + minutes) * 60 + seconds) * 1000 + ms
        at = (since * MPEG_HZ // 1000 + moved + MPEG_WRAP // 2) % MPEG_WRAP - MPEG_WRAP // 2
        ticks = at * HZ // MPEG_HZ
        text = found[10].replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
        yield Line(int(found[1]), max(0, ticks) if ticks >= -ROUNDED else -1, text)
