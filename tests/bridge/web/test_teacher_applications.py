"""Applications decided on the pages: one click, a choice, several at once; who may not, sees none (R16)."""

from __future__ import annotations

import secrets

import pytest
from playwright.async_api import expect

from bridge import applicant as forms
from bridge.applicant import Applicant
from bridge.application import Application, ApplicationId, State
from bridge.contact import Medium, parse_phone, subject
from bridge.ids import new_localpart, user_id_of
from bridge.people import LinkStatus, Status
from bridge.records import BoundContact, ContactId
from bridge.roles import Role, UserId
from bridge.steps import EnsureAccount, Steps
from bridge.writer import Finished, enqueue
from tests.bridge.web.axe import assert_accessible, assert_accessible_everywhere
from tests.bridge.web.family import PASSWORD
from tests.bridge.web.test_teacher_pages import look
from tests.bridge.web.world import World

STUDENT, GUARDIAN = Role.STUDENT, Role.GUARDIAN
#: Not on the list; an unknown pupil.
NEWCOMER = Applicant(family_name="Новиков", given_name="Пётр", note="перешли из школы № 3")
#: The pupil Сидоров of the list, with another phone than the list has.
LISTED = Applicant(family_name="Сидоров", given_name="Егор")
#: A parent whom the list does not know, of a child that it knows.
AUNT = Applicant(
    family_name="Петрова", given_name="Зоя", relation="тётя", child_name="Мария Петрова"
)


async def applies(
    world: World, applicant: Applicant, role: Role, class_name: str = "5А"
) -> Application:
    """Somebody who has proved a phone and filled in the form: an account that lets nobody in yet."""
    services = world.services
    user_id = user_id_of(new_localpart(secrets.token_bytes), services.config.server_name)
    phone = parse_phone(world.new_phone(), services.settings.phones)
    lookup = services.vault.lookup(subject(phone))  # type: ignore[arg-type]
    made = Application(
        id=ApplicationId(secrets.token_hex(8)),
        org_id=world.org_id,
        role=role,
        class_id=world.class_id(class_name),
        applicant=user_id,
        submitted_at=world.clock(),
        repeat_hash=lookup,
    )
    async with services.store.begin() as work:
        await work.contacts.claim(
            BoundContact(
                id=ContactId(secrets.token_hex(8)),
                user_id=user_id,
                org_id=world.org_id,
                medium=Medium.MSISDN,
                lookup=lookup,
                sealed=services.vault.seal(
                    phone.e164.encode(),  # type: ignore[union-attr]
                    f"contact:{user_id}",
                ),
                verified_at=world.clock(),
            )
        )
        form = services.vault.seal(forms.pack(applicant), forms.purpose(made.id))
        await work.applications.add(made, form)
        steps = Steps(
            user_id=user_id, org_id=world.org_id, by=user_id, steps=(EnsureAccount(PASSWORD),)
        )
        steps_id = await enqueue(work, steps, world.clock(), services.vault, services.chance)
    assert await services.writer.finish(steps_id, 30) is Finished.DONE
    return made


async def state(world: World, application: Application) -> State:
    async with world.services.store.begin() as work:
        found = await work.applications.get(application.id)
    assert found is not None
    return found.state


async def names_of(world: World, user_id: UserId | None) -> list[str]:
    """The persons whom an account is."""
    assert user_id is not None
    return [one.full_name for one in await world.services.directory.persons(user_id)]


async def test_a_listed_pupil_is_recognised_with_one_click(browsing: World) -> None:
    """Same name on the list: the button says so, and the record of the list gets the account; no second record."""
    await browsing.let_in("T1")
    made = await applies(browsing, LISTED, STUDENT)
    page = await browsing.page("T1")
    await page.goto(f"/class/{browsing.class_id('5А')}")
    await expect(page.get_by_text("ждёт решения", exact=True)).to_have_count(1)
    await page.get_by_role("link", name="Ждёт решения 1 заявка").click()
    await expect(page.get_by_text("+7 •••")).to_be_visible()  # masked
    await assert_accessible_everywhere(page, "/applications")
    await look(page, "applications-one")
    await page.get_by_role("button", name="Это тот же человек").click()
    await expect(page.get_by_role("status")).to_have_text("Готово: заявки приняты.")
    record = await browsing.person("U3")
    assert (record.status, record.user_id) == (Status.ACTIVE, made.applicant)
    assert await state(browsing, made) is State.FINISHED
    await expect(page.get_by_text("Новых заявок нет")).to_be_visible()


async def test_a_parent_is_accepted_after_a_choice(browsing: World) -> None:
    """A parent needs a child: without one the form comes back with a sentence; with one they are linked and in."""
    await browsing.let_in("T1")
    stranger = Applicant(family_name="Ким", given_name="Лев", child_name="наш мальчик")
    made = await applies(browsing, stranger, GUARDIAN)
    page = await browsing.page("T1")
    await page.goto("/applications")
    await page.get_by_role("link", name="Выбрать и принять").click()
    await assert_accessible_everywhere(page, page.url)
    await page.get_by_role("button", name="Принять", exact=True).click()
    await expect(page.get_by_role("alert")).to_have_text("Выберите, чей это родитель.")
    await assert_accessible(page)
    await look(page, "decide-parent")
    assert await state(browsing, made) is State.NEW
    await page.get_by_label("Чей это родитель").select_option(label="Сидоров Егор")
    await page.get_by_role("button", name="Принять", exact=True).click()
    await expect(page.get_by_role("status")).to_have_text("Готово: заявки приняты.")
    family = await browsing.services.directory.family(browsing.org_id, browsing.person_id("U3"))
    assert family is not None
    links = {one.person.full_name: one.status for one in family.guardians}
    assert links["Ким Лев"] is LinkStatus.CONFIRMED


