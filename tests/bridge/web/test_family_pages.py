"""Parents and children on their own pages (R13, R15, R17, R34)."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from playwright.async_api import expect

from bridge.invite import Invite, InviteKind, InviteRefusal
from bridge.inviting import open_invite
from bridge.people import LinkStatus
from bridge.printing import qr_image
from bridge.records import Action
from bridge.roles import Role
from tests.bridge.web.axe import assert_accessible, assert_accessible_everywhere
from tests.bridge.web.world import World

ADDRESS = re.compile(r"http://127\.0\.0\.1:\d+/i/[A-Za-z0-9_-]{22}")


async def set_link(world: World, guardian: str, student: str, status: LinkStatus) -> None:
    """What the school says of a guardianship, by its director."""
    director = await world.account("D1")
    await world.services.directory.link(
        world.org_id,
        world.person_id(guardian),
        world.person_id(student),
        relation=None,
        status=status,
        by=director.user_id,
    )


async def token_behind(world: World, address: str) -> Invite | InviteRefusal:
    token = urlsplit(address).path.rpartition("/")[2]
    return await open_invite(token, world.clock(), store=world.services.store)


async def test_a_mother_confirms_the_younger_child(browsing: World) -> None:
    """R17: one card for each child; two ticks, one press; the consent is in the log, and can be taken back."""
    await browsing.let_in("R1", "U1", "U2")
    page = await browsing.page("R1")
    await page.goto("/family")
    assert await page.locator(".card").count() == 2
    text = await page.inner_text("main")
    assert "Петрова Мария" in text
    assert "профиль не подтверждён" in text
    assert await page.get_by_role("link", name="Подтвердить профиль").count() == 1  # U1 is 15
    await assert_accessible_everywhere(page, "/family")
    await page.get_by_role("link", name="Подтвердить профиль").click()
    await page.wait_for_url("**/confirm")
    assert "6 мая 2014" in await page.inner_text("main")
    await assert_accessible_everywhere(page, page.url)
    await page.get_by_label("Это мой ребёнок").check()
    await page.get_by_label("Я родитель или законный представитель").check()
    await page.get_by_role("button", name="Подтвердить").click()
    await expect(page.get_by_role("status")).to_have_text("Профиль ребёнка подтверждён.")
    assert (await browsing.person("U2")).confirmed
    assert not (await browsing.account("U2")).unconfirmed

    await page.get_by_role("link", name="Отозвать подтверждение").click()
    await page.wait_for_url("**/withdraw")
    await assert_accessible_everywhere(page, page.url)
    await page.get_by_role("button", name="Отозвать подтверждение").click()
    await expect(page.get_by_role("status")).to_have_text("Подтверждение отозвано.")
    assert not (await browsing.person("U2")).confirmed
    async with browsing.services.store.begin() as work:
        entries = await work.audit.of_org(browsing.org_id, 10)
    mother = (await browsing.account("R1")).user_id
    assert [(one.action, one.actor, one.subject) for one in entries[:2]] == [
        (Action.CONSENT_WITHDRAWN, mother, browsing.person_id("U2")),
        (Action.CONSENT_GIVEN, mother, browsing.person_id("U2")),
    ]


async def test_consent_is_a_tick_of_its_own(world: World) -> None:
    """Without both ticks nothing is confirmed, also when the browser does not insist."""
    await world.let_in("R1", "U2")
    visitor = await world.visitor("R1")
    path = f"/family/{world.person_id('U2')}/confirm"
    for ticks in ({}, {"correct": "y"}, {"consent": "y"}):
        assert (await visitor.post(path, **ticks)).status == 200
    assert not (await world.person("U2")).confirmed
    assert (await visitor.post(path, correct="y", consent="y")).location.startswith("/family?")
    assert (await world.person("U2")).confirmed
    assert (await visitor.get(path)).location == "/family"  # done already


async def test_the_court_s_parent_sees_no_child(world: World) -> None:
    """R34: a restricted link is as if it were not there; the other parent's page does not name them either."""
    await world.let_in("D1", "R1", "R2", "U1", "U2")
    await set_link(world, "R2", "U1", LinkStatus.RESTRICTED)
    father, child = await world.visitor("R2"), world.person_id("U1")
    shown = await father.get("/family")
    assert "Александр" not in shown.text
    assert "Пока ни один ребёнок" in shown.text
    for path in (f"/family/{child}/confirm", f"/family/{child}/withdraw"):
        assert (await father.get(path)).status == 404
        assert (await father.post(path, correct="y", consent="y")).status == 404
    assert (await father.post(f"/link/{child}")).status == 404
    mother = await (await world.visitor("R1")).get("/family")
    assert "Сергей" not in mother.text
    pupil = await (await world.visitor("U1")).get("/me")
    assert "Сергей" not in pupil.text
    assert "Ольга" in pupil.text


