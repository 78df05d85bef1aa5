"""The loop that sends what waits in the outbox, soon after it was put there."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from datetime import datetime

from attrs import define, field

from bridge.metrics import MESSAGES
from bridge.outbox import deliver_due
from bridge.ports import Store, Vault
from bridge.ports_sending import Senders
from bridge.wiring import is_set_within
from serving.logs import kind_of, place_of

logger = logging.getLogger(__name__)

#: Seconds between two looks: whoever waits for a code counts them. One look is one indexed query.
LOOK_S = 0.2
#: A gateway that hangs holds up its own round only. Each round takes at most 20 messages.
ROUNDS = 8
#: Seconds until the next look after the database has failed.
RECOVER_S = 2.0


@define(kw_only=True, eq=False)
class Delivery:
    """Until `quiet` is set; rounds under way are finished first."""

    store: Store
    vault: Vault
    senders: Senders
    clock: Callable[[], datetime]
    quiet: asyncio.Event = field(factory=asyncio.Event)
    _under_way: set[int] = field(factory=set, init=False)
    _failed: bool = field(default=False, init=False)

    async def run(self) -> None:
        number = 0
        async with asyncio.TaskGroup() as group:
            while not self.quiet.is_set():
                if len(self._under_way) < ROUNDS:
                    number += 1
                    self._under_way.add(number)
                    group.create_task(self._round(number))
                await is_set_within(self.quiet, RECOVER_S if self._failed else LOOK_S)

    async def _round(self, number: int) -> None:
        try:
            delivered = await deliver_due(
                self.clock(), store=self.store, vault=self.vault, senders=self.senders
            )
        except Exception as error:  # a database that is away must not end the loop
            self._failed = True
            logger.error("delivery failed error=%s at=%s", kind_of(error), place_of(error))  # noqa: TRY400 (a trace could quote)
        else:
            self._failed = False
            MESSAGES.labels("sent").inc(delivered.sent)
            MESSAGES.labels("postponed").inc(delivered.postponed)
            MESSAGES.labels("dropped").inc(delivered.dropped)
        finally:
            self._under_way.discard(number)
