"""The family's whole way out of the classic mistake, on the pages only (R12 to R15, R29; the seed's complaint)."""

from __future__ import annotations

import asyncio
import re

from playwright.async_api import Page, expect

from bridge.deciding import decide_application
from bridge.people import Status
from bridge.roles import Role
from tests.bridge.web.newcomers import (
    PASSWORD,
    class_link,
    come_in,
    fill_names,
    press,
    signs_in,
    titled,
)
from tests.bridge.web.world import World
from tests.support.polling import until_async


async def let_in_by_a_yes(world: World) -> None:
    """The class teacher says yes to the one application that waits."""
    services, teacher = world.services, await world.account("T1")
    async with services.store.begin() as work:
        (waiting,) = await work.applications.waiting(world.org_id)
    decided = await decide_application(teacher, waiting.id, True, world.clock(), services=services)
    assert not hasattr(decided, "value"), decided


async def leave_school(page: Page) -> None:
    """«Профиль → ⋯ → Покинуть»."""
    await page.goto("/me")
    await page.get_by_text("⋯ Ещё").click()
    await page.get_by_role("link", name="Покинуть школу").click()
    await press(page, "Покинуть")
    await titled(page, "Вы покинули школу")


async def test_a_mother_who_became_a_pupil_and_her_son_end_as_mother_and_son(
    browsing: World,
) -> None:
    """R14: she leaves, he comes in with his phone and gives her his link, she comes back with hers as his parent."""
    await browsing.let_in("T1")
    pupils = await class_link(browsing, Role.STUDENT)
    phone = browsing.new_phone()  # the list does not have it, so nothing stops her (R12)
    hers = await browsing.page()
    await come_in(browsing, hers, pupils.token, phone)
    await fill_names(hers, family="Сидорова", given="Инна", born="02.01.1985")
    await press(hers, "Отправить заявку")
    await titled(hers, "Ваша заявка")
    await let_in_by_a_yes(browsing)
    wrong = await signs_in(browsing, phone)

    async def is_pupil() -> bool:
        account = await browsing.services.directory.account(wrong)  # type: ignore[arg-type]
        return account is not None and account.roles == {Role.STUDENT}

    await until_async(is_pupil, what="a mother among the pupils")
    await browsing.settle()
    await leave_school(hers)

    async def is_out() -> bool:
        return wrong not in await asyncio.to_thread(browsing.school.members, "class", "5А")

    await until_async(is_out, what="out of the class's room", deadline_s=5.0)

    his = await browsing.page()
    await come_in(browsing, his, pupils.token, browsing.phone("U3"))
    await titled(his, "Вы зарегистрированы")
    await his.goto("/me")
    await press(his, "Ссылка и QR-код для родителя")
    await titled(his, "Ссылка для родителя")
    link = await his.locator("p.secret").inner_text()

    await his.goto(link)  # R13: opened where the child is signed in
    await expect(his.get_by_role("button", name="Это не я")).to_be_visible()
    assert "Ошибка" not in await his.inner_text("main")

    sent = len(browsing.messages_to(phone))
    await hers.goto(link)
    await hers.get_by_label("Номер мобильного телефона").fill(phone)
    await press(hers, "Получить код")
    await titled(hers, "Код и пароль")
    await hers.get_by_label("Код из сообщения").fill(await browsing.code_to(phone, after=sent))
    await hers.get_by_label("Придумайте пароль").fill(PASSWORD)
    await press(hers, "Дальше")
    await fill_names(hers, family="Сидорова", given="Инна", relation="мать")
    await press(hers, "Дальше")
    await titled(hers, "Вы зарегистрированы")
    mother = await browsing.account("R4")
    assert mother.roles == {Role.GUARDIAN}
    assert mother.children == {browsing.person_id("U3")}
    assert await signs_in(browsing, phone) == mother.user_id
    await hers.goto("/family")
    await hers.get_by_role("link", name="Подтвердить профиль").click()
    for box in await hers.get_by_role("checkbox").all():
        await box.check()
    await press(hers, "Подтвердить")
    await expect(hers.get_by_role("status")).to_have_text("Профиль ребёнка подтверждён.")
    assert not (await browsing.account("U3")).unconfirmed


async def test_a_pupil_who_left_comes_back_by_the_class_link(browsing: World) -> None:
    """R29: within the grace time the same phone is the same account; chats are back, the new password counts."""
    await browsing.let_in("T1", "U1")
    before = await browsing.account("U1")
    page = await browsing.page("U1")
    await leave_school(page)
    assert (await browsing.person("U1")).status is Status.LEFT
    browsing.clock.move(days=20)
    pupils = await class_link(browsing, Role.STUDENT)
    await come_in(browsing, page, pupils.token, browsing.phone("U1"))
    await titled(page, "Вы зарегистрированы")
    assert (await browsing.account("U1")).user_id == before.user_id
    assert await signs_in(browsing, browsing.phone("U1")) == before.user_id
    await browsing.settle()
    assert before.user_id in await asyncio.to_thread(browsing.school.members, "class", "5А")
    await page.goto("/me")
    assert re.search("Иванов", await page.inner_text("h1"))
