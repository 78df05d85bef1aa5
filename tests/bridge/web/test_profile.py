"""`/me`: roles, contacts, password, devices; what needs to be proved again first (R7, R12, R32)."""

from __future__ import annotations

import asyncio
import re

import pytest
from playwright.async_api import expect

from bridge.answers import Asked, Proven, Requested
from bridge.contact import Medium, parse_phone, subject
from bridge.dispute import Dispute
from bridge.disputes import open_dispute
from bridge.invite import InviteKind
from bridge.onboarding import request_code, verify_code
from bridge.people import NewPerson, SourceKey
from bridge.roles import Role, UserId
from bridge.steps import Activate, CreatePerson, Steps
from bridge.web.profile import ORDER, role_cards
from bridge.web.visit import hash_of
from bridge.writer import Finished, enqueue
from tests.bridge.web.axe import assert_accessible, assert_accessible_everywhere
from tests.bridge.web.family import PASSWORD
from tests.bridge.web.world import Visitor, World
from tests.support.http import HttpError
from tests.support.polling import until_async


async def make_guardian_too(world: World, source_id: str) -> None:
    """A second person on the same account, a parent (R32), as joining by a child's link makes it."""
    account = await world.account(source_id)
    key = SourceKey("application", f"a{source_id}")
    new = NewPerson(
        key=key, family_name="Орлова", given_name="Нина", roles=frozenset({Role.GUARDIAN})
    )
    steps = Steps(
        user_id=account.user_id,
        org_id=world.org_id,
        by=account.user_id,
        steps=(CreatePerson(new), Activate(key)),
    )
    services = world.services
    async with services.store.begin() as work:
        steps_id = await enqueue(work, steps, world.clock(), services.vault, services.chance)
    assert await services.writer.finish(steps_id, 20) is Finished.DONE


async def owner_of(world: World, phone: str) -> UserId | None:
    number = parse_phone(phone, world.services.settings.phones)
    lookup = world.services.vault.lookup(subject(number))  # type: ignore[arg-type]
    async with world.services.store.begin() as work:
        return await work.contacts.owner(Medium.MSISDN, lookup, world.org_id)


async def code_of(world: World, visitor: Visitor, path: str, contact: str) -> tuple[str, str]:
    """Ask for a code at `path`: (address of its page, the code)."""
    asked = await visitor.post(path, contact=contact)
    assert asked.status == 303, asked.text
    return asked.location, await world.code_to(contact)


async def test_one_account_shows_each_of_its_roles(browsing: World) -> None:
    """R32: a teacher who is a parent sees both, and what each gives; contacts are masked."""
    await browsing.let_in("T1")
    await make_guardian_too(browsing, "T1")
    page = await browsing.page("T1")
    await page.goto("/me")
    text = await page.inner_text("main")
    for word in ("учитель", "классный руководитель 5А", "родитель", "Чат учителей"):
        assert word in text
    assert browsing.phone("T1")[2:] not in text
    masked = f"+7 ••• ••{browsing.phone('T1')[-2:]}"
    assert masked in text.replace("\u00a0", " ")
    assert await page.get_by_role("link", name="Мои дети").count() == 1
    await assert_accessible_everywhere(page, "/me")


def test_roles_stand_in_the_schools_order() -> None:
    """A person without a role would stand last; nothing fails."""
    assert role_cards(()) == ()
    assert ORDER[0] is Role.DIRECTOR
    assert ORDER[-1] is Role.GUARDIAN
    assert set(ORDER) == set(Role)


async def test_a_pupil_under_14_is_told_what_is_closed_and_how_it_opens(browsing: World) -> None:
    """R17: what can be done now, and the link for a parent."""
    await browsing.let_in("U3")
    page = await browsing.page("U3")
    await page.goto("/me")
    assert await page.get_by_text("Профиль пока не подтверждён родителем.").count() == 1
    assert await page.get_by_text("ещё не зарегистрировался").count() == 1  # the mother is listed
    await assert_accessible_everywhere(page, "/me")


