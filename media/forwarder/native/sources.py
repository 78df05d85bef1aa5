"""What a build of the native forwarder is made of: a build that was made of something else is stale."""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path

_ROOT = Path(__file__).parents[3]
#: The contract; it is in every installation.
API = _ROOT / "media" / "forwarder" / "api.py"
#: The Rust sources; they are in a checkout only.
RUST = _ROOT / "rust"
_SUFFIXES = {".rs", ".toml", ".lock"}
#: What stands there too and goes into no build: the load generator, fuzzing, and what a plain `cargo` makes.
_APART = {"fuzz", "load", "noise", "target"}
#: Of a crate: its tests.
_TESTS = {"examples", "tests"}


def api_hash(api: Path = API) -> str:
    """SHA-256 of the contract, hexadecimal."""
    return sha256(api.read_bytes()).hexdigest()


def _is_built(parts: tuple[str, ...]) -> bool:
    return parts[0] not in _APART and not _TESTS.intersection(parts[1:2])


def rust_hash(rust: Path = RUST) -> str | None:
    """SHA-256 over names and contents of the Rust sources, hexadecimal; None where there are none."""
    files = sorted(
        each
        for each in rust.rglob("*")
        if each.suffix in _SUFFIXES and _is_built(each.relative_to(rust).parts)
    )
    if not files:
        return None
    together = sha256()
    for file in files:
        content = sha256(file.read_bytes()).hexdigest()
        together.update(f"{file.relative_to(rust).as_posix()} {content}\n".encode())
    return together.hexdigest()
