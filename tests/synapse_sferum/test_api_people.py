"""People over HTTP: found, given roles and accounts, sent away and taken back, moved, linked."""

from __future__ import annotations

import re
from typing import Any

import pytest

from tests.support import rosters
from tests.support.rosters import person
from tests.synapse_sferum.api_world import ApiSchool, World

pytestmark = pytest.mark.integration

NOT_FOUND = (404, "M_NOT_FOUND")
WRONG = (400, "M_INVALID_PARAM")


@pytest.fixture(scope="module")
def school(paper_world: World) -> ApiSchool:
    """For tests that only read, or only change what they need."""
    return paper_world.school("people", "D1", "Z1", "A1", "T1", "P1", "G1")


@pytest.fixture(scope="module")
def living(world: World) -> ApiSchool:
    """For changes that rooms follow; each test changes people of its own."""
    people = [
        person("D1", "director"),
        person("Z1", "deputy"),
        *(person(one, "teacher") for one in ("T1", "T2", "T3")),
        *(person(one, "student", born="2010-05-05") for one in ("P1", "P2", "P3")),
        *(person(one, "guardian") for one in ("G1", "G2")),
    ]
    document = rosters.roster(
        people,
        {"5А": ["P1", "P2"], "5Б": ["P3"]},
        {"5А": ["T1"], "5Б": ["T2"]},
        [("G1", "P1"), ("G2", "P2")],
    )
    return world.school("people-living", "D1", "T1", "T2", "T3", "P1", "P2", "G1", roster=document)


def rooms_of(world: World, school: ApiSchool, source_id: str) -> set[tuple[str, str]]:
    """(kind, class name) of the managed rooms somebody is joined to, once everything has settled."""
    school.settle()
    found = world.database(
        "SELECT r.kind, r.name FROM sferum_rooms AS r JOIN local_current_membership AS m"
        " ON m.room_id = r.room_id WHERE r.org_id = ? AND m.user_id = ? AND m.membership = 'join'",
        school.org_id,
        school.accounts[source_id],
    )
    return {(kind, name[:2] if kind.startswith("class") else "") for kind, name in found}


EVERYWHERE = {("school", ""), ("announcements", ""), ("materials", "")}


def test_people_are_searched(school: ApiSchool) -> None:
    """By the beginning of a name, role, class and status; a page at a time."""
    assert [p["source_id"] for p in school.get("/people", q="елк")["people"]] == ["P1"]
    assert {p["source_id"] for p in school.get("/people", role="teacher")["people"]} == {"T1", "T2"}
    in_class = school.get("/people", class_id=school.class_id("5А"))["people"]
    assert {p["source_id"] for p in in_class} == {"P1", "P2", "T1"}
    assert school.get("/people", status="listed")["total"] == 3
    first = school.get("/people", limit=4)
    rest = school.get("/people", limit=100, from_=first["next"])
    assert (len(first["people"]), first["total"], rest["next"]) == (4, 9, None)
    assert len(rest["people"]) == 5


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("status", "gone"),
        ("role", "pupil"),
        ("limit", "-1"),
        ("limit", "1001"),
        ("limit", "x"),
        ("limit", "²"),
        ("from", "99999999999"),
        ("q", "a\x00b"),
    ],
)
def test_a_wrong_search_is_refused(school: ApiSchool, name: str, value: str) -> None:
    """400 with the name of the argument."""
    answer = school.ask("GET", "/people", params={name: value})
    assert (answer.status, answer.json["field"]) == (400, name)


def test_a_query_that_is_no_text(paper_world: World, school: ApiSchool) -> None:
    """Bytes that are not UTF-8 are 400; a query longer than any name finds nobody."""
    answer = paper_world.ask("GET", "/orgs/people/people?q=%ff", school.token("A1"))
    assert (answer.status, answer.errcode) == WRONG
    long = school.ask("GET", "/people", params={"q": "я" * 800})
    assert long.json["total"] == 0


def test_one_record(school: ApiSchool) -> None:
    """A record has its classes of this year; one of another school is not found."""
    found = school.get(school.person("P1"), who="A1")
    assert found["classes"] == [
        {"class_id": school.class_id("5А"), "name": "5А", "role": "student"}
    ]
    assert (found["status"], found["birth_date"]) == ("active", "2010-05-05")
    assert school.ask("GET", "/people/pnobody").errcode == "M_NOT_FOUND"


