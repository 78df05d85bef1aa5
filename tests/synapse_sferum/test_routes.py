"""Every route of the pinned list, asked from the wrong school: no data of the other one, no server error."""

from __future__ import annotations

import json
import re
from typing import Any
from urllib.parse import quote, unquote

import pytest

from synapse_sferum.guard.routes import CLOSED, OPEN, UNREACHABLE, Route, Surface, pinned
from tests.support.fleet import Fleet
from tests.support.foreign import ForeignServer
from tests.support.http import Response
from tests.synapse_sferum.isolation_world import (
    World,
    shared_peer,
    shared_stranger,
    shared_world,
)

pytestmark = pytest.mark.integration

SECRET = "тайна-восьмого-бэ"
#: Routes of features that this configuration leaves off.
UNREGISTERED = "M_UNRECOGNIZED"
GROUP = re.compile(r"\(\?P<(\w+)>((?:[^()]|\([^()]*\))*)\)")


@pytest.fixture(scope="module")
def world(homeserver: Fleet) -> World:
    """Two schools on one server."""
    return shared_world(homeserver)


@pytest.fixture(scope="module")
def targets(world: World) -> dict[str, str]:
    """Real things of school А, by the names that patterns give them."""
    room_id = world.rooms["a", "class", "8Б"]
    event_id = world.send("a1", room_id, SECRET).json["event_id"]
    user_id = world.user("a1")
    return {
        "user_id": user_id,
        "target_user_id": user_id,
        "room_id": room_id,
        "room_identifier": room_id,
        "room_alias": f"#class:{world.homeserver.server_name}",
        "event_id": event_id,
        "parent_id": event_id,
        "thread_root_id": event_id,
        "server_name": world.homeserver.server_name,
        "media_id": world.upload("a1", SECRET.encode()),
        "file_name": "x.txt",
        "event_type": "m.room.message",
        "relation_type": "m.annotation",
        "state_key": user_id,
        "field_name": "displayname",
        "device_id": world["a1"].device_id,
        "receipt_type": "m.read",
        "txn_id": "fuzz",
        "transaction_id": "fuzz",
        "message_type": "m.fuzz",
        "filter_id": "0",
        "account_data_type": "m.direct",
        "tag": "m.favourite",
        "version": "1",
        "session_id": "1",
        "query_type": "profile",
        "stagetype": "m.login.password",
        "path": "pushrules/",
        "medium": "email",
        "protocol": "irc",
        "delay_id": "1",
        "appservice_id": "x",
        "network_id": "x",
        "idp_id": "x",
        "rendezvous_id": "x",
        "membership_action": "join",
    }


def path_of(pattern: str, targets: dict[str, str]) -> str:
    """A path that a pattern matches, filled with `targets`."""
    path = pattern.removeprefix("^").removesuffix("$").removesuffix("/?")

    def filled(found: re.Match[str]) -> str:
        name, inside = found[1], found[2]
        value = (
            inside if inside.isidentifier() else targets[name]
        )  # `displayname` stands for itself
        return quote(value, safe="/" if name == "path" else "")

    def version(found: re.Match[str]) -> str:
        return "v3" if "v3" in found[1] else found[1].split("|")[0]

    path = GROUP.sub(filled, path)
    path = re.sub(r"\(([\w/]+(?:\|[\w/]+)+)\)", version, path)
    path = re.sub(r"[()?]", "", path)  # optional groups, taken
    return path.replace("\\", "")


def body_for(targets: dict[str, str]) -> dict[str, Any]:
    """One body that asks for the target in every field any route reads."""
    user, room = targets["user_id"], targets["room_id"]
    return {
        "device_keys": {user: []},
        "one_time_keys": {user: {targets["device_id"]: "signed_curve25519"}},
        "messages": {user: {"*": {"x": 1}}},
        "search_term": "Иванов",
        "search_categories": {"room_events": {"search_term": SECRET[:5]}},
        "user_id": user,
        "room_id": room,
        "invite": [user],
        "membership": "invite",
        "msgtype": "m.text",
        "body": "x",
        "reason": "x",
        "visibility": "public",
        "new_version": "12",
        "typing": True,
        "timeout": 1000,
        "displayname": "x",
        "avatar_url": "",
        "m.fully_read": targets["event_id"],
        "presence": "online",
        "kind": "http",
        "room_subscriptions": {room: {"required_state": [["*", "*"]], "timeline_limit": 5}},
        "state_key": user,
        "type": "m.room.member",
        "sender": user,
        "content": {"membership": "invite"},
        "edus": [],
        "pdus": [],
        "origin": "x",
        "auth": {"type": "m.login.dummy"},
        "algorithm": "m.megolm_backup.v1",
        "auth_data": {},
    }


