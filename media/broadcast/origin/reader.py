"""What a broadcast left on the disk, read: by threads of the event loop's, a few at a time."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from attrs import frozen

from media.broadcast.hls.captions import MOST_KEPT, Cue
from media.broadcast.origin import journal, spoken
from media.broadcast.origin.history import History, history_of
from media.broadcast.origin.journal import Entry, Place
from media.broadcast.origin.opening_json import opened
from media.broadcast.origin.publication import Opening
from media.broadcast.origin.writer import CAPTIONS, JOURNAL, OPENING, data_file

#: Of an opening; ours have two thousand octets.
MOST_OPENING = 65_536


@frozen(kw_only=True)
class Left:
    """Attributes:
    sizes: octets that each rendition's file has; what is appended begins there.
    cues: lines of captions, the oldest first.
    """

    opening: Opening
    history: History
    sizes: Mapping[str, int]
    cues: Sequence[Cue] = ()


def look(folder: Path) -> Left | None:
    """What is in the folder of a broadcast; None: nothing that can be used. The journal ends with a whole line then."""
    try:
        with (folder / OPENING).open("rb") as file:
            opening = opened(file.read(MOST_OPENING))
        if opening is None:
            return None
        entries = _entries(folder / JOURNAL)
        cues = said(folder, truncated=True)
    except OSError:
        return None
    names = [one.rendition for one in opening.variants]
    sizes = {name: _size(data_file(folder, name)) for name in names}
    history = history_of(entries, sizes, names)
    return Left(opening=opening, history=history, sizes=sizes, cues=cues)


def said(folder: Path, *, truncated: bool = False) -> Sequence[Cue]:
    """Lines of captions, the newest that are kept. `truncated`: what is behind them goes, as more will be appended.

    Raises:
        OSError: the disk fails.
    """
    try:
        with (folder / CAPTIONS).open("r+b" if truncated else "rb") as file:
            cues = spoken.read(iter(lambda: file.readline(spoken.MOST_LINE + 1), b""))
            if truncated:
                file.seek(0)
                file.truncate(sum(len(spoken.line(one)) for one in cues))
    except FileNotFoundError:
        return ()
    return cues[-MOST_KEPT:]


def _entries(path: Path) -> Sequence[Entry]:
    try:
        with path.open("r+b") as file:
            entries = journal.read(iter(lambda: file.readline(journal.MOST_LINE + 1), b""))
            file.seek(0)
            file.truncate(sum(len(journal.line(one)) for one in entries))
    except FileNotFoundError:
        return []
    return entries


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0


async def read(folder: Path, rendition: str, place: Place) -> bytes | None:
    """None: it is not there (yet)."""
    return await asyncio.to_thread(_read, data_file(folder, rendition), place)


def _read(path: Path, place: Place) -> bytes | None:
    try:
        file = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        data = os.pread(file, place.size, place.offset)
    except OSError:
        return None
    finally:
        os.close(file)
    return data if len(data) == place.size else None