async def test_an_old_session_must_prove_itself_before_anything_changes(browsing: World) -> None:
    """Ten minutes after signing in, a page left open at school changes no number and leaves no school."""
    await browsing.let_in("R1")
    visitor = await browsing.visitor("R1")
    assert (await visitor.get("/me/phone")).status == 200
    browsing.clock.move(minutes=11)
    for path in ("/me/phone", "/me/email", "/me/password", "/me/leave"):
        for reply in (await visitor.get(path), await visitor.post(path, contact="x")):
            assert reply.location == f"/me/again?next={path.replace('/', '%2F')}"
    page = await browsing.page()
    await page.context.add_cookies([{"name": "sid", "value": visitor.token, "url": browsing.url}])
    await page.goto("/me/password")
    await assert_accessible(page)
    await page.get_by_label("Ваш пароль").fill("wrong")
    await page.get_by_role("button", name="Продолжить").click()
    await expect(page.get_by_text("Пароль не подошёл.")).to_be_visible()
    await page.get_by_role("button", name=re.compile("Прислать код")).click()
    await page.get_by_label("Код из сообщения").fill(await browsing.code_to(browsing.phone("R1")))
    await page.get_by_role("button", name="Дальше").click()
    await page.wait_for_url("**/me/password")
    assert (await visitor.get("/me")).location.startswith("/signin")  # the old cookie is over


async def test_another_password_of_somebody_else_proves_nothing(world: World) -> None:
    """The password is asked of the account itself; another browser's contact cannot be chosen."""
    await world.let_in("R1", "R2")
    visitor = await world.visitor("R1")
    world.clock.move(minutes=11)
    assert (await visitor.post("/me/again", password=PASSWORD, next="/me/phone")).location == (
        "/me/phone"
    )
    world.clock.move(minutes=11)
    reply = await visitor.post("/me/again/code", contact="id of somebody's contact", next="/me")
    assert reply.location == "/me/again?next=%2Fme"
    assert world.sms.sent == []


async def test_a_new_phone_is_proved_then_written_and_the_old_one_is_free(world: World) -> None:
    """R7: in the bridge and in Synapse; sign-in works with the new one only."""
    await world.let_in("R1")
    old, new = world.phone("R1"), world.new_phone()
    visitor = await world.visitor("R1")
    address, code = await code_of(world, visitor, "/me/phone", new)
    assert (await visitor.post(address, code=code)).location == "/me?said=contact_changed"
    account = await world.account("R1")
    assert await owner_of(world, new) == account.user_id
    assert await owner_of(world, old) is None
    await asyncio.to_thread(world.server.login, new, PASSWORD)
    with pytest.raises(HttpError):
        await asyncio.to_thread(world.server.login, old, PASSWORD)


async def test_somebody_elses_phone_is_never_taken(world: World) -> None:
    """R7: not even by whoever reads its messages; the page says what to do, only after the code."""
    await world.let_in("R1", "R2")
    visitor = await world.visitor("R1")
    address, code = await code_of(world, visitor, "/me/phone", world.phone("R2"))
    reply = await visitor.post(address, code=code)
    assert reply.status == 409
    assert "в другом профиле" in reply.text
    assert await owner_of(world, world.phone("R2")) == (await world.account("R2")).user_id


