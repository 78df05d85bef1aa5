"""R51: a decision says why, where the school's log is read, and nowhere else."""

from __future__ import annotations

import pytest
from playwright.async_api import expect

from bridge.reason import LONGEST_REASON
from bridge.records import Action
from bridge.roles import Role
from tests.bridge.web.axe import assert_accessible_everywhere
from tests.bridge.web.newcomers import titled
from tests.bridge.web.test_teacher_applications import LISTED, NEWCOMER, applies
from tests.bridge.web.world import World


async def reasons(world: World, action: Action) -> list[str]:
    """What the bridge's own log has of an action, the newest first."""
    async with world.services.store.begin() as work:
        entries = await work.audit.of_org(world.org_id, 50)
    return [one.reason for one in entries if one.action is action]


async def test_a_refusal_says_why_in_the_log(browsing: World) -> None:
    """The teacher writes it, or not; the deputy reads it; a phone in it is left out."""
    await browsing.let_in("T1", "D2")
    await applies(browsing, NEWCOMER, Role.STUDENT)
    page = await browsing.page("T1", width=320)
    await page.goto("/applications")
    await page.get_by_role("link", name="Отклонить").click()
    await assert_accessible_everywhere(page, page.url)
    await expect(page.get_by_text("Журнал не стирается")).to_be_visible()
    await page.get_by_label("Почему").fill("Из другой школы, звонили +7 916 123-45-67")
    await page.get_by_role("button", name="Отклонить и стереть").click()
    await expect(page.get_by_role("status")).to_have_text("Готово: заявки отклонены.")
    assert await reasons(browsing, Action.APPLICATION_REJECTED) == ["Из другой школы, звонили …"]

    await applies(browsing, LISTED, Role.STUDENT)
    await page.goto("/applications")
    await page.get_by_role("link", name="Отклонить").click()
    await page.get_by_role("button", name="Отклонить и стереть").click()
    await expect(page.get_by_role("status")).to_have_text("Готово: заявки отклонены.")
    assert await reasons(browsing, Action.APPLICATION_REJECTED) == [
        "",
        "Из другой школы, звонили …",
    ]

    log = await browsing.page("D2")
    await log.goto("/school/audit")
    await titled(log, "Журнал")
    row = log.get_by_role("row").filter(has_text="Из другой школы")
    await expect(row).to_contain_text("заявка отклонена")
    await assert_accessible_everywhere(log, "/school/audit")
    deputy = await browsing.visitor("D2")
    assert "Из другой школы" in (await deputy.get("/school/audit.csv")).text


async def test_a_yes_keeps_no_reason(world: World) -> None:
    """The field belongs to the no; what a form of somebody's own says beside a yes is not kept."""
    await world.let_in("T1")
    made = await applies(world, NEWCOMER, Role.STUDENT)
    teacher = await world.visitor("T1")
    assert (
        'name="reason"' not in (await teacher.get(f"/applications/decide?yes=1&a={made.id}")).text
    )
    await teacher.post("/applications/decide", yes="1", a=made.id, reason="просто так")
    assert await reasons(world, Action.APPLICATION_APPROVED) == [""]


async def test_taking_somebody_out_says_why(world: World, caplog: pytest.LogCaptureFixture) -> None:
    """Both logs have it, once they are in and before they ever were; no log file has it."""
    await world.let_in("D1", "U1")
    director = await world.visitor("D1")
    for who, erase in (("U1", {}), ("U2", {"erase": "yes"})):
        path = f"/school/people/{world.person_id(who)}/leave"
        await director.post(path, reason="  Переезд\nсемьи " + "а" * 999, **erase)
    kept = ("Переезд семьи " + "а" * 999)[:LONGEST_REASON]
    assert await reasons(world, Action.LEFT) == [kept, kept]
    assert await reasons(world, Action.ERASED) == [kept]
    entries = await world.services.directory.audit(world.org_id, limit=50)
    assert [one["reason"] for one in entries if one["action"] == "leave"] == [kept, kept]
    own = [one for one in caplog.records if one.name.startswith("bridge")]
    assert own
    assert not any("Переезд" in one.getMessage() for one in own)


async def test_ones_own_wish_is_said_in_words(world: World) -> None:
    """What no person has written is in the reader's language."""
    await world.let_in("D1", "R1")
    parent = await world.account("R1")
    await world.services.directory.leave(
        world.org_id, world.person_id("R1"), "own wish", parent.user_id
    )
    director = await world.visitor("D1")
    assert "по собственному желанию" in (await director.get("/school/audit")).text
