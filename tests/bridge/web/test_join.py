"""From a link, a code or a card to an account, in the browser, ending in a client's sign-in (R6 to R20)."""

from __future__ import annotations

import re

from attrs import evolve
from playwright.async_api import expect

from bridge.deciding import decide_application
from bridge.invite import InviteKind
from bridge.people import LinkStatus
from bridge.roles import Role
from bridge.vault import FileVault
from bridge.waiting import waiting_applications
from tests.bridge.web.newcomers import (
    PASSWORD,
    class_link,
    come_in,
    fill_names,
    give_code,
    give_contact,
    link_for,
    looked_at,
    press,
    signs_in,
    titled,
)
from tests.bridge.web.world import World, listed_contacts
from tests.support.polling import until_async


async def test_a_listed_pupil_comes_in_by_the_class_code(browsing: World) -> None:
    """R6, R15: code of the class, listed phone, code and password: in, at once, as the person of the list."""
    await browsing.let_in("T1")
    issued = await class_link(browsing, Role.STUDENT)
    phone = browsing.phone("U1")
    page = await browsing.page()
    await page.goto("/join")
    await looked_at(page, "join")
    await page.get_by_label("Код школы или класса").fill(issued.code)
    await press(page, "Дальше")
    await looked_at(page, "link")
    await give_contact(page, f"8 ({phone[2:5]}) {phone[5:8]}-{phone[8:]}")
    await looked_at(page, "code")
    await give_code(browsing, page, phone)
    await titled(page, "Вы зарегистрированы")
    await looked_at(page, "welcome")
    assert (await browsing.person("U1")).active
    assert await signs_in(browsing, f"8{phone[2:]}") == (await browsing.person("U1")).user_id


async def test_a_card_needs_a_password_only(browsing: World) -> None:
    """R20: QR, password, in; the login is shown; looking uses nothing up, using it does."""
    await browsing.let_in("T1")
    issued = await link_for(browsing, InviteKind.CARD, "U2")
    page = await browsing.page()
    await page.goto(f"/i/{issued.token}")
    await page.goto(f"/i/{issued.token}")
    await expect(page.get_by_text("Петрова М., 5А")).to_be_visible()
    assert await page.get_by_label("Номер мобильного телефона").count() == 0
    await looked_at(page, "card")
    await page.get_by_label("Придумайте пароль").fill(PASSWORD)
    await press(page, "Войти в школу")
    await titled(page, "Вы зарегистрированы")
    await looked_at(page, "welcome-card")
    login = await page.locator(".login").inner_text()
    assert re.fullmatch(r"u[a-z2-7]{8}", login)
    assert await signs_in(browsing, login) == (await browsing.person("U2")).user_id
    stranger = await browsing.visitor()
    assert (await stranger.get(f"/i/{issued.token}")).status == 410


async def test_another_card_sets_a_new_password(browsing: World) -> None:
    """R20: a pupil who has lost the password gets a card; the old password and other browsers are out."""
    await browsing.let_in("T1", "U2")
    elsewhere = await browsing.visitor("U2")
    issued = await link_for(browsing, InviteKind.CARD, "U2")
    page = await browsing.page()
    await page.goto(f"/i/{issued.token}")
    await expect(page.get_by_text("У вас уже есть профиль")).to_be_visible()
    await looked_at(page, "card-again")
    await page.get_by_label("Придумайте пароль").fill(PASSWORD)
    await press(page, "Войти в школу")
    await titled(page, "Вы зарегистрированы")
    user_id = (await browsing.person("U2")).user_id
    assert user_id is not None
    assert await signs_in(browsing, user_id) == user_id
    assert (await elsewhere.get("/me")).location.startswith("/signin")


async def test_a_personal_link_skips_the_queue(browsing: World) -> None:
    """R10: a named pupil with any phone of their own is in at once."""
    await browsing.let_in("T1")
    issued = await link_for(browsing, InviteKind.PERSONAL, "U2")
    phone = browsing.new_phone()
    page = await browsing.page()
    await come_in(browsing, page, issued.token, phone)
    await titled(page, "Вы зарегистрированы")
    assert await signs_in(browsing, phone) == (await browsing.person("U2")).user_id


