"""A promotion in the rooms: renames, archives that are read, links, graduates, the way back, a power cut."""

from __future__ import annotations

import json
import random  # noqa: TID251 - seeded: the moments of the kills are the same in every run
import sqlite3
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from typing import Any
from urllib.parse import quote

import pytest

from tests.support.configuration import NO_RATE_LIMITS
from tests.support.fleet import Fleet
from tests.support.polling import until
from tests.support.promotions import decide
from tests.support.rosters import everyone, person, roster
from tests.support.school import School, newest_event, state_of
from tests.support.synapse import Homeserver

pytestmark = pytest.mark.integration

CLIENT = "/_matrix/client/v3"


def a_school() -> dict[str, Any]:
    """5А and 5Б with T1 and T2, 9А with T3, 11А with T4; a parent for everybody's first pupil."""
    classes = {"5А": ["A1", "A2"], "5Б": ["B1", "B2"], "9А": ["N1", "N2"], "11А": ["G1", "G2"]}
    pupils = [one for names in classes.values() for one in names]
    people = [
        person("D1", "director"),
        *(person(f"T{n}", "teacher") for n in range(1, 5)),
        *(person(one, "student", born="2009-05-05") for one in pupils),
        *(person(f"R{one}", "guardian") for one in ("A1", "B1", "N2", "G1")),
    ]
    teachers = {name: [f"T{n}"] for n, name in enumerate(classes, start=1)}
    links = [(f"R{one}", one) for one in ("A1", "B1", "N2", "G1")]
    return roster(people, classes, teachers, links)


@pytest.fixture(scope="module")
def server(homeserver: Fleet) -> Iterator[Homeserver]:
    with homeserver(module={"poll_interval_s": 0.05}, overrides=NO_RATE_LIMITS) as server:
        yield server


@pytest.fixture
def school(server: Homeserver, request: pytest.FixtureRequest) -> Iterator[School]:
    """New for each test, everybody active; a few can sign in."""
    made = School(server, request.node.name.replace("_", "-")[:40].strip("-"))
    made.create()
    made.apply(a_school())
    some = ["A1", "B2", "N1", "N2", "G1", "T1", "D1"]
    made.sign_in_all(some)
    made.activate_all([one for one in everyone(a_school()) if one not in some])
    made.settle()
    yield made
    made.abandon()


def plan_of(school: School, **more: Any) -> dict[str, Any]:
    """N1 goes on to 10А, N2 leaves; graduates stay readers."""
    names = {c["class_id"]: c["name"] for c in school.call("GET", "/classes")["classes"]}
    draft = school.call("POST", "/year/plan", {})["plan"]
    decisions: dict[str, Any] = {
        "ends": ["9А"],
        "new": {"10А": 10},
        "moves": {school.person_id("N1"): "10А"},
        "graduates_leave_on": "2099-09-01",
        "rooms_until": "2099-09-01",
    }
    return decide(draft, names, **{**decisions, **more})


def promote(school: School, plan: dict[str, Any]) -> Any:
    """Apply a plan; the rooms follow later."""
    found = school.call("POST", "/year/plan", {"plan": plan})
    assert found["ready"], found["conflicts"]
    return school.call("POST", "/year/apply", {"plan": plan, "plan_hash": found["plan_hash"]})


def events_since(server: Homeserver, number: int) -> Counter[tuple[str, str]]:
    """(room id, type) → events written after this one."""
    path = f"file:{server.directory}/homeserver.db?mode=ro"
    with closing(sqlite3.connect(path, uri=True)) as database:
        rows = database.execute(
            "SELECT room_id, type FROM events WHERE stream_ordering > ?", (number,)
        )
        return Counter((str(room_id), str(kind)) for room_id, kind in rows)


def rooms_of_classes(school: School) -> dict[tuple[str, str], Any]:
    """(kind, class id) → the row of the API."""
    rooms = school.call("GET", "/rooms")["rooms"]
    return {(r["kind"], r["ref"]): r for r in rooms if r["ref"]}


