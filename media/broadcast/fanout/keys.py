"""A node's own key: made once, in a file that nobody else may read."""

from __future__ import annotations

import os
from pathlib import Path

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from serving.secret_files import BadSecret, text_of

#: In the folder of broadcasts.
FILE = "node.key"


def node_key(folder: Path) -> Ed25519PrivateKey:
    """The key of this node; made if there is none.

    Raises:
        BadSecret: the file is there and cannot be used, or cannot be made.
    """
    path = folder / FILE
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return _read(path)
    except OSError as error:
        raise BadSecret(f"{path}: {type(error).__name__}") from None
    key = Ed25519PrivateKey.generate()
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    with os.fdopen(handle, "wb") as file:
        file.write(pem)
        file.flush()
        os.fsync(file.fileno())
    return key


def _read(path: Path) -> Ed25519PrivateKey:
    try:
        key = load_pem_private_key(text_of(path, "ascii").encode(), None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise BadSecret(f"{path}: no private key") from None
    if not isinstance(key, Ed25519PrivateKey):
        raise BadSecret(f"{path}: a key of another kind")
    return key
