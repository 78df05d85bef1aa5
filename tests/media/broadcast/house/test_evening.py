"""A school's evening, whole: real Synapse with the module, the calls server as a process, Chromium on both sides."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Iterator
from urllib.parse import quote

import pytest
import pytest_asyncio
from livekit import rtc
from playwright.async_api import Page, expect

from tests.bridge.web.axe import assert_accessible
from tests.media.broadcast.pages.world import player
from tests.media.element_call.world import PICTURES, chromium, school_with_calls
from tests.media.pages.world import OPERATOR, Guest, HostWorld
from tests.support.fleet import Fleet
from tests.support.media import MediaProcess
from tests.support.polling import until_async
from tests.support.process import ROOT
from tests.support.school import School

pytestmark = [pytest.mark.integration, pytest.mark.asyncio(loop_scope="module")]
expect.set_options(timeout=60_000)


@pytest.fixture(scope="module")
def school(
    homeserver: Fleet, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[School, MediaProcess]]:
    folder = tmp_path_factory.mktemp("media")
    section = {"folder": str(folder / "broadcasts"), "player": str(player())}
    with school_with_calls(homeserver, folder, operator=OPERATOR, broadcasts=section) as made:
        yield made


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def world(school: tuple[School, MediaProcess]) -> AsyncIterator[HostWorld]:
    async with chromium() as browser:
        opened = HostWorld(*school, browser)
        yield opened
        await opened.leave()


async def pictures(page: Page, name: str) -> None:
    """Kept in var/pictures, to be looked at: wide and at 320 px."""
    PICTURES.mkdir(parents=True, exist_ok=True)
    before = page.viewport_size
    for width, height in ((1280, 900), (320, 700)):
        await page.set_viewport_size({"width": width, "height": height})
        await page.screenshot(path=PICTURES / f"evening_{name}_{width}.png", full_page=True)
    if before is not None:
        await page.set_viewport_size(before)


async def said(world: HostWorld, words: str) -> str:
    """The message with these words that a pupil finds in the room of the class 5А."""
    room = quote(world.school.room_id("class", "5А"))
    path = f"/_matrix/client/v3/rooms/{room}/messages?dir=b&limit=20"

    async def find() -> str | None:
        account = world.account("P1")
        found = await asyncio.to_thread(world.server.call, "GET", path, account.access_token)
        bodies = [str(event["content"].get("body", "")) for event in found["chunk"]]
        return next((body for body in bodies if words in body), None)

    body = await until_async(find, what=words, deadline_s=60.0)
    assert body is not None
    return body


async def created(host: Page) -> str:
    """A broadcast of the class 5А, made by its teacher → its id."""
    await expect(host.get_by_role("heading", name="Трансляции")).to_be_visible()
    await assert_accessible(host)
    await pictures(host, "list")
    await host.get_by_label("Название").fill("Концерт 5А")
    await host.get_by_label("Кто смотрит").select_option(label="5А")
    await host.get_by_role("button", name="Создать трансляцию").click()
    await expect(host.get_by_role("heading", name="Концерт 5А")).to_be_visible()
    await assert_accessible(host)
    await pictures(host, "led")
    return host.url.rpartition("/")[2]


async def shown(host: Page, broadcast_id: str) -> None:
    """This browser's camera and microphone go to the server."""
    camera = await host.context.new_page()
    await camera.goto(f"/broadcasts/{broadcast_id}/camera")
    await assert_accessible(camera)
    await camera.get_by_role("button", name="Показывать", exact=True).click()
    await expect(camera.locator("#said")).to_have_text("Картинка и звук идут на сервер.")
    await pictures(camera, "camera")
    await host.reload()
    await expect(host.get_by_text("Картинка и звук приходят.")).to_be_visible()


async def started(host: Page) -> None:
    """Only after the tick that says who sees it (R48)."""
    await host.get_by_role("button", name="Начать трансляцию").click()
    await expect(host.get_by_role("alert")).to_be_visible()
    await host.get_by_label("Я понимаю").check()
    await host.get_by_role("button", name="Начать трансляцию").click()
    await expect(host.get_by_text("Трансляция началась.")).to_be_visible()


async def film(guest: Guest) -> None:
    """A camera whose picture changes, until it is cancelled."""
    source = rtc.VideoSource(320, 180)
    track = rtc.LocalVideoTrack.create_video_track("camera", source)
    options = rtc.TrackPublishOptions(source=rtc.TrackSource.SOURCE_CAMERA, simulcast=False)
    await guest.room.local_participant.publish_track(track, options)
    shade = 0
    while True:
        shade = (shade + 7) % 256
        rgba = bytes((shade, 255 - shade, 90, 255)) * (320 * 180)
        source.capture_frame(rtc.VideoFrame(320, 180, rtc.VideoBufferType.RGBA, rgba))
        await asyncio.sleep(0.1)


