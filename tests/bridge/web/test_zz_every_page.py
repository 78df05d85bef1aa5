"""At the end of this folder's tests: every page there is, in both languages, as a picture and under axe's rules."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.async_api import Page, Route

from bridge.web.security import HEADERS
from tests.bridge.web.axe import assert_accessible
from tests.bridge.web.pictures import ALBUM
from tests.bridge.web.world import World
from tests.support.process import ROOT

#: Where the pictures are for whoever wants to look at them.
PICTURES = ROOT / "var" / "pictures"
HERE = Path(__file__).parent


#: Pixels, the narrowest screen there is. Pages are looked at on it, so that none is drawn twice.
WIDTH = 320
#: Pages that are looked at at once: while one is drawn for its picture, another is judged.
TABS = 2


@pytest.mark.timeout(1200)  # seconds; some 300 pages, a third of a second each on an idle machine
async def test_every_page_is_accessible_in_both_languages(browsing: World) -> None:
    """0 violations on each, nothing wider than 320 px; and no page that no test has ever seen."""
    PICTURES.mkdir(parents=True, exist_ok=True)
    pages = enumerate(ALBUM.pages())
    broken: list[str] = []
    async with asyncio.TaskGroup() as group:
        for _ in range(TABS):
            group.create_task(look_at(pages, await browsing.page(width=WIDTH), broken))
    assert not broken, "\n".join(broken)
    if ALBUM.files >= set(HERE.glob("test_*.py")):  # not with T= or -k, which run some of them
        assert not ALBUM.never_made()


async def look_at(
    pages: Iterator[tuple[int, tuple[str, str, str]]], page: Page, broken: list[str]
) -> None:
    """Whatever is next, until nothing is left; `broken` gets what is wrong."""
    html = ""

    async def answer(route: Route) -> None:
        await route.fulfill(body=html, content_type="text/html; charset=utf-8", headers=HEADERS)

    await page.route("**/the-page", answer)
    for number, (template, language, text) in pages:
        if template.startswith("print/"):
            continue  # paper: its QR codes are read back in test_teacher_paper.py
        html = text
        await page.goto("/the-page")
        name = template.removesuffix(".html").replace("/", "_")
        await page.screenshot(path=PICTURES / f"{name}_{number:03}_{language}.png", full_page=True)
        try:
            await assert_accessible(page)
        except AssertionError as error:
            broken.append(f"{template} {language}: {error}")
