"""What a broadcast leaves on the disk, written by a thread of its own: the event loop never waits for a disk.

The queue is bounded in octets. The first fault ends the writing for good: what is on the disk until then is whole, the
broadcast goes on without it. Some of the disk is always left to others: a full one would stop the school's server too.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from queue import SimpleQueue
from threading import Thread

from attrs import define, field, frozen

from media.broadcast.hls.captions import Cue
from media.broadcast.origin import journal, spoken
from media.broadcast.origin.journal import Begun, Entry, InitAt, Over, PartAt, Place
from media.broadcast.origin.publication import Fault

#: Octets that may wait: 20 s of 16 Mbit/s in three renditions; a disk that is behind by more does not catch up.
MOST_WAITING = 64_000_000
#: Octets of the disk that are never used.
LEAVES_FREE = 1_000_000_000
JOURNAL = "journal"
OPENING = "opening.json"
CAPTIONS = "captions"


def data_file(folder: Path, rendition: str) -> Path:
    """Init segments and parts of a rendition, one after another."""
    return folder / f"{rendition}.mp4"


def free(path: Path) -> int:
    """Octets that are left."""
    there = os.statvfs(path)
    return there.f_bavail * there.f_frsize


@frozen
class Files:
    """What is done to files; tests have a disk that is full."""

    write: Callable[[int, bytes], int] = os.write
    sync: Callable[[int], None] = os.fdatasync
    free: Callable[[Path], int] = free


@frozen
class _Item:
    entry: Entry | Cue
    data: bytes


@define(eq=False)
class Writer:
    """Of one broadcast. `put` and `finish` are called on one thread, the writing is another's.

    Attributes:
        opening: of a folder that is not there yet.
        failed: called on the writer's thread, once at most.
        finished: the same, when everything is on the disk or it has failed.
        fault: why nothing is written any more.
    """

    folder: Path
    opening: bytes
    offsets: dict[str, int]
    failed: Callable[[Fault], None]
    finished: Callable[[], None]
    files: Files = field(factory=Files)
    most_waiting: int = MOST_WAITING
    leaves_free: int = LEAVES_FREE
    fault: Fault | None = field(default=None, init=False)
    _put: int = field(default=0, init=False)
    _done: int = field(default=0, init=False)  # the thread's
    _queue: SimpleQueue[_Item | None] = field(factory=SimpleQueue, init=False, repr=False)
    _thread: Thread | None = field(default=None, init=False)

    def start(self) -> None:
        self._thread = Thread(target=self._run, name="broadcast-writer", daemon=True)
        self._thread.start()

    def put_init(self, rendition: str, discontinuity: int, data: bytes) -> Place:
        place = self._place(rendition, data)
        self._add(InitAt(rendition, discontinuity, place), data)
        return place

    def put_part(self, entry: PartAt, data: bytes) -> None:
        """`entry.place` comes from `next_place`."""
        self._place(entry.rendition, data)
        self._add(entry, data)

    def next_place(self, rendition: str, data: bytes) -> Place:
        return Place(self.offsets[rendition], len(data))

    def put(self, entry: Begun | Over | Cue) -> None:
        self._add(entry, b"")

    def finish(self) -> None:
        """Nothing more comes."""
        self._queue.put(None)

    @property
    def waiting(self) -> int:
        """Octets."""
        return self._put - self._done

    def _place(self, rendition: str, data: bytes) -> Place:
        place = self.next_place(rendition, data)
        self.offsets[rendition] += len(data)
        return place

    def _add(self, entry: Entry | Cue, data: bytes) -> None:
        if self.fault is not None:
            return
        if self.waiting + len(data) > self.most_waiting:
            self._fail(Fault.DISK_SLOW)
            return
        self._put += len(data)
        self._queue.put(_Item(entry, data))

    def _fail(self, fault: Fault) -> None:
        if self.fault is None:
            self.fault = fault
            self.failed(fault)

    def _run(self) -> None:
        opened: dict[str, int] = {}
        try:
            self._begin()
            opened = {name: _appended(data_file(self.folder, name)) for name in self.offsets}
            opened[JOURNAL] = _appended(self.folder / JOURNAL)
            self._write_all(opened)
        except OSError as error:
            full = error.errno in {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
            self._fail(Fault.DISK_FULL if full else Fault.DISK_FAILED)
            while self._queue.get() is not None:
                pass
        finally:
            for one in opened.values():
                os.close(one)
            self.finished()

    def _begin(self) -> None:
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        path = self.folder / OPENING
        if not path.exists():
            beside = path.with_suffix(".new")
            beside.write_bytes(self.opening)
            beside.rename(path)

    def _write_all(self, opened: dict[str, int]) -> None:
        first, last = next(iter(self.offsets)), -1
        while (item := self._queue.get()) is not None:
            entry = item.entry
            if self.fault is not None:
                continue
            if isinstance(entry, Cue):
                if CAPTIONS not in opened:
                    opened[CAPTIONS] = _appended(self.folder / CAPTIONS)
                self._write(opened[CAPTIONS], spoken.line(entry))
                continue
            if isinstance(entry, InitAt | PartAt):
                self._write(opened[entry.rendition], item.data)
            self._write(opened[JOURNAL], journal.line(entry))
            self._done += len(item.data)
            if isinstance(entry, PartAt) and entry.rendition == first and entry.segment != last:
                self._sync(opened)
                last = entry.segment
        self._sync(opened)

    def _write(self, file: int, data: bytes) -> None:
        while data:
            data = data[self.files.write(file, data) :]

    def _sync(self, opened: Mapping[str, int]) -> None:
        """A segment is whole: what the power's going leaves; the journal last, as it speaks of the others."""
        for name, one in opened.items():
            if name != JOURNAL:
                self.files.sync(one)
        self.files.sync(opened[JOURNAL])
        if self.files.free(self.folder) < self.leaves_free:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def _appended(path: Path) -> int:
    """Nobody else reads it."""
    return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
