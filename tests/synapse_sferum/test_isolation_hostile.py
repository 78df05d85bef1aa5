"""A listed server that makes its own requests gets nothing of our rooms and people (issue 7, R4; isolation.md §1).

What it is shown where it is in the right is beside it, so that a closed door is not a broken one.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import pytest

from tests.support.fleet import Fleet
from tests.support.polling import until
from tests.synapse_sferum.hostile import Hostile
from tests.synapse_sferum.isolation_world import (
    World,
    alike,
    shared_peer,
    shared_stranger,
    shared_world,
)

pytestmark = pytest.mark.integration

UNKNOWN_ROOM = "!nosuchroomnosuchroomnosuchroomnosuchroom00"
UNKNOWN_EVENT = "$nosucheventnosucheventnosucheventnosucheve"


@pytest.fixture(scope="module")
def world(homeserver: Fleet) -> World:
    """Two schools on one server."""
    return shared_world(homeserver)


@pytest.fixture(scope="module")
def hostile(homeserver: Fleet, world: World) -> Hostile:
    """A listed server, and a teacher there."""
    server, account = shared_peer(homeserver)
    return Hostile(server, account, world.homeserver)


@pytest.fixture(scope="module")
def shared(world: World, hostile: Hostile) -> str:
    """A room of our teacher with the teacher there: what the hostile server is entitled to."""
    made = world.ask("a_teacher", "POST", "/createRoom", {"invite": [hostile.account.user_id]})
    assert made.status == 200, made
    room_id: str = made.json["room_id"]

    def joins() -> bool:
        path = f"/_matrix/client/v3/join/{quote(room_id)}"
        token = hostile.account.access_token
        return hostile.server.homeserver.request("POST", path, token, {}).status == 200

    until(joins, what="the colleague in the room")
    return room_id


@pytest.fixture(scope="module")
def stranger(homeserver: Fleet) -> str:
    """Somebody of a server that no register lists."""
    return shared_stranger(homeserver)[1].user_id


def last_event(world: World, name: str, room_id: str) -> str:
    """The id of the last event somebody reads in a room."""
    found = world.ask(name, "GET", f"/rooms/{quote(room_id)}/messages?dir=b&limit=20")
    event_id: str = found.json["chunk"][0]["event_id"]
    return event_id


def room_requests(hostile: Hostile, room: str, event: str) -> list[tuple[str, str, Any]]:
    """Every federation request about a room: method, path, body."""
    who, quoted, event_path = quote(hostile.account.user_id), quote(room), quote(event)
    rest: dict[str, Any] = {"state_key": hostile.account.user_id, "prev_events": [event]}

    def member(membership: str) -> dict[str, Any]:
        return hostile.event(room, "m.room.member", {"membership": membership}, **rest)

    missing = {"earliest_events": [], "latest_events": [event], "limit": 20, "min_depth": 0}
    return [
        ("GET", f"/make_join/{quoted}/{who}?ver=12", None),
        ("GET", f"/make_knock/{quoted}/{who}?ver=12", None),
        ("GET", f"/make_leave/{quoted}/{who}", None),
        ("PUT", f"/send_join/{quoted}/$x", member("join")),
        ("PUT", f"/_matrix/federation/v2/send_join/{quoted}/$x", member("join")),
        ("PUT", f"/send_knock/{quoted}/$x", member("knock")),
        ("PUT", f"/send_leave/{quoted}/$x", member("leave")),
        ("PUT", f"/_matrix/federation/v2/send_leave/{quoted}/$x", member("leave")),
        ("GET", f"/state/{quoted}?event_id={event_path}", None),
        ("GET", f"/state_ids/{quoted}?event_id={event_path}", None),
        ("GET", f"/backfill/{quoted}?v={event_path}&limit=10", None),
        ("POST", f"/get_missing_events/{quoted}", missing),
        ("GET", f"/event/{event_path}", None),
        ("GET", f"/event_auth/{quoted}/{event_path}", None),
        ("GET", f"/timestamp_to_event/{quoted}?ts=0&dir=f", None),
        ("GET", f"/hierarchy/{quoted}", None),
        ("PUT", f"/exchange_third_party_invite/{quoted}", member("invite")),
    ]


def test_rooms_of_ours_look_like_no_rooms(world: World, hostile: Hostile) -> None:
    """Asked for managed rooms, and for people's own, in every way there is, we answer to the byte what we answer for a
    room that does not exist.
    """
    unknown = [
        hostile.ask(*request) for request in room_requests(hostile, UNKNOWN_ROOM, UNKNOWN_EVENT)
    ]
    rooms = [
        ("a_teacher", world.rooms["a", "staff", ""]),
        ("a1", world.rooms["a", "class", "8Б"]),
        ("a_teacher", world.room("a_teacher", "a1")),
    ]
    for name, room_id in rooms:
        event_id = last_event(world, name, room_id)
        for request, nothing in zip(
            room_requests(hostile, room_id, event_id), unknown, strict=True
        ):
            answer = hostile.ask(*request)
            assert answer.status in {403, 404}, request[:2]
            assert alike(answer, nothing), request[:2]


def test_what_a_member_may_ask(world: World, hostile: Hostile, shared: str) -> None:
    """Where its teacher is, the listed server gets state and history; one of its people who is not invited gets nothing
    there either, whoever asks for them.
    """
    event_id = last_event(world, "a_teacher", shared)
    quoted, event_path = quote(shared), quote(event_id)
    for path in (
        f"/state_ids/{quoted}?event_id={event_path}",
        f"/backfill/{quoted}?v={event_path}&limit=10",
        f"/event/{event_path}",
        f"/event_auth/{quoted}/{event_path}",
    ):
        assert hostile.ask("GET", path).status == 200, path
    other = f"@unobody:{hostile.server.server_name}"
    for user_id in (other, world.user("a1"), "@u:elsewhere.example", "nobody"):
        for step in ("make_join", "make_leave"):
            answer = hostile.ask("GET", f"/{step}/{quoted}/{quote(user_id)}?ver=12")
            assert answer.status == 404, (step, user_id)
        join = {"membership": "join"}
        event = hostile.event(shared, "m.room.member", join, state_key=user_id, sender=user_id)
        for version in ("v1", "v2"):
            path = f"/_matrix/federation/{version}/send_join/{quoted}/$x"
            assert hostile.ask("PUT", path, event).status == 404, user_id


def test_events_for_rooms_it_is_not_in(world: World, hostile: Hostile) -> None:
    """Messages, joins and invitations pushed into a class's room reach nobody, whoever they say they are from."""
    room_id = world.rooms["a", "class", "8Б"]
    after = {"prev_events": [last_event(world, "a1", room_id)]}
    ours, theirs = world.user("a_teacher"), hostile.account.user_id
    text = {"msgtype": "m.text", "body": "проникло"}
    pdus = [
        hostile.event(room_id, "m.room.message", text, **after),
        hostile.event(room_id, "m.room.message", text, sender=ours, **after),
        hostile.event(room_id, "m.room.member", {"membership": "join"}, state_key=theirs, **after),
        hostile.event(
            room_id, "m.room.member", {"membership": "invite"}, state_key=world.user("a3"), **after
        ),
        hostile.event(room_id, "m.room.topic", {"topic": "проникло"}, state_key="", **after),
    ]
    before = world.sync("a1")["next_batch"]
    assert hostile.send(pdus).status == 200
    hostile.swallowed()
    assert room_id not in world.sync("a1", before)["rooms"].get("join", {})
    assert world.invites("a3") == set()
    members = world.ask("a1", "GET", f"/rooms/{quote(room_id)}/joined_members").json["joined"]
    assert theirs not in members