async def test_a_claimed_child_shows_nothing_yet(world: World) -> None:
    """R15: until the school has decided, a parent sees that it waits, and may do nothing."""
    await world.let_in("D1", "R3", "U3", "R4")
    await set_link(world, "R3", "U3", LinkStatus.CLAIMED)
    father, child = await world.visitor("R3"), world.person_id("U3")
    text = (await father.get("/family")).text
    assert "ждёт решения школы" in text
    assert "Инна" not in text  # the child's mother
    assert (await father.get(f"/family/{child}/confirm")).status == 404
    assert (await father.post(f"/link/{child}")).status == 404
    pupil = await (await world.visitor("U3")).get("/me")
    assert "ждёт решения школы" in pupil.text


async def test_strangers_and_staff_confirm_nobody(world: World) -> None:
    """R17 is the parents' alone; a pupil does not see the page at all."""
    await world.let_in("T1", "U1", "U2", "R3")
    child = world.person_id("U2")
    for source_id in ("T1", "U2", "R3"):
        visitor = await world.visitor(source_id)
        reply = await visitor.post(f"/family/{child}/confirm", correct="y", consent="y")
        assert reply.status == 404
    assert not (await world.person("U2")).confirmed


async def test_a_pupil_gives_a_parent_a_link(browsing: World) -> None:
    """R15: link and QR on a page that only this browser can show; a new one ends the old one."""
    await browsing.let_in("U3")
    page = await browsing.page("U3")
    await page.goto("/me")
    await page.get_by_role("button", name="Ссылка и QR-код для родителя").click()
    await page.wait_for_url("**/link/*")
    await assert_accessible(page)
    first = await page.locator("p.secret").inner_text()
    assert ADDRESS.fullmatch(first)
    assert await page.locator("img.qr").get_attribute("src") == qr_image(first)
    token = first.rpartition("/")[2]
    assert token not in page.url
    invite = await token_behind(browsing, first)
    assert isinstance(invite, Invite)
    assert (invite.kind, invite.role) == (InviteKind.CHILD_PARENT, Role.GUARDIAN)
    assert invite.person_id == browsing.person_id("U3")
    assert invite.class_id == browsing.class_id("5А")
    assert invite.max_uses == 1

    other = await browsing.visitor("U3")
    assert (await other.get(urlsplit(page.url).path + "?" + urlsplit(page.url).query)).location == (
        "/me"
    )
    await page.goto("/me")
    assert await page.get_by_text("Ссылка для родителя уже выдана").count() == 1
    await page.get_by_role("button", name="Новая ссылка для родителя").click()
    await page.wait_for_url("**/link/*")
    second = await page.locator("p.secret").inner_text()
    assert await token_behind(browsing, first) is InviteRefusal.REVOKED
    assert isinstance(await token_behind(browsing, second), Invite)


async def test_a_parent_invites_the_second_one(world: World) -> None:
    """Their link does not end the child's, and nobody else's child has one."""
    await world.let_in("R1", "U1", "U3")
    pupil, mother, child = (
        await world.visitor("U1"),
        await world.visitor("R1"),
        world.person_id("U1"),
    )
    theirs = (await pupil.get((await pupil.post(f"/link/{child}")).location)).text
    mine = (await mother.get((await mother.post(f"/link/{child}")).location)).text
    for text in (theirs, mine):
        assert isinstance(await token_behind(world, ADDRESS.findall(text)[0]), Invite)
    assert (await mother.post(f"/link/{world.person_id('U3')}")).status == 404
    assert (await pupil.post(f"/link/{world.person_id('U3')}")).status == 404


async def test_a_child_that_is_not_in_has_no_link(world: World) -> None:
    """R15: the pupil registers first; the page says so."""
    await world.let_in("R1")
    mother = await world.visitor("R1")
    assert "ещё не зарегистрировался" in (await mother.get("/family")).text
    assert (await mother.post(f"/link/{world.person_id('U1')}")).status == 404
    assert (await mother.get(f"/link/{world.person_id('U1')}?key=AAAA")).location == "/family"


async def test_the_other_parent_is_named_before_they_are_in(world: World) -> None:
    """Whoever the list has as a parent is not "nobody yet"; a restricted one is (R34), and an undecided claim."""
    await world.let_in("R1", "D1", "U1", "U2")
    mother = await world.visitor("R1")
    page = (await mother.get("/family")).text
    _, elder, younger = page.split("<h3>")[:3]
    assert "Иванов Александр" in elder
    assert 'Иванов Сергей <span class="tag">ещё не зарегистрировался</span>' in elder
    assert "Второго родителя пока нет" not in elder
    assert "Второго родителя пока нет" in younger
    for status in (LinkStatus.RESTRICTED, LinkStatus.CLAIMED):
        await set_link(world, "R2", "U1", status)
        page = (await mother.get("/family")).text
        assert "Сергей" not in page
        assert page.count("Второго родителя пока нет") == 2
    await set_link(world, "R2", "U1", LinkStatus.CONFIRMED)
    await world.let_in("R2")
    _, elder, _ = (await mother.get("/family")).text.split("<h3>")[:3]
    assert "Иванов Сергей" in elder
    assert "ещё не зарегистрировался" not in elder
