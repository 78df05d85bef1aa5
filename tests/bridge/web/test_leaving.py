"""«Покинуть»: the repair of a wrong registration with a stopwatch; the last administrator; erasure (R14, R29, R33)."""

from __future__ import annotations

import asyncio
import secrets
from datetime import date

import pytest
from playwright.async_api import expect

from bridge.ids import new_localpart, user_id_of
from bridge.leaving import erase_due
from bridge.people import NewPerson, PersonRecord, SourceKey, Status
from bridge.roles import Role, UserId
from bridge.steps import Activate, CreatePerson, EnsureAccount, Steps
from bridge.writer import Finished, enqueue
from tests.bridge.web.axe import assert_accessible, assert_accessible_everywhere
from tests.bridge.web.family import PASSWORD
from tests.bridge.web.test_profile import make_guardian_too, owner_of
from tests.bridge.web.world import World
from tests.support.http import HttpError
from tests.support.polling import until_async

#: R14: seconds until a leaver is out of the class's room and the phone is free.
LEAVES_WITHIN_S = 5.0
WRONG = SourceKey("application", "a1")


async def register_as_pupil(world: World) -> UserId:
    """The mistake: a mother applied to 5А as a pupil, with her own name and phone, and was let in."""
    account = user_id_of(new_localpart(secrets.token_bytes), world.services.config.server_name)
    new = NewPerson(
        key=WRONG,
        family_name="Иванова",
        given_name="Ольга",
        birth_date=date(1988, 1, 2),
        roles=frozenset({Role.STUDENT}),
        class_id=world.class_id("5А"),
    )
    services = world.services
    async with services.store.begin() as work:
        assert await work.contacts.claim(world._bound(world.people["R1"], account))
        steps = Steps(
            user_id=account,
            org_id=world.org_id,
            by=account,
            steps=(EnsureAccount(PASSWORD), CreatePerson(new), Activate(WRONG)),
        )
        steps_id = await enqueue(work, steps, world.clock(), services.vault, services.chance)
    assert await services.writer.finish(steps_id, 30) is Finished.DONE
    return account


async def wrong_person(world: World) -> PersonRecord:
    found = await world.services.directory.by_source(world.org_id, WRONG)
    assert found is not None
    return found


async def in_the_class(world: World, user_id: UserId) -> bool:
    return user_id in await asyncio.to_thread(world.school.members, "class", "5А")


async def sent_by(world: World, room_id: str, token: str) -> dict[str, str]:
    """Text → sender of a room's messages."""
    path = f"/_matrix/client/v3/rooms/{room_id}/messages?dir=b&limit=50"
    found = await asyncio.to_thread(world.server.call, "GET", path, token)
    return {
        one["content"]["body"]: one["sender"]
        for one in found["chunk"]
        if one["type"] == "m.room.message" and "body" in one["content"]
    }


