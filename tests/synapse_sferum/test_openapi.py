"""docs/openapi.yaml describes the API that is there: the same calls, and each answers as it says."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import pytest
from openapi_spec_validator import validate

from synapse_sferum import edits, why, year_document
from synapse_sferum.api.call import LARGE_BODY, MOST_ROWS, SMALL_BODY
from synapse_sferum.api.routes import ROUTES
from synapse_sferum.api.views import MOST_CHANGES
from synapse_sferum.roster import MAX_CLASSES, MAX_LINKS, MAX_PEOPLE
from synapse_sferum.year_rows import YearState
from tests.support.openapi import Contract
from tests.support.process import ROOT
from tests.synapse_sferum.api_world import OFFICE, ApiSchool, World

CONTRACT = Contract.load()
SCHEMAS: Mapping[str, Any] = CONTRACT.document["components"]["schemas"]


def test_the_document_is_valid() -> None:
    """It is OpenAPI 3.1 to the last key."""
    validate(CONTRACT.document)


def test_the_document_has_the_rows_of_the_route_table() -> None:
    """Method, path and access of every call, no more and no fewer."""
    described = {(one.method, one.path, one.access) for one in CONTRACT.operations()}
    assert described == {(route.method, route.path, route.access) for route in ROUTES}


def test_every_operation_is_named_once() -> None:
    """Generated clients need a name for each call: the handler's."""
    names = {(o.method, o.path): o.spec["operationId"] for o in CONTRACT.operations()}
    assert names == {(r.method, r.path): r.handler.__name__ for r in ROUTES}


@pytest.mark.parametrize(
    "operation", list(CONTRACT.operations()), ids=lambda o: f"{o.method} {o.path}"
)
def test_every_operation_says_how_it_fails(operation: Any) -> None:
    """Every call may lack a token or a school; all but one's own profile may be somebody else's."""
    answers = set(operation.spec["responses"])
    assert {"200", "401", "403", "503"} <= answers
    assert ("404" in answers) == (operation.access != "any")


def examples(node: Any) -> list[tuple[Mapping[str, Any], Any]]:
    """(schema, example) of every media type in the document."""
    found = []
    if isinstance(node, dict):
        if "schema" in node:
            shown = [e["value"] for e in node.get("examples", {}).values()]
            shown += [node["example"]] if "example" in node else []
            found += [(node["schema"], one) for one in shown]
        for value in node.values():
            found += examples(value)
    return found


def test_the_examples_are_right() -> None:
    """Every example is what its schema allows."""
    found = examples(CONTRACT.document)
    assert len(found) > 20
    for schema, value in found:
        CONTRACT.validate(schema, value, "example")


def test_limits_are_those_of_the_code() -> None:
    """Numbers in the document are the module's constants."""
    roster = SCHEMAS["Roster"]["properties"]
    assert roster["people"]["maxItems"] == MAX_PEOPLE
    assert roster["classes"]["maxItems"] == MAX_CLASSES
    assert roster["enrolments"]["maxItems"] == roster["guardianships"]["maxItems"] == MAX_LINKS
    limit = CONTRACT.document["components"]["parameters"]["limit"]["schema"]
    assert limit["maximum"] == MOST_ROWS
    assert SCHEMAS["Plan"]["properties"]["changes"]["maxItems"] == MOST_CHANGES
    assert (SMALL_BODY, LARGE_BODY) == (64 * 1024, 12 * 1024 * 1024)
    year = SCHEMAS["Year"]["properties"]
    assert (year["classes"]["maxItems"], year["pupils"]["maxItems"]) == (MAX_CLASSES, MAX_PEOPLE)
    of_class = year["classes"]["items"]["properties"]
    assert of_class["teachers"]["maxItems"] == year_document.MOST_TEACHERS
    assert of_class["teachers"]["items"]["maxLength"] == year_document.LONGEST_TEACHER
    assert of_class["name"]["maxLength"] == year_document.LONGEST_NAME
    assert of_class["fate"]["enum"] == [fate.value for fate in year_document.ClassFate]
    of_pupil = year["pupils"]["items"]["properties"]
    assert of_pupil["fate"]["enum"] == [fate.value for fate in year_document.PupilFate]
    assert SCHEMAS["Promotion"]["properties"]["state"]["enum"] == [one.value for one in YearState]
    reasons = SCHEMAS["Why"]["properties"]["reasons"]["items"]["properties"]["reason"]["enum"]
    assert reasons == list(why.SENTENCES)


def test_every_error_code_is_listed() -> None:
    """Each code of our own in the module's source is in the document, and each in the document in the source."""
    source = "".join(p.read_text("utf-8") for p in (ROOT / "synapse_sferum").rglob("*.py"))
    listed = {
        code for code in SCHEMAS["Error"]["properties"]["errcode"]["enum"] if "SFERUM" in code
    }
    assert listed == set(re.findall(r'"(SFERUM_[A-Z_]+)"', source))
    conflict = CONTRACT.document["components"]["responses"]["Conflict"]["description"]
    assert listed == set(re.findall(r"SFERUM_[A-Z_]+", conflict))
    assert edits.not_found().errcode in SCHEMAS["Error"]["properties"]["errcode"]["enum"]


