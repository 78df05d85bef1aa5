"""The role badge: who somebody is at school, in the profile, written by the school only (R30, R31)."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from synapse_sferum.badge import FIELD, badge
from synapse_sferum.model import Role
from tests.support.configuration import NO_RATE_LIMITS
from tests.support.fleet import Fleet
from tests.support.http import Response
from tests.support.rosters import person, roster
from tests.support.school import School
from tests.support.synapse import Homeserver

PROFILE = "/_matrix/client/v3/profile"


@pytest.mark.parametrize(
    ("roles", "ru", "en"),
    [
        ({Role.STUDENT}, "Ученик", "Pupil"),
        ({Role.GUARDIAN, Role.TEACHER}, "Учитель, родитель", "Teacher, parent"),
        ({Role.DEPUTY, Role.TEACHER}, "Заместитель директора, учитель", "Deputy head, teacher"),
    ],
)
def test_a_badge_in_words(roles: set[Role], ru: str, en: str) -> None:
    """Roles in one order, with a label for people in both languages."""
    found = badge(roles)
    assert found is not None
    assert found["label"] == {"ru": ru, "en": en}
    assert found["roles"] == [role.value for role in Role if role in roles]


@given(st.sets(st.sampled_from(Role)))
def test_any_roles_make_a_small_badge(roles: set[Role]) -> None:
    """Every set of roles has a badge, the same each time; nobody's is none. A profile may hold 64 KiB in all."""
    found = badge(roles)
    assert (found is None) == (not roles)
    assert found == badge(sorted(roles, key=lambda role: role.value, reverse=True))
    assert len(json.dumps(found)) < 1000


def staff_and_family() -> dict[str, Any]:
    """A director, a teacher who is also a parent, a pupil."""
    people = [
        person("D1", "director"),
        person("T1", "teacher", "guardian"),
        person("P1", "student", born="2010-05-05"),
    ]
    return roster(people, {"5А": ["P1"]}, {"5А": ["T1"]}, [("T1", "P1")])


@pytest.fixture(scope="module")
def server(homeserver: Fleet) -> Iterator[Homeserver]:
    with homeserver(module={"poll_interval_s": 0.05}, overrides=NO_RATE_LIMITS) as server:
        yield server


@pytest.fixture
def school(server: Homeserver, request: pytest.FixtureRequest) -> School:
    return full_school(server, request.node.name.replace("_", "-")[:40].strip("-"))


def full_school(server: Homeserver, org_id: str) -> School:
    found = School(server, org_id)
    found.create()
    found.apply(staff_and_family())
    found.sign_in_all(["D1", "T1", "P1"])
    found.settle()
    return found


def profile(school: School, source_id: str, reader: str = "P1") -> Any:
    """Somebody's whole profile, as another member sees it."""
    path = f"{PROFILE}/{quote(school.accounts[source_id])}"
    return school.server.call("GET", path, school.token(reader))


def write(school: School, writer: str, source_id: str, method: str = "PUT") -> Response:
    """A member tries to write a badge."""
    path = f"{PROFILE}/{quote(school.accounts[source_id])}/{FIELD}"
    body = {FIELD: badge({Role.DIRECTOR})} if method == "PUT" else None
    return school.server.request(method, path, school.token(writer), body)


@pytest.mark.integration
def test_profiles_show_name_and_badge(school: School) -> None:
    """Members of the school see the name of the list and the roles; nothing of children or classes is in it."""
    seen = profile(school, "T1")
    assert seen["displayname"] == "ФамилияT1 Имя"
    assert seen[FIELD] == badge({Role.TEACHER, Role.GUARDIAN})
    assert profile(school, "P1", "T1")[FIELD] == badge({Role.STUDENT})
    assert profile(school, "D1")[FIELD]["label"] == {"ru": "Директор", "en": "Head teacher"}


@pytest.mark.integration
def test_members_cannot_write_badges(school: School) -> None:
    """Neither one's own nor another's badge, not even the director, by any of the method's two words."""
    for writer, target in (("P1", "P1"), ("D1", "D1"), ("D1", "P1"), ("T1", "P1")):
        for method in ("PUT", "DELETE"):
            assert write(school, writer, target, method).status == 403, (writer, target, method)
    assert profile(school, "P1", "T1")[FIELD] == badge({Role.STUDENT})


@pytest.mark.integration
def test_a_role_changed_in_place_changes_the_badge(school: School) -> None:
    """R31: the same account, another badge; also by the list, and back."""
    before = school.accounts["T1"]
    path = f"/people/{school.person_id('T1')}/roles"
    school.call("PUT", path, {"roles": ["deputy"], "reason": "promoted"})
    school.settle()
    assert profile(school, "T1")[FIELD] == badge({Role.DEPUTY})
    assert school.accounts["T1"] == before

    school.call("PUT", path, {"roles": None, "reason": ""})
    school.settle()
    assert profile(school, "T1")[FIELD] == badge({Role.TEACHER, Role.GUARDIAN})


def fields(server: Homeserver, user_id: str) -> Any:
    """Custom fields as the database has them, for accounts whose profile nobody may read."""
    with closing(sqlite3.connect(server.directory / "homeserver.db", timeout=30)) as database:
        statement = "SELECT fields FROM profiles WHERE full_user_id = ?"
        (found,) = database.execute(statement, (user_id,)).fetchone()
    return json.loads(found or "{}")


@pytest.mark.integration
def test_one_who_left_has_no_badge(school: School) -> None:
    """R29: leaving takes the badge away, coming back gives it back; the name stays."""
    user_id = school.accounts["T1"]
    person = f"/people/{school.person_id('T1')}"
    school.call("POST", f"{person}/leave", {"reason": ""})
    school.settle()
    assert FIELD not in fields(school.server, user_id)

    school.call("POST", f"{person}/activate", {})
    school.settle()
    assert profile(school, "T1")[FIELD] == badge({Role.TEACHER, Role.GUARDIAN})


@pytest.mark.integration
def test_a_restart_and_a_second_run_write_nothing(homeserver: Fleet) -> None:
    """Badges survive a power cut; looking at every profile again writes none of them (R21)."""
    server = homeserver(module={"poll_interval_s": 0.05}, overrides=NO_RATE_LIMITS)
    school = full_school(server, "again")
    server.kill()
    database = sqlite3.connect(server.directory / "homeserver.db", timeout=30)
    with closing(database), database:
        database.execute("CREATE TABLE written (user_id TEXT)")
        note = "ON profiles BEGIN INSERT INTO written VALUES (NEW.full_user_id); END"
        database.execute("CREATE TRIGGER inserted AFTER INSERT " + note)
        database.execute("CREATE TRIGGER updated AFTER UPDATE " + note)
        database.execute("UPDATE sferum_jobs SET state = 'queued' WHERE kind = 'profile'")
    server.start()

    school.apply(staff_and_family())
    school.call("POST", "/reconcile", {})
    school.settle()

    assert profile(school, "T1")[FIELD] == badge({Role.TEACHER, Role.GUARDIAN})
    assert written(server) == []
    path = f"/people/{school.person_id('T1')}/roles"
    school.call("PUT", path, {"roles": ["deputy"], "reason": ""})
    school.settle()
    assert written(server) == [school.accounts["T1"]]


def written(server: Homeserver) -> list[str]:
    """Whose profile was written since the trigger is there."""
    with closing(sqlite3.connect(server.directory / "homeserver.db", timeout=30)) as database:
        return [row[0] for row in database.execute("SELECT user_id FROM written")]
