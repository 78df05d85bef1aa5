"""The school year over HTTP: drafted, refused while something is open, applied once, taken back."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.support import rosters
from tests.support.promotions import decide
from tests.support.rosters import person
from tests.synapse_sferum.api_world import ApiSchool, World

pytestmark = pytest.mark.integration

PEOPLE = [
    person("D1", "director"),
    person("A1", "administrator"),
    *(person(one, "teacher") for one in ("T1", "T2", "T3")),
    *(person(one, "student", born="2010-05-05") for one in ("P1", "P2", "N1", "N2", "G1")),
    *(person(one, "guardian") for one in ("RP1", "RN2", "RG1")),
]
LIST = rosters.roster(
    PEOPLE,
    {"5А": ["P1", "P2"], "9А": ["N1", "N2"], "11А": ["G1"]},
    {"5А": ["T1"], "9А": ["T2"], "11А": ["T3"]},
    [("RP1", "P1"), ("RN2", "N2"), ("RG1", "G1")],
)


@pytest.fixture
def school(paper_world: World, request: pytest.FixtureRequest) -> ApiSchool:
    """A school of each test's own: 5А, 9А, 11А."""
    name = request.node.name.replace("_", "-")[:45].partition("[")[0].strip("-")
    return paper_world.school(f"y-{name}", "D1", "A1", "P1", roster=LIST)


def plan_of(school: ApiSchool, **more: Any) -> dict[str, Any]:
    """N1 goes on to 10А, N2 leaves."""
    names = {c["class_id"]: c["name"] for c in school.get("/classes")["classes"]}
    draft = school.do("POST", "/year/plan", {})["plan"]
    decisions: dict[str, Any] = {
        "ends": ["9А"],
        "new": {"10А": 10},
        "moves": {school.person_id("N1"): "10А"},
    }
    return decide(draft, names, **{**decisions, **more})


def apply(school: ApiSchool, plan: dict[str, Any], who: str | None = None) -> Any:
    """Plan, then apply what was planned."""
    found = school.do("POST", "/year/plan", {"plan": plan}, who)
    assert found["ready"], found["conflicts"]
    return school.do("POST", "/year/apply", {"plan": plan, "plan_hash": found["plan_hash"]}, who)


def test_draft_decide_apply_undo(school: ApiSchool) -> None:
    """The draft waits for 9А; decided, it has its figures; a director applies and undoes it: exactly the old."""
    draft = school.do("POST", "/year/plan", {}, who="A1")
    assert not draft["ready"]
    assert [(n["kind"], n["detail"]) for n in draft["conflicts"]] == [("class_undecided", "9А: 2")]
    assert len(draft["students"]) == 5
    before = school.get("/classes")
    plan = plan_of(school)
    found = school.do("POST", "/year/plan", {"plan": plan}, who="A1")
    counts = found["counts"]
    assert (counts["graduates"], counts["leave"], counts["to_tenth"]) == (1, 1, 1)
    assert school.get("/classes") == before

    body = {"plan": plan, "plan_hash": found["plan_hash"]}
    assert school.refused("POST", "/year/apply", body, "A1") == (404, "M_NOT_FOUND")
    applied = apply(school, plan, "D1")
    assert applied["applied"]
    assert applied["promotion"]["may_undo"]
    names = [c["name"] for c in school.get("/classes")["classes"]]
    assert names == ["6А", "10А"]
    assert school.get(school.person("N2"))["status"] == "left"
    assert school.get(school.person("RN2"))["status"] == "left"
    assert school.get(school.person("G1"))["status"] == "listed"
    assert school.get("/year")["school_year"] == "2027/2028"

    restores = {"classes": 3, "people": 4, "without_class": 0, "exact": True}
    assert school.get("/year", who="A1")["restores"] == restores
    assert school.refused("POST", "/year/undo", None, "A1") == (404, "M_NOT_FOUND")
    undone = school.do("POST", "/year/undo", who="D1")
    assert (undone["undone"], undone["exact"], undone["without_class"]) == (True, True, 0)
    assert school.get("/classes") == before
    assert school.get(school.person("N2"))["status"] == "listed"
    assert school.get("/year")["promotion"]["state"] == "undone"
    actions = [e["action"] for e in school.get("/audit", who="D1")["entries"]]
    assert actions[:2] == ["year_undo", "year"]