def _calls(school: ApiSchool) -> list[tuple[str, str, Any, Any]]:
    """For each call below a school: method, path, a body (of a GET: a query) that works, one that does not."""
    pupil, guardian = school.person_id("P1"), school.person_id("G1")
    room, user = school.room_id("class", "5А"), school.accounts["P1"]
    link = {"guardian_id": guardian, "student_id": pupil}
    move = {"from_class_id": school.class_id("5А"), "to_class_id": school.class_id("5Б")}
    applicant = {
        "source": "application",
        "source_id": "a1",
        "family_name": "Ф",
        "given_name": "И",
        "birth_date": "2012-09-01",
        "roles": ["student"],
        "class_id": school.class_id("5А"),
    }
    classes = f"/classes/{school.class_id('5А')}/homeroom_teachers"
    stands_in = {"person_id": school.person_id("A1"), "until": None}
    split = {"name": "5В", "person_ids": [school.person_id("P2")]}
    merge = {"class_ids": [school.class_id("5А"), school.class_id("5Б")], "name": "5Г"}
    year = school.do("POST", "/year/plan", {})["plan"]
    of = {"broadcast_id": "b1", "title": "Концерт"}
    told = {**of, "stage": "live", "link": "https://rtc.school.example/watch/b1"}
    sign = {"user_id": user, "sign": "hand"}
    return [
        ("PATCH", "", {"name": "Школа"}, {"name": ""}),
        ("POST", "/roster/plan", {"roster": OFFICE}, {"roster": {}}),
        ("POST", "/roster/apply", {"roster": OFFICE}, {"roster": []}),
        ("POST", "/year/plan", {}, {"plan": {}}),
        ("POST", "/year/plan", {"plan": year}, {"plan": {**year, "classes": 1}}),
        ("POST", "/reconcile", {}, {"sanction": 1}),
        ("GET", "/jobs", {}, {"state": "x"}),
        ("GET", "/people", {}, {"limit": "x"}),
        ("PUT", f"/people/{pupil}/roles", {"roles": ["student"]}, {"roles": []}),
        ("PUT", f"/people/{pupil}/subjects", {"subjects": ["Труд"]}, {"subjects": [""]}),
        ("POST", f"/people/{pupil}/activate", {}, {"user_id": "x"}),
        ("POST", f"/people/{pupil}/confirm", {"confirmed": True}, {}),
        ("POST", f"/people/{pupil}/move", move, {}),
        ("POST", f"/people/{pupil}/leave", {"reason": "x"}, {"reason": 1}),
        ("POST", "/people", applicant, {**applicant, "birth_date": "1.9.2012"}),
        ("PUT", classes, {"person_ids": []}, {"person_ids": 1}),
        ("PUT", f"/classes/{school.class_id('5Б')}/substitute", stands_in, {"person_id": 1}),
        ("POST", f"/classes/{school.class_id('5А')}/split", split, {**split, "name": ""}),
        ("PUT", "/guardianships", {**link, "status": "confirmed"}, {**link, "status": "x"}),
        ("DELETE", "/guardianships", link, {"guardian_id": 1}),
        (
            "GET",
            "/why",
            {"room_id": room, "user_id": user},
            {"room_id": room, "user_id": "x"},
        ),
        ("GET", "/audit", {}, {"from": "x"}),
        ("POST", "/broadcasts/watchers", {"user_ids": [user]}, {"user_ids": ["x"]}),
        ("POST", "/broadcasts/announce", told, {**told, "stage": "x"}),
        ("POST", "/broadcasts/tell", {**of, "signs": [sign]}, {**of, "signs": []}),
        ("POST", f"/people/{pupil}/erase", {}, {"reason": ""}),
        ("POST", "/classes/merge", merge, {**merge, "name": " "}),
    ]


def _own_calls(school: ApiSchool) -> list[tuple[str, str, Any, Any]]:
    """The same for calls that somebody makes for themselves: the director."""
    details = {"title": "Алгебра", "begins": "2027-03-01T08:30", "minutes": 45}
    room = school.room_id("class", "5А")
    plan = {"room_id": room, "kind": "lesson", "once": "openapi-1", **details}
    made = school.do("POST", "/schedule", {**plan, "once": "openapi-0"}, who="D1")["gathering_id"]
    days = {"since": "2027-03-01", "until": "2027-03-08"}
    rest = {"weekdays": [0], "begins": "21:00", "ends": "07:00"}
    rule = {"level": "school", "windows": [rest]}
    return [
        ("GET", "/schedule", days, {**days, "until": "x"}),
        ("POST", "/schedule", plan, {**plan, "minutes": 1}),
        ("PUT", f"/schedule/{made}", details, {**details, "title": ""}),
        ("PUT", f"/schedule/{made}/days/2027-03-01", {"held": False}, {"held": 1}),
        ("POST", f"/schedule/{made}/call_off", {}, {"reason": 1}),
        ("PUT", "/quiet_hours", rule, {**rule, "level": "x"}),
    ]


