"""The calls server asks a real Synapse who may enter which call."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.http import Response
from tests.support.polling import until
from tests.synapse_sferum.api_world import ApiSchool, World

pytestmark = pytest.mark.integration

NOBODY = {"member": False}


@pytest.fixture(scope="module")
def school(world: World) -> ApiSchool:
    school = world.school("calls", "D1", "T1", "T2", "P1", "P2", "G1")
    school.settle()
    return school


def ask(world: World, user_id: str, room_id: str, token: str | None = None) -> Response:
    return world.ask(
        "GET",
        "/calls/rights",
        token or world.server.service_token,
        params={"user_id": user_id, "room_id": room_id},
    )


def rights(world: World, school: ApiSchool, who: str, room_id: str) -> Any:
    answer = ask(world, school.accounts[who], room_id)
    assert answer.status == 200, answer.json
    return answer.json


def test_members_of_a_class(world: World, school: ApiSchool) -> None:
    """The class teacher hosts, a pupil comes in muted, an unconfirmed one too; parents and others are no members."""
    room_id = school.room_id("class", "5А")
    teacher = rights(world, school, "T1", room_id)
    assert (teacher["host"], teacher["room_kind"], teacher["org_id"]) == (True, "class", "calls")
    pupil = rights(world, school, "P1", room_id)
    assert (pupil["host"], pupil["muted_on_entry"]) == (False, True)
    assert pupil["may_publish"] == {"camera": True, "microphone": True, "screen": False}
    assert rights(world, school, "P2", room_id)["member"] is True
    for outsider in ("D1", "T2", "G1"):
        assert rights(world, school, outsider, room_id) == NOBODY
    assert ask(world, "@unobody2:school.test", room_id).json == NOBODY
    assert ask(world, "@sferum:school.test", room_id).json == NOBODY
    assert ask(world, "@p1:elsewhere.test", room_id).json == NOBODY
    assert rights(world, school, "T1", "!none") == NOBODY
    assert rights(world, school, "P2", school.room_id("announcements")) == NOBODY  # R17


def test_a_room_people_made(world: World, school: ApiSchool) -> None:
    """Membership is what Synapse says at this moment; an invitation is not one, and who has left is out."""
    server = world.server

    def act(who: str, path: str, body: Any) -> Any:
        answer = server.request("POST", f"/_matrix/client/v3{path}", school.token(who), json=body)
        assert answer.status == 200, answer.json
        return answer.json

    invited = [school.accounts["P1"], school.accounts["T2"]]
    room_id = act("T1", "/createRoom", {"invite": invited})["room_id"]
    assert rights(world, school, "T1", room_id)["room_kind"] == "own"
    assert rights(world, school, "P1", room_id) == NOBODY
    act("P1", f"/join/{room_id}", {})
    until(lambda: rights(world, school, "P1", room_id) != NOBODY, what="the join")
    alone = rights(world, school, "P1", room_id)
    assert (alone["host"], alone["muted_on_entry"]) == (False, False)
    act("T2", f"/join/{room_id}", {})
    until(lambda: rights(world, school, "P1", room_id)["muted_on_entry"], what="the lesson")
    assert rights(world, school, "T2", room_id)["host"] is True
    act("P1", f"/rooms/{room_id}/leave", {})
    until(lambda: rights(world, school, "P1", room_id) == NOBODY, what="the leave")


def test_a_setting_holds_at_once(world: World, school: ApiSchool) -> None:
    """What the school changes, the next one who enters a call finds changed."""
    room_id = school.room_id("class", "5А")
    school.do("PATCH", "", {"settings": {"pupils_may_share": True, "calls_waiting_room": True}})
    try:
        until(lambda: rights(world, school, "P1", room_id)["waits"], what="the setting")
        assert rights(world, school, "P1", room_id)["may_publish"]["screen"] is True
        assert rights(world, school, "T1", room_id)["waits"] is False
    finally:
        usual = {"pupils_may_share": False, "calls_waiting_room": False}
        school.do("PATCH", "", {"settings": usual})


def test_only_the_service_asks(world: World, school: ApiSchool) -> None:
    """Not even a director learns from it who is in which room; a malformed question is named."""
    room_id = school.room_id("class", "5А")
    assert ask(world, school.accounts["P1"], room_id, school.token("D1")).status == 404
    assert ask(world, "p1", room_id).status == 400
    assert ask(world, school.accounts["P1"], "room").status == 400
    assert world.ask("GET", "/calls/rights", "x" * 40).status == 401