async def test_a_phone_of_whom_a_list_has_dropped_is_free_for_whoever_proves_it(
    world: World,
) -> None:
    """R40: the next day, and not while the account might still be on its way into the directory."""
    await world.let_in("R1", "R2")
    dropped, directory = await world.account("R2"), world.services.directory
    await directory.leave(world.org_id, world.person_id("R2"), "not on the list", dropped.user_id)
    phone = world.phone("R2")

    async def is_out() -> bool:
        return await directory.account(dropped.user_id) is None

    await until_async(is_out, what="the directory has let them go")
    visitor = await world.visitor("R1")
    address, code = await code_of(world, visitor, "/me/phone", phone)
    assert (await visitor.post(address, code=code)).status == 409
    assert await owner_of(world, phone) == dropped.user_id
    world.clock.move(days=1, minutes=1)
    visitor = await world.visitor("R1")
    address = (await visitor.post("/me/phone", contact=phone)).location
    code = await world.code_to(phone, after=1)
    reply = await visitor.post(address, code=code)
    assert reply.location == "/me?said=contact_changed", reply.text
    account = await world.account("R1")
    assert await owner_of(world, phone) == account.user_id

    async def signs_in() -> bool:
        try:
            session = await asyncio.to_thread(world.server.login, phone, PASSWORD)
        except HttpError:
            return False
        return session.user_id == account.user_id

    await until_async(signs_in, what="the number opens the new owner's account")


async def test_a_pupil_does_not_get_a_parents_phone_later_either(world: World) -> None:
    """R12: U2 came in by a card; the number that the list gives her mother stays her mother's."""
    await world.let_in("U2", phone=False)
    visitor = await world.visitor("U2")
    for source_id, word in (("R1", "у родителя"), ("T3", "у сотрудника")):
        address, code = await code_of(world, visitor, "/me/phone", world.phone(source_id))
        reply = await visitor.post(address, code=code)
        assert reply.status == 409
        assert word in reply.text
        assert await owner_of(world, world.phone(source_id)) is None
    address, code = await code_of(world, visitor, "/me/phone", world.new_phone())
    assert (await visitor.post(address, code=code)).status == 303


async def test_a_code_for_a_new_phone_signs_nobody_in(world: World) -> None:
    """Another browser cannot use it, and its page is no page of signing in."""
    await world.let_in("R1")
    mine, other = await world.visitor("R1"), await world.visitor("R1")
    address, code = await code_of(world, mine, "/me/phone", world.new_phone())
    assert (await other.post(address, code=code)).location == "/me/phone"
    challenge = address.rpartition("/")[2]
    assert (await mine.get(f"/signin/code/{challenge}")).location == "/signin/code"
    assert (await mine.post(address, code="12")).status == 200  # malformed: costs no try
    assert "Попытки" not in (await mine.post(address, code="12")).text
    assert "Не похоже" not in (await mine.get(address)).text


async def test_a_new_password_may_end_every_other_session(world: World) -> None:
    """Ticked: clients and browsers must type it, this browser stays; too short a password is refused."""
    await world.let_in("R1")
    client = await asyncio.to_thread(world.server.login, world.phone("R1"), PASSWORD)
    visitor, other = await world.visitor("R1"), await world.visitor("R1")
    assert "10" in (await visitor.post("/me/password", password="short")).text
    reply = await visitor.post("/me/password", password="новый длинный пароль", sign_out="y")
    assert reply.location == "/me?said=password_changed"
    assert (await visitor.get("/me")).status == 200
    assert (await other.get("/me")).location.startswith("/signin")
    whoami = await asyncio.to_thread(
        world.server.request, "GET", "/_matrix/client/v3/account/whoami", client.access_token
    )
    assert whoami.status == 401
    await asyncio.to_thread(world.server.login, world.phone("R1"), "новый длинный пароль")


async def test_a_new_password_need_not_end_anything(world: World) -> None:
    """Whoever only forgot it keeps their chats open."""
    await world.let_in("R1")
    client = await asyncio.to_thread(world.server.login, world.phone("R1"), PASSWORD)
    visitor, other = await world.visitor("R1"), await world.visitor("R1")
    await visitor.post("/me/password", password="новый длинный пароль")
    assert (await other.get("/me")).status == 200
    whoami = await asyncio.to_thread(
        world.server.request, "GET", "/_matrix/client/v3/account/whoami", client.access_token
    )
    assert whoami.status == 200


