"""The administration at work, in a browser: everything it does in a week, and every page readable by everybody."""

from __future__ import annotations

import asyncio
import re
import sqlite3
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest
from attrs import evolve
from playwright.async_api import Page, expect

from bridge.people import LinkStatus, Status
from bridge.records import (
    Action,
    AuditEntry,
    Sealed,
    StepsId,
    StepsItem,
)
from bridge.roles import Role
from bridge.web import school
from tests.bridge.web.axe import assert_accessible, assert_accessible_everywhere
from tests.bridge.web.lists import staff, students
from tests.bridge.web.world import World
from tests.support.polling import until_async
from tests.support.rosters import SCHOOL86


async def test_every_page_is_accessible(browsing: World) -> None:
    """axe finds nothing in Russian and English, and nothing is cut off at 320 px."""
    world = browsing
    await world.let_in("D1", "A1", "U1", "R1")
    pupil, parent = world.person_id("U1"), world.person_id("R1")
    page = await world.page("D1", width=320)
    for path in (
        "/school",
        "/school/people",
        "/school/people?q=zzz",
        f"/school/people/{pupil}",
        f"/school/people/{pupil}/roles",
        f"/school/people/{pupil}/class",
        f"/school/people/{pupil}/rooms",
        f"/school/people/{pupil}/family?q=Сидорова",
        f"/school/people/{pupil}/family/{parent}?do=remove",
        f"/school/people/{pupil}/signout",
        f"/school/people/{pupil}/contacts",
        f"/school/people/{pupil}/leave",
        "/school/classes",
        f"/school/classes/{world.class_id('5А')}?q=Белова",
        f"/school/classes/{world.class_id('5А')}/split",
        f"/school/classes/{world.class_id('5А')}/substitute?q=Белова",
        "/school/classes/merge",
        "/school/district",
        "/school/invites",
        "/school/invites/staff",
        "/school/roster",
        "/school/roster/progress",
        "/school/settings",
        "/school/audit",
    ):
        await assert_accessible_everywhere(page, path)
    await (await world.page("A1")).goto("/school/settings")


async def upload(page: Page, folder: Path, **files: bytes) -> None:
    names = []
    for name, content in files.items():
        path = folder / f"{name}.csv"
        await asyncio.to_thread(path.write_bytes, content)
        names.append(str(path))
    await page.goto("/school/roster")
    await page.set_input_files("#files", names)
    await page.get_by_role("button", name="Проверить файлы").click()


async def test_lists_from_the_files_to_the_rooms(browsing: World, tmp_path: Path) -> None:
    """A secretary's way: problems, columns and positions named on the page, the difference, yes, done."""
    world = browsing
    await world.let_in("D1")
    page = await world.page("D1", width=320)
    odd = ("№ л/д", "Фам.", "Имечко", "Родился", "Группа", "Моб.", "Почтовый ящик")
    await upload(
        page, tmp_path,
        students=students(headings=odd), staff=staff(("T8", "Котов", "Ян", "Повар")),
    )  # fmt: skip
    await expect(page.get_by_role("heading", level=1)).to_have_text("Ошибки в списках")
    await assert_accessible(page)
    await page.get_by_role("link", name="Назвать столбцы: students.csv").click()
    await page.get_by_role("link", name="Список учеников").click()
    for label, heading in (
        ("Постоянный номер человека (ИД) — нужен", "№ л/д"),
        ("Фамилия", "Фам."),
        ("Имя", "Имечко"),
        ("Дата рождения", "Родился"),
        ("Класс", "Группа"),
        ("Телефон", "Моб."),
    ):
        await page.get_by_label(label, exact=True).select_option(label=heading)
    await assert_accessible(page)
    await page.get_by_role("button", name="Запомнить").click()
    await page.get_by_role("link", name="Назвать должности").click()
    await page.get_by_label("Повар").select_option(label="не загружать")
    await assert_accessible(page)
    await page.get_by_role("button", name="Запомнить").click()
    await expect(page.get_by_role("heading", level=1)).to_have_text("Что изменится")
    await assert_accessible(page)
    await expect(page.get_by_text("Ничего не изменится")).to_be_visible()

    newcomer = "\r\nU9;Новикова;Зоя;2014-01-01;6А;+79161000099;"
    await upload(page, tmp_path, students=students(headings=odd) + newcomer.encode())
    await expect(page.get_by_text("новых людей: 1")).to_be_visible()
    await expect(page.get_by_text("новых классов: 1")).to_be_visible()
    await assert_accessible(page)
    await page.get_by_role("button", name="Применить").click()
    await expect(page.get_by_role("heading", level=1)).to_have_text("Готово", timeout=60_000)
    await page.get_by_role("link", name="К обзору школы").click()
    await expect(page.get_by_text("Нет классного руководителя")).to_be_visible()
    await page.get_by_role("link", name="6А").first.click()
    await page.get_by_label("Фамилия или имя сотрудника").fill("Белова")
    await page.get_by_role("button", name="Найти").click()
    await page.get_by_label("Белова Анна").check()
    await page.get_by_role("button", name="Назначить").click()
    await expect(page.get_by_role("status")).to_contain_text("Классный руководитель изменён")
    seats = (await world.person("T3")).seats
    assert [(seat.name, seat.role) for seat in seats] == [("6А", "homeroom_teacher")]


