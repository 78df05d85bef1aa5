"""A real Synapse plans, shows, tells and reminds, each to whom it may."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from tests.support.polling import until
from tests.synapse_sferum.api_world import ApiSchool, World
from tests.synapse_sferum.test_api_broadcasts import messages

pytestmark = pytest.mark.integration

MOSCOW = ZoneInfo("Europe/Moscow")


@pytest.fixture(scope="module")
def school(world: World) -> ApiSchool:
    school = world.school("schedule", "D1", "A1", "T1", "T2", "P1", "P2", "P3", "G1")
    school.settle()
    return school


def soon(world: World, minutes: float) -> datetime:
    """The server's time in so many minutes, on the school's clock, to the minute."""
    now = world.ask("GET", "/health", world.server.service_token).json["time_ms"]
    at = datetime.fromtimestamp(now / 1000, UTC).astimezone(MOSCOW) + timedelta(minutes=minutes)
    return at.replace(second=0, microsecond=0, tzinfo=None)


def noon(world: World, days: int) -> datetime:
    """Of a day of its own for each test: what begins late in the evening is in the next day's window too."""
    return soon(world, days * 24 * 60).replace(hour=12, minute=0)


def plan(
    school: ApiSchool, who: str, begins: datetime, once: str, room: str = "5А", **more: Any
) -> Any:
    kind = more.pop("room_kind", "class")
    body = {
        "room_id": school.room_id(kind, room),
        "kind": "lesson",
        "title": "Алгебра",
        "begins": begins.isoformat(timespec="minutes"),
        "minutes": 45,
        "once": f"{once}-once",
        **more,
    }
    return school.ask("POST", "/schedule", body, who)


def window(school: ApiSchool, who: str, begins: datetime, **more: str) -> list[str]:
    """Ids of what somebody is shown on a day."""
    params = {
        "since": begins.date().isoformat(),
        "until": (begins.date() + timedelta(days=1)).isoformat(),
        **more,
    }
    found = school.get("/schedule", who, **params)
    return [one["gathering_id"] for one in found["occurrences"]]


def told(school: ApiSchool, who: str, room_id: str, gathering_id: str) -> list[Any]:
    """What a room was told of one, as programs read it, in order."""
    found = [one.get("org.sferum.gathering") for one in messages(school, who, room_id)]
    return [one for one in found if one is not None and one["id"] == gathering_id]


def test_who_plans_and_who_sees(world: World, school: ApiSchool) -> None:
    """The class teacher plans for the class; pupils and parents have it in their calendars; another class does not."""
    begins = noon(world, 3)
    made = plan(school, "T1", begins, "sees").json["gathering_id"]
    for who in ("T1", "P1", "P2", "G1"):
        assert window(school, who, begins, mine="1") == [made]
    assert window(school, "D1", begins) == [made]
    assert window(school, "D1", begins, mine="1") == []
    for who in ("P3", "T2"):
        assert window(school, who, begins) == []
        assert school.ask("GET", f"/schedule/{made}", who=who).status == 404
    assert plan(school, "P1", begins, "pupil").status == 403
    assert plan(school, "T2", begins, "other").status == 404
    assert plan(school, "A1", begins, "office").status == 200
    assert plan(school, "A1", begins, "hour", kind="class_hour").status == 403
    assert plan(school, "D1", begins, "kind", kind="parents_meeting").status == 400
    assert plan(school, "D1", begins, "cast", kind="broadcast").status == 400
    assert plan(school, "T1", begins, "sees").json["gathering_id"] == made


def test_the_service_asks_for_somebody(world: World, school: ApiSchool) -> None:
    """The bridge has the rights of whom it names, and none of its own."""
    begins = noon(world, 4)
    made = plan(school, "T1", begins, "service").json["gathering_id"]
    path = f"/schedule/{made}"
    user = {"user_id": school.accounts["P3"]}
    assert school.ask("GET", path, params={"user_id": school.accounts["P1"]}).status == 200
    assert school.ask("GET", path, params=user).status == 404
    assert school.ask("GET", path, params={"user_id": "@unobody2:school.test"}).status == 404
    assert school.ask("GET", path).status == 400
    assert school.ask("POST", f"{path}/call_off", {}).status == 400


def test_a_lesson_is_announced_changed_and_called_off(world: World, school: ApiSchool) -> None:
    """In its room, each word once, whatever happens to it; the log has who and never the title."""
    begins, room = noon(world, 2), school.room_id("class", "5А")
    repeat = {
        "weekdays": [begins.weekday()],
        "until": (begins.date() + timedelta(days=30)).isoformat(),
    }
    made = plan(school, "T1", begins, "life", repeat=repeat).json["gathering_id"]
    until(lambda: told(school, "P1", room, made), what="the plan")
    day = begins.date() + timedelta(days=7)
    school.do("PUT", f"/schedule/{made}/days/{day.isoformat()}", {"held": False}, "T1")
    until(lambda: len(told(school, "P1", room, made)) == 2, what="the change")
    school.do("PUT", f"/schedule/{made}/days/{day.isoformat()}", {"held": False}, "T1")
    assert school.get(f"/schedule/{made}", "P1")["sequence"] == 1
    school.do("POST", f"/schedule/{made}/call_off", {"reason": "болезнь"}, "T1")
    until(
        lambda: [one["post"] for one in told(school, "P1", room, made)][-1] == "called_off",
        what="that it is off",
    )
    assert window(school, "P1", begins + timedelta(days=7)) == []
    assert school.refused("POST", f"/schedule/{made}/call_off", {}, "T1")[1] == "SFERUM_CALLED_OFF"
    entries = [
        one
        for one in school.get("/audit", "D1", limit=50)["entries"]
        if one["action"] == "gathering" and one["target"] == made
    ]
    assert [one["actor"] for one in entries] == [school.accounts["T1"]] * 3
    assert "Алгебра" not in str(entries)


