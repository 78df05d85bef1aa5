"""A server of the district register reaches staff and nobody else (R4); Synapse's whitelist would show it everybody."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import pytest

from tests.support.accounts import Account
from tests.support.fleet import Fleet
from tests.support.foreign import ForeignServer
from tests.support.polling import until
from tests.synapse_sferum.isolation_world import World, alike, shared_peer, shared_world

pytestmark = pytest.mark.integration

FEDERATION = "/_matrix/federation/v1"


@pytest.fixture(scope="module")
def world(homeserver: Fleet) -> World:
    """Two schools on one server."""
    return shared_world(homeserver)


@pytest.fixture(scope="module")
def peer(homeserver: Fleet) -> ForeignServer:
    """A listed server."""
    return shared_peer(homeserver)[0]


@pytest.fixture(scope="module")
def colleague(homeserver: Fleet) -> Account:
    """A teacher there."""
    return shared_peer(homeserver)[1]


def test_profiles_of_staff_only(world: World, peer: ForeignServer) -> None:
    """A listed server reads a teacher's profile; a pupil's and an unknown user's look the same."""
    answers = {
        name: peer.signed_request(
            world.homeserver,
            "GET",
            f"{FEDERATION}/query/profile",
            params={"user_id": quote(world.user(name))},
        )
        for name in ("a_teacher", "a1", "a_parent", "nobody")
    }
    assert answers["a_teacher"].json["displayname"] == "Белова Вера"
    assert answers["a1"].status == 404
    assert alike(answers["a1"], answers["nobody"])
    assert alike(answers["a_parent"], answers["nobody"])


def test_devices_of_staff_only(world: World, peer: ForeignServer) -> None:
    """Device lists and keys of staff are answered, a pupil's look like an unknown user's."""

    def devices(name: str) -> Any:
        path = f"{FEDERATION}/user/devices/{quote(world.user(name))}"
        return peer.signed_request(world.homeserver, "GET", path)

    assert devices("a_teacher").status == 200
    assert devices("a1").status == 404
    assert alike(devices("a1"), devices("nobody"))
    for path, field, wanted in (
        ("/user/keys/query", "device_keys", []),
        ("/user/keys/claim", "one_time_keys", {"X": "signed_curve25519"}),
    ):
        body: dict[str, Any] = {
            field: {world.user(name): wanted for name in ("a1", "b1", "nobody")}
        }
        answer = peer.signed_request(world.homeserver, "POST", FEDERATION + path, body)
        assert answer.status == 200
        assert answer.json[field] == {}


def test_to_device_to_staff_only(world: World, peer: ForeignServer, colleague: Account) -> None:
    """A to-device message from a listed server arrives at a teacher and not at a pupil in the same EDU."""
    content = {
        "sender": colleague.user_id,
        "type": "m.from_peer",
        "message_id": "1",
        "messages": {world.user(name): {"*": {"x": 1}} for name in ("a1", "b_teacher")},
    }
    body = {
        "origin": peer.server_name,
        "origin_server_ts": 1,
        "pdus": [],
        "edus": [{"edu_type": "m.direct_to_device", "content": content}],
    }
    answer = peer.signed_request(world.homeserver, "PUT", f"{FEDERATION}/send/peer1", body)
    assert answer.status == 200

    def types(name: str) -> set[str]:
        events = world.sync(name).get("to_device", {}).get("events", [])
        return {event["type"] for event in events}

    until(lambda: "m.from_peer" in types("b_teacher"), what="the teacher's message")
    assert "m.from_peer" not in types("a1")


def test_invitations_to_staff_only(world: World, peer: ForeignServer, colleague: Account) -> None:
    """A listed server's teacher, told to be one, invites our teacher, who sees it; a pupil is not to be invited, and of
    whom their school says nothing, or another role, invites nobody (R4).
    """

    def invited(name: str, roles: list[str] | None) -> str:
        body = {"preset": "private_chat"}
        made = peer.homeserver.call(
            "POST", "/_matrix/client/v3/createRoom", colleague.access_token, body
        )
        room_id: str = made["room_id"]
        told = {} if roles is None else {"org.sferum.vouched": {"roles": roles}}
        answer = peer.homeserver.request(
            "PUT",
            f"/_matrix/client/v3/rooms/{quote(room_id)}/state/m.room.member/{quote(world.user(name))}",
            colleague.access_token,
            {"membership": "invite", **told},
        )
        return f"{answer.status} {room_id}"

    for roles in (None, [], ["director"], ["student"]):
        assert not invited("a_other_teacher", roles).startswith("200"), roles
    assert world.invites("a_other_teacher") == set()
    status, room_id = invited("a_other_teacher", ["teacher"]).split()
    assert status == "200"
    until(lambda: room_id in world.invites("a_other_teacher"), what="the invitation")
    assert world.ask("a_other_teacher", "POST", f"/rooms/{quote(room_id)}/join", {}).status == 200
    assert world.send("a_other_teacher", room_id, "Добрый день").status == 200
    for name in ("a1", "a_parent"):
        assert not invited(name, ["teacher"]).startswith("200")
        assert world.invites(name) == set()


