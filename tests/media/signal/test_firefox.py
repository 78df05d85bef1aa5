"""livekit-client in Debian's Firefox ESR and in Chromium, together in calls of our server."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from attrs import frozen

from tests.media.signal.browser import Browsers, Viewer, browsers, firefoxes
from tests.media.signal.test_resuming import client_of, cut
from tests.media.world import World, calls, eventually

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.integration]

BOTH = pytest.mark.parametrize("v1", [False, True], ids=["v0", "v1"])
LARGE = "document.querySelector('video').style.cssText = 'width: 1280px; height: 720px'"
SMALL = "document.querySelector('video').style.cssText = 'width: 160px; height: 90px'"


@frozen
class Both:
    world: World
    chromium: Browsers
    firefox: Browsers


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def both() -> AsyncIterator[Both]:
    """One node and one browser of each kind for the module; each test has a room of its own."""
    async with (
        calls() as world,
        browsers(world) as chromium,
        firefoxes(world) as firefox,
    ):
        yield Both(world, chromium, firefox)


async def publish(*viewers: Viewer) -> None:
    for one in viewers:
        await one.page.evaluate("camera(true)")
        await one.page.evaluate("microphone(true)")


@BOTH
async def test_firefox_and_chromium_see_and_hear_each_other(both: Both, v1: bool) -> None:
    """Camera and microphone both ways; what Firefox publishes in three layers is decoded in the size that is shown."""
    room = f"meeting {v1}"
    fox = await both.firefox.join("fox", v1=v1, room=room)
    chrome = await both.chromium.join("chrome", v1=v1, room=room)
    await publish(fox, chrome)
    await chrome.sees("fox")
    await chrome.hears("fox")
    await fox.sees("chrome")
    await fox.hears("chrome")
    for one, other in ((chrome, "fox"), (fox, "chrome")):
        await one.page.evaluate(LARGE)
        await one.sees(other, width=1280)
        await one.page.evaluate(SMALL)
        await one.sees(other, width=320)
