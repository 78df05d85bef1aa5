"""Rooms of the school list: who may do what there (R5, R17, R21, R25), and what remains after leaving (R27, R29)."""

from __future__ import annotations

from functools import partial
from typing import Any
from urllib.parse import quote

import pytest

from tests.support.accounts import PASSWORD
from tests.support.fleet import Fleet
from tests.support.http import Response
from tests.support.polling import until
from tests.synapse_sferum.isolation_world import (
    World,
    apply_roster,
    enter,
    shared_world,
)

pytestmark = pytest.mark.integration

CALL = "org.matrix.msc3401.call.member"


@pytest.fixture(scope="module")
def world(homeserver: Fleet) -> World:
    """Two schools on one server."""
    return shared_world(homeserver)


def act(world: World, name: str, room_id: str, action: str, target: str = "") -> Response:
    body = {"user_id": world.user(target)} if target else {}
    return world.ask(name, "POST", f"/rooms/{quote(room_id)}/{action}", body)


def put_state(
    world: World, name: str, room_id: str, type_: str, content: Any, key: str = ""
) -> Response:
    path = f"/rooms/{quote(room_id)}/state/{type_}/{quote(key)}"
    return world.ask(name, "PUT", path, content)


def test_a_required_member_cannot_leave(world: World) -> None:
    """A pupil does not leave the class, by /leave or by a state event, and is told why (R25)."""
    room_id = world.rooms["a", "class", "8Б"]
    left = act(world, "a1", room_id, "leave")
    assert (left.status, left.json["error"]) == (403, "membership comes from the school list")
    content = {"membership": "leave"}
    answer = put_state(world, "a1", room_id, "m.room.member", content, world.user("a1"))
    assert (answer.status, answer.json["error"]) == (403, "membership comes from the school list")
    assert world.send("a1", room_id).status == 200


def test_nobody_but_the_list_changes_members(world: World) -> None:
    """Even the director neither invites, removes nor bans in a managed room."""
    room_id = world.rooms["a", "class", "8Б"]
    assert act(world, "a_director", room_id, "invite", "a3").status == 403
    assert act(world, "a_teacher", room_id, "kick", "a1").status == 403
    assert act(world, "a_teacher", room_id, "ban", "a1").status == 403
    assert act(world, "a_teacher", room_id, "invite", "b1").status == 403


def test_joining_by_the_list_only(world: World) -> None:
    """Nobody joins a managed room that the list does not put them into (R2, R21)."""
    for name, room in (
        ("a3", ("a", "class", "8Б")),
        ("a1", ("a", "staff", "")),
        ("a_parent", ("a", "class", "8Б")),
        ("a_other_teacher", ("a", "class", "8Б")),
        ("b_director", ("a", "class", "8Б")),
    ):
        assert act(world, name, world.rooms[room], "join").status == 403, (name, room)


@pytest.mark.parametrize(
    ("type_", "content"),
    [
        ("m.room.name", {"name": "x"}),
        ("m.room.join_rules", {"join_rule": "public"}),
        ("m.room.history_visibility", {"history_visibility": "world_readable"}),
        ("m.room.encryption", {"algorithm": "m.megolm.v1.aes-sha2"}),
        ("m.room.server_acl", {"allow": ["*"]}),
        ("m.room.tombstone", {"replacement_room": "!x", "body": "x"}),
        ("m.room.power_levels", {"users_default": 100}),
        ("m.room.canonical_alias", {"alias": "#x:y"}),
        ("m.room.guest_access", {"guest_access": "can_join"}),
        ("m.room.third_party_invite", {"display_name": "x"}),
        ("m.space.parent", {"via": ["x"]}),
        ("m.space.child", {"via": ["x"]}),
        ("org.sferum.room", {"kind": "staff"}),
        ("com.example.invented", {"x": 1}),
    ],
)
def test_what_protects_a_managed_room(world: World, type_: str, content: dict[str, Any]) -> None:
    """Name, rules, marker and unknown state of a managed room are nobody's to change, not even the director's (R5)."""
    room_id = world.rooms["a", "class", "8Б"]
    for name in ("a_director", "a_teacher", "a1"):
        assert put_state(world, name, room_id, type_, content).status == 403


