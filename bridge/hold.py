"""Things that one task at a time may touch, several of them taken at once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Set
from contextlib import asynccontextmanager

from attrs import define, field


@define
class Hold:
    """Taken all or none, so that two tasks with overlapping sets cannot wait for each other for ever."""

    _taken: set[str] = field(factory=set, init=False)
    _freed: asyncio.Condition = field(factory=asyncio.Condition, init=False)

    @asynccontextmanager
    async def on(self, names: Set[str]) -> AsyncIterator[None]:
        """Wait until nobody else holds any of them."""
        async with self._freed:
            await self._freed.wait_for(lambda: not self._taken & names)
            self._taken |= names
        try:
            yield
        finally:
            async with self._freed:
                self._taken -= names
                self._freed.notify_all()
