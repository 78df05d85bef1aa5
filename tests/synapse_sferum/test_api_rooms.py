"""Classes, links, rooms, reasons, the queue and the log over HTTP."""

from __future__ import annotations

import json
from urllib.parse import quote

import pytest

from synapse_sferum.why import SENTENCES
from tests.synapse_sferum.api_world import OFFICE, ApiSchool, World

pytestmark = pytest.mark.integration

NOT_FOUND = (404, "M_NOT_FOUND")
WRONG = (400, "M_INVALID_PARAM")


@pytest.fixture(scope="module")
def school(world: World) -> ApiSchool:
    """A settled school for tests that read."""
    school = world.school("rooms", "D1", "Z1", "A1", "T1", "P1", "G1")
    school.settle()
    return school


def test_classes_have_figures_and_teachers(school: ApiSchool) -> None:
    """Pupils on the list, pupils with an account, and class teachers."""
    first, second = school.get("/classes", who="A1")["classes"]
    assert (first["name"], first["students"], first["active_students"]) == ("5А", 2, 1)
    assert first["homeroom_teachers"] == [school.person_id("T1")]
    assert (second["name"], second["session"], second["grade"]) == ("5Б", "2026/2027", 5)


def test_class_teachers_are_set_by_hand(world: World) -> None:
    """The new teacher is in the rooms, the old one is not, and the next import changes neither."""
    school = world.school("rooms-homeroom", "T1", "T2")
    path = f"/classes/{school.class_id('5А')}/homeroom_teachers"
    school.do("PUT", path, {"person_ids": [school.person_id("T2")]})
    school.settle()
    assert school.source_ids("class", "5А") == {"T2"}
    school.do("POST", "/roster/apply", {"roster": OFFICE})
    assert school.get("/classes")["classes"][0]["homeroom_teachers"] == [school.person_id("T2")]
    assert school.refused("PUT", path, {"person_ids": [school.person_id("P1")]}) == WRONG
    assert school.refused("PUT", path, {"person_ids": ["x"] * 11}) == WRONG
    assert school.refused("PUT", path, {"person_ids": [1]}) == WRONG
    assert school.refused("PUT", path, {"person_ids": ["\ud800"]}) == WRONG
    assert (
        school.refused("PUT", "/classes/cnone/homeroom_teachers", {"person_ids": []}) == NOT_FOUND
    )


def test_a_courts_order_is_seen_by_leaders_only(world: World) -> None:
    """An administrator neither sees, sets, lifts nor removes a restricted link; it closes the room (R34)."""
    school = world.school("rooms-court", "Z1", "A1", "G1", "P1")
    link = {"guardian_id": school.person_id("G1"), "student_id": school.person_id("P1")}
    school.settle()
    assert "G1" in school.source_ids("class_parents", "5А")
    restricted = {**link, "status": "restricted"}
    assert school.refused("PUT", "/guardianships", restricted, who="A1") == NOT_FOUND
    school.do("PUT", "/guardianships", restricted, who="Z1")
    school.settle()
    assert "G1" not in school.source_ids("class_parents", "5А")
    assert world.ask("GET", "/me", school.token("G1")).json["children"] == []
    mine = school.get("/guardianships", who="Z1", person_id=school.person_id("P1"))["guardianships"]
    assert [(g["status"], g["relation"]) for g in mine] == [("restricted", "")]
    assert school.get("/guardianships", who="A1")["guardianships"] == []
    confirmed = {**link, "status": "confirmed"}
    assert school.refused("PUT", "/guardianships", confirmed, who="A1") == NOT_FOUND
    assert school.refused("DELETE", "/guardianships", link, who="A1") == NOT_FOUND
    school.do("POST", "/roster/apply", {"roster": OFFICE})
    assert school.get("/guardianships")["guardianships"][0]["status"] == "restricted"
    school.do("DELETE", "/guardianships", link, who="Z1")
    assert school.refused("DELETE", "/guardianships", link, who="Z1") == NOT_FOUND


