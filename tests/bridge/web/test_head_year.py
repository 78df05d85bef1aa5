"""The school year over the pages: planned, checked, promoted, taken back (R35-R37, R40)."""

from __future__ import annotations

import re
from typing import Any

from bridge.invite import InviteKind
from bridge.people import SourceKey, Status
from bridge.roles import PersonId, Role
from tests.bridge.web.family import school_roster
from tests.bridge.web.newcomers import prove
from tests.bridge.web.world import Reply, Visitor, World
from tests.support.polling import until_async
from tests.support.rosters import person

HASH = re.compile(r'name="plan" value="([0-9a-f]{64})"')
NINTH, ELEVENTH = ("N1", "N2", "N3"), ("G1",)
#: Days of the plan that no machine that runs these tests has come to.
DATES = {"graduates_leave_on": "01.09.2099", "rooms_until": "2100-09-01"}


def with_upper_grades() -> dict[str, Any]:
    """The pages' school with 9А, of two of whom nobody has decided yet, and 11А."""
    listed = school_roster()
    for name, grade, pupils in (("9А", 9, NINTH), ("11А", 11, ELEVENTH)):
        listed["classes"].append({"source_id": name, "name": name, "grade": grade})
        for one in pupils:
            listed["people"].append(person(one, "student", born="2009-05-05"))
            listed["enrolments"].append({"class": name, "person": one, "role": "student"})
    return listed


async def status_of(world: World, source_id: str) -> Status:
    found = await world.services.directory.by_source(world.org_id, SourceKey("csv", source_id))
    assert found is not None
    return found.status


async def class_of(world: World, source_id: str) -> list[str]:
    found = await world.services.directory.by_source(world.org_id, SourceKey("csv", source_id))
    assert found is not None
    return [seat.name for seat in found.seats]


async def applied(visitor: Visitor, shown: Reply, **changes: str) -> Reply:
    """Press the button of the page that shows everything."""
    found = HASH.search(shown.text)
    fields = {
        "plan": found[1] if found is not None else "",
        "to_year": "2027/2028",
        "agreed": "yes",
        **changes,
    }
    return await visitor.post("/school/year/apply", **fields)


async def settled(visitor: Visitor) -> None:
    """Wait until the page of the progress says that the chats have followed."""

    async def ready() -> bool | None:
        return "Готово" in (await visitor.get("/school/year/progress")).text or None

    await until_async(ready, what="the chats to follow", deadline_s=60)


async def test_a_school_is_promoted_and_taken_back_over_the_pages(world: World) -> None:
    """An administrator plans it, the director agrees; nothing before, everything after, and exactly back again."""
    world.school.apply(with_upper_grades())
    await world.let_in("D1", "A1", "T1", "U1", "R2")
    office, director = await world.visitor("A1"), await world.visitor("D1")
    before = await class_names(world)
    ids = {one: world.person_id(one) for one in ("U1", "U2", "U3", "N1", "T3")}
    ninth, fifth = world.class_id("9А"), world.class_id("5А")

    await the_draft_waits(world, office, director)
    await classes_are_decided(world, office)
    await pupils_are_decided(office, ninth, fifth, ids)
    assert await class_names(world) == before
    await director_agrees(world, office, director)
    await settled(director)
    assert await class_names(world) != before
    await everybody_is_where_the_plan_said(world, fifth, ids["T3"])
    assert "Отменить перевод" in (await office.get("/school/year")).text
    assert "2028/2029" in (await office.get("/school/year/plan")).text
    await the_phone_is_free(world, ids["U1"])

    office, director = await world.visitor("A1"), await world.visitor("D1")  # two days later
    await director_takes_it_back(office, director)
    await settled(director)
    assert await class_names(world) == before
    assert await class_of(world, "U1") == await class_of(world, "U3") == ["5А"]
    assert (await world.person("U1")).active
    assert "План сохранился" in (await director.get("/school/year")).text
    assert 'to:10А" selected' in (await director.get(f"/school/year/plan/{ninth}")).text
    assert (await office.post("/school/year/discard")).status == 303
    assert "to:10А" not in (await director.get(f"/school/year/plan/{ninth}")).text