def test_twice_is_once(school: ApiSchool) -> None:
    """The same plan again, as after a lost answer, changes nothing; nor does a second undo; then anew."""
    plan = plan_of(school)
    planned = school.do("POST", "/year/plan", {"plan": plan})
    body = {"plan": plan, "plan_hash": planned["plan_hash"]}
    first = school.do("POST", "/year/apply", body)
    again = school.do("POST", "/year/apply", body)
    assert (first["applied"], again["applied"]) == (True, False)
    assert again["revision"] == first["revision"]
    undone = school.do("POST", "/year/undo")
    repeated = school.do("POST", "/year/undo")
    assert (repeated["undone"], repeated["exact"]) == (False, True)
    assert repeated["revision"] == undone["revision"]
    assert apply(school, plan)["applied"]


def test_what_cannot_be_applied(school: ApiSchool) -> None:
    """An undecided plan, a plan that has grown old, another year's, and one that nobody has planned."""
    draft = school.do("POST", "/year/plan", {})["plan"]
    body = {"plan": draft, "plan_hash": ""}
    assert school.refused("POST", "/year/apply", body) == (409, "SFERUM_YEAR_CONFLICTS")
    plan = plan_of(school)
    planned = school.do("POST", "/year/plan", {"plan": plan})
    move = {"from_class_id": school.class_id("5А"), "to_class_id": school.class_id("9А")}
    school.do("POST", f"{school.person('P2')}/move", move)
    body = {"plan": plan, "plan_hash": planned["plan_hash"]}
    assert school.refused("POST", "/year/apply", body) == (409, "SFERUM_STALE_PLAN")
    other = {"plan": {**plan, "school_year": "2030/2031"}, "plan_hash": planned["plan_hash"]}
    assert school.refused("POST", "/year/apply", other) == (409, "SFERUM_YEAR_CONFLICTS")
    assert school.refused("POST", "/year/undo") == (409, "SFERUM_NO_UNDO")


def test_a_list_ends_the_undo(school: ApiSchool) -> None:
    """R37: a list that changes nothing leaves it possible, one that changes anything ends it."""
    apply(school, plan_of(school))
    here = [one for one in PEOPLE if one["source_id"] not in {"N2", "RN2", "G1", "RG1"}]
    listed = rosters.roster(here, {}, covers=[])
    listed["school_year"] = "2027/2028"
    school.do("POST", "/roster/apply", {"roster": listed})
    assert school.get("/year")["promotion"]["may_undo"]
    listed["people"].append(person("P9", "student"))
    school.do("POST", "/roster/apply", {"roster": listed})
    assert school.get("/year")["promotion"]["state"] == "final"
    assert school.get("/year")["restores"] is None
    assert school.refused("POST", "/year/undo") == (409, "SFERUM_NO_UNDO")


def test_fourteen_days_end_the_undo(school: ApiSchool, paper_world: World) -> None:
    """R37: after 14 days it is too late."""
    apply(school, plan_of(school))
    fifteen_days = 15 * 24 * 3600 * 1000
    paper_world.database(
        "UPDATE sferum_years SET applied_ms = applied_ms - ? WHERE org_id = ?",
        fifteen_days,
        school.org_id,
    )
    assert not school.get("/year")["promotion"]["may_undo"]
    assert school.refused("POST", "/year/undo") == (409, "SFERUM_NO_UNDO")


def test_a_school_without_a_year_has_no_next_one(paper_world: World) -> None:
    """Before the first list there is nothing to promote."""
    school = ApiSchool(paper_world.server, "y-empty", contract=paper_world.contract)
    school.create()
    assert school.refused("POST", "/year/plan", {}) == (409, "SFERUM_NO_YEAR")
    assert school.get("/year") == {"school_year": "", "promotion": None, "restores": None}


def test_the_fictional_school_over_http(paper_world: World) -> None:
    """The figures of expect.json, from a real server; applied they are its classes, and undone it is the old one."""
    school = paper_world.school("y-school86", roster=rosters.school86())
    edge = json.loads((rosters.SCHOOL86 / "expect.json").read_text("utf-8"))["edge"]["next_year"]
    before = school.get("/classes")
    answer = school.do("POST", "/year/plan", {})
    names = {row["class_id"]: row["name"] for row in answer["classes"] if row["class_id"]}
    ninth = [one["person_id"] for one in answer["students"] if one["class"].startswith("9")]
    plan = decide(
        answer["plan"],
        names,
        ends=["9А", "9Б", "9В"],
        new={"10А": 10},
        moves=dict.fromkeys(ninth[::3][:27], "10А"),
        graduates_leave_on="2099-09-01",
        rooms_until="2100-09-01",
    )
    found = school.do("POST", "/year/plan", {"plan": plan})
    counts = found["counts"]
    assert f"{counts['to_tenth']} go to 10А, {counts['leave']} leave" == edge["9А,9Б,9В"]
    assert "student_without_class" not in {note["kind"] for note in found["exceptions"]}
    apply(school, plan)
    classes = school.get("/classes")["classes"]
    assert len(classes) == edge["classes_after"]
    assert {one["name"]: one["students"] for one in classes}["10А"] == 27
    restores = school.get("/year")["restores"]
    gone = counts["leave"] + counts["graduates"] + counts["guardians_leave"]
    assert restores == {
        "classes": counts["classes_before"], "people": gone, "without_class": 0, "exact": True
    }  # fmt: skip
    assert school.do("POST", "/year/undo")["exact"]
    assert school.get("/classes") == before