def test_edus_for_rooms_it_is_not_in(world: World, hostile: Hostile) -> None:
    """Typing, receipts, presence, device lists and cross-signing keys of a listed server do not show to our pupils, and
    to-device messages neither; a teacher gets the one that is for them.
    """
    room_id = world.rooms["a", "class", "8Б"]
    theirs, ours = hostile.account.user_id, world.user("a1")
    read = {"data": {"ts": 1}, "event_ids": [last_event(world, "a1", room_id)]}
    before = {name: world.sync(name)["next_batch"] for name in ("a1", "a_teacher")}
    edus: list[tuple[str, Any]] = []
    for user_id in (theirs, ours, world.user("a_teacher")):
        edus += [
            ("m.typing", {"room_id": room_id, "user_id": user_id, "typing": True}),
            ("m.receipt", {room_id: {"m.read": {user_id: read}}}),
            ("m.presence", {"push": [{"user_id": user_id, "presence": "online"}]}),
            ("m.device_list_update", {"user_id": user_id, "device_id": "X", "stream_id": 1}),
            ("m.signing_key_update", {"user_id": user_id, "master_key": {}}),
        ]
    messages = {user_id: {"*": {"x": 1}} for user_id in (ours, world.user("a_teacher"))}
    for sender in (theirs, world.user("a_director")):
        body = {"sender": sender, "type": "m.hostile", "message_id": sender, "messages": messages}
        edus.append(("m.direct_to_device", body))
    assert hostile.send(edus=edus).status == 200

    def heard(name: str) -> list[Any]:
        found: list[Any] = world.sync(name, before[name]).get("to_device", {}).get("events", [])
        return [event["sender"] for event in found if event["type"] == "m.hostile"]

    until(lambda: heard("a_teacher") == [theirs], what="the teacher's message")
    seen = world.sync("a1", before["a1"])
    assert heard("a1") == []
    assert seen["rooms"].get("join", {}) == {}
    assert theirs not in {event["sender"] for event in seen.get("presence", {}).get("events", [])}
    assert seen.get("device_lists", {}).get("changed", []) == []