def snapshot(school: School) -> dict[str, Any]:
    """Every room that is no archive: name in Matrix, power levels, members."""
    found = {}
    path = f"file:{school.server.directory}/homeserver.db?mode=ro"
    for room in school.call("GET", "/rooms")["rooms"]:
        if room["state"] in {"archived", "archiving"}:
            continue
        with closing(sqlite3.connect(path, uri=True)) as database:
            state = database.execute(
                "SELECT c.type, j.json FROM current_state_events AS c"
                " JOIN event_json AS j ON j.event_id = c.event_id WHERE c.room_id = ?"
                " AND c.type IN ('m.room.name', 'm.room.power_levels', 'm.room.join_rules')",
                (room["room_id"],),
            ).fetchall()
        contents = {kind: json.loads(text)["content"] for kind, text in state}
        contents["m.room.power_levels"].pop(
            "historical", None
        )  # Synapse's own, at the creation only
        members = school.call("GET", f"/members?room_id={quote(room['room_id'])}")["members"]
        found[room["room_id"]] = (room["name"], contents, sorted(m["user_id"] for m in members))
    return found


def say(school: School, who: str, room_id: str, text: str) -> int:
    """The status of sending a message."""
    path = f"{CLIENT}/rooms/{quote(room_id)}/send/m.room.message/{text}"
    body = {"msgtype": "m.text", "body": text}
    return school.server.request("PUT", path, school.token(who), body).status


def test_a_rename_is_one_event(school: School) -> None:
    """R36: 5А becomes 6А: the same room, one m.room.name, no membership; what was said is still there."""
    class_id = school.class_id("5А")
    room_id = rooms_of_classes(school)["class", class_id]["room_id"]
    assert say(school, "A1", room_id, "before") == 200
    members = school.members("class", "5А")
    before = newest_event(school.server)
    promote(school, plan_of(school))
    school.settle()

    after = rooms_of_classes(school)
    assert (after["class", class_id]["room_id"], after["class", class_id]["name"]) == (
        room_id,
        "6А",
    )
    assert school.members("class", "6А") == members
    written = events_since(school.server, before)
    for kind in ("class", "class_parents"):
        here = after[kind, class_id]["room_id"]
        assert {t: n for (r, t), n in written.items() if r == here} == {"m.room.name": 1}
    history = school.server.call(
        "GET", f"{CLIENT}/rooms/{quote(room_id)}/messages?dir=b&limit=50", school.token("A1")
    )
    assert "before" in str(history)
    assert say(school, "A1", room_id, "after") == 200


def test_an_ended_class_is_read_and_linked(school: School) -> None:
    """N1 reads the room of 9А and writes in that of 10А, which links to it; N2, who has left, is in neither."""
    ninth = rooms_of_classes(school)["class", school.class_id("9А")]["room_id"]
    promote(school, plan_of(school))
    school.settle()

    tenth = school.room_id("class", "10А")
    state = state_of(school.server, tenth, school.token("N1"))
    assert ninth in state["m.room.topic", ""]["topic"]
    assert "9А · 2026/2027" in state["m.room.topic", ""]["topic"]
    old = state_of(school.server, ninth, school.token("N1"))
    assert old["m.room.name", ""]["name"] == "9А · 2026/2027"
    assert say(school, "N1", ninth, "late") == 403
    assert say(school, "N1", tenth, "hello") == 200
    assert school.source_ids("class", "10А") == {"N1"}
    path = f"/members?room_id={quote(ninth)}"
    ids = {row["user_id"] for row in school.call("GET", path)["members"]}
    assert ids == {school.accounts[one] for one in ("N1", "T3")}
    gone = school.server.request("GET", f"{CLIENT}/joined_rooms", school.token("N2"))
    assert gone.status in {401, 403}


