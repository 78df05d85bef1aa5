"""People of one school seen from another: isolation.md §1, the rows about profiles, devices and presence."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import pytest

from tests.support.fleet import Fleet
from tests.support.http import Response
from tests.synapse_sferum.isolation_world import World, alike, shared_world

pytestmark = pytest.mark.integration


@pytest.fixture(scope="module")
def world(homeserver: Fleet) -> World:
    """Two schools on one server."""
    return shared_world(homeserver)


def search(world: World, name: str, term: str, **body: Any) -> list[str]:
    """User ids found in the user directory."""
    answer = world.ask(name, "POST", "/user_directory/search", {"search_term": term, **body})
    assert answer.status == 200, answer
    return [found["user_id"] for found in answer.json["results"]]


def device_keys(user_id: str) -> dict[str, Any]:
    """What a client uploads about its device; nobody checks the signature here."""
    device_id = "TESTDEVICE"
    return {
        "user_id": user_id,
        "device_id": device_id,
        "algorithms": ["m.olm.v1.curve25519-aes-sha2"],
        "keys": {f"ed25519:{device_id}": "A" * 43, f"curve25519:{device_id}": "B" * 43},
        "signatures": {},
    }


def give_keys(world: World, name: str) -> str:
    """Upload a device and two one-time keys for somebody; returns the device id."""
    account = world[name]
    keys = device_keys(account.user_id) | {"device_id": account.device_id}
    answer = world.ask(
        name,
        "POST",
        "/keys/upload",
        {
            "device_keys": keys,
            "one_time_keys": {"curve25519:AAAAAQ": "C" * 43, "curve25519:AAAAAg": "D" * 43},
        },
    )
    assert answer.status == 200, answer
    return account.device_id


def claim(world: World, name: str, target: str, device_id: str) -> Response:
    body = {"one_time_keys": {target: {device_id: "curve25519"}}}
    return world.ask(name, "POST", "/keys/claim", body)


def test_directory_search_of_another_school(world: World) -> None:
    """A teacher who searches a common family name finds the pupil of the own school only (R1)."""
    assert search(world, "a_teacher", "Иванов") == [world.user("a1"), world.user("a_parent")]


def test_directory_search_of_a_full_name_elsewhere(world: World) -> None:
    """The full name, the user id and the localpart of a pupil of another school find nobody (R1)."""
    for term in ("Птицына Дарья", world.user("b2"), world.user("b2")[1:].partition(":")[0]):
        assert search(world, "a_director", term) == []


def test_control_directory_search_works_inside(world: World) -> None:
    """Inside the school names are found by the beginning of any word, in any case, with е for ё."""
    assert search(world, "a_teacher", "ПЕТР") == [world.user("a1")]
    assert search(world, "a_teacher", "мар сок") == [world.user("a2")]


def test_directory_search_by_parents_and_pupils(world: World) -> None:
    """A parent finds teachers of the child and parents of the class, not other people's children."""
    assert search(world, "a_parent", "Соколов") == [world.user("a_other_parent")]
    assert world.user("a_teacher") in search(world, "a_parent", "Белова")
    assert world.user("a1") in search(world, "a2", "Иванов")


def test_unconfirmed_pupils_do_not_search(world: World) -> None:
    """A pupil under 14 whom no parent has confirmed finds nobody (R17)."""
    assert search(world, "a_child", "Белова") == []


def test_profile_without_signing_in(world: World) -> None:
    """Nobody reads a profile without a token, of whichever school (R1)."""
    path = f"/_matrix/client/v3/profile/{quote(world.user('a1'))}"
    assert world.homeserver.request("GET", path).status == 401


@pytest.mark.parametrize("suffix", ["", "/displayname", "/avatar_url", "/org.sferum.role"])
def test_profile_of_another_school(world: World, suffix: str) -> None:
    """A profile of another school, whole or by field, looks like that of a user who does not exist (R1)."""
    hidden = world.ask("b1", "GET", f"/profile/{quote(world.user('a1'))}{suffix}")
    unknown = world.ask("b1", "GET", f"/profile/{quote(world.user('nobody'))}{suffix}")
    assert hidden.status == 404
    assert alike(hidden, unknown)


def test_control_profile_works_inside(world: World) -> None:
    """Within a school everybody reads names, as the announcements show them anyway."""
    answer = world.ask("a2", "GET", f"/profile/{quote(world.user('a1'))}")
    assert (answer.status, answer.json["displayname"]) == (200, "Иванов Пётр")


def test_nobody_writes_the_school_s_fields(world: World) -> None:
    """A pupil changes neither the own name nor the role badge, and nobody else's profile."""
    for user, field in (("a1", "displayname"), ("a1", "org.sferum.role"), ("a2", "avatar_url")):
        path = f"/profile/{quote(world.user(user))}/{field}"
        assert world.ask("a1", "PUT", path, {field: "Директор"}).status == 403


def test_presence_of_another_school(world: World) -> None:
    """Whether somebody of another school is online is refused as for an unknown user."""
    hidden = world.ask("b1", "GET", f"/presence/{quote(world.user('a1'))}/status")
    unknown = world.ask("b1", "GET", f"/presence/{quote(world.user('nobody'))}/status")
    assert hidden.status == 403
    assert alike(hidden, unknown)


def test_device_list_of_another_school(world: World) -> None:
    """keys/query names no device of another school, and answers as for an unknown user."""
    give_keys(world, "a1")
    answers = [
        world.ask("b1", "POST", "/keys/query", {"device_keys": {world.user(name): []}})
        for name in ("a1", "nobody")
    ]
    assert answers[0].json["device_keys"] == {world.user("a1"): {}}
    assert alike(*answers, asked=(world.user("a1"), world.user("nobody")))


