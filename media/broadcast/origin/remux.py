"""The recording of one broadcast, in a process of its own: `python -m media.broadcast.origin.remux FOLDER FILE`.

It reads parts and journal, writes FILE beside and renames it, and says on its output what became of it, as JSON.
"""

from __future__ import annotations

import errno
import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from media.broadcast.hls.values import HZ
from media.broadcast.origin import reader
from media.broadcast.origin.assembling import Assembly
from media.broadcast.origin.mp4 import head
from media.broadcast.origin.reader import Left
from media.broadcast.origin.samples import described
from media.broadcast.origin.writer import data_file

#: Than calls.
LESS_URGENT = 10


def best(left: Left) -> str:
    """The rendition that is recorded: the best picture, else the sound."""
    return max(
        left.opening.variants, key=lambda one: (one.picture is not None, one.bandwidth_bps)
    ).rendition


def _parts(left: Left, rendition: str, file: BinaryIO, assembly: Assembly) -> Iterator[bytes]:
    discontinuity: int | None = None
    for one in left.history.parts[rendition]:
        if one.discontinuity != discontinuity:
            place = left.history.inits[rendition, one.discontinuity]
            file.seek(place.offset)
            assembly.begin(file.read(place.size))
            discontinuity = one.discontinuity
        file.seek(one.place.offset)
        yield file.read(one.place.size)


def _changes(left: Left, rendition: str, file: BinaryIO) -> bool:
    """Whether there are pictures of several parameters."""
    found = set()
    for number in {one.discontinuity for one in left.history.parts[rendition]}:
        place = left.history.inits[rendition, number]
        file.seek(place.offset)
        found |= {one.entry for one in described(file.read(place.size)) if not one.sound}
    return len(found) > 1


def record(folder: Path, to: Path) -> dict[str, object]:
    """Make the file. The parts are read twice: for where samples are, and to be copied.

    Raises:
        OSError: of the disk.
        ValueError: there is nothing that could be used.
    """
    left = reader.look(folder)
    if left is None:
        raise ValueError("no broadcast")
    rendition = best(left)
    with data_file(folder, rendition).open("rb") as file:
        assembly = Assembly(_changes(left, rendition, file))
        plan = [assembly.add(part) for part in _parts(left, rendition, file, assembly)]
        tracks = assembly.end()
        if not tracks:
            return {"seconds": 0.0, "size": 0, "began_ms": 0, "picture": None}
        beside = to.with_name(to.name + ".new")
        with open(beside, "wb", opener=_private) as out:
            out.write(head(tracks, assembly.octets))
            for placed, pieces in zip(left.history.parts[rendition], plan, strict=True):
                for piece in pieces:
                    if isinstance(piece, bytes):
                        out.write(piece)
                    else:
                        file.seek(placed.place.offset + piece[0])
                        out.write(file.read(piece[1]))
            out.flush()
            os.fsync(out.fileno())
            size = out.tell()
    beside.rename(to)
    return {
        "seconds": assembly.ticks / HZ,
        "size": size,
        "began_ms": left.history.began_ms,
        "picture": assembly.size,
    }


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def main() -> int:
    """Exit code 0, or ENOSPC where the disk is full, or 1."""
    os.nice(LESS_URGENT)
    try:
        made = record(Path(sys.argv[1]), Path(sys.argv[2]))
    except OSError as failed:
        return errno.ENOSPC if failed.errno == errno.ENOSPC else 1
    except ValueError:
        return 1
    sys.stdout.write(json.dumps(made))
    return 0


if __name__ == "__main__":
    sys.exit(main())
