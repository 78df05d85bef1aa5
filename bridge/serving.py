"""The process: pages, figures and loops, started together and stopped in order.

First no new request is taken and those under way are answered, then messages under way are sent, then the loops end.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import web

from bridge.bot.running import Bot
from bridge.chores import finish_soon, tidy_hourly
from bridge.config import Config
from bridge.delivery import Delivery
from bridge.logs import AccessLog
from bridge.metrics import TOO_SLOW
from bridge.ports_directory import DirectoryDown, DirectoryRefused
from bridge.ports_homeserver import HomeserverDown, HomeserverRefused
from bridge.roles import UserId
from bridge.web.app import build
from bridge.wiring import Machine, StoppedEarly, Wired, wired
from serving.failures import failure_of
from serving.listening import LOOPBACK, listening, metrics_app
from serving.logs import first_of, kind_of, place_of
from serving.patience import patient
from serving.settings import BadConfig

logger = logging.getLogger(__name__)
requests = logging.getLogger("bridge.requests")

#: Seconds for requests and messages under way when we are asked to end; systemd waits 30.
STOP_S = 10.0
#: Seconds until a loop that failed begins again; then the last one repeats.
BEGIN_AGAIN_S = (1.0, 5.0, 30.0)
#: Seconds between two lines about a Synapse that does not answer.
SAY_AGAIN_S = 5.0


async def serve(config: Config, machine: Machine, stop: asyncio.Event) -> None:
    """Serve until `stop` is set.

    Raises:
        BadConfig: names the setting; nothing was served.
    """
    try:
        async with wired(config, machine, stop) as bridge:
            await _serve(config, machine, bridge, stop)
    except StoppedEarly:
        pass
    except BaseExceptionGroup as group:  # of the TaskGroup below
        bad = group.subgroup(BadConfig)
        if bad is None:
            raise
        raise first_of(bad) from None
    logger.info("stopped")


async def _serve(config: Config, machine: Machine, bridge: Wired, stop: asyncio.Event) -> None:
    services = bridge.services
    delivery = Delivery(
        store=services.store,
        vault=services.vault,
        senders=bridge.senders,
        clock=services.clock,
    )
    async with asyncio.TaskGroup() as group:
        sending = group.create_task(always("delivery", delivery.run))
        loops = [
            sending,
            group.create_task(always("writer", services.writer.run)),
            group.create_task(always("chores", lambda: tidy_hourly(services))),
            group.create_task(always("approvals", lambda: finish_soon(services))),
            group.create_task(always("look", lambda: say_until_synapse_answers(bridge))),
        ]
        if config.clients.calls:
            asks = services.calls.run
            loops.append(group.create_task(always("calls", lambda: asks(bridge.session))))
        if config.bot:
            bot = Bot(
                services=services,
                session=bridge.session,
                as_token=bridge.registration.as_token,
                seconds=machine.seconds,
            )
            loops.append(group.create_task(always("bot", bot.run)))
        try:
            app = build(services)
            runner = _runner(app)
            async with (
                _figures(config.metrics_port),
                patient(app, runner, TOO_SLOW.inc),
                listening(
                    runner,
                    config.listen_host,
                    config.listen_port,
                    "listen_port",
                ),
            ):
                logger.info("pages served url=%s", config.public_url)
                await stop.wait()
                logger.info("stopping")
        finally:
            delivery.quiet.set()
            await asyncio.wait([sending], timeout=STOP_S)
            for loop in loops:
                loop.cancel()


def _runner(app: web.Application) -> web.AppRunner:
    return web.AppRunner(
        app, access_log_class=AccessLog, access_log=requests, shutdown_timeout=STOP_S
    )


@asynccontextmanager
async def _figures(port: int | None) -> AsyncIterator[None]:
    """For Prometheus, on this machine only."""
    if port is None:
        yield
        return
    async with listening(_runner(metrics_app()), LOOPBACK, port, "metrics_port"):
        yield


async def always(part: str, run: Callable[[], Coroutine[Any, Any, None]]) -> None:
    """Run a loop; if it fails, say so and begin again: no part takes the others down."""
    failures = 0
    while True:
        error = await failure_of(run())
        if error is None:
            return
        wait_s = BEGIN_AGAIN_S[min(failures, len(BEGIN_AGAIN_S) - 1)]
        failures += 1
        logger.error(
            "part failed part=%s error=%s at=%s again_s=%.0f",
            part,
            kind_of(error),
            place_of(error),
            wait_s,
        )
        await asyncio.sleep(wait_s)


async def say_until_synapse_answers(bridge: Wired) -> None:
    """The pages are there at once and say "try again"; whoever looks at the log sees what they wait for."""
    services = bridge.services
    sender = UserId(f"@{bridge.registration.sender_localpart}:{services.config.server_name}")
    while True:
        try:
            await services.directory.orgs()
            await services.homeserver.account(sender)
        except (DirectoryDown, DirectoryRefused, HomeserverDown, HomeserverRefused) as error:
            logger.warning("waiting for Synapse kind=%s why=%s", kind_of(error), error)
            await asyncio.sleep(SAY_AGAIN_S)
        else:
            logger.info("Synapse answers url=%s", services.config.homeserver_url)
            return
