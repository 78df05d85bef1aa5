"""The operator's folder: `district.json` (what the next register will say), keys, and `register.json`, signed.

Every file is replaced whole, so a crash leaves the old one or the new one.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from attrs import frozen
from nacl.signing import SigningKey

from provisioning.district import refusals
from provisioning.district.draft import Draft, contents, is_octets, read_draft
from provisioning.district.signing import from_base64, public, to_base64

#: Bytes; what every school refuses to read beyond.
LARGEST = 1_000_000


@frozen
class Folder:
    """Where an operator keeps the register."""

    path: Path

    @property
    def register(self) -> Path:
        """The last one signed."""
        return self.path / "register.json"

    @property
    def draft(self) -> Path:
        return self.path / "district.json"

    def key_file(self, number: int) -> Path:
        """The secret half of the operator's key of that number, mode 600."""
        return self.path / f"operator-{number}.key"

    def begin(self) -> None:
        """Make the folder, for its owner only.

        Raises:
            RegisterExists.
        """
        self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
        if self.draft.exists():
            raise refusals.RegisterExists(str(self.path))

    def read(self) -> Draft:
        """
        Raises:
            NoRegister, Unreadable.
        """
        if not self.draft.exists():
            raise refusals.NoRegister(str(self.path))
        try:
            return read_draft(read_json(self.draft))
        except (KeyError, TypeError, ValueError, AttributeError):
            raise refusals.Unreadable(str(self.draft)) from None

    def write(self, draft: Draft) -> None:
        replace(self.draft, pretty(contents(draft)))

    def make_key(self, number: int, made: SigningKey) -> SigningKey:
        """Keep a new key; one that is there already (of a change of keys that was cut short) is taken instead."""
        path = self.key_file(number)
        if not path.exists():
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(descriptor, "w") as file:
                file.write(to_base64(bytes(made)) + "\n")
                file.flush()
                os.fsync(file.fileno())
        return self._key(number)

    def signing_key(self, draft: Draft) -> SigningKey:
        """The key that signs.

        Raises:
            NoSigningKey: not there, or not the one whose public half the register has.
        """
        number = len(draft.operator_keys)
        key = self._key(number)
        if public(key) != draft.operator_keys[-1].key:
            raise refusals.NoSigningKey(str(self.key_file(number)))
        return key

    def _key(self, number: int) -> SigningKey:
        path = self.key_file(number)
        try:
            text = path.read_text("ascii").strip()
        except (OSError, UnicodeDecodeError):
            text = ""
        if not is_octets(text, 32):
            raise refusals.NoSigningKey(str(path))
        return SigningKey(from_base64(text))


def read_json(path: Path) -> dict[str, Any]:
    """One JSON object of at most `LARGEST` bytes.

    Raises:
        Unreadable.
    """
    try:
        with path.open("rb") as file:
            data = file.read(LARGEST + 1)
        found = json.loads(data) if len(data) <= LARGEST else None
    except (OSError, ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise refusals.Unreadable(str(path))
    return found


def pretty(document: Mapping[str, Any]) -> bytes:
    """As a person reads it; the signature does not depend on spaces."""
    return (json.dumps(document, ensure_ascii=False, indent=1, sort_keys=True) + "\n").encode()


def replace(path: Path, data: bytes, mode: int | None = None) -> None:
    """Write beside it, then rename.

    Args:
        mode: who may read it, from the first byte on; None: whoever the system lets.
    """
    beside = path.with_name(f".{path.name}.new")
    with beside.open("wb") as file:
        if mode is not None:
            os.fchmod(file.fileno(), mode)
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    beside.replace(path)