async def test_a_parent_registered_as_a_pupil_repairs_it(browsing: World) -> None:
    """R14 whole: out within 5 s, the phone free; the child comes in with its own, the mother as a parent with hers."""
    await browsing.let_in("T1")
    wrong = await register_as_pupil(browsing)
    await browsing.settle()
    assert await in_the_class(browsing, wrong)
    phone = browsing.phone("R1")
    chat = await asyncio.to_thread(browsing.server.login, phone, PASSWORD)
    room_id = await asyncio.to_thread(browsing.school.room_id, "class", "5А")
    await asyncio.to_thread(
        browsing.server.call,
        "PUT",
        f"/_matrix/client/v3/rooms/{room_id}/send/m.room.message/t1",
        chat.access_token,
        {"msgtype": "m.text", "body": "Здравствуйте, я мама Саши"},
    )

    page = await browsing.page()
    await page.goto("/signin")
    await page.get_by_label("Телефон, почта или логин").fill(phone)
    await page.get_by_label("Пароль").fill(PASSWORD)
    await page.get_by_role("button", name="Войти").click()
    await page.get_by_text("⋯ Ещё").click()
    await page.get_by_role("link", name="Покинуть школу").click()
    await page.wait_for_url("**/me/leave")
    await assert_accessible_everywhere(page, "/me/leave")
    begun = browsing.clock()
    await page.get_by_role("button", name="Покинуть").click()

    async def is_out() -> bool:
        return not await in_the_class(browsing, wrong) and await owner_of(browsing, phone) is None

    await until_async(is_out, what="out of the class", deadline_s=LEAVES_WITHIN_S)
    assert (browsing.clock() - begun).total_seconds() < LEAVES_WITHIN_S
    await expect(page.get_by_role("heading", name="Вы покинули школу")).to_be_visible()
    await assert_accessible_everywhere(page, "/left")
    assert "/signin" in (await (await browsing.visitor()).get("/me")).location
    for used in (phone, wrong):
        with pytest.raises(HttpError, match="403"):
            await asyncio.to_thread(browsing.server.login, used, PASSWORD)

    await browsing.let_in("U1")  # the child, with its own phone
    await browsing.let_in("R1")  # the mother, with the phone of before
    child, mother = await browsing.account("U1"), await browsing.account("R1")
    assert mother.roles == {Role.GUARDIAN}
    assert mother.user_id != wrong
    again = await asyncio.to_thread(browsing.server.login, phone, PASSWORD)
    assert again.user_id == mother.user_id
    await browsing.settle()
    assert await in_the_class(browsing, child.user_id)
    assert not await in_the_class(browsing, mother.user_id)
    reader = await asyncio.to_thread(browsing.server.login, browsing.phone("T1"), PASSWORD)
    messages = await sent_by(browsing, room_id, reader.access_token)
    assert messages["Здравствуйте, я мама Саши"] == wrong


async def test_the_last_administrator_stays(browsing: World) -> None:
    """R33: told before anything; whoever sends the form all the same has lost nothing."""
    await browsing.let_in("D1", "T1")
    page = await browsing.page("D1")
    await page.goto("/me/leave")
    assert await page.get_by_text("Вы единственный, кто управляет школой").count() == 1
    assert await page.get_by_role("button", name="Покинуть").count() == 0
    await assert_accessible_everywhere(page, "/me/leave")
    visitor = await browsing.visitor("D1")
    reply = await visitor.post("/me/leave", person=browsing.person_id("D1"))
    assert "Вы единственный" in reply.text
    assert (await browsing.person("D1")).status is Status.ACTIVE
    assert await owner_of(browsing, browsing.phone("D1")) == (await browsing.account("D1")).user_id
    assert (await visitor.get("/me")).status == 200


async def test_two_administrators_leave_at_once_and_one_stays(world: World) -> None:
    """R33 in a race: the one whom the directory keeps keeps everything."""
    await world.let_in("D1", "D2")
    pair = {"D1": await world.visitor("D1"), "D2": await world.visitor("D2")}
    await asyncio.gather(
        *(one.post("/me/leave", person=world.person_id(name)) for name, one in pair.items())
    )
    staying = [name for name in pair if (await world.person(name)).status is Status.ACTIVE]
    assert len(staying) == 1
    (kept,) = staying
    assert await owner_of(world, world.phone(kept)) == (await world.account(kept)).user_id
    assert (await pair[kept].get("/me")).status == 200
    (gone,) = set(pair) - {kept}
    assert await owner_of(world, world.phone(gone)) is None


async def test_leaving_one_role_keeps_the_others(browsing: World) -> None:
    """R32: a teacher stops being a parent here; phone, browsers and the teachers' chat stay."""
    await browsing.let_in("T1")
    await make_guardian_too(browsing, "T1")
    page = await browsing.page("T1")
    await page.goto("/me/leave")
    await page.get_by_role("button", name="Покинуть").click()
    await expect(page.get_by_text("Отметьте, в какой роли вы уходите.")).to_be_visible()
    await assert_accessible(page)
    await page.get_by_label("родитель").check()
    await page.get_by_role("button", name="Покинуть").click()
    await expect(page.get_by_role("status")).to_contain_text("Остальные роли остались")
    account = await browsing.account("T1")
    assert account.roles == {Role.TEACHER}
    assert await owner_of(browsing, browsing.phone("T1")) == account.user_id


async def test_nobody_leaves_for_somebody_else(world: World) -> None:
    """A person id of another account in the form changes nothing."""
    await world.let_in("R1", "R2")
    visitor = await world.visitor("R2")
    assert (await visitor.post("/me/leave", person=world.person_id("R1"))).status in {200, 422}
    assert (await world.person("R1")).status is Status.ACTIVE
    assert (await world.person("R2")).status is Status.ACTIVE


