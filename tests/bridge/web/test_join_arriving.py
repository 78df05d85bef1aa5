"""The last page while the account is not there yet, and when it never will be; better ways for who waits already."""

from __future__ import annotations

import secrets
from datetime import timedelta

import pytest
from playwright.async_api import expect

from bridge.contact import Email, Medium, subject
from bridge.invite import InviteKind
from bridge.journey import Arrival, keep_arrival
from bridge.records import BoundContact, ContactId, StepsId, StepsItem
from bridge.roles import PersonId, Role
from bridge.steps import Activate, Steps
from bridge.web import welcome
from bridge.web.visit import hash_of
from bridge.writer import Finished, enqueue
from tests.bridge.web.newcomers import (
    class_link,
    come_in,
    fill_names,
    link_for,
    looked_at,
    press,
    prove,
    titled,
)
from tests.bridge.web.world import World
from tests.support.polling import until_async


async def test_an_account_that_takes_long(browsing: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """The page looks again by itself, and is usable meanwhile."""
    monkeypatch.setattr(welcome, "PATIENCE_S", 0.1)
    await browsing.let_in("U1")
    user_id, now, vault = (
        (await browsing.account("U1")).user_id,
        browsing.clock(),
        browsing.services.vault,
    )
    later = StepsItem(
        id=StepsId("later"),
        user_id=user_id,
        payload=vault.seal(b"{}", "steps:later"),
        made_at=now,
        due_at=now + timedelta(hours=1),
    )
    page = await browsing.page("U1")
    await arrives(browsing, await token_of(page), "later", user_id)
    async with browsing.services.store.begin() as work:
        await work.steps.add(later)
    response = await page.goto("/welcome")
    assert response is not None
    assert response.headers["refresh"] == str(welcome.AGAIN_S)
    await looked_at(page, "pending")
    async with browsing.services.store.begin() as work:
        await work.steps.done(StepsId("later"), now)
    await titled(page, "Вы зарегистрированы")


async def test_an_account_that_is_never_made(browsing: World) -> None:
    """Given up: the page says whom to ask, and that nothing is lost."""
    await browsing.let_in("U1")
    user_id, services = (await browsing.account("U1")).user_id, browsing.services
    steps = Steps(
        user_id=user_id,
        org_id=browsing.org_id,
        by=user_id,
        steps=(Activate(PersonId("pnobodyatall")),),
    )
    async with services.store.begin() as work:
        steps_id = await enqueue(work, steps, browsing.clock(), services.vault, services.chance)
    assert await services.writer.finish(steps_id, 20) is Finished.DEAD
    page = await browsing.page("U1")
    await arrives(browsing, await token_of(page), steps_id, user_id)
    await page.goto("/welcome")
    await titled(page, "Не получилось закончить")
    await looked_at(page, "dead")


async def token_of(page: object) -> str:
    cookies = await page.context.cookies()  # type: ignore[attr-defined] # a Page
    return str(next(one["value"] for one in cookies if one["name"] == "sid"))


async def arrives(world: World, token: str, steps_id: str, login: str) -> None:
    """This browser's last page waits for these steps."""
    arrival = Arrival(steps_id=StepsId(steps_id), login=login, contact="+7 ••• ••67")
    async with world.services.store.begin() as work:
        await keep_arrival(work, hash_of(token), arrival, world.clock(), world.services.vault)


async def test_a_personal_link_helps_who_waits(browsing: World) -> None:
    """An applicant with a personal link from the class teacher goes on in the same browser and is in at once."""
    await browsing.let_in("T1")
    issued = await class_link(browsing, Role.STUDENT)
    page, phone = await browsing.page(), browsing.new_phone()
    await come_in(browsing, page, issued.token, phone)
    await fill_names(page, family="Петрова", given="Мария", born="06.05.2014")
    await press(page, "Отправить заявку")
    await titled(page, "Ваша заявка")
    personal = await link_for(browsing, InviteKind.PERSONAL, "U2")
    await page.goto(f"/i/{personal.token}")
    await looked_at(page, "session-applicant")
    await press(page, "Продолжить с этой заявкой")
    await press(page, "Закончить регистрацию")
    await titled(page, "Вы зарегистрированы")
    assert (await browsing.person("U2")).active
    async with browsing.services.store.begin() as work:
        assert await work.applications.waiting(browsing.org_id) == []


async def test_the_code_need_not_be_typed_twice(browsing: World) -> None:
    """R11: «Это не я» after a code was typed: a new session, an empty form, the same class."""
    await browsing.let_in("T1", "U1")
    issued = await class_link(browsing, Role.GUARDIAN)
    page = await browsing.page("U1")
    await page.goto("/join")
    await page.get_by_label("Код школы или класса").fill(issued.code)
    await press(page, "Дальше")
    await press(page, "Это не я")
    await expect(page.get_by_text("Регистрация родителя ученика класса 5А.")).to_be_visible()
    await expect(page.get_by_label("Номер мобильного телефона")).to_have_value("")


async def test_where_to_get_a_code(browsing: World) -> None:
    """A school by its name, and who gives codes there; no SMS without one."""
    page = await browsing.page()
    await page.goto(f"/join/school/{browsing.org_id}")
    await titled(page, "Школа № 7")
    await looked_at(page, "school")
    await page.goto("/join?q=такой+школы+нет")
    await expect(page.get_by_text("Такой школы здесь нет.")).to_be_visible()
    await page.get_by_label("Код школы или класса").fill("12345")
    await press(page, "Дальше")
    await expect(page.get_by_text("Код не подошёл")).to_be_visible()
    await page.goto("/join/next")
    await titled(page, "Эта страница уже пройдена")
    await looked_at(page, "lost")


async def test_the_owner_hears_of_a_dispute_by_mail(world: World) -> None:
    """R11: at another contact of theirs, without the number."""
    await world.let_in("T1", "U1")
    account, services = await world.account("U1"), world.services
    address = Email(f"{secrets.token_hex(4)}@example.org")
    async with services.store.begin() as work:
        assert await work.contacts.claim(
            BoundContact(
                id=ContactId(secrets.token_hex(8)),
                user_id=account.user_id,
                org_id=account.org_id,
                medium=Medium.EMAIL,
                lookup=services.vault.lookup(subject(address)),
                sealed=services.vault.seal(address.address.encode(), f"contact:{account.user_id}"),
                verified_at=world.clock(),
            )
        )
    issued = await class_link(world, Role.STUDENT)
    visitor = await world.visitor()
    await prove(world, visitor, issued.token, world.phone("U1"))
    assert (await visitor.post("/join/notme")).location == "/join/disputed"

    async def mailed() -> list[str]:
        return world.messages_to(address.address)

    (text,) = await until_async(mailed, what="the mail")
    assert world.phone("U1")[-4:] not in text
    assert services.config.public_url in text
