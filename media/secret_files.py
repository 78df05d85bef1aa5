"""Files of secrets, read again when they change: nobody ends calls to change a key.

Looked at every EVERY_S seconds, and at once on SIGHUP. A file that cannot be used changes nothing: what was read last
holds on, and the log names the file, never its contents.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Generic, Protocol, TypeVar, overload

from attrs import define, field

from media.access.key_file import BadKeyFile, read_keys
from media.access.tokens import Key
from serving.secret_files import BadSecret, read_secret

logger = logging.getLogger(__name__)

#: Seconds between two looks at the files' times of change.
EVERY_S = 2.0

T = TypeVar("T")
Signature = tuple[int, ...] | None


class Looked(Protocol):
    def look(self, *, asked: bool = False) -> None: ...


@define(eq=False)
class SecretFile(Generic[T]):
    """One file. `now` is what it said when it last could be read.

    Raises:
        BadSecret, BadKeyFile: by `read`, when it is made.
    """

    path: Path
    _read: Callable[[Path], T]
    now: T = field(init=False, repr=False)
    _seen: Signature = field(init=False)

    def __attrs_post_init__(self) -> None:
        self._seen = _signature(self.path)
        self.now = self._read(self.path)

    def look(self, *, asked: bool = False) -> None:
        """Read it again if it has changed, or if an administrator `asked`."""
        seen = _signature(self.path)
        if seen == self._seen and not asked:
            return
        self._seen = seen
        try:
            found = self._read(self.path)
        except (BadSecret, BadKeyFile) as error:
            logger.warning("a secret was not read again why=%s", error)
            return
        if found != self.now:
            self.now = found
            logger.info("a secret was read again file=%s", self.path.name)


def read_tokens(path: Path) -> tuple[str, ...]:
    """One token a line: while a token is changed the file has both, and the one that is taken is used.

    Raises:
        BadSecret: as `read_secret`.
    """
    return tuple(line.strip() for line in read_secret(path, "ascii").splitlines() if line.strip())


class KeyRing(Sequence[Key]):
    """The keys of a file, as they are now: the first signs, all of them are believed."""

    def __init__(self, path: Path) -> None:
        self.file = SecretFile(path, read_keys)

    @overload
    def __getitem__(self, at: int) -> Key: ...
    @overload
    def __getitem__(self, at: slice) -> Sequence[Key]: ...
    def __getitem__(self, at: int | slice) -> Key | Sequence[Key]:
        return self.file.now[at]

    def __len__(self) -> int:
        return len(self.file.now)


async def watch(files: Iterable[Looked], asked: asyncio.Event, every_s: float = EVERY_S) -> None:
    """For ever. `asked`: SIGHUP."""
    files = tuple(files)
    while True:
        try:
            async with asyncio.timeout(every_s):
                await asked.wait()
        except TimeoutError:
            pass
        told = asked.is_set()
        asked.clear()
        for file in files:
            file.look(asked=told)


def _signature(path: Path) -> Signature:
    """What is different when the file is."""
    try:
        found = path.stat()
    except OSError:
        return None
    return (found.st_ino, found.st_mtime_ns, found.st_size, found.st_mode)
