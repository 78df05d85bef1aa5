"""The host page in Chromium, in front of a real Synapse with the module and a real calls server."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from typing import Any
from urllib.parse import quote

import pytest
import pytest_asyncio
from playwright.async_api import Locator, Page, expect

from tests.bridge.web.axe import assert_accessible
from tests.media.element_call.world import chromium, school_with_calls
from tests.media.pages.world import OPERATOR, HostWorld, picture
from tests.media.world import eventually
from tests.support.accounts import PASSWORD
from tests.support.fleet import Fleet
from tests.support.media import MediaProcess
from tests.support.school import School

pytestmark = [pytest.mark.integration, pytest.mark.asyncio(loop_scope="module")]

expect.set_options(timeout=60_000)
PHONE = "+75001000001"


@pytest.fixture(scope="module")
def school(
    homeserver: Fleet, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[School, MediaProcess]]:
    folder = tmp_path_factory.mktemp("media")
    with school_with_calls(homeserver, folder, operator=OPERATOR) as made:
        yield made


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def opened(school: tuple[School, MediaProcess]) -> AsyncIterator[HostWorld]:
    async with chromium() as browser:
        yield HostWorld(*school, browser)


@pytest_asyncio.fixture(loop_scope="module")
async def world(opened: HostWorld) -> AsyncIterator[HostWorld]:
    yield opened
    await opened.leave()


def desk_of(room_id: str) -> str:
    return f"/host#room={quote(room_id)}"


def row(page: Page, list_id: str, name: str) -> Locator:
    return page.locator(f"#{list_id} li", has_text=name)


async def sources(world: HostWorld, room_id: str, name: str) -> dict[str, Any]:
    """What a host is told of somebody."""
    status, found = await world.desk("T1", room_id)
    assert status == 200
    user_id = world.account(name).user_id
    return next(one for one in found["call"]["participants"] if one["user_id"] == user_id)


async def test_a_lesson(world: HostWorld) -> None:
    """Two devices are one row; hands of both kinds are one queue; whoever is given the word may speak; focus stays."""
    room_id = world.school.room_id("class", "5А")
    page = await world.open("T1", "/host")
    await page.get_by_role("link", name="5А").first.click()
    await expect(page.locator("#note")).to_have_text("Сейчас в этом чате не звонят.")
    await world.join("T1", room_id)
    phone = await world.join("P1", room_id, "PHONE")
    await world.join("P1", room_id, "COMPUTER")
    await phone.publish_tone()
    second = await world.join("P2", room_id)
    await expect(page.locator("#people-title")).to_have_text("В звонке: 3 из 100")
    masha = row(page, "people", "P1")
    await expect(masha).to_have_count(1)
    await expect(masha).to_contain_text("микрофон закрыт ведущим · устройств: 2")

    more = masha.locator("summary")
    await more.focus()
    await page.keyboard.press("Enter")
    kept = await masha.element_handle()
    await second.raise_hand()
    await expect(page.locator("#live")).to_have_text("Поднята рука: ФамилияP2 Имя")
    path = f"/_matrix/client/v3/rooms/{quote(room_id)}"
    pupil = world.account("P1")
    state_key = f"_{pupil.user_id}_PHONE_m.call"
    member = f"{path}/state/org.matrix.msc3401.call.member/{quote(state_key)}"
    event = world.server.call("PUT", member, pupil.access_token, {"application": "m.call"})
    relation = {"rel_type": "m.annotation", "event_id": event["event_id"], "key": "🖐️"}
    reaction = {"m.relates_to": relation}
    world.server.call("PUT", f"{path}/send/m.reaction/1", pupil.access_token, reaction)
    await expect(page.locator("#live")).to_have_text("Поднята рука: ФамилияP1 Имя")
    await expect(page.locator("#hand-list li b")).to_have_text(["ФамилияP2 Имя", "ФамилияP1 Имя"])
    assert await page.evaluate("one => one === document.activeElement.closest('li')", kept)
    await expect(masha.get_by_role("button", name="Отправить ждать")).to_be_visible()
    await assert_accessible(page)
    await picture(page, "lesson_ru")

    await row(page, "hand-list", "P1").get_by_role("button", name="Дать слово").click()
    await expect(masha).not_to_contain_text("микрофон закрыт ведущим")
    await row(page, "hand-list", "P1").get_by_role("button", name="Опустить руку").click()
    await expect(page.locator("#hand-list li")).to_have_count(1)
    await page.get_by_role("button", name="Опустить все руки").click()
    await expect(page.locator("#hands")).to_be_hidden()
    assert (await sources(world, room_id, "P2"))["hand"] is None
    assert (await world.desk("T1", room_id, {"op": "end_for_all"})) == (200, {"refused": None})


async def test_what_a_host_decides(world: HostWorld) -> None:
    """Everybody's microphones, spotlight, sharing, removing, the end; then who was there, as a file (R43, R45)."""
    room_id = world.school.room_id("class", "5А")
    page = await world.open("T1", desk_of(room_id))
    await world.join("T1", room_id)
    pupil = await world.join("P1", room_id)
    await world.join("P2", room_id)
    microphone = await pupil.publish_tone()
    masha = row(page, "people", "P1")
    await masha.get_by_role("button", name="Дать слово").click()
    await expect(masha).to_contain_text("микрофон выключен")  # by the pupil: nobody else may
    # their client is told again until it has heard that it is muted; before that there is nothing to switch on
    await eventually(lambda: microphone.muted, "the pupil's client shows it as off")
    microphone.unmute()
    await expect(masha).to_contain_text("микрофон включён")
    await page.get_by_role("button", name="Выключить все микрофоны").click()
    await expect(masha).to_contain_text("микрофон закрыт ведущим")
    await page.get_by_label("Все могут включать микрофон сами").check()
    await expect(masha).not_to_contain_text("закрыт ведущим")
    await page.get_by_label("Экран показывает только один человек").uncheck()
    await masha.locator("summary").click()
    await masha.get_by_role("button", name="Показать крупно").click()
    await expect(masha).to_contain_text("показан крупно")
    settings = (await world.desk("T1", room_id))[1]["call"]["settings"]
    assert settings["spotlight"] == pupil.account.user_id
    assert (settings["self_unmute"], settings["one_share"]) == (True, False)

    page.on("dialog", lambda dialog: asyncio.ensure_future(dialog.accept()))
    await masha.get_by_role("button", name="Удалить из звонка").click()
    await expect(masha).to_have_count(0)
    await page.get_by_role("button", name="Закончить звонок для всех").click()
    await expect(page.locator("#note")).to_have_text("Сейчас в этом чате не звонят.")
    async with page.expect_download() as waited:
        await page.get_by_role("button", name="Скачать список").first.click()
    download = await waited.value
    assert download.suggested_filename.startswith("Участники 5А 20")
    path = await download.path()
    text = await asyncio.to_thread(path.read_text, "utf-8")
    assert text.startswith("\ufeffУчастник;Пришёл;Ушёл;Минут")
    assert [line.split(";")[0] for line in text.splitlines()[1:]] == [
        "ФамилияT1 Имя",
        "ФамилияP1 Имя",
        "ФамилияP2 Имя",
    ]


