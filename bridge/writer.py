"""The one writer: carries out what was decided about accounts, in Synapse and in the directory.

`enqueue` in the transaction of the decision, `finish` after it. Of one account one list after the other, of several
accounts some at once. A list that cannot be done now waits; one that can never be done is dead: its payload is gone,
the word of what went wrong stays.
"""

from __future__ import annotations

import asyncio
import enum
import logging
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from attrs import define, field

from bridge import steps_json
from bridge.account_steps import AccountSteps, Failure
from bridge.answers import Chance
from bridge.carrying import Later, Never, carry_out
from bridge.metrics import STEPS, STEPS_DEAD, UNDER_WAY
from bridge.ports import Repositories, Store, Vault, WriterTurn
from bridge.ports_directory import Directory
from bridge.ports_homeserver import Homeserver
from bridge.records import StepsId, StepsItem, StepsState
from bridge.steps import Steps
from bridge.vault import CannotUnseal
from serving.failures import failure_of
from serving.json_object import BadJson

logger = logging.getLogger(__name__)

#: Accounts at once. More would only wait inside Synapse, which hashes passwords on its own few threads.
AT_ONCE = 8
#: Far longer than any list takes; a process that takes over does not wait for it (`take_back`).
LEASE = timedelta(minutes=10)
#: Seconds until the next try; then the last one repeats.
RETRY_AFTER_S = (1, 2, 5, 15, 60, 300)
#: A list is tried for so long: a school's server may be away for the holidays' first days.
TRIED_FOR = timedelta(days=7)
#: Seconds between two looks for lists that another process has written or that have become due.
LOOK_AGAIN_S = 1.0
#: Seconds until the loop begins again after the bridge's own database has failed.
RECOVER_S = 2.0


class Finished(enum.Enum):
    DONE = "done"
    PENDING = "pending"  # not yet: it goes on by itself
    DEAD = "dead"


class TurnLost(Exception):
    """Another process may be the writer by now."""


async def enqueue(
    work: Repositories, steps: Steps, now: datetime, vault: Vault, chance: Chance
) -> StepsId:
    """Keep a list, sealed, in the transaction that has decided on it. `Writer.finish` after its end."""
    steps_id = StepsId(chance.new_id())
    await work.steps.add(
        StepsItem(
            id=steps_id,
            user_id=steps.user_id,
            payload=vault.seal(steps_json.pack(steps), _purpose(steps_id)),
            made_at=now,
            due_at=now,
            org_id=steps.org_id,
        )
    )
    return steps_id


async def forget_done(before: datetime, *, store: Store) -> int:
    """Forget what was done or given up before; how many lists. Nothing personal is left in them by then."""
    async with store.begin() as work:
        return await work.steps.purge(before)


