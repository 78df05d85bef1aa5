"""One Synapse for all tests of the bot, a school of its own for each."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import pytest_asyncio

from tests.bridge.bot.office import Office, open_office
from tests.support.configuration import NO_RATE_LIMITS
from tests.support.fleet import Fleet
from tests.support.synapse import Homeserver


@pytest.fixture(scope="package")
def bot_server(homeserver: Fleet) -> Iterator[Homeserver]:
    """Synapse with the module and the bridge's application service."""
    server = homeserver(
        appservice=True,
        module={"poll_interval_s": 0.05, "apply_rate": 400.0},
        overrides=NO_RATE_LIMITS,
    )
    server.wait_for_tables()
    server.wait_for_own_accounts()
    yield server
    server.stop()


@pytest_asyncio.fixture
async def office(bot_server: Homeserver, tmp_path: Path) -> AsyncIterator[Office]:
    """A school; its bot is not started yet."""
    async with open_office(bot_server, tmp_path) as opened:
        yield opened