def _ask_for_themselves(
    world: World, school: ApiSchool, own: list[tuple[str, str, Any, Any]]
) -> None:
    """Calls whose rights are the person's: the schedule, quiet hours, materials, exports."""
    token = world.server.service_token
    for method, path, good, bad in own:
        for value, status in ((bad, 400), (good, 200)):
            query, body = (value, None) if method == "GET" else (None, value)
            answer = school.ask(method, path, body, params=query, who="D1")
            assert answer.status == status, (method, path, answer.json)
    gathering = next(path for _, path, _, _ in own if path.startswith("/schedule/"))
    room = school.room_id("class", "5А")
    film = {"room_id": room, "file_id": "a" * 32, "title": "План", "name": "p.pdf", "size": 7}
    for body, status in (({**film, "size": -1}, 400), (film, 200)):
        assert school.ask("POST", "/materials", body, actor="D1").status == status
    material = f"/materials/m{'a' * 32}"
    for path in (
        *("/schedule_rooms", gathering, "/quiet_hours", "/quiet_hours/now"),
        *("/materials", "/material_rooms", material),
    ):
        school.get(path, who="D1")
        assert school.ask("GET", path).status == 400  # the service has to name somebody
    for body, status in (({"title": ""}, 400), ({"title": "Другое"}, 200)):
        assert school.ask("PUT", material, body, "D1").status == status
    assert school.ask("DELETE", material, {"reason": 1}, "D1").status == 400
    assert school.ask("DELETE", material, {}, "D1").status == 200
    for body, status in (({"file_ids": 1}, 400), ({"file_ids": ["a" * 32]}, 200)):
        assert world.ask("POST", "/materials/live", token, body).status == status
    for body, status in (({"room_id": room, "from": "x"}, 400), ({"room_id": room}, 200)):
        assert school.ask("POST", "/rooms/export", body, "D1").status == status
    for body, status in (({"reason": 1}, 400), ({}, 200)):
        assert school.ask("POST", f"{school.person('P1')}/export", body, "D1").status == status


@pytest.mark.integration
def test_real_answers_are_as_described(world: World) -> None:
    """Each call answers 200 and a refusal on a real server, in exactly the documented shape."""
    contract, token = world.contract, world.server.service_token
    school = world.school("openapi", "D1", "P1")
    school.settle()
    own = _own_calls(school)
    job = f"openapi/class/{school.class_id('5А')}"
    world.database("UPDATE sferum_jobs SET state = 'dead' WHERE job_id = ?", job)
    school.do("POST", f"/jobs/{job.replace('/', '%2F')}/retry")
    assert school.ask("POST", "/jobs/none/retry").status == 404
    room = school.room_id("class", "5А").replace("!", "%21")
    reads = ["", "/year", "/progress", "/classes", "/guardianships", "/rooms", school.person("P1")]
    reads += [f"{school.person('P1')}/subjects"]
    reads += [f"{school.person('P1')}/family", f"/classes/{school.class_id('5А')}", "/overview"]
    for account, status in ((school.accounts["P1"], 200), ("@nobody:school.test", 404)):
        assert world.ask("GET", f"/accounts/{account}", token).status == status
    for path in [*reads, f"/members?room_id={room}"]:
        school.get(path)
        assert school.ask("GET", path, who="P1").status == 404
    _ask_for_themselves(world, school, own)
    for method, path, good, bad in _calls(school):
        for value, status in ((bad, 400), (good, 200)):
            query, body = (value, None) if method == "GET" else (None, value)
            answer = school.ask(method, path, body, params=query)
            assert answer.status == status, (method, path, answer.json)
    year = school.do("POST", "/year/plan", {})
    for again in (True, False):
        applied = school.do("POST", "/year/apply", {k: year[k] for k in ("plan", "plan_hash")})
        assert applied["applied"] is again
    assert school.ask("POST", "/year/apply", {"plan": {}, "plan_hash": ""}).status == 400
    assert school.do("POST", "/year/undo")["exact"]
    assert school.ask("POST", "/year/undo", {"x": 1}).status == 400
    world.ask("POST", "/orgs", token, {"org_id": "openapi-2", "name": "Школа"})
    assert world.ask("POST", "/orgs", token, {"org_id": "openapi-2", "name": "Школа"}).status == 409
    for path in ("/health", "/orgs", "/district/schools"):
        assert world.ask("GET", path, token).status == 200
        assert world.ask("GET", path).status == 401
    assert world.ask("GET", "/me", school.token("D1")).status == 200
    assert world.ask("GET", "/me", token).status == 400
    who = {
        "user_id": school.accounts["P1"],
        "org_id": "openapi",
        "room_id": school.room_id("class", "5А"),
    }
    for path in ("/calls/rights", "/broadcasts/rights", "/broadcasts/audiences"):
        assert world.ask("GET", path, token, params=who).status == 200
        assert world.ask("GET", path, token).status == 400
    for operation in contract.operations():
        seen = {s for m, p, s in contract.seen if (m, p) == (operation.method, operation.path)}
        assert 200 in seen, f"no success of {operation.method} {operation.path}"
        assert seen - {200}, f"no refusal of {operation.method} {operation.path}"
