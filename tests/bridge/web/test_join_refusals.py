"""Where joining stops, and how it goes on from there: families, sessions of others, numbers of others (R11 to R19)."""

from __future__ import annotations

import pytest
from playwright.async_api import expect

from bridge.deciding import decide_application
from bridge.dispute import Dispute, DisputeState
from bridge.disputes import decide_dispute, disputes_of, keep_number, release_due
from bridge.invite import InviteKind
from bridge.people import LinkStatus, Status
from bridge.roles import Role, UserId
from bridge.waiting import waiting_applications
from tests.bridge.web.newcomers import (
    class_link,
    come_in,
    fill_names,
    give_contact,
    link_for,
    looked_at,
    press,
    prove,
    signs_in,
    titled,
)
from tests.bridge.web.world import World
from tests.support.polling import until_async


@pytest.mark.parametrize("bound", [False, True])
async def test_a_parents_phone_makes_no_pupil(browsing: World, bound: bool) -> None:
    """R12: a child with the mother's number is stopped with three ways on, whether she is in yet or only listed."""
    await browsing.let_in("T1", *(["R1"] if bound else []))
    issued = await class_link(browsing, Role.STUDENT)
    page = await browsing.page()
    await come_in(browsing, page, issued.token, browsing.phone("R1"))
    await titled(page, "Нужен другой вход")
    await looked_at(page, f"stop-{bound}")
    assert await page.locator("main li").count() == 2
    await expect(page.get_by_text("По электронной почте регистрируются только")).to_be_visible()
    found = await browsing.services.directory.search(browsing.org_id, role=Role.STUDENT)
    assert not any(one.active for one in found.people)


async def test_the_childs_browser_shows_who_is_signed_in(browsing: World) -> None:
    """R13: a parent's link where the child is signed in: no error, «Это не я», then an empty form, R11."""
    await browsing.let_in("T1", "U1")
    issued = await link_for(browsing, InviteKind.CHILD_PARENT, "U1")
    page = await browsing.page("U1")
    await page.goto(f"/i/{issued.token}")
    await titled(page, "Школа № 7")
    await expect(page.get_by_text("В этом браузере вошли как")).to_contain_text("Иванов А.")
    await expect(page.get_by_text("Эта ссылка — для родителя")).to_be_visible()
    assert await page.get_by_role("button", name="Продолжить").count() == 0
    assert await page.get_by_label("Номер мобильного телефона").count() == 0
    await looked_at(page, "session-child")
    before = {one["name"]: one.get("value") for one in await page.context.cookies()}
    await press(page, "Это не я")
    field = page.get_by_label("Номер мобильного телефона")
    await expect(field).to_have_value("")
    after = {one["name"]: one.get("value") for one in await page.context.cookies()}
    assert before["sid"] != after["sid"]
    other = await browsing.visitor()
    other.token = str(before["sid"])
    assert (await other.get("/me")).status == 200  # elsewhere the child stays signed in
    await give_contact(page, browsing.phone("R1"))


async def test_the_childs_own_phone_is_no_parents(browsing: World) -> None:
    """R14: the link of a child and the number of the same child: «Покинуть» is explained."""
    await browsing.let_in("T1", "U1")
    issued = await link_for(browsing, InviteKind.CHILD_PARENT, "U1")
    page = await browsing.page()
    await come_in(browsing, page, issued.token, browsing.phone("U1"))
    await titled(page, "На этот номер зарегистрирован ученик")
    await expect(page.get_by_text("Покинуть школу")).to_be_visible()
    await looked_at(page, "halt-childs-phone")


async def test_the_child_registers_first(browsing: World) -> None:
    """R15: the link waits for the child and then works."""
    await browsing.let_in("T1")
    issued = await link_for(browsing, InviteKind.CHILD_PARENT, "U3")
    visitor = await browsing.visitor()
    phone = browsing.new_phone()
    assert await prove(browsing, visitor, issued.token, phone) == "/join/next"
    assert "Сначала регистрируется ребёнок" in (await visitor.get("/join/next")).text
    await browsing.let_in("U3", phone=False)
    assert "Как вас зовут?" in (await visitor.get("/join/next")).text


