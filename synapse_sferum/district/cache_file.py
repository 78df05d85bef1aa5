"""The file that keeps the last register believed, so that a restart needs no district and forgets no serial."""

from __future__ import annotations

import os
from pathlib import Path

from synapse_sferum.district.canonical import LARGEST


class CacheFile:
    """One file, replaced whole."""

    def __init__(self, path: str) -> None:
        self._path = Path(path)

    def read(self) -> bytes | None:
        """What was written last; None when nothing was. At most `LARGEST` + 1 bytes are read.

        Raises:
            OSError: it is there and cannot be read.
        """
        try:
            with self._path.open("rb") as file:
                return file.read(LARGEST + 1)
        except FileNotFoundError:
            return None

    def write(self, data: bytes) -> None:
        """Replace it: after a crash there is the old one or the new one, never half of one.

        Raises:
            OSError: the folder cannot be written, or the disk is full.
        """
        beside = self._path.with_name(f"{self._path.name}.new")
        with beside.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(self._path)
        folder = os.open(self._path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
