"""Who may open the pages of a class and press their buttons (R9, R16, R28): everybody else learns nothing."""

from __future__ import annotations

from typing import Any

import pytest

from bridge.invite import InviteKind
from bridge.roles import Role
from tests.bridge.web.family import PASSWORD
from tests.bridge.web.world import World
from tests.support.rosters import small_school
from tests.support.school import School
from tests.support.synapse import Homeserver

#: Pages below a class, with what a form of theirs wants; `{…}` is filled in by the test.
PAGES = (
    "/class/{class_id}",
    "/class/{class_id}/members.csv",
    "/class/{class_id}/cards",
    "/class/{class_id}/parents",
    "/class/{class_id}/pupil/{pupil}",
    "/class/{class_id}/pupil/{pupil}/reset",
    "/class/{class_id}/invites",
    "/class/{class_id}/invites/pupils",
    "/class/{class_id}/invites/parents",
    "/class/{class_id}/invites/{invite}/revoke",
)
FORMS: tuple[tuple[str, dict[str, str]], ...] = (
    ("/class/{class_id}/cards", {"pupil": "{pupil}"}),
    ("/class/{class_id}/parents", {"pupil": "{pupil}", "copies": "1"}),
    ("/class/{class_id}/pupil/{pupil}/card", {}),
    ("/class/{class_id}/pupil/{pupil}/personal", {}),
    ("/class/{class_id}/pupil/{pupil}/parent", {}),
    ("/class/{class_id}/pupil/{pupil}/reset", {}),
    ("/class/{class_id}/invites/pupils", {"max_uses": "5", "days": "7"}),
    ("/class/{class_id}/invites/{invite}/revoke", {}),
)
#: Who → what they are answered.
OTHERS = {
    "T2": 404,  # class teacher of another class
    "T3": 404,  # subject teacher
    "U3": 404,  # pupil of the class
    "R1": 404,  # parent of two of its pupils
    None: 303,  # stranger: to the sign-in
}


async def school(world: World) -> dict[str, str]:
    """Everybody of OTHERS is in; U1 has an account to be reset, and there is a link to be revoked."""
    await world.let_in("D1", "T1", "T2", "T3", "U1", "U3", "R1")
    class_id = world.class_id("5А")
    issued = await world.issue(
        "T1", InviteKind.CLASS_PUPIL, Role.STUDENT, class_id=class_id, max_uses=5
    )
    return {"class_id": class_id, "pupil": world.person_id("U1"), "invite": issued.invite.id}


def filled(fields: dict[str, str], words: dict[str, str]) -> dict[str, Any]:
    return {name: value.format(**words) for name, value in fields.items()}


async def kept(world: World) -> tuple[int, int]:
    """How many links are alive in the school, and how many contacts U1 has."""
    account = await world.account("U1")
    async with world.services.store.begin() as work:
        live = await work.invites.live(world.org_id, world.clock())
        return len(live), len(await work.contacts.of_account(account.user_id))


async def test_others_are_answered_as_if_there_was_nothing(world: World) -> None:
    """A page that is not theirs looks to them exactly like a page that does not exist; nothing is done."""
    words = await school(world)
    before = await kept(world)
    for who, status in OTHERS.items():
        world.clock.move(minutes=1)  # nobody asks for so many pages at once
        visitor = await world.visitor(who)
        for path in PAGES:
            reply = await visitor.get(path.format(**words))
            assert reply.status == status, f"{who} {path}"
            other = path.format(**{**words, "class_id": "none"})
            nothing = await visitor.get(other)
            same = nothing.text.replace(other, path.format(**words))  # pages name their address
            assert (nothing.status, same) == (reply.status, reply.text), f"{who} {path}"
        for path, fields in FORMS:
            reply = await visitor.post(path.format(**words), **filled(fields, words))
            assert reply.status == status, f"{who} POST {path}"
        assert await kept(world) == before
    stranger = await world.visitor()
    assert (await stranger.get(f"/class/{words['class_id']}")).location.startswith("/signin?next=")


async def test_another_school_has_no_such_class(world: World, school_server: Homeserver) -> None:
    """A director opens every page of their own school, and not one of a class of another school."""
    words = await school(world)
    director = await world.visitor("D1")
    other = School(school_server, f"{world.org_id}-other")
    other.create()
    other.apply(small_school())
    foreign = {**words, "class_id": other.class_id("5А"), "pupil": other.person_id("P1")}
    for path in PAGES:
        assert (await director.get(path.format(**words))).status == 200, path
        assert (await director.get(path.format(**foreign))).status == 404, path
    for path, fields in FORMS:
        reply = await director.post(path.format(**foreign), **filled(fields, foreign))
        assert reply.status == 404, path