def test_only_administrators(school: ApiSchool) -> None:
    """To a pupil none of the calls exists."""
    for method, path in (
        ("GET", "/year"),
        ("POST", "/year/plan"),
        ("POST", "/year/apply"),
        ("POST", "/year/undo"),
        ("POST", "/classes/merge"),
    ):
        body: dict[str, Any] | None = None if method == "GET" else {}
        assert school.refused(method, path, body, "P1") == (404, "M_NOT_FOUND")


def test_a_plan_that_is_no_plan(school: ApiSchool) -> None:
    """400 with the place; values are not repeated."""
    plan = plan_of(school)
    for wrong, field in (
        ({**plan, "format": "x"}, "plan.format"),
        ({**plan, "rooms_until": "2027-02-30"}, "plan.rooms_until"),
        ({**plan, "rooms_until": "2027-01-01"}, "plan.rooms_until"),
        ({**plan, "pupils": [{"person_id": "x", "fate": "leaves"}]}, "plan.pupils[0].person_id"),
        ({**plan, "classes": [{"class_id": None, "fate": "ends"}]}, "plan.classes[0].fate"),
        ({**plan, "more": 1}, "plan.plan.more"),
    ):
        answer = school.ask("POST", "/year/plan", {"plan": wrong})
        assert (answer.status, answer.json["field"]) == (400, field)


def test_the_next_list_finds_the_promoted_classes(school: ApiSchool) -> None:
    """6А of the list is the 5А of before, numbered anew or not; and keeps its id."""
    apply(school, plan_of(school))
    listed = rosters.roster(PEOPLE, {"6А": ["P1", "P2"]}, {"6А": ["T1"]}, covers=["student"])
    listed["school_year"] = "2027/2028"
    listed["people"] = [row for row in listed["people"] if row["source_id"] in {"P1", "P2", "T1"}]
    listed["classes"] = [{"source_id": "other-6a", "name": "6А", "grade": 6}]
    for row in listed["enrolments"]:
        row["class"] = "other-6a"
    school.do("POST", "/roster/apply", {"roster": listed, "force": True})
    (class_,) = [c for c in school.get("/classes")["classes"] if c["students"]]
    assert (class_["class_id"], class_["name"]) == (school.class_id("5А"), "6А")
    assert class_["homeroom_teachers"] == [school.person_id("T1")]


def test_classes_in_the_middle_of_a_year(school: ApiSchool) -> None:
    """Split, merged, with a substitute: over HTTP, each refusal named."""
    a, n = school.class_id("5А"), school.class_id("9А")
    p2 = school.person_id("P2")
    split = {"name": "5Б", "person_ids": [p2]}
    assert school.do("POST", f"/classes/{a}/split", split, "A1")["changed"]
    assert school.refused("POST", f"/classes/{a}/split", split) == (409, "SFERUM_NAME_TAKEN")
    new = school.get(f"/people/{p2}")["classes"][0]["class_id"]
    merge = {"class_ids": [a, new], "name": "5А"}
    assert school.do("POST", "/classes/merge", merge)["changed"]
    names = {c["name"]: c["students"] for c in school.get("/classes")["classes"]}
    assert names == {"5А": 2, "9А": 2, "11А": 1}
    path, t3 = f"/classes/{n}/substitute", school.person_id("T3")
    soon = {"person_id": t3, "until": school.day(30)}
    assert school.do("PUT", path, soon)["changed"]
    assert not school.do("PUT", path, soon)["changed"]
    (ninth,) = [c for c in school.get("/classes")["classes"] if c["name"] == "9А"]
    assert ninth["homeroom_teachers"] == [school.person_id("T2")]
    assert ninth["substitutes"] == [soon]
    for until in (school.day(-2), school.day(2000), "1.3.2027", ""):
        body = {"person_id": t3, "until": until}
        assert school.refused("PUT", path, body) == (400, "M_INVALID_PARAM")
    t2 = {"person_id": school.person_id("T2"), "until": school.day(30)}
    assert school.refused("PUT", path, t2) == (409, "SFERUM_IS_TEACHER")
    assert school.do("PUT", path, {"person_id": t3, "until": None})["changed"]
