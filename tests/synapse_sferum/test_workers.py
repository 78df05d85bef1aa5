"""PostgreSQL, Redis, a main process and two workers: the same rooms, the same policy and the same guard on each."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import quote

import pytest

from tests.support.configuration import NO_RATE_LIMITS
from tests.support.fleet import Fleet
from tests.support.polling import until
from tests.support.push_gateway import Gateway, push_gateway
from tests.support.rosters import everyone, person, roster, small_school
from tests.support.school import API, School
from tests.support.synapse import Homeserver, SynapseProcess

CLIENT = "/_matrix/client/v3"
PROCESSES = ("main", "worker1", "worker2")


@pytest.fixture(scope="module")
def gateway() -> Iterator[Gateway]:
    with push_gateway() as gateway:
        yield gateway


@pytest.fixture(scope="module", params=["main", "worker1"])
def server(
    homeserver: Fleet, gateway: Gateway, request: pytest.FixtureRequest
) -> Iterator[Homeserver]:
    """Rooms are filled by the main process, or by a worker; pushes are sent by another worker."""
    background = None if request.param == "main" else request.param
    with homeserver(
        module={"push_gateways": [gateway.url]},
        workers=2,
        run_background_tasks_on=background,
        overrides={
            **NO_RATE_LIMITS,
            "pusher_instances": ["worker2"],
            "ip_range_whitelist": ["127.0.0.1"],
        },
    ) as server:
        yield server


@pytest.fixture(scope="module")
def schools(server: Homeserver) -> tuple[School, School]:
    """The small school, and another with one pupil."""
    ours, theirs = School(server, "ours"), School(server, "theirs")
    for school, document in (
        (ours, small_school()),
        (theirs, roster([person("D9", "director"), person("X9", "student")], {"1А": ["X9"]})),
    ):
        school.create()
        school.apply(document)
        school.sign_in_all(everyone(document))
    ours.settle()
    theirs.settle()
    return ours, theirs


def process(server: Homeserver, name: str) -> SynapseProcess:
    """One of the three."""
    return next(p for p in server.processes if p.name == name)


@pytest.mark.integration
def test_rooms_fill_on_postgresql(schools: tuple[School, School]) -> None:
    """The small school stands on PostgreSQL as it does on SQLite, whichever process fills the rooms."""
    ours, _ = schools

    assert ours.source_ids("class", "5А") == {"P1", "P2", "P3", "T1"}
    assert ours.source_ids("class_parents", "5Б") == {"G1", "G4", "G5", "T2"}
    assert ours.source_ids("school") == set(everyone(small_school()))
    assert ours.progress()["jobs"]["dead"] == 0


@pytest.mark.integration
@pytest.mark.parametrize("name", PROCESSES)
def test_the_api_answers_on_every_process(schools: tuple[School, School], name: str) -> None:
    """Health, search and own profile are the same wherever the proxy sends the request."""
    ours, theirs = schools
    api = process(ours.server, name).api

    health = api.call("GET", f"{API}/health", ours.server.service_token)
    found = api.call("GET", f"{ours.path}/people?q=ФамилияP1", ours.token("D1"))
    other = api.request("GET", f"{ours.path}/people", theirs.token("D9"))

    assert health["guard"] == {"client": True, "federation": True}
    assert [row["source_id"] for row in found["people"]] == ["P1"]
    assert other.status == 404


@pytest.mark.integration
@pytest.mark.parametrize("name", PROCESSES)
def test_policy_and_guard_hold_on_every_process(schools: tuple[School, School], name: str) -> None:
    """An invitation, a profile and a key query across schools are refused on each process, in the school allowed."""
    ours, theirs = schools
    api = process(ours.server, name).api
    teacher, pupil = ours.accounts["T1"], ours.accounts["P1"]
    token = theirs.token("X9")

    invited = api.request("POST", f"{CLIENT}/createRoom", token, {"invite": [pupil]})
    profile = api.request("GET", f"{CLIENT}/profile/{quote(pupil)}", token)
    unknown = api.request("GET", f"{CLIENT}/profile/{quote('@nobody:school.test')}", token)
    asked: dict[str, dict[str, list[str]]] = {"device_keys": {pupil: [], "@nobody:school.test": []}}
    keys = api.call("POST", f"{CLIENT}/keys/query", token, asked)["device_keys"]
    leaving = api.request(
        "POST",
        f"{CLIENT}/rooms/{quote(ours.room_id('class', '5А'))}/leave",
        ours.token("P1"),
        {},
    )
    allowed = api.request(
        "POST", f"{CLIENT}/createRoom", ours.token("T1"), {"invite": [pupil], "is_direct": True}
    )
    own = api.call("GET", f"{CLIENT}/profile/{quote(teacher)}", ours.token("P1"))

    assert invited.status == 403
    assert (profile.status, profile.json) == (unknown.status, unknown.json)
    assert keys.get(pupil) == keys.get("@nobody:school.test")
    assert leaving.status == 403
    assert allowed.status == 200
    assert own["displayname"] == "ФамилияT1 Имя"


@pytest.mark.integration
@pytest.mark.parametrize("name", PROCESSES)
def test_broadcasts_are_told_by_every_process(schools: tuple[School, School], name: str) -> None:
    """The announcement, its change, the room of the hosts and its message, whichever process is asked."""
    ours, _ = schools
    api, token = process(ours.server, name).api, ours.server.service_token
    told = {"broadcast_id": f"of-{name}", "title": "Концерт", "link": "https://rtc.example/watch/1"}
    for stage, count in (("live", 1), ("live", 0), ("ended", 1)):
        body = {**told, "stage": stage}
        found = api.call("POST", f"{ours.path}/broadcasts/announce", token, body)
        assert found == {"written": count}
    del told["link"]
    signs = [{"user_id": ours.accounts["T1"], "sign": "hand"}]
    found = api.call("POST", f"{ours.path}/broadcasts/tell", token, {**told, "signs": signs})
    assert found == {"written": 1, "told": 1}


@pytest.mark.integration
def test_pushes_are_held_where_they_are_sent(
    schools: tuple[School, School], gateway: Gateway
) -> None:
    """R49: quiet hours that the main process was told hold the pushes of worker 2, but for «Срочно»."""
    ours, _ = schools
    main, sender = (process(ours.server, name).api for name in ("main", "worker2"))
    room, pupil, rang = ours.room_id("materials"), ours.token("P1"), gateway.rang

    def say(who: str, text: str) -> str:
        path = f"{CLIENT}/rooms/{quote(room)}/send/m.room.message/{quote(text)}"
        content = {"msgtype": "m.text", "body": text}
        return str(main.call("PUT", path, ours.token(who), content)["event_id"])

    def set_quiet(windows: object) -> None:
        body = {"level": "school", "windows": windows}
        main.call("PUT", f"{ours.path}/quiet_hours", ours.token("D1"), body)
        now = f"{ours.path}/quiet_hours/now"
        until(
            lambda: sender.call("GET", now, pupil)["quiet"] is (windows is not None),
            what="the rule on the worker that sends",
        )

    main.call("POST", f"{CLIENT}/pushers/set", pupil, gateway.pusher())
    first = say("T1", "Добрый день")
    until(lambda: first in rang, what="a push by day")
    before = len(rang)
    set_quiet([{"weekdays": list(range(7)), "begins": "00:00", "ends": "00:00"}])
    say("T1", "тихий час")
    urgent = say("D1", "Срочно! Завтра школа закрыта")
    until(lambda: urgent in rang, what="the director's push")
    set_quiet(None)
    last = say("T1", "Доброе утро")
    until(lambda: last in rang, what="a push by day again")
    assert rang[before:] == [urgent, last]


@pytest.mark.integration
def test_a_change_on_one_process_is_known_to_all(schools: tuple[School, School]) -> None:
    """A leave told to worker 2 locks the account out on the main process and on worker 1 within seconds."""
    ours, _ = schools
    token = ours.token("P6")
    for name in PROCESSES:
        process(ours.server, name).api.call("GET", f"{CLIENT}/account/whoami", token)
    process(ours.server, "worker2").api.call(
        "POST", f"{ours.path}/people/{ours.person_id('P6')}/leave", ours.server.service_token, {}
    )

    def locked_out() -> bool:
        answers = [
            process(ours.server, name).api.request("GET", f"{CLIENT}/account/whoami", token)
            for name in PROCESSES
        ]
        return all(answer.status == 403 for answer in answers)

    until(locked_out, what="the lock on every process", deadline_s=10)
    ours.settle()
    assert "P6" not in ours.source_ids("class", "5Б")
