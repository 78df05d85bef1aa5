"""`make bench B=promotion`: a whole school goes on to the next year and back. One line of JSON."""

from __future__ import annotations

import argparse
import json
import os
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

from bench.fill import listed
from bench.school import UNLIMITED
from bench.servers import Span, database, let_in, people_of, settle
from tests.support.fleet import Fleet
from tests.support.promotions import decide
from tests.support.rosters import school86, small_school
from tests.support.school import School

#: Of expect.json: so many of the three ninth classes go on to 10А.
TO_TENTH = 27


def plan_of(school: School) -> dict[str, Any]:
    """The draft; of ninth classes every third pupil goes on to a new tenth, up to 27, the others leave."""
    answer = school.call("POST", "/year/plan", {})
    names = {row["class_id"]: row["name"] for row in answer["classes"] if row["class_id"]}
    ninth = [name for name in names.values() if name.startswith("9")]
    pupils = [one["person_id"] for one in answer["students"] if one["class"] in ninth]
    return decide(
        answer["plan"],
        names,
        ends=ninth,
        new={"10А": 10} if ninth else {},
        moves=dict.fromkeys(pupils[::3][:TO_TENTH], "10А"),
    )


def newest(school: School) -> int:
    """Number of the newest event."""
    db = database(school.server)
    (found,) = db.execute("SELECT MAX(stream_ordering) FROM events").fetchone()
    db.close()
    return int(found)


def written(school: School, since: int) -> tuple[Counter[str], float, int]:
    """Events by type since a number; and of rooms that were renamed only: events of each, memberships of all."""
    db = database(school.server)
    rows = db.execute(
        "SELECT e.room_id, e.type, r.ref FROM events AS e JOIN sferum_rooms AS r"
        " ON r.room_id = e.room_id JOIN sferum_classes AS c ON c.class_id = r.ref"
        " WHERE e.stream_ordering > ? AND c.open = 1 AND r.state = 'ready' AND e.room_id IN"
        " (SELECT room_id FROM events WHERE stream_ordering <= ?)",
        (since, since),
    ).fetchall()
    kinds = db.execute(
        "SELECT type, COUNT(*) FROM events WHERE stream_ordering > ? GROUP BY type", (since,)
    ).fetchall()
    db.close()
    by_room = Counter(room_id for room_id, _, _ in rows)
    members = sum(kind == "m.room.member" for _, kind, _ in rows)
    each = sum(by_room.values()) / len(by_room) if by_room else 0.0
    return Counter(dict(kinds)), each, members


def measure(fleet: Fleet, roster: dict[str, Any]) -> dict[str, Any]:
    """Everybody of the list is active; the school is promoted and taken back."""
    server = fleet(module={"apply_rate": 1000}, overrides=UNLIMITED)
    school = listed(server, "promotion", roster)
    let_in(school, people_of(school, roster))
    settle(school)
    plan = plan_of(school)
    began = time.monotonic()
    planned = school.call("POST", "/year/plan", {"plan": plan})
    plan_s = time.monotonic() - began
    before = newest(school)
    there = Span(server)
    answer = school.call("POST", "/year/apply", {"plan": plan, "plan_hash": planned["plan_hash"]})
    written_s = time.monotonic() - began - plan_s
    settle(school)
    there.stop()
    kinds, each, members = written(school, before)
    between = newest(school)
    back = Span(server)
    undone = school.call("POST", "/year/undo", {})
    settle(school)
    back.stop()
    undo_kinds, _, _ = written(school, between)
    server.stop()
    return {
        "promotion_s": round(there.wall_s, 2),
        "promotion_cpu_s": round(there.cpu_s, 2),
        "events_per_renamed_room": round(each, 3),
        "memberships_in_renamed_rooms": members,
        "undo_s": round(back.wall_s, 2),
        "undo_cpu_s": round(back.cpu_s, 2),
        "undo_exact": undone["exact"],
        "plan_s": round(plan_s, 3),
        "apply_s": round(written_s, 3),
        "applied": answer["applied"],
        "events": dict(sorted(kinds.items())),
        "undo_events": dict(sorted(undo_kinds.items())),
        "counts": planned["counts"],
    }


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m bench.promotion", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a school of a few people")
    arguments = parser.parse_args()
    load = [round(os.getloadavg()[0], 2)]
    with tempfile.TemporaryDirectory(prefix="sferum-bench-") as folder:
        fleet = Fleet(Path(folder))
        try:
            found = measure(fleet, small_school() if arguments.quick else school86())
        finally:
            fleet.stop()
    load.append(round(os.getloadavg()[0], 2))
    print(json.dumps({**found, "load": load}, ensure_ascii=False))


if __name__ == "__main__":
    main()
