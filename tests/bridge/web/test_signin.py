"""In and out: password, code, «Это не я», and who may say so (R7, R11, R18)."""

from __future__ import annotations

import pytest
from playwright.async_api import expect

from bridge.roles import Role
from tests.bridge.web.axe import assert_accessible, assert_accessible_everywhere
from tests.bridge.web.family import PASSWORD
from tests.bridge.web.newcomers import PASSWORD as NEW_PASSWORD
from tests.bridge.web.newcomers import class_link, come_in, fill_names, press, titled
from tests.bridge.web.world import World, seconds_hidden


def typed(phone: str) -> str:
    """A number the way people write it: `8 (916) 100-00-31`."""
    return f"8 ({phone[2:5]}) {phone[5:8]}-{phone[8:10]}-{phone[10:]}"


async def test_a_mother_signs_in_with_her_phone_as_she_writes_it(browsing: World) -> None:
    """R18: the login of any client, on the pages too; out again with one button."""
    await browsing.let_in("R1")
    page = await browsing.page()
    await page.goto("/signin")
    await page.get_by_label("Телефон, почта или логин").fill(typed(browsing.phone("R1")))
    await page.get_by_label("Пароль").fill(PASSWORD)
    await page.get_by_role("button", name="Войти").click()
    await page.wait_for_url("**/me")
    await expect(page.get_by_role("heading", name="Иванова Ольга")).to_be_visible()
    await page.get_by_role("button", name="Выйти").click()
    await expect(page.get_by_role("status")).to_have_text("Вы вышли.")
    await page.goto("/me")
    assert "/signin" in page.url


async def test_wrong_passwords_and_unknown_people_are_one_answer(world: World) -> None:
    """R7: byte for byte; also somebody on the list who has no account."""
    await world.let_in("R1")
    pages = set()
    for name in (world.phone("R1"), "+79169999999", world.phone("R2"), "nobody@example.org"):
        visitor = await world.visitor()
        reply = await visitor.post("/signin", login=name, password="wrong password")
        assert reply.status == 200
        assert "проверьте логин и пароль" in reply.text
        pages.add(reply.text.replace(name, "").replace(visitor.csrf, ""))
    assert len(pages) == 1


async def test_a_forgotten_password_is_replaced_after_a_code(browsing: World) -> None:
    """Flow F: phone, code, in; a new password that any client takes."""
    await browsing.let_in("R1")
    page = await browsing.page()
    await page.goto("/signin")
    await page.get_by_role("link", name="Забыли пароль").click()
    await page.get_by_label("Телефон или почта вашего профиля").fill(typed(browsing.phone("R1")))
    await page.get_by_role("button", name="Получить код").click()
    await page.wait_for_url("**/signin/code/*")
    await assert_accessible(page)
    await page.get_by_label("Код из сообщения").fill("000001")
    await page.get_by_role("button", name="Дальше").click()
    await expect(page.get_by_text("Код не подошёл")).to_be_visible()
    await page.get_by_label("Код из сообщения").fill(await browsing.code_to(browsing.phone("R1")))
    await page.get_by_role("button", name="Дальше").click()
    await expect(page.get_by_role("heading", name="Вы вошли")).to_be_visible()
    await assert_accessible(page)
    await page.get_by_label("Новый пароль").fill("совсем другой пароль")
    await page.get_by_role("button", name="Сохранить").click()
    await expect(page.get_by_role("status")).to_contain_text("Пароль изменён")
    assert browsing.server.login(browsing.phone("R1"), "совсем другой пароль").user_id


async def test_a_code_goes_to_a_proved_number_only_and_nothing_shows_it(world: World) -> None:
    """R7: the same pages for a number that nobody has; its code never comes, and is never right."""
    await world.let_in("R1")
    texts = set()
    for number, count in ((world.phone("R1"), 1), ("+79169999999", 0)):
        visitor = await world.visitor()
        reply = await visitor.post("/signin/code", contact=number)
        assert reply.status == 303
        shown = await visitor.get(reply.location)
        challenge = reply.location.rpartition("/")[2]
        text = seconds_hidden(shown.text, number)
        texts.add(text.replace(visitor.csrf, "").replace(challenge, ""))
        if count:
            await world.code_to(number)
        assert len(world.messages_to(number)) == count
    assert len(texts) == 1