async def test_the_door(world: HostWorld) -> None:
    """Who comes while there is a waiting room is announced and let in; while the call is locked, nobody comes."""
    room_id = world.school.room_id("class", "5А")
    await world.join("P1", room_id)
    page = await world.open("T1", desk_of(room_id))
    await expect(row(page, "people", "P1")).to_have_count(1)
    await page.get_by_label("Входящие ждут, пока их впустят").check()
    await expect(page.locator("#live")).to_have_text("Готово.")
    await world.join("P3", room_id)
    await expect(page.locator("#live")).to_have_text("Ждёт входа: ФамилияP3 Имя")
    await assert_accessible(page)
    await picture(page, "waiting_ru")
    await row(page, "waiting-list", "P3").get_by_role("button", name="Впустить").click()
    await expect(row(page, "people", "P3")).to_have_count(1)
    await expect(page.locator("#waiting")).to_be_hidden()
    await row(page, "people", "P3").locator("summary").click()
    await row(page, "people", "P3").get_by_role("button", name="Отправить ждать").click()
    await expect(row(page, "waiting-list", "P3")).to_have_count(1)
    await page.get_by_role("button", name="Впустить всех").click()
    await expect(row(page, "people", "P3")).to_have_count(1)
    await page.get_by_label("Никого больше не впускать").check()
    await expect(page.locator("#live")).to_have_text("Готово.")
    assert (await world.desk("T1", room_id))[1]["call"]["settings"]["locked"]
    assert (await world.desk("T1", room_id, {"op": "end_for_all"})) == (200, {"refused": None})


