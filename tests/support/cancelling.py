"""Cancel a task at each place where it waits, one after the other: nowhere may it leave anything behind."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Generator
from enum import Enum
from functools import partial
from typing import Any

from attrs import define, field


class When(Enum):
    """Which of a wait's two ends.

    ASKED: it has just begun, so what was asked for happens while nobody listens any more.
    ANSWERED: it is over, but the task has not gone on yet.
    """

    ASKED = "asked"
    ANSWERED = "answered"


@define(eq=False)
class Cancelled:
    """Awaits a coroutine, and cancels the task it runs in at one of its waits.

    Attributes:
        at: the number of that wait, from 0.
        times: at how many waits from there on; more than one disturbs the tidying up too.
        waits: there were until now.
    """

    coroutine: Coroutine[Any, Any, Any]
    at: int
    when: When
    times: int = 1
    waits: int = field(default=0, init=False)

    def __await__(self) -> Generator[Any, Any, None]:
        steps = self.coroutine.__await__()
        go_on: Callable[[], Any] = partial(steps.send, None)
        while True:
            try:
                waited_for = go_on()
            except StopIteration:
                return
            if self.at <= self.waits < self.at + self.times:
                self._cancel(waited_for)
            self.waits += 1
            try:
                answer = yield waited_for
            except BaseException as error:  # the coroutine's to judge
                go_on = partial(steps.throw, error)
            else:
                go_on = partial(steps.send, answer)

    def _cancel(self, waited_for: Any) -> None:
        task = asyncio.current_task()
        assert task is not None
        if self.when is When.ANSWERED and isinstance(waited_for, asyncio.Future):
            # Before the task's own callback, which is added when it gets this future.
            waited_for.add_done_callback(lambda _: task.cancel())
        else:
            task.cancel()


async def cancel_everywhere(
    act: Callable[[], Coroutine[Any, Any, Any]],
    afterwards: Callable[[], Awaitable[None]],
    times: int = 1,
) -> int:
    """Run `act` until it has been cancelled at each of its waits; how many there are.

    `afterwards` is called each time with nothing of the run freed: its error and all that hangs in the traceback.

    Raises:
        Exception: what `act` raised instead of being cancelled, or what `afterwards` found.
    """
    at = 0
    while True:
        waits = 0
        for when in When:
            run = Cancelled(act(), at, when, times)
            (left,) = await asyncio.gather(_task(run), return_exceptions=True)
            if isinstance(left, Exception):
                raise left
            try:
                await afterwards()
            except Exception as error:
                error.add_note(f"cancelled at wait {at}, {when.value}, {times} times")
                raise
            waits = run.waits
            del left
        if waits <= at:  # that one there was not
            return waits
        at += 1


async def _task(run: Cancelled) -> None:
    await run
