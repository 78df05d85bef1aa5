"""One Synapse and one Chromium for all tests of pages, a school and pages of its own for each.

All of it lives in the event loop of the session; a fixture of your own that is async needs
`@pytest_asyncio.fixture(loop_scope="session")`.
"""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser, async_playwright, expect
from pytest_asyncio import is_async_test

from tests.bridge.web.pictures import ALBUM
from tests.bridge.web.world import World, open_world
from tests.support.chromium import OFFLINE
from tests.support.fleet import Fleet
from tests.support.polling import DEADLINE_S
from tests.support.process import not_installed
from tests.support.synapse import Homeserver

HERE = Path(__file__).parent
expect.set_options(timeout=DEADLINE_S * 1000)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Every async test of this folder runs in the session's loop, where the browser is."""
    marker = pytest.mark.asyncio(loop_scope="session")
    for item in items:
        if HERE in item.path.parents and is_async_test(item):
            item.add_marker(marker, append=False)


@pytest.fixture(autouse=True, scope="session")
def _album() -> Iterator[None]:
    """Every page that is made is kept for `test_zz_every_page.py`."""
    with ALBUM.watching():
        yield


@pytest.fixture(autouse=True)
def _this_file_ran(request: pytest.FixtureRequest) -> None:
    ALBUM.files.add(request.path)


@pytest.fixture(scope="session")
def school_server(homeserver: Fleet) -> Homeserver:
    """Synapse with the module and the bridge's application service."""
    server = homeserver(appservice=True, module={"poll_interval_s": 0.1, "apply_rate": 400.0})
    server.wait_for_tables()
    server.wait_for_own_accounts()
    return server


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def chromium() -> AsyncIterator[Browser]:
    """Debian's Chromium, without a network of its own."""
    path = shutil.which("chromium")
    if path is None:
        not_installed("chromium")
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=path,
            args=OFFLINE,
        )
        yield browser
        await browser.close()


@pytest_asyncio.fixture(loop_scope="session")
async def world(school_server: Homeserver, tmp_path: Path) -> AsyncIterator[World]:
    """A school and its pages, for tests that speak HTTP."""
    async with open_world(school_server, tmp_path) as opened:
        yield opened


@pytest_asyncio.fixture(loop_scope="session")
async def browsing(
    school_server: Homeserver, tmp_path: Path, chromium: Browser
) -> AsyncIterator[World]:
    """The same with Chromium: `await browsing.page("T1")`."""
    async with open_world(school_server, tmp_path, chromium) as opened:
        yield opened