async def watched(world: HostWorld, source_id: str, broadcast_id: str) -> Page:
    """The page of a viewer, with pictures that move."""
    page = await world.open(source_id, f"/watch/{broadcast_id}")
    # Whoever comes in its first seconds may have to ask twice.
    await expect(page.locator("#said")).to_have_text(re.compile("Трансляция идёт|восстановлена"))
    seen = "() => document.getElementById('video').getVideoPlaybackQuality().totalVideoFrames"
    await until_async(lambda: page.evaluate(f"({seen})() > 20"), what="pictures")
    return page


def named(world: HostWorld) -> None:
    """Each figure of the dashboard and of the alerts is one that the process has."""
    said = world.media.figures()
    for path in ("grafana/broadcasts.json", "prometheus/sferum.rules.yml"):
        text = (ROOT / "deploy" / path).read_text("utf-8")
        for name in set(re.findall(r"sferum_broadcast_\w+", text)):
            assert name.removesuffix("_bucket") in said, name


async def restarted(world: HostWorld, viewer: Page) -> None:
    """The process is killed and comes again: publisher and viewer go on by themselves, no page is loaded anew."""
    await viewer.evaluate("window.never = 'loaded again'")
    await asyncio.to_thread(world.media.kill)
    await asyncio.to_thread(world.media.start)
    moved = "() => document.getElementById('video').currentTime"
    before = await viewer.evaluate(moved)

    async def goes_on() -> bool:
        return bool(await viewer.evaluate(f"({moved})() > {before} + 3"))

    await until_async(goes_on, what="pictures after a restart", deadline_s=60.0)
    await expect(viewer.locator("#said")).to_have_text("Связь восстановлена.")
    assert await viewer.evaluate("window.never") == "loaded again"


async def test_an_evening(world: HostWorld) -> None:
    """Created, shown from a browser, watched by a pupil, ended; the recording is seen by whoever saw the broadcast."""
    host = await world.open("T1", "/broadcasts")
    broadcast_id = await created(host)
    await shown(host, broadcast_id)
    await started(host)
    assert f"/watch/{broadcast_id}" in await said(world, "Концерт 5А")

    pupil = await watched(world, "P1", broadcast_id)
    await assert_accessible(pupil)
    await pictures(pupil, "watch")
    await host.reload()
    await assert_accessible(host)
    await pictures(host, "on_air")
    stranger = await world.open("T3", f"/watch/{broadcast_id}")
    await expect(stranger.locator("#wrong")).to_contain_text("того класса")
    await restarted(world, pupil)
    await asyncio.to_thread(named, world)
    figures = await asyncio.to_thread(world.media.metrics)
    assert figures["sferum_broadcast_on_air"] == 1
    assert figures["sferum_broadcast_origin_parts"] > 0

    await host.get_by_label("Закончить для всех").check()
    await host.get_by_role("button", name="Закончить трансляцию").click()
    await expect(host.get_by_text("Трансляция закончена.")).to_be_visible()
    await expect(pupil.locator("#said")).to_have_text("Трансляция закончилась.")
    await said(world, "апись готова")
    await pupil.goto(f"/watch/{broadcast_id}")
    recording = pupil.locator("video[controls]")
    await expect(recording).to_be_visible()
    await until_async(lambda: recording.evaluate("one => one.duration > 3"), what="the recording")
    await assert_accessible(pupil)
    await pictures(pupil, "recording")
    await host.reload()
    await expect(host.get_by_text("Запись готова")).to_be_visible()
    await pictures(host, "over")
    await world.leave()


async def test_a_call_on_the_air(world: HostWorld) -> None:
    """A teacher's camera of a call under way is chosen by a press, and a pupil who is not in the call sees it."""
    room_id = world.school.room_id("class", "5А")
    teacher = await world.join("T1", room_id)
    await teacher.publish_tone()
    async with asyncio.TaskGroup() as group:
        filming = group.create_task(film(teacher))
        host = await world.open("T1", "/broadcasts")
        broadcast_id = await created(host)
        await started(host)
        button = host.get_by_role("button", name="Камера: ФамилияT1 Имя")

        async def offered() -> bool:
            await host.reload()
            return await button.count() == 1

        await until_async(offered, what="the camera of the call")
        await assert_accessible(host)
        await pictures(host, "call")
        await button.click()
        await expect(host.get_by_text("Теперь показывается выбранное.")).to_be_visible()

        async def opened() -> bool:
            await host.reload()
            return await host.get_by_text("идёт", exact=True).count() == 1

        await until_async(opened, what="something to watch")
        await watched(world, "P1", broadcast_id)
        await host.get_by_label("Закончить для всех").check()
        await host.get_by_role("button", name="Закончить трансляцию").click()
        await expect(host.get_by_text("Трансляция закончена.")).to_be_visible()
        filming.cancel()
