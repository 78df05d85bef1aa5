"""Who may open the administration's pages and press their buttons (R30, R34): everybody else learns nothing."""

from __future__ import annotations

import pytest

from bridge.people import Status
from bridge.roles import Role
from tests.bridge.web.world import World
from tests.support.rosters import small_school
from tests.support.school import School
from tests.support.synapse import Homeserver

#: Pages of administration; `{…}` is filled in by the test.
PAGES = (
    "/school",
    "/school/exceptions.csv",
    "/school/people",
    "/school/people.csv",
    "/school/people/{pupil}",
    "/school/people/{pupil}/roles",
    "/school/people/{pupil}/class",
    "/school/people/{pupil}/family",
    "/school/people/{pupil}/rooms",
    "/school/people/{pupil}/signout",
    "/school/people/{pupil}/contacts",
    "/school/people/{pupil}/leave",
    "/school/classes",
    "/school/classes.csv",
    "/school/classes/{class_id}",
    "/school/classes/{class_id}/split",
    "/school/classes/{class_id}/substitute",
    "/school/classes/merge",
    "/school/district",
    "/school/invites",
    "/school/invites/code",
    "/school/roster",
    "/school/roster/progress",
    "/school/settings",
    "/school/year",
    "/school/year/plan",
    "/school/year/plan/{class_id}",
    "/school/year/check",
    "/school/year/progress",
)
#: Of director and deputies only.
HEADS_PAGES = ("/school/audit", "/school/audit.csv", "/school/invites/staff")
FORMS: tuple[tuple[str, dict[str, str]], ...] = (
    ("/school/people/{pupil}/roles", {"role": "teacher", "reason": "x"}),
    ("/school/people/{pupil}/class", {"old": "{class_id}", "new": "{other_class}"}),
    ("/school/people/{pupil}/family", {"other": "{parent}"}),
    ("/school/people/{pupil}/family/{parent}", {"do": "remove"}),
    ("/school/people/{pupil}/signout", {}),
    ("/school/people/{pupil}/contacts", {}),
    ("/school/people/{pupil}/leave", {"reason": "x"}),
    ("/school/classes/{class_id}", {"add": "{teacher}"}),
    ("/school/classes/{class_id}/split", {"pupil": "{pupil}", "name": "5Ж", "do": "apply"}),
    (
        "/school/classes/{class_id}/substitute",
        {"person": "{teacher}", "until": "2099-01-01", "do": "apply"},
    ),
    ("/school/classes/merge", {"class": "{class_id}", "name": "5Ж", "do": "apply"}),
    ("/school/invites/code", {"max_uses": "5", "days": "7"}),
    ("/school/failed/s1", {"do": "retry"}),
    ("/school/rooms/j1", {}),
    ("/school/roster", {}),
    ("/school/held", {}),
    ("/school/settings", {"name": "x"}),
    ("/school/year/plan", {"fate-{class_id}": "ends"}),
    ("/school/year/plan/{class_id}", {"pupil-{pupil}": "leaves"}),
    ("/school/year/discard", {}),
    ("/school/year/apply", {"plan": "0" * 64, "agreed": "yes"}),
    ("/school/year/undo", {"agreed": "yes"}),
    ("/school/invites/staff", {"role": "director", "max_uses": "1", "days": "7"}),
)
OTHERS = {"T1": 404, "T3": 404, "U1": 404, "R1": 404, None: 303}


async def school(world: World) -> dict[str, str]:
    """Administration of each kind is in, others too; U1 and R1 are looked at."""
    await world.let_in("D1", "D2", "A1", "T1", "T3", "U1", "R1")
    return {
        "pupil": world.person_id("U1"),
        "parent": world.person_id("R1"),
        "teacher": world.person_id("T3"),
        "class_id": world.class_id("5А"),
        "other_class": world.class_id("1Б"),
    }


async def test_administration_opens_every_page_and_others_none(world: World) -> None:
    """Director, deputy and administrator; a class teacher, a teacher, a pupil and a parent get the same 404."""
    words = await school(world)
    for who in ("D1", "D2", "A1"):
        world.clock.move(minutes=1)  # one address, and faster than a person
        visitor = await world.visitor(who)
        for path in PAGES:
            reply = await visitor.get(path.format(**words))
            assert reply.status == 200, (who, path, reply.text[:300])
        for path in HEADS_PAGES:
            reply = await visitor.get(path.format(**words))
            assert reply.status == (404 if who == "A1" else 200), (who, path)
    for other, status in OTHERS.items():
        world.clock.move(minutes=1)
        visitor = await world.visitor(other)
        for path in (*PAGES, *HEADS_PAGES):
            assert (await visitor.get(path.format(**words))).status == status, (other, path)
        for path, fields in FORMS:
            filled = {name: value.format(**words) for name, value in fields.items()}
            assert (await visitor.post(path.format(**words), **filled)).status == status, path
    pupil, parent = await world.person("U1"), await world.person("R1")
    assert pupil.roles == {Role.STUDENT}
    assert pupil.status is parent.status is Status.ACTIVE
    assert [seat.class_id for seat in pupil.seats] == [world.class_id("5А")]


