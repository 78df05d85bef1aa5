"""One person at two schools: a profile at each, the same phone, one page of children (R7, R12, R40, ADR 32)."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
import pytest_asyncio
from attrs import evolve
from playwright.async_api import Page, expect

from bridge.binding import ProofRefusal
from bridge.journey import journey_of
from bridge.leaving_for import going_of, take_out
from bridge.newcomer import newcomer_of
from bridge.roles import OrgId, Role, UserId
from bridge.school_people import sign_out_devices
from bridge.web.visit import hash_of
from tests.bridge.web.family import PASSWORD as OLD_PASSWORD
from tests.bridge.web.family import school_roster
from tests.bridge.web.newcomers import (
    PASSWORD,
    class_link,
    come_in,
    looked_at,
    once_in,
    press,
    prove,
    signs_in,
    titled,
)
from tests.bridge.web.world import Visitor, World, listed_contacts, open_world
from tests.support.fleet import Fleet
from tests.support.polling import until_async
from tests.support.school import School
from tests.support.synapse import Homeserver

OTHER = "Гимназия № 8"


async def second_school(world: World) -> World:
    """Another school of the same server and the same pages, whose lists name the same people."""
    school = School(world.server, f"{world.org_id}-b")
    await asyncio.to_thread(school.create, OTHER)
    await asyncio.to_thread(school.apply, school_roster())
    world._stack.push_async_callback(asyncio.to_thread, school.abandon)
    async with world.services.store.begin() as work:
        await work.listed.replace(
            OrgId(school.org_id),
            "csv",
            ["student", "staff", "guardian"],
            listed_contacts(world.services.vault, world.people.values()),
        )
    return evolve(world, school=school)


async def link_profiles(visitor: Visitor, phone: str) -> str:
    """The code that shows a profile at another school together with this one; where it leads."""
    world, sent = visitor.world, len(visitor.world.messages_to(phone))
    asked = await visitor.post("/me/profiles", contact=phone)
    assert asked.status == 303, asked.text
    code = await world.code_to(phone, after=sent)
    return (await visitor.post(asked.location, code=code)).location


async def proves(world: World, page: Page, label: str, phone: str) -> None:
    """Type a phone, and the code that comes to it."""
    sent = len(world.messages_to(phone))
    await page.get_by_label(label).fill(phone)
    await press(page, "Получить код")
    await page.get_by_label("Код из сообщения").fill(await world.code_to(phone, after=sent))
    await press(page, "Дальше")


@contextmanager
def in_a_district(world: World, server_name: str, name: str) -> Iterator[None]:
    """As if the register had this other school, while the block runs."""

    def change(statement: str, *values: object) -> None:
        path = world.server.directory / "homeserver.db"
        with closing(sqlite3.connect(path, timeout=30)) as database, database:
            database.execute(statement, values)

    change(
        "INSERT INTO sferum_peer_servers (server_name, name, role_pairs, until_ms)"
        " VALUES (?, ?, '[]', ?)",
        server_name,
        name,
        2**50,
    )
    try:
        yield
    finally:
        change("DELETE FROM sferum_peer_servers WHERE server_name = ?", server_name)


async def test_a_mother_of_two_schools_sees_all_her_children(browsing: World) -> None:
    """Same phone, another profile; a code opens either; after one more code one page has the children of both."""
    await browsing.let_in("R1", "U1")
    other = await second_school(browsing)
    await other.let_in("T1")
    phone, page = browsing.phone("R1"), await browsing.page("R1")
    issued = await class_link(other, Role.GUARDIAN)
    await page.goto(f"/i/{issued.token}")  # in the browser of the first profile
    await expect(page.get_by_text("Это профиль другой школы (Школа № 7)")).to_be_visible()
    assert await page.get_by_role("button", name="Продолжить как").count() == 0
    await looked_at(page, "session-elsewhere")
    await press(page, "Зарегистрироваться в этой школе")
    await come_in(other, page, issued.token, phone)
    await titled(page, "Вы зарегистрированы")
    first, second = await browsing.account("R1"), await once_in(other, "R1")
    assert first.user_id != second.user_id
    assert await signs_in(browsing, phone, OLD_PASSWORD) == first.user_id
    assert await signs_in(browsing, second.user_id) == second.user_id

    await page.goto("/me")
    await expect(page.get_by_text("откроется профиль школы «Школа № 7»")).to_be_visible()
    await looked_at(page, "me-two-schools")
    await page.goto("/family")
    assert "Школа № 7" not in await page.inner_text("main")
    await page.goto("/me/profiles")
    await proves(browsing, page, "Телефон или почта профиля", phone)
    await expect(page.get_by_role("status")).to_have_text("Готово: теперь обе школы видны вместе.")
    await looked_at(page, "profiles")
    with in_a_district(browsing, "school9.example", "Школа № 9"):
        await page.goto("/family")
        text = await page.inner_text("main")
        assert text.index(OTHER) < text.index("Школа № 7")
        assert [text.count(name) for name in ("Иванов Александр", "Петрова Мария")] == [2, 2]
        await page.get_by_text("Страницы школ округа").click()
        await expect(page.get_by_role("link", name="Школа № 9")).to_have_attribute(
            "href", "https://school9.example/"
        )
        await looked_at(page, "family-two-schools")
    await press(page, "Войти: Школа № 7")  # each profile is signed in to by itself
    await titled(page, "Вход")

    await page.goto("/signin/code")
    await proves(browsing, page, "Телефон или почта вашего профиля", phone)
    await titled(page, "В какую школу войти?")
    await looked_at(page, "which")
    await press(page, "Войти: Школа № 7")
    await titled(page, "Вы вошли")
    await page.goto("/family")
    assert OTHER in await page.inner_text("main")


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def two(
    school_server: Homeserver, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[tuple[World, World]]:
    """A mother, a teacher and a director at both schools, the mother's profiles linked; she leaves one in the last."""
    async with open_world(school_server, tmp_path_factory.mktemp("two")) as world:
        await world.let_in("D1", "T1", "R1", "U1")
        other = await second_school(world)
        await other.let_in("D1", "T1", "R1", "U2")
        mother = await other.visitor("R1")
        linked = await link_profiles(mother, world.phone("R1"))
        assert linked == "/me/profiles?said=profile_linked"
        yield world, other


