"""Finding somebody by name among all the people of one very large school."""

from __future__ import annotations

import http.client
import json
import sqlite3
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

#: Pupils of the sample school, some 9,900 people; a larger school is this one several times over.
_PUPILS = 4_300
#: The most frequent family names are searched for.
_COMMON = 20


def search(fleet: Fleet, overrides: Mapping[str, Any], copies: int, times: int) -> dict[str, Any]:
    """A school of `copies` sample schools, all active; each of two people searches `times` times."""
    server = fleet(module={}, overrides=overrides)
    school = School(server, "big")
    school.create()
    server.stop()
    document = generate(1, pupils=_PUPILS).to_wire()
    people = _enter(school, document)
    db = database(server)
    with db:
        for number in range(1, copies):
            _copy(db, str(number))
        # Rooms are not what is measured here: as if they had followed already.
        db.execute("UPDATE sferum_orgs SET derived_revision = revision")
        active = db.execute("SELECT COUNT(*) FROM sferum_people WHERE status = 'active'").fetchone()
    db.close()
    server.start()
    by_id = {p.source_id: p for p in people}
    rows: Any = document["people"]
    teacher = next(row["source_id"] for row in rows if row["roles"] == ["teacher"])
    pupil = next(row["source_id"] for row in rows if row["roles"] == ["student"])
    surnames = Counter(row["family_name"] for row in rows).most_common(_COMMON)
    terms = list(islice(_terms([name for name, _ in surnames]), times))
    figures = {
        name: milliseconds(_searches(server.main.port, by_id[who], terms))
        for name, who in (("teacher", teacher), ("pupil", pupil))
    }
    return {
        "directory_search_ms": max(found["median"] for found in figures.values()),
        "directory_search_p95_ms": max(found["p95"] for found in figures.values()),
        "directory_search_by_searcher": figures,
        "directory_people": active[0],
    }


def _enter(school: School, document: Mapping[str, Any]) -> list[Person]:
    """Write a list through the module's own functions, and make its people active; the server is stopped."""
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


def _copy(db: sqlite3.Connection, prefix: str) -> None:
    """The whole school once more, under other ids; the names stay."""
    ids = {"person_id", "class_id", "guardian_id", "student_id"}
    for table, of_first in (
        ("sferum_people", "person_id LIKE 'p%'"),
        ("sferum_people_words", "person_id LIKE 'p%'"),
        ("sferum_classes", "class_id LIKE 'c%'"),
        ("sferum_enrolments", "person_id LIKE 'p%'"),
        ("sferum_guardianships", "student_id LIKE 'p%'"),
    ):
        columns = [row[1] for row in db.execute(f"PRAGMA table_info({table})")]
        values = [
            f"'{prefix}' || {column}" if column in ids
            else f"'{prefix}-' || {column}" if column == "source_id"
            else f"replace({column}, '@', '@{prefix}')" if column == "user_id"
            else column
            for column in columns
        ]  # fmt: skip
        db.execute(
            f"INSERT INTO {table} ({', '.join(columns)})"  # noqa: S608 (names of our own)
            f" SELECT {', '.join(values)} FROM {table} WHERE {of_first}"
        )
    db.execute(
        "INSERT INTO users (name, creation_ts)"  # noqa: S608
        f" SELECT replace(name, '@', '@{prefix}'), 0 FROM users WHERE name LIKE '@u%'"
    )
    db.execute(
        "INSERT INTO profiles (full_user_id, user_id, displayname)"  # noqa: S608
        f" SELECT replace(full_user_id, '@', '@{prefix}'), '{prefix}' || user_id, displayname"
        " FROM profiles WHERE full_user_id LIKE '@u%'"
    )


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