async def test_another_school_does_not_exist(world: World, school_server: Homeserver) -> None:
    """A director finds, changes and reads nobody of another school on the same server."""
    await world.let_in("D1")
    other = School(school_server, f"{world.org_id}-other")
    other.create("Другая школа")
    other.apply(small_school())
    words = {
        "pupil": other.person_id("P1"),
        "parent": other.person_id("G1"),
        "teacher": other.person_id("T3"),
        "class_id": other.class_id("5А"),
        "other_class": other.class_id("5Б"),
    }
    director = await world.visitor("D1")
    for path in PAGES:
        if "{" in path:
            assert (await director.get(path.format(**words))).status == 404, path
    for path, fields in FORMS:
        if "{" in path:
            filled = {name: value.format(**words) for name, value in fields.items()}
            assert (await director.post(path.format(**words), **filled)).status == 404, path
    found = await director.get("/school/people?q=ФамилияP1")
    assert "ФамилияP1 " not in found.text


@pytest.mark.parametrize(
    ("who", "role", "status"),
    [
        ("D1", "director", 303),
        ("D1", "deputy", 303),
        ("D2", "administrator", 303),
        ("D2", "deputy", 422),
        ("D2", "director", 422),
        ("A1", "administrator", 422),
        ("A1", "deputy", 422),
        ("A1", "guardian", 303),
    ],
)
async def test_nobody_gives_more_rights_than_they_may(
    world: World, who: str, role: str, status: int
) -> None:
    """Director: all; deputy: administrators; administrator: none of these (R31, as the module has it)."""
    await world.let_in(who)
    visitor = await world.visitor(who)
    path = f"/school/people/{world.person_id('T3')}/roles"
    reply = await visitor.post(path, role=role, reason="Новая должность")
    assert reply.status == status
    person = await world.person("T3")
    assert (Role(role) in person.roles) is (status == 303)


async def test_rights_are_not_taken_from_above(world: World) -> None:
    """An administrator neither demotes, signs out, unbinds nor expels the director or a deputy."""
    await world.let_in("D1", "D2", "A1")
    administrator = await world.visitor("A1")
    for target in ("D1", "D2"):
        before = await world.person(target)
        path = f"/school/people/{before.person_id}"
        await administrator.post(f"{path}/roles", role="teacher", reason="x")
        for what in ("signout", "contacts"):
            assert (await administrator.post(f"{path}/{what}")).status == 403
        assert (await administrator.post(f"{path}/leave", reason="x")).status == 403
        after = await world.person(target)
        assert after.status is Status.ACTIVE
        assert before.roles <= after.roles
        assert before.user_id is not None
        async with world.services.store.begin() as work:
            assert await work.contacts.of_account(before.user_id)


async def test_the_last_administrator_stays(world: World) -> None:
    """R33: neither demoted nor taken out, and told why in words."""
    await world.let_in("D1", "D2")
    director = await world.visitor("D1")
    deputy = f"/school/people/{world.person_id('D2')}"
    own = f"/school/people/{world.person_id('D1')}"
    assert (await director.post(f"{deputy}/leave", reason="Уволен")).status == 303
    reply = await director.post(f"{own}/roles", role="teacher", reason="x")
    assert reply.status == 422
    assert "последний администратор" in reply.text
    assert (await director.post(f"{own}/leave", reason="x")).status == 403
    assert (await world.person("D1")).status is Status.ACTIVE


async def test_a_court_order_is_for_director_and_deputies(world: World) -> None:
    """R34: an administrator sees no such link, cannot make it, change it or learn that it is there."""
    await world.let_in("D2", "A1")
    deputy, administrator = await world.visitor("D2"), await world.visitor("A1")
    pupil, father = world.person_id("U1"), world.person_id("R2")
    link = f"/school/people/{pupil}/family/{father}"
    assert (await administrator.post(link, do="restrict")).status == 404
    assert (await deputy.post(link, do="restrict")).status == 303
    for path in (f"/school/people/{pupil}", f"/school/people/{father}"):
        seen, hidden = await deputy.get(path), await administrator.get(path)
        assert "закрыта по решению суда" in seen.text
        assert "закрыта по решению суда" not in hidden.text
        other = "Сергей" if path.endswith(pupil) else "Александр"
        assert other in seen.text
        assert other not in hidden.text
    for do in ("remove", "confirm", "lift", "restrict"):
        assert (await administrator.post(link, do=do)).status == 404
        assert (await administrator.get(f"{link}?do={do}")).status == 404
    added = await administrator.post(f"/school/people/{pupil}/family", other=father)
    assert added.status == 422
    assert "суд" not in added.text
    assert (await deputy.get("/school/audit")).status == 200
    assert (await deputy.post(link, do="lift")).status == 303
    assert "Сергей" in (await administrator.get(f"/school/people/{pupil}")).text