def test_no_other_name_in_one_room(world: World) -> None:
    """A pupil is called in the class what the list says."""
    room_id = world.rooms["a", "class", "8Б"]
    user = world.user("a1")
    put_state(
        world,
        "a1",
        room_id,
        "m.room.member",
        {"membership": "join", "displayname": "Директор"},
        user,
    )
    path = f"/rooms/{quote(room_id)}/state/m.room.member/{quote(user)}"
    assert world.ask("a2", "GET", path).json["displayname"] == "Иванов Пётр"


def test_control_the_lesson(world: World) -> None:
    """Pupils and the class teacher write, react and take part in the call of their class."""
    room_id = world.rooms["a", "class", "8Б"]
    for name in ("a_teacher", "a1"):
        sent = world.send(name, room_id)
        assert sent.status == 200
        key = f"_{world.user(name)}_{world[name].device_id}"
        call = put_state(world, name, room_id, CALL, {"application": "m.call"}, key)
        assert call.status == 200, call
    topic = put_state(world, "a_teacher", room_id, "m.room.topic", {"topic": "Контрольная"})
    assert topic.status == 200


def test_an_unconfirmed_pupil_reads(world: World) -> None:
    """An unconfirmed pupil reads the class and joins its call, writes and reacts to nothing there (R17)."""
    room_id = world.rooms["a", "class", "8Б"]
    event_id = world.send("a_teacher", room_id, "Завтра каток").json["event_id"]
    assert world.ask("a_child", "GET", f"/rooms/{quote(room_id)}/messages?dir=b").status == 200
    assert world.send("a_child", room_id).status == 403
    reaction = {"m.relates_to": {"rel_type": "m.annotation", "event_id": event_id, "key": "👍"}}
    path = f"/rooms/{quote(room_id)}/send/m.reaction"
    assert world.ask("a_child", "POST", path, reaction).status == 403
    receipt = f"/rooms/{quote(room_id)}/receipt/m.read/{quote(event_id)}"
    assert world.ask("a_child", "POST", receipt, {}).status == 200
    key = f"_{world.user('a_child')}_{world['a_child'].device_id}"
    assert put_state(world, "a_child", room_id, CALL, {"application": "m.call"}, key).status == 200


def test_delayed_leaving_of_a_call(world: World) -> None:
    """A delayed call event, as Element Call schedules it, is still taken (MSC4140)."""
    room_id = world.rooms["a", "class", "8Б"]
    key = f"_{world.user('a2')}_{world['a2'].device_id}"
    path = f"/rooms/{quote(room_id)}/state/{CALL}/{quote(key)}"
    answer = world.ask("a2", "PUT", path, {}, params={"org.matrix.msc4140.delay": 5000})
    assert answer.status == 200
    assert "delay_id" in answer.json


def test_one_who_left_sees_nothing(world: World) -> None:
    """Who leaves the school is locked out at once; the files stay with the school (R16, R27, R29)."""
    person = {
        "source_id": "A90",
        "family_name": "Уходящий",
        "given_name": "Лев",
        "middle_name": "",
        "birth_date": "2008-01-01",
        "roles": ["student"],
    }
    apply_roster(world, "a", [person])
    enter(world, "a:A90", "a90")
    media_id = world.upload("a:A90", b"kept")
    org = world.org_ids["a"]
    world.school(
        "POST", f"/orgs/{org}/people/{world.persons['a:A90']}/leave", {"reason": "переезд"}
    )
    until(
        lambda: world.ask("a:A90", "GET", "/joined_rooms").status == 403,
        what="the lock",
    )
    path = f"/_matrix/client/v1/media/download/{world.homeserver.server_name}/{media_id}"
    assert world.ask("a:A90", "GET", path).status == 403
    assert world.ask("a1", "GET", path).body == b"kept"
    assert world.ask("b1", "GET", path).status == 404
    again = {
        "type": "m.login.password",
        "identifier": {"type": "m.id.user", "user": "ua90"},
        "password": PASSWORD,
    }
    assert world.homeserver.request("POST", "/_matrix/client/v3/login", json=again).status == 403
    apply_roster(world, "a")


