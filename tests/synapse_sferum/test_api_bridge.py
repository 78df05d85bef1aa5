"""What only the bridge asks: records of applications, families, classes, figures, accounts, erasure, and for whom."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.fleet import Fleet
from tests.support.http import Response
from tests.support.polling import until
from tests.support.school import API
from tests.synapse_sferum.api_world import OFFICE, ApiSchool, World

pytestmark = pytest.mark.integration

NOT_FOUND = (404, "M_NOT_FOUND")
WRONG = (400, "M_INVALID_PARAM")
ERASED = (409, "SFERUM_ERASED")


def applicant(number: str, *roles: str, **more: Any) -> dict[str, Any]:
    """A new record's body."""
    return {
        "source": "application",
        "source_id": number,
        "family_name": "Новиков",
        "given_name": "Пётр",
        "roles": list(roles),
        **more,
    }


@pytest.fixture(scope="module")
def school(paper_world: World) -> ApiSchool:
    """For tests that only read, or change people of their own."""
    return paper_world.school("bridge", "D1", "A1", "T1", "P1", "P2", "G1")


def source_ids(rows: list[Any]) -> list[str]:
    return [row["person"]["source_id"] for row in rows]


# --- records


def test_an_applicant_gets_a_record(school: ApiSchool) -> None:
    """The record is listed, enrolled by hand, found by its number; a second call answers it as it is."""
    class_id = school.class_id("5Б")
    body = applicant("n1", "student", birth_date="2012-09-01", class_id=class_id)
    made = school.do("POST", "/people", body)
    assert (made["status"], made["user_id"], made["birth_date"]) == ("listed", None, "2012-09-01")
    assert [c["name"] for c in made["classes"]] == ["5Б"]
    again = school.do("POST", "/people", {**body, "family_name": "Другой", "roles": ["guardian"]})
    assert again == made
    found = school.get("/people", source="application", source_id="n1")
    assert (found["people"], found["total"]) == ([made], 1)
    assert school.get("/people", q="новиков")["people"] == [made]
    assert school.get("/people", source="csv", source_id="n1")["total"] == 0


def test_an_import_leaves_the_record(paper_world: World) -> None:
    """A list that does not know the applicant neither sends them away nor takes the class."""
    school = paper_world.school("bridge-import")
    body = applicant("n1", "student", class_id=school.class_id("5А"))
    made = school.do("POST", "/people", body)
    school.do("POST", "/roster/apply", {"roster": OFFICE, "force": True})
    assert school.get(f"/people/{made['person_id']}") == made


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"source": "Заявка"}, "source"),
        ({"source": None}, "source"),
        ({"source_id": ""}, "source_id"),
        ({"source_id": "x" * 129}, "source_id"),
        ({"family_name": " "}, "family_name"),
        ({"given_name": "x\x00"}, "given_name"),
        ({"middle_name": 5}, "middle_name"),
        ({"birth_date": "01.09.2012"}, "birth_date"),
        ({"roles": []}, "roles"),
        ({"roles": ["pupil"]}, "roles"),
        ({"class_id": None}, "class_id"),
        ({"phone": "x"}, "phone"),
    ],
    ids=str,
)
def test_a_wrong_record_is_refused(school: ApiSchool, change: dict[str, Any], field: str) -> None:
    """400 with the field; nothing is written."""
    answer = school.ask("POST", "/people", applicant("wrong", "student") | change)
    assert (answer.status, answer.json["field"]) == (400, field)
    assert school.get("/people", source="application", source_id="wrong")["total"] == 0


def test_only_a_pupil_has_a_class(school: ApiSchool) -> None:
    """A parent with a class is 400, a pupil of a class that is not there 404."""
    parent = applicant("n2", "guardian", class_id=school.class_id("5А"))
    assert school.refused("POST", "/people", parent) == WRONG
    nowhere = applicant("n2", "student", class_id="cnone")
    assert school.refused("POST", "/people", nowhere) == NOT_FOUND


@pytest.mark.parametrize("query", [{"source": "csv"}, {"source_id": "P1"}], ids=str)
def test_source_and_number_go_together(school: ApiSchool, query: dict[str, str]) -> None:
    """One without the other is 400."""
    answer = school.ask("GET", "/people", params=query)
    assert (answer.status, answer.errcode) == WRONG


# --- what it reads


