"""A real Synapse says who may watch, and tells its rooms of broadcasts."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.polling import until
from tests.synapse_sferum.api_world import ApiSchool, World

pytestmark = pytest.mark.integration

LINK = "https://rtc.school.example/watch/b1"


@pytest.fixture(scope="module")
def school(world: World) -> ApiSchool:
    school = world.school("broadcasts", "D1", "Z1", "T1", "T2", "P1", "P2", "P3", "G1")
    school.settle()
    return school


def rights(world: World, school: ApiSchool, who: str, room_id: str = "") -> Any:
    query = {"user_id": school.accounts[who], "org_id": school.org_id, "room_id": room_id}
    answer = world.ask("GET", "/broadcasts/rights", world.server.service_token, params=query)
    assert answer.status == 200, answer.json
    return answer.json


def messages(school: ApiSchool, who: str, room_id: str) -> list[Any]:
    """What a member's client shows in a room, the newest last: redacted ones are empty."""
    answer = school.server.request(
        "GET",
        f"/_matrix/client/v3/rooms/{room_id}/messages?dir=b&limit=30",
        school.token(who),
    )
    assert answer.status == 200, answer.json
    found = [e for e in answer.json["chunk"] if e["type"] == "m.room.message"]
    return [event["content"] for event in reversed(found)]


def announce(school: ApiSchool, stage: str, broadcast: str = "b1", **more: Any) -> int:
    body = {"broadcast_id": broadcast, "title": "Концерт", "stage": stage, "link": LINK, **more}
    return int(school.do("POST", "/broadcasts/announce", body)["written"])


def test_who_may_watch(world: World, school: ApiSchool) -> None:
    """The school watches, a class its own; nobody, another school and a room that is none are one answer."""
    nobody = {"watch": False}
    room_id = school.room_id("class", "5А")
    assert rights(world, school, "D1")["keeper"] is True
    assert rights(world, school, "G1")["watch"] is True
    assert rights(world, school, "P2") == nobody  # R17
    assert rights(world, school, "P2", room_id)["ask"] is False
    assert rights(world, school, "T1", room_id)["host"] is True
    assert rights(world, school, "P3", room_id) == nobody
    assert rights(world, school, "D1", "!none") == nobody
    assert rights(world, school, "D1", school.room_id("materials")) == nobody
    token = world.server.service_token
    for user, org in (("@unobody2:school.test", school.org_id), (school.accounts["D1"], "none")):
        answer = world.ask(
            "GET", "/broadcasts/rights", token, params={"user_id": user, "org_id": org}
        )
        assert answer.json == nobody
    body = {"room_id": room_id, "user_ids": [school.accounts[who] for who in ("P1", "P3", "G1")]}
    many = school.do("POST", "/broadcasts/watchers", body)["watchers"]
    assert set(many) == {school.accounts["P1"], school.accounts["G1"]}
    assert school.refused("POST", "/broadcasts/watchers", body, who="D1")[0] == 404


def test_for_whom(world: World, school: ApiSchool) -> None:
    """Heads broadcast to everybody, a class teacher to the class and its parents, a pupil to nobody."""

    def kinds(who: str) -> list[str]:
        answer = world.ask(
            "GET",
            "/broadcasts/audiences",
            world.server.service_token,
            params={"user_id": school.accounts[who]},
        )
        return [f"{one['kind']} {one['name']}" for one in answer.json["audiences"]]

    assert kinds("T1") == ["class 5А", "class_parents 5А · родители"]
    assert kinds("D1")[0] == f"announcements Школа {school.org_id}"
    assert len(kinds("D1")) == 6
    assert kinds("P1") == kinds("G1") == []


def test_the_life_of_a_school_broadcast_in_its_rooms(world: World, school: ApiSchool) -> None:
    """Said once with a link, changed when it is over, kept among the materials, taken back with the recording."""
    hall, kept = school.room_id("announcements"), school.room_id("materials")
    assert announce(school, "waiting", begins_at=1_900_000_000_000, recorded=True) == 1
    assert announce(school, "live", recorded=True) == 1
    assert announce(school, "live", recorded=True) == 0
    planned, started = messages(school, "P1", hall)[-2:]
    assert "начнётся 17 марта в 20:46" in planned["body"]
    assert LINK in started["body"]
    assert started["org.sferum.broadcast"]["stage"] == "live"
    assert announce(school, "ended", recorded=True) == 1
    edited = messages(school, "G1", hall)[-1]
    assert edited["m.relates_to"]["rel_type"] == "m.replace"
    assert "закончилась" in edited["m.new_content"]["body"]
    assert announce(school, "recorded", recorded=True) == 2
    assert LINK in messages(school, "P1", kept)[-1]["body"]
    assert announce(school, "removed", recorded=True, reason="by hand") == 2
    assert messages(school, "P1", kept)[-1] == {}
    assert "Записи больше нет" in messages(school, "P1", hall)[-1]["m.new_content"]["body"]
    log = [one for one in school.get("/audit", who="D1")["entries"] if one["action"] == "broadcast"]
    stages = [(one["target"], one["before"], one["after"], one["reason"]) for one in log]
    assert ("b1", "recorded", "removed", "by hand") in stages
    assert len(stages) == 5