async def test_staff_lead_the_call_that_they_began(world: HostWorld) -> None:
    """R43: in the staff room, where teachers are no hosts, the one who began decides and the others do not."""
    owner, guest = world.account("T2"), world.account("T1")
    room_id = world.school.room_id("staff")
    assert (await world.desk("T1", room_id))[1] == {"call": None, "registers": []}
    await world.join("T2", room_id)
    await world.join("T1", room_id)
    assert (await world.desk("T1", room_id))[0] == 403
    assert (await world.desk("T1", room_id, {"op": "mute_all"}))[0] == 403
    status, found = await world.desk("T2", room_id)
    call = found["call"]
    assert (status, {one["user_id"]: one["host"] for one in call["participants"]}) == (
        200,
        {owner.user_id: True, guest.user_id: False},
    )
    now = {"call": call["id"]}
    assert (await world.desk("T1", room_id, now, "register"))[0] == 403
    assert (await world.desk("T2", room_id, now, "register"))[0] == 200
    for path, wrong, field in (
        ("ask", {"op": "shout"}, "op"),
        ("ask", {"op": "lock", "x" * 5000: 1}, "op"),
        ("register", {"call": 1}, "call"),
        ("register", now | {"names": {"@a": "x" * 600_000}}, "call"),
    ):
        answer = await world.desk("T2", room_id, wrong, path)
        assert answer == (400, {"errcode": "M_BAD_JSON", "error": field})
    assert (await world.desk("T2", room_id, {"op": "end_for_all"}))[1] == {"refused": None}
    assert [one["id"] for one in (await world.desk("T2", room_id))[1]["registers"]] == [call["id"]]
    assert (await world.desk("T1", room_id))[1] == {"call": None, "registers": []}
    assert (await world.desk("T1", room_id, now, "register"))[0] == 404


async def test_signing_in(world: HostWorld) -> None:
    """By phone; a wrong password, a pupil's account and a session that has ended are told in plain words."""
    room_id = world.school.room_id("class", "5А")
    operator = world.server.register(OPERATOR, admin=True)
    teacher = world.account("T1")
    body = {"threepids": [{"medium": "msisdn", "address": PHONE.removeprefix("+")}]}
    path = f"/_synapse/admin/v2/users/{teacher.user_id}"
    world.server.call("PUT", path, operator.access_token, body)
    page = await world.open("", desk_of(room_id))
    await page.get_by_label("Телефон").fill("8 (500) 100-00-01")
    await page.get_by_label("Пароль").fill("not this one")
    await page.get_by_role("button", name="Войти").click()
    await expect(page.locator("#wrong")).to_contain_text("Не получилось войти")
    await assert_accessible(page)
    await picture(page, "signin_ru")
    await page.get_by_label("Пароль").fill(PASSWORD)
    await page.get_by_role("button", name="Войти").click()
    await expect(page.locator("#note")).to_have_text("Сейчас в этом чате не звонят.")
    stored = await page.evaluate("JSON.parse(localStorage.getItem('matrix-auth-store'))")
    token = stored["access_token"]
    world.server.call("POST", "/_matrix/client/v3/logout", token, {})
    await expect(page.locator("#wrong")).to_have_text("Вход устарел. Войдите ещё раз.")
    assert await page.evaluate("localStorage.getItem('matrix-auth-store')") is None

    pupil = await world.open("P4", desk_of(room_id))
    await expect(pupil.locator("#note")).to_contain_text("Этот звонок ведёт классный руководитель")
    await expect(pupil.locator("#call")).to_be_hidden()
    await pupil.goto(desk_of(world.school.room_id("class", "5Б")))
    await expect(pupil.locator("#note")).to_have_text("Вы не состоите в этом чате.")