def test_one_who_moved_class_reads_the_old_one_no_more(world: World) -> None:
    """A pupil who moved to another class gets 403 on the old one's messages, members and state (R40)."""
    old, new = world.rooms["a", "class", "9В"], world.rooms["a", "class", "8Б"]
    assert world.ask("a3", "GET", f"/rooms/{quote(old)}/members").status == 200
    org = f"/orgs/{world.org_ids['a']}"
    classes = {c["name"]: c["class_id"] for c in world.school("GET", f"{org}/classes")["classes"]}

    def move(here: str, there: str) -> None:
        body = {"from_class_id": classes[here], "to_class_id": classes[there]}
        world.school("POST", f"{org}/people/{world.persons['a3']}/move", body)
        world.settle()

    def refused(path: str) -> bool:
        return world.ask("a3", "GET", path).status == 403

    move("9В", "8Б")
    try:
        # Synapse forgets the room for the one who left a moment after the leave (forget_rooms_on_leave).
        for path in ("messages?dir=b", "members", "state", "joined_members"):
            until(partial(refused, f"/rooms/{quote(old)}/{path}"), what=path)
        assert act(world, "a3", old, "join").status == 403
        assert world.ask("a3", "GET", f"/rooms/{quote(new)}/members").status == 200
    finally:
        move("8Б", "9В")


def test_supervision_comes_to_rooms_that_are_there(world: World) -> None:
    """Classmates wrote freely; once the school wants supervision again, their room falls silent (Teams' gap, §2.6)."""
    org = f"/orgs/{world.org_ids['a']}"
    world.school("PATCH", org, {"settings": {"classmates_may_write": True}})
    try:
        until(
            lambda: (
                world.ask("a1", "POST", "/createRoom", {"invite": [world.user("a2")]}).status == 200
            ),
            what="the setting",
        )
        room_id = world.room("a1", "a2")
        assert world.send("a2", room_id).status == 200
    finally:
        world.school("PATCH", org, {"settings": {"classmates_may_write": False}})
    until(lambda: world.send("a2", room_id).status == 403, what="the silence")
    assert world.send("a1", room_id).status == 403


def test_namesakes_elsewhere_do_not_starve_the_search(world: World) -> None:
    """Sixty namesakes of another school leave the own school's Иванов in the answer (second table of §1)."""
    namesakes = [
        {
            "source_id": f"B9{number:02d}",
            "family_name": "Иванов",
            "given_name": f"Двойник{number:02d}",
            "middle_name": "",
            "birth_date": "2008-01-01",
            "roles": ["student"],
        }
        for number in range(60)
    ]
    apply_roster(world, "b", namesakes)
    for number in range(60):
        person = world.persons[f"b:B9{number:02d}"]
        world.school("POST", f"/orgs/{world.org_ids['b']}/people/{person}/activate", {})
    for limit in (10, 50):
        body = {"search_term": "Иванов", "limit": limit}
        answer = world.ask("a_teacher", "POST", "/user_directory/search", body)
        names = [found["display_name"] for found in answer.json["results"]]
        assert names == ["Иванов Пётр", "Иванова Ольга"]
    full = world.ask(
        "b_teacher", "POST", "/user_directory/search", {"search_term": "Иванов", "limit": 50}
    )
    assert (len(full.json["results"]), full.json["limited"]) == (50, True)
    apply_roster(world, "b")


def test_operators_have_no_school(homeserver: Fleet, world: World) -> None:
    """An account of no school is locked out, whatever it can prove with its password."""
    del homeserver
    account = world.homeserver.register("unobody9")
    answer = world.homeserver.request("GET", "/_matrix/client/v3/sync", account.access_token)
    assert (answer.status, answer.errcode) == (403, "ORG_MATRIX_EXPIRED_ACCOUNT")