def test_graduates_read_until_their_day_and_the_rooms_go(school: School) -> None:
    """Read-only while they are here; then they and their parents leave; the rooms go once undo is over."""
    room_id = rooms_of_classes(school)["class", school.class_id("11А")]["room_id"]
    promote(school, plan_of(school))
    school.settle()
    messages = f"{CLIENT}/rooms/{quote(room_id)}/messages?dir=b&limit=10"
    assert school.server.request("GET", messages, school.token("G1")).status == 200
    assert say(school, "G1", room_id, "late") == 403

    database = school.server.directory / "homeserver.db"
    with closing(sqlite3.connect(database, timeout=30)) as connection, connection:
        for statement in (
            "UPDATE sferum_people SET leaves_on = '2026-09-01' WHERE org_id = ? AND leaves_on <> ''",
            "UPDATE sferum_classes SET rooms_until = '2026-09-01'"
            " WHERE org_id = ? AND rooms_until <> ''",
        ):
            connection.execute(statement, (school.org_id,))

    def statuses() -> set[str]:
        path = "/people/{}"
        return {
            school.call("GET", path.format(school.person_id(one)))["status"]
            for one in ("G1", "G2", "RG1")
        }

    until(lambda: statuses() == {"left"}, what="graduates to leave", deadline_s=40)
    school.settle()
    assert ("class", school.class_id("11А")) in rooms_of_classes(school)
    listed = roster([person("X1", "student")], {}, covers=[])
    listed["school_year"] = "2027/2028"
    school.apply(listed)
    ended = {school.class_id("9А"), school.class_id("11А")}
    until(
        lambda: ended.isdisjoint({ref for _, ref in rooms_of_classes(school)}),
        what="old rooms to be removed",
        deadline_s=90,
    )
    rows = events_since(school.server, 0)
    assert room_id not in {room for room, _ in rows}
    space = state_of(school.server, school.room_id("school"), school.token("D1"))
    assert not space["m.space.child", room_id]
    assert school.source_ids("class", "6А") == {"A1", "A2", "T1"}


def test_undone_the_rooms_are_those_of_before(school: School) -> None:
    """R37: names, power levels and members of every room are the same; the new class's room holds nobody."""
    before = snapshot(school)
    promote(school, plan_of(school))
    school.settle()
    tenth = school.room_id("class", "10А")
    assert snapshot(school) != before
    undone = school.call("POST", "/year/undo", {})
    assert (undone["undone"], undone["exact"]) == (True, True)
    school.settle()

    assert snapshot(school) == before
    assert school.call("GET", f"/members?room_id={quote(tenth)}")["members"] == []
    ninth = rooms_of_classes(school)["class", school.class_id("9А")]["room_id"]
    assert say(school, "N1", ninth, "again") == 200
    again = promote(school, plan_of(school))
    assert again["applied"]
    school.settle()
    assert school.room_id("class", "10А") == tenth
    assert school.source_ids("class", "10А") == {"N1"}


def test_two_classes_become_one(school: School) -> None:
    """R36: both rooms can be read and not written in, the new one has everybody and links to both."""
    rooms = rooms_of_classes(school)
    old = [rooms["class", school.class_id(name)]["room_id"] for name in ("5А", "5Б")]
    promote(school, plan_of(school, becomes={"5А": "6А", "5Б": "6А"}))
    school.settle()

    new = school.room_id("class", "6А")
    assert new not in old
    assert school.source_ids("class", "6А") == {"A1", "A2", "B1", "B2", "T1", "T2"}
    assert school.source_ids("class_parents", "6А") == {"RA1", "RB1", "T1", "T2"}
    topic = state_of(school.server, new, school.token("A1"))["m.room.topic", ""]["topic"]
    assert all(room_id in topic for room_id in old)
    assert say(school, "A1", old[0], "late") == 403
    messages = f"{CLIENT}/rooms/{quote(old[0])}/messages?dir=b&limit=10"
    assert school.server.request("GET", messages, school.token("A1")).status == 200