async def test_in_english_and_in_the_dark(world: HostWorld) -> None:
    """Every text is in the language asked for, on a narrow screen and a dark one, and the language is remembered."""
    room_id = world.school.room_id("class", "5А")
    guest = await world.join("P1", room_id)
    await guest.raise_hand()
    page = await world.open(
        "T1", f"/host?lang=en#room={quote(room_id)}", color_scheme="dark", locale="de-DE"
    )
    await expect(page.locator("#people-title")).to_have_text("In the call: 1 of 100")
    await expect(row(page, "hand-list", "P1")).to_have_count(1)
    await row(page, "people", "P1").locator("summary").click()
    assert await page.get_attribute("html", "lang") == "en"
    await assert_accessible(page)
    words = await page.evaluate("document.body.innerText")
    assert not [line for line in words.splitlines() if "о" in line and "Фамилия" not in line]
    await page.set_viewport_size({"width": 320, "height": 700})
    heights = "[...document.querySelectorAll('button, summary, a, .tick')]"
    heights += ".filter(one => one.offsetParent).map(one => one.getBoundingClientRect().height)"
    assert min(await page.evaluate(heights)) >= 44
    await picture(page, "narrow_dark_en")
    await page.get_by_role("link", name="All chats").click()
    await expect(page.get_by_role("link", name="5А").first).to_be_visible()
    await assert_accessible(page)
    await picture(page, "chats_en")
    await page.get_by_role("button", name="Русский").click()
    await expect(page.get_by_role("heading", name="Ваши чаты")).to_be_visible()
    assert (await world.desk("T1", room_id, {"op": "end_for_all"}))[1] == {"refused": None}


async def test_a_hundred_people(world: HostWorld) -> None:
    """They are in the order of the alphabet, can be searched, and while nothing changes nothing is written."""
    names = ["Ёлкина Яна", "Жуков Ян", *(f"Абрамов {at:02}" for at in range(97)), "Ежов Ян"]
    crowd = [person(f"@{at}:school.test", name) for at, name in enumerate(names)]
    page = await world.open("T1", "/host")
    await page.route("**/livekit/host/state", lambda route: route.fulfill(json=state_of(crowd)))
    await page.goto(desk_of(world.school.room_id("class", "5А")))
    await expect(page.locator("#people-title")).to_have_text("В звонке: 100 из 100")
    shown = await page.locator("#people b").all_inner_texts()
    assert shown[:1] + shown[-3:] == ["Абрамов 00", "Ежов Ян", "Ёлкина Яна", "Жуков Ян"]
    watch = """new Promise(done => {
        const seen = [];
        const name = one => one.target.id || one.target.className || one.target.nodeName;
        new MutationObserver(list => list.forEach(one => seen.push(`${one.attributeName} of ${name(one)}`)))
            .observe(document.body, {subtree: true, childList: true, characterData: true, attributes: true});
        let looks = 0;
        new PerformanceObserver(list => {
            looks += list.getEntries().filter(one => one.name.endsWith('/host/state')).length;
            if (looks > 1) done(seen);
        }).observe({entryTypes: ['resource']});
    })"""
    assert await page.evaluate(watch) == []
    await page.get_by_label("Найти по имени").fill("ёлк")
    await expect(page.locator("#people b")).to_have_text(["Ёлкина Яна"])
    await page.get_by_label("Найти по имени").fill("Щукин")
    await expect(page.locator("#nobody")).to_be_visible()
    await page.get_by_label("Найти по имени").fill("")
    await picture(page, "hundred_ru")


def person(user_id: str, name: str) -> dict[str, Any]:
    """A participant as the page is told of them."""
    return {
        "user_id": user_id,
        "identity": f"{user_id}:PHONE",
        "name": name,
        "host": False,
        "hand": None,
        "held": ["microphone"],
        "connections": 1,
        "joined_at": 0.0,
        "may_publish": ["camera", "microphone"],
        "tracks": [],
    }


def state_of(people: list[dict[str, Any]]) -> dict[str, Any]:
    settings = {
        "limit": 100,
        "waiting_room": False,
        "one_share": True,
        "self_unmute": False,
        "locked": False,
        "spotlight": None,
    }
    call = {"id": "RM_1", "began_at": 0.0, "participants": people, "waiting": [], "hands": []}
    return {"call": call | {"settings": settings}, "registers": []}
