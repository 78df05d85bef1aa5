"""The fictional school of tests/data/school86: the figures and the odd cases of expect.json, in directory and rooms."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest

from synapse_sferum.desired import membership_pairs
from synapse_sferum.model import Directory, Org, OrgId, RoomKind
from synapse_sferum.roster import parse_roster
from synapse_sferum.roster_merge import merge
from tests.support.client import Client
from tests.support.configuration import NO_RATE_LIMITS
from tests.support.fleet import Fleet
from tests.support.rosters import SCHOOL86, school86
from tests.support.school import School, newest_event

EXPECT = json.loads((SCHOOL86 / "expect.json").read_text("utf-8"))
EDGE = EXPECT["edge"]
#: Classes whose every pupil and parent has an account in these tests: without teacher, homonyms, twins.
FULL_CLASSES = ("8В", "6В", "2Б")
RESTRICTED = tuple(EDGE["restricted_parent"])


def people_of(document: dict[str, Any], class_name: str, role: str = "student") -> set[str]:
    """Ids enrolled in a class."""
    return {
        row["person"]
        for row in document["enrolments"]
        if (row["class"], row["role"]) == (class_name, role)
    }


def parents_of(document: dict[str, Any], pupils: set[str]) -> set[str]:
    """Ids of the parents of these pupils."""
    return {row["guardian"] for row in document["guardianships"] if row["student"] in pupils}


def test_memberships_of_the_whole_school_are_the_expected_ones() -> None:
    """With everybody active: 1,032 places in class rooms, 1,704 in parents' rooms, 64 in the staff room."""
    empty = Directory(org=Org(org_id=OrgId("school86"), name="СОШ № 86"))
    directory = merge(empty, parse_roster(school86()))
    pairs = membership_pairs(directory)
    places = Counter(key.kind for key, _ in pairs)
    names = {class_.class_id: class_.name for class_ in directory.classes.values()}
    by_room = Counter((key.kind, names.get(key.ref)) for key, _ in pairs)  # type: ignore[call-overload]

    assert places[RoomKind.CLASS] == EXPECT["stats"]["class_room_memberships"]
    assert places[RoomKind.CLASS_PARENTS] == EXPECT["stats"]["parent_room_memberships"]
    assert places[RoomKind.STAFF] == EXPECT["stats"]["staff_room_members"]
    assert places[RoomKind.ANNOUNCEMENTS] == EXPECT["stats"]["announce_members"]
    for name, room in EXPECT["rooms"].items():
        assert by_room[RoomKind.CLASS, name] == room["class_room"]
        assert by_room[RoomKind.CLASS_PARENTS, name] == room["parent_room"]
    assert len({key for key, _ in pairs if key.kind is RoomKind.CLASS}) == 33


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    return school86()


@pytest.fixture(scope="module")
def school(homeserver: Fleet, document: dict[str, Any]) -> Iterator[School]:
    """The school on a real server; three classes with their parents, all staff, and the odd cases have accounts."""
    server = homeserver(module={"apply_rate": 500.0}, overrides=NO_RATE_LIMITS)
    school = School(server, "school86")
    school.create("СОШ № 86")
    school.apply(document)
    pupils = set().union(*(people_of(document, name) for name in FULL_CLASSES))
    active = pupils | parents_of(document, pupils) | {f"T{n:03}" for n in range(1, 70)}
    active |= {*EDGE["parent_of_three"], *EDGE["homonyms_cross_class"], EDGE["guardian"]}
    active |= {EDGE["returns_after_leaving"], EDGE["move_class"][0], "R0003"}
    known = {row["source_id"] for row in document["people"]}
    signed_in = {"T001", "T028", "T026", EDGE["twins"][0], EDGE["parent_of_three"][0]}
    school.sign_in_all(sorted(signed_in))
    school.activate_all(sorted(active & known - signed_in))
    school.settle()
    yield school
    server.stop()


@pytest.mark.integration
def test_the_directory_has_the_figures(school: School) -> None:
    """1,000 pupils, 64 staff, 1,229 parents and 1,691 links stand in the database; 33 classes, one without a
    teacher."""
    stats = EXPECT["stats"]

    def total(query: str) -> int:
        return int(school.call("GET", f"/people?limit=1&{query}")["total"])

    classes = school.call("GET", "/classes")["classes"]
    assert total("role=student") == stats["pupils"]
    assert total("role=guardian") == stats["parents"]
    assert total("role=teacher") == stats["teachers"]
    assert total("") == stats["pupils"] + stats["parents"] + stats["staff"]
    assert len(school.call("GET", "/guardianships")["guardianships"]) == stats["links"]
    assert len(classes) == stats["classes"]
    assert [c["name"] for c in classes if not c["homeroom_teachers"]] == [
        EDGE["class_without_teacher"]
    ]
    assert {c["name"]: c["students"] for c in classes} == {
        name: room["pupils"] for name, room in EXPECT["rooms"].items()
    }


@pytest.mark.integration
@pytest.mark.parametrize("name", FULL_CLASSES)
def test_a_whole_class_has_its_two_rooms(
    school: School, document: dict[str, Any], name: str
) -> None:
    """Class and parents' room hold as many people as expect.json says, and exactly those of the list."""
    room = EXPECT["rooms"][name]
    pupils = people_of(document, name)

    assert school.source_ids("class", name) == pupils | set(room["teacher"])
    assert school.source_ids("class_parents", name) == parents_of(document, pupils) | set(
        room["teacher"]
    )
    assert len(school.members("class", name)) == room["class_room"]
    assert len(school.members("class_parents", name)) == room["parent_room"]


