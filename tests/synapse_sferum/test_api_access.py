"""Who may call what: tokens, roles, schools; and that a refusal never tells what exists."""

from __future__ import annotations

import pytest

from synapse_sferum.account import Account
from synapse_sferum.api.resource import find_route, may_call
from synapse_sferum.api.routes import ROUTES
from synapse_sferum.api.services import Route
from synapse_sferum.model import OrgId, OrgSettings, Role, UserId
from tests.support.school import API
from tests.synapse_sferum.api_world import ApiSchool, World

pytestmark = pytest.mark.integration

EVERY = pytest.mark.parametrize("route", ROUTES, ids=lambda r: f"{r.method} {r.path}")
IN_SCHOOL = pytest.mark.parametrize(
    "route", [r for r in ROUTES if "{org_id}" in r.path], ids=lambda r: f"{r.method} {r.path}"
)
#: All but what everybody asks for themselves: there the answer depends on what is asked (test_api_schedule.py, …).
OF_THE_OFFICE = pytest.mark.parametrize(
    "route",
    [
        r
        for r in ROUTES
        if "{org_id}" in r.path and (r.access != "own_org" or r.path.endswith("/members"))
    ],
    ids=lambda r: f"{r.method} {r.path}",
)


@pytest.fixture(scope="module")
def school(paper_world: World) -> ApiSchool:
    """Everybody who can be refused something."""
    return paper_world.school("access", "D1", "Z1", "A1", "T1", "P1", "G1")


@pytest.fixture(scope="module")
def other(paper_world: World) -> ApiSchool:
    """Another school of the same server."""
    return paper_world.school("access-other", "D1", "T1")


def path_of(route: Route, school: ApiSchool, org_id: str | None = None) -> str:
    """A real path for a route: everything in it exists."""
    return (
        route.path.replace("{org_id}", org_id or school.org_id)
        .replace("{person_id}", school.person_id("P1"))
        .replace("{class_id}", school.class_id("5А"))
        .replace("{job_id}", "x")
        .replace("{user_id}", school.accounts["P1"])
    )


@EVERY
def test_no_call_without_a_token(paper_world: World, school: ApiSchool, route: Route) -> None:
    """Every call answers 401 to nobody, and 401 to a token that is none."""
    path = path_of(route, school)
    nobody = paper_world.ask(route.method, path)
    assert (nobody.status, nobody.errcode) == (401, "M_MISSING_TOKEN")
    wrong = paper_world.ask(route.method, path, "syt_wrong")
    assert (wrong.status, wrong.errcode) == (401, "M_UNKNOWN_TOKEN")


def test_a_token_in_the_query_is_no_token(paper_world: World) -> None:
    """Query strings end up in logs: only the header counts."""
    answer = paper_world.ask(
        "GET", "/health", params={"access_token": paper_world.server.service_token}
    )
    assert answer.status == 401


@pytest.mark.parametrize("header", ["", "Bearer", "Basic abc", "bearer"])
def test_other_headers_are_no_token(paper_world: World, header: str) -> None:
    """Another scheme, or no token after it, is a missing token."""
    answer = paper_world.server.request("GET", API + "/health", headers={"Authorization": header})
    assert (answer.status, answer.errcode) == (401, "M_MISSING_TOKEN")


def test_the_scheme_may_be_in_any_case(paper_world: World) -> None:
    """HTTP says that schemes are case-insensitive."""
    header = {"Authorization": f"BEARER {paper_world.server.service_token}"}
    assert paper_world.server.request("GET", API + "/health", headers=header).status == 200


@IN_SCHOOL
def test_a_foreign_school_looks_like_none(
    paper_world: World, school: ApiSchool, other: ApiSchool, route: Route
) -> None:
    """A director of another school gets, byte for byte, the answer for a school that does not exist."""
    token = other.token("D1")
    foreign = paper_world.ask(route.method, path_of(route, school), token, {})
    unknown = paper_world.ask(route.method, path_of(route, school, "no-such-school"), token, {})
    assert (foreign.status, foreign.errcode) == (404, "M_NOT_FOUND")
    assert foreign.body == unknown.body


@OF_THE_OFFICE
@pytest.mark.parametrize("who", ["P1", "G1", "T1"])
def test_pupils_parents_and_teachers_are_not_told(
    paper_world: World, school: ApiSchool, route: Route, who: str
) -> None:
    """In one's own school every call of the office looks as if it were not there."""
    path, token = path_of(route, school), school.token(who)
    answer = paper_world.ask(route.method, path, token, {})
    assert (answer.status, answer.errcode) == (404, "M_NOT_FOUND")
    unknown = paper_world.ask(route.method, path_of(route, school, "no-such-school"), token, {})
    assert answer.body == unknown.body


def test_the_service_is_told_that_a_school_is_not_there(paper_world: World) -> None:
    """The bridge may call every school; one that does not exist is 404 for it too."""
    for path in ("", "/progress", "/people", "/people/x", "/classes", "/rooms", "/jobs", "/audit"):
        answer = paper_world.ask("GET", "/orgs/nowhere" + path, paper_world.server.service_token)
        assert (answer.status, answer.errcode) == (404, "M_NOT_FOUND"), path


