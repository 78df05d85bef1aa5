"""What every measurement needs: CPU of a server, quantiles, and a whole school let in at once."""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from statistics import median, quantiles
from typing import Any

from attrs import define, field, frozen

from tests.support.school import School, base32_id
from tests.support.synapse import Homeserver

_TICKS = os.sysconf("SC_CLK_TCK")
#: Seconds between two looks at the progress: one look costs the server some 5 ms of CPU.
_LOOK_S = 0.5
#: Ids of access tokens written by us, far above those that the server gives out itself.
_FIRST_TOKEN = 10**9
DEVICE = "BENCH"


def cpu_s(server: Homeserver) -> float:
    """CPU seconds that the server's main process has used, to 10 ms."""
    return process_cpu_s(server.main.server.pid)


def process_cpu_s(pid: int) -> float:
    """CPU seconds of one process with all its threads, to 10 ms."""
    text = Path(f"/proc/{pid}/stat").read_text("ascii")
    fields = text.rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS


def fine_cpu_s(server: Homeserver) -> float:
    """The same to the microsecond, without threads that have ended; for short spans."""
    tasks = Path(f"/proc/{server.main.server.pid}/task")
    return sum(int((task / "schedstat").read_text().split()[0]) for task in tasks.iterdir()) / 1e9


def p95(values: Sequence[float]) -> float:
    """The 95th percentile."""
    return quantiles(values, n=20, method="inclusive")[-1] if len(values) > 1 else values[0]


@define
class Span:
    """Wall and CPU seconds from its making to `stop`."""

    server: Homeserver
    wall_s: float = field(default=0.0, init=False)
    cpu_s: float = field(default=0.0, init=False)
    _began: tuple[float, float] = field(init=False)

    def __attrs_post_init__(self) -> None:
        self._began = (time.monotonic(), cpu_s(self.server))

    def stop(self) -> Span:
        """End it; returns itself."""
        self.wall_s = time.monotonic() - self._began[0]
        self.cpu_s = cpu_s(self.server) - self._began[1]
        return self


def idle_share(server: Homeserver, seconds: float) -> float:
    """CPU seconds per second of a server that nobody asks anything."""
    span = Span(server)
    time.sleep(seconds)
    span.stop()
    return span.cpu_s / span.wall_s


def settle(school: School, deadline_s: float = 900.0) -> Any:
    """Like `School.settle`, looking seldom enough not to be part of what is measured."""
    end = time.monotonic() + deadline_s
    while time.monotonic() < end:
        found = school.progress()
        if found["settled"]:
            if (
                found["jobs"]["dead"]
                or found["memberships"]["wanted"] != found["memberships"]["done"]
            ):
                raise RuntimeError(f"{school.org_id} is settled but not whole: {found}")
            return found
        time.sleep(_LOOK_S)
    raise TimeoutError(f"rooms of {school.org_id}: not within {deadline_s:g} s")


@frozen
class Person:
    """Somebody who was let in: a source id, an account and its token."""

    source_id: str
    user_id: str
    token: str
    display_name: str


def database(server: Homeserver) -> sqlite3.Connection:
    """The server's database, beside the server: both wait for each other's transactions."""
    return sqlite3.connect(server.directory / "homeserver.db", timeout=60)


def people_of(school: School, roster: Mapping[str, Any]) -> list[Person]:
    """Who the people of a roster will be."""
    found = []
    for row in roster["people"]:
        localpart = base32_id("u", school.org_id, school.source, row["source_id"])[:9]
        found.append(
            Person(
                row["source_id"],
                f"@{localpart}:{school.server.server_name}",
                f"bench_{localpart}",
                f"{row['family_name']} {row['given_name']}",
            )
        )
    return found


def write_accounts(db: sqlite3.Connection, people: Iterable[Person]) -> None:
    """Accounts with a name, signed in on one device, as Synapse's tables hold them."""
    rows = [(p.user_id, p.user_id[1:].partition(":")[0], p.display_name, p.token) for p in people]
    (first,) = db.execute("SELECT COALESCE(MAX(id), 0) FROM access_tokens").fetchone()
    first = max(int(first), _FIRST_TOKEN) + 1
    db.executemany("INSERT INTO users (name, creation_ts) VALUES (?, 0)", [r[:1] for r in rows])
    db.executemany(
        "INSERT INTO profiles (full_user_id, user_id, displayname) VALUES (?, ?, ?)",
        [r[:3] for r in rows],
    )
    db.executemany(
        f"INSERT INTO devices (user_id, device_id, hidden) VALUES (?, '{DEVICE}', 0)",  # noqa: S608
        [r[:1] for r in rows],
    )
    db.executemany(
        f"INSERT INTO access_tokens (id, user_id, device_id, token) VALUES (?, ?, '{DEVICE}', ?)",  # noqa: S608
        [(first + i, r[0], r[3]) for i, r in enumerate(rows)],
    )


def let_in(school: School, people: Sequence[Person]) -> None:
    """Make all these people active in one instant: one transaction, and one new revision of the school."""
    db = database(school.server)
    with db:
        write_accounts(db, people)
        db.executemany(
            "UPDATE sferum_people SET user_id = ?, status = 'active' WHERE person_id = ?",
            [(p.user_id, school.person_id(p.source_id)) for p in people],
        )
        db.execute(
            "UPDATE sferum_orgs SET revision = revision + 1 WHERE org_id = ?", (school.org_id,)
        )
    db.close()
    school.accounts |= {p.source_id: p.user_id for p in people}


def milliseconds(seconds: Sequence[float]) -> dict[str, float]:
    """Median and 95th percentile."""
    return {
        "median": round(median(seconds) * 1000, 2),
        "p95": round(p95(seconds) * 1000, 2),
    }
