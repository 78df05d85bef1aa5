"""The accounts that are nobody's at school: made at start, without a password, through an application service only."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import quote

import pytest

from tests.support.accounts import PASSWORD, Account
from tests.support.configuration import NO_RATE_LIMITS
from tests.support.fleet import Fleet
from tests.support.http import Response
from tests.support.polling import until
from tests.support.rosters import person, roster
from tests.support.school import School
from tests.support.synapse import Homeserver

pytestmark = pytest.mark.integration

ADMIN = "/_synapse/admin"
CLIENT = "/_matrix/client/v3"
PHONE = "79161234567"


@pytest.fixture(scope="module")
def server(homeserver: Fleet) -> Iterator[Homeserver]:
    made = homeserver(appservice=True, module={"poll_interval_s": 0.05}, overrides=NO_RATE_LIMITS)
    made.wait_for_own_accounts()
    yield made
    made.stop()


def office() -> dict[str, Any]:
    """A director, a deputy, a teacher and a pupil."""
    people = [
        person("D1", "director"),
        person("Z1", "deputy"),
        person("T1", "teacher"),
        person("P1", "student", born="2010-05-05"),
    ]
    return roster(people, {"5А": ["P1"]}, {"5А": ["T1"]})


def open_school(server: Homeserver, org_id: str, **settings: Any) -> School:
    """A school in which all four are signed in, its rooms filled."""
    school = School(server, org_id)
    school.create(**settings)
    school.apply(office())
    school.sign_in_all(["D1", "Z1", "T1", "P1"])
    school.settle()
    return school


@pytest.fixture(scope="module")
def school(server: Homeserver) -> School:
    return open_school(server, "office")


@pytest.fixture(scope="module")
def bot(server: Homeserver) -> Account:
    return server.login_bot(device_id="BOT")


@pytest.fixture
def quiet() -> Iterator[None]:
    """No log lines of the test's own HTTP client: they hold the address that is asked for."""
    logger = logging.getLogger("httpx")
    before = logger.level
    logger.setLevel(logging.WARNING)
    yield
    logger.setLevel(before)


def admin(server: Homeserver, method: str, path: str, body: Any = None) -> Response:
    """A call of Synapse's admin API with the application service's token."""
    return server.request(method, ADMIN + path, server.as_token, body)


def joined(server: Homeserver, user_id: str) -> set[str]:
    """Rooms an account is joined to, as its admin sees it."""
    return set(admin(server, "GET", f"/v1/users/{user_id}/joined_rooms").json["joined_rooms"])


def send(
    server: Homeserver, token: str, room_id: str, content: Mapping[str, Any], kind: str, txn: str
) -> Response:
    path = f"{CLIENT}/rooms/{quote(room_id)}/send/{kind}/{txn}"
    return server.request("PUT", path, token, dict(content))


# --- what they are


def test_both_are_made(server: Homeserver) -> None:
    """The bridge's account is a server administrator, the bot is not; both have a name."""
    for user_id, is_admin in ((server.bridge_user, True), (server.staff_bot, False)):
        found = admin(server, "GET", f"/v2/users/{user_id}").json
        assert (found["admin"], found["deactivated"]) == (is_admin, False)
        assert found["displayname"]


def test_nobody_signs_in_as_one_with_a_password(server: Homeserver) -> None:
    """Not without a password, and not with one that somebody has set."""
    login = {"type": "m.login.password", "password": PASSWORD}
    for user_id in (server.bridge_user, server.staff_bot):
        body = {**login, "identifier": {"type": "m.id.user", "user": user_id}}
        assert server.request("POST", f"{CLIENT}/login", json=body).status == 403
        changed = {"new_password": PASSWORD, "logout_devices": False}
        assert admin(server, "POST", f"/v1/reset_password/{user_id}", changed).status == 200
        assert server.request("POST", f"{CLIENT}/login", json=body).status == 403


