"""A server under test, whoever made it: its processes, and how a call in it is filled."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from typing import Protocol

from bench.load.plan import Mix
from bench.load.program import Program


class Peer(Protocol):
    @property
    def name(self) -> str:
        """In names of figures: `ours_native`, `janus_default`."""

    @property
    def pids(self) -> Sequence[int]:
        """Whose CPU is counted."""

    def fill(self, mix: Mix, people: int, room: str) -> AbstractAsyncContextManager[Program]:
        """A call of so many, handshakes done, their sockets with the native part; nothing is sent yet."""