async def family_of(world: World) -> str:
    return (await (await world.visitor("R1")).get("/family")).text


async def test_neither_school_s_staff_learns_of_the_other(two: tuple[World, World]) -> None:
    """A colleague and a parent of both: lists, cards and logs of each school have its own profile and no word more."""
    for here, there in (two, two[::-1]):
        foreign = [(await there.account(who)).user_id for who in ("R1", "T1", "D1")]
        shown = "Гимназия" if there.org_id.endswith("-b") else "Школа № 7"
        director = await here.visitor("D1")
        for path in (
            "/school",
            "/school/people?q=Иванова",
            "/school/people.csv",
            f"/school/people/{here.person_id('R1')}",
            f"/school/people/{here.person_id('T1')}/rooms",
            "/school/audit",
            f"/class/{here.class_id('5А')}",
        ):
            reply = await director.get(path)
            assert reply.status == 200, path
            assert shown not in reply.text, path
            assert not [one for one in foreign if one in reply.text], path
        for who in ("R1", "T1"):
            assert (await director.get(f"/school/people/{there.person_id(who)}")).status == 404
        teacher = await here.account("T1")
        assert teacher.org_id == here.org_id
        assert teacher.homeroom_of == {here.class_id("5А")}


async def test_a_dismissal_and_a_lost_device_are_of_one_school(two: tuple[World, World]) -> None:
    """A teacher dismissed at one school, and a mother whose devices one school signs out, go on at the other."""
    here, there = two
    services, now = here.services, here.clock()
    teacher, mother = await there.visitor("T1"), await there.visitor("R1")
    director = await here.account("D1")
    lost = await here.visitor("R1")
    await sign_out_devices(director, await here.person("R1"), services=services)
    assert (await lost.get("/me")).location.startswith("/signin")
    assert (await mother.get("/me")).status == 200
    going = await going_of(await here.person("T1"), services=services)
    steps_id = await take_out(director, going, "уволен", now, erase=False, services=services)
    assert isinstance(steps_id, str)
    await services.writer.finish(steps_id, 30)
    second = await there.account("T1")
    assert (await teacher.get(f"/class/{there.class_id('5А')}")).status == 200
    assert await signs_in(here, here.phone("T1"), OLD_PASSWORD) == second.user_id
    assert not (await here.person("T1")).active


async def test_profiles_apart_again(two: tuple[World, World]) -> None:
    """Either page takes the other's children off both; a stranger's account changes nothing."""
    here, there = two
    first, second = await here.account("R1"), await there.account("R1")
    stranger = await there.visitor("T1")
    await stranger.post("/me/profiles/apart", profile=first.user_id)
    assert OTHER in await family_of(here)
    visitor = await there.visitor("R1")
    reply = await visitor.post("/me/profiles/apart", profile=first.user_id)
    assert reply.location == "/family?said=profile_apart"
    assert OTHER not in await family_of(here)
    assert "Школа № 7" not in await family_of(there)
    async with here.services.store.begin() as work:
        assert await work.profiles.of(UserId(second.user_id)) == []
    linked = await link_profiles(visitor, here.phone("R1"))
    assert linked == "/me/profiles?said=profile_linked"


