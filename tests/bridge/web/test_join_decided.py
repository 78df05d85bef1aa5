"""What follows from a yes, a no, a withdrawal, a month of silence; who comes back (R14, R16, R29, R32)."""

from __future__ import annotations

import asyncio

from attrs import evolve

from bridge.application import LIFETIME, Application, DecisionRefusal, State
from bridge.approving import ApprovalRefusal
from bridge.chores import finish_soon
from bridge.deciding import decide_application, expire_applications
from bridge.invite import InviteKind
from bridge.leaving import Left, leave
from bridge.people import LinkStatus, Status
from bridge.roles import Role, UserId
from bridge.waiting import Waiting, waiting_applications
from bridge.writer import Finished
from tests.bridge.web.newcomers import class_link, link_for, once_in, prove, signs_in
from tests.bridge.web.world import Visitor, World
from tests.support.polling import until_async

PUPIL = {"family_name": "Новиков", "given_name": "Пётр", "birth_date": "02.01.2013"}
PARENT = {
    "family_name": "Новикова",
    "given_name": "Ева",
    "relation": "мать",
    "child_name": "Сидоров Егор",
}


async def applied(world: World, role: Role, phone: str, name: str = "5А") -> Visitor:
    """A stranger whose application waits."""
    issued = await class_link(world, role, name)
    visitor = await world.visitor()
    await prove(world, visitor, issued.token, phone)
    reply = await visitor.post("/join/names", **(PUPIL if role is Role.STUDENT else PARENT))
    assert reply.location == "/status", reply.text
    return visitor


async def queue(world: World, by: str) -> tuple[Waiting, ...]:
    services, account = world.services, await world.account(by)
    return await waiting_applications(account, world.clock(), services=services)


async def decided(
    world: World, by: str, one: Waiting, yes: bool, **who: object
) -> Application | DecisionRefusal | ApprovalRefusal:
    return await decide_application(
        await world.account(by),
        one.application.id,
        yes,
        world.clock(),
        services=world.services,
        **who,  # type: ignore[arg-type] # match or child
    )


async def test_only_those_who_decide_see_the_queue(world: World) -> None:
    """R16, R30: the class's teacher and administration; others see none and are told of none."""
    await world.let_in("D1", "A1", "T1", "T2", "T3", "U1", "R1")
    await applied(world, Role.STUDENT, world.new_phone())
    (one,) = await queue(world, "T1")
    for by in ("D1", "A1"):
        assert len(await queue(world, by)) == 1
    for by in ("T2", "T3", "U1", "R1"):
        assert await queue(world, by) == ()
        assert await decided(world, by, one, True) is DecisionRefusal.NOT_YOURS
        assert await decided(world, by, one, False) is DecisionRefusal.NOT_YOURS
    first = await decided(world, "T1", one, True)
    assert isinstance(first, Application)
    assert first.state is State.FINISHED
    assert await decided(world, "D1", one, False) is DecisionRefusal.DECIDED


async def test_a_parents_application_needs_a_child(world: World) -> None:
    """R15: the teacher says whose; the second child later is the same account's, with the same phone (R32)."""
    await world.let_in("T1", "T2")
    phone = world.new_phone()
    await applied(world, Role.GUARDIAN, phone)
    (one,) = await queue(world, "T1")
    assert [child.person_id for child in one.children] == [world.person_id("U3")]
    assert await decided(world, "T1", one, True) is ApprovalRefusal.CHILD_NEEDED
    wrong = await decided(world, "T1", one, True, child=world.person_id("U4"))
    assert wrong is ApprovalRefusal.CHILD_UNSUITABLE
    yes = await decided(world, "T1", one, True, child=world.person_id("U3"))
    assert isinstance(yes, Application)
    user_id = await signs_in(world, phone)
    account = await world.services.directory.account(UserId(user_id))
    assert account is not None
    assert account.children == {world.person_id("U3")}
    # the second child, in another class: the number is known, the session too
    issued = await class_link(world, Role.GUARDIAN, "1Б")
    visitor = await world.visitor()
    assert await prove(world, visitor, issued.token, phone) == "/join/next"
    assert "Это вы?" in (await visitor.get("/join/next")).text
    assert (await visitor.post("/join/me")).location == "/join/next"
    names = await visitor.get("/join/next")
    assert 'value="Новикова"' in names.text
    await visitor.post("/join/names", **{**PARENT, "child_name": "Попов Илья"})
    (two,) = await queue(world, "T2")
    assert two.application.applicant == user_id
    await decided(world, "T2", two, True, child=world.person_id("U5"))
    account = await world.services.directory.account(UserId(user_id))
    assert account is not None
    assert account.children == {world.person_id("U3"), world.person_id("U5")}
    assert len(account.persons) == 1