async def test_a_whole_school_comes_in_by_its_director(browsing: World, tmp_path: Path) -> None:
    """school86: 2,293 people take the place of fifteen; warned, agreed to by name and number, written."""
    world = browsing
    await world.let_in("D1")
    page = await world.page("D1", width=320)
    own = "\r\nD1;Соколова;Вера;;Директор;;;;\r\n".encode()
    names = {"students": "ученики", "staff": "сотрудники", "guardians": "родители"}
    files = {
        kind: await asyncio.to_thread((SCHOOL86 / f"{name}.csv").read_bytes)
        for kind, name in names.items()
    }
    await upload(page, tmp_path, **{**files, "staff": files["staff"].rstrip() + own})
    await expect(page.get_by_text("учеников — 1000")).to_be_visible(timeout=60_000)
    await expect(page.get_by_role("alert")).to_contain_text("слишком много людей")
    await expect(page.get_by_text("Коновалова Мария: директор")).to_be_visible()
    await assert_accessible(page)
    button = page.get_by_role("button", name="Применить несмотря на это")
    await page.get_by_label("Файл полный. Да, закончить").check()
    await button.click(timeout=60_000)
    await expect(page.get_by_role("heading", level=1)).to_have_text(
        re.compile("Чаты меняются|Готово"), timeout=60_000
    )
    overview = await world.services.directory.overview(world.org_id)
    assert (overview.students.total, len(overview.classes)) == (1000, 33)
    assert (await world.person("D1")).status is Status.ACTIVE
    assert (await world.person("U1")).status is Status.LEFT


async def test_a_person_is_found_moved_and_given_a_role(browsing: World) -> None:
    """R31, R40, R51: in place, with a reason; the rooms follow; the log says who and why."""
    world = browsing
    await world.let_in("D1", "U1", "T3")
    page = await world.page("D1")
    await page.goto("/school/people")
    await page.get_by_label("Фамилия или имя").fill("иванов алекс")
    await page.get_by_role("button", name="Найти").click()
    await page.get_by_role("link", name="Иванов Александр").click()
    await page.get_by_role("link", name="Перевести в другой класс").click()
    await page.get_by_label("В класс").select_option(label="1Б")
    await page.get_by_role("button", name="Перевести").click()
    await expect(page.get_by_role("status")).to_contain_text("Ученик переведён")
    assert [seat.name for seat in (await world.person("U1")).seats] == ["1Б"]
    await world.settle()
    await page.get_by_role("link", name="В каких чатах и почему").click()
    row = page.get_by_role("row").filter(has=page.get_by_role("rowheader", name="1Б", exact=True))
    await expect(row).to_contain_text("ученик этого класса")
    await expect(row.get_by_role("cell").nth(1)).to_have_text("да")

    await page.goto(f"/school/people/{world.person_id('T3')}/roles")
    await page.get_by_label("заместитель директора").check()
    await page.get_by_label("Почему").fill("Приказ 17")
    await page.get_by_role("button", name="Изменить роли").click()
    await expect(page.get_by_text("заданы вручную")).to_be_visible()
    assert (await world.person("T3")).roles == {Role.DEPUTY, Role.TEACHER}
    await page.goto("/school/audit")
    await expect(page.get_by_role("row").filter(has_text="Приказ 17")).to_contain_text(
        "Белова Анна"
    )
    await expect(page.get_by_role("row").filter(has_text="5А → 1Б")).to_contain_text("Иванов")