def test_the_token_speaks_for_nobody_else(server: Homeserver, school: School) -> None:
    """It signs in the bot and no person; as the bridge's account it sees no room and no person."""
    body = {
        "type": "m.login.application_service",
        "identifier": {"type": "m.id.user", "user": school.accounts["D1"]},
    }
    assert server.request("POST", f"{CLIENT}/login", server.as_token, body).status == 403
    masked = f"{CLIENT}/account/whoami?user_id={quote(school.accounts['D1'])}"
    assert server.request("GET", masked, server.as_token).status == 403
    profile = f"{CLIENT}/profile/{quote(school.accounts['P1'])}"
    assert server.request("GET", profile, server.as_token).status == 404
    created = server.request("POST", f"{CLIENT}/createRoom", server.as_token, {})
    assert created.status == 403


def test_a_person_never_has_one_of_them(server: Homeserver, school: School) -> None:
    """Activation with an account of our own is refused."""
    path = f"/people/{school.person_id('P1')}/activate"
    for user_id in (server.bridge_user, server.staff_bot):
        refused = school.request("POST", path, {"user_id": user_id})
        assert (refused.status, refused.errcode) == (409, "SFERUM_OTHER_PROFILE")


# --- what the bridge does with its account


@pytest.mark.usefixtures("quiet")
def test_the_bridge_manages_an_applicants_account(server: Homeserver) -> None:
    """An account that is nobody's at school yet: made, given contacts, found by them, signed out, erased."""
    user_id = f"@uapplicant:{server.server_name}"
    contacts = {"threepids": [{"medium": "msisdn", "address": PHONE}]}
    body = {"displayname": "Ф И", "password": PASSWORD, **contacts}
    assert admin(server, "PUT", f"/v2/users/{user_id}", body).status == 201
    found = admin(server, "GET", f"/v2/users/{user_id}").json
    assert [one["address"] for one in found["threepids"]] == [PHONE]
    owner = admin(server, "GET", f"/v1/threepid/msisdn/users/{PHONE}")
    assert owner.json == {"user_id": user_id}
    new = {"new_password": PASSWORD + "2", "logout_devices": True}
    assert admin(server, "POST", f"/v1/reset_password/{user_id}", new).status == 200
    assert admin(server, "GET", f"/v2/users/{user_id}/devices").json["total"] == 0
    gone = admin(server, "POST", f"/v1/deactivate/{user_id}", {"erase": True})
    assert gone.status == 200, gone.json
    assert admin(server, "GET", f"/v1/threepid/msisdn/users/{PHONE}").status == 404
    erased = admin(server, "GET", f"/v2/users/{user_id}").json
    assert (erased["deactivated"], erased["erased"], erased["displayname"]) == (True, True, None)


@pytest.mark.usefixtures("quiet")
def test_the_bridge_manages_a_persons_account(server: Homeserver) -> None:
    """The same for somebody of a school: contacts without touching the password, devices, and the end."""
    school = open_school(server, "managed")
    user_id = school.accounts["P1"]
    contacts = {"threepids": [{"medium": "email", "address": "p1@school.test"}]}
    assert admin(server, "PUT", f"/v2/users/{user_id}", contacts).status == 200
    found = admin(server, "GET", "/v1/threepid/email/users/p1@school.test")
    assert found.json == {"user_id": user_id}
    second = server.login(user_id)
    listed = admin(server, "GET", f"/v2/users/{user_id}/devices").json["devices"]
    assert len(listed) == 2
    devices = {"devices": [second.device_id]}
    assert admin(server, "POST", f"/v2/users/{user_id}/delete_devices", devices).status == 200
    assert server.request("GET", f"{CLIENT}/account/whoami", second.access_token).status == 401
    assert server.request("GET", f"{CLIENT}/account/whoami", school.token("P1")).status == 200
    school.call("POST", f"/people/{school.person_id('P1')}/erase", {})
    school.settle()
    assert joined(server, user_id) == set()
    assert admin(server, "POST", f"/v1/deactivate/{user_id}", {"erase": True}).status == 200
    assert admin(server, "GET", "/v1/threepid/email/users/p1@school.test").status == 404


# --- what the bot is