def test_links_are_checked(school: ApiSchool) -> None:
    """A status that is none, people who cannot be linked, people who are not there."""
    link = {"guardian_id": school.person_id("G1"), "student_id": school.person_id("P2")}
    assert school.refused("PUT", "/guardianships", {**link, "status": "maybe"}) == WRONG
    body = {**link, "status": "claimed", "relation": "x" * 41}
    assert school.refused("PUT", "/guardianships", body) == WRONG
    wrong = {**link, "guardian_id": school.person_id("T1"), "status": "claimed"}
    assert school.refused("PUT", "/guardianships", wrong) == WRONG
    nobody = {**link, "guardian_id": "pnone", "status": "claimed"}
    assert school.refused("PUT", "/guardianships", nobody) == NOT_FOUND
    claimed = school.do("PUT", "/guardianships", {**link, "status": "claimed"}, who="A1")
    assert claimed == {**link, "status": "claimed"}
    school.do("DELETE", "/guardianships", link, who="A1")


def test_rooms_are_listed_with_their_figures(school: ApiSchool) -> None:
    """Every managed room, ready, with as many members as it wants."""
    school.settle()
    rooms = school.get("/rooms", who="A1")["rooms"]
    assert len(rooms) == 9
    assert {room["state"] for room in rooms} == {"ready"}
    assert all(room["members"] == room["wanted"] for room in rooms)
    progress = school.get("/progress", who="A1")
    assert progress["memberships"]["wanted"] == sum(room["wanted"] for room in rooms)
    assert progress["memberships"]["done"] == progress["memberships"]["wanted"]
    assert (progress["lag_s"], progress["settled"]) == (0.0, True)


def test_a_class_teacher_exports_own_rooms(school: ApiSchool) -> None:
    """Names of one's own class and its parents; other rooms and other people's wishes are not found (R28)."""
    own = school.room_id("class", "5А")
    found = school.get("/members", who="T1", room_id=own)
    assert {m["user_id"] for m in found["members"]} == {
        school.accounts["T1"],
        school.accounts["P1"],
    }
    assert found["members"][0]["family_name"] == "Ёлкин"
    school.get("/members", who="T1", room_id=school.room_id("class_parents", "5А"))
    for who, kind, name in (
        ("T1", "class", "5Б"),
        ("T1", "staff", ""),
        ("P1", "class", "5А"),
        ("G1", "class_parents", "5А"),
    ):
        path = f"/members?room_id={quote(school.room_id(kind, name))}"
        assert school.refused("GET", path, who=who) == NOT_FOUND, (who, kind)
    school.get("/members", who="A1", room_id=school.room_id("staff"))
    for room_id in ("", "!none:school.test"):
        assert school.refused("GET", f"/members?room_id={quote(room_id)}") == NOT_FOUND


def test_a_room_of_another_school_is_not_found(world: World, school: ApiSchool) -> None:
    """Its id is known to nobody here; the answer is that of an unknown room."""
    other = world.school("rooms-other")
    other.settle()
    room_id = quote(other.room_id("class", "5А"))
    user = quote(school.accounts["P1"])
    for path in (f"/members?room_id={room_id}", f"/why?room_id={room_id}&user_id={user}"):
        assert school.refused("GET", path, who="D1") == NOT_FOUND


def test_why_somebody_is_in_a_room(world: World, school: ApiSchool) -> None:
    """The reason in a stable word and a sentence; strangers and other schools' people look alike (R51)."""
    room_id = school.room_id("class", "5А")

    def why(user_id: str) -> tuple[bool, str, str]:
        found = school.get("/why", who="A1", room_id=room_id, user_id=user_id)
        (reason,) = found["reasons"]
        assert reason["text"] == SENTENCES[reason["reason"]]
        return found["required"], found["membership"], reason["reason"]

    assert why(school.accounts["T1"]) == (True, "join", "homeroom_teacher")
    assert why(school.accounts["P1"]) == (True, "join", "student_of_the_class")
    assert why(school.accounts["G1"]) == (False, "leave", "not_of_the_class")
    assert why("@nobody:school.test") == (False, "leave", "no_active_profile")
    other = world.school("rooms-why", "P1")
    assert why(other.accounts["P1"]) == (False, "leave", "no_active_profile")
    path = f"/why?room_id={quote(room_id)}&user_id=anna"
    assert school.refused("GET", path, who="A1") == WRONG


