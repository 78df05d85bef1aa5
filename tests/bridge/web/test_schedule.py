"""The schedule in the pages: planned by a teacher, read by a family, joined, moved, called off, in a calendar."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from bridge.web.schedule import WEEKDAYS
from tests.bridge.test_calendar_file import unfolded
from tests.bridge.web.axe import assert_accessible_everywhere
from tests.bridge.web.world import Reply, Visitor, World
from tests.support import personal

MOSCOW = ZoneInfo("Europe/Moscow")


async def lesson(world: World, teacher: Visitor, begins: datetime, **more: str) -> Reply:
    """The form of the class teacher of 5А, filled in."""
    rooms = await world.services.schedules.audiences(await world.account("T1"))
    room = next(one for one in rooms if one.kind == more.pop("room_kind", "class"))
    fields = {
        "audience": f"{more.pop('kind', 'lesson')} {room.room_id}",
        "title": "Алгебра",
        "day": begins.date().isoformat(),
        "at": f"{begins:%H:%M}",
        "minutes": "45",
        "place": "каб. 7",
        "note": "",
        "online": "y",
        "every_weeks": "1",
        "until": "",
        "once": "once-once",
        **more,
    }
    return await teacher.post("/schedule/new", **fields)


def soon(world: World, **ahead: float) -> datetime:
    return (world.clock() + timedelta(**ahead)).astimezone(MOSCOW).replace(second=0, microsecond=0)


async def test_a_lesson_from_the_form_to_the_call(world: World) -> None:
    """Planned once however often the form is sent, in the family's week, joined from a quarter of an hour before."""
    await world.let_in("T1", "U1", "R1", "T2")
    await world.settle()
    teacher, pupil, parent = [await world.visitor(who) for who in ("T1", "U1", "R1")]
    begins = soon(world, minutes=10)
    made = await lesson(world, teacher, begins)
    assert made.status == 303, made.text
    again = await lesson(world, teacher, begins)
    assert again.location == made.location
    address = made.location.partition("?")[0]
    week = await pupil.get(f"/schedule?week={begins.date().isoformat()}")
    assert "Алгебра" in week.text
    assert "каб. 7" in week.text
    assert f"{WEEKDAYS[begins.weekday()].capitalize()}, " in week.text
    english = await pupil.get(
        f"/schedule?week={begins.date().isoformat()}", Cookie=f"sid={pupil.token}; lang=en"
    )
    assert f"{begins:%A}, " in english.text
    assert WEEKDAYS[begins.weekday()] not in english.text.lower()
    page = await pupil.get(address)
    assert "https://rtc.school.example/room#?roomId=" in page.text
    assert "/host#room=" not in page.text
    assert "/host#room=" in (await teacher.get(address)).text
    seen = await parent.get(address)
    assert "Алгебра" in seen.text
    assert "roomId=" not in seen.text  # a parent is in no class room
    other = await world.visitor("T2")
    assert (await other.get(address)).status == 404
    assert (await other.get(f"{address}/edit")).status == 404
    assert (await pupil.get(f"{address}/edit")).status == 404
    assert (await pupil.get("/schedule/new")).status == 404


async def test_what_a_form_gets_wrong(world: World) -> None:
    """Said beside the field, and nothing is planned."""
    await world.let_in("T1")
    await world.settle()
    teacher = await world.visitor("T1")
    begins = soon(world, days=1)
    for more in (
        {"title": ""},
        {"minutes": "3"},
        {"weekdays": str(begins.weekday())},  # and no last day
        {"weekdays": str((begins.weekday() + 1) % 7), "until": "2027-05-25"},
        {"weekdays": str(begins.weekday()), "until": "2099-05-25"},
        {"once": ""},
        {"audience": "broadcast !none"},
    ):
        reply = await lesson(world, teacher, begins, **more)
        assert reply.status in {200, 422}, more
        assert 'class="error' in reply.text or reply.status == 200, more
    week = await teacher.get(f"/schedule?week={begins.date().isoformat()}")
    assert "Алгебра" not in week.text


