"""From the printed card to the first message in the class, in a real browser: screens and seconds."""

from __future__ import annotations

import shutil
import time
from typing import TYPE_CHECKING, Any

from playwright.async_api import Page, async_playwright

from tests.support.chromium import OFFLINE

if TYPE_CHECKING:
    from bench.doorstep import Doorstep, Gateway

PASSWORD = "четыре слова и 8"


async def from_the_card(door: Doorstep, gateway: Gateway) -> dict[str, Any]:
    """A pupil holds the class's link: page after page until their hello stands in the class room.

    Typing takes no time here; `typed_characters` says how much of it there is.
    """
    pupil = door.extra
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=OFFLINE
        )
        context = await browser.new_context(
            base_url=door.url, locale="ru-RU", viewport={"width": 360, "height": 740}
        )
        page = await context.new_page()
        screens = 0
        began = time.monotonic()
        await page.goto(pupil.link)
        screens += 1
        await page.fill("[name=phone]", pupil.phone)
        await _press(page)
        screens += 1
        await page.fill("[name=code]", await gateway.code_to(pupil.phone))
        await page.fill("[name=password]", PASSWORD)
        await _press(page)
        screens += 1
        await page.wait_for_selector("form[action='/hello'] textarea", timeout=60_000)
        typed = len(pupil.phone) + 6 + len(PASSWORD)
        await page.click("form[action='/hello'] button")
        await page.wait_for_url("**said=hello")
        took = time.monotonic() - began
        await browser.close()
    return {
        "screens_card_to_message": screens,
        "seconds_card_to_message": round(took, 2),
        "typed_characters": typed,
    }


async def _press(page: Page) -> None:
    await page.click("main form button:not(.plain):not(.second)")
