"""At the end of this folder's tests: every page there is, in both languages, as a picture and under axe's rules."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.async_api import Route

from bridge.web.security import HEADERS
from tests.bridge.web.axe import assert_accessible
from tests.bridge.web.pictures import ALBUM
from tests.bridge.web.world import World
from tests.support.process import ROOT

#: Where the pictures are for whoever wants to look at them.
PICTURES = ROOT / "var" / "pictures"
HERE = Path(__file__).parent


@pytest.mark.timeout(1200)  # seconds; some 300 pages, a third of a second each on an idle machine
async def test_every_page_is_accessible_in_both_languages(browsing: World) -> None:
    """0 violations on each, nothing wider than 320 px; and no page that no test has ever seen."""
    PICTURES.mkdir(parents=True, exist_ok=True)
    page = await browsing.page()
    html = ""

    async def answer(route: Route) -> None:
        await route.fulfill(body=html, content_type="text/html; charset=utf-8", headers=HEADERS)

    await page.route("**/the-page", answer)
    broken = []
    for number, (template, language, text) in enumerate(ALBUM.pages()):
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
    assert not broken, "\n".join(broken)
    if ALBUM.files >= set(HERE.glob("test_*.py")):  # not with T= or -k, which run some of them
        assert not ALBUM.never_made()
