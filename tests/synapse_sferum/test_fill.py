"""Rooms that fill themselves: who is where, what they may do there, and how a change of the directory arrives."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from urllib.parse import quote

import pytest

from tests.support.configuration import NO_RATE_LIMITS
from tests.support.fleet import Fleet
from tests.support.polling import until
from tests.support.rosters import everyone, small_school
from tests.support.school import School, newest_event, state_of
from tests.support.synapse import Homeserver

CLIENT = "/_matrix/client/v3"


@pytest.fixture(scope="module")
def server(homeserver: Fleet) -> Iterator[Homeserver]:
    with homeserver(module={}, overrides=NO_RATE_LIMITS) as server:
        yield server


def full_school(server: Homeserver, org_id: str) -> School:
    """A small school with everybody in it."""
    school = School(server, org_id)
    school.create()
    school.apply(small_school())
    school.sign_in_all(everyone(small_school()))
    school.settle()
    return school


@pytest.fixture(scope="module")
def quiet_school(server: Homeserver) -> School:
    """For tests that change nothing."""
    return full_school(server, "quiet")


@pytest.fixture
def school(server: Homeserver, request: pytest.FixtureRequest) -> School:
    """New for each test."""
    return full_school(server, request.node.name.replace("_", "-")[:40].strip("-"))


def put(school: School, source_id: str, what: str, json: object) -> None:
    """A change of one person."""
    school.call(
        "PUT" if what == "roles" else "POST", f"/people/{school.person_id(source_id)}/{what}", json
    )


def test_every_room_holds_exactly_its_people(quiet_school: School) -> None:
    """Staff room, class, parents and school-wide rooms have the members of R21, R22, R23 and R26, and nobody else."""
    staff = {"D1", "D2", "D3", "T1", "T2", "T3"}

    assert quiet_school.source_ids("class", "5А") == {"P1", "P2", "P3", "T1"}
    assert quiet_school.source_ids("class", "5Б") == {"P4", "P5", "P6", "T2"}
    assert quiet_school.source_ids("class_parents", "5А") == {"G1", "G2", "G3", "T1"}
    assert quiet_school.source_ids("class_parents", "5Б") == {"G1", "G4", "G5", "T2"}
    assert quiet_school.source_ids("staff") == staff
    assert quiet_school.source_ids("administration") == {"D1", "D2", "D3"}
    for kind in ("school", "announcements", "materials"):
        assert quiet_school.source_ids(kind) == set(everyone(small_school()))


def test_power_levels_names_and_marker(quiet_school: School) -> None:
    """Director and deputies have 100, the class teacher 50, others 0; the marker, the name and the space link
    are there."""
    token = quiet_school.token("T1")
    class_room = state_of(quiet_school.server, quiet_school.room_id("class", "5А"), token)
    staff_room = state_of(quiet_school.server, quiet_school.room_id("staff"), token)
    space = state_of(quiet_school.server, quiet_school.room_id("school"), token)
    director, deputy = quiet_school.accounts["D1"], quiet_school.accounts["D2"]

    assert class_room["m.room.power_levels", ""]["users"] == {quiet_school.accounts["T1"]: 50}
    assert staff_room["m.room.power_levels", ""]["users"][director] == 100
    assert staff_room["m.room.power_levels", ""]["users"][deputy] == 100
    assert class_room["m.room.name", ""]["name"] == "5А"
    assert class_room["m.room.join_rules", ""]["join_rule"] == "invite"
    assert class_room["m.room.create", ""]["m.federate"] is False
    assert class_room["org.sferum.room", ""] == {
        "org_id": quiet_school.org_id,
        "kind": "class",
        "ref": quiet_school.class_id("5А"),
    }
    assert ("m.space.child", quiet_school.room_id("class", "5А")) in space
    assert ("m.room.encryption", "") not in class_room


def test_a_second_import_writes_nothing(quiet_school: School) -> None:
    """The same list again changes no record, queues no job and writes no event (R21)."""
    before = newest_event(quiet_school.server)

    assert quiet_school.apply(small_school())["applied"] is False
    quiet_school.call("POST", "/reconcile", {})
    quiet_school.settle()

    assert newest_event(quiet_school.server) == before


def test_a_move_takes_pupil_and_parents_along(school: School) -> None:
    """R40: the pupil is out of the old room and in the new one, and the parents follow."""
    old, new = school.class_id("5А"), school.class_id("5Б")
    put(school, "P2", "move", {"from_class_id": old, "to_class_id": new})
    school.settle()

    assert school.source_ids("class", "5А") == {"P1", "P3", "T1"}
    assert school.source_ids("class", "5Б") == {"P2", "P4", "P5", "P6", "T2"}
    assert school.source_ids("class_parents", "5А") == {"G1", "G2", "T1"}
    assert school.source_ids("class_parents", "5Б") == {"G1", "G3", "G4", "G5", "T2"}


def test_a_leaver_loses_every_room_and_a_return_gives_them_back(school: School) -> None:
    """R14, R29: leaving ends every membership and locks the account; coming back restores all of it."""
    token = school.token("P1")
    put(school, "P1", "leave", {"reason": "moved away"})
    school.settle()

    assert "P1" not in school.source_ids("class", "5А") | school.source_ids("school")
    assert school.server.request("GET", f"{CLIENT}/joined_rooms", token).status == 403

    put(school, "P1", "activate", {})
    school.settle()

    assert "P1" in school.source_ids("class", "5А") & school.source_ids("school")
    joined = school.server.call("GET", f"{CLIENT}/joined_rooms", token)["joined_rooms"]
    assert set(joined) == {
        school.room_id(*key)
        for key in (("school", ""), ("announcements", ""), ("materials", ""), ("class", "5А"))
    }


def test_a_role_is_changed_in_place(school: School) -> None:
    """R31, R22: a deputy who becomes a teacher keeps the account and is demoted; R33 guards the last administrator."""
    put(school, "D2", "roles", {"roles": ["teacher"], "reason": "steps down"})
    school.settle()
    levels = state_of(school.server, school.room_id("staff"), school.token("D1"))

    assert school.accounts["D2"] not in levels["m.room.power_levels", ""]["users"]
    assert school.source_ids("administration") == {"D1", "D3"}
    put(school, "D3", "leave", {"reason": ""})
    last = school.request("POST", f"/people/{school.person_id('D1')}/leave", {"reason": ""})
    assert (last.status, last.errcode) == (409, "SFERUM_LAST_ADMINISTRATOR")


def test_nobody_leaves_a_room_of_the_list(quiet_school: School) -> None:
    """R25: the refusal says that membership comes from the school list; the member stays."""
    token = quiet_school.token("P1")
    room_id = quote(quiet_school.room_id("class", "5А"))
    refused = quiet_school.server.request("POST", f"{CLIENT}/rooms/{room_id}/leave", token, {})

    assert refused.status == 403
    assert "school list" in refused.json["error"]
    assert "P1" in quiet_school.source_ids("class", "5А")


def test_nobody_burns_an_account(quiet_school: School) -> None:
    """R29: deactivating one's own account is refused, before any password is asked; the account goes on working."""
    token = quiet_school.token("P3")
    refused = quiet_school.server.request("POST", f"{CLIENT}/account/deactivate", token, {})
    still = quiet_school.server.request("GET", f"{CLIENT}/account/whoami", token)

    assert refused.status == 403
    assert still.status == 200