async def test_a_court_order_looks_like_an_application(browsing: World) -> None:
    """R34: neither the listed phone nor the name of a restricted parent opens anything; nothing is said of it."""
    await browsing.let_in("D1", "T1", "U1")
    services = browsing.services
    director = await browsing.account("D1")
    await services.directory.link(
        browsing.org_id,
        browsing.person_id("R2"),
        browsing.person_id("U1"),
        relation="отец",
        status=LinkStatus.RESTRICTED,
        by=director.user_id,
    )
    for phone in (browsing.phone("R2"), browsing.new_phone()):
        issued = await link_for(browsing, InviteKind.CHILD_PARENT, "U1")
        page = await browsing.page()
        await come_in(browsing, page, issued.token, phone)
        await titled(page, "Как вас зовут?")
        await fill_names(page, family="Иванов", given="Сергей", relation="отец")
        if await page.get_by_label("Фамилия и имя ребёнка").count():
            await fill_names(page, child="Иванов Саша")
        await page.locator("main form button").last.click()
        await titled(page, "Ваша заявка")
    assert (await browsing.person("R2")).status is Status.LISTED


async def test_a_known_number_is_asked_who_it_is(browsing: World) -> None:
    """R11: «Это я» signs in, with the password just typed if wanted; the name is masked."""
    await browsing.let_in("T1", "U1")
    issued = await class_link(browsing, Role.STUDENT)
    page = await browsing.page()
    await come_in(browsing, page, issued.token, browsing.phone("U1"))
    await titled(page, "Это вы?")
    await expect(page.locator("main li")).to_have_text("Иванов А., 5А")
    await looked_at(page, "you")
    await page.get_by_role("checkbox").check()
    await press(page, "Это я, войти")
    await page.wait_for_url("**/me")
    user_id = (await browsing.person("U1")).user_id
    assert await signs_in(browsing, browsing.phone("U1")) == user_id


async def test_not_me_is_decided_by_people(browsing: World) -> None:
    """R11: never a takeover; the owner keeps the number, or staff release it, and the newcomer comes in with it."""
    await browsing.let_in("T1", "U1")
    services = browsing.services
    owner = await browsing.account("U1")
    issued = await class_link(browsing, Role.STUDENT, max_uses=5)
    page = await browsing.page()
    await come_in(browsing, page, issued.token, browsing.phone("U1"))
    await press(page, "Это не я")
    await titled(page, "Мы спросим")
    await looked_at(page, "disputed")
    (dispute,) = await disputes_of(owner.user_id, services=services)
    assert await keep_number(owner.user_id, dispute.id, browsing.clock(), services=services) is None
    await page.goto("/join/next")
    await press(page, "Это не я")
    teacher = await browsing.account("T1")
    (again,) = await disputes_of(owner.user_id, services=services)
    decided = await decide_dispute(teacher, again.id, True, browsing.clock(), services=services)
    assert isinstance(decided, Dispute)
    assert decided.state is DisputeState.RELEASED
    await page.goto("/join/next")
    await titled(page, "Профиль уже есть")  # the list still names that pupil, who is in
    await browsing.account("U1")


async def test_time_releases_a_recycled_number(browsing: World) -> None:
    """R11: after `dispute_days` without an answer a pupil's number is free; a colleague's never is."""
    await browsing.let_in("D1", "T1", "T3", "U1")
    services = browsing.services
    for source_id, issued in (
        ("U1", await class_link(browsing, Role.STUDENT)),
        ("T3", await browsing.issue("D1", InviteKind.STAFF, Role.TEACHER, max_uses=5)),
    ):
        visitor = await browsing.visitor()
        await prove(browsing, visitor, issued.token, browsing.phone(source_id))
        assert (await visitor.post("/join/notme")).location == "/join/disputed"
        assert (await visitor.post("/join/notme")).location == "/join/disputed"
    pupil, teacher = await browsing.account("U1"), await browsing.account("T3")
    assert len(await disputes_of(pupil.user_id, services=services)) == 1
    now = browsing.clock()
    assert await release_due(now, services=services) == 0
    browsing.clock.move(days=services.config.dispute_days, seconds=1)
    assert await release_due(browsing.clock(), services=services) == 1
    async with services.store.begin() as work:
        assert await work.contacts.of_account(pupil.user_id) == []
        assert len(await work.contacts.of_account(teacher.user_id)) == 1


async def test_another_phone_gives_a_colleague_no_rights(browsing: World) -> None:
    """R19: a listed teacher with another phone, and a director's role with any: a clear message, nothing made."""
    await browsing.let_in("D1")
    staff = await browsing.issue("D1", InviteKind.STAFF, Role.TEACHER, max_uses=5)
    page = await browsing.page()
    await come_in(browsing, page, staff.token, browsing.new_phone())
    await fill_names(page, family="Орлова", given="Нина")
    await press(page, "Отправить заявку")
    await titled(page, "В списке школы у вас другой номер")
    await looked_at(page, "halt-other-phone", posted=True)
    code = await browsing.issue("D1", InviteKind.SCHOOL, max_uses=5)
    visitor = await browsing.visitor()
    to = await prove(browsing, visitor, code.token, browsing.new_phone(), role="deputy")
    assert to == "/join/next"
    text = (await visitor.get("/join/next")).text
    assert "Этого номера нет в списке администрации школы" in text