async def test_several_are_decided_together(browsing: World) -> None:
    """Tick, look, say yes: all are let in, whose parent it is beside each; a no erases after a preview."""
    await browsing.let_in("T1")
    new = await applies(browsing, NEWCOMER, STUDENT)
    listed = await applies(browsing, LISTED, STUDENT)
    aunt = await applies(browsing, AUNT, GUARDIAN)
    refused = await applies(browsing, Applicant(family_name="Ли", given_name="Ан"), STUDENT)
    page = await browsing.page("T1")
    await page.goto("/applications")
    await look(page, "applications-several")
    for name in ("Новиков Пётр", "Сидоров Егор", "Петрова Зоя"):
        await page.get_by_role("checkbox", name=name).check()
    await page.get_by_role("button", name="Принять отмеченные").click()
    await expect(page.get_by_role("heading", level=2)).to_have_count(3)
    await expect(page.get_by_label("Чей это родитель")).to_have_value(
        browsing.person_id("U2")
    )  # her words named one child of the class
    await assert_accessible(page)
    await look(page, "decide-several")
    await page.get_by_role("button", name="Принять", exact=True).click()
    await expect(page.get_by_role("status")).to_have_text("Готово: заявки приняты.")
    for one in (new, listed, aunt):
        assert await state(browsing, one) is State.FINISHED
    assert await names_of(browsing, new.applicant) == ["Новиков Пётр"]
    assert await names_of(browsing, aunt.applicant) == ["Петрова Зоя"]

    await page.get_by_role("link", name="Отклонить").click()
    await assert_accessible_everywhere(page, page.url)
    await look(page, "reject")
    await page.get_by_role("button", name="Отклонить и стереть").click()
    await expect(page.get_by_role("status")).to_have_text("Готово: заявки отклонены.")
    assert await state(browsing, refused) is State.REJECTED
    assert await names_of(browsing, refused.applicant) == []
    async with browsing.services.store.begin() as work:
        assert await work.applications.form(refused.id) is None


async def test_only_those_who_may_decide_see_the_queue(world: World) -> None:
    """Another class' teacher sees an empty queue, others no page; a form of theirs decides nothing."""
    await world.let_in("A1", "T1", "T2", "T3", "U1", "R1")
    made = await applies(world, NEWCOMER, STUDENT)
    form = {"yes": "1", "a": made.id}
    for who in ("T3", "U1", "R1"):
        visitor = await world.visitor(who)
        assert (await visitor.get("/applications")).status == 404
        assert (await visitor.get(f"/applications/decide?yes=1&a={made.id}")).status == 404
        assert (await visitor.post("/applications/decide", **form)).status == 404
    other = await world.visitor("T2")
    assert "Новиков" not in (await other.get("/applications")).text
    reply = await other.get(f"/applications/decide?yes=1&a={made.id}")
    assert reply.location == "/applications?said=nobody_chosen"
    reply = await other.post("/applications/decide", **form)
    nothing = await other.post("/applications/decide", **{**form, "a": "none"})
    assert (reply.status, reply.location) == (nothing.status, nothing.location)
    stranger = await world.visitor()
    assert (await stranger.get("/applications")).location.startswith("/signin")
    assert await state(world, made) is State.NEW
    for who in ("A1", "T1"):
        assert "Новиков" in (await (await world.visitor(who)).get("/applications")).text


async def test_two_deciders_at_once(world: World) -> None:
    """The second is told that it is decided, and what the first said stands."""
    await world.let_in("A1", "T1")
    made = await applies(world, NEWCOMER, STUDENT)
    teacher, administrator = await world.visitor("T1"), await world.visitor("A1")
    first = await teacher.post("/applications/decide", yes="0", a=made.id)
    assert first.location == "/applications?said=applications_rejected"
    second = await administrator.post("/applications/decide", yes="1", a=made.id)
    assert second.location == "/applications?said=applications_gone"
    assert await state(world, made) is State.REJECTED


@pytest.mark.parametrize("child", ["U4", "D1"])
async def test_a_child_of_another_class_is_no_choice(world: World, child: str) -> None:
    """Whatever a form says: a parent of 5А is linked to a pupil of 5А, or not at all."""
    await world.let_in("T1")
    made = await applies(world, AUNT, GUARDIAN)
    teacher = await world.visitor("T1")
    fields = {"yes": "1", "a": made.id, f"child-{made.id}": world.person_id(child)}
    reply = await teacher.post("/applications/decide", **fields)
    assert reply.status == 409
    assert "Этого ученика в классе больше нет" in reply.text
    assert await state(world, made) is State.NEW
