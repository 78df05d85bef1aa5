"""Accessibility of a page as it stands: axe-core's rules, none of them broken; and nothing cut off at 320 px."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import axe_playwright_python
from playwright.async_api import Error, Page, ViewportSize

AXE = (Path(axe_playwright_python.__file__).parent / "axe.min.js").read_text("utf-8")
RUN = (
    AXE
    + """
;axe.run(document, {resultTypes: ['violations']}).then(
  ({violations}) => [violations, document.documentElement.scrollWidth])"""
)
NARROWEST: ViewportSize = {"width": 320, "height": 740}


async def assert_accessible(page: Page) -> None:
    """0 violations (WCAG 2.2 A and AA, and axe's best practices), and no sideways scrolling at 320 px.

    Raises:
        AssertionError: names rules and elements.
    """
    violations, wide = await _evaluated(page, RUN)
    broken = [
        f"{one['id']}: {one['help']}: {', '.join(node['html'][:120] for node in one['nodes'])}"
        for one in violations
    ]
    assert not broken, f"{page.url}\n" + "\n".join(broken)
    size = page.viewport_size
    if size != NARROWEST:
        await page.set_viewport_size(NARROWEST)
        wide = await _evaluated(page, "document.documentElement.scrollWidth")
        if size is not None:
            await page.set_viewport_size(size)
    assert wide <= 320, f"{page.url} is {wide} px wide on a screen of 320"


async def _evaluated(page: Page, expression: str) -> Any:
    """In a page that has arrived whole: a click returns with its first bytes.

    Pages that look again by themselves (`Refresh`) may do so in the middle; then once more.
    """
    while True:
        await page.wait_for_load_state()
        try:
            return await page.evaluate(expression)
        except Error as error:
            if "context was destroyed" not in error.message:
                raise


async def assert_accessible_everywhere(page: Page, path: str) -> None:
    """The same for a page that can be opened by its address, in Russian and in English.

    The visitor's own language is Russian again afterwards.
    """
    if not page.url.startswith("http"):
        await page.goto("/health")
    base = "/".join(page.url.split("/")[:3])  # a cookie for the whole site, not for a folder of it
    for language in ("en", "ru"):
        await page.context.add_cookies([{"name": "lang", "value": language, "url": base}])
        response = await page.goto(path)
        assert response is not None
        assert response.status < 400, f"{path}: {response.status}"
        assert await page.get_attribute("html", "lang") == language
        await assert_accessible(page)