async def test_a_parent_is_linked_restricted_and_freed(browsing: World) -> None:
    """R23, R34: by a court's order the link gives nothing until it is lifted; each step says what it means."""
    world = browsing
    await world.let_in("D1", "R4")
    page = await world.page("D1", width=320)
    pupil, mother = world.person_id("U5"), world.person_id("R4")

    async def status() -> LinkStatus | None:
        family = await world.services.directory.family(world.org_id, pupil)
        assert family is not None
        return next((o.status for o in family.guardians if o.person.person_id == mother), None)

    await page.goto(f"/school/people/{pupil}")
    await page.get_by_role("link", name="Добавить родителя").click()
    await page.get_by_label("Фамилия или имя").fill("Сидорова")
    await page.get_by_role("button", name="Найти").click()
    await page.get_by_label("Сидорова Инна").check()
    await page.get_by_label("Кем приходится").fill("опекун")
    await page.get_by_role("button", name="Добавить").click()
    await expect(page.get_by_role("status")).to_contain_text("Связь добавлена")
    assert await status() is LinkStatus.CONFIRMED
    for button, expected in (
        ("Ограничить по решению суда", LinkStatus.RESTRICTED),
        ("Снять ограничение", LinkStatus.CONFIRMED),
        ("Удалить связь", None),
    ):
        await page.get_by_role("link", name=button).click()
        await page.get_by_role("button", name=button).click()
        await expect(page.get_by_role("status")).to_be_visible()
        assert await status() is expected


async def test_somebody_is_taken_out_and_the_phone_is_free(browsing: World) -> None:
    """R14, R29: rights end, contacts are free, the record stays; a director erases on request."""
    world = browsing
    await world.let_in("D1", "T2")
    user_id = (await world.person("T2")).user_id
    assert user_id is not None
    page = await world.page("D1")
    await page.goto(f"/school/people/{world.person_id('T2')}")
    await page.get_by_role("link", name="Исключить из школы").click()
    await expect(page.get_by_text("Вернуться можно только по заявке")).to_be_visible()
    await expect(page.get_by_text("Через 30 дней данные удаляются")).to_be_visible()
    await page.get_by_label("Почему").fill("Уволился")
    await page.get_by_role("button", name="Исключить из школы").click()
    await expect(page.get_by_role("status")).to_contain_text("исключён")
    await expect(page.get_by_text("Через 30 дней после ухода данные удаляются")).to_be_visible()
    assert (await world.person("T2")).status is Status.LEFT
    async with world.services.store.begin() as work:
        assert await work.contacts.of_account(user_id) == []
        (departure,) = await work.departures.of_account(user_id)
        assert departure.erase_at - departure.left_at == timedelta(days=30)
    account = await world.services.homeserver.account(user_id)
    assert account is not None
    assert account.threepids == frozenset()

    await page.get_by_role("link", name="Удалить данные").click()
    await page.get_by_label("Почему").fill("По просьбе")
    await page.get_by_role("button", name="Удалить данные").click()
    await expect(page.get_by_role("heading", level=1)).to_have_text("Данные удалены")
    assert (await world.person("T2")).family_name == ""