async def test_a_young_pupil_comes_in_by_mail(browsing: World) -> None:
    """R8: a first-grader by a link that allows it; the listed address is the match."""
    await browsing.let_in("T2")
    issued = await class_link(browsing, Role.STUDENT, "1Б", allow_email=True, grade=1)
    address = browsing.people["U4"].email
    page = await browsing.page()
    await page.goto(f"/i/{issued.token}")
    await looked_at(page, "link-mail")
    await page.get_by_label("или электронная почта").fill(address)
    await press(page, "Получить код")
    await looked_at(page, "code-mail")
    await give_code(browsing, page, address)
    await titled(page, "Вы зарегистрированы")
    assert await signs_in(browsing, address) == (await browsing.person("U4")).user_id


async def test_a_parent_comes_in_by_the_childs_link_and_confirms(browsing: World) -> None:
    """R15, R17: names, linked at once; the last page asks for the profile of a child under 14, with a tick."""
    await browsing.let_in("T1", "U3")
    issued = await link_for(browsing, InviteKind.CHILD_PARENT, "U3")
    phone = browsing.new_phone()
    page = await browsing.page()
    await come_in(browsing, page, issued.token, phone)
    await titled(page, "Как вас зовут?")
    await looked_at(page, "names-parent")
    await fill_names(page, family="Сидоров", given="Пётр", relation="дедушка, опекун")
    await press(page, "Дальше")
    await titled(page, "Вы зарегистрированы")
    await looked_at(page, "welcome-parent")
    await page.get_by_role("checkbox").check()
    await press(page, "Подтвердить")
    await expect(page.get_by_text("Профиль ребёнка подтверждён.")).to_be_visible()
    child = await browsing.person("U3")
    assert child.confirmed
    family = await browsing.services.directory.family(browsing.org_id, child.person_id)
    assert family is not None
    links = {one.person.full_name: (one.relation, one.status) for one in family.guardians}
    assert links["Сидоров Пётр"] == ("дедушка, опекун", LinkStatus.CONFIRMED)
    assert len(links) == 2
    await signs_in(browsing, phone)


async def test_a_listed_parent_without_a_phone_is_not_made_twice(browsing: World) -> None:
    """The name that the list has for this child's mother is hers: her record becomes active, none is added."""
    await browsing.let_in("T1", "U3")
    issued = await link_for(browsing, InviteKind.CHILD_PARENT, "U3")
    page = await browsing.page()
    await come_in(browsing, page, issued.token, browsing.new_phone())
    await fill_names(page, family="СИДОРОВА", given="инна", relation="мать")
    await press(page, "Дальше")
    await titled(page, "Вы зарегистрированы")
    assert (await browsing.person("R4")).active


async def test_a_listed_parent_needs_nobodys_yes(browsing: World) -> None:
    """R15: the class's link and the phone of the list: in at once, with both children, before they have come."""
    await browsing.let_in("T1")
    issued = await class_link(browsing, Role.GUARDIAN)
    page = await browsing.page()
    await come_in(browsing, page, issued.token, browsing.phone("R1"))
    await titled(page, "Вы зарегистрированы")
    account = await browsing.account("R1")
    assert account.children == {browsing.person_id("U1"), browsing.person_id("U2")}


async def test_the_director_comes_in_with_the_listed_phone(browsing: World) -> None:
    """R19: rights are the listed phone's."""
    await browsing.let_in("D2")
    issued = await browsing.issue("D2", InviteKind.SCHOOL, max_uses=10)
    page = await browsing.page()
    await page.goto("/join")
    await page.get_by_label("Код школы или класса").fill(issued.code)
    await press(page, "Дальше")
    await looked_at(page, "link-school")
    await page.get_by_label("Директор", exact=True).check()
    await give_contact(page, browsing.phone("D1"))
    await give_code(browsing, page, browsing.phone("D1"))
    await titled(page, "Вы зарегистрированы")
    assert (await browsing.account("D1")).roles == {Role.DIRECTOR}


