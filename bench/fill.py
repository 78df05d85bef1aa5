"""Letting a whole school in at once: what a membership costs with our fill, and by invitation and join."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import median
from typing import Any

from attrs import frozen

from bench.servers import (
    Person,
    Span,
    database,
    idle_share,
    let_in,
    people_of,
    settle,
    write_accounts,
)
from synapse_sferum.desired import DesiredRoom, Want
from synapse_sferum.model import OrgId, RoomKey, RoomKind, UserId
from synapse_sferum.plan import creation
from tests.support.fleet import Fleet
from tests.support.polling import until
from tests.support.school import School
from tests.support.synapse import Homeserver


@frozen
class Cost:
    """CPU and wall seconds of so many memberships."""

    memberships: int
    cpu_s: float
    wall_s: float

    @property
    def cpu_ms_each(self) -> float:
        """CPU milliseconds of one."""
        return self.cpu_s / self.memberships * 1000


def listed(server: Homeserver, org_id: str, roster: Mapping[str, Any]) -> School:
    """A school whose rooms are there and whose people are not."""
    school = School(server, org_id)
    school.create()
    school.apply(roster)
    settle(school)
    return school


def fill(school: School, roster: Mapping[str, Any], idle: float) -> Cost:
    """Everybody of a listed school becomes active at once; until the rooms hold them.

    Args:
        idle: what the server uses without work, taken off.
    """
    before = school.progress()["memberships"]["done"]
    span = Span(school.server)
    let_in(school, people_of(school, roster))
    done = settle(school)["memberships"]["done"] - before
    span.stop()
    return Cost(done, span.cpu_s - idle * span.wall_s, span.wall_s)


def rooms_of(school: School) -> list[dict[str, Any]]:
    """The school's rooms as orders for `bench.pairs`: the same state, the same members."""
    db = database(school.server)
    rooms = db.execute(
        "SELECT kind, ref, name FROM sferum_rooms WHERE org_id = ?", (school.org_id,)
    ).fetchall()
    found = []
    for kind, ref, name in rooms:
        wants = db.execute(
            "SELECT user_id, power FROM sferum_wants WHERE org_id = ? AND kind = ? AND ref = ?",
            (school.org_id, kind, ref),
        ).fetchall()
        members = {UserId(user): Want(power, "") for user, power in sorted(wants)}
        body = creation(
            OrgId(school.org_id), RoomKey(RoomKind(kind), ref), DesiredRoom(name=name, members=members),
            None, school.server.server_name, encrypted=False,
        )  # fmt: skip
        found.append({"create": body, "members": list(members)})
    db.close()
    return found


class PairsServer:
    """A Synapse without our module that fills rooms by invitation and join."""

    def __init__(self, fleet: Fleet, overrides: Mapping[str, Any]) -> None:
        directory = fleet.directory / f"pairs{fleet.started}"
        directory.mkdir()
        self._plan, self._done = directory / "plan.json", directory / "done.json"
        options = {"plan": str(self._plan), "done": str(self._done)}
        module = {"module": "bench.pairs.Pairs", "config": options}
        self.server = fleet(module=None, overrides={**overrides, "modules": [module]})
        self.rooms: list[str] = []

    def build(self, people: Sequence[Person], rooms: list[dict[str, Any]]) -> Cost:
        """Make these accounts and rooms; what the memberships cost."""
        db = database(self.server)
        with db:
            write_accounts(db, people)
        db.close()
        scratch = self._plan.with_suffix(".tmp")
        scratch.write_text(json.dumps(rooms), "utf-8")
        scratch.replace(self._plan)
        done = until(lambda: _read(self._done), what="rooms by invitation", deadline_s=1200)
        if "error" in done:
            raise RuntimeError(f"rooms by invitation: {done['error']}")
        self.rooms += done["rooms"]
        return Cost(sum(len(room["members"]) for room in rooms), done["cpu_s"], done["wall_s"])


def _read(path: Path) -> Any:
    if not path.exists():
        return None
    found = json.loads(path.read_text("utf-8"))
    path.unlink()
    return found


def second_apply(school: School, roster: Mapping[str, Any]) -> tuple[int, float]:
    """The same list again, and a look at every room: events written, and seconds until all is settled."""
    before = _events(school.server)
    began = time.monotonic()
    school.apply(roster)
    school.call("POST", "/reconcile", {})
    settle(school)
    took = time.monotonic() - began
    return _events(school.server) - before, took


def _events(server: Homeserver) -> int:
    db = database(server)
    (count,) = db.execute("SELECT COUNT(*) FROM events").fetchone()
    db.close()
    return int(count)


def compare(
    server: Homeserver,
    inviting: Homeserver,
    bare: PairsServer,
    rosters: Sequence[Mapping[str, Any]],
    idle_s: float,
) -> tuple[dict[str, Any], list[School]]:
    """Each school filled with people let in together, then by invitation and join; medians over the schools.

    Args:
        inviting: the same server and module, which lets nobody in together (`together_from`).
        bare: a Synapse without the module, whose invitations and joins pay for no policy.
    """
    idle = idle_share(server, idle_s)
    door: list[Cost] = []
    invited: list[Cost] = []
    without: list[Cost] = []
    schools = []
    for number, roster in enumerate(rosters):
        school = listed(server, f"s{number}", roster)
        door.append(fill(school, roster, idle))
        invited.append(fill(listed(inviting, f"s{number}", roster), roster, idle))
        without.append(bare.build(people_of(school, roster), rooms_of(school)))
        schools.append(school)
        work = {door[-1].memberships, invited[-1].memberships, without[-1].memberships}
        if len(work) > 1:
            raise RuntimeError(f"not the same work: {work}")
    pairs = list(zip(door, invited, strict=True))
    return {
        "fill_cpu_ms_per_membership": round(median(one.cpu_ms_each for one in door), 2),
        "fill_speedup_vs_invite_join": round(median(b.wall_s / a.wall_s for a, b in pairs), 2),
        "fill_speedup_cpu": round(median(b.cpu_s / a.cpu_s for a, b in pairs), 2),
        "fill_memberships": [one.memberships for one in door],
        "fill_wall_s": [round(one.wall_s, 1) for one in door],
        "invite_join_wall_s": [round(one.wall_s, 1) for one in invited],
        "invite_join_cpu_ms_per_membership": round(median(one.cpu_ms_each for one in invited), 2),
        "bare_synapse_invite_join_cpu_ms": round(median(one.cpu_ms_each for one in without), 2),
        "bare_synapse_invite_join_wall_s": [round(one.wall_s, 1) for one in without],
        "idle_cpu_share": round(idle, 4),
    }, schools
