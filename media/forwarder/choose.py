"""Which forwarder runs: the native one where a build fits this version, the plain one otherwise.

A build of another version is refused, never used: it may know the contract as it was.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from types import ModuleType
from typing import Any

from attrs import frozen

from media.forwarder.api import Forwarder
from media.forwarder.native.sources import api_hash, rust_hash
from media.forwarder.plain.forwarder import PlainForwarder

MODULE = "sferum_forwarder"


class NoForwarder(Exception):
    """What was asked for cannot run; the message says why, and what to do."""


@frozen
class Choice:
    """`make` makes a new, empty forwarder; `why` is a sentence for the log.

    `engine`: the same forwarder with sockets and threads of its own, made of the files of UDP sockets
    (media/plane/engine.py); None for the plain one.
    """

    name: str
    make: Callable[[], Forwarder]
    why: str
    engine: Callable[[list[int]], Any] | None = None


def choose(wanted: str) -> Choice:
    """By `auto`, `native` or `plain`, as media.yaml has it.

    Raises:
        NoForwarder: `native` is wanted, and there is no build, or a stale one.
    """
    if wanted == "plain":
        return Choice("plain", PlainForwarder, "forwarder: plain, as configured")
    build = _build()
    refusal = "is not built; run `make native`" if build is None else stale(build)
    if build is not None and refusal is None:
        return Choice("native", build.NativeForwarder, "forwarder: native", build.MediaEngine)
    if wanted == "native":
        raise NoForwarder(f"forwarder: native {refusal}")
    return Choice("plain", PlainForwarder, f"forwarder: plain (native {refusal})")


def stale(build: ModuleType) -> str | None:
    """Why this build does not fit; None when it does. Where there are no Rust sources the contract alone decides."""
    rust = rust_hash()
    if getattr(build, "API", None) == api_hash() and rust in (None, getattr(build, "SOURCES", "")):
        return None
    return "was built from other sources and is not used; run `make native` again"


def _build() -> ModuleType | None:
    try:
        return importlib.import_module(MODULE)
    except ImportError:
        return None
