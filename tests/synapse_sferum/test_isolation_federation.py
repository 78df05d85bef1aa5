"""A server outside the register, and a listed one: isolation.md §1, the rows IN and OUT; rule R4."""

from __future__ import annotations

import sqlite3
from typing import Any
from urllib.parse import quote

import pytest

from tests.support.accounts import Account
from tests.support.fleet import Fleet
from tests.support.foreign import ForeignServer
from tests.synapse_sferum.isolation_world import World, shared_stranger, shared_world

pytestmark = pytest.mark.integration

FEDERATION = "/_matrix/federation/v1"


@pytest.fixture(scope="module")
def world(homeserver: Fleet) -> World:
    """Two schools on one server."""
    return shared_world(homeserver)


@pytest.fixture(scope="module")
def foreign(homeserver: Fleet) -> ForeignServer:
    """A server that no register lists."""
    return shared_stranger(homeserver)[0]


@pytest.fixture(scope="module")
def stranger(homeserver: Fleet) -> Account:
    """Somebody on that server."""
    return shared_stranger(homeserver)[1]


@pytest.fixture(scope="module")
def open_room(foreign: ForeignServer, stranger: Account) -> str:
    """A public room of the foreign server."""
    body = {"preset": "public_chat", "room_alias_name": "open", "name": "Чужая комната"}
    made = foreign.homeserver.call(
        "POST", "/_matrix/client/v3/createRoom", stranger.access_token, body
    )
    room_id: str = made["room_id"]
    return room_id


# --- our people reaching out


def test_out_invitation(world: World, stranger: Account) -> None:
    """Nobody invites a user of another server."""
    body = {"invite": [stranger.user_id]}
    assert world.ask("a_teacher", "POST", "/createRoom", body).status == 403


def test_out_joining(world: World, foreign: ForeignServer, open_room: str) -> None:
    """Nobody joins a public room of another server, by id or by address."""
    via = {"server_name": foreign.server_name, "via": foreign.server_name}
    for room in (open_room, f"#open:{foreign.server_name}"):
        answer = world.ask("a_teacher", "POST", f"/join/{quote(room)}", {}, params=via)
        assert answer.status == 403


def test_out_knocking(world: World, foreign: ForeignServer, open_room: str) -> None:
    """Nobody knocks there: it would send a name and a text."""
    params = {"server_name": foreign.server_name, "via": foreign.server_name}
    path = f"/knock/{quote(open_room)}"
    assert world.ask("a_teacher", "POST", path, {"reason": "x"}, params=params).status == 403


def test_out_profile(world: World, stranger: Account) -> None:
    """A profile on another server is not asked for."""
    assert world.ask("a_teacher", "GET", f"/profile/{quote(stranger.user_id)}").status == 404


def test_out_keys(world: World, stranger: Account) -> None:
    """Neither are devices."""
    body: dict[str, Any] = {"device_keys": {stranger.user_id: []}}
    answer = world.ask("a_teacher", "POST", "/keys/query", body)
    assert answer.json["device_keys"] == {stranger.user_id: {}}
    assert answer.json["failures"] == {}


def test_out_to_device(world: World, foreign: ForeignServer, stranger: Account) -> None:
    """A to-device message to another server is not sent."""
    body = {"messages": {stranger.user_id: {"*": {"x": 1}}}}
    answer = world.ask("a_teacher", "PUT", "/sendToDevice/m.out/m.out", body)
    assert answer.status == 200
    waiting = sqlite3.connect(world.homeserver.directory / "homeserver.db")
    try:
        rows = waiting.execute("SELECT count(*) FROM device_federation_outbox").fetchone()
    finally:
        waiting.close()
    assert rows == (0,)


def test_out_previews(world: World, foreign: ForeignServer, open_room: str) -> None:
    """Summary, hierarchy and address of a room there are not asked for."""
    via = {"via": foreign.server_name}
    for path in (
        f"/_matrix/client/v1/room_summary/{quote(open_room)}",
        f"/_matrix/client/v1/rooms/{quote(open_room)}/hierarchy",
        f"/_matrix/client/v3/directory/room/{quote('#open:' + foreign.server_name)}",
    ):
        assert world.ask("a_teacher", "GET", path, params=via).status == 404


def test_out_media(world: World, foreign: ForeignServer, stranger: Account) -> None:
    """A file there is not fetched."""
    answer = foreign.homeserver.request(
        "POST", "/_matrix/media/v3/upload", stranger.access_token, body=b"x"
    )
    media_id = answer.json["content_uri"].rpartition("/")[2]
    path = f"/_matrix/client/v1/media/download/{foreign.server_name}/{media_id}"
    assert world.ask("a_teacher", "GET", path).status == 404


# --- a server outside the register reaching in