async def test_a_lost_phone_is_signed_out_and_released(browsing: World) -> None:
    """Devices and browsers of a colleague end at once; the contact is free; what it was is masked."""
    world = browsing
    await world.let_in("D1", "T3")
    user_id = (await world.person("T3")).user_id
    assert user_id is not None
    await asyncio.to_thread(world.server.api.call, "POST", "/_matrix/client/v3/login", json={
        "type": "m.login.password",
        "identifier": {"type": "m.id.user", "user": user_id},
        "password": "очень длинный пароль",
    })  # fmt: skip
    colleague = await world.visitor("T3")
    page = await world.page("D1")
    await page.goto(f"/school/people/{world.person_id('T3')}")
    assert world.phone("T3")[2:10] not in await page.content()
    await page.get_by_role("link", name="Выйти на всех устройствах").click()
    await page.get_by_role("button", name="Выйти на всех устройствах").click()
    await expect(page.get_by_role("status")).to_contain_text("вышли")
    assert await world.services.homeserver.devices(user_id) == []
    assert (await colleague.get("/me")).location.startswith("/signin")
    await page.get_by_role("link", name="Снять телефон и почту").click()
    await page.get_by_role("button", name="Снять телефон и почту").click()
    await expect(page.get_by_role("status")).to_contain_text("сняты")
    async with world.services.store.begin() as work:
        assert await work.contacts.of_account(user_id) == []


async def test_invites_are_made_shown_once_and_revoked(browsing: World) -> None:
    """R10, R16: the school's code and a colleague's link; another browser never sees them."""
    world = browsing
    await world.let_in("D1", "D2")
    page = await world.page("D1", width=320)
    await page.goto("/school/invites")
    await page.get_by_role("link", name="Пригласить сотрудника").click()
    await page.get_by_label("Роль").select_option(label="администратор")
    await page.get_by_role("button", name="Создать").click()
    await expect(page.get_by_role("heading", level=1)).to_have_text("Приглашение готово")
    await assert_accessible(page)
    link = await page.locator("dd.secret").first.inner_text()
    made = page.url
    await page.reload()
    assert await page.locator("dd.secret").first.inner_text() == link
    other = await world.page("D2")
    gone = await other.goto(made)
    assert gone is not None
    assert gone.status == 410
    await page.goto("/school/invites/code")
    await page.get_by_role("button", name="Создать").click()
    await expect(page.locator("dd.secret").nth(1)).to_have_text(
        await page.locator("dd.secret").nth(1).inner_text()
    )
    await page.goto("/school/invites")
    await assert_accessible(page)
    await page.get_by_role("link", name="Отозвать — для сотрудников").click()
    await assert_accessible(page)
    await page.get_by_role("button", name="Отозвать").click()
    await expect(page.get_by_role("status")).to_contain_text("отозвано")
    opened = await page.goto(link)
    assert opened is not None
    assert opened.status == 410


async def test_settings_are_the_schools(browsing: World) -> None:
    """Director and deputies change them; an administrator reads; other settings of the school stay."""
    world = browsing
    await world.let_in("D2", "A1")
    page = await world.page("D2", width=320)
    await page.goto("/school/settings")
    await page.get_by_label("Название школы").fill("Гимназия № 7")
    await page.get_by_label("Часовой пояс").select_option("Asia/Omsk")
    await page.get_by_label("Одноклассники могут").check()
    await page.get_by_label("Ученики могут показывать свой экран").check()
    await page.get_by_label("Какую долю").fill("5")
    await page.get_by_role("button", name="Сохранить").click()
    await expect(page.get_by_role("status")).to_contain_text("сохранены")
    org = await world.services.directory.org(world.org_id)
    assert org is not None
    assert (org.name, org.timezone) == ("Гимназия № 7", "Asia/Omsk")
    assert org.settings["classmates_may_write"] is True
    assert org.settings["confirmation_required"] is True
    assert (org.settings["pupils_may_share"], org.settings["calls_waiting_room"]) == (True, False)
    assert org.settings["removal_limit"] == pytest.approx(0.05)
    reader = await world.page("A1")
    await reader.goto("/school/settings")
    await expect(reader.get_by_text("Asia/Omsk")).to_be_visible()
    assert await reader.get_by_role("button", name="Сохранить").count() == 0
    deputy = await world.visitor("D2")
    for wrong in ({"removal_limit": "500"}, {"timezone": "Mars/Base"}, {"name": " "}):
        fields = {"name": "x", "timezone": "Europe/Moscow", "removal_limit": "5", **wrong}
        assert (await deputy.post("/school/settings", **fields)).status == 422
    org = await world.services.directory.org(world.org_id)
    assert org is not None
    assert org.name == "Гимназия № 7"