def secrets_of(world: World, targets: dict[str, str]) -> list[str]:
    """What must not come back; ids that the attacker sent are not secret to the attacker."""
    names = ["Иванов Пётр", "Соколова Мария", "Белова", SECRET, "8Б"]
    mine = {targets["user_id"]}
    users = [
        world.user(name)
        for name in ("a2", "a3", "a_teacher", "a_parent")
        if world.user(name) not in mine
    ]
    return [*names, *users, world["a2"].device_id, world.rooms["a", "staff", ""]]


def leaks(answer: Response, secrets: list[str]) -> list[str]:
    text = answer.body.decode("utf-8", "replace")
    text += json.dumps(answer.json, ensure_ascii=False) if answer.json is not None else ""
    return [secret for secret in secrets if secret in text or quote(secret) in text]


def routes(surface: Surface) -> list[Route]:
    return [
        route
        for route, rule in pinned().items()
        if route.surface is surface and rule != UNREACHABLE
    ]


def test_every_pattern_is_asked(targets: dict[str, str]) -> None:
    """The paths of these tests match the patterns they stand for."""
    for surface in Surface:
        for route in routes(surface):
            path = path_of(route.pattern, targets)
            assert re.match(route.pattern, path) or re.match(route.pattern, unquote(path)), route


@pytest.mark.parametrize("body", ["full", "empty", "list", "wrong"])
def test_client_routes_from_the_wrong_school(
    world: World, targets: dict[str, str], body: str
) -> None:
    """A pupil of Б who asks every client route for a pupil of А learns nothing, and breaks nothing."""
    full = body_for(targets)
    bodies: dict[str, Any] = {
        "full": full,
        "empty": {},
        "list": [],
        "wrong": dict.fromkeys(full, 7),
    }
    secrets = secrets_of(world, targets)
    rules = pinned()
    token = world.homeserver.login("ub11").access_token
    wrong = []
    for route in routes(Surface.CLIENT):
        if body != "full" and (route.method == "GET" or rules[route] == OPEN):
            continue  # what Synapse makes of malformed bodies on routes we do not touch is its own
        content = None if route.method in {"GET", "DELETE"} else bodies[body]
        answer = world.homeserver.request(
            route.method,
            path_of(route.pattern, targets),
            token,
            content,
            params={"timeout": 0, "user_id": targets["user_id"], "width": 10, "height": 10},
        )
        if answer.status >= 500 or leaks(answer, secrets):
            wrong.append((route.method, route.pattern, answer.status, leaks(answer, secrets)))
        if rules[route] == CLOSED and answer.status != 403 and answer.errcode != UNREGISTERED:
            wrong.append((route.method, route.pattern, answer.status, ["closed"]))
        if answer.status == 401 and answer.errcode == "M_UNKNOWN_TOKEN":
            token = world.homeserver.login("ub11").access_token
    # A pupil who was signed out everywhere by /logout/all signs in again for the tests that follow.
    world.accounts["b2"] = world.homeserver.login("ub11")
    assert not wrong


@pytest.mark.parametrize("who", ["stranger", "peer"])
def test_federation_routes(
    homeserver: Fleet, world: World, targets: dict[str, str], who: str
) -> None:
    """Another server, listed or not, that asks every federation route for a pupil learns nothing."""
    shared = shared_stranger(homeserver) if who == "stranger" else shared_peer(homeserver)
    server: ForeignServer = shared[0]
    secrets = secrets_of(world, targets)
    wrong = []
    for route in routes(Surface.FEDERATION):
        content = None if route.method == "GET" else body_for(targets)
        answer = server.signed_request(
            world.homeserver,
            route.method,
            path_of(route.pattern, targets),
            content,
            params={"user_id": quote(targets["user_id"]), "ver": "12", "limit": "1", "v": "$x"},
        )
        if answer.status >= 500 or leaks(answer, secrets):
            wrong.append((route.method, route.pattern, answer.status, leaks(answer, secrets)))
        if answer.errcode == UNREGISTERED:
            continue
        if who == "stranger" and pinned()[route] != OPEN and answer.status != 403:
            wrong.append((route.method, route.pattern, answer.status, ["stranger"]))
    assert not wrong