def test_a_family(school: ApiSchool) -> None:
    """Guardians and children with relation and status, restricted links too (R34)."""
    link = {"guardian_id": school.person_id("G1"), "student_id": school.person_id("P2")}
    school.do("PUT", "/guardianships", {**link, "relation": "отец", "status": "restricted"})
    parent = school.get(school.person("G1") + "/family")
    assert parent["person"]["source_id"] == "G1"
    assert parent["guardians"] == []
    children = {
        row["person"]["source_id"]: (row["relation"], row["status"]) for row in parent["children"]
    }
    assert children == {"P1": ("", "confirmed"), "P2": ("отец", "restricted")}
    child = school.get(school.person("P1") + "/family")
    assert source_ids(child["guardians"]) == ["G1"]
    assert [c["name"] for c in child["person"]["classes"]] == ["5А"]
    assert school.refused("GET", "/people/pnobody/family") == NOT_FOUND
    school.do("DELETE", "/guardianships", link)


def test_a_class(paper_world: World) -> None:
    """Its teachers, its pupils with their guardians, by name; nobody who has left, nobody else's class."""
    school = paper_world.school("bridge-class", "P1")
    path = f"/classes/{school.class_id('5А')}"
    found = school.get(path)
    assert (found["name"], found["grade"], found["session"]) == ("5А", 5, "2026/2027")
    assert [p["source_id"] for p in found["homeroom_teachers"]] == ["T1"]
    assert source_ids(found["students"]) == ["P1", "P2"]  # Ёлкин, Фамилия
    guardians = {s["person"]["source_id"]: source_ids(s["guardians"]) for s in found["students"]}
    assert guardians == {"P1": ["G1"], "P2": []}
    for gone in ("P2", "G1", "T1"):
        school.do("POST", school.person(gone) + "/leave", {})
    found = school.get(path)
    assert (source_ids(found["students"]), found["homeroom_teachers"]) == (["P1"], [])
    assert found["students"][0]["guardians"] == []
    other = paper_world.school("bridge-class-2")
    assert other.refused("GET", path) == NOT_FOUND


def test_figures_of_a_school(paper_world: World) -> None:
    """Who is there and who has an account, class by class; who waits for a parent's yes."""
    school = paper_world.school("bridge-figures", "D1", "T1", "P1", "P2", "G1")
    found = school.get("/overview")
    assert [row["name"] for row in found["classes"]] == ["5А", "5Б"]
    assert found["classes"][0] == {
        "class_id": school.class_id("5А"),
        "name": "5А",
        "grade": 5,
        "students": 2,
        "active_students": 2,
        "unconfirmed": 1,
        "guardians": 1,
        "active_guardians": 1,
        "homeroom_teachers": 1,
    }
    assert found["staff"] == {"total": 5, "active": 2}
    assert found["guardians"] == {"total": 1, "active": 1}
    assert found["students"] == {"total": 3, "active": 2, "unconfirmed": 1}
    school.do("POST", school.person("P2") + "/confirm", {"confirmed": True})
    assert school.get("/overview")["students"]["unconfirmed"] == 0


def test_an_account(paper_world: World) -> None:
    """Persons, roles, classes and children of an active account; from the moment of a change, also of leaving."""
    school = paper_world.school("bridge-account", "G1", "T1", "P2")
    service = paper_world.server.service_token

    def account(source_id: str) -> Response:
        return paper_world.ask("GET", f"/accounts/{school.accounts[source_id]}", service)

    parent = account("G1").json
    assert (parent["org_id"], parent["org_name"]) == ("bridge-account", "Школа bridge-account")
    assert (parent["roles"], parent["timezone"]) == (["guardian"], "Europe/Moscow")
    assert parent["display_name"] == "ФамилияG1 Имя"
    assert parent["children"] == [school.person_id("P1")]
    assert parent["children_in"] == [school.class_id("5А")]
    assert [p["person_id"] for p in parent["persons"]] == [school.person_id("G1")]
    assert account("T1").json["homeroom_of"] == [school.class_id("5А")]
    pupil = account("P2").json
    assert (pupil["student_in"], pupil["unconfirmed"]) == ([school.class_id("5А")], True)
    school.do("POST", school.person("P2") + "/confirm", {"confirmed": True})
    assert account("P2").json["unconfirmed"] is False
    school.do("POST", school.person("T2") + "/activate", {"user_id": school.accounts["G1"]})
    both = account("G1").json
    assert (both["roles"], len(both["persons"])) == (["guardian", "teacher"], 2)
    school.do("POST", school.person("P2") + "/leave", {})
    for nobody in (account("P2"), paper_world.ask("GET", "/accounts/@sferum:school.test", service)):
        assert (nobody.status, nobody.errcode) == NOT_FOUND


# --- erasure