async def class_names(world: World) -> dict[str, str]:
    return {one.class_id: one.name for one in await world.services.directory.classes(world.org_id)}


async def the_draft_waits(world: World, office: Visitor, director: Visitor) -> None:
    """The ninth class is undecided, and the page says where it is decided; a wrong name is kept and marked."""
    ninth, fifth = world.class_id("9А"), world.class_id("5А")
    assert "2026/2027" in (await office.get("/school/year")).text
    draft = await office.get("/school/year/plan")
    assert f'href="/school/year/plan/{ninth}">не решено' in draft.text
    assert HASH.search((await director.get("/school/year/check")).text) is None
    wrong = await office.post(
        "/school/year/plan", **{f"fate-{fifth}": "continues", f"name-{fifth}": "?!"}
    )
    assert wrong.status == 422
    assert "Так класс назвать нельзя" in wrong.text
    assert 'value="?!"' in wrong.text


async def classes_are_decided(world: World, office: Visitor) -> None:
    """The ninth ends, a tenth and a part of the fifth are new, the first goes on under a name of its own."""
    ninth, first = world.class_id("9А"), world.class_id("1Б")
    fields = {f"fate-{ninth}": "ends", f"fate-{first}": "continues", f"name-{first}": "2 «в»"}
    new = {"new-0": "1Б", "new-1": "10А", "new-2": "6б"}
    kept = await office.post("/school/year/plan", **fields, **new, **DATES, do="keep")
    assert kept.location == "/school/year/plan?said=year_kept"


async def pupils_are_decided(
    office: Visitor, ninth: str, fifth: str, ids: dict[str, PersonId]
) -> None:
    """N1 goes to the tenth, U1 leaves, U3 goes to the new part, T3 leads it; U2 is not of 9А."""
    assert '<option value="to:10А"' in (await office.get(f"/school/year/plan/{ninth}")).text
    n1, u1, u2, u3 = (f"pupil-{ids[one]}" for one in ("N1", "U1", "U2", "U3"))
    for class_id, fields in (
        (ninth, {n1: "to:10А", u2: "leaves", "teacher": ""}),
        (fifth, {u1: "leaves", u3: "to:6Б", "teacher": ids["T3"]}),
    ):
        reply = await office.post(f"/school/year/plan/{class_id}", **fields)
        assert reply.location == "/school/year/plan?said=year_kept"


async def director_agrees(world: World, office: Visitor, director: Visitor) -> None:
    """Figures and names first; the button is the director's, with a tick, for what was shown, and twice is once."""
    shown = await office.get("/school/year/check")
    assert HASH.search(shown.text) is None
    assert "могут директор и заместители" in shown.text
    assert (await applied(office, shown, plan="0" * 64)).status == 409
    shown = await director.get("/school/year/check")
    assert "идут в 10-й класс: <strong>1</strong>" in shown.text
    assert "выбывают: <strong>3</strong>" in shown.text  # U1, N2, N3
    assert "Иванов Александр" in shown.text
    assert "Поставьте галочку" in (await applied(director, shown, agreed="")).text
    assert (await applied(director, shown, plan="0" * 64)).status == 409
    assert await status_of(world, "N2") is Status.LISTED
    for _ in range(2):  # an impatient finger
        assert (await applied(director, shown)).location == "/school/year/progress"


async def everybody_is_where_the_plan_said(world: World, fifth: str, teacher: PersonId) -> None:
    """Renamed, new, moved, gone; a graduate and a parent with another child here stay for now."""
    names = await class_names(world)
    assert names[fifth] == "6А"
    assert {"10А", "6Б", "2В"} <= set(names.values())
    assert [await class_of(world, one) for one in ("N1", "U2", "U3")] == [["10А"], ["6А"], ["6Б"]]
    stands = {one: await status_of(world, one) for one in ("N2", "U1", "R2", "R1", "G1")}
    left = {one for one, status in stands.items() if status is Status.LEFT}
    assert left == {"N2", "U1", "R2"}
    (homeroom,) = [
        one.homeroom_teachers
        for one in await world.services.directory.classes(world.org_id)
        if one.class_id == fifth
    ]
    assert list(homeroom) == [teacher]


