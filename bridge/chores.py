"""What is done by the clock: every hour whatever no rule looks at any more is forgotten, whatever is over ends."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime, timedelta

from attrs import frozen

from bridge import onboarding, roster_upload
from bridge.deciding import expire_applications, finish_approved
from bridge.disputes import release_due
from bridge.leaving import erase_due
from bridge.material_chores import drop_dead_files
from bridge.metrics import CHORES_DONE
from bridge.services import Services
from bridge.writer import forget_done
from serving.logs import kind_of, place_of

logger = logging.getLogger(__name__)

#: Seconds after the start, so that a bridge that is restarted every day tidies too, and between two rounds.
FIRST_S, EVERY_S = 60.0, 3600.0
#: Seconds until an approval whose account took its time, or that a crash cut off, is called finished.
SOON_S = 10.0
#: Lists of steps that are done or given up are kept for as long as somebody may ask what happened.
STEPS_KEPT = timedelta(days=30)

Work = Callable[[datetime, Services], Awaitable[object]]


@frozen
class Chore:
    """`name` is a stable word: logged and counted."""

    name: str
    work: Work


async def _codes(now: datetime, services: Services) -> None:
    await onboarding.forget_old(now, store=services.store)


async def _browsers(now: datetime, services: Services) -> None:
    async with services.store.begin() as work:
        await work.sessions.purge(now)
        await work.journeys.purge(now)


async def _uploads(now: datetime, services: Services) -> None:
    await roster_upload.forget_old(now, store=services.store)


async def _steps(now: datetime, services: Services) -> None:
    await forget_done(now - STEPS_KEPT, store=services.store)


#: Forgetting first: it needs no other server.
CHORES = (
    Chore("codes", _codes),
    Chore("browsers", _browsers),
    Chore("uploads", _uploads),
    Chore("steps", _steps),
    Chore("applications", lambda now, services: expire_applications(now, services=services)),
    Chore("disputes", lambda now, services: release_due(now, services=services)),
    Chore("materials", drop_dead_files),
    Chore("departures", lambda now, services: erase_due(now, services=services)),
)


async def tidy(services: Services, now: datetime, chores: Sequence[Chore] = CHORES) -> None:
    """Every chore once. One that fails is tried again in an hour and holds up no other."""
    for chore in chores:
        try:
            await chore.work(now, services)
        except Exception as error:
            CHORES_DONE.labels(chore.name, "failed").inc()
            logger.error(  # noqa: TRY400 (a trace may quote values)
                "chore failed chore=%s error=%s at=%s", chore.name, kind_of(error), place_of(error)
            )
        else:
            CHORES_DONE.labels(chore.name, "done").inc()
    logger.info("chores done count=%s", len(chores))


async def tidy_hourly(
    services: Services,
    *,
    first_s: float = FIRST_S,
    every_s: float = EVERY_S,
    chores: Sequence[Chore] = CHORES,
) -> None:
    """For ever."""
    await asyncio.sleep(first_s)
    while True:
        await tidy(services, services.clock(), chores)
        await asyncio.sleep(every_s)


async def finish_soon(services: Services, *, every_s: float = SOON_S) -> None:
    """For ever: applicants and colleagues wait for it."""
    while True:
        await asyncio.sleep(every_s)
        await finish_approved(services.clock(), services=services)