def test_erased_for_good(paper_world: World) -> None:
    """Names, birth date, search words, classes and family are gone; ids and log stay; no list writes them again."""
    school = paper_world.school("bridge-erase", "D1", "P1")
    path, user_id = school.person("P1"), school.accounts["P1"]
    done = school.do("POST", path + "/erase", {})
    names = [done[name] for name in ("family_name", "given_name", "middle_name", "birth_date")]
    assert names == ["", "", "", None]
    assert (done["status"], done["user_id"], done["source_id"]) == ("left", user_id, "P1")
    assert done["classes"] == []
    assert school.get("/people", q="елкин")["total"] == 0
    words = "SELECT COUNT(*) FROM sferum_people_words WHERE person_id = ?"
    assert paper_world.database(words, done["person_id"]) == [(0,)]
    assert school.get(school.person("G1") + "/family")["children"] == []
    log = school.get("/audit")["entries"]
    assert [(e["action"], e["target"]) for e in log[:1]] == [("erase", done["person_id"])]
    assert any(e["action"] == "activate" and e["target"] == done["person_id"] for e in log)
    school.do("POST", path + "/erase", {})
    assert school.get("/audit")["entries"] == log
    school.do("POST", "/roster/apply", {"roster": OFFICE})
    assert school.get(path) == done
    assert school.get(school.person("G1") + "/family")["children"] == []
    for call, body in (("activate", {}), ("leave", {}), ("confirm", {"confirmed": True})):
        assert school.refused("POST", f"{path}/{call}", body) == ERASED, call
    link = {"guardian_id": school.person_id("G1"), "student_id": school.person_id("P1")}
    assert school.refused("PUT", "/guardianships", {**link, "status": "claimed"}) == ERASED
    assert school.refused("POST", "/people/pnobody/erase", {}) == NOT_FOUND


def test_the_last_administrator_is_not_erased(paper_world: World) -> None:
    """R33 holds here too."""
    school = paper_world.school("bridge-last", "D1")
    refused = school.refused("POST", school.person("D1") + "/erase", {})
    assert refused == (409, "SFERUM_LAST_ADMINISTRATOR")


# --- for whom


def as_actor(school: ApiSchool, actor: str, token: str | None = None) -> Response:
    """A change of P2 with the header; by the service unless a token is given."""
    return school.server.request(
        "POST",
        f"{API}/orgs/{school.org_id}{school.person('P2')}/confirm",
        token or school.server.service_token,
        {"confirmed": True},
        headers={"X-Sferum-Actor": actor},
    )


def test_the_log_names_the_person(school: ApiSchool) -> None:
    """The bridge writes on somebody's behalf; without the header it is the service itself."""
    director = school.accounts["D1"]
    assert as_actor(school, director).status == 200
    assert school.get("/audit")["entries"][0]["actor"] == director
    school.do("POST", school.person("P2") + "/confirm", {"confirmed": False})
    assert school.get("/audit")["entries"][0]["actor"] == "service"


@pytest.mark.parametrize(
    "actor",
    [
        "anna",
        "@anna",
        "@anna:elsewhere.example",
        "@:school.test",
        "@a b:school.test",
        "@anna:school.test, @boris:school.test",
        "@" + "a" * 250 + ":school.test",
    ],
)
def test_a_name_that_is_none(school: ApiSchool, actor: str) -> None:
    """Only a user id of this server: 400, and nothing is done."""
    before = school.get("/audit")["entries"][0]["number"]
    answer = as_actor(school, actor)
    assert (answer.status, answer.json["field"]) == (400, "X-Sferum-Actor")
    assert school.get("/audit")["entries"][0]["number"] == before


def test_a_person_speaks_for_nobody(school: ApiSchool) -> None:
    """With a person's own token the header is 400, even with one's own name."""
    answer = as_actor(school, school.accounts["D1"], school.token("D1"))
    assert (answer.status, answer.json["field"]) == (400, "X-Sferum-Actor")


# --- leaving


def test_leaving_is_quick(homeserver: Fleet) -> None:
    """Out of the class room within 5 s of the call, with the settings that schools have (R14)."""
    world = World(homeserver(module={}))
    school = world.school("bridge-leave", "D1", "T1", "P1")
    school.settle()
    room_id = school.room_id("class", "5А")
    statement = "SELECT membership FROM local_current_membership WHERE room_id = ? AND user_id = ?"
    values = (room_id, school.accounts["P1"])
    assert world.database(statement, *values) == [("join",)]
    school.do("POST", school.person("P1") + "/leave", {})
    until(
        lambda: world.database(statement, *values) == [("leave",)],
        what="the end of the membership",
        deadline_s=5,
    )