async def test_a_no_leaves_nothing(world: World) -> None:
    """R16: the contact is free, the account closed, the form gone."""
    await world.let_in("T1")
    phone = world.new_phone()
    await applied(world, Role.STUDENT, phone)
    (one,) = await queue(world, "T1")
    no = await decided(world, "T1", one, False)
    assert isinstance(no, Application)
    assert (no.state, no.applicant) == (State.REJECTED, None)
    user_id = one.application.applicant
    assert user_id is not None

    async def closed() -> bool:
        found = await world.services.homeserver.account(user_id)
        return found is not None and found.deactivated and not found.threepids

    await until_async(closed, what="the account is closed")
    async with world.services.store.begin() as work:
        assert await work.contacts.of_account(user_id) == []
        assert await work.applications.form(one.application.id) is None


async def test_after_a_no_the_same_browser_begins_anew(world: World) -> None:
    """R16: the closed account is nobody's way to a second application; a repeat is slowed down by the number."""
    await world.let_in("T1")
    phone = world.new_phone()
    visitor = await applied(world, Role.STUDENT, phone)
    (one,) = await queue(world, "T1")
    await decided(world, "T1", one, False)
    issued = await class_link(world, Role.STUDENT)
    old = visitor.token
    await visitor.post(f"/i/{issued.token}", do="continue")
    await visitor.post("/join/names", **PUPIL)
    assert await queue(world, "T1") == ()
    assert "Номер мобильного телефона" in (await visitor.get(f"/i/{issued.token}")).text
    assert visitor.token != old
    await prove(world, visitor, issued.token, phone)
    assert "Повторить можно через сутки" in (await visitor.post("/join/names", **PUPIL)).text
    assert await queue(world, "T1") == ()


async def test_a_no_to_a_second_role_takes_nothing_away(world: World) -> None:
    """R32: a teacher who was no parent of that class keeps account, contact and rights."""
    await world.let_in("T1", "T3")
    issued = await class_link(world, Role.GUARDIAN)
    visitor = await world.visitor("T3")
    assert (await visitor.post(f"/i/{issued.token}", do="continue")).location == "/join/next"
    assert (await visitor.post("/join/names", **PARENT)).location == "/status"
    (one,) = await queue(world, "T1")
    no = await decided(world, "T1", one, False)
    assert isinstance(no, Application)
    account = await world.account("T3")
    assert account.roles == {Role.TEACHER}
    async with world.services.store.begin() as work:
        assert len(await work.contacts.of_account(account.user_id)) == 1
    assert (await visitor.get("/status")).location == "/me"


async def test_a_match_is_the_person_of_the_list(world: World) -> None:
    """The name of the list is suggested; with it the yes makes no second record."""
    await world.let_in("T1")
    phone = world.new_phone()
    issued = await class_link(world, Role.STUDENT)
    visitor = await world.visitor()
    await prove(world, visitor, issued.token, phone)
    names = {"family_name": "петрова", "given_name": "мария", "birth_date": "2014-05-06"}
    await visitor.post("/join/names", **names)
    (one,) = await queue(world, "T1")
    assert [(s.person.source_id, s.sure) for s in one.suggestions] == [("U2", True)]
    yes = await decided(world, "T1", one, True, match=one.suggestions[0].person.person_id)
    assert isinstance(yes, Application)
    user_id = await signs_in(world, phone)
    assert (await world.person("U2")).user_id == user_id


