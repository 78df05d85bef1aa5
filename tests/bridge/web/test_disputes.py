"""«Это не я» on the pages of those who decide (R11)."""

from __future__ import annotations

from attrs import evolve
from playwright.async_api import expect

from bridge.dispute import DisputeId
from bridge.disputes import disputes_of
from bridge.disputes_waiting import Owner, waiting_disputes
from bridge.invite import InviteKind
from bridge.records import Action
from bridge.roles import OrgId, Role, UserId
from tests.bridge.web.axe import assert_accessible_everywhere
from tests.bridge.web.newcomers import class_link, looked_at, press, prove, titled
from tests.bridge.web.world import World
from tests.support.school import School


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
    await expect(page.get_by_role("heading", level=2)).to_have_text("Иванов Александр")
    for text in ("ученик, 5А", "+7 •••", "ждёт:", "Без ответа номер освободится"):
        await expect(page.get_by_text(text)).to_be_visible()
    await assert_accessible_everywhere(page, "/disputes")
    await looked_at(page, "disputes")
    await page.get_by_role("link", name="Решить — Иванов Александр").click()
    await titled(page, "Чей это номер?")
    await expect(page.get_by_text("Иванов Александр")).to_be_visible()
    await assert_accessible_everywhere(page, page.url)
    await looked_at(page, "dispute")
    await page.get_by_label("Почему").fill("номер сменили, мама: mama@example.org")
    await press(page, "Освободить номер")
    await expect(page.get_by_text("Номер свободен.")).to_be_visible()
    await looked_at(page, "disputes-none")
    owner = await browsing.account("U1")
    async with browsing.services.store.begin() as work:
        assert await work.contacts.of_account(owner.user_id) == []
        entries = await work.audit.of_org(browsing.org_id, 20)
    assert [one.reason for one in entries if one.action is Action.DISPUTE_RELEASED] == [
        "номер сменили, мама: …"
    ]
    assert owner.roles == {Role.STUDENT}


async def test_whoever_decides_is_told_that_something_waits(browsing: World) -> None:
    """On the classes, beside the applications, and among what needs the administration's attention."""
    await browsing.let_in("A1", "D1", "T1", "R1")
    teacher = await browsing.visitor("T1")
    assert 'href="/disputes"' not in (await teacher.get("/classes")).text
    await disputed(browsing, "R1")
    assert "Ждёт решения 1 спор о номере" in (await teacher.get("/classes")).text
    assert "Споры о номерах: 1" in (await teacher.get("/applications")).text
    page = await browsing.page("A1")
    await page.goto("/school")
    await page.get_by_role("link", name="Споры о номерах ждут решения").click()
    await titled(page, "Споры о номерах")
    await expect(page.get_by_text("родитель, 5А")).to_be_visible()
    await page.get_by_role("link", name="Карточка человека").click()
    await titled(page, "Иванова Ольга")


async def test_a_name_is_for_their_own_school(world: World) -> None:
    """Of an account that another school has by now, and of an applicant, no name is said; administration decides."""
    await world.let_in("D1", "T1", "U1")
    dispute_id = DisputeId(await disputed(world, "U1"))
    services, director = world.services, await world.account("D1")
    async with services.store.begin() as work:
        dispute = await work.disputes.get(dispute_id)
    assert dispute is not None
    school = School(world.server, f"{world.org_id}-other")
    school.create()
    other = evolve(director, org_id=OrgId(school.org_id))
    moved = evolve(dispute, id=DisputeId("moved"), org_id=other.org_id)
    applicants = evolve(dispute, id=DisputeId("theirs"), owner=UserId("@unobody2:example"))
    async with services.store.begin() as work:
        await work.disputes.add(moved)
        await work.disputes.add(applicants)
    (elsewhere,) = await waiting_disputes(other, world.clock(), services=services)
    assert (elsewhere.owner, elsewhere.name, elsewhere.role) == (Owner.ELSEWHERE, "", None)
    assert elsewhere.class_names == ()
    found = {
        one.dispute.id: one
        for one in await waiting_disputes(director, world.clock(), services=services)
    }
    assert found[dispute_id].name == "Иванов Александр"
    assert found[applicants.id].owner is Owner.APPLICANT
    page = (await (await world.visitor("D1")).get("/disputes")).text
    assert "Заявка, которая ждёт ответа" in page
    (mine,) = await waiting_disputes(
        await world.account("T1"), world.clock(), services=services
    )  # the class teacher is told of no applicant
    assert mine.dispute.id == dispute_id


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
    for by in ("T3", "U1", "R1"):
        visitor = await world.visitor(by)
        reply, nothing = await visitor.get("/disputes"), await visitor.get("/no-such-page")
        same = nothing.text.replace("/no-such-page", "/disputes")  # pages name their address
        assert (reply.status, reply.text) == (404, same)
    other = await world.visitor("T2")  # class teacher of another class: a page, and nothing on it
    assert "Споров нет" in (await other.get("/disputes")).text
    nothing = await other.get("/disputes/none")
    reply = await other.get(colleagues)
    assert (reply.status, reply.text) == (404, nothing.text.replace("/disputes/none", colleagues))
