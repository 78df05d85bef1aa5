"""A real Synapse has materials: published on pages, or posted with a chat client (R27)."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.polling import until
from tests.synapse_sferum.api_world import ApiSchool, World
from tests.synapse_sferum.test_api_broadcasts import messages

pytestmark = pytest.mark.integration


@pytest.fixture(scope="module")
def school(world: World) -> ApiSchool:
    school = world.school("materials", "D1", "T1", "T2", "P1", "P3", "G1")
    school.settle()
    return school


def publish(school: ApiSchool, who: str, file_id: str, room_id: str, **more: Any) -> Any:
    body = {
        "room_id": room_id,
        "file_id": file_id,
        "title": "Ёлка",
        "name": "elka.mp4",
        "mimetype": "video/mp4",
        "size": 12_000_000,
        **more,
    }
    return school.ask("POST", "/materials", body, actor=who)


def shelf(school: ApiSchool, who: str, **query: str) -> list[str]:
    return [one["title"] for one in school.get("/materials", who, **query)["materials"]]


def test_a_classs_material(world: World, school: ApiSchool) -> None:
    """Pupils and parents of the class read it, nobody else knows of it; its room is told once, and untold with it."""
    room = school.room_id("class", "5А")
    made = publish(school, "T1", "f" * 32, room, folder="Праздники").json["material_id"]
    assert publish(school, "T1", "f" * 32, room).json["material_id"] == made
    assert publish(school, "T2", "e" * 32, room).status == 404
    assert publish(school, "P1", "e" * 32, room).status == 403
    assert shelf(school, "P1") == shelf(school, "G1") == shelf(school, "D1") == ["Ёлка"]
    assert shelf(school, "P1", q="елк") == ["Ёлка"]
    assert shelf(school, "P1", q="лето") == []
    assert shelf(school, "P1", folder="") == []
    for who in ("P3", "T2"):
        assert shelf(school, who) == []
        assert school.ask("GET", f"/materials/{made}", who=who).status == 404

    def told() -> list[Any]:
        return [c for c in messages(school, "P1", room) if "org.sferum.material" in c]

    until(told, what="the message")
    assert "«Ёлка» (12 МБ)" in told()[0]["body"]
    assert school.ask("DELETE", f"/materials/{made}", {}, "P1").status == 403
    live = {"file_ids": ["f" * 32, "e" * 32]}
    ask = ("POST", "/materials/live", world.server.service_token, live)
    assert world.ask(*ask).json == {"file_ids": ["f" * 32]}
    school.do("DELETE", f"/materials/{made}", {"reason": "ошибка"}, "T1")
    assert shelf(school, "P1") == []
    assert world.ask(*ask).json == {"file_ids": []}
    until(lambda: not told(), what="the message taken back")


def upload(school: ApiSchool, who: str) -> str:
    """A file in Synapse; its address."""
    answer = school.server.request(
        "POST",
        "/_matrix/media/v3/upload",
        school.token(who),
        headers={"Content-Type": "application/pdf"},
        body=b"%PDF-1.",
    )
    assert answer.status == 200, answer.json
    return str(answer.json["content_uri"])


def send(school: ApiSchool, who: str, url: str, txn: str, body: str = "План работы.pdf") -> Any:
    """A file posted into the materials room."""
    content = {
        "msgtype": "m.file",
        "body": body,
        "url": url,
        "info": {"mimetype": "application/pdf", "size": 7},
    }
    path = f"/_matrix/client/v3/rooms/{school.room_id('materials')}/send/m.room.message/{txn}"
    return school.server.request("PUT", path, school.token(who), content)


def test_a_file_from_a_chat_client(world: World, school: ApiSchool) -> None:
    """What staff post into the materials room is on the shelf; deleted there, it is off it; pupils cannot post.

    Addresses of another school's file and of none are on nobody's shelf (R27).
    """
    room, url = school.room_id("materials"), upload(school, "T2")
    assert send(school, "P1", url, "1").status == 403
    theirs = upload(world.school("materials-other", "P1"), "P1")
    for at, foreign in enumerate((theirs, f"{theirs[:-4]}none")):
        assert send(school, "T1", foreign, f"foreign{at}", "Чужое.pdf").status == 200
    event_id = send(school, "T1", url, "2").json["event_id"]
    until(lambda: shelf(school, "P3") == ["План работы.pdf"], what="it on the shelf")
    (found,) = school.get("/materials", "P3")["materials"]
    assert (found["mxc"], found["size"], found["file_id"]) == (url, 7, "")
    path = f"/_matrix/client/v3/rooms/{room}/redact/{event_id.replace('$', '%24')}/3"
    assert school.server.request("PUT", path, school.token("T1"), {}).status == 200
    until(lambda: shelf(school, "P3") == [], what="it off the shelf")


def test_what_has_expired_is_gone(world: World, school: ApiSchool) -> None:
    """At its moment, from every list, and its message soon after."""
    room = school.room_id("materials")
    now = world.ask("GET", "/health", world.server.service_token).json["time_ms"]
    made = publish(school, "D1", "d" * 32, room, expires_ms=now + 3_600_000).json
    assert made["room_name"] == "Школа materials"
    for never in (now - 1, 2**52):
        assert publish(school, "D1", "c" * 32, room, expires_ms=never).status == 400
    world.database(
        "UPDATE sferum_materials SET expires_ms = ? WHERE material_id = ?",
        now - 1,
        made["material_id"],
    )
    assert school.ask("GET", f"/materials/{made['material_id']}", who="P1").status == 404


def test_whoever_has_left_reads_nothing(world: World, school: ApiSchool) -> None:
    """R27: at once, even with the address they know; the bridge asks before every piece of a file."""
    room = school.room_id("materials")
    made = publish(school, "D1", "b" * 32, room).json["material_id"]
    who = {"user_id": school.accounts["P3"]}
    assert school.ask("GET", f"/materials/{made}", params=who).status == 200
    school.do("POST", f"{school.person('P3')}/leave", {"reason": "x"})
    assert school.ask("GET", f"/materials/{made}", params=who).status == 404


def test_no_export_of_a_room_is_without_its_line(world: World, school: ApiSchool) -> None:
    """R51: wherever it begins; pieces of one hour are one line, another room's and a later one's are their own."""
    rooms = [school.room_id("class", name) for name in ("5А", "5Б")]

    def lines() -> list[str]:
        found = school.get("/audit", "D1", limit=1000)["entries"]
        return sorted(one["reason"] for one in found if one["action"] == "export_room")

    for room, start, reason in ((rooms[0], 1, "а"), (rooms[0], 2, "б"), (rooms[1], 3, "в")):
        body = {"room_id": room, "from": start, "reason": reason}
        school.do("POST", "/rooms/export", body, "D1")
    assert lines() == ["а", "в"]
    world.database("UPDATE sferum_audit SET at_ms = at_ms - 3600000 WHERE action = 'export_room'")
    school.do("POST", "/rooms/export", {"room_id": rooms[0], "from": 1, "reason": "г"}, "D1")
    assert lines() == ["а", "в", "г"]
    assert school.ask("POST", "/rooms/export", {"room_id": rooms[0]}, "T1").status == 404


def test_a_deleted_message_is_in_no_export(school: ApiSchool) -> None:
    """That it was deleted is said, what it said is not: nor by its edits, which a client leaves where they are."""
    room = school.room_id("class", "5Б")

    def put(action: str, name: str, content: dict[str, Any]) -> str:
        path = f"/_matrix/client/v3/rooms/{room}/{action}/{name}"
        answer = school.server.request("PUT", path, school.token("T2"), content)
        assert answer.status == 200, answer.json
        return str(answer.json["event_id"])

    def text(body: str) -> dict[str, Any]:
        return {"msgtype": "m.text", "body": body}

    kept = put("send/m.room.message", "e1", text("осталось"))
    first = put("send/m.room.message", "e2", text("секрет раз"))
    relation = {"rel_type": "m.replace", "event_id": first}
    words = {**text("* секрет два"), "m.new_content": text("секрет два"), "m.relates_to": relation}
    edit = put("send/m.room.message", "e3", words)
    put("redact", f"{first.replace('$', '%24')}/e4", {})
    found = school.do("POST", "/rooms/export", {"room_id": room, "reason": "жалоба"}, "D1")
    deleted = {one["event_id"]: one["deleted"] for one in found["messages"]}
    assert (deleted[kept], deleted[first], deleted[edit]) == (False, True, True)
    assert "осталось" in str(found)
    assert "секрет" not in str(found)