async def test_silence_ends_an_application(world: World) -> None:
    """R16: after thirty days nothing is left of it; before that it stays."""
    await world.let_in("T1")
    phone = world.new_phone()
    visitor = await applied(world, Role.STUDENT, phone)
    assert await expire_applications(world.clock(), services=world.services) == 0
    world.clock.move(days=LIFETIME.days, seconds=5)
    assert await expire_applications(world.clock(), services=world.services) == 1
    assert await queue(world, "T1") == ()
    again = await world.visitor()
    issued = await class_link(world, Role.STUDENT)
    assert await prove(world, again, issued.token, phone) == "/join/next"
    assert "Как вас зовут?" in (await again.get("/join/next")).text
    assert visitor.token != again.token


async def test_what_was_approved_is_finished_later(world: World) -> None:
    """An application whose account took longer than its decider waited is finished within seconds of it."""
    await world.let_in("T1")
    await applied(world, Role.STUDENT, world.new_phone())
    (one,) = await queue(world, "T1")
    done = await decided(world, "T1", one, True)
    assert isinstance(done, Application)

    async with world.services.store.begin() as work:
        assert await work.applications.move(done, evolve(done, state=State.APPROVED))
    looking = asyncio.get_running_loop().create_task(finish_soon(world.services, every_s=0.05))

    async def is_finished() -> bool:
        async with world.services.store.begin() as work:
            found = await work.applications.get(done.id)
        return found is not None and found.state is State.FINISHED

    await until_async(is_finished, what="the application is finished")
    looking.cancel()


async def test_a_leaver_comes_back_with_the_same_account(world: World) -> None:
    """R29: the listed number, proved again: the old account, with the password just typed."""
    await world.let_in("T1", "U1")
    before = await world.account("U1")
    await gone(world, "U1")
    issued = await class_link(world, Role.STUDENT)
    visitor = await world.visitor()
    assert await prove(world, visitor, issued.token, world.phone("U1")) == "/welcome"
    assert (await once_in(world, "U1")).user_id == before.user_id
    assert await signs_in(world, world.phone("U1")) == before.user_id
    async with world.services.store.begin() as work:
        assert await work.departures.of_account(before.user_id) == []


async def test_a_parent_who_registered_as_the_child_repairs_it(world: World) -> None:
    """R14: leaves; the child comes in with a phone of its own and a new account; the parent with the freed one."""
    await world.let_in("T1")
    issued = await link_for(world, InviteKind.PERSONAL, "U2")
    phone, own = world.new_phone(), world.new_phone()
    visitor = await world.visitor()
    assert await prove(world, visitor, issued.token, phone) == "/welcome"
    mistaken = await once_in(world, "U2")
    await gone(world, "U2")
    again = await link_for(world, InviteKind.PERSONAL, "U2")
    child = await world.visitor()
    assert await prove(world, child, again.token, own) == "/welcome"
    pupil = await once_in(world, "U2")
    assert pupil.user_id != mistaken.user_id
    parents = await link_for(world, InviteKind.CHILD_PARENT, "U2")
    parent = await world.visitor()
    assert await prove(world, parent, parents.token, phone) == "/join/next"
    names = {"family_name": "Петров", "given_name": "Лев", "relation": "отец"}
    assert (await parent.post("/join/names", **names)).location == "/welcome"
    assert "Подтвердите профиль ребёнка" in (await parent.get("/welcome")).text
    family = await world.services.directory.family(world.org_id, world.person_id("U2"))
    assert family is not None
    links = {one.person.full_name: one.status for one in family.guardians}
    assert links["Петров Лев"] is LinkStatus.CONFIRMED
    assert await signs_in(world, phone) != pupil.user_id


async def gone(world: World, source_id: str) -> None:
    """«Покинуть», done to the end."""
    account = await world.account(source_id)
    services = world.services
    answer = await leave(account, account.persons, world.clock(), erase=False, services=services)
    assert isinstance(answer, Left)
    assert await services.writer.finish(answer.steps_id, 30) is Finished.DONE
    assert (await world.person(source_id)).status is Status.LEFT