async def test_one_day_is_moved_and_all_is_called_off(world: World) -> None:
    """A series, one day of it, back again, and its end."""
    await world.let_in("T1", "U1")
    await world.settle()
    teacher, pupil = await world.visitor("T1"), await world.visitor("U1")
    begins = soon(world, days=2)
    made = await lesson(
        world,
        teacher,
        begins,
        weekdays=str(begins.weekday()),
        until=(begins.date() + timedelta(days=21)).isoformat(),
    )
    address, day = made.location.partition("?")[0], begins.date() + timedelta(days=7)
    assert (await teacher.get(f"{address}/day?day={day.isoformat()}")).status == 200
    which = {"which": day.isoformat(), "reason": ""}
    moved = {"day": day.isoformat(), "at": "12:34", "minutes": "60"}
    reply = await teacher.post(f"{address}/day", do="move", **which, **moved)
    assert reply.status == 303, reply.text
    assert "12:34" in (await pupil.get(f"{address}?day={day.isoformat()}")).text
    await teacher.post(f"{address}/day", do="off", **which)
    assert "не состоится" in (await pupil.get(f"{address}?day={day.isoformat()}")).text
    await teacher.post(f"{address}/day", do="usual", **which)
    assert "не состоится" not in (await pupil.get(f"{address}?day={day.isoformat()}")).text
    edited = await teacher.post(
        f"{address}/edit",
        title="Геометрия",
        day=begins.date().isoformat(),
        at=f"{begins:%H:%M}",
        minutes="40",
        place="",
        note="",
        online="y",
        weekdays=str(begins.weekday()),
        every_weeks="1",
        until=(begins.date() + timedelta(days=21)).isoformat(),
    )
    assert edited.status == 303, edited.text
    assert "Геометрия" in (await pupil.get(address)).text
    assert (await teacher.get(f"{address}/call_off")).status == 200
    assert (await teacher.post(f"{address}/call_off", reason="")).status == 303
    assert "отменено" in (await pupil.get(address)).text
    assert (await teacher.post(f"{address}/call_off", reason="")).status == 303


async def test_the_calendar_of_a_phone(world: World) -> None:
    """An address that is shown once, gives the own schedule, and dies with the next one and with who leaves."""
    await world.let_in("T1", "R1")
    await world.settle()
    teacher, parent = await world.visitor("T1"), await world.visitor("R1")
    assert (await lesson(world, teacher, soon(world, days=1))).status == 303
    assert (await parent.get("/me/calendar")).status == 200

    async def new_address() -> str:
        shown = await parent.get((await parent.post("/me/calendar")).location)
        found = re.search(r"/calendar/([A-Za-z0-9_-]{43})\.ics", shown.text)
        assert found is not None
        personal.watch(found[1])
        return found[0]

    first = await new_address()
    stranger = await world.visitor()
    answer = await stranger.get(first)
    assert answer.headers["Content-Type"] == "text/calendar; charset=utf-8"
    lines = unfolded(answer.text.encode())
    assert "SUMMARY:Алгебра · 5А" in lines
    assert [line for line in lines if line.startswith("UID:g")]
    same = await stranger.get(first, **{"If-None-Match": answer.headers["ETag"]})
    assert same.status == 304
    second = await new_address()
    assert (await stranger.get(first)).status == 404
    assert (await stranger.get(second)).status == 200
    assert (await stranger.get(f"/calendar/{'a' * 43}.ics")).status == 404
    assert (await stranger.get("/calendar/x.ics")).status == 404
    await parent.post("/me/calendar/end")
    assert (await stranger.get(second)).status == 404


async def test_every_page_is_accessible(browsing: World) -> None:
    """No rule of axe broken, nothing cut off at 320 px, in both languages."""
    await browsing.let_in("D1", "T1", "R1")
    await browsing.settle()
    teacher = await browsing.visitor("T1")
    begins = soon(browsing, minutes=5)
    made = await lesson(
        browsing,
        teacher,
        begins,
        weekdays=str(begins.weekday()),
        until=(begins.date() + timedelta(days=21)).isoformat(),
    )
    address = made.location.partition("?")[0]
    page = await browsing.page("T1")
    for path in (
        "/schedule",
        "/schedule/new",
        address,
        f"{address}/edit",
        f"{address}/day?day={begins.date().isoformat()}",
        f"{address}/call_off",
        "/me/calendar",
    ):
        await assert_accessible_everywhere(page, path)
    director = await browsing.page("D1")
    await assert_accessible_everywhere(director, "/schedule?all=1")
