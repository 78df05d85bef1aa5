"""A server and schools for the API tests; every answer is checked against docs/openapi.yaml as it arrives."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from contextlib import closing
from json import dumps
from typing import Any

from attrs import define, field

from tests.support import rosters
from tests.support.http import Response
from tests.support.openapi import Contract
from tests.support.rosters import person
from tests.support.school import API, School
from tests.support.synapse import Homeserver

#: D1 director, Z1 deputy, A1 administrator, T1 of 5А with P1 and P2, T2 of 5Б with P3; G1 is a parent of P1.
OFFICE = rosters.roster(
    [
        person("D1", "director"),
        person("Z1", "deputy"),
        person("A1", "administrator"),
        person("T1", "teacher"),
        person("T2", "teacher"),
        person("P1", "student", born="2010-05-05", family="Ёлкин"),
        person("P2", "student", born="2019-05-05"),
        person("P3", "student", born="2010-05-05"),
        person("G1", "guardian"),
    ],
    {"5А": ["P1", "P2"], "5Б": ["P3"]},
    {"5А": ["T1"], "5Б": ["T2"]},
    [("G1", "P1")],
)


@define(eq=False)
class ApiSchool(School):
    """A school whose calls are checked. `who` is a source id of somebody signed in; None is the service."""

    contract: Contract = field(kw_only=True)

    def ask(
        self,
        method: str,
        path: str,
        json: Any = None,
        who: str | None = None,
        params: Mapping[str, str | int | list[str]] | None = None,
        actor: str | None = None,
    ) -> Response:
        """One call below this school; any documented answer will do. `actor`: the service asks for them."""
        token = self.server.service_token if who is None else self.token(who)
        headers = None if actor is None else {"X-Sferum-Actor": self.accounts[actor]}
        whole = f"/orgs/{self.org_id}{path}"
        return ask(self.server, self.contract, method, whole, token, json, params, headers)

    def get(self, path: str, who: str | None = None, **params: str | int) -> Any:
        """The JSON of a GET that must succeed."""
        answer = self.ask(
            "GET", path, who=who, params={k.rstrip("_"): v for k, v in params.items()}
        )
        assert answer.status == 200, answer.json
        return answer.json

    def do(self, method: str, path: str, json: Any = None, who: str | None = None) -> Any:
        """The JSON of a change that must succeed."""
        answer = self.ask(method, path, json, who)
        assert answer.status == 200, answer.json
        return answer.json

    def refused(
        self, method: str, path: str, json: Any = None, who: str | None = None
    ) -> tuple[int, str]:
        """Status and code of a call that must not succeed."""
        answer = self.ask(method, path, json, who)
        assert answer.errcode is not None, answer.json
        return answer.status, answer.errcode

    def person(self, source_id: str) -> str:
        """Path of a person."""
        return f"/people/{self.person_id(source_id)}"


@define(eq=False)
class World:
    """One server with the module, and the contract."""

    server: Homeserver
    contract: Contract = field(factory=Contract.load)

    def ask(
        self,
        method: str,
        path: str,
        token: str | None = None,
        json: Any = None,
        params: Mapping[str, str | int | list[str]] | None = None,
    ) -> Response:
        """One call below the prefix."""
        return ask(self.server, self.contract, method, path, token, json, params)

    def school(self, org_id: str, *signed_in: str, roster: Mapping[str, Any] = OFFICE) -> ApiSchool:
        """A new school with a roster, in which some are signed in."""
        school = ApiSchool(self.server, org_id, contract=self.contract)
        school.create(f"Школа {org_id}")
        school.do("POST", "/roster/apply", {"roster": roster})
        school.sign_in_all(signed_in)
        return school

    def database(self, statement: str, *values: object) -> list[tuple[Any, ...]]:
        """One statement in the server's SQLite database, committed."""
        path = self.server.directory / "homeserver.db"
        with closing(sqlite3.connect(path, timeout=30)) as connection, connection:
            return connection.execute(statement, values).fetchall()


def ask(
    server: Homeserver,
    contract: Contract,
    method: str,
    path: str,
    token: str | None,
    json: Any,
    params: Mapping[str, str | int | list[str]] | None,
    headers: Mapping[str, str] | None = None,
) -> Response:
    """Send, check the answer, and of a success the request too."""
    # Not httpx's own JSON: it cannot write half a surrogate pair, which an attacker can.
    body = None if json is None else dumps(json).encode()
    answer = server.request(
        method, API + path, token, params=params or None, body=body, headers=headers
    )
    contract.check(method, path, answer)
    if answer.status == 200:
        contract.check_request(method, path, json)
    return answer