@define(kw_only=True, eq=False)
class Writer:
    """Attributes:
    clock: the wall clock.
    retry_after_s: see `RETRY_AFTER_S`.
    """

    store: Store
    vault: Vault
    directory: Directory
    homeserver: Homeserver
    clock: Callable[[], datetime]
    retry_after_s: Sequence[float] = RETRY_AFTER_S
    _accounts: AccountSteps = field(init=False)
    _woken: asyncio.Event = field(factory=asyncio.Event, init=False)
    _under_way: set[StepsId] = field(factory=set, init=False)
    _waiting: dict[StepsId, list[asyncio.Event]] = field(factory=dict, init=False)

    def __attrs_post_init__(self) -> None:
        self._accounts = AccountSteps(
            store=self.store, vault=self.vault, homeserver=self.homeserver
        )

    def wake(self) -> None:
        """Look for work now; `finish` does it too."""
        self._woken.set()

    async def finish(self, steps_id: StepsId, timeout_s: float) -> Finished:
        """Wait for a list, in whichever process the writer is. A newcomer's next page is then right."""
        loop = asyncio.get_running_loop()
        end = loop.time() + timeout_s
        settled = asyncio.Event()
        self._waiting.setdefault(steps_id, []).append(settled)
        try:
            while True:
                settled.clear()  # set by a try that failed, too
                self.wake()
                async with self.store.begin() as work:
                    state = await work.steps.state(steps_id)
                if state is not StepsState.WAITING:
                    return Finished.DONE if state is StepsState.DONE else Finished.DEAD
                left = end - loop.time()
                if left <= 0:
                    return Finished.PENDING
                await _wait(settled, min(left, LOOK_AGAIN_S))
        finally:
            events = self._waiting[steps_id]
            events.remove(settled)
            if not events:
                del self._waiting[steps_id]

    async def run(self) -> None:
        """Write for ever, when it is this process' turn. `__main__` puts it into its TaskGroup."""
        while True:
            error = await failure_of(self._write_in_turn())
            if error is not None:  # a database that is away must not end the bridge
                logger.error("writer begins again error=%s", _kind(error))
            await asyncio.sleep(RECOVER_S)

    async def _write_in_turn(self) -> None:
        async with self.store.only_writer() as turn:
            await self._write(turn)

    async def _write(self, turn: WriterTurn) -> None:
        async with self.store.begin() as work:
            taken_back = await work.steps.take_back(self.clock())
        logger.info("this process writes now lists_taken_back=%s", taken_back)
        async with asyncio.TaskGroup() as group:
            while True:
                if not await turn.is_mine():
                    raise TurnLost  # ends what is under way too: the next writer begins it again
                self._woken.clear()
                for item in await self._take():
                    self._under_way.add(item.id)
                    group.create_task(self._one(item))
                UNDER_WAY.set(len(self._under_way))
                await _wait(self._woken, LOOK_AGAIN_S)

    async def _take(self) -> list[StepsItem]:
        free = AT_ONCE - len(self._under_way)
        if not free:
            return []
        now = self.clock()
        async with self.store.begin() as work:
            return await work.steps.take_due(now, now + LEASE, free)

    async def _one(self, item: StepsItem) -> None:
        try:
            await self._settle(item, await self._tried(item))
        finally:
            self._under_way.discard(item.id)
            self.wake()
        for settled in self._waiting.get(item.id, ()):
            settled.set()

    async def _tried(self, item: StepsItem) -> Later | Never | None:
        try:
            steps = steps_json.unpack(self.vault.unseal(item.payload, _purpose(item.id)))
            return await carry_out(
                steps, again=item.tries > 1, accounts=self._accounts, directory=self.directory
            )
        except (CannotUnseal, BadJson):
            # The wrong key file, or an older program: neither may cost anybody their account.
            return Later("unreadable")
        except Exception as error:  # a bug of ours must not stop everybody else's lists
            return Later(f"error {_kind(error)}")

    async def _settle(self, item: StepsItem, outcome: Later | Never | None) -> None:
        now = self.clock()
        if isinstance(outcome, Later) and now >= item.made_at + TRIED_FOR:
            outcome = Never(Failure.TOO_LONG.value)
        async with self.store.begin() as work:
            match outcome:
                case None:
                    await work.steps.done(item.id, now)
                case Later(word):
                    await work.steps.postpone(item.id, now + self._pause(item), word)
                case Never(word):
                    await work.steps.give_up(item.id, now, word)
        _tell(item, outcome)

    def _pause(self, item: StepsItem) -> timedelta:
        tries = min(item.tries, len(self.retry_after_s))
        return timedelta(seconds=self.retry_after_s[tries - 1])


def _tell(item: StepsItem, outcome: Later | Never | None) -> None:
    """To the log and to the figures; ids and words of ours."""
    match outcome:
        case None:
            STEPS.labels("done").inc()
            logger.info("steps done id=%s account=%s tries=%s", item.id, item.user_id, item.tries)
        case Later(word):
            STEPS.labels("postponed").inc()
            logger.warning("steps postponed id=%s account=%s why=%s", item.id, item.user_id, word)
        case Never(word):
            STEPS.labels("dead").inc()
            STEPS_DEAD.labels(word).inc()
            logger.error("steps given up id=%s account=%s why=%s", item.id, item.user_id, word)


def _kind(error: BaseException) -> str:
    """The class of an error; its message could quote what a log must not have."""
    if isinstance(error, BaseExceptionGroup):
        return _kind(error.exceptions[0])
    return type(error).__name__


def _purpose(steps_id: StepsId) -> str:
    return f"steps:{steps_id}"


async def _wait(event: asyncio.Event, timeout_s: float) -> None:
    """Until it is set, at most so long."""
    try:
        async with asyncio.timeout(timeout_s):
            await event.wait()
    except TimeoutError:
        pass