async def test_a_newcomer_waits_for_a_yes(browsing: World) -> None:
    """R16: names, an application, nothing to see until the class teacher's yes, then in with the same login."""
    await browsing.let_in("T1")
    issued = await class_link(browsing, Role.STUDENT)
    phone = browsing.new_phone()
    page = await browsing.page()
    await come_in(browsing, page, issued.token, phone)
    await titled(page, "Как вас зовут?")
    await looked_at(page, "names-pupil")
    await fill_names(page, family="Новиков2", given="Пётр", born="32.01.2013")
    await press(page, "Отправить заявку")
    await looked_at(page, "names-wrong", posted=True)
    await fill_names(page, family="Новиков", given="Пётр", born="02.01.2013")
    await press(page, "Отправить заявку")
    await titled(page, "Ваша заявка")
    await looked_at(page, "status")
    await page.goto("/me")
    await titled(page, "Ваша заявка")
    teacher = await browsing.account("T1")
    services, now = browsing.services, browsing.clock()
    (waiting,) = await waiting_applications(teacher, now, services=services)
    assert waiting.applicant.full_name == "Новиков Пётр"
    assert (waiting.class_name, waiting.suggestions) == ("5А", ())
    decided = await decide_application(
        teacher, waiting.application.id, True, now, services=services
    )
    assert getattr(decided, "state", None) is not None, decided
    user_id = await signs_in(browsing, phone)
    assert user_id == waiting.application.applicant

    async def is_in() -> bool:
        await page.goto("/status")
        return page.url.endswith("/me")

    await until_async(is_in, what="the profile")


async def test_an_application_is_withdrawn(browsing: World) -> None:
    """R16: the number is free at once, the account closed, and the form can be sent again."""
    await browsing.let_in("T1")
    issued = await class_link(browsing, Role.STUDENT)
    phone = browsing.new_phone()
    page = await browsing.page()
    await come_in(browsing, page, issued.token, phone)
    await fill_names(page, family="Новиков", given="Пётр", born="02.01.2013")
    await press(page, "Отправить заявку")
    await page.get_by_role("link", name="Отозвать заявку").click()
    await looked_at(page, "withdraw")
    await press(page, "Отозвать")
    await expect(page.get_by_text("Заявка отозвана")).to_be_visible()
    again = await browsing.page()
    await come_in(browsing, again, issued.token, phone)
    await titled(again, "Как вас зовут?")


async def test_twins_with_one_phone_are_asked_who_they_are(browsing: World) -> None:
    """Several people of the list have the number: asked by given name, nothing else of them is shown."""
    await browsing.let_in("T1")
    services = browsing.services
    (twin,) = listed_contacts(FileVault.read(services.config.keys_file), [browsing.people["U1"]])
    shared = [twin, evolve(twin, source_id="U3")]
    async with services.store.begin() as work:
        await work.listed.replace(browsing.org_id, "csv", ["student"], shared)
    issued = await class_link(browsing, Role.STUDENT)
    page = await browsing.page()
    await come_in(browsing, page, issued.token, browsing.phone("U1"))
    await titled(page, "Кто вы?")
    await looked_at(page, "choose")
    assert "Сидоров" not in await page.content()
    await press(page, "Егор")
    await titled(page, "Вы зарегистрированы")
    assert (await browsing.person("U3")).active
    assert not (await browsing.person("U1")).active


async def test_a_teacher_becomes_a_parent_on_the_same_account(browsing: World) -> None:
    """R32: a child's link in the browser of a teacher: one account, one phone, two records."""
    await browsing.let_in("T1", "T3", "U1")
    issued = await link_for(browsing, InviteKind.CHILD_PARENT, "U1")
    page = await browsing.page("T3")
    await page.goto(f"/i/{issued.token}")
    await looked_at(page, "session-teacher")
    await press(page, "Продолжить как Белова А.")
    await titled(page, "Остался один шаг")
    await looked_at(page, "go")
    await press(page, "Закончить регистрацию")
    await titled(page, "Вы зарегистрированы")
    account = await browsing.account("T3")
    assert account.roles == {Role.TEACHER, Role.GUARDIAN}
    assert account.children == {browsing.person_id("U1")}