async def test_a_wrong_code_leaves_the_page_as_it_is(browsing: World) -> None:
    """R6: tries are counted down, the password need not be typed again, another code and number can be had."""
    await browsing.let_in("T1")
    issued = await class_link(browsing, Role.STUDENT)
    phone = browsing.phone("U1")
    page = await browsing.page()
    await page.goto(f"/i/{issued.token}")
    await give_contact(page, phone)
    right = await browsing.code_to(phone)
    wrong = "111111" if right != "111111" else "222222"
    await page.get_by_label("Код из сообщения").fill(right)
    await page.get_by_label("Придумайте пароль").fill("короткий")
    await press(page, "Дальше")
    await expect(page.get_by_text("Слишком короткий пароль")).to_be_visible()
    await page.get_by_label("Код из сообщения").fill(wrong)
    await page.get_by_label("Придумайте пароль").fill("три слова подряд")
    await press(page, "Дальше")
    await expect(page.get_by_text("Код не подошёл. Осталось 4 попытки.")).to_be_visible()
    await expect(page.get_by_text("Пароль мы запомнили")).to_be_visible()
    await looked_at(page, "code-wrong")
    await press(page, "Прислать новый код")
    await expect(page.get_by_text("чуть позже")).to_be_visible()
    browsing.clock.move(seconds=61)
    await press(page, "Прислать новый код")
    await expect(page.get_by_text("Отправили новый код.")).to_be_visible()
    await page.get_by_label("Код из сообщения").fill(await browsing.code_to(phone, after=1))
    await press(page, "Дальше")
    await titled(page, "Вы зарегистрированы")
    await page.go_back()
    await page.reload()
    assert await page.get_by_role("heading", level=1).inner_text()  # the back button ends on a page


async def test_mail_needs_a_link_that_allows_it(world: World) -> None:
    """R8: no field, and 403 for whoever posts one all the same; also in a higher class."""
    await world.let_in("T1")
    issued = await class_link(world, Role.STUDENT)
    visitor = await world.visitor()
    assert 'name="email"' not in (await visitor.get(f"/i/{issued.token}")).text
    reply = await visitor.post(f"/i/{issued.token}", email="anna@example.org")
    assert reply.status == 403
    assert not world.mail.sent


async def test_an_application_is_not_repeated(world: World) -> None:
    """R16: the same one while it waits, and for a day after a no, is refused with a sentence."""

    await world.let_in("T1")
    issued = await class_link(world, Role.STUDENT)
    phone, names = (
        world.new_phone(),
        {"family_name": "Новиков", "given_name": "Пётр", "birth_date": "02.01.2013"},
    )
    visitor = await world.visitor()
    await prove(world, visitor, issued.token, phone)
    assert (await visitor.post("/join/names", **names)).location == "/status"
    teacher = await world.account("T1")
    (waiting,) = await waiting_applications(teacher, world.clock(), services=world.services)
    await decide_application(
        teacher, waiting.application.id, False, world.clock(), services=world.services
    )

    async def told() -> bool:  # while the account is being closed, the page waits for it
        return "Открытой заявки нет" in (await visitor.get("/status")).text

    await until_async(told, what="the answer")
    again = await world.visitor()
    await prove(world, again, issued.token, phone)
    assert "недавно не подтвердила" in (await again.post("/join/names", **names)).text


async def test_a_dropped_pupils_phone_opens_the_next_school(world: World) -> None:
    """R40: once the old profile is over the number is nobody's: no «Это вы?» of a profile that cannot be opened."""
    await world.let_in("T1", "U1")
    dropped, directory = await world.account("U1"), world.services.directory
    await directory.leave(world.org_id, world.person_id("U1"), "not on the list", dropped.user_id)
    await until_async(lambda: is_out(world, dropped.user_id), what="the directory has let them go")
    world.clock.move(days=2)
    issued = await class_link(world, Role.STUDENT)
    visitor = await world.visitor()
    place = await prove(world, visitor, issued.token, world.phone("U1"))
    page = await visitor.get(place)
    assert "Это вы?" not in page.text
    assert "Имя" in page.text


async def is_out(world: World, user_id: UserId) -> bool:
    return await world.services.directory.account(user_id) is None