def test_a_role_changes_in_place(world: World, living: ApiSchool) -> None:
    """A teacher becomes a deputy: rooms and rights follow, and go back with the list's word (R31)."""
    path = living.person("T3") + "/roles"
    office = ("administration", "")
    assert rooms_of(world, living, "T3") == EVERYWHERE | {("staff", "")}
    changed = living.do("PUT", path, {"roles": ["deputy"], "reason": "приказ 7"}, who="D1")
    assert (changed["roles"], changed["roles_by_hand"]) == (["deputy"], ["deputy"])
    assert office in rooms_of(world, living, "T3")
    assert living.ask("GET", "/audit", who="T3").status == 200
    back = living.do("PUT", path, {"roles": None}, who="D1")
    assert (back["roles"], back["roles_by_hand"]) == (["teacher"], None)
    assert office not in rooms_of(world, living, "T3")
    assert living.refused("GET", "/audit", who="T3") == NOT_FOUND


def test_a_dismissed_teacher_loses_the_class(world: World, living: ApiSchool) -> None:
    """Who stays only as a parent is out of staff room and class, although the list still names the class."""
    assert ("class", "5А") in rooms_of(world, living, "T1")
    living.do("PUT", living.person("T1") + "/roles", {"roles": ["guardian"]}, who="D1")
    assert rooms_of(world, living, "T1") == EVERYWHERE


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "roles"),
        ({"roles": "teacher"}, "roles"),
        ({"roles": ["pupil"]}, "roles"),
        ({"roles": [["teacher"]]}, "roles"),
        ({"roles": ["teacher"], "reason": "x" * 301}, "reason"),
        ({"roles": ["teacher"], "reason": "\x00"}, "reason"),
        ({"roles": ["teacher"], "until": 1}, "until"),
    ],
    ids=str,
)
def test_wrong_roles_are_refused(school: ApiSchool, body: Any, field: str) -> None:
    """400 with the field."""
    answer = school.ask("PUT", school.person("P1") + "/roles", body)
    assert (answer.status, answer.json["field"]) == (400, field)


def test_grants_on_a_real_server(school: ApiSchool) -> None:
    """A deputy makes no deputy, an administrator nobody, and neither sends a director away."""
    roles = school.person("T1") + "/roles"
    forbidden = (403, "M_FORBIDDEN")
    assert school.refused("PUT", roles, {"roles": ["deputy"]}, who="Z1") == forbidden
    assert school.refused("PUT", roles, {"roles": ["administrator"]}, who="A1") == forbidden
    assert school.refused("POST", school.person("D1") + "/leave", {}, who="Z1") == forbidden
    assert school.refused("PUT", roles, {"roles": []}, who="D1") == WRONG
    own = school.person("Z1") + "/roles"
    assert school.refused("PUT", own, {"roles": ["director"]}, who="Z1") == forbidden


def test_an_account_is_made_opaque(paper_world: World, school: ApiSchool) -> None:
    """Activation makes `u` and eight characters, random; again it is the same account (docs/contracts.md §4)."""
    path = school.person("P3") + "/activate"
    made = school.do("POST", path, {}, who="A1")["user_id"]
    assert re.fullmatch(rf"@u[a-z2-7]{{8}}:{re.escape(paper_world.server.server_name)}", made)
    assert school.do("POST", path, {"user_id": None}, who="A1")["user_id"] == made
    assert school.get(school.person("P3"))["user_id"] == made


def test_only_the_service_names_an_account(paper_world: World, school: ApiSchool) -> None:
    """An administrator may not; an account that is not there, elsewhere or misspelt is refused."""
    account = paper_world.server.register("upeoplenamed")
    path = school.person("T2") + "/activate"
    assert school.refused("POST", path, {"user_id": account.user_id}, who="D1") == (
        403,
        "M_FORBIDDEN",
    )
    for wrong in (
        "@nobody:school.test",
        "@x:elsewhere.example",
        "upeople",
        account.user_id.upper(),
        "@:",
    ):
        assert school.refused("POST", path, {"user_id": wrong}) == WRONG, wrong
    assert school.refused("POST", path, {"user_id": 5}) == WRONG
    service = f"@sferum:{paper_world.server.server_name}"
    assert school.refused("POST", path, {"user_id": service}) == (409, "SFERUM_OTHER_PROFILE")


