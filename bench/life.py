"""What people notice: a change of class, rooms of a new school, and the server's answers while rooms are filled."""

from __future__ import annotations

import http.client
import threading
import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from statistics import median
from typing import Any

from attrs import define, field

from bench.fill import listed
from bench.servers import Person, let_in, milliseconds, p95, people_of, settle
from tests.support.polling import until
from tests.support.school import School
from tests.support.synapse import Homeserver

#: Seconds between two requests of the user who goes on reading while rooms are filled.
_PAUSE_S = 0.05


def class_changes(school: School, roster: Mapping[str, Any], times: int) -> list[float]:
    """Pupils move to another class: seconds from the call until they and their parents are in the right rooms."""
    people = {p.source_id: p for p in people_of(school, roster)}
    classes = [row["source_id"] for row in roster["classes"]][:2]
    rooms = {
        (room["kind"], room["ref"]): room["room_id"]
        for room in school.call("GET", "/rooms")["rooms"]
    }
    took = []
    for number, pupil in enumerate(_movers(roster, classes[0])[:times]):
        old, new = (school.class_id(name) for name in classes)
        parents = [g["guardian"] for g in roster["guardianships"] if g["student"] == pupil]
        wanted = [(people[pupil], rooms["class", old], rooms["class", new])] + [
            (people[one], rooms["class_parents", old], rooms["class_parents", new])
            for one in parents
        ]
        time.sleep(0.37 * (number % 3))  # not in step with the reconciler's looks
        began = time.monotonic()
        body = {"from_class_id": old, "to_class_id": new}
        school.call("POST", f"/people/{school.person_id(pupil)}/move", body)
        until(
            lambda: all(_moved(school.server, *one) for one in wanted),  # noqa: B023 (called here and now)
            what=f"change of class of {pupil}",
            deadline_s=120,
        )
        took.append(time.monotonic() - began)
        settle(school)
    return took


def _movers(roster: Mapping[str, Any], class_name: str) -> list[str]:
    """Pupils of a class whose parents have no other child, so that they leave the old room."""
    children = defaultdict(set)
    for link in roster["guardianships"]:
        children[link["guardian"]].add(link["student"])
    shared = {child for found in children.values() if len(found) > 1 for child in found}
    return [
        row["person"]
        for row in roster["enrolments"]
        if row["class"] == class_name and row["role"] == "student" and row["person"] not in shared
    ]


def _moved(server: Homeserver, who: Person, old: str, new: str) -> bool:
    joined = server.call("GET", "/_matrix/client/v3/joined_rooms", who.token)["joined_rooms"]
    return new in joined and old not in joined


def rooms_ready(school: School, roster: Mapping[str, Any]) -> float:
    """Seconds from the upload of a school's list to its rooms, with nobody active yet."""
    school.create()
    began = time.monotonic()
    school.apply(roster)
    settle(school)
    return time.monotonic() - began


@define
class Reader:
    """One user who looks at the server all the time: the public page, own rooms, and what is new."""

    server: Homeserver
    who: Person
    taken: dict[str, list[float]] = field(factory=lambda: defaultdict(list), init=False)
    _stop: threading.Event = field(factory=threading.Event, init=False)
    _failed: list[Exception] = field(factory=list, init=False)

    def during(self, work: Any) -> dict[str, list[float]]:
        """Seconds of each request while `work` runs."""
        self.taken = defaultdict(list)
        self._stop.clear()
        thread = threading.Thread(target=self._read)
        thread.start()
        try:
            work()
        finally:
            self._stop.set()
            thread.join()
        if self._failed:
            raise self._failed[0]
        return self.taken

    def _read(self) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self.server.main.port, timeout=120)
        headers = {"Authorization": f"Bearer {self.who.token}"}
        since = ""
        try:
            while not self._stop.is_set():
                for name, path in (
                    ("versions", "/_matrix/client/versions"),
                    ("joined_rooms", "/_matrix/client/v3/joined_rooms"),
                    ("sync", f"/_matrix/client/v3/sync?timeout=0{since}"),
                ):
                    began = time.monotonic()
                    connection.request("GET", path, headers=headers)
                    response = connection.getresponse()
                    body = response.read()
                    took = time.monotonic() - began
                    if response.status != 200:
                        raise RuntimeError(f"{path}: {response.status}")  # noqa: TRY301
                    if name != "sync":
                        self.taken[name].append(took)
                        time.sleep(_PAUSE_S)
                        continue
                    if since:  # the first one is a whole sync
                        self.taken[name].append(took)
                    since = f"&since={_next_batch(body)}"
                    time.sleep(_PAUSE_S)
        except Exception as error:  # told in the main thread
            self._failed.append(error)
        finally:
            connection.close()


def _next_batch(body: bytes) -> str:
    return body.partition(b'"next_batch":"')[2].partition(b'"')[0].decode()


def latency(server: Homeserver, roster: Mapping[str, Any], idle_s: float) -> dict[str, Any]:
    """Answers for a member of a school in rest, and while the rest of that school comes in."""
    school = listed(server, "lat", roster)
    people = people_of(school, roster)
    director = next(p for p in people if p.source_id == _director(roster))
    let_in(school, [director])
    settle(school)
    reader = Reader(server, director)
    idle = reader.during(lambda: time.sleep(idle_s))

    def come_in() -> None:
        let_in(school, [p for p in people if p is not director])
        settle(school)

    filling = reader.during(come_in)
    return {
        "http_p95_ms_idle": _all_p95(idle),
        "http_p95_ms_while_filling": _all_p95(filling),
        "http_by_request_idle": {name: milliseconds(took) for name, took in idle.items()},
        "http_by_request_while_filling": {
            name: milliseconds(took) for name, took in filling.items()
        },
        "http_requests_while_filling": sum(map(len, filling.values())),
    }


def _all_p95(taken: Mapping[str, Sequence[float]]) -> float:
    return round(p95([t for one in taken.values() for t in one]) * 1000, 2)


def _director(roster: Mapping[str, Any]) -> str:
    return str(next(row["source_id"] for row in roster["people"] if "director" in row["roles"]))


def change_figures(took: Sequence[float]) -> dict[str, Any]:
    """The figures of `class_changes`."""
    return {
        "class_change_effective_s": round(median(took), 2),
        "class_change_worst_s": round(max(took), 2),
        "class_changes": len(took),
    }
