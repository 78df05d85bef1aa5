"""The bot's folder: the keys of its device and of its cross-signing, and how far it has read. One process uses it.

Lost, the bot is a new device with a new identity: it works on, and the administration's clients say that its keys
have changed.
"""

from __future__ import annotations

import asyncio
import base64
import os
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from attrs import frozen

from bridge.file_lock import taken
from bridge.ports import Vault
from bridge.records import Sealed

SEED_BYTES = 32
#: Seconds between two looks whether the process that uses the folder is gone.
LOOK_AGAIN_S = 1.0
PURPOSE = "bot seeds"


@frozen
class Folder:
    """Every file of it is readable by its owner only (0600), the folder itself too (0700)."""

    path: Path
    _random_bytes: Callable[[int], bytes]
    _vault: Vault

    @classmethod
    @asynccontextmanager
    async def open(
        cls, path: Path, vault: Vault, random_bytes: Callable[[int], bytes]
    ) -> AsyncIterator[Folder]:
        """Make it if need be, wait until no other process uses it, and hold it until the end of the block."""
        file = _locked_away(path)
        try:
            while not taken(file):  # noqa: ASYNC110 (the other is another process)
                await asyncio.sleep(LOOK_AGAIN_S)
            yield cls(path, random_bytes, vault)
        finally:
            os.close(file)

    def device_id(self, user_id: str) -> str:
        """The same after every start, as long as the device's keys are here."""
        kept = self._read("device")
        if kept is not None and self.keys_of(user_id, kept.decode("ascii")).exists():
            return kept.decode("ascii")
        made = "SFERUM" + base64.b32encode(self._random_bytes(5)).decode("ascii")
        self._write("device", made.encode())
        return made

    def forget_device(self) -> None:
        """The server knows other keys for it, or none: the next start makes a new one."""
        (self.path / "device").unlink(missing_ok=True)

    def keys_of(self, user_id: str, device_id: str) -> Path:
        """The file in which nio keeps the device's keys."""
        return self.path / f"{user_id}_{device_id}.db"

    @property
    def pickle_key(self) -> str:
        """Without the bridge's file of keys nobody reads the device's."""
        return self._vault.lookup("bot device").hex()

    def seeds(self) -> tuple[bytes, bytes, bytes]:
        """Of the master, self-signing and user-signing key; made once.

        Raises:
            CannotUnseal: made with another file of keys.
        """
        kept = self._read("cross_signing")
        if kept is None:
            plain = self._random_bytes(3 * SEED_BYTES)
            self._write("cross_signing", self._vault.seal(plain, PURPOSE))
        else:
            plain = self._vault.unseal(Sealed(kept), PURPOSE)
        return plain[:SEED_BYTES], plain[SEED_BYTES : 2 * SEED_BYTES], plain[2 * SEED_BYTES :]

    def read_until(self) -> str | None:
        """Token of the last /sync that was dealt with."""
        kept = self._read("since")
        return None if kept is None else kept.decode()

    def keep_reading(self, since: str) -> None:
        self._write("since", since.encode())

    def _read(self, name: str) -> bytes | None:
        try:
            return (self.path / name).read_bytes()
        except FileNotFoundError:
            return None

    def _write(self, name: str, content: bytes) -> None:
        """Whole or not at all."""
        new = self.path / f"{name}.new"
        new.unlink(missing_ok=True)
        with os.fdopen(os.open(new, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "wb") as file:
            file.write(content)
        new.replace(self.path / name)


def _locked_away(path: Path) -> int:
    """The folder made, and its lock file opened."""
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    path.chmod(0o700)
    return os.open(path / "lock", os.O_CREAT | os.O_RDWR, 0o600)