async def test_leaving_one_school_leaves_the_other_alone(two: tuple[World, World]) -> None:
    """R14, R40: the mother leaves the first: out of it at once, number and page are the other profile's, which has lost
    nothing but the first one's children.
    """
    here, there = two
    first, second = await here.account("R1"), await there.account("R1")
    at_home = await there.visitor("R1")
    assert "Школа № 7" in (await at_home.get("/family")).text
    leaving = await here.visitor("R1")
    reply = await leaving.post("/me/leave", person=here.person_id("R1"), erase="yes")
    assert reply.location.startswith("/left"), reply.text

    async def gone() -> bool:
        return await here.services.directory.account(first.user_id) is None

    await until_async(gone, what="the first profile's end")
    assert await there.services.directory.account(second.user_id) == second
    assert await signs_in(here, here.phone("R1"), OLD_PASSWORD) == second.user_id
    text = (await at_home.get("/family")).text
    assert "Петрова Мария" in text
    assert "Школа № 7" not in text


async def test_a_code_of_one_school_is_none_at_the_other(world: World) -> None:
    """Sent for a link of the first it proves nothing for the second's; and what signs in links no profiles."""
    await world.let_in("T1", "R1")
    other = await second_school(world)
    await other.let_in("T1")
    here, there = [await class_link(one, Role.GUARDIAN) for one in (world, other)]
    visitor, phone = await world.visitor(), world.phone("R2")
    assert (await visitor.post(f"/i/{here.token}", phone=phone)).location == "/join/code"
    code = await world.code_to(phone)
    assert (await visitor.post(f"/i/{there.token}", phone=phone)).location == "/join/code"
    await world.code_to(phone, after=1)
    wrong = await visitor.post("/join/code", code=code, password=PASSWORD)
    assert "Код не подошёл" in wrong.text

    visitor = await world.visitor()
    location = await prove(world, visitor, here.token, world.new_phone())
    assert location == "/join/next"  # nobody of the list: their names are asked
    services, session = world.services, hash_of(visitor.token)
    async with services.store.begin() as work:
        mine = await journey_of(work, session, world.clock(), services.vault)
    assert mine is not None
    for invite, proves in ((here.invite, True), (there.invite, False)):
        answer = await newcomer_of(
            evolve(mine, invite_id=invite.id), session, None, world.clock(), services=services
        )
        assert (answer is not ProofRefusal.NOT_PROVED) is proves
    mother = await world.visitor("R1")
    asked = await mother.post("/signin/code", contact=world.phone("R1"))
    challenge = asked.location.rpartition("/")[2]
    assert (await mother.get(f"/me/profiles/{challenge}")).location == "/me/profiles"


async def test_numbers_that_have_no_second_profile(world: World) -> None:
    """R12, R40: a pupil's number makes no parent at another school, a parent's no pupil; a child's is no second."""
    await world.let_in("U1", "R1")
    other = await second_school(world)
    await other.let_in("T1", "R2")
    link = await class_link(other, Role.GUARDIAN)
    visitor = await world.visitor()
    await prove(world, visitor, link.token, world.phone("U1"))
    assert "Этот номер записан в другой школе" in (await visitor.get("/join/next")).text
    link = await class_link(other, Role.STUDENT)
    visitor = await world.visitor()
    await prove(world, visitor, link.token, world.phone("R1"))
    assert "записан за родителем" in (await visitor.get("/join/next")).text
    assert not (await other.person("U1")).active
    father = await other.visitor("R2")
    phone = world.phone("U1")
    asked = await father.post("/me/profiles", contact=phone)
    refused = await father.post(asked.location, code=await world.code_to(phone, after=1))
    assert refused.status == 409
    assert (await (await world.visitor("U1")).get("/me/profiles")).status == 404


async def test_the_same_phone_on_two_servers(
    world: World, homeserver: Fleet, tmp_path: Path
) -> None:
    """Two schools that know nothing of each other: each has its profile, its codes and its children."""
    server = homeserver(appservice=True, module={"poll_interval_s": 0.1, "apply_rate": 400.0})
    server.wait_for_tables()
    server.wait_for_own_accounts()
    folder = tmp_path / "there"
    folder.mkdir()
    async with open_world(server, folder) as opened:
        there = evolve(opened, people=world.people)
        phone = world.phone("R1")
        for one in (world, there):
            await one.let_in("R1", "U1")
            mine = (await one.account("R1")).user_id
            assert await signs_in(one, phone, OLD_PASSWORD) == mine
        visitors = [await one.visitor() for one in (world, there)]
        asked = [await one.post("/signin/code", contact=phone) for one in visitors]
        codes = [await one.code_to(phone) for one in (world, there)]
        if codes[0] != codes[1]:
            wrong = await visitors[1].post(asked[1].location, code=codes[0])
            assert "Код не подошёл" in wrong.text
        right = await visitors[1].post(asked[1].location, code=codes[1])
        assert right.location.startswith("/me/password")  # of one school: nothing is chosen
        text = (await visitors[1].get("/family")).text
        assert "Иванов Александр" in text
        assert "/me/profiles" not in text  # one school on this server, and no district
        leaving = await there.visitor("R1")
        await leaving.post("/me/leave", person=there.person_id("R1"), erase="yes")
        assert await signs_in(world, phone, OLD_PASSWORD) == (await world.account("R1")).user_id