def test_claiming_one_time_keys_of_another_school(world: World) -> None:
    """keys/claim burns no key of another school: afterwards the own school still gets them."""
    device_id = give_keys(world, "a2")
    for _ in range(3):
        answer = claim(world, "b1", world.user("a2"), device_id)
        assert (answer.status, answer.json["one_time_keys"]) == (200, {})
    assert alike(
        claim(world, "b1", world.user("a2"), device_id),
        claim(world, "b1", world.user("nobody"), device_id),
    )
    own = claim(world, "a1", world.user("a2"), device_id)
    assert device_id in own.json["one_time_keys"][world.user("a2")]


def test_control_keys_work_inside(world: World) -> None:
    """Classmates and their teacher query and claim each other's keys."""
    device_id = give_keys(world, "a_teacher")
    query = world.ask("a1", "POST", "/keys/query", {"device_keys": {world.user("a_teacher"): []}})
    assert device_id in query.json["device_keys"][world.user("a_teacher")]
    claimed = claim(world, "a1", world.user("a_teacher"), device_id)
    assert device_id in claimed.json["one_time_keys"][world.user("a_teacher")]


def test_signing_the_keys_of_another_school(world: World) -> None:
    """Signatures under keys of another school are taken in silence, as for an unknown user."""
    answers = []
    for name in ("a1", "nobody"):
        user = world.user(name)
        body = {user: {"TESTDEVICE": device_keys(user)}}
        answers.append(world.ask("b1", "POST", "/keys/signatures/upload", body))
    assert answers[0].json == {"failures": {}}
    assert alike(*answers)
    own = {world.user("a1"): {"TESTDEVICE": device_keys(world.user("a1"))}}
    assert world.ask("a2", "POST", "/keys/signatures/upload", own).json["failures"] != {}
    assert world.ask("a2", "POST", "/keys/signatures/upload", {world.user("a1"): 7}).status == 400


def to_device(world: World, name: str, target: str, type_: str) -> Response:
    body = {"messages": {target: {"*": {"hello": "there"}}}}
    return world.ask(name, "PUT", f"/sendToDevice/{type_}/{type_}", body)


def arrived(world: World, name: str, since: str | None = None) -> set[str]:
    """Types of to-device messages that wait for somebody."""
    events = world.sync(name, since).get("to_device", {}).get("events", [])
    return {event["type"] for event in events}


def test_to_device_messages_to_another_school(world: World) -> None:
    """A to-device message to another school is answered as always, and never arrives."""
    hidden = to_device(world, "b1", world.user("a1"), "m.attack")
    unknown = to_device(world, "b1", world.user("nobody"), "m.attack2")
    assert hidden.status == 200
    assert alike(hidden, unknown)
    assert to_device(world, "a2", world.user("a1"), "m.control").status == 200
    assert arrived(world, "a1") == {"m.control"}


def test_control_to_device_messages_inside(world: World) -> None:
    """Within a class to-device messages arrive (calls need them)."""
    assert to_device(world, "a_teacher", world.user("a2"), "m.lesson").status == 200
    assert "m.lesson" in arrived(world, "a2")


def test_rooms_in_common_with_another_school(world: World) -> None:
    """mutual_rooms says the same of a user of another school and of one who does not exist."""
    path = "/_matrix/client/v1/mutual_rooms?user_id="
    hidden = world.ask("b1", "GET", path + quote(world.user("a1")))
    unknown = world.ask("b1", "GET", path + quote(world.user("nobody")))
    assert hidden.json == {"joined": [], "count": 0}
    assert alike(hidden, unknown)
    inside = world.ask("a1", "GET", path + quote(world.user("a2")))
    assert world.rooms["a", "class", "8Б"] in inside.json["joined"]


def test_registration_is_no_oracle(world: World) -> None:
    """register/available tells nothing of which names are taken."""
    answers = [
        world.homeserver.request("GET", f"/_matrix/client/v3/register/available?username={name}")
        for name in ("ua10", "free-name")
    ]
    assert answers[0].status == 403
    assert alike(*answers)


def test_reporting_a_user_is_no_oracle(world: World) -> None:
    """A report about a user of another school is answered like one about an unknown user."""
    hidden = world.ask("b1", "POST", f"/users/{quote(world.user('a1'))}/report", {"reason": "x"})
    unknown = world.ask(
        "b1", "POST", f"/users/{quote(world.user('nobody'))}/report", {"reason": "x"}
    )
    assert hidden.status == 200
    assert alike(hidden, unknown)


def test_pusher_to_any_gateway(world: World) -> None:
    """A pusher goes to a gateway of the list only; a mail pusher never."""
    pusher = {
        "kind": "http",
        "app_id": "app",
        "app_display_name": "app",
        "device_display_name": "phone",
        "pushkey": "key",
        "lang": "ru",
        "data": {"url": "https://evil.example/_matrix/push/v1/notify"},
    }
    assert world.ask("a1", "POST", "/pushers/set", pusher).status == 403
    assert world.ask("a1", "POST", "/pushers/set", {**pusher, "kind": "email"}).status == 403
    pusher["data"] = {"url": "https://matrix.org/_matrix/push/v1/notify"}
    assert world.ask("a1", "POST", "/pushers/set", pusher).status == 200
    assert world.ask("a1", "POST", "/pushers/set", {**pusher, "kind": None}).status == 200


def test_accounts_are_not_ended_by_their_owners(world: World) -> None:
    """Nobody deactivates an account or binds a phone: ids are for ever, contacts live in the bridge (R29)."""
    assert world.ask("a1", "POST", "/account/deactivate", {}).status == 403
    for path in ("/account/3pid/add", "/account/3pid/email/requestToken", "/account/3pid/bind"):
        assert world.ask("a1", "POST", path, {}).status == 403