def test_people_are_reminded_once(world: World, school: ApiSchool) -> None:
    """A reminder whose time has come is one message, however often the module looks."""
    begins, room = soon(world, 10), school.room_id("class", "5Б")
    made = plan(school, "T2", begins, "remind", room="5Б", remind=[30]).json["gathering_id"]
    until(lambda: told(school, "P3", room, made), what="the plan")
    assert [one["post"] for one in told(school, "P3", room, made)] == ["planned"]
    # Planned half an hour ago, as far as the table knows: then the reminder is due now.
    world.database(
        "UPDATE sferum_gatherings SET created_ms = created_ms - 3600000, changed_ms = changed_ms + 1,"
        " due_ms = 0 WHERE gathering_id = ?",
        made,
    )
    until(lambda: len(told(school, "P3", room, made)) == 2, what="the reminder")
    world.database("UPDATE sferum_gatherings SET due_ms = 0 WHERE gathering_id = ?", made)
    until(
        lambda: world.database(
            "SELECT 1 FROM sferum_gatherings WHERE gathering_id = ? AND due_ms IS NULL", made
        ),
        what="another look",
    )
    assert [one["post"] for one in told(school, "P3", room, made)] == ["planned", "reminder"]


def test_a_crash_between_writing_and_writing_down(world: World, school: ApiSchool) -> None:
    """A claim whose message is in the room is found there; one whose message is not is written."""
    begins, room = noon(world, 5), school.room_id("class", "5А")
    made = plan(school, "T1", begins, "crash").json["gathering_id"]
    until(lambda: told(school, "P1", room, made), what="the plan")
    posted = "SELECT event_id FROM sferum_gathering_posts WHERE gathering_id = ? AND event_id <> ''"
    until(lambda: world.database(posted, made), what="that it is written down")
    before = world.database(posted, made)
    world.database("UPDATE sferum_gathering_posts SET event_id = '' WHERE gathering_id = ?", made)
    world.database("UPDATE sferum_gatherings SET due_ms = 0 WHERE gathering_id = ?", made)
    until(lambda: world.database(posted, made) == before, what="the message found again")
    assert len(told(school, "P1", room, made)) == 1


def test_a_broadcast_with_a_time_is_in_the_schedule(world: World, school: ApiSchool) -> None:
    """As its own server tells of it, and nobody changes it here."""
    begins = noon(world, 6)
    at = int(begins.replace(tzinfo=MOSCOW).timestamp() * 1000)
    body = {
        "broadcast_id": "s1",
        "title": "Концерт",
        "stage": "waiting",
        "link": "https://rtc.school.example/watch/s1",
        "begins_at": at,
    }
    school.do("POST", "/broadcasts/announce", body)
    assert window(school, "G1", begins, mine="1") == ["b.s1"]
    school.do("POST", "/broadcasts/announce", {**body, "begins_at": at + 3_600_000})
    found = school.get("/schedule/b.s1", "P1")
    assert found["occurrences"][0]["begins_at"] == at + 3_600_000
    assert found["may_change"] is False
    details = {"title": "x", "begins": begins.isoformat(timespec="minutes"), "minutes": 45}
    assert school.ask("PUT", "/schedule/b.s1", details, "D1").status == 400
    school.do("POST", "/broadcasts/announce", {**body, "stage": "deleted"})
    assert window(school, "G1", begins) == []


def test_quiet_hours_of_four_levels(world: World, school: ApiSchool) -> None:
    """R49: the nearest level wins, and everybody may read why."""
    rest = [{"weekdays": list(range(7)), "begins": "00:00", "ends": "00:00"}]
    set_ = "/quiet_hours"
    school.do("PUT", set_, {"level": "school", "windows": rest}, "D1")
    now = school.get("/quiet_hours/now", "P1")
    assert (now["quiet"], now["until"]) == (True, None)
    class_id = school.class_id("5А")
    school.do("PUT", set_, {"level": "group", "ref": class_id, "windows": []}, "T1")
    now = school.get("/quiet_hours/now", "P1")
    assert now["quiet"] is False
    assert [(one["level"], one["outcome"]) for one in now["rules"]] == [
        ("group", "won"),
        ("school", "overruled"),
    ]
    assert school.get("/quiet_hours/now", "P3")["quiet"] is True
    for who, level, ref in (
        ("T2", "group", class_id),
        ("P1", "school", ""),
        ("D1", "person", school.accounts["P1"]),
        ("D1", "group", "cnone"),
    ):
        body = {"level": level, "ref": ref, "windows": rest}
        assert school.ask("PUT", set_, body, who).status == 404
    for weekdays in (
        [1.0],
        [True],
        ["1"],
        [7],
        1,
        [[1]],
    ):  # what the pages could not read stays out
        windows = [{**rest[0], "weekdays": weekdays}]
        answer = school.ask("PUT", set_, {"level": "school", "windows": windows}, "D1")
        assert answer.status == 400, weekdays
    mine = {"level": "person", "ref": school.accounts["P3"], "windows": []}
    assert school.do("PUT", set_, mine, "P3") == {"changed": True}
    assert school.do("PUT", set_, mine, "P3") == {"changed": False}
    assert school.get("/quiet_hours/now", "P3")["quiet"] is False
    for level, ref, who in (("school", "", "D1"), ("group", class_id, "T1")):
        school.do("PUT", set_, {"level": level, "ref": ref, "windows": None}, who)
    assert school.get("/quiet_hours/now", "P1")["rules"] == []