def test_a_class_broadcast_is_told_to_the_class_and_its_parents(school: ApiSchool) -> None:
    """Both rooms of the class; called off, both messages are gone."""
    room_id = school.room_id("class", "5А")
    parents = school.room_id("class_parents", "5А")
    more = {"room_id": room_id, "begins_at": 1_900_000_000_000}
    assert announce(school, "waiting", "b2", **more) == 2
    for who, room in (("P1", room_id), ("G1", parents)):
        assert messages(school, who, room)[-1]["org.sferum.broadcast"]["id"] == "b2"
    assert announce(school, "deleted", "b2", **more) == 2
    assert messages(school, "P1", room_id)[-1] == {}
    assert announce(school, "deleted", "b2", **more) == 0


def test_what_a_process_died_over_is_found_and_not_said_twice(
    world: World, school: ApiSchool
) -> None:
    """Written but not noted: it is looked for. Claimed, but not written: it is written. Taken back: it is gone."""
    hall = school.room_id("announcements")

    def heard() -> list[Any]:
        shown = [one.get("org.sferum.broadcast", {}) for one in messages(school, "P1", hall)]
        return [one["stage"] for one in shown if one.get("id") == "b3"]

    def die_over() -> None:
        world.database("UPDATE sferum_broadcast_posts SET event_id = '' WHERE broadcast_id = 'b3'")

    assert announce(school, "live", "b3") == 1
    (post,) = world.database(
        "SELECT org_id, broadcast_id, room_id, post FROM sferum_broadcast_posts"
        " WHERE broadcast_id = 'b3'"
    )
    die_over()
    assert announce(school, "live", "b3") == 0
    assert heard() == ["live"]
    die_over()
    assert announce(school, "deleted", "b3") == 1
    assert heard() == []
    world.database(
        "INSERT INTO sferum_broadcast_posts"
        " (org_id, broadcast_id, room_id, post, event_id, says) VALUES (?, ?, ?, ?, '', 'never')",
        *post,
    )
    assert announce(school, "live", "b3") == 1
    assert heard() == ["live"]


def tell(school: ApiSchool, *signs: tuple[str, str, str], room_id: str = "") -> Any:
    listed = [
        {"user_id": school.accounts[who], "sign": sign, **({"text": text} if text else {})}
        for who, sign, text in signs
    ]
    body = {"broadcast_id": "b1", "title": "Концерт", "signs": listed, "room_id": room_id}
    return school.do("POST", "/broadcasts/tell", body)


def hosts_room(school: ApiSchool, who: str, name: str) -> str | None:
    """The moderators' room as a client finds it: by its name among one's rooms."""
    server, token = school.server, school.token(who)
    rooms = server.request("GET", "/_matrix/client/v3/joined_rooms", token).json["joined_rooms"]
    for room_id in rooms:
        path = f"/_matrix/client/v3/rooms/{room_id}/state/m.room.name"
        if server.request("GET", path, token).json.get("name") == name:
            return str(room_id)
    return None


def test_the_hall_speaks_to_whoever_leads(world: World, school: ApiSchool) -> None:
    """Questions with name and class come to the heads' room, of a class to its teacher's; the silent are left out."""
    ahead = tell(
        school, ("P1", "question", "Когда начало?"), ("P2", "hand", ""), ("G1", "hand", "")
    )
    assert ahead == {"written": 1, "told": 2}  # P2 is unconfirmed (R17)
    name = "Ведущие трансляций"
    room = hosts_room(school, "D1", name)
    assert room is not None
    assert hosts_room(school, "Z1", name) == room
    assert hosts_room(school, "T1", name) is None
    body = messages(school, "Z1", room)[-1]["body"]
    assert "❓ Ёлкин" in body
    assert ", 5А: Когда начало?" in body
    assert ", родитель поднимает руку" in body
    class_room = school.room_id("class", "5А")
    tell(school, ("P1", "hand", ""), ("P3", "question", "чужой"), room_id=class_room)
    of_class = hosts_room(school, "T1", f"{name} · 5А")
    assert of_class is not None
    assert hosts_room(school, "D1", f"{name} · 5А") is None
    assert "чужой" not in messages(school, "T1", of_class)[-1]["body"]


def test_whoever_leads_no_more_hears_no_more(world: World, school: ApiSchool) -> None:
    """A deputy who is a teacher from now on is out of the moderators' room with the next question."""
    tell(school, ("P1", "hand", ""))
    room = hosts_room(school, "Z1", "Ведущие трансляций")
    assert room is not None
    school.do("PUT", f"{school.person('Z1')}/roles", {"roles": ["teacher"], "reason": "x"})
    until(lambda: not rights(world, school, "Z1").get("host"), what="the change")
    tell(school, ("P1", "lowered", ""))
    assert hosts_room(school, "Z1", "Ведущие трансляций") is None
    assert hosts_room(school, "D1", "Ведущие трансляций") == room