async def test_devices_are_signed_out_one_by_one_or_all(browsing: World) -> None:
    """The list names them; somebody else's device cannot be touched."""
    await browsing.let_in("R1", "R2")
    phone = browsing.phone("R1")
    first = await asyncio.to_thread(browsing.server.login, phone, PASSWORD, device_id="OLDPHONE")
    await asyncio.to_thread(browsing.server.login, phone, PASSWORD, device_id="TABLET")
    theirs = await asyncio.to_thread(
        browsing.server.login, browsing.phone("R2"), PASSWORD, device_id="THEIRS"
    )
    page = await browsing.page("R1")
    await page.goto("/me/devices")
    assert await page.locator(".card").count() == 2
    await assert_accessible_everywhere(page, "/me/devices")
    await page.get_by_role("button", name=re.compile("OLDPHONE")).click()
    await expect(page.get_by_role("status")).to_have_text("Устройство отключено.")
    gone = await asyncio.to_thread(
        browsing.server.request, "GET", "/_matrix/client/v3/account/whoami", first.access_token
    )
    assert gone.status == 401

    visitor = await browsing.visitor("R1")
    await visitor.post("/me/devices", device="THEIRS")
    kept = await asyncio.to_thread(
        browsing.server.request, "GET", "/_matrix/client/v3/account/whoami", theirs.access_token
    )
    assert kept.status == 200
    await page.get_by_role("link", name="Выйти везде").click()
    await assert_accessible_everywhere(page, "/me/devices/all")
    await page.get_by_role("button", name="Выйти везде").click()
    await expect(page.get_by_text("не вошли ни в одном приложении")).to_be_visible()
    assert (await visitor.get("/me")).location.startswith("/signin")


async def test_a_disputed_number_is_kept_by_one_press(browsing: World) -> None:
    """R11: "somebody says it is theirs" is on the owner's page; «Номер мой» ends it."""
    await browsing.let_in("R2")
    claimant = await browsing.visitor()
    await open_dispute_by(browsing, claimant, browsing.phone("R2"))
    page = await browsing.page("R2")
    await page.goto("/me")
    await assert_accessible_everywhere(page, "/me")
    await page.get_by_role("button", name="Номер мой").click()
    await expect(page.get_by_role("status")).to_have_text("Номер остаётся за вами.")
    assert await page.get_by_role("button", name="Номер мой").count() == 0
    browsing.clock.move(days=30)
    assert await owner_of(browsing, browsing.phone("R2")) is not None


async def open_dispute_by(world: World, visitor: Visitor, phone: str) -> None:
    """A newcomer proves the number and says that its profile is not theirs, without the pages of joining."""
    await world.let_in("T1")
    issued = await world.issue(
        "T1", InviteKind.CLASS_PUPIL, Role.STUDENT, class_id=world.class_id("5А")
    )
    services, session = world.services, hash_of(visitor.token)
    asked = await request_code(
        Asked(
            token=issued.token,
            medium=Medium.MSISDN,
            typed=phone,
            session=session,
            address="192.0.2.1",
        ),
        world.clock(),
        store=services.store,
        vault=services.vault,
        directory=services.directory,
        settings=services.settings,
        chance=services.chance,
    )
    assert isinstance(asked, Requested)
    code = await world.code_to(phone)
    proved = await verify_code(
        asked.challenge_id,
        code,
        session,
        world.clock(),
        store=services.store,
        vault=services.vault,
    )
    assert isinstance(proved, Proven)
    dispute = await open_dispute(
        asked.challenge_id, session, world.org_id, world.clock(), services=services
    )
    assert isinstance(dispute, Dispute)


async def test_strangers_and_those_who_wait_see_no_profile(world: World) -> None:
    """Every page of one's own leads a stranger to signing in and back."""
    visitor = await world.visitor()
    for path in ("/me", "/me/devices", "/me/phone", "/me/leave", "/family", "/me/again"):
        reply = await visitor.get(path)
        assert reply.location == f"/signin?next={path.replace('/', '%2F')}"