def test_dead_jobs_are_listed_and_retried(world: World, school: ApiSchool) -> None:
    """A dead letter is shown with its error; retried it is done, and a second retry finds nothing."""
    job_id = f"rooms/class/{school.class_id('5А')}"
    assert school.get("/jobs", who="A1") == {"jobs": []}
    world.database(
        "UPDATE sferum_jobs SET state = 'dead', error = 'SynapseError M_UNKNOWN' WHERE job_id = ?",
        job_id,
    )
    (job,) = school.get("/jobs", who="A1")["jobs"]
    assert (job["job_id"], job["error"]) == (job_id, "SynapseError M_UNKNOWN")
    assert world.ask("GET", "/health", world.server.service_token).json["status"] == "attention"
    path = f"/jobs/{quote(job_id, safe='')}/retry"
    school.do("POST", path, who="A1")
    assert school.refused("POST", path, who="A1") == NOT_FOUND
    school.settle()
    assert len(school.get("/jobs", state="done")["jobs"]) >= 9
    assert school.refused("GET", "/jobs?state=lost") == WRONG
    assert school.refused("GET", "/jobs?limit=9999") == WRONG


def test_a_full_look_changes_nothing(world: World, school: ApiSchool) -> None:
    """Every room is looked at again, and no event is written (R21); only a leader may sanction."""
    written = (
        "SELECT COUNT(*) FROM events WHERE room_id IN"
        " (SELECT room_id FROM sferum_rooms WHERE org_id = ?)"
    )
    before = world.database(written, school.org_id)
    assert school.do("POST", "/reconcile", {}, who="A1") == {"queued": 9}
    school.settle()
    after = world.database(written, school.org_id)
    assert after == before
    assert school.refused("POST", "/reconcile", {"sanction": True}, who="A1") == NOT_FOUND
    assert school.refused("POST", "/reconcile", {"sanction": "yes"}) == WRONG
    revision = school.get("/progress")["revision"]
    school.do("POST", "/reconcile", {"sanction": True}, who="Z1")
    assert school.get("/progress")["revision"] == revision + 1
    school.settle()


def test_the_log_says_who_did_what_without_names(paper_world: World) -> None:
    """Every change is one line with ids, words and the reason; a page at a time, newest first; no name in it (R51)."""
    school = paper_world.school("rooms-log", "D1", "P1")
    me = school.accounts["D1"]
    school.do(
        "PUT", school.person("T1") + "/roles", {"roles": ["deputy"], "reason": "приказ 3"}, who="D1"
    )
    school.do("POST", school.person("P1") + "/leave", {}, who="D1")
    school.do("PATCH", "", {"name": "Лицей"}, who="D1")
    school.do("PATCH", "", {"name": "Лицей"}, who="D1")  # changes nothing, is no line
    entries = school.get("/audit", who="D1")["entries"]
    assert [(e["actor"], e["action"]) for e in entries] == [
        (me, "org"),
        (me, "leave"),
        (me, "roles"),
        ("service", "activate"),
        ("service", "activate"),
        ("service", "roster"),
        ("service", "org"),
    ]
    roles = entries[2]
    assert (roles["target"], roles["before"], roles["after"]) == (
        school.person_id("T1"),
        "teacher",
        "deputy",
    )
    assert roles["reason"] == "приказ 3"
    text = json.dumps(entries, ensure_ascii=False)
    assert not [p["family_name"] for p in OFFICE["people"] if p["family_name"] in text]
    page = school.get("/audit", limit=3)
    assert page["next"] == entries[2]["number"]
    rest = school.get("/audit", from_=page["next"])
    assert page["entries"] + rest["entries"] == entries
    assert rest["next"] is None
    assert school.refused("GET", "/audit?limit=x") == WRONG
