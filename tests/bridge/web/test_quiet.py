"""Quiet hours, one's own data and a room's messages in the pages."""

from __future__ import annotations

import json

from tests.bridge.web.axe import assert_accessible_everywhere
from tests.bridge.web.world import World


async def test_whose_hours_win(world: World) -> None:
    """R49: the school's, then the class's, then one's own; the page says which and why."""
    await world.let_in("D1", "T1", "U1", "T2")
    director, teacher, pupil = [await world.visitor(who) for who in ("D1", "T1", "U1")]
    always = {"what": "nights", "begins": "00:00", "ends": "00:00"}
    never = {"what": "never", "begins": "", "ends": ""}
    assert (await director.post("/school/quiet", **always)).status == 303
    assert "Сейчас тихо, и так всегда" in (await pupil.get("/me/quiet")).text
    of_class = f"/class/{world.class_id('5А')}/quiet"
    assert (await teacher.post(of_class, **never)).status == 303
    page = (await pupil.get("/me/quiet")).text
    assert "Сейчас не тихо" in page
    assert "есть более близкое правило" in page
    assert (await pupil.post("/me/quiet", **always)).status == 303
    assert "Сейчас тихо, и так всегда" in (await pupil.get("/me/quiet")).text
    assert (await pupil.post("/me/quiet", what="nights", begins="", ends="")).status == 422
    assert (await pupil.get("/school/quiet")).status == 404
    assert (await (await world.visitor("T2")).get(of_class)).status == 404
    assert (await director.post("/school/quiet", role="teacher", **never)).status == 303
    assert "«учитель»" in (await director.get("/school/quiet?role=teacher")).text


async def test_ones_own_data_as_a_file(world: World) -> None:
    """Of oneself and one's children, never of others; contacts as the pages show them."""
    await world.let_in("R1", "U1", "U3")
    parent = await world.visitor("R1")
    assert "Иванова" in (await parent.get("/me/data")).text
    own = await parent.post(f"/me/data/{world.person_id('R1')}")
    assert own.status == 200, own.text
    data = json.loads(own.text)
    assert data["person"]["family_name"] == world.people["R1"].family_name
    assert data["onboarding"]["contacts"]
    assert world.phone("R1") not in own.text
    child = json.loads((await parent.post(f"/me/data/{world.person_id('U1')}")).text)
    assert child["guardians"]
    assert child["onboarding"] == {}
    assert (await parent.post(f"/me/data/{world.person_id('U3')}")).status == 404


async def test_a_rooms_messages_for_the_director(world: World) -> None:
    """One a line, and the log says who took them and why."""
    await world.let_in("D1", "D2", "T1")
    await world.settle()
    director = await world.visitor("D1")
    room = world.school.room_id("class", "5А")
    reply = await director.post("/school/rooms/export", room=room, reason="проверка")
    assert reply.status == 200, reply.text
    assert reply.headers["X-Content-Type-Options"] == "nosniff"
    for line in reply.text.splitlines():
        assert "event_id" in json.loads(line)
    entries = await world.services.directory.audit(world.org_id)
    (entry,) = [one for one in entries if one["action"] == "export_room"]
    assert entry["reason"] == "проверка"
    for who in ("D2", "T1"):
        other = await world.visitor(who)
        assert (await other.get("/school/rooms/export")).status == 404
        assert (await other.post("/school/rooms/export", room=room)).status == 404
    assert (await director.post("/school/rooms/export", room="!none")).status == 404


async def test_every_page_is_accessible(browsing: World) -> None:
    """No rule of axe broken, nothing cut off at 320 px, in both languages."""
    await browsing.let_in("D1", "T1")
    page = await browsing.page("D1")
    for path in (
        "/me/quiet",
        "/school/quiet",
        "/school/quiet?role=teacher",
        "/school/rooms/export",
        "/me/data",
    ):
        await assert_accessible_everywhere(page, path)
    teacher = await browsing.page("T1")
    await assert_accessible_everywhere(teacher, f"/class/{browsing.class_id('5А')}/quiet")