def test_an_account_is_of_one_school(paper_world: World, school: ApiSchool) -> None:
    """The account of another school's person is refused, also when that person has left (R40)."""
    other = paper_world.school("people-other", "P2")
    path = school.person("P2") + "/activate"
    body = {"user_id": other.accounts["P2"]}
    assert school.refused("POST", path, body) == (409, "SFERUM_OTHER_PROFILE")
    other.do("POST", other.person("P2") + "/leave", {})
    assert school.refused("POST", path, body) == (409, "SFERUM_OTHER_PROFILE")
    other_account = paper_world.server.register("upeoplesecond")
    school.do("POST", path, {"user_id": other_account.user_id})
    assert school.refused(
        "POST", path, {"user_id": paper_world.server.register("uthird").user_id}
    ) == (
        409,
        "SFERUM_HAS_ACCOUNT",
    )


def test_a_teacher_who_is_a_parent_has_one_account(world: World, living: ApiSchool) -> None:
    """Two records, one account, both room sets (R32)."""
    living.do("POST", living.person("G2") + "/activate", {"user_id": living.accounts["T2"]})
    assert {("class", "5Б"), ("class_parents", "5А")} <= rooms_of(world, living, "T2")
    me = world.ask("GET", "/me", living.token("T2")).json
    assert me["roles"] == ["guardian", "teacher"]
    assert len(me["person_ids"]) == 2


def test_leave_and_return(world: World, living: ApiSchool) -> None:
    """A leaver is out of every room and locked out; the return gives all of it back with the same token (R29)."""
    before = rooms_of(world, living, "P2")
    left = living.do("POST", living.person("P2") + "/leave", {"reason": "переезд"}, who="D1")
    assert (left["status"], left["user_id"]) == ("left", living.accounts["P2"])
    assert rooms_of(world, living, "P2") == set()
    assert world.ask("GET", "/me", living.token("P2")).status == 403
    living.do("POST", living.person("P2") + "/activate", {}, who="D1")
    assert rooms_of(world, living, "P2") == before == EVERYWHERE | {("class", "5А")}
    assert world.ask("GET", "/me", living.token("P2")).status == 200


def test_the_last_administrator_stays(paper_world: World) -> None:
    """One active director, others only on the list: 409 for leaving and for another role (R33)."""
    school = paper_world.school("people-last", "D1")
    last = (409, "SFERUM_LAST_ADMINISTRATOR")
    assert school.refused("POST", school.person("D1") + "/leave", {}, who="D1") == last
    roles = {"roles": ["teacher"]}
    assert school.refused("PUT", school.person("D1") + "/roles", roles, who="D1") == last
    school.sign_in("Z1")
    school.do("POST", school.person("D1") + "/leave", {}, who="D1")


def test_a_parents_yes(paper_world: World, school: ApiSchool) -> None:
    """A young pupil waits for a parent's yes, and again after its withdrawal (R17)."""
    pupil = paper_world.school("people-confirm", "P2")
    for confirmed in (True, False):
        done = pupil.do("POST", pupil.person("P2") + "/confirm", {"confirmed": confirmed})
        assert done["confirmed"] is confirmed
        me = paper_world.ask("GET", "/me", pupil.token("P2")).json
        assert me["unconfirmed"] is not confirmed
    assert school.refused("POST", school.person("T1") + "/confirm", {"confirmed": True}) == WRONG
    assert school.refused("POST", school.person("P1") + "/confirm", {"confirmed": 1}) == WRONG


def test_a_pupil_moves_and_the_parents_follow(world: World, living: ApiSchool) -> None:
    """Out of the old class and into the new one, the parent too; a second move from the old class is 409 (R40)."""
    assert ("class_parents", "5А") in rooms_of(world, living, "G1")
    body = {"from_class_id": living.class_id("5А"), "to_class_id": living.class_id("5Б")}
    moved = living.do("POST", living.person("P1") + "/move", body)
    assert [c["name"] for c in moved["classes"]] == ["5Б"]
    assert rooms_of(world, living, "P1") == EVERYWHERE | {("class", "5Б")}
    assert rooms_of(world, living, "G1") == EVERYWHERE | {("class_parents", "5Б")}
    again = living.refused("POST", living.person("P1") + "/move", body)
    assert again == (409, "SFERUM_NOT_IN_CLASS")
    nowhere = {**body, "to_class_id": "cnone"}
    assert living.refused("POST", living.person("P1") + "/move", nowhere) == NOT_FOUND
    missing = {"from_class_id": "x"}
    assert living.refused("POST", living.person("P1") + "/move", missing) == WRONG