async def test_what_failed_is_shown_and_tried_again(
    browsing: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A list given up, a stopped sending: on the first page, with a button; and gone when seen to."""
    monkeypatch.setattr(school, "WAIT_S", 0.5)  # what is tried again here never succeeds
    world = browsing
    await world.let_in("D1", "T3")
    user_id = (await world.person("T3")).user_id
    assert user_id is not None
    now = world.clock()
    item = StepsItem(
        id=StepsId("dead1"), user_id=user_id, payload=Sealed(b""), made_at=now,
        due_at=now + timedelta(days=1), org_id=world.org_id,
    )  # fmt: skip
    async with world.services.store.begin() as work:
        for one in (item, evolve(item, id=StepsId("dead2"))):
            await work.steps.add(one)
            await work.steps.give_up(one.id, now, "threepid_taken")
        await work.audit.add(
            AuditEntry(
                at=now, org_id=None, actor="limits", action=Action.SENDING_STOPPED, subject="budget"
            )
        )
    page = await world.page("D1", width=320)
    await page.goto("/school")
    await expect(page.get_by_text("исчерпан дневной запас")).to_be_visible()
    await expect(page.get_by_text("записаны за чужой учётной записью")).to_have_count(2)
    await assert_accessible(page)
    await page.get_by_role("button", name="Повторить").first.click()
    await expect(page.get_by_role("status")).to_contain_text("попробовали ещё раз")
    await page.get_by_role("button", name="Убрать из списка").click()
    await expect(page.get_by_text("записаны за чужой учётной записью")).to_have_count(0)
    async with world.services.store.begin() as work:
        assert await work.steps.dead(world.org_id, 10) == []
        assert await work.steps.state(StepsId("dead1")) is None


async def test_a_held_change_goes_on_with_a_heads_yes(browsing: World) -> None:
    """The module holds a derivation that nobody asked for; an administrator sees it, a deputy lets it go on."""
    world = browsing
    await world.let_in("D1", "D2", "A1", *(f"U{n}" for n in range(1, 6)), "T1", "T2", "T3")
    await world.settle()
    database = world.server.directory / "homeserver.db"

    def hold() -> None:
        with closing(sqlite3.connect(database, timeout=30)) as connection, connection:
            connection.execute(
                "UPDATE sferum_orgs SET held = 'too many removals' WHERE org_id = ?",
                (world.org_id,),
            )

    await asyncio.to_thread(hold)
    reader = await world.page("A1")
    await reader.goto("/school")
    await expect(reader.get_by_role("heading", name="Изменение чатов остановлено")).to_be_visible()
    assert await reader.get_by_role("button", name="Списки верны").count() == 0
    page = await world.page("D2")
    await page.goto("/school")
    await assert_accessible(page)
    await page.get_by_role("button", name="Списки верны").click()
    await expect(page.get_by_role("status")).to_contain_text("чаты меняются")

    async def gone() -> bool | None:
        return not (await world.services.directory.progress(world.org_id)).get("held") or None

    await until_async(gone, what="the derivation to go on", deadline_s=20)
