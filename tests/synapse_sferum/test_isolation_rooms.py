"""Rooms that people make: isolation.md §1, invitations, open rooms, previews and addresses; rules §2.6."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import pytest

from tests.support.fleet import Fleet
from tests.support.http import Response
from tests.support.polling import until
from tests.synapse_sferum.isolation_world import World, alike, shared_world

pytestmark = pytest.mark.integration


@pytest.fixture(scope="module")
def world(homeserver: Fleet) -> World:
    """Two schools on one server."""
    return shared_world(homeserver)


@pytest.fixture(scope="module")
def room_of_b(world: World) -> str:
    """A room that a teacher of school Б made for herself."""
    room_id = world.room("b_teacher", name="Секрет")
    assert world.send("b_teacher", room_id).status == 200
    return room_id


def put_state(
    world: World, name: str, room_id: str, type_: str, content: Any, key: str = ""
) -> Response:
    path = f"/rooms/{quote(room_id)}/state/{type_}/{quote(key)}"
    return world.ask(name, "PUT", path, content)


def invite(world: World, name: str, room_id: str, target: str) -> Response:
    return world.ask(name, "POST", f"/rooms/{quote(room_id)}/invite", {"user_id": target})


def join(world: World, name: str, room_id: str) -> Response:
    return world.ask(name, "POST", f"/rooms/{quote(room_id)}/join", {})


# --- invitations


def test_direct_chat_with_another_school(world: World) -> None:
    """createRoom with an invitation to another school is refused as for an unknown user, and nothing arrives."""
    answers = [
        world.ask("b1", "POST", "/createRoom", {"is_direct": True, "invite": [world.user(name)]})
        for name in ("a1", "nobody")
    ]
    assert answers[0].status == 403
    assert alike(*answers)
    assert world.invites("a1") == set()


def test_invitation_to_another_school(world: World, room_of_b: str) -> None:
    """POST /invite to another school is refused as for an unknown user, and nothing arrives."""
    answers = [invite(world, "b_teacher", room_of_b, world.user(name)) for name in ("a1", "nobody")]
    assert answers[0].status == 403
    assert alike(*answers)
    assert world.invites("a1") == set()


def test_invitation_as_a_state_event(world: World, room_of_b: str) -> None:
    """PUT m.room.member with membership invite is refused like any other invitation."""
    content = {"membership": "invite"}
    answers = [
        put_state(world, "b_teacher", room_of_b, "m.room.member", content, world.user(name))
        for name in ("a1", "nobody")
    ]
    assert answers[0].status == 403
    assert alike(*answers)
    assert world.invites("a1") == set()


def test_delayed_invitation(world: World, room_of_b: str) -> None:
    """A delayed invitation (MSC4140) is refused when it is scheduled."""
    path = f"/rooms/{quote(room_of_b)}/state/m.room.member/{quote(world.user('a1'))}"
    answer = world.ask(
        "b_teacher",
        "PUT",
        path,
        {"membership": "invite"},
        params={"org.matrix.msc4140.delay": 50},
    )
    assert answer.status == 403
    assert world.invites("a1") == set()


def test_delayed_opening_of_a_room(world: World, room_of_b: str) -> None:
    """A delayed change of the join rule is refused too."""
    path = f"/rooms/{quote(room_of_b)}/state/m.room.join_rules/"
    answer = world.ask(
        "b_teacher", "PUT", path, {"join_rule": "public"}, params={"org.matrix.msc4140.delay": 50}
    )
    assert answer.status == 403


def test_additional_creators_are_taken_out(world: World) -> None:
    """Naming somebody of another school an additional creator is dropped from the request."""
    body: dict[str, Any] = {
        "creation_content": {"additional_creators": [world.user("a1")], "m.federate": True}
    }
    room_id = world.room("b_teacher", **body)
    state = world.ask("b_teacher", "GET", f"/rooms/{quote(room_id)}/state").json
    (create,) = [event for event in state if event["type"] == "m.room.create"]
    assert create["content"].get("additional_creators") is None
    assert create["content"]["m.federate"] is False


def test_control_a_teacher_writes_to_a_pupil(world: World) -> None:
    """Inside the school a teacher invites a pupil, who joins and answers."""
    room_id = world.room("a_teacher", "a1", is_direct=True)
    assert world.send("a_teacher", room_id).status == 200
    assert world.send("a1", room_id).status == 200


def test_control_staff_of_two_schools(world: World) -> None:
    """Teachers of two schools on one server write to each other while both schools allow it."""
    room_id = world.room("b_teacher", "a_teacher", is_direct=True)
    assert world.send("a_teacher", room_id).status == 200


def test_teacher_to_a_pupil_of_another_school(world: World) -> None:
    """The bridge between staffs does not reach pupils, neither alone nor as a third in the room."""
    body = {"invite": [world.user("a1")]}
    assert world.ask("b_teacher", "POST", "/createRoom", body).status == 403
    room_id = world.room("a_teacher", "b_teacher")
    assert invite(world, "a_teacher", room_id, world.user("a1")).status == 403


# --- supervision


def test_two_pupils_need_an_adult(world: World) -> None:
    """Pupils write to each other only where a teacher has joined, who then cannot leave (rules §2.6)."""
    alone = world.ask("a1", "POST", "/createRoom", {"invite": [world.user("a2")]})
    assert alone.status == 403
    room_id = world.room("a1", "a_teacher")
    assert invite(world, "a1", room_id, world.user("a2")).status == 200
    assert join(world, "a2", room_id).status == 200
    assert world.send("a2", room_id).status == 200
    leave = world.ask("a_teacher", "POST", f"/rooms/{quote(room_id)}/leave", {})
    assert leave.status == 403
    kick = world.ask(
        "a1", "POST", f"/rooms/{quote(room_id)}/kick", {"user_id": world.user("a_teacher")}
    )
    assert kick.status == 403
    assert world.ask("a2", "POST", f"/rooms/{quote(room_id)}/leave", {}).status == 200
    assert world.ask("a_teacher", "POST", f"/rooms/{quote(room_id)}/leave", {}).status == 200


def test_unconfirmed_pupils_write_to_few(world: World) -> None:
    """An unconfirmed pupil writes to the class teacher only, and nobody's pupil reaches them (R17)."""
    room_id = world.room("a_child", "a_teacher")
    assert world.send("a_child", room_id).status == 200
    for target in ("a_other_teacher", "a1", "a_director"):
        body = {"invite": [world.user(target)]}
        assert world.ask("a_child", "POST", "/createRoom", body).status == 403
    body = {"invite": [world.user("a_child")]}
    assert world.ask("a1", "POST", "/createRoom", body).status == 403


