"""«Это не я» on the pages of those who decide (R11)."""

from __future__ import annotations

from playwright.async_api import expect

from bridge.disputes import disputes_of
from bridge.invite import InviteKind
from bridge.roles import Role
from tests.bridge.web.newcomers import class_link, looked_at, press, prove, titled
from tests.bridge.web.world import World


async def disputed(world: World, source_id: str) -> str:
    """Somebody proves the number of a person who is in and says that it is not them; the dispute's id."""
    if Role.STUDENT.value in world.people[source_id].roles:
        issued = await class_link(world, Role.STUDENT)
    else:
        issued = await world.issue("D1", InviteKind.STAFF, Role.TEACHER, max_uses=5)
    visitor = await world.visitor()
    assert await prove(world, visitor, issued.token, world.phone(source_id)) == "/join/next"
    assert (await visitor.post("/join/notme")).location == "/join/disputed"
    owner = (await world.account(source_id)).user_id
    (found,) = await disputes_of(owner, services=world.services)
    return found.id


async def test_a_class_teacher_decides(browsing: World) -> None:
    """What either answer does is said before; a freed number is nobody's, the owner keeps everything else."""
    await browsing.let_in("T1", "U1")
    await disputed(browsing, "U1")
    page = await browsing.page("T1")
    await page.goto("/applications")
    await page.get_by_role("link", name="Споры о номерах").click()
    await titled(page, "Споры о номерах")
    await looked_at(page, "disputes")
    await page.get_by_role("link", name="Решить", exact=True).click()
    await titled(page, "Чей это номер?")
    await expect(page.get_by_text("Иванов Александр")).to_be_visible()
    await looked_at(page, "dispute")
    await press(page, "Освободить номер")
    await expect(page.get_by_text("Номер свободен.")).to_be_visible()
    await looked_at(page, "disputes-none")
    owner = await browsing.account("U1")
    async with browsing.services.store.begin() as work:
        assert await work.contacts.of_account(owner.user_id) == []


async def test_who_may_decide(world: World) -> None:
    """Others of the school get the page of what does not exist; on a colleague's number only administration."""
    await world.let_in("D1", "A1", "T1", "T2", "T3", "U1", "U3", "R1")
    pupils = f"/disputes/{await disputed(world, 'U1')}"
    colleagues = f"/disputes/{await disputed(world, 'T3')}"
    for by in ("T2", "T3", "U1", "U3", "R1"):
        visitor = await world.visitor(by)
        for path in (pupils, colleagues):
            assert (await visitor.get(path)).status == 404
            assert (await visitor.post(path, do="release")).status == 404
    teacher, administrator = await world.visitor("T1"), await world.visitor("A1")
    assert (await teacher.get(pupils)).status == 200
    assert (await teacher.post(colleagues, do="release")).status == 404
    assert (await administrator.get(colleagues)).status == 200
    assert (await teacher.post(pupils, do="nonsense")).location == pupils
    assert (await teacher.post(pupils, do="keep")).location == "/disputes?said=dispute_keep"
    assert (await administrator.get(pupils)).status == 404  # decided
    stranger = await world.visitor()
    assert (await stranger.get("/disputes")).location.startswith("/signin")