def test_the_bot_is_in_the_administration_room_only(
    server: Homeserver, school: School, bot: Account
) -> None:
    """One room of each open school; `why` has the reason; it is no member that a class teacher exports."""
    room_id = school.room_id("administration")
    mine = {room["room_id"] for room in school.rooms().values()}
    assert joined(server, server.staff_bot) & mine == {room_id}
    reason = school.call("GET", f"/why?room_id={quote(room_id)}&user_id={server.staff_bot}")
    assert (reason["required"], reason["power"], reason["membership"]) == (True, 0, "join")
    assert reason["reasons"][0]["reason"] == "staff_bot"
    assert server.staff_bot not in school.members("administration")
    sync = server.call("GET", f"{CLIENT}/sync", bot.access_token)
    assert room_id in sync["rooms"]["join"]


def test_the_bot_talks_with_the_administration(school: School, bot: Account) -> None:
    """It writes, edits, reacts and takes its own words back; it reads what was said there, and is answered."""
    server, room_id = school.server, school.room_id("administration")
    hello = send(server, bot.access_token, room_id, text("Новая заявка"), "m.room.message", "1")
    assert hello.status == 200, hello.json
    event_id = hello.json["event_id"]
    relation = {"rel_type": "m.annotation", "event_id": event_id, "key": "✅"}
    for token, txn in ((bot.access_token, "2"), (school.token("D1"), "3")):
        react = {"m.relates_to": relation}
        assert send(server, token, room_id, react, "m.reaction", txn).status == 200
    edit = {**text("* Новая"), "m.new_content": text("Новая")}
    edit |= {"m.relates_to": {"rel_type": "m.replace", "event_id": event_id}}
    assert send(server, bot.access_token, room_id, edit, "m.room.message", "4").status == 200
    answer = send(server, school.token("Z1"), room_id, text("Спасибо"), "m.room.message", "5")
    seen = f"{CLIENT}/rooms/{quote(room_id)}/event/{quote(answer.json['event_id'])}"
    assert server.call("GET", seen, bot.access_token)["content"]["body"] == "Спасибо"
    redact = f"{CLIENT}/rooms/{quote(room_id)}/redact/{quote(event_id)}/6"
    assert server.request("PUT", redact, bot.access_token, {}).status == 200
    other = f"{CLIENT}/rooms/{quote(room_id)}/redact/{quote(answer.json['event_id'])}/7"
    assert server.request("PUT", other, bot.access_token, {}).status == 403


def text(body: str) -> dict[str, str]:
    return {"msgtype": "m.text", "body": body}


def test_the_bot_changes_nothing(school: School, bot: Account) -> None:
    """It cannot leave, invite, rename, or write anywhere else; it makes no room of its own."""
    server, token, room_id = school.server, bot.access_token, school.room_id("administration")
    room = f"{CLIENT}/rooms/{quote(room_id)}"
    assert server.request("POST", f"{room}/leave", token, {}).status == 403
    invite = {"user_id": school.accounts["T1"]}
    assert server.request("POST", f"{room}/invite", token, invite).status == 403
    topic = server.request("PUT", f"{room}/state/m.room.topic", token, {"topic": "x"})
    assert topic.status == 403
    marker = send(server, token, room_id, {}, "org.sferum.room", "8")
    assert marker.status == 403
    assert server.request("POST", f"{CLIENT}/createRoom", token, {}).status == 403
    staff = school.room_id("staff")
    for path in (f"/join/{quote(staff)}", f"/rooms/{quote(staff)}/join"):
        assert server.request("POST", CLIENT + path, token, {}).status == 403
    assert send(server, token, staff, text("x"), "m.room.message", "9").status == 403
    search = {"search_term": "Имя"}
    found = server.call("POST", f"{CLIENT}/user_directory/search", token, search)
    assert found["results"] == []