def test_parents_reach_parents_teachers_and_the_office(world: World) -> None:
    """A parent writes to parents of the class, teachers and the office, not to other people's children."""
    for target, status in (
        ("a_other_parent", 200),
        ("a_teacher", 200),
        ("a_director", 200),
        ("a1", 200),
        ("a_other_teacher", 403),
        ("a2", 403),
        ("b_teacher", 403),
    ):
        answer = world.ask("a_parent", "POST", "/createRoom", {"invite": [world.user(target)]})
        assert answer.status == status, target


# --- rooms open to strangers


@pytest.mark.parametrize(
    "event",
    [
        {"type": "m.room.join_rules", "content": {"join_rule": "public"}},
        {"type": "m.room.join_rules", "content": {"join_rule": "knock"}},
        {"type": "m.room.join_rules", "content": {"join_rule": "restricted", "allow": []}},
        {"type": "m.room.join_rules", "content": {"join_rule": "knock_restricted", "allow": []}},
        {"type": "m.room.history_visibility", "content": {"history_visibility": "world_readable"}},
        {"type": "m.room.guest_access", "content": {"guest_access": "can_join"}},
        {"type": "m.room.canonical_alias", "content": {"alias": "#x:y"}},
        {"type": "org.sferum.room", "content": {"org_id": "school-a", "kind": "class", "ref": ""}},
    ],
    ids=lambda event: "-".join([event["type"], *map(str, list(event["content"].values())[:1])]),
)
def test_rooms_open_to_strangers(world: World, room_of_b: str, event: dict[str, Any]) -> None:
    """A room is neither created open to strangers nor opened later, nor dressed up as a managed one (R2)."""
    created = world.ask("b_teacher", "POST", "/createRoom", {"initial_state": [event]})
    assert created.status == 403
    later = put_state(world, "b_teacher", room_of_b, event["type"], event["content"])
    assert later.status == 403


def test_the_public_preset_makes_a_private_room(world: World) -> None:
    """The public preset and visibility are read as private; there is no address either."""
    body: dict[str, Any] = {
        "preset": "public_chat",
        "visibility": "public",
        "room_alias_name": "open",
    }
    room_id = world.room("b_teacher", **body)
    rule = world.ask("b_teacher", "GET", f"/rooms/{quote(room_id)}/state/m.room.join_rules/")
    assert rule.json == {"join_rule": "invite"}
    assert join(world, "a_teacher", room_id).status == 403