def test_reaching_out_to_a_listed_server(world: World, colleague: Account) -> None:
    """Our teacher reads the profile and the devices of a colleague there, our pupil does not."""
    path = f"/profile/{quote(colleague.user_id)}"
    body: dict[str, Any] = {"device_keys": {colleague.user_id: []}}
    assert world.ask("a_teacher", "GET", path).json["displayname"] == "colleague"
    assert world.ask("a1", "GET", path).status == 404
    found = world.ask("a_teacher", "POST", "/keys/query", body).json
    assert (found["failures"], list(found["device_keys"])) == ({}, [colleague.user_id])
    hidden = world.ask("a1", "POST", "/keys/query", body).json
    assert hidden["device_keys"] == {colleague.user_id: {}}


def test_an_invitation_pushed_as_a_pdu(
    world: World, peer: ForeignServer, colleague: Account
) -> None:
    """An invitation slipped into /send, where the invitation callbacks do not run, is not seen by the pupil."""
    made = peer.homeserver.call("POST", "/_matrix/client/v3/createRoom", colleague.access_token, {})
    event = peer.signed_event(
        {
            "room_id": made["room_id"],
            "sender": colleague.user_id,
            "type": "m.room.member",
            "state_key": world.user("a1"),
            "content": {"membership": "invite"},
            "origin_server_ts": 1,
            "depth": 100,
            "auth_events": [],
            "prev_events": [],
        }
    )
    body = {"origin": peer.server_name, "origin_server_ts": 1, "pdus": [event], "edus": []}
    answer = peer.signed_request(world.homeserver, "PUT", f"{FEDERATION}/send/peer2", body)
    assert answer.status == 200
    assert world.invites("a1") == set()


def test_files_of_staff_only(world: World, peer: ForeignServer) -> None:
    """A listed server fetches a teacher's file; a pupil's looks like one that does not exist."""

    def download(media_id: str) -> Any:
        path = f"{FEDERATION}/media/download/{media_id}"
        return peer.signed_request(world.homeserver, "GET", path)

    assert download(world.upload("a_teacher")).status == 200
    hidden = download(world.upload("a1"))
    assert hidden.status == 404
    assert alike(hidden, download("nosuchfilenosuchfilenosu"))


def test_a_room_of_two_schools(world: World, peer: ForeignServer, colleague: Account) -> None:
    """Our teacher makes a room with a colleague, who learns the role, joins and reads; a pupil is kept out of it, and
    the colleague out of a room that was made without them.
    """
    fake = {"org.sferum.vouched": {"roles": ["director"]}}
    room_id = world.room("a_teacher")
    path = f"/rooms/{quote(room_id)}/state/m.room.member/{quote(colleague.user_id)}"
    refused = world.ask("a_teacher", "PUT", path, {"membership": "invite", **fake})
    assert refused.status == 403
    body = {"invite": [colleague.user_id]}
    made = world.ask("a_teacher", "POST", "/createRoom", body)
    assert made.status == 200, made
    room_id = made.json["room_id"]

    def invitation() -> Any:
        found = peer.homeserver.call(
            "GET", "/_matrix/client/v3/sync?timeout=0", colleague.access_token
        )
        events = found.get("rooms", {}).get("invite", {}).get(room_id, {})
        return [
            event
            for event in events.get("invite_state", {}).get("events", [])
            if event["state_key"] == colleague.user_id
        ]

    until(lambda: bool(invitation()), what="the invitation at the other school")
    assert invitation()[0]["content"]["org.sferum.vouched"] == {"roles": ["teacher"]}
    joined = peer.homeserver.request(
        "POST", f"/_matrix/client/v3/join/{quote(room_id)}", colleague.access_token, {}
    )
    assert joined.status == 200, joined
    assert world.send("a_teacher", room_id).status == 200
    for name in ("a1", "a_parent"):
        invite = world.ask(
            "a_teacher",
            "POST",
            f"/rooms/{quote(room_id)}/invite",
            {"user_id": world.user(name)},
        )
        assert invite.status == 403


def test_our_rooms_stay_here(world: World, peer: ForeignServer, colleague: Account) -> None:
    """Not even a listed server joins or reads a room of ours that was made without its people: none federates."""
    user = quote(colleague.user_id)
    for room in (world.rooms["a", "staff", ""], world.room("a_teacher")):
        for path in (
            f"/make_join/{quote(room)}/{user}?ver=12",
            f"/make_knock/{quote(room)}/{user}?ver=12",
            f"/state_ids/{quote(room)}?event_id=$x",
            f"/backfill/{quote(room)}?v=$x&limit=1",
            f"/hierarchy/{quote(room)}",
        ):
            answer = peer.signed_request(world.homeserver, "GET", FEDERATION + path)
            assert answer.status in {403, 404}, path


def test_a_listed_name_without_its_key(
    world: World, peer: ForeignServer, homeserver: Fleet
) -> None:
    """Saying one is the listed server without its key is a 401."""
    from tests.synapse_sferum.isolation_world import shared_stranger  # noqa: PLC0415 - started on first use

    liar = shared_stranger(homeserver)[0]
    path = f"{FEDERATION}/user/devices/{quote(world.user('a_teacher'))}"
    answer = liar.signed_request(world.homeserver, "GET", path, origin=peer.server_name)
    assert answer.status == 401