async def test_the_class_teacher_has_only_their_own_pupils(world: World) -> None:
    """Ids of another class' pupil or link under one's own class' address: 404 or a refusal, and nothing is done."""
    words = await school(world)
    other = {**words, "class_id": world.class_id("1Б")}
    stranger = await world.visitor("T2")  # of 1Б, with ids of 5А
    before = await kept(world)
    for path in PAGES:
        if "pupil}" in path or "invite}" in path:
            assert (await stranger.get(path.format(**other))).status == 404, path
    for path, fields in FORMS:
        if "pupil" in path + str(fields) and "/invites/" not in path:
            reply = await stranger.post(path.format(**other), **filled(fields, other))
            assert reply.status in {404, 422}, path
    reply = await stranger.post("/class/{class_id}/invites/{invite}/revoke".format(**other))
    assert reply.status == 404
    assert await kept(world) == before


async def test_one_choice_of_another_class_spoils_the_sheet(world: World) -> None:
    """A pupil of 1Б among those of 5А: no card is made at all."""
    words = await school(world)
    teacher = await world.visitor("T1")
    chosen = [world.person_id("U2"), world.person_id("U5")]
    before = await kept(world)
    reply = await teacher.post(f"/class/{words['class_id']}/cards", pupil=chosen)
    assert reply.status == 422
    assert "Список класса изменился" in reply.text
    nobody = await teacher.post(f"/class/{words['class_id']}/cards")
    assert "Отметьте хотя бы одного" in nobody.text
    assert await kept(world) == before


async def test_mail_is_for_the_first_grades(world: World) -> None:
    """R8: for 5А there is no box to tick, and a form that says so anyway is refused; for 1Б it is offered."""
    words = await school(world)
    teacher, first = await world.visitor("T1"), await world.visitor("T2")
    fields = {"max_uses": "5", "days": "7", "allow_email": "y"}
    path = f"/class/{words['class_id']}/invites/pupils"
    assert "allow_email" not in (await teacher.get(path)).text
    assert (await teacher.post(path, **fields)).status == 422
    path = f"/class/{world.class_id('1Б')}/invites/pupils"
    assert "allow_email" in (await first.get(path)).text
    assert (await first.post(path, **fields)).status == 303
    parents = f"/class/{world.class_id('1Б')}/invites/parents"
    assert "allow_email" not in (await first.get(parents)).text
    assert (await first.post(parents, **fields)).status == 422


@pytest.mark.parametrize(
    "fields",
    [
        {"max_uses": "0", "days": "7"},
        {"max_uses": "501", "days": "7"},
        {"max_uses": "many", "days": "7"},
        {"max_uses": "5", "days": "3650"},
        {"max_uses": "5"},
        {},
    ],
)
async def test_a_link_for_ever_or_for_everybody_is_not_made(
    world: World, fields: dict[str, str]
) -> None:
    """R10: a number and a time within limits, or the form again."""
    await world.let_in("T1")
    teacher = await world.visitor("T1")
    reply = await teacher.post(f"/class/{world.class_id('5А')}/invites/pupils", **fields)
    assert reply.status == 422
    assert 'class="error"' in reply.text


async def test_the_list_for_excel_has_no_contacts(world: World) -> None:
    """R28: names and status, in a form that Excel reads; no phone, no e-mail, nothing that is a formula."""
    await school(world)
    teacher = await world.visitor("T1")
    reply = await teacher.get(f"/class/{world.class_id('5А')}/members.csv")
    assert reply.headers["Content-Type"] == "text/csv; charset=utf-8"
    assert "filename*=UTF-8''%D0%A1" in reply.headers["Content-Disposition"]
    lines = reply.text.removeprefix("\ufeff").splitlines()
    assert lines[0].startswith("Класс;Кто;Фамилия;Имя;Отчество;Вход")
    assert "5А;ученик;Иванов;Александр;;вход есть;не нужно;;" in lines
    assert "5А;ученик;Петрова;Мария;;входа ещё нет;ещё нет;;" in lines
    assert "5А;родитель;Иванова;Ольга;;вход есть;;Петрова Мария;" in lines
    assert "+7" not in reply.text
    assert "@" not in reply.text


async def test_a_card_does_not_open_a_colleagues_account(world: World) -> None:
    """R32: printed for a pupil whose account is a teacher's by the time it is used, it opens nothing."""
    await world.let_in("T1", "U1")
    card = await world.issue(
        "T1",
        InviteKind.CARD,
        Role.STUDENT,
        class_id=world.class_id("5А"),
        person_id=world.person_id("U1"),
    )
    account = await world.account("U1")
    directory, homeserver = world.services.directory, world.services.homeserver
    await directory.activate(world.org_id, world.person_id("T3"), account.user_id, account.user_id)
    finder = await world.visitor()
    reply = await finder.post(f"/i/{card.token}", password="a password of mine")
    assert reply.status == 410
    assert await homeserver.sign_in(account.user_id, PASSWORD, "127.0.0.1") == account.user_id
    teacher = await world.visitor("T1")
    path = f"/class/{world.class_id('5А')}/pupil/{world.person_id('U1')}"
    assert (await teacher.post(f"{path}/card")).status == 409
    assert (await teacher.get(f"{path}/reset")).status == 404
    assert (await teacher.post(f"{path}/reset")).status == 404
