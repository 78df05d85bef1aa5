"""Schools over HTTP: made, changed, closed and opened; bodies that are wrong are refused with the field."""

from __future__ import annotations

from typing import Any

import pytest

from synapse_sferum.api.call import LARGE_BODY, SMALL_BODY
from tests.support.school import API
from tests.synapse_sferum.api_world import ApiSchool, World

pytestmark = pytest.mark.integration


@pytest.fixture(scope="module")
def school(paper_world: World) -> ApiSchool:
    """A school with its office."""
    return paper_world.school("orgs", "D1", "Z1", "A1", "P1")


def create(paper_world: World, **body: Any) -> tuple[int, Any]:
    """Status and JSON of making a school."""
    answer = paper_world.ask("POST", "/orgs", paper_world.server.service_token, body)
    return answer.status, answer.json


def test_a_school_is_made_once(paper_world: World) -> None:
    """The answer is the school with its defaults; its id can be taken once."""
    status, org = create(paper_world, org_id="orgs-made", name="  Школа № 1 ")
    assert (status, org["name"], org["timezone"]) == (200, "Школа № 1", "Europe/Moscow")
    assert org["settings"]["removal_limit"] == 0.2
    status, error = create(paper_world, org_id="orgs-made", name="Другая")
    assert (status, error["errcode"]) == (409, "SFERUM_ORG_EXISTS")
    settings = {"removal_limit": 0.5, "encrypted_kinds": ["staff"]}
    status, org = create(
        paper_world,
        org_id="orgs-2",
        name="Школа",
        timezone="Asia/Omsk",
        school_year="2026/2027",
        settings=settings,
    )
    assert (org["timezone"], org["school_year"]) == ("Asia/Omsk", "2026/2027")
    assert org["settings"]["encrypted_kinds"] == ["staff"]


WRONG: list[tuple[str, Any]] = [
    ("org_id", None),
    ("org_id", "Школа"),
    ("org_id", "-x"),
    ("org_id", "x" * 64),
    ("name", None),
    ("name", "   "),
    ("name", "x" * 121),
    ("name", "a\x00b"),
    ("name", "\ud800"),
    ("name", ["x"]),
    ("timezone", "Moscow"),
    ("timezone", "../../etc/passwd"),
    ("timezone", 3),
    ("school_year", "2026"),
    ("settings", []),
    ("settings", {"removal_limit": 2}),
    ("settings", {"encrypted_kinds": "class"}),
    ("settings", {"unknown": 1}),
    ("status", "open"),
    ("colour", "blue"),
]


@pytest.mark.parametrize(("field", "value"), WRONG, ids=str)
def test_a_wrong_field_is_named(paper_world: World, field: str, value: Any) -> None:
    """400 with the field, and no school is made."""
    status, error = create(paper_world, **{"org_id": "orgs-wrong", "name": "Школа", field: value})
    assert (status, error["errcode"], error["field"]) == (400, "M_INVALID_PARAM", field)
    answer = paper_world.ask("GET", "/orgs/orgs-wrong", paper_world.server.service_token)
    assert answer.status == 404


@pytest.mark.parametrize(
    ("body", "errcode"),
    [
        (b"{", "M_NOT_JSON"),
        (b"\xff", "M_NOT_JSON"),
        (b'{"name": NaN}', "M_NOT_JSON"),
        (b"[" * 10_000, "M_NOT_JSON"),
        (b'{"name": ' + b"9" * 5000 + b"}", "M_NOT_JSON"),
        (b"[]", "M_BAD_JSON"),
        (b'"text"', "M_BAD_JSON"),
        (b"", "M_INVALID_PARAM"),
    ],
    ids=lambda value: str(value)[:14],
)
def test_a_body_that_is_no_object(paper_world: World, body: bytes, errcode: str) -> None:
    """Whatever the bytes are, the answer is 400 and says what is wrong with them."""
    answer = paper_world.server.request(
        "POST", API + "/orgs", paper_world.server.service_token, body=body
    )
    paper_world.contract.check("POST", "/orgs", answer)
    assert (answer.status, answer.errcode) == (400, errcode)