def test_who_comes_into_another_class_sees_it_from_now_on(school: School) -> None:
    """R38: A1 goes into the other class: its room is read from then on, without what was said there before."""
    fifth = rooms_of_classes(school)["class", school.class_id("5Б")]["room_id"]
    text = {"msgtype": "m.text", "body": "only ours"}
    path = f"{CLIENT}/rooms/{quote(fifth)}/send/m.room.message/1"
    assert school.server.request("PUT", path, school.token("B2"), text).status == 200
    repeats = {school.person_id("N1"): "10А", school.person_id("A1"): "6Б"}
    promote(school, plan_of(school, moves=repeats))
    school.settle()

    assert "A1" in school.source_ids("class", "6Б") - school.source_ids("class", "6А")
    assert "RA1" in school.source_ids("class_parents", "6Б")
    messages = f"{CLIENT}/rooms/{quote(fifth)}/messages?dir=b&limit=50"
    seen = school.server.call("GET", messages, school.token("A1"))
    assert "only ours" not in str(seen)


def test_a_substitute_comes_and_goes(school: School) -> None:
    """T4 is in both rooms of 5А with the power of a class teacher, and out of them after the last day."""
    path = f"/classes/{school.class_id('5А')}/substitute"
    school.call("PUT", path, {"person_id": school.person_id("T4"), "until": school.day(30)})
    school.settle()
    for kind in ("class", "class_parents"):
        assert {"T1", "T4"} <= school.source_ids(kind, "5А")
    levels = state_of(school.server, school.room_id("class", "5А"), school.token("A1"))
    power = levels["m.room.power_levels", ""]["users"]
    assert power[school.accounts["T4"]] == power[school.accounts["T1"]] == 50

    database = school.server.directory / "homeserver.db"
    with closing(sqlite3.connect(database, timeout=30)) as connection, connection:
        connection.execute(
            "UPDATE sferum_enrolments SET until = '2026-01-01' WHERE person_id = ? AND until <> ''",
            (school.person_id("T4"),),
        )
    until(
        lambda: "T4" not in school.source_ids("class", "5А"),
        what="the substitute to go",
        deadline_s=40,
    )
    school.settle()
    assert "T1" in school.source_ids("class", "5А")
    assert "T4" not in school.source_ids("class_parents", "5А")


def test_kill_9_in_the_middle_of_a_promotion(homeserver: Fleet) -> None:
    """Killed again and again while the rooms follow, there and back: each time all ends as if nothing had happened."""
    chance = random.Random(87)  # noqa: S311 - not a secret
    server = homeserver(module={"poll_interval_s": 0.05}, overrides=NO_RATE_LIMITS)
    school = School(server, "year-crash")
    school.create()
    school.apply(a_school())
    school.activate_all(everyone(a_school()))
    school.settle()
    before = snapshot(school)
    plan = plan_of(school)
    found = school.call("POST", "/year/plan", {"plan": plan})
    body = {"plan": plan, "plan_hash": found["plan_hash"]}

    def cut(times: int) -> None:
        for _ in range(times):
            goal = newest_event(server) + chance.randint(1, 6)

            def further(goal: int = goal) -> bool:
                return newest_event(server) >= goal or bool(school.progress()["settled"])

            until(further, what="some progress", deadline_s=60, steady=True)
            server.kill()
            server.start()

    assert school.call("POST", "/year/apply", body)["applied"]
    cut(3)
    assert not school.call("POST", "/year/apply", body)["applied"]
    school.settle()
    after = snapshot(school)
    assert {name for name, _, _ in after.values()} >= {"6А", "6Б", "10А"}
    assert school.source_ids("class", "10А") == {"N1"}
    assert school.source_ids("class", "6А") == {"A1", "A2", "T1"}

    school.call("POST", "/year/undo", {})
    cut(3)
    assert not school.call("POST", "/year/undo", {})["undone"]
    school.settle()
    assert snapshot(school) == before