def test_joining_a_room_of_another_school(world: World, room_of_b: str) -> None:
    """Joining by id is refused for a room of another school as for one that does not exist, in both spellings."""
    unknown = "!" + "A" * 43
    for path in ("/join/{}", "/rooms/{}/join"):
        answers = [
            world.ask("a1", "POST", path.format(quote(room_id)), {})
            for room_id in (room_of_b, world.rooms["b", "class", "8А"], unknown)
        ]
        assert answers[0].status == 403
        assert alike(answers[0], answers[2])
        assert alike(answers[1], answers[2])


def test_knocking(world: World, room_of_b: str) -> None:
    """Nobody knocks: it would show a name and a text to strangers."""
    answers = [
        world.ask("a1", "POST", f"/knock/{quote(room_id)}", {"reason": "x"})
        for room_id in (room_of_b, "!" + "A" * 43)
    ]
    assert answers[0].status == 403
    assert alike(*answers)


@pytest.mark.parametrize(
    "path",
    [
        "messages?dir=b",
        "state",
        "members",
        "joined_members",
        "initialSync",
        "timestamp_to_event?ts=1&dir=f",
    ],
)
def test_reading_a_room_of_another_school(world: World, room_of_b: str, path: str) -> None:
    """Messages, state and members of another school's room are refused."""
    base = "/_matrix/client/v1" if "timestamp" in path else "/_matrix/client/v3"
    assert world.ask("a1", "GET", f"{base}/rooms/{quote(room_of_b)}/{path}").status in {403, 404}


@pytest.mark.parametrize(
    "path",
    [
        "/_matrix/client/v1/room_summary/{}",
        "/_matrix/client/unstable/im.nheko.summary/summary/{}",
        "/_matrix/client/unstable/im.nheko.summary/rooms/{}/summary",
        "/_matrix/client/v1/rooms/{}/hierarchy",
    ],
)
def test_previews_of_another_school(world: World, room_of_b: str, path: str) -> None:
    """Summary and hierarchy of another school's room, or space, look like those of an unknown room."""
    unknown = world.ask("a1", "GET", path.format(quote("!" + "A" * 43)))
    assert unknown.status == 404
    for room_id in (room_of_b, world.rooms["b", "school", ""], world.rooms["b", "class", "8А"]):
        assert alike(world.ask("a1", "GET", path.format(quote(room_id))), unknown)


def test_a_restricted_room_tells_nothing(world: World) -> None:
    """A room of Б that names the class of А in its join rule cannot be made, so it leaks neither name nor topic."""
    allow = [{"type": "m.room_membership", "room_id": world.rooms["a", "class", "8Б"]}]
    rule = {"type": "m.room.join_rules", "content": {"join_rule": "restricted", "allow": allow}}
    answer = world.ask("b_teacher", "POST", "/createRoom", {"initial_state": [rule], "name": "x"})
    assert answer.status == 403


def test_control_previews_inside(world: World) -> None:
    """Members see summary and hierarchy of their own rooms and of the school's space."""
    class_, space = world.rooms["a", "class", "8Б"], world.rooms["a", "school", ""]
    summary = world.ask("a1", "GET", f"/_matrix/client/v1/room_summary/{quote(class_)}")
    assert (summary.status, summary.json["room_id"]) == (200, class_)
    tree = world.ask("a1", "GET", f"/_matrix/client/v1/rooms/{quote(space)}/hierarchy")
    found = {room["room_id"] for room in tree.json["rooms"]}
    assert class_ in found
    assert world.rooms["a", "staff", ""] not in found


def test_addresses(world: World) -> None:
    """No address is made, and asking for one tells nothing, of ours or of another server's."""
    alias = f"#open:{world.homeserver.server_name}"
    path = f"/directory/room/{quote(alias)}"
    room_id = world.rooms["a", "class", "8Б"]
    assert world.ask("a_director", "PUT", path, {"room_id": room_id}).status == 403
    assert world.homeserver.request("GET", f"/_matrix/client/v3{path}").status == 401
    answers = [
        world.ask("b1", "GET", f"/directory/room/{quote(name)}")
        for name in (alias, "#x:else.where")
    ]
    assert answers[0].status == 404
    assert alike(*answers)
    assert world.ask("b1", "POST", f"/join/{quote(alias)}", {}).status == 403