def test_a_body_that_is_too_large(paper_world: World, school: ApiSchool) -> None:
    """413 with the limit: 64 KiB, and 12 MiB for a roster; a byte less is read."""
    token = paper_world.server.service_token
    for path, limit in (("/orgs", SMALL_BODY), ("/orgs/orgs/roster/plan", LARGE_BODY)):
        whole = b'{"x": "' + b"a" * (limit - 9) + b'"}'
        fits = paper_world.server.request("POST", API + path, token, body=whole)
        assert (fits.status, fits.json["field"]) == (400, "x")
        answer = paper_world.server.request("POST", API + path, token, body=whole + b" ")
        paper_world.contract.check("POST", path, answer)
        assert (answer.status, answer.errcode) == (413, "M_TOO_LARGE")
        assert answer.json["limit"] == limit


def test_a_leader_changes_settings(school: ApiSchool) -> None:
    """What is not named stays; nothing changes for a body that says what is so already."""
    changed = school.do("PATCH", "", {"settings": {"removal_limit": 0.3}}, who="Z1")
    assert changed["settings"]["removal_limit"] == 0.3
    assert changed["settings"]["confirmation_required"] is True
    again = school.do("PATCH", "", {"settings": {"removal_limit": 0.3}, "name": changed["name"]})
    assert again["revision"] == changed["revision"]
    named = school.do("PATCH", "", {"name": "Гимназия", "timezone": "Asia/Omsk"}, who="D1")
    assert (named["name"], named["timezone"], named["status"]) == ("Гимназия", "Asia/Omsk", "open")
    assert school.get("", who="A1") == {k: v for k, v in named.items() if k != "revision"}
    assert school.refused("PATCH", "", {"name": "x"}, who="A1") == (404, "M_NOT_FOUND")


def test_only_the_operator_closes_a_school(school: ApiSchool) -> None:
    """A director's attempt is 403; a status that is none is 400."""
    assert school.refused("PATCH", "", {"status": "closed"}, who="D1") == (403, "M_FORBIDDEN")
    assert school.refused("PATCH", "", {"status": "gone"}) == (400, "M_INVALID_PARAM")


def test_a_closed_school_is_empty_and_comes_back(world: World) -> None:
    """Nobody may act in it and its rooms are archives; opened again, everything is as it was."""
    school = world.school("orgs-close", "D1", "P1")
    school.settle()
    before = {
        (room["kind"], room["ref"]): room["members"] for room in school.get("/rooms")["rooms"]
    }
    assert sum(before.values()) == 9
    school.do("PATCH", "", {"status": "closed"})
    assert world.ask("GET", "/me", school.token("D1")).status == 403
    school.settle()
    rooms = school.get("/rooms")["rooms"]
    assert {room["state"] for room in rooms} == {"archived"}
    assert {room["members"] for room in rooms} == {0}
    school.do("PATCH", "", {"status": "open"})
    school.settle()
    after = {(room["kind"], room["ref"]): room["members"] for room in school.get("/rooms")["rooms"]}
    assert after == before
    assert world.ask("GET", "/me", school.token("D1")).status == 200


def test_health_says_what_runs(paper_world: World, school: ApiSchool) -> None:
    """Versions, guard and queue, for the service and for administrators."""
    for token in (paper_world.server.service_token, school.token("A1")):
        health = paper_world.ask("GET", "/health", token).json
        assert health["server_name"] == paper_world.server.server_name
        assert health["schema"]["found"] == health["schema"]["wanted"]
        assert health["guard"] == {"client": True, "federation": True}
        assert (health["worker"], health["background"]) == (None, True)
        assert health["service_user"] == f"@sferum:{paper_world.server.server_name}"