def test_in_profile(world: World, foreign: ForeignServer) -> None:
    """A profile is refused to a server outside the register (R1)."""
    for name in ("a1", "a_teacher", "nobody"):
        params = {"user_id": quote(world.user(name))}
        answer = foreign.signed_request(
            world.homeserver, "GET", f"{FEDERATION}/query/profile", params=params
        )
        assert (answer.status, answer.errcode) == (403, "M_FORBIDDEN")


def test_in_devices_and_keys(world: World, foreign: ForeignServer) -> None:
    """So are device lists and keys, to query and to claim."""
    user = world.user("a1")
    asked: list[tuple[str, str, Any]] = [
        ("GET", f"/user/devices/{quote(user)}", None),
        ("POST", "/user/keys/query", {"device_keys": {user: []}}),
        ("POST", "/user/keys/claim", {"one_time_keys": {user: {"X": "signed_curve25519"}}}),
    ]
    for method, path, body in asked:
        answer = foreign.signed_request(world.homeserver, method, FEDERATION + path, body)
        assert answer.status == 403, path


def transaction(foreign: ForeignServer, target: str, type_: str, sender: str) -> dict[str, Any]:
    content = {
        "sender": sender,
        "type": type_,
        "message_id": type_,
        "messages": {target: {"*": {"x": 1}}},
    }
    return {
        "origin": foreign.server_name,
        "origin_server_ts": 1,
        "pdus": [],
        "edus": [{"edu_type": "m.direct_to_device", "content": content}],
    }


def to_device_types(world: World, name: str) -> set[str]:
    events = world.sync(name).get("to_device", {}).get("events", [])
    return {event["type"] for event in events}


def test_in_to_device(world: World, foreign: ForeignServer, stranger: Account) -> None:
    """A to-device message of a server outside the register does not arrive."""
    body = transaction(foreign, world.user("a_director"), "m.in", stranger.user_id)
    answer = foreign.signed_request(world.homeserver, "PUT", f"{FEDERATION}/send/in1", body)
    assert answer.status == 403
    assert "m.in" not in to_device_types(world, "a_director")


def test_in_invitation(world: World, foreign: ForeignServer, stranger: Account) -> None:
    """An invitation from there is refused and not seen, through /invite as a foreign Synapse sends it."""
    target = world.user("a_director")
    answer = foreign.homeserver.request(
        "POST", "/_matrix/client/v3/createRoom", stranger.access_token, {"invite": [target]}
    )
    assert answer.status in {200, 403, 502}  # Synapse makes the room and then cannot invite
    assert world.invites("a_director") == set()


def test_in_media_and_rooms(world: World, foreign: ForeignServer) -> None:
    """Files, room lists, hierarchies, state, joining and knocking are refused to it."""
    room = quote(world.rooms["a", "class", "8Б"])
    user = quote(f"@stranger:{foreign.server_name}")
    media_id = world.upload("a_teacher")
    for method, path in (
        ("GET", f"/media/download/{media_id}"),
        ("GET", f"/media/thumbnail/{media_id}"),
        ("GET", "/publicRooms"),
        ("GET", f"/hierarchy/{room}"),
        ("GET", f"/state/{room}"),
        ("GET", f"/make_join/{room}/{user}"),
        ("GET", f"/make_knock/{room}/{user}"),
        ("GET", f"/backfill/{room}"),
        ("GET", f"/query/directory?room_alias={quote('#x:y')}"),
    ):
        answer = foreign.signed_request(world.homeserver, method, FEDERATION + path)
        assert answer.status == 403, path


def test_in_version_and_openid(world: World, foreign: ForeignServer) -> None:
    """What the calls server needs still works: version, and whom an OpenID token belongs to."""
    version = foreign.signed_request(world.homeserver, "GET", f"{FEDERATION}/version")
    assert version.status == 200
    path = f"/user/{quote(world.user('a1'))}/openid/request_token"
    token = world.ask("a1", "POST", path, {}).json["access_token"]
    found = world.homeserver.request(
        "GET", f"{FEDERATION}/openid/userinfo", params={"access_token": token}
    )
    assert (found.status, found.json) == (200, {"sub": world.user("a1")})
    unknown = world.homeserver.request(
        "GET", f"{FEDERATION}/openid/userinfo", params={"access_token": "x"}
    )
    assert unknown.status == 401


def test_no_keys_are_fetched_from_strangers(world: World, foreign: ForeignServer) -> None:
    """A request only has to say that it is from a stranger; nobody is asked for keys (that would end in a 401)."""
    path = f"{FEDERATION}/user/devices/{quote(world.user('a1'))}"
    answer = foreign.signed_request(world.homeserver, "GET", path, origin="localhost:1")
    assert answer.status == 403
