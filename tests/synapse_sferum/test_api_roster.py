"""A roster over HTTP: planned, agreed to, applied; refused when stale, unsafe or wrong."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from tests.support import rosters
from tests.support.rosters import person
from tests.synapse_sferum.api_world import OFFICE, ApiSchool, World

pytestmark = pytest.mark.integration


@pytest.fixture
def school(paper_world: World, request: pytest.FixtureRequest) -> ApiSchool:
    """A school of each test's own with an active director, deputy and administrator."""
    name = request.node.name.replace("_", "-")[:50].partition("[")[0].strip("-")
    return paper_world.school(name, "D1", "Z1", "A1")


def with_person(*roles: str) -> dict[str, Any]:
    """The office's list with one more."""
    document = copy.deepcopy(OFFICE)
    document["people"].append(person("X1", *roles))
    return document


def apply(school: ApiSchool, document: Any, who: str | None = None, **more: Any) -> Any:
    """The answer to an import."""
    return school.ask("POST", "/roster/apply", {"roster": document, **more}, who)


def test_plan_agree_apply(school: ApiSchool) -> None:
    """The plan writes nothing; applied with its hash it does what it said, once."""
    before = school.get("/progress")["revision"]
    plan = school.do("POST", "/roster/plan", {"roster": with_person("student")}, who="A1")
    assert plan["counts"] == {"person_added": 1}
    assert [note["person"] for note in plan["changes"]] == ["ФамилияX1 Имя"]
    assert {"kind": "student_without_class"}.items() <= plan["exceptions"][0].items()
    assert (plan["safe"], plan["refusal"]) == (True, None)
    assert school.get("/progress")["revision"] == before
    first = apply(school, with_person("student"), "A1", plan_hash=plan["plan_hash"]).json
    assert first == {"applied": True, "counts": {"person_added": 1}, "revision": before + 1}
    again = apply(school, with_person("student"), "A1", plan_hash=plan["plan_hash"]).json
    assert again == {"applied": False, "counts": {}, "revision": before + 1}
    assert school.get(school.person("X1"))["status"] == "listed"


def test_a_plan_that_has_grown_old(school: ApiSchool) -> None:
    """When the school has changed since, the agreed plan is not what would happen: 409."""
    plan = school.do("POST", "/roster/plan", {"roster": with_person("student")})
    school.do("POST", "/roster/apply", {"roster": with_person("teacher")})
    stale = apply(school, with_person("student"), plan_hash=plan["plan_hash"])
    assert (stale.status, stale.errcode) == (409, "SFERUM_STALE_PLAN")


def test_half_a_file_is_refused_and_can_be_forced(school: ApiSchool) -> None:
    """Over the limit: 409 with the numbers; with force it is applied; the hash must still fit."""
    half = rosters.roster([person("D1", "director")], {})
    plan = school.do("POST", "/roster/plan", {"roster": half})
    assert (plan["safe"], plan["refusal"]) == (False, "unsafe")
    answer = apply(school, half, plan_hash=plan["plan_hash"])
    assert (answer.status, answer.errcode) == (409, "SFERUM_UNSAFE_PLAN")
    assert answer.json["error"] == plan["message"]
    assert apply(school, half, force=True, plan_hash="0" * 64).errcode == "SFERUM_STALE_PLAN"
    forced = apply(school, half, force=True, plan_hash=plan["plan_hash"])
    assert forced.json["counts"]["person_left"] == 8
    assert school.get("/people", status="left")["total"] == 8


def test_no_force_removes_the_last_administrator(school: ApiSchool) -> None:
    """A staff list without any active administrator is refused, forced or not (R33)."""
    staff = rosters.roster([person("T1", "teacher")], {}, covers=["staff"])
    for force in (False, True):
        answer = apply(school, staff, force=force)
        assert (answer.status, answer.errcode) == (409, "SFERUM_LAST_ADMINISTRATOR")


@pytest.mark.parametrize(
    ("who", "role", "allowed"),
    [
        ("A1", "teacher", True),
        ("A1", "administrator", False),
        ("Z1", "administrator", True),
        ("Z1", "deputy", False),
        ("D1", "director", True),
    ],
)
def test_a_list_gives_no_more_rights_than_its_sender(
    paper_world: World, who: str, role: str, allowed: bool
) -> None:
    """An import may make only those administrators whom its sender may make by hand."""
    school = paper_world.school(f"grants-{who.lower()}-{role}", who)
    answer = apply(school, with_person(role), who)
    assert (answer.status, answer.errcode) == ((200, None) if allowed else (403, "M_FORBIDDEN"))


HALF_A_PAIR = {**person("x", "student"), "given_name": "\ud800"}


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"format": "csv"}, "roster.format"),
        ({"people": [{"source_id": "x"}]}, "roster.people[0].roles"),
        ({"people": [HALF_A_PAIR], "enrolments": []}, "roster.people[0].given_name"),
        (
            {"enrolments": [{"class": "5А", "person": "P1", "role": []}]},
            "roster.enrolments[0].role",
        ),
        ({"phones": []}, "roster.roster.phones"),
    ],
    ids=lambda value: str(value)[:30],
)
@pytest.mark.parametrize("call", ["plan", "apply"])
def test_a_wrong_roster_is_refused_with_its_place(
    paper_world: World, change: dict[str, Any], field: str, call: str
) -> None:
    """400 with the path of the field in the body, as the import page shows it; nothing is written."""
    school = ApiSchool(paper_world.server, "roster-wrong", contract=paper_world.contract)
    paper_world.ask(
        "POST", "/orgs", paper_world.server.service_token, {"org_id": "roster-wrong", "name": "x"}
    )
    answer = school.ask("POST", f"/roster/{call}", {"roster": {**OFFICE, **change}})
    assert (answer.status, answer.errcode) == (400, "M_INVALID_PARAM")
    assert answer.json["field"] == field
    assert school.get("/people")["total"] == 0


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "roster.roster"),
        ({"roster": None}, "roster.roster"),
        ({"roster": OFFICE, "force": "yes"}, "force"),
        ({"roster": OFFICE, "plan_hash": 5}, "plan_hash"),
        ({"roster": OFFICE, "plan_hash": "0" * 65}, "plan_hash"),
        ({"roster": OFFICE, "sure": True}, "sure"),
    ],
    ids=lambda value: str(value)[-30:],
)
def test_a_wrong_request_around_a_roster(
    paper_world: World, body: dict[str, Any], field: str
) -> None:
    """What surrounds the roster is checked too."""
    paper_world.ask(
        "POST", "/orgs", paper_world.server.service_token, {"org_id": "roster-around", "name": "x"}
    )
    school = ApiSchool(paper_world.server, "roster-around", contract=paper_world.contract)
    answer = school.ask("POST", "/roster/apply", body)
    assert (answer.status, answer.json.get("field")) == (400, field)
