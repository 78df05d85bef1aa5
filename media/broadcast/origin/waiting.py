"""Requests that wait for the next part (RFC 8216bis 6.2.5.2). One judgement answers all who wait for the same."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from attrs import define, field

from media.broadcast.hls.answers import Answer, No, Refused, Wait
from media.broadcast.hls.names import Ask


@define(eq=False)
class _Group:
    future: asyncio.Future[Answer]
    timer: asyncio.TimerHandle


@define(eq=False)
class Waiting:
    """Of one broadcast.

    Attributes:
        longest_s: then everybody of a group is answered LATE, the last ones a little early.
        count: requests that wait now.
    """

    longest_s: float
    count: int = field(default=0, init=False)
    _groups: dict[Ask, _Group] = field(factory=dict, init=False, repr=False)

    async def wait(self, ask: Ask) -> Answer:
        """The answer when there is one."""
        group = self._groups.get(ask)
        if group is None:
            loop = asyncio.get_running_loop()
            timer = loop.call_later(self.longest_s, self._late, ask)
            group = self._groups[ask] = _Group(loop.create_future(), timer)
        self.count += 1
        try:
            return await asyncio.shield(group.future)
        finally:
            self.count -= 1

    def settle(self, judge: Callable[[Ask], Answer]) -> None:
        """Something has changed."""
        for ask in list(self._groups):
            answer = judge(ask)
            if not isinstance(answer, Wait):
                self._answer(ask, answer)

    def release(self) -> None:
        """Nobody will be answered any more: they ask again."""
        for ask in list(self._groups):
            self._late(ask)

    def _late(self, ask: Ask) -> None:
        self._answer(ask, Refused(No.LATE))

    def _answer(self, ask: Ask, answer: Answer) -> None:
        group = self._groups.pop(ask)
        group.timer.cancel()
        group.future.set_result(answer)