def test_events_in_a_room_of_two_schools(
    world: World, hostile: Hostile, shared: str, stranger: str
) -> None:
    """Out of the room it shares with our teacher, a listed server brings in no pupil of ours, no stranger, and takes no
    power over it; what its teacher writes arrives.
    """
    told = {"org.sferum.vouched": {"roles": ["teacher", "director"]}}
    ours, theirs = world.user("a_teacher"), hostile.account.user_id
    invite = {"membership": "invite", **told}
    levels = {"users": {theirs: 100}, "users_default": 100, "invite": 0}
    pdus = [
        *(
            hostile.event(shared, "m.room.member", invite, state_key=user_id)
            for user_id in (world.user("a1"), world.user("a_parent"), world.user("b1"), stranger)
        ),
        hostile.event(
            shared, "m.room.member", {"membership": "join"}, state_key=stranger, sender=stranger
        ),
        hostile.event(shared, "m.room.member", {"membership": "leave"}, state_key=ours),
        hostile.event(shared, "m.room.power_levels", levels, state_key=""),
        hostile.event(shared, "m.room.join_rules", {"join_rule": "public"}, state_key=""),
        hostile.event(
            shared, "m.room.message", {"msgtype": "m.text", "body": "за вас"}, sender=ours
        ),
        hostile.event(shared, "m.room.message", {"msgtype": "m.text", "body": "за себя"}),
    ]
    assert hostile.send(pdus).status == 200
    hostile.swallowed()

    def texts() -> list[str]:
        path = f"/rooms/{quote(shared)}/messages?dir=b&limit=30"
        chunk = world.ask("a_teacher", "GET", path).json["chunk"]
        return [event["content"].get("body", "") for event in chunk]

    until(lambda: "за себя" in texts(), what="what the colleague really wrote")
    assert "за вас" not in texts()
    for name in ("a1", "a_parent", "b1"):
        assert world.invites(name) == set()
    state = world.ask("a_teacher", "GET", f"/rooms/{quote(shared)}/state").json
    found = {(event["type"], event["state_key"]): event["content"] for event in state}
    assert found["m.room.member", ours]["membership"] == "join"
    assert ("m.room.member", stranger) not in found
    assert found["m.room.join_rules", ""]["join_rule"] == "invite"
    assert theirs not in found["m.room.power_levels", ""].get("users", {})
