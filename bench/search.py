"""Finding somebody by name among all the people of one very large school."""

from __future__ import annotations

import http.client
import json
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from itertools import cycle, islice
from typing import Any

from synapse.storage.engines import Sqlite3Engine

from bench.guard import C
from bench.servers import Person, database, let_in, milliseconds, people_of
from provisioning.sample import generate
from synapse_sferum.directory_rows import directory_txn, write_txn
from synapse_sferum.roster import parse_roster
from synapse_sferum.roster_plan import plan_roster
from tests.support.databases import Database
from tests.support.fleet import Fleet
from tests.support.school import School

#: Pupils of one list; they and their parents stay below the 50,000 people a list may have.
_PART = 21_500
#: People for each pupil of a sample school.
_PEOPLE_EACH = 2.31
#: The most frequent family names are searched for.
_COMMON = 20


def search(fleet: Fleet, overrides: Mapping[str, Any], people: int, times: int) -> dict[str, Any]:
    """A school of about `people`, all active; each of two people searches `times` times."""
    server = fleet(module={}, overrides=overrides)
    school = School(server, "big")
    school.create()
    server.stop()
    rosters = list(_rosters(people))
    everybody = [_enter(school, one) for one in rosters]
    db = database(server)
    with db:  # rooms are not what is measured here: as if they had followed already
        db.execute("UPDATE sferum_orgs SET derived_revision = revision")
    db.close()
    server.start()
    first = {p.source_id: p for p in everybody[0]}
    roles = [(row["source_id"], row["roles"]) for row in rosters[0]["people"]]
    teacher = first[next(source_id for source_id, role in roles if role == ["teacher"])]
    pupil = first[
        next(row["person"] for row in rosters[0]["enrolments"] if row["role"] == "student")
    ]
    surnames = Counter(row["family_name"] for one in rosters for row in one["people"])
    terms = list(islice(_terms([name for name, _ in surnames.most_common(_COMMON)]), times))
    taken = {
        name: _searches(server.main.port, who, terms)
        for name, who in (("teacher", teacher), ("pupil", pupil))
    }
    figures = {name: milliseconds(found) for name, found in taken.items()}
    return {
        "directory_search_ms": max(found["median"] for found in figures.values()),
        "directory_search_p95_ms": max(found["p95"] for found in figures.values()),
        "directory_search_by_searcher": figures,
        "directory_people": sum(map(len, everybody)),
    }


def _rosters(people: int) -> Iterator[dict[str, Any]]:
    """Lists of several sources that make one school together."""
    pupils = max(30, round(people / _PEOPLE_EACH))
    number = 0
    while pupils >= 30:
        number += 1
        document = generate(number, pupils=min(pupils, _PART)).to_wire()
        yield {**document, "source": f"part{number}"}
        pupils -= _PART


def _enter(school: School, document: Mapping[str, Any]) -> list[Person]:
    """Write a list through the module's own functions, and make its people active; the server is stopped."""
    school.source = document["source"]
    connection = database(school.server)
    settings = {"args": {"database": ":memory:"}}
    with Database("sqlite", connection, Sqlite3Engine(settings)).transaction() as txn:
        before = directory_txn(txn, school.org_id)
        assert before is not None
        plan = plan_roster(before, parse_roster(document))
        write_txn(txn, before, plan.after, [], 0)
    connection.close()
    people = people_of(school, document)
    let_in(school, people)
    return people


def _terms(surnames: list[str]) -> Iterator[str]:
    """What people type: the first letters, a whole family name, the beginning of a first name after it."""
    for number, name in enumerate(cycle(surnames)):
        turn = number // len(surnames) % 3
        yield (name[:3], name, f"{name} а")[turn]


def _searches(port: int, who: Person, terms: list[str]) -> list[float]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
    headers = {"Authorization": f"Bearer {who.token}"}
    taken = []
    for term in ["я", *terms]:  # the first one is not counted
        body = json.dumps({"search_term": term, "limit": 10}).encode()
        began = time.perf_counter()
        connection.request("POST", f"{C}/user_directory/search", body=body, headers=headers)
        response = connection.getresponse()
        found = response.read()
        taken.append(time.perf_counter() - began)
        if response.status != 200:
            raise RuntimeError(f"search: {response.status} {found[:200]!r}")
    connection.close()
    return taken[1:]
