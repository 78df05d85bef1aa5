"""Hours of school life against one real server: `make soak` (MINUTES=60).

First the fictional school of tests/data/school86 with every one of its 2,293 people active, compared room by room with
expect.json; then random changes in a small school beside it, until the time is over, each handful compared
with the rules.
Ends with one JSON line; any difference ends it at once.
"""

from __future__ import annotations

import json
import os
import random
import sys
import tempfile
import time
from pathlib import Path

from tests.support.configuration import NO_RATE_LIMITS
from tests.support.fleet import Fleet
from tests.support.oracle import actual_rooms, expected_rooms
from tests.support.rosters import SCHOOL86, everyone, school86, small_school
from tests.support.school import School
from tests.support.synapse import Homeserver
from tests.support.year import Year

#: Seconds for the 9,700 memberships of a whole school.
WHOLE_SCHOOL_S = 1800.0


def whole_school(server: Homeserver) -> dict[str, float]:
    """Everybody of school86 active; raises AssertionError when a room differs from expect.json."""
    expect = json.loads((SCHOOL86 / "expect.json").read_text("utf-8"))
    school = School(server, "school86")
    school.create("СОШ № 86")
    document = school86()
    school.apply(document)
    started = time.monotonic()
    school.activate_all(everyone(document))
    progress = school.settle(WHOLE_SCHOOL_S)
    seconds = time.monotonic() - started
    for name, room in expect["rooms"].items():
        assert len(school.members("class", name)) == room["class_room"], name
        assert len(school.members("class_parents", name)) == room["parent_room"], name
    assert len(school.members("staff")) == expect["stats"]["staff_room_members"]
    assert len(school.members("announcements")) == expect["stats"]["announce_members"]
    return {"memberships": progress["memberships"]["done"], "seconds": round(seconds, 1)}


def school_life(server: Homeserver, until: float, chance: random.Random) -> int:
    """Random changes until `until` (monotonic seconds); returns how many."""
    school = School(server, "life")
    school.create()
    school.apply(small_school())
    school.activate_all(everyone(small_school()))
    year, changes = Year(school, chance), 0
    while time.monotonic() < until:
        story = [year.change() for _ in range(5)]
        changes += len(story)
        school.settle()
        assert actual_rooms(school) == expected_rooms(school), story
    return changes


def main() -> int:
    """Run it; 0 when nothing differed."""
    minutes, seed = float(os.environ.get("MINUTES", "60")), int(os.environ.get("SEED", "86"))
    until = time.monotonic() + minutes * 60
    with tempfile.TemporaryDirectory() as directory:
        fleet = Fleet(Path(directory))
        try:
            server = fleet(module={"apply_rate": 500.0}, overrides=NO_RATE_LIMITS)
            figures = whole_school(server)
            changes = school_life(server, until, random.Random(seed))
        finally:
            fleet.stop()
    print(json.dumps({"soak": "school", "minutes": minutes, "changes": changes, **figures}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
