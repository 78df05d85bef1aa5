"""What a page of another origin sees in Chromium: Element Call is never served from the calls server's address."""

from __future__ import annotations

import shutil
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from playwright.async_api import async_playwright

from tests.media.access.world import BASE, SFU_URL, World, openid, running, sfu_get
from tests.support.fleet import Fleet
from tests.support.process import not_installed

pytestmark = pytest.mark.integration

#: As Element Call asks: JSON, which makes the browser ask for permission first.
FETCH = """async ([url, body]) => {
  const answer = await fetch(url, {method: 'POST', headers: {'Content-Type': 'application/json'}, body});
  return [answer.status, await answer.json()];
}"""


async def in_a_page(world: World, *asked: tuple[str, str | None]) -> list[tuple[int, Any]]:
    """Status and JSON of each POST; an answer that the browser hides is an exception."""
    path = shutil.which("chromium")
    if path is None:
        not_installed("chromium")
    app = web.Application()

    async def page_of_another_origin(_request: web.Request) -> web.StreamResponse:
        return web.Response(text="<title>call</title>", content_type="text/html")

    app.router.add_get("/", page_of_another_origin)
    async with TestServer(app) as server, async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=path, args=["--no-sandbox", "--disable-gpu", "--no-first-run"]
        )
        page = await browser.new_page()
        await page.goto(str(server.make_url("/")))
        found = [
            await page.evaluate(FETCH, [world.url + BASE + where, body]) for where, body in asked
        ]
        await browser.close()
    return [(status, answer) for status, answer in found]


async def test_every_answer_can_be_read(homeserver: Fleet) -> None:
    """A token, a refusal, the probe with an empty body, an address that does not exist: the page sees each of them."""
    synapse = homeserver()
    ann = synapse.register("ann")
    async with running(synapse) as world:
        body = web.json_response(sfu_get("!r:school.test", await openid(synapse, ann))).text
        granted, refused, probed, missing = await in_a_page(
            world,
            ("/sfu/get", body),
            ("/sfu/get", "{}"),
            ("/delegate_delayed_leave", None),
            ("/nothing", "{}"),
        )
    assert (granted[0], granted[1]["url"]) == (200, SFU_URL)
    assert (refused[0], refused[1]["errcode"]) == (400, "M_BAD_JSON")
    assert probed[0] not in {200, 404}  # anything but 404: delayed leaves are taken over
    assert (missing[0], missing[1]["errcode"]) == (404, "M_UNRECOGNIZED")
