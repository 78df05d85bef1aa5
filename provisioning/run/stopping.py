"""Ctrl-C, SIGTERM and a closed terminal end the program in order: first what we started, then ourselves."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from attrs import define


class Stopped(BaseException):
    """Somebody asked us to end. A BaseException, so that no `except Exception` on the way swallows it."""


@define
class Stopping:
    """Turns the first signal into `Stopped`, but not in the middle of a step that must be whole.

    While children are being stopped, more signals are ignored: they could leave one behind.
    """

    _held: bool = False
    _asked: bool = False

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Catch the signals inside the block."""
        numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
        before = [signal.signal(number, self._on_signal) for number in numbers]
        try:
            yield
        finally:
            for number, handler in zip(numbers, before, strict=True):
                signal.signal(number, handler)

    @contextmanager
    def held(self) -> Iterator[None]:
        """Finish the block first, such as starting a child and remembering it."""
        self._held = True
        try:
            yield
        finally:
            self._held = False
        if self._asked:
            raise Stopped

    def ignore(self) -> None:
        """From now on we are stopping anyway."""
        self._held = True

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        del number, frame
        if self._asked:
            return
        self._asked = True
        if not self._held:
            raise Stopped
