"""The watch page in Chromium with hls.js, and the pages of words, in front of a house of the tests."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from aiohttp.test_utils import TestServer
from attrs import define, evolve
from playwright.async_api import Browser, BrowserContext, Page, Route, expect

from media.broadcast.pages import render
from media.broadcast.pages.shown import Phase, Refusal
from tests.bridge.web.axe import assert_accessible
from tests.media.broadcast.pages.stream import LINES, Origin, record
from tests.media.broadcast.pages.world import CONCERT, Remembering, app_of, player
from tests.media.element_call.world import PICTURES, chromium
from tests.support.polling import until_async

pytestmark = [pytest.mark.integration, pytest.mark.asyncio(loop_scope="module")]
expect.set_options(timeout=60_000)

VIEWERS, HOSTS = "/live/t-viewer/concert/watch", "/live/t-host/concert"
#: Pages of a heading and a sentence: one picture of such is enough.
ALIKE = ("paused", "not_found", "expired", "unavailable")
SIZES = ((1280, 900), (320, 700))


@define
class Stand:
    """A house, its stream, and a browser in front of both."""

    house: Remembering
    origin: Origin
    browser: Browser
    url: str
    contexts: list[BrowserContext]

    async def open(self, path: str, **options: Any) -> Page:
        options = {"locale": "ru-RU", "viewport": {"width": 1280, "height": 900}} | options
        context = await self.browser.new_context(base_url=self.url, **options)
        self.contexts.append(context)
        page = await context.new_page()
        await page.goto(path)
        return page


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def stand(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Stand]:
    await asyncio.to_thread(player)
    folder: Path = tmp_path_factory.mktemp("stream")
    await asyncio.to_thread(record, folder)
    loop = asyncio.get_running_loop()
    house = Remembering()
    origin = Origin(folder, loop.time)
    app = app_of(house, loop.time)
    origin.add_routes(app)
    async with TestServer(app) as server, chromium() as browser:
        yield Stand(house, origin, browser, str(server.make_url("")).rstrip("/"), [])


@pytest_asyncio.fixture(loop_scope="module")
async def world(stand: Stand) -> AsyncIterator[Stand]:
    fresh = Remembering()
    for name in ("broadcast", "refusal", "deaf", "hand", "beats", "asked", "hands", "done"):
        setattr(stand.house, name, getattr(fresh, name))
    stand.origin.begin()
    yield stand
    for context in stand.contexts:
        await context.close()
    stand.contexts.clear()


async def fact(probe: Callable[[], bool], what: str) -> None:
    async def look() -> bool:
        return probe()

    await until_async(look, what=what)


async def nothing_cut_off(page: Page) -> None:
    await page.set_viewport_size({"width": 320, "height": 700})
    assert await page.evaluate(OUTSIDE) == []
    await page.set_viewport_size({"width": 1280, "height": 900})


async def pictures(page: Page, name: str) -> None:
    """Kept in var/pictures, to be looked at: wide and at 320 px."""
    PICTURES.mkdir(parents=True, exist_ok=True)
    before = page.viewport_size
    for width, height in SIZES:
        await page.set_viewport_size({"width": width, "height": height})
        await page.screenshot(path=PICTURES / f"watch_{name}_{width}.png", full_page=True)
    if before is not None:
        await page.set_viewport_size(before)


async def test_a_concert(world: Stand, monkeypatch: pytest.MonkeyPatch) -> None:
    """It starts by itself, obeys keys, survives a dead origin without loading anew, counts, and ends in words."""
    monkeypatch.setattr(render, "EVERY_S", 2)
    page = await world.open(VIEWERS)
    broken: list[str] = []
    page.on("console", lambda line: broken.append(line.text) if "Refused" in line.text else None)
    said, video = page.locator("#said"), page.locator("#video")
    await expect(said).to_have_text("Трансляция идёт.")
    await page.evaluate("window.never = 'loaded again'")
    await assert_accessible(page)
    await pictures(page, "live_ru")
    await nothing_cut_off(page)

    await page.keyboard.press("Space")
    await expect(said).to_have_text("Пауза. Трансляция идёт дальше.")
    await expect(page.get_by_role("button", name="Смотреть")).to_be_visible()
    await page.keyboard.press("k")
    await expect(page.get_by_role("button", name="Пауза")).to_be_visible()
    await page.keyboard.press("m")
    await expect(said).to_have_text("Звук выключен.")
    await page.keyboard.press("ArrowDown")
    await expect(said).to_have_text("Громкость 90 %")
    await page.keyboard.press("f")
    await until_async(lambda: page.evaluate("!!document.fullscreenElement"), what="full screen")
    await page.keyboard.press("f")
    await until_async(lambda: page.evaluate("!document.fullscreenElement"), what="no full screen")

    await page.get_by_label("Вопрос ведущим").fill("Когда")
    await page.keyboard.press("Space")
    await page.keyboard.type("конец?")
    assert not await video.evaluate("one => one.paused")
    await page.get_by_role("button", name="Отправить вопрос").click()
    await expect(page.locator("#sent")).to_have_text("Вопрос отправлен ведущим.")
    await expect(page.get_by_label("Вопрос ведущим")).to_have_value("")
    await page.get_by_role("button", name="Поднять руку").click()
    await expect(page.get_by_role("button", name="Опустить руку")).to_be_visible()
    assert (world.house.asked, world.house.hands) == (["Когда конец?"], [True])

    world.origin.down = True
    await expect(said).to_have_text("Связь прервалась. Подключаемся снова…")
    world.origin.down = False
    await expect(said).to_have_text("Связь восстановлена.", timeout=10_000)
    assert await page.evaluate("window.never") == "loaded again"

    await page.get_by_label("Качество").select_option("90p")
    await expect(said).to_have_text("Качество: 90p.")
    beats = world.house.beats
    await fact(lambda: any(one.level == LINES and one.latency_s for one in beats), "picture")
    await page.get_by_label("Качество").select_option("sound")
    await fact(lambda: "sound.m3u8" in world.origin.asked, "sound asked for")
    await fact(lambda: any(one.level == 0 for one in beats), "sound only")
    world.origin.over = True
    await expect(said).to_have_text("Трансляция закончилась.")
    assert await page.evaluate("window.never") == "loaded again"
    assert not broken


#: What is pressed and is cut off, or lower than a finger needs. The player hides what juts out of it.
OUTSIDE = """[...document.querySelectorAll('button, select, textarea, summary, main a')].filter(one => one.offsetParent)
  .map(one => [one.id || one.textContent, one.getBoundingClientRect()])
  .filter(([, box]) => box.left < 0 || box.right > 310 || box.height < 44).map(([name]) => name)"""
RESUME = """async ([address, sources, script]) => {
  const {Resume} = await import(address);
  const one = new Resume(sources), told = [];
  for (const [name, ...given] of script) told.push(one[name](...given));
  return told;
}"""


async def play(page: Page, sources: list[str], *script: list[Any]) -> list[Any]:
    """What `resume.js` answers, step by step."""
    address = f"{render.STATIC}/resume.js"
    found: list[Any] = await page.evaluate(RESUME, [address, sources, list(script)])
    return found


async def test_going_on(world: Stand) -> None:
    """resume.js: soon at first, then then within three seconds, each time from the next edge, no two tries at once."""
    page = await world.open(f"{render.STATIC}/watch.css")
    near, far = "", "https://edge2.test/"
    first, twice, second, third, fourth = await play(
        page,
        [near, far],
        ["failed", "network", 0, 0.5],
        ["failed", "still", 299, 0.5],
        ["failed", "network", 300, 0.5],
        ["failed", "network", 5000, 0.999],
        ["failed", "network", 10_000, 0.0],
    )
    assert first == {"act": "load", "after": 300, "source": far}
    assert twice is None
    assert second == {"act": "load", "after": 600, "source": near}
    assert [third["source"], fourth["source"]] == [far, near]
    waits = await play(page, [near], *(["failed", "network", 5000 * n, 0.999] for n in range(40)))
    assert all(one["source"] == near and one["after"] < 3000 for one in waits)

    media = await play(page, [near], *(["failed", "media", at, 0.5] for at in (0, 100, 9000)))
    assert [one["act"] for one in media] == ["recover", "load", "recover"]
    assert await play(page, [near], ["failed", "refused", 0, 0]) == [{"act": "leave"}]


async def test_standing_still(world: Stand) -> None:
    """resume.js: a picture that moves says so once, one that stands is noticed after 4 s; a pause is no fault."""
    page = await world.open(f"{render.STATIC}/watch.css")
    moving = [["look", at * 500, at * 0.5, True] for at in range(4)]
    assert await play(page, [""], *moving) == ["", "started", "", ""]
    still = [["look", 2000 + at * 500, 1.5, True] for at in range(9)]
    assert (await play(page, [""], *moving, *still))[4:] == [*[""] * 7, "still", "still"]
    paused = [["look", 2000 + at * 500, 1.5, False] for at in range(40)]
    assert set((await play(page, [""], *moving, *paused))[4:]) == {""}
    lost = [["failed", "still", 6000, 0.5], ["look", 6500, 1.5, True], ["look", 7000, 2, True]]
    assert (await play(page, [""], *moving, *lost))[5:] == ["", "back"]
    opening = [["look", at * 1000, 0, True] for at in range(9)]
    assert (await play(page, [""], *opening))[6:] == ["", "still", "still"]


async def test_a_lost_edge(world: Stand) -> None:
    """An edge that answers nothing any more is left for the next one without loading the page (A9: within 10 s)."""
    world.house.broadcast = evolve(CONCERT, sources=("near/", ""))
    page = await world.open(VIEWERS)
    said = page.locator("#said")
    await expect(said).to_have_text("Трансляция идёт.")
    await page.evaluate("window.never = 'loaded again'")
    world.origin.lost = True
    await expect(said).to_have_text("Связь прервалась. Подключаемся снова…", timeout=15_000)
    await expect(said).to_have_text("Связь восстановлена.", timeout=10_000)
    assert await page.evaluate("window.never") == "loaded again"


async def test_going_back_and_to_live(world: Stand) -> None:
    """The left arrow goes back and plays at its own pace; "to live" is offered then, and catches up again."""
    world.origin.began = world.origin.clock() - 20  # there is something to go back to
    page = await world.open(VIEWERS)
    await expect(page.locator("#said")).to_have_text("Трансляция идёт.")
    edge = page.get_by_role("button", name="К прямому эфиру")
    await expect(edge).to_be_hidden()
    await page.keyboard.press("ArrowLeft")
    await expect(edge).to_be_visible()
    assert await page.locator("#video").evaluate("one => one.playbackRate") == 1
    await edge.click()
    await expect(edge).to_be_hidden()


async def test_the_player_travels_gzipped(world: Stand) -> None:
    """Ten thousand phones fetch 120 kB each, once a year."""
    context = await world.browser.new_context(base_url=world.url)
    world.contexts.append(context)
    answer = await context.request.get(f"/watch/static/{render.HLS}/hls.light.min.js")
    assert answer.headers["content-encoding"] == "gzip"
    assert int(answer.headers["content-length"]) < 125_000
    assert "immutable" in answer.headers["cache-control"]


async def test_pages_of_words(world: Stand) -> None:
    """Waiting, over, refused, the panel: accessible in both languages and on 320 px, light and dark."""
    page = await world.open(VIEWERS)
    for language in ("ru", "en"):
        await page.emulate_media(color_scheme="dark" if language == "en" else "light")
        for phase in (Phase.WAITING, Phase.PAUSED, Phase.ENDED):
            world.house.broadcast = evolve(CONCERT, phase=phase, materials_url="/materials")
            await shown(page, f"{VIEWERS}?lang={language}", f"{phase.value}_{language}")
        for phase in (Phase.WAITING, Phase.LIVE):
            world.house.broadcast = evolve(CONCERT, phase=phase)
            await shown(page, f"{HOSTS}/host?lang={language}", f"host_{phase.value}_{language}")
        for why in Refusal:
            world.house.refusal = why
            await shown(page, f"/watch/concert?lang={language}", f"{why.value}_{language}")
        world.house.refusal = None
    await page.get_by_role("link", name="Русский").click()
    assert await page.get_attribute("html", "lang") == "ru"


async def shown(page: Page, path: str, name: str) -> None:
    await page.goto(path)
    await assert_accessible(page)
    if not name.startswith(ALIKE):
        await pictures(page, name)


async def test_without_javascript(world: Stand) -> None:
    """A hand, a question, and a host's start work as plain forms."""
    page = await world.open(VIEWERS, java_script_enabled=False)
    await page.get_by_role("button", name="Поднять руку").click()
    await expect(page.get_by_text("Рука поднята.", exact=True)).to_be_visible()
    await expect(page.get_by_role("button", name="Опустить руку")).to_be_visible()
    await page.get_by_label("Вопрос ведущим").fill("Где ноты?")
    await page.get_by_role("button", name="Отправить вопрос").click()
    await expect(page.get_by_text("Вопрос отправлен ведущим.")).to_be_visible()
    assert world.house.asked == ["Где ноты?"]
    world.house.broadcast = evolve(CONCERT, phase=Phase.WAITING)
    await page.goto(f"{HOSTS}/host")
    await page.get_by_role("button", name="Начать трансляцию").click()
    await expect(page.get_by_role("alert")).to_contain_text("отметьте")
    await page.get_by_label("Я понимаю").check()
    await page.get_by_role("button", name="Начать трансляцию").click()
    await expect(page.get_by_text("Трансляция началась.")).to_be_visible()
    assert world.house.done == ["start"]


async def test_entering_with_the_account_of_this_browser(world: Stand) -> None:
    """Whoever is signed in on the call page goes straight to the video; the house is shown an OpenID token only."""
    page = await world.open(f"{render.STATIC}/watch.css")
    await page.route("**/config.json", served)
    await page.route("https://matrix.school.test/**", served)
    session = '{"user_id": "@masha:school.test", "device_id": "D", "access_token": "secret"}'
    await page.evaluate("text => localStorage.setItem('matrix-auth-store', text)", session)
    await page.goto("/watch/concert")
    await page.wait_for_url("**/live/t-viewer/concert/watch")
    await expect(page.locator("#said")).to_have_text("Трансляция идёт.")


async def served(route: Route) -> None:
    """What the call page and the homeserver would answer."""
    home = {"base_url": "https://matrix.school.test", "server_name": "school.test"}
    body = {"default_server_config": {"m.homeserver": home}, "access_token": "good"}
    headers = {"Access-Control-Allow-Origin": "*", "Access-Control-Allow-Headers": "*"}
    await route.fulfill(json=body, headers=headers)
