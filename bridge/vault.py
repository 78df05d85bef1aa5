"""The keys of the bridge and what is done with them: hashed lookups, sealed values.

Losing the pepper loses who has which phone; losing the sealing key loses the numbers. Both are made
once, kept outside the database, and never change by themselves.
"""

from __future__ import annotations

import hashlib
import hmac
import os
from collections.abc import Callable
from pathlib import Path

from attrs import field, frozen
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from bridge.records import Lookup, Sealed
from serving.secret_files import BadSecret, text_of

KEY_BYTES = 32
NONCE_BYTES = 12  # NIST SP 800-38D, 8.2: random nonces are safe for 2^32 messages per key
VERSION = b"\x01"  # first byte of a sealed value, for a change of cipher


class CannotUnseal(Exception):
    """Sealed with another key or for another purpose, or damaged."""


class BadKeyFile(Exception):
    """The file of keys cannot be used; the message says why."""


@frozen
class FileVault:
    """Implements `ports.Vault`. One secret, three keys made from it for three uses."""

    _secret: bytes = field(repr=False)
    _random_bytes: Callable[[int], bytes] = field(repr=False, default=os.urandom)

    def __attrs_post_init__(self) -> None:
        if len(self._secret) != KEY_BYTES:
            raise BadKeyFile(f"want {KEY_BYTES} bytes, got {len(self._secret)}")

    @classmethod
    def read(cls, path: Path) -> FileVault:
        """The keys from a file of 64 hexadecimal digits that nobody else may read.

        Raises:
            BadKeyFile: missing, readable by others, or not a key.
        """
        try:
            secret = bytes.fromhex(text_of(path, "ascii"))
        except BadSecret as error:
            raise BadKeyFile(str(error)) from None
        except ValueError as error:
            raise BadKeyFile(f"{path}: {type(error).__name__}") from None
        return cls(secret)

    @classmethod
    def make(cls, path: Path) -> FileVault:
        """A new file of keys. An existing one is never overwritten."""
        with os.fdopen(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "w") as file:
            file.write(os.urandom(KEY_BYTES).hex() + "\n")
        return cls.read(path)

    @property
    def code_key(self) -> bytes:
        return self._key("code")

    def lookup(self, subject: str) -> Lookup:
        return Lookup(hmac.new(self._key("lookup"), subject.encode(), hashlib.sha256).digest())

    def seal(self, plain: bytes, purpose: str) -> Sealed:
        """AES-256-GCM; `purpose` is bound to it, so a sealed value cannot be moved to another row or use."""
        nonce = self._random_bytes(NONCE_BYTES)
        cipher = AESGCM(self._key("seal")).encrypt(nonce, plain, purpose.encode())
        return Sealed(VERSION + nonce + cipher)

    def unseal(self, sealed: Sealed, purpose: str) -> bytes:
        nonce, cipher = sealed[1 : 1 + NONCE_BYTES], sealed[1 + NONCE_BYTES :]
        if sealed[:1] != VERSION or len(nonce) != NONCE_BYTES:
            raise CannotUnseal("not a sealed value of this version")
        try:
            return AESGCM(self._key("seal")).decrypt(nonce, cipher, purpose.encode())
        except InvalidTag:
            raise CannotUnseal("another key or purpose, or damaged") from None

    def _key(self, use: str) -> bytes:
        # The secret is uniform, so one HMAC is HKDF-Expand for one block (RFC 5869, 2.3).
        return hmac.new(self._secret, f"sferum bridge {use}\x01".encode(), hashlib.sha256).digest()