async def test_after_the_grace_time_nothing_of_them_is_left(world: World) -> None:
    """R14, 152-FZ: name and birth date are gone from the school, the account is closed; a day before they are not."""
    await world.let_in("U3")
    account = (await world.account("U3")).user_id
    visitor = await world.visitor("U3")
    assert (await visitor.post("/me/leave", person=world.person_id("U3"))).location == "/left"
    world.clock.move(days=29)
    assert await erase_due(world.clock(), services=world.services) == 0
    assert (await world.person("U3")).family_name == "Сидоров"
    world.clock.move(days=1, minutes=1)
    assert await erase_due(world.clock(), services=world.services) == 1
    assert await erase_due(world.clock(), services=world.services) == 0
    await is_erased(world, "U3", account)


async def is_erased(world: World, source_id: str, account: UserId) -> None:
    async def gone() -> bool:
        person = await world.person(source_id)
        found = await world.services.homeserver.account(account)
        return not person.family_name and found is not None and found.deactivated

    await until_async(gone, what="erased")


async def test_whoever_asks_is_erased_at_once(browsing: World) -> None:
    """The tick on the page; the record's id and the log stay."""
    await browsing.let_in("U3")
    account = (await browsing.account("U3")).user_id
    page = await browsing.page("U3")
    await page.goto("/me/leave")
    await page.get_by_label("Удалить мои данные сразу").check()
    await page.get_by_role("button", name="Покинуть").click()
    await page.wait_for_url("**/left*")
    await is_erased(browsing, "U3", account)
    assert (await browsing.person("U3")).birth_date is None
    async with browsing.services.store.begin() as work:
        words = [one.action.value for one in await work.audit.of_org(browsing.org_id, 10)]
    assert {"left", "erased", "contact_released"} <= set(words)


async def test_whoever_comes_back_in_time_is_not_erased(world: World) -> None:
    """R29: the same record and account; the chats are theirs again, the departure is forgotten."""
    await world.let_in("U1", "T1")
    await world.settle()
    before = await world.account("U1")
    visitor = await world.visitor("U1")
    await visitor.post("/me/leave", person=world.person_id("U1"))
    await world.services.directory.activate(
        world.org_id, world.person_id("U1"), before.user_id, before.user_id
    )
    world.clock.move(days=31)
    assert await erase_due(world.clock(), services=world.services) == 0
    assert (await world.account("U1")).user_id == before.user_id
    assert (await world.person("U1")).family_name == "Иванов"
    await world.settle()
    assert await in_the_class(world, before.user_id)


async def test_the_session_of_a_leaver_is_over_everywhere(world: World) -> None:
    """Other browsers and clients of theirs are signed out with them."""
    await world.let_in("R2")
    client = await asyncio.to_thread(world.server.login, world.phone("R2"), PASSWORD)
    other, visitor = await world.visitor("R2"), await world.visitor("R2")
    await visitor.post("/me/leave", person=world.person_id("R2"))
    assert (await other.get("/me")).location.startswith("/signin")
    answer = await asyncio.to_thread(
        world.server.request, "GET", "/_matrix/client/v3/account/whoami", client.access_token
    )
    assert answer.status in {401, 403}


async def test_a_pupil_with_a_card_leaves_by_password(browsing: World) -> None:
    """R20: neither phone nor e-mail, so no code is offered; login and password prove who it is."""
    await browsing.let_in("U2", phone=False)
    visitor = await browsing.visitor("U2")
    browsing.clock.move(minutes=11)
    page = await browsing.page()
    await page.context.add_cookies([{"name": "sid", "value": visitor.token, "url": browsing.url}])
    await page.goto("/me/leave")
    await page.wait_for_url("**/me/again*")
    assert await page.get_by_role("button", name="Прислать код").count() == 0
    await page.get_by_label("Ваш пароль").fill(PASSWORD)
    await page.get_by_role("button", name="Продолжить").click()
    await page.get_by_role("button", name="Покинуть").click()
    await page.wait_for_url("**/left*")
    assert (await browsing.person("U2")).status is Status.LEFT