def test_room_directory(world: World) -> None:
    """The room directory is empty for everyone and does not ask other servers."""
    assert world.homeserver.request("GET", "/_matrix/client/v3/publicRooms").status == 401
    for params in ({}, {"server": "else.where"}):
        answer = world.ask("a1", "GET", "/publicRooms", params=params)
        assert answer.json == {"chunk": [], "total_room_count_estimate": 0}
    path = f"/directory/list/room/{quote(world.rooms['a', 'class', '8Б'])}"
    assert world.ask("a_director", "PUT", path, {"visibility": "public"}).status == 403


def test_upgrade(world: World, room_of_b: str) -> None:
    """Nobody upgrades a room: the new one would not be ours."""
    path = f"/rooms/{quote(room_of_b)}/upgrade"
    assert world.ask("b_teacher", "POST", path, {"new_version": "12"}).status == 403
    content = {"body": "moved", "replacement_room": room_of_b}
    assert put_state(world, "b_teacher", room_of_b, "m.room.tombstone", content).status == 403


def test_typing_and_receipts_elsewhere(world: World, room_of_b: str) -> None:
    """Typing and receipts in a room of another school are refused."""
    typing = f"/rooms/{quote(room_of_b)}/typing/{quote(world.user('a1'))}"
    assert world.ask("a1", "PUT", typing, {"typing": True, "timeout": 1000}).status == 403
    event_id = world.send("b_teacher", room_of_b).json["event_id"]
    receipt = f"/rooms/{quote(room_of_b)}/receipt/m.read/{quote(event_id)}"
    assert world.ask("a1", "POST", receipt, {}).status == 403


def test_sliding_sync_subscription(world: World, room_of_b: str) -> None:
    """Sliding sync does not follow a room one is not in."""
    body = {
        "lists": {},
        "room_subscriptions": {room_of_b: {"required_state": [["*", "*"]], "timeline_limit": 10}},
    }
    path = "/_matrix/client/unstable/org.matrix.simplified_msc3575/sync"
    answer = world.ask("a1", "POST", path, body)
    assert answer.status == 200
    assert room_of_b not in answer.json["rooms"]


def test_reporting_a_room_is_no_oracle(world: World, room_of_b: str) -> None:
    """A report about another school's room is answered like one about an unknown room."""
    answers = [
        world.ask("a1", "POST", f"/rooms/{quote(room_id)}/report", {"reason": "x"})
        for room_id in (room_of_b, "!" + "A" * 43)
    ]
    assert answers[0].status == 404
    assert alike(*answers)


def test_third_party_invitations(world: World, room_of_b: str) -> None:
    """Nobody makes the server write to a phone or an address."""
    body = {
        "id_server": "id.example",
        "id_access_token": "x",
        "medium": "email",
        "address": "x@example",
    }
    path = f"/rooms/{quote(room_of_b)}/invite"
    assert world.ask("b_teacher", "POST", path, body).status == 403
    created = world.ask("b_teacher", "POST", "/createRoom", {"invite_3pid": [body]})
    assert created.status == 403


def test_names_per_room(world: World, room_of_b: str) -> None:
    """Nobody takes another name in one room."""
    content = {"membership": "join", "displayname": "Директор"}
    answer = put_state(
        world, "b_teacher", room_of_b, "m.room.member", content, world.user("b_teacher")
    )
    state = world.ask(
        "b_teacher",
        "GET",
        f"/rooms/{quote(room_of_b)}/state/m.room.member/{quote(world.user('b_teacher'))}",
    )
    assert answer.status == 403 or state.json["displayname"] == "Рыбин Павел"


def test_group_limit(world: World, homeserver: Fleet) -> None:
    """A room that people make holds at most `group_limit` people."""
    del homeserver
    many = [f"@u{number:08d}:{world.homeserver.server_name}" for number in range(100)]
    answer = world.ask("a_teacher", "POST", "/createRoom", {"invite": many})
    assert answer.status == 403


def test_leaving_and_returning_is_heard(world: World) -> None:
    """After a pupil left a supervised room, messages there go on; a stranger still gets nothing."""
    room_id = world.room("a_teacher", "a1", "a2")
    assert world.ask("a2", "POST", f"/rooms/{quote(room_id)}/leave", {}).status == 200
    assert world.send("a1", room_id).status == 200
    until(
        lambda: room_id in world.sync("a_teacher")["rooms"]["join"],
        what="the teacher's sync",
    )
    assert room_id not in world.sync("a2")["rooms"].get("join", {})