async def test_a_code_is_of_the_browser_that_asked(world: World) -> None:
    """Read over a shoulder, it opens nothing elsewhere."""
    await world.let_in("R1")
    mine, thief = await world.visitor(), await world.visitor()
    asked = await mine.post("/signin/code", contact=world.phone("R1"))
    code = await world.code_to(world.phone("R1"))
    stolen = await thief.post(asked.location, code=code)
    assert stolen.location == "/signin/code"
    assert (await thief.get("/me")).location.startswith("/signin")
    before = mine.token
    assert (await mine.post(asked.location, code=code)).location.startswith("/me/password")
    assert mine.token != before  # a planted cookie would be worthless now
    assert (await mine.get("/me")).status == 200
    assert (await mine.post(asked.location, code=code)).location == "/signin/code"  # once


async def test_another_code_can_be_had_after_a_minute(world: World) -> None:
    """Not before; both codes are right afterwards."""
    await world.let_in("R1")
    visitor = await world.visitor()
    asked = await visitor.post("/signin/code", contact=world.phone("R1"))
    await world.code_to(world.phone("R1"))
    early = await visitor.post(f"{asked.location}/again")
    assert "чуть позже" in early.text
    world.clock.move(seconds=61)
    again = await visitor.post(f"{asked.location}/again")
    assert again.location.endswith("?said=code_again")
    second = await world.code_to(world.phone("R1"), after=1)
    assert (await visitor.post(asked.location, code=second)).status == 303
    assert (await visitor.get("/me")).status == 200


async def test_it_is_not_me(browsing: World) -> None:
    """R11: who is signed in is named by initial; the empty form is in a new session, the old one lives on."""
    await browsing.let_in("U1")
    page = await browsing.page("U1")
    old = next(one["value"] for one in await page.context.cookies() if one["name"] == "sid")
    await page.goto("/signin")
    text = await page.inner_text("main")
    assert "Иванов А., 5А" in text
    assert "Александр" not in text
    await assert_accessible_everywhere(page, "/signin")
    await page.get_by_role("button", name="Это не я").click()
    await expect(page.get_by_label("Телефон, почта или логин")).to_have_value("")
    elsewhere = await browsing.visitor()
    elsewhere.token = old
    assert (await elsewhere.get("/me")).status == 200


@pytest.mark.parametrize("back", ["//evil.example", "https://evil.example", "/\\evil.example"])
async def test_after_signing_in_one_stays_here(world: World, back: str) -> None:
    """`next` leads to our own pages only."""
    await world.let_in("T1")
    visitor = await world.visitor()
    reply = await visitor.post("/signin", login=world.phone("T1"), password=PASSWORD, next=back)
    assert reply.location == "/me"
    assert Role.TEACHER in (await world.account("T1")).roles
    again = await (await world.visitor()).post(
        "/signin", login=world.phone("T1"), password=PASSWORD, next="/family?x=1"
    )
    assert again.location == "/family?x=1"


async def test_whoever_waits_for_a_yes_sees_the_application(browsing: World) -> None:
    """R16: by a code in another browser too; a password opens nothing yet, and says no more than a wrong one."""
    await browsing.let_in("T1")
    issued = await class_link(browsing, Role.STUDENT)
    phone = browsing.new_phone()
    page = await browsing.page()
    await come_in(browsing, page, issued.token, phone)
    await fill_names(page, family="Новиков", given="Пётр", born="02.01.2013")
    await press(page, "Отправить заявку")
    await titled(page, "Ваша заявка")
    other = await browsing.visitor()
    refused = await other.post("/signin", login=phone, password=NEW_PASSWORD)
    assert "проверьте логин и пароль" in refused.text
    asked = await other.post("/signin/code", contact=phone)
    code = await browsing.code_to(phone, after=1)
    assert (await other.post(asked.location, code=code)).location == "/status"
    assert (await other.get("/me")).location == "/status"
    assert (await other.get("/signin")).text.count("ждёт ответа школы") == 1


@pytest.mark.parametrize("path", ["/signin", "/signin/code"])
async def test_the_ways_in_are_for_everybody(browsing: World, path: str) -> None:
    """axe finds nothing, in both languages, at 320 px."""
    await assert_accessible_everywhere(await browsing.page(), path)