async def director_takes_it_back(office: Visitor, director: Visitor) -> None:
    """What returns is said before; the button is the director's, with a tick, and twice is once."""
    asked = await director.get("/school/year/undo")
    assert "Людей вернётся в школу</dt><dd>5</dd>" in asked.text  # U1, R2, N2, N3, the graduate
    assert "в точности такими" in asked.text
    assert (await office.post("/school/year/undo", agreed="yes")).status == 409
    assert (await director.post("/school/year/undo")).status == 409
    for _ in range(2):
        done = await director.post("/school/year/undo", agreed="yes")
        assert done.location == "/school/year/progress?said=year_undone"


async def the_phone_is_free(world: World, left: PersonId) -> None:
    """R40: whoever left by the promotion has no number any more once somebody else proves it."""
    found = await world.services.directory.person(world.org_id, left)
    assert found is not None
    assert found.user_id is not None
    world.clock.move(days=2)
    issued = await world.issue(
        "D1", InviteKind.CLASS_PUPIL, Role.STUDENT, class_id=world.class_id("5А"), max_uses=5
    )
    newcomer = await world.visitor()
    place = await prove(world, newcomer, issued.token, world.phone("U1"))
    assert "Это вы?" not in (await newcomer.get(place)).text
    async with world.services.store.begin() as work:
        assert await work.contacts.of_account(found.user_id) == []


async def test_what_changes_in_between_is_shown_again(world: World) -> None:
    """Somebody decides about a pupil between page and button: 409 with the new figures, and nothing is written."""
    await world.let_in("D1", "A1")
    director, office = await world.visitor("D1"), await world.visitor("A1")
    assert "Отменить перевод уже нельзя" in (await director.get("/school/year/undo")).text
    shown = await director.get("/school/year/check")
    u3 = world.person_id("U3")
    path = f"/school/year/plan/{world.class_id('5А')}"
    assert (await office.post(path, **{f"pupil-{u3}": "leaves"})).status == 303
    reply = await applied(director, shown)
    assert reply.status == 409
    assert "проверьте ещё раз" in reply.text
    assert "выбывают: <strong>1</strong>" in reply.text
    assert (await world.services.directory.year(world.org_id))["promotion"] is None


async def test_every_mistake_has_its_place(world: World) -> None:
    """Two classes with one name become one, and the page says so; a target that is gone is asked about again."""
    await world.let_in("A1")
    office = await world.visitor("A1")
    a5, b1 = world.class_id("5А"), world.class_id("1Б")
    u1 = world.person_id("U1")
    await office.post("/school/year/plan", **{"new-0": "1Б", "new-1": "6Г"})
    await office.post(f"/school/year/plan/{a5}", **{f"pupil-{u1}": "to:6Г"})
    await office.post(
        "/school/year/plan", **{f"fate-{b1}": "continues", f"name-{b1}": "6А", "new-0": "6А"}
    )
    plan = await office.get("/school/year/plan")
    assert "два класса с одним названием: 6А" in plan.text
    assert (
        f'href="/school/year/plan/{a5}">такого класса в следующем году нет: Иванов Александр'
        in plan.text
    )
    assert (
        "Таких классов в плане больше нет: 6Г" in (await office.get(f"/school/year/plan/{a5}")).text
    )
    await office.post(f"/school/year/plan/{a5}", **{f"pupil-{u1}": "with"})
    await office.post("/school/year/plan", **{"new-0": ""})
    plan = await office.get("/school/year/plan")
    assert "Решено всё" in plan.text
    assert "1Б + 5А → 6А" in plan.text
    shown = await office.get("/school/year/check")
    assert "объединение классов: 2" in shown.text