def test_a_restricted_parent_has_no_room(school: School) -> None:
    """R34: the link stays on record, the parents' room is closed to that parent, other children's rooms are not."""
    body = {
        "guardian_id": school.person_id("G1"),
        "student_id": school.person_id("P1"),
        "status": "restricted",
    }
    school.call("PUT", "/guardianships", body)
    school.settle()

    assert "G1" not in school.source_ids("class_parents", "5А")
    assert "G1" in school.source_ids("class_parents", "5Б")


def test_a_class_that_is_gone_becomes_an_archive(school: School) -> None:
    """A closed class's room stays readable for its members and takes no more messages."""
    document = small_school()
    document["classes"] = [row for row in document["classes"] if row["name"] == "5А"]
    for row in document["enrolments"]:
        row["class"] = "5А"
    room_id = school.room_id("class", "5Б")
    token = school.token("P4")
    school.apply(document, force=True)
    school.settle()
    sent = school.server.request(
        "PUT",
        f"{CLIENT}/rooms/{quote(room_id)}/send/m.room.message/1",
        token,
        {"msgtype": "m.text", "body": "?"},
    )

    assert sent.status == 403
    assert state_of(school.server, room_id, token)["m.room.join_rules", ""]["join_rule"] == "invite"
    assert school.source_ids("class", "5А") >= {"P4", "P5", "P6"}


def test_a_new_name_reaches_the_chats(school: School) -> None:
    """A name corrected in the list becomes the display name, in the profile and in every room."""
    document = small_school()
    row = next(row for row in document["people"] if row["source_id"] == "P1")
    row["family_name"] = "Новая"
    token = school.token("T1")
    school.apply(document)
    school.settle()

    def shown() -> bool:
        state = state_of(school.server, school.room_id("class", "5А"), token)
        return bool(state["m.room.member", school.accounts["P1"]]["displayname"] == "Новая Имя")

    assert until(shown, what="new name", deadline_s=20)


def test_the_last_pupil_who_moves_is_out_of_the_old_room(school: School) -> None:
    """R40, R24: a class that loses its last pupil has no rooms any more, and those who moved on are not in the
    old ones."""
    old, new = school.class_id("5А"), school.class_id("5Б")
    tokens = {pupil: school.token(pupil) for pupil in ("P1", "P2", "P3")}
    room_id = school.room_id("class", "5А")
    for pupil in tokens:
        put(school, pupil, "move", {"from_class_id": old, "to_class_id": new})
    school.settle()

    for token in tokens.values():
        joined = school.server.call("GET", f"{CLIENT}/joined_rooms", token)["joined_rooms"]
        assert room_id not in joined
        assert school.room_id("class", "5Б") in joined
    put(school, "P1", "move", {"from_class_id": new, "to_class_id": old})
    school.settle()
    assert school.room_id("class", "5А") == room_id
    assert school.source_ids("class", "5А") == {"P1", "T1"}


def test_people_who_come_one_by_one_are_not_held_up(homeserver: Fleet) -> None:
    """With the limits of homeserver.yaml.example: the service user may invite as fast as people come in."""
    with homeserver(module={"together_from": 1_000_000}) as server:
        school = School(server, "morning")
        school.create()
        school.apply(small_school())
        school.settle()
        school.activate_all(everyone(small_school()))
        errors: set[str] = set()

        def settled() -> bool:
            errors.update(job["error"] for job in school.call("GET", "/jobs?state=queued")["jobs"])
            return bool(school.progress()["settled"])

        until(settled, what="the rooms", deadline_s=120)
        with closing(sqlite3.connect(server.directory / "homeserver.db")) as database:
            (events,) = database.execute(
                "SELECT COUNT(*) FROM events WHERE type = 'm.room.member' AND sender = ?",
                (f"@sferum:{server.server_name}",),
            ).fetchone()
    assert events > 60, "too few to reach a limit of 30 at once and 5 a second"
    assert errors <= {""}