def account(role: Role) -> Account:
    """An account of school `o`."""
    return Account(
        user_id=UserId("@u:s.test"),
        org_id=OrgId("o"),
        settings=OrgSettings(),
        roles=frozenset({role}),
        persons=frozenset(),
    )


ALLOWED = {
    "service": set(),
    "leader": {Role.DIRECTOR, Role.DEPUTY},
    "administrative": {Role.DIRECTOR, Role.DEPUTY, Role.ADMINISTRATOR},
    "own_org": set(Role),
    "any": set(Role),
}


@EVERY
def test_the_table_of_rights(route: Route) -> None:
    """Each access word lets exactly its roles in, in one's own school only, and the service everywhere."""
    here = "o" if "{org_id}" in route.path else None
    assert {r for r in Role if may_call(route, account(r), here)} == ALLOWED[route.access]
    assert may_call(route, None, here)
    if here is not None:
        assert not any(may_call(route, account(role), "x") for role in Role)


@pytest.mark.parametrize(
    ("who", "sees"),
    [
        ("D1", {"/audit", "/people"}),
        ("Z1", {"/audit", "/people"}),
        ("A1", {"/people"}),
        ("T1", set()),
    ],
)
def test_rights_on_a_real_server(school: ApiSchool, who: str, sees: set[str]) -> None:
    """Director and deputy read the log, an administrator the people, a teacher neither."""
    statuses = {path: school.ask("GET", path, who=who).status for path in ("/audit", "/people")}
    assert statuses == {path: 200 if path in sees else 404 for path in statuses}


def test_only_the_service_makes_schools(paper_world: World, school: ApiSchool) -> None:
    """A director cannot make a school, and is not told whether one is there."""
    for org_id in ("access", "a-new-one"):
        body = {"org_id": org_id, "name": "Школа"}
        answer = paper_world.ask("POST", "/orgs", school.token("D1"), body)
        assert (answer.status, answer.errcode) == (404, "M_NOT_FOUND")


def test_an_account_of_no_school_is_locked_out(paper_world: World, school: ApiSchool) -> None:
    """Before activation and after leaving, a valid token is refused with 403."""
    stranger = paper_world.server.register("uaccessnew")
    before = paper_world.ask("GET", "/me", stranger.access_token)
    assert before.status == 403
    school.sign_in("P3")
    assert paper_world.ask("GET", "/me", school.token("P3")).status == 200
    school.do("POST", school.person("P3") + "/leave", {})
    assert paper_world.ask("GET", "/me", school.token("P3")).status == 403


def test_who_am_i(paper_world: World, school: ApiSchool) -> None:
    """Everybody active reads their own facts; the service has none."""
    pupil = paper_world.ask("GET", "/me", school.token("P1")).json
    assert pupil["roles"] == ["student"]
    assert pupil["student_in"] == [school.class_id("5А")]
    assert pupil["org_name"] == "Школа access"
    assert paper_world.ask("GET", "/me", school.token("G1")).json["children"] == [
        school.person_id("P1")
    ]
    assert paper_world.ask("GET", "/me", school.token("T1")).json["homeroom_of"] == [
        school.class_id("5А")
    ]
    service = paper_world.ask("GET", "/me", paper_world.server.service_token)
    assert (service.status, service.errcode) == (400, "M_INVALID_PARAM")


def test_each_sees_own_schools(paper_world: World, school: ApiSchool) -> None:
    """A director lists one school, the service all of them."""
    mine = paper_world.ask("GET", "/orgs", school.token("D1")).json["orgs"]
    assert [org["org_id"] for org in mine] == ["access"]
    every = paper_world.ask("GET", "/orgs", paper_world.server.service_token).json["orgs"]
    assert {"access", "access-other"} <= {org["org_id"] for org in every}


def test_unknown_paths_and_methods(paper_world: World) -> None:
    """A path that is not there is 404, another method 405; neither without a token."""
    token = paper_world.server.service_token
    for path in (
        "/nothing",
        "/orgs/access/nothing",
        "/orgs//people",
        "",
        "/orgs/" + "x" * 400,
        "/orgs/%00",
    ):
        answer = paper_world.ask("GET", path, token)
        assert (answer.status, answer.errcode) == (404, "M_UNRECOGNIZED"), path
    for method in ("DELETE", "PUT", "PATCH"):
        answer = paper_world.ask(method, "/me", token)
        assert (answer.status, answer.errcode) == (405, "M_UNRECOGNIZED")
    assert paper_world.ask("GET", "/nothing").status == 401
    assert find_route("GET", "/") == 404


def test_a_browser_may_ask_first(paper_world: World) -> None:
    """A preflight request is answered without a token and without a body."""
    answer = paper_world.server.request("OPTIONS", API + "/orgs/access/people")
    assert (answer.status, answer.body) == (204, b"")
    assert answer.headers["access-control-allow-origin"] == "*"
