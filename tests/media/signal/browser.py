"""livekit-client, in versions of several years, in Debian's Chromium and Firefox ESR."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Protocol

import pytest
from aiohttp import web
from attrs import define
from playwright.async_api import Browser, async_playwright

from tests.media.signal.firefox import Firefox, firefox
from tests.media.world import LESSON, World, eventually
from tests.support.chromium import CAMERAS
from tests.support.process import ROOT

SCRIPTS = ROOT / "var" / "npm"
PAGE = Path(__file__).parent / "livekit_page.js"
VERSIONS = ("2.13.8", "2.15.7", "2.22.3", "2.23.0")
#: The one inside Element Call 0.26.1.
USUAL = "2.22.3"
#: An old Android phone, as Chromium's developer tools make one.
PHONE = {
    "user_agent": "Mozilla/5.0 (Linux; Android 7.0; Moto G (4)) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/119.0.0.0 Mobile Safari/537.36",
    "viewport": {"width": 360, "height": 640},
    "device_scale_factor": 3,
    "is_mobile": True,
    "has_touch": True,
}
RELAY_ONLY = {"rtcConfig": {"iceTransportPolicy": "relay"}}


class Page(Protocol):
    """Playwright's, or one of Firefox."""

    async def goto(self, url: str) -> Any: ...

    async def evaluate(self, expression: str, arg: Any = None) -> Any: ...


@define
class Viewer:
    """A participant in a page."""

    name: str
    page: Page

    async def sees(self, identity: str, width: int = 0, deadline_s: float = 60.0) -> None:
        """Ten more decoded pictures, of this width where one is named."""
        before = await self.page.evaluate("name => sees(name)", identity)
        begun = before[2] if before else 0

        async def more() -> bool:
            nonlocal begun
            now = await self.page.evaluate("name => sees(name)", identity)
            if now and now[2] < begun:  # another element: the track was subscribed to anew
                begun = now[2]
            return bool(now) and now[2] >= begun + 10 and width in (0, now[0])

        await eventually(more, f"{self.name} sees {identity} {width or ''}", deadline_s)

    async def hears(self, identity: str, deadline_s: float = 60.0) -> None:
        begun = await self.page.evaluate("name => hears(name)", identity)

        async def more() -> bool:
            return bool(await self.page.evaluate("name => hears(name)", identity) > begun + 1e-4)

        await eventually(more, f"{self.name} hears {identity}", deadline_s)

    async def happened(self, what: str) -> Any:
        return await self.page.evaluate(f"happened.{what}")

    async def until(self, expression: str, what: str, deadline_s: float = 60.0) -> None:
        """Wait until an expression of the page is true."""

        async def asked() -> object:
            return await self.page.evaluate(f"(async () => {expression})()")

        await eventually(asked, f"{self.name}: {what}", deadline_s)


@define
class Browsers:
    world: World
    _browser: Browser | Firefox
    _url: str

    async def join(
        self,
        name: str,
        *,
        version: str = USUAL,
        v1: bool = True,
        room: str = LESSON,
        options: Mapping[str, Any] | None = None,
        relay: bool = False,
        device: Mapping[str, Any] | None = None,
        **grants: Any,
    ) -> Viewer:
        """`options`: of livekit-client's Room. `relay`: reach the server through a relay or not at all.

        `device`: what Chromium pretends to be.
        """
        if isinstance(self._browser, Firefox):
            page: Page = await self._browser.new_page()
        else:
            page = await self._browser.new_page(**(device or {}))
        await page.goto(f"{self._url}/?{version}")
        options = dict(options or {}) | ({} if v1 else {"singlePeerConnection": False})
        await page.evaluate(
            f"join({json.dumps(self.world.ws)}, {json.dumps(self.world.token(name, room, **grants))},"
            f" {json.dumps(options)}, {json.dumps(RELAY_ONLY if relay else {})})"
        )
        return Viewer(name, page)


def _fetch() -> None:
    fetched = subprocess.run([ROOT / "scripts" / "install-livekit-clients", SCRIPTS], check=False)
    if fetched.returncode:
        pytest.skip("livekit-client cannot be fetched")


@asynccontextmanager
async def browsers(world: World) -> AsyncIterator[Browsers]:
    path = shutil.which("chromium")
    if path is None:
        pytest.skip("chromium is not installed")
    _fetch()
    async with _pages() as url, async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=path, args=CAMERAS)
        try:
            yield Browsers(world, browser, url)
        finally:
            await browser.close()


@asynccontextmanager
async def firefoxes(world: World) -> AsyncIterator[Browsers]:
    """The same in Firefox ESR."""
    _fetch()
    async with _pages() as url, firefox() as browser:
        yield Browsers(world, browser, url)


@asynccontextmanager
async def _pages() -> AsyncIterator[str]:
    async def page(request: web.Request) -> web.StreamResponse:
        version = request.query_string
        return web.Response(
            text='<meta name=viewport content="width=device-width">'
            f'<body><script src="/livekit-client-{version}.js"></script><script src="/page.js"></script>',
            content_type="text/html",
        )

    async def script(_request: web.Request) -> web.StreamResponse:
        return web.FileResponse(PAGE)

    app = web.Application()
    app.router.add_get("/", page)
    app.router.add_get("/page.js", script)
    app.router.add_static("/", SCRIPTS)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    host, port = runner.addresses[0][:2]
    try:
        yield f"http://{host}:{port}"
    finally:
        await runner.cleanup()
