"""The files of materials on the bridge's disk: one for each, under a random name that is in no address.

A file is whole or not there: it is written beside its place, synced, and moved. What is no material (any more) is
deleted hourly; whether it is one, the directory says.
"""

from __future__ import annotations

import os
import re
import shutil
import tempfile
from datetime import datetime, timedelta
from pathlib import Path
from typing import IO

from attrs import define, frozen

_FILE_ID = re.compile(r"[a-z0-9]{16,64}")
_PART = ".part"
#: Octets that are left free on the disk: the database is on it too.
LEAVES_FREE = 1_000_000_000
#: A file that is younger may still be on its way to the directory.
YOUNG = timedelta(hours=1)
#: Octets that are copied at once.
_CHUNK = 1024 * 1024


class DiskFull(Exception):
    """The file was not taken."""


@define(eq=False)
class Part:
    """A file on its way to its place. Blocking: call it in a thread. `drop` it in the end, whatever came of it."""

    _at: Path
    _place: Path
    _target: IO[bytes]
    _size: int = 0

    def add(self, piece: bytes) -> None:
        """The next octets.

        Raises:
            DiskFull: there is no room.
            OSError: the disk says no.
        """
        if shutil.disk_usage(self._at.parent).free - len(piece) < LEAVES_FREE:
            raise DiskFull
        self._target.write(piece)
        self._size += len(piece)

    def finish(self) -> int:
        """It is whole, and in its place from now on; returns how many octets it has."""
        self._target.flush()
        os.fsync(self._target.fileno())
        self._at.replace(self._place)
        return self._size

    def drop(self) -> None:
        """What is not finished is gone."""
        try:
            self._target.close()
        finally:
            self._at.unlink(missing_ok=True)


@frozen
class MaterialFiles:
    """Blocking: call it in a thread."""

    folder: Path

    def path(self, file_id: str) -> Path | None:
        """Where a file is; None: it is not here."""
        if not _FILE_ID.fullmatch(file_id):
            return None
        found = self.folder / file_id
        return found if found.is_file() else None

    def keep(self, file_id: str, source: IO[bytes]) -> int:
        """Copy a file to its place; returns how many octets it has.

        Raises:
            DiskFull: there is no room. Nothing is left of it.
            ValueError: no name of ours.
            OSError: the disk says no.
        """
        part = self.begin(file_id)
        try:
            while piece := source.read(_CHUNK):
                part.add(piece)
            return part.finish()
        finally:
            part.drop()

    def begin(self, file_id: str) -> Part:
        """A file that is still to come, piece by piece. Two processes may fetch the same one: each writes its own.

        Raises:
            ValueError: no name of ours.
            OSError: the disk says no.
        """
        if not _FILE_ID.fullmatch(file_id):
            raise ValueError("not the name of a file of materials")
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        number, at = tempfile.mkstemp(_PART, f"{file_id}.", self.folder)
        return Part(Path(at), self.folder / file_id, os.fdopen(number, "wb"))

    def drop(self, file_id: str) -> None:
        """Delete a file; one that is not there is none."""
        if _FILE_ID.fullmatch(file_id):
            (self.folder / file_id).unlink(missing_ok=True)

    def old(self, now: datetime, age: timedelta = YOUNG) -> list[str]:
        """Names of files that are older than that; pieces of uploads that were cut off are deleted on the way."""
        if not self.folder.is_dir():
            return []
        before = (now - age).timestamp()
        found = []
        for one in self.folder.iterdir():
            if not one.is_file() or one.stat().st_mtime >= before:
                continue
            if one.suffix == _PART:
                one.unlink(missing_ok=True)
            elif _FILE_ID.fullmatch(one.name):
                found.append(one.name)
        return sorted(found)