def test_only_the_administration_sees_the_bot(school: School, bot: Account) -> None:
    """Profile and devices are the office's; teachers and pupils get the answer for somebody who does not exist."""
    server = school.server
    keys = upload_keys(server, bot)
    profile = f"{CLIENT}/profile/{quote(bot.user_id)}"
    query: dict[str, Any] = {"device_keys": {bot.user_id: []}}
    for who, sees in (("D1", True), ("Z1", True), ("T1", False), ("P1", False)):
        token = school.token(who)
        assert server.request("GET", profile, token).status == (200 if sees else 404), who
        answer = server.call("POST", f"{CLIENT}/keys/query", token, query)
        expected = {bot.device_id: keys} if sees else {}
        seen = answer["device_keys"][bot.user_id]
        assert {device: found["keys"] for device, found in seen.items()} == expected, who
        claim = {"one_time_keys": {bot.user_id: {bot.device_id: "signed_curve25519"}}}
        claimed = server.call("POST", f"{CLIENT}/keys/claim", token, claim)["one_time_keys"]
        assert (bot.user_id in claimed) == sees, who
        create = {"invite": [bot.user_id]}
        assert server.request("POST", f"{CLIENT}/createRoom", token, create).status == 403, who
    own = server.call("POST", f"{CLIENT}/keys/query", bot.access_token, query)["device_keys"]
    assert own[bot.user_id][bot.device_id]["keys"] == keys
    director = f"{CLIENT}/profile/{quote(school.accounts['D1'])}"
    pupil = f"{CLIENT}/profile/{quote(school.accounts['P1'])}"
    assert server.request("GET", director, bot.access_token).status == 200
    assert server.request("GET", pupil, bot.access_token).status == 404


def upload_keys(server: Homeserver, account: Account) -> dict[str, str]:
    """Device keys and two one-time keys; only their names are real."""
    keys = {f"{kind}:{account.device_id}": "A" * 43 for kind in ("curve25519", "ed25519")}
    signature = {account.user_id: {f"ed25519:{account.device_id}": "A" * 86}}
    body = {
        "device_keys": {
            "user_id": account.user_id,
            "device_id": account.device_id,
            "algorithms": ["m.olm.v1.curve25519-aes-sha2", "m.megolm.v1.aes-sha2"],
            "keys": keys,
            "signatures": signature,
        },
        "one_time_keys": {
            f"signed_curve25519:AAAAA{n}": {"key": "A" * 43, "signatures": signature}
            for n in "ABCD"
        },
    }
    server.call("POST", f"{CLIENT}/keys/upload", account.access_token, body)
    return keys


def test_keys_travel_between_bot_and_administration(server: Homeserver, bot: Account) -> None:
    """In an encrypted administration room: to-device messages both ways, to nobody else, and encrypted events."""
    school = open_school(server, "sealed", encrypted_kinds=["administration"])
    room_id = school.room_id("administration")
    state = server.call(
        "GET", f"{CLIENT}/rooms/{quote(room_id)}/state/m.room.encryption", bot.access_token
    )
    assert state["algorithm"] == "m.megolm.v1.aes-sha2"
    for who in ("D1", "T1"):
        upload_keys(server, school.signed_in[who])
    sealed = {"algorithm": "m.megolm.v1.aes-sha2", "ciphertext": "x", "session_id": "s"}
    assert send(server, bot.access_token, room_id, sealed, "m.room.encrypted", "10").status == 200
    director, teacher = school.signed_in["D1"], school.signed_in["T1"]
    assert to_device(server, bot, director, "a")
    assert to_device(server, director, bot, "b")
    assert not to_device(server, bot, teacher, "c")
    assert not to_device(server, teacher, bot, "d")
    query: dict[str, Any] = {"device_keys": {director.user_id: [], teacher.user_id: []}}
    found = server.call("POST", f"{CLIENT}/keys/query", bot.access_token, query)["device_keys"]
    assert set(found[director.user_id]) == {director.device_id}
    assert found[teacher.user_id] == {}


def to_device(server: Homeserver, sender: Account, receiver: Account, word: str) -> bool:
    """Send one to-device message; whether the receiver gets it."""
    since = server.call("GET", f"{CLIENT}/sync", receiver.access_token)["next_batch"]
    body = {"messages": {receiver.user_id: {receiver.device_id: {"word": word}}}}
    path = f"{CLIENT}/sendToDevice/test.word/{word}-{sender.device_id}"
    server.call("PUT", path, sender.access_token, body)
    sync = server.call("GET", f"{CLIENT}/sync?since={since}", receiver.access_token)
    events = sync.get("to_device", {}).get("events", [])
    return word in {event["content"]["word"] for event in events}


# --- over time


def reconfigure(server: Homeserver, **options: Any) -> None:
    """Start the server again with other options of the module."""
    config = json.loads(json.dumps(server.config))
    config["modules"][0]["config"] |= options
    (server.directory / "homeserver.yaml").write_text(json.dumps(config), "utf-8")
    server.restart()


