"""A school's files as one value that can be sealed: names, contents, and what the person said about them. Pure.

Bytes: length of the header (4 bytes, big-endian), the header as JSON, the contents one after the other; all of it
deflated, because a list of names takes a fifth of its size.
"""

from __future__ import annotations

import json
import zlib
from typing import Any

from attrs import field, frozen

from provisioning.readers.files import MAX_FILE, SourceFile

#: All files of one upload together; `web/app.py` refuses more before reading.
MOST_BYTES = MAX_FILE
MOST_FILES = 12
LONGEST_NAME = 120
HEADER_BYTES = 4


class DamagedBundle(Exception):
    """Not what `pack` has made: of another version of the program."""


@frozen(kw_only=True)
class Bundle:
    """Attributes:
    school_year: as the person chose it; "": as the files or the school say.
    school: which school of a OneRoster archive of several, "" for the only one.
    """

    files: tuple[SourceFile, ...] = field(repr=False)
    school_year: str = ""
    school: str = ""


def pack(bundle: Bundle) -> bytes:
    header = json.dumps(
        {
            "files": [[one.name, len(one.content)] for one in bundle.files],
            "school_year": bundle.school_year,
            "school": bundle.school,
        },
        ensure_ascii=False,
    ).encode()
    parts = [len(header).to_bytes(HEADER_BYTES, "big"), header]
    return zlib.compress(b"".join([*parts, *(one.content for one in bundle.files)]), level=1)


def unpack(packed: bytes) -> Bundle:
    """The value that was packed.

    Raises:
        DamagedBundle.
    """
    try:
        raw = zlib.decompress(packed)
        end = HEADER_BYTES + int.from_bytes(raw[:HEADER_BYTES], "big")
        header: dict[str, Any] = json.loads(raw[HEADER_BYTES:end])
        files = []
        for name, size in header["files"]:
            files.append(SourceFile(str(name), raw[end : end + size]))
            end += size
        return Bundle(
            files=tuple(files),
            school_year=str(header["school_year"]),
            school=str(header["school"]),
        )
    except (zlib.error, ValueError, KeyError, TypeError) as error:
        raise DamagedBundle(type(error).__name__) from None


def shown_name(name: str) -> str:
    """A file's name as problems show it: without folders, without what no screen can show."""
    bare = name.replace("\\", "/").rpartition("/")[2]
    clean = "".join(sign for sign in bare if sign.isprintable())
    return clean[:LONGEST_NAME] or "?"
