"""An old client on a small screen, in a lesson with more cameras than it can show."""

from __future__ import annotations

from tests.media.signal.browser import PHONE, Viewer, browsers
from tests.media.world import calls, eventually

#: Frames: a second of what a pupil of these tests sends. The frames that were on their way count as well.
A_SECOND, ON_THE_WAY = 15, 2


async def only_the_visible_are_decoded(phone: Viewer) -> bool:
    """While every picture on the screen goes on for a second, the others stand still."""
    before = await phone.page.evaluate("tiles()")
    visible = {name for name, (is_visible, _) in before.items() if is_visible}
    assert 0 < len(visible) < len(before)
    now = before

    async def on() -> bool:
        nonlocal now
        now = await phone.page.evaluate("tiles()")
        return all(now[name][1] >= before[name][1] + A_SECOND for name in visible)

    await eventually(on, f"{sorted(visible)} go on")
    hidden = before.keys() - visible
    return all(now[name][1] <= before[name][1] + ON_THE_WAY for name in hidden)


async def test_a_phone_is_sent_what_its_screen_shows() -> None:
    """livekit-client 2.13.8 among twelve cameras: what is off the screen is not sent until it is scrolled to."""
    async with calls() as world, browsers(world) as chromium:
        pupils = [f"pupil{number}" for number in range(12)]
        for name in pupils:
            pupil = await world.join(name, auto_subscribe=False, decode=False)
            await pupil.publish_camera(160, 90, simulcast=False)
        phone = await chromium.join("phone", version="2.13.8", device=PHONE)
        await phone.until("document.querySelectorAll('video').length == 12", "has twelve tiles")
        await eventually(lambda: only_the_visible_are_decoded(phone), "the others are paused")

        await phone.page.evaluate("scrollTo(0, document.body.scrollHeight)")
        visible = [name for name, tile in (await phone.page.evaluate("tiles()")).items() if tile[0]]
        for name in visible:
            await phone.sees(name)
        await eventually(lambda: only_the_visible_are_decoded(phone), "the first are paused")