@pytest.mark.parametrize("postgres", [False, True], ids=["sqlite", "postgres"])
def test_schools_from_before_get_the_bot(homeserver: Fleet, postgres: bool) -> None:
    """An upgrade brings it into every open school without an edit, with the history; another name replaces it."""
    server = homeserver(
        appservice=True,
        postgres=postgres,
        module={"poll_interval_s": 0.05, "staff_bot": ""},
        overrides=NO_RATE_LIMITS,
    )
    school, closed = open_school(server, "before"), open_school(server, "closed")
    closed.call("PATCH", "", {"status": "closed"})
    closed.settle()
    room_id = school.room_id("administration")
    said = send(server, school.token("D1"), room_id, text("раньше"), "m.room.message", "1")
    reconfigure(server, staff_bot="sferum-bot")
    server.wait_for_own_accounts()
    bot = server.login_bot()
    until(lambda: joined(server, bot.user_id) == {room_id}, what="the bot in its room")
    event = f"{CLIENT}/rooms/{quote(room_id)}/event/{quote(said.json['event_id'])}"
    assert server.call("GET", event, bot.access_token)["content"]["body"] == "раньше"
    school.call("PATCH", "", {"status": "closed"})
    until(lambda: joined(server, bot.user_id) == set(), what="the end of the room")
    school.call("PATCH", "", {"status": "open"})
    until(lambda: joined(server, bot.user_id) == {room_id}, what="its return")
    reconfigure(server, staff_bot="")
    until(lambda: joined(server, bot.user_id) == set(), what="its end")


def test_the_bridge_stays_an_administrator(homeserver: Fleet) -> None:
    """Whoever takes the right away by mistake finds it back after the next start."""
    server = homeserver(appservice=True)
    server.wait_for_own_accounts()
    operator = server.register("operator", admin=True)
    path = f"{ADMIN}/v1/users/{server.bridge_user}/admin"
    reconfigure(server, operator_users=[operator.user_id])
    # The second start looks after its accounts in the background; only then the right stays away.
    until(lambda: server.log_text().count("sferum is ready") == 2, what="the second start")
    server.call("PUT", path, operator.access_token, {"admin": False})
    assert admin(server, "GET", f"/v2/users/{server.staff_bot}").status == 403
    server.restart()
    server.wait_for_own_accounts()


def test_a_persons_account_is_never_made_an_administrator(homeserver: Fleet) -> None:
    """A pupil's account named by a typing error in homeserver.yaml gets nothing; the log says so."""
    server = homeserver(module={"poll_interval_s": 0.05}, overrides=NO_RATE_LIMITS)
    school = open_school(server, "typo")
    account = server.register("anna-ivanova")
    school.call("POST", "/people", {**newcomer(), "source_id": "a1"})
    found = school.call("GET", "/people?source=application&source_id=a1")["people"]
    path = f"/people/{found[0]['person_id']}/activate"
    school.call("POST", path, {"user_id": account.user_id})
    reconfigure(server, bridge_user="anna-ivanova")
    until(lambda: "nothing is given to it" in server.log_text(), what="the warning")
    assert server.request("GET", f"{ADMIN}/v2/users", account.access_token).status == 403


def newcomer() -> dict[str, Any]:
    """A record of an application, without its number."""
    return {
        "source": "application",
        "family_name": "Ф",
        "given_name": "И",
        "roles": ["guardian"],
    }


def test_a_worker_makes_them(homeserver: Fleet) -> None:
    """Where a worker runs the background tasks, it makes both accounts, and all processes know at once."""
    server = homeserver(
        appservice=True,
        module={},
        workers=1,
        run_background_tasks_on="worker1",
        overrides=NO_RATE_LIMITS,
    )
    server.wait_for_own_accounts()
    school, bot = open_school(server, "workers"), server.login_bot()
    room_id = school.room_id("administration")
    assert joined(server, bot.user_id) == {room_id}
    for number, process in enumerate(server.processes):
        path = f"{CLIENT}/rooms/{quote(room_id)}/send/m.room.message/w{number}"
        answer = process.api.request("PUT", path, bot.access_token, text("Здравствуйте"))
        assert answer.status == 200, process.name