@pytest.mark.integration
def test_staff_and_odd_people(school: School) -> None:
    """64 in the staff room, 4 in administration; a teacher of two classes and a parent of three are in each room."""
    teacher, _ = EDGE["teacher_two_classes"]
    parent, *children = EDGE["parent_of_three"]
    classes = [row["name"] for row in school.call("GET", "/classes")["classes"]]
    parents_rooms = {n for n in classes if parent in school.source_ids("class_parents", n)}

    assert len(school.members("staff")) == EXPECT["stats"]["staff_room_members"]
    assert len(school.members("administration")) == 4
    assert {n for n in classes if teacher in school.source_ids("class", n)} == {"5А", "11А"}
    assert len(parents_rooms) == len(children) == 3
    first, second = EDGE["homonyms_same_class"]
    assert school.accounts[first] != school.accounts[second]


@pytest.mark.integration
async def test_people_sign_in_and_find_their_rooms(school: School) -> None:
    """With an ordinary client: director, class teacher, pupil and parent find exactly the rooms that the rules give."""
    wide = {("school", ""), ("announcements", ""), ("materials", "")}
    twin, parent = EDGE["twins"][0], EDGE["parent_of_three"][0]
    homes = {"6В"}
    expected = {
        "T001": wide | {("staff", ""), ("administration", "")},
        "T026": wide
        | {("staff", "")}
        | {(kind, name) for kind in ("class", "class_parents") for name in homes},
        twin: wide | {("class", "2Б")},
        parent: wide | {("class_parents", name) for name in ("8Б", "1Б", "5В")},
    }
    rooms = school.rooms()
    for source_id, keys in expected.items():
        account = school.signed_in[source_id]
        async with Client(account, school.server.url) as client:
            await client.sync()
            assert set(client.nio.rooms) == {rooms[key]["room_id"] for key in keys}
            assert client.nio.invited_rooms == {}


@pytest.mark.integration
def test_the_court_order_closes_one_room(school: School) -> None:
    """R34: the restricted parent keeps the rooms of the other two children and loses that of the first."""
    parent, child = RESTRICTED
    body = {
        "guardian_id": school.person_id(parent),
        "student_id": school.person_id(child),
        "status": "restricted",
    }
    school.call("PUT", "/guardianships", body)
    school.settle()

    assert parent not in school.source_ids("class_parents", "8Б")
    assert "R0003" in school.source_ids("class_parents", "8Б")
    assert parent in school.source_ids("class_parents", "1Б")
    assert parent in school.source_ids("class_parents", "5В")


@pytest.mark.integration
def test_the_same_list_again_writes_no_event(school: School, document: dict[str, Any]) -> None:
    """A second import, and a second look at all 71 rooms, write nothing."""
    before = newest_event(school.server)
    applied = school.apply(document)
    queued = school.call("POST", "/reconcile", {})
    school.settle()

    assert applied["applied"] is False
    assert queued["queued"] == 71
    assert newest_event(school.server) == before


@pytest.mark.integration
def test_a_move_and_a_return(school: School, document: dict[str, Any]) -> None:
    """U0122 moves from 5А to 5Б; U0139 vanishes from a list, and is back in every room when the next one names him."""
    pupil, old, new = EDGE["move_class"]
    gone = EDGE["returns_after_leaving"]
    shorter = json.loads(json.dumps(document))
    shorter["people"] = [row for row in shorter["people"] if row["source_id"] != gone]
    shorter["guardianships"] = [r for r in shorter["guardianships"] if r["student"] != gone]
    shorter["enrolments"] = [r for r in shorter["enrolments"] if r["person"] != gone]
    for row in shorter["enrolments"]:
        if row["person"] == pupil:
            row["class"] = new
    school.apply(shorter)
    school.settle()

    assert pupil in school.source_ids("class", new) - school.source_ids("class", old)
    assert gone not in school.source_ids("class", "7Б") | school.source_ids("school")

    school.apply(document)
    school.settle()
    assert gone in school.source_ids("class", "7Б") & school.source_ids("school")
    assert pupil in school.source_ids("class", old) - school.source_ids("class", new)


@pytest.mark.integration
def test_half_a_file_is_refused(school: School, document: dict[str, Any]) -> None:
    """A list that has lost half of its rows is refused with the figures, and nothing changes."""
    half = json.loads(json.dumps(document))
    keep = {row["source_id"] for row in half["people"][: len(half["people"]) // 2]}
    keep |= {row["source_id"] for row in half["people"] if "director" in row["roles"]}
    half["people"] = [row for row in half["people"] if row["source_id"] in keep]
    half["enrolments"] = [row for row in half["enrolments"] if row["person"] in keep]
    half["guardianships"] = [
        r for r in half["guardianships"] if r["guardian"] in keep and r["student"] in keep
    ]
    before = school.progress()["revision"]
    answer = school.request("POST", "/roster/apply", {"roster": half, "force": False})

    assert (answer.status, answer.errcode) == (409, "SFERUM_UNSAFE_PLAN")
    assert "memberships" in answer.json["error"]
    assert school.progress()["revision"] == before
