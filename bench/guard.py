"""What the module costs an ordinary request: two servers, alike but for the module, asked in turns."""

from __future__ import annotations

import http.client
import json
import time
from collections.abc import Mapping
from statistics import median
from typing import Any
from urllib.parse import quote

from attrs import define, field

from bench.fill import PairsServer, listed, rooms_of
from bench.servers import DEVICE, Person, fine_cpu_s, let_in, people_of, settle
from tests.support.fleet import Fleet
from tests.support.rosters import person, roster
from tests.support.synapse import Homeserver

C = "/_matrix/client/v3"
#: Requests of one kind to one server before it is the other's turn.
BATCH = 10
KINDS = ("sync", "send", "profile", "keys/query", "keys/claim", "media")
#: Beside the six: a room that a pupil and a teacher made themselves, where the policy judges every message.
OWN_ROOM = "send in a room of one's own"

Request = tuple[str, str, str, bytes | None]  # method, path, token, body


def small_class(size: int = 28) -> dict[str, Any]:
    """One class with its teacher, and those who lead the school."""
    pupils = [f"P{n:02}" for n in range(size)]
    people = [
        person("D1", "director"),
        person("D2", "deputy"),
        person("T1", "teacher"),
        *(person(one, "student", born="2008-05-05") for one in pupils),
    ]
    return roster(people, {"11А": pupils}, {"11А": ["T1"]})


@define(eq=False)
class Side:
    """One of the two servers, with the same people in the same rooms."""

    server: Homeserver
    people: Mapping[str, Person]
    class_room: str
    own_room: str = ""
    media: str = ""
    wall: dict[str, list[float]] = field(factory=lambda: {k: [] for k in (*KINDS, OWN_ROOM)})
    cpu: dict[str, float] = field(factory=lambda: dict.fromkeys((*KINDS, OWN_ROOM), 0.0))
    _connection: http.client.HTTPConnection = field(init=False)
    _number: int = field(default=0, init=False)

    def __attrs_post_init__(self) -> None:
        self._connection = http.client.HTTPConnection(
            "127.0.0.1", self.server.main.port, timeout=120
        )

    def ask(self, request: Request) -> bytes:
        """One request that must succeed, over the connection that stays open."""
        method, path, token, body = request
        headers = {"Authorization": f"Bearer {token}"}
        self._connection.request(method, path, body=body, headers=headers)
        response = self._connection.getresponse()
        found = response.read()
        if response.status != 200:
            raise RuntimeError(f"{method} {path}: {response.status} {found[:200]!r}")
        return found

    def send(self, who: str, room_id: str) -> Request:
        """A message nobody has sent before."""
        self._number += 1
        path = f"{C}/rooms/{quote(room_id)}/send/m.room.message/n{self._number}"
        body = json.dumps({"msgtype": "m.text", "body": f"сообщение {self._number}"}).encode()
        return ("PUT", path, self.people[who].token, body)

    def furnish(self, claims: int) -> None:
        """A room of one's own, a file, device keys and as many one-time keys as will be claimed."""
        pupil, teacher, mate = (self.people[name] for name in ("P00", "T1", "P01"))
        body = {"invite": [teacher.user_id], "preset": "trusted_private_chat", "is_direct": True}
        made = self.ask(("POST", f"{C}/createRoom", pupil.token, json.dumps(body).encode()))
        self.own_room = json.loads(made)["room_id"]
        self.ask(("POST", f"{C}/rooms/{quote(self.own_room)}/join", teacher.token, b"{}"))
        sent = self.ask(("POST", "/_matrix/media/v3/upload", mate.token, b"x" * 20_000))
        self.media = json.loads(sent)["content_uri"].removeprefix("mxc://")
        keys = {
            "user_id": mate.user_id,
            "device_id": DEVICE,
            "algorithms": ["m.megolm.v1.aes-sha2"],
            "keys": {f"curve25519:{DEVICE}": "a" * 43, f"ed25519:{DEVICE}": "b" * 43},
            "signatures": {},
        }
        upload = {"device_keys": keys}
        for first in range(0, claims, 100):
            some = range(first, min(first + 100, claims))
            one_time = {
                f"signed_curve25519:K{n:05}": {
                    "key": f"{n:043}",
                    "signatures": {mate.user_id: {f"ed25519:{DEVICE}": "c" * 86}},
                }
                for n in some
            }
            body = {**upload, "one_time_keys": one_time}
            self.ask(("POST", f"{C}/keys/upload", mate.token, json.dumps(body).encode()))

    def batch(self, kind: str) -> list[Request]:
        """The next requests of one kind; what they need is done first, outside the measurement."""
        pupil, mate = self.people["P00"], self.people["P01"]
        if kind == "sync":
            return self._syncs()
        if kind == "send":
            return [self.send("T1", self.class_room) for _ in range(BATCH)]
        if kind == OWN_ROOM:
            return [self.send("T1", self.own_room) for _ in range(BATCH)]
        body: Any = None
        if kind == "profile":
            method, path = "GET", f"{C}/profile/{quote(mate.user_id)}"
        elif kind == "media":
            method, path = "GET", f"/_matrix/client/v1/media/download/{self.media}"
        elif kind == "keys/query":
            method, path = "POST", f"{C}/keys/query"
            body = {"device_keys": {p.user_id: [] for p in self.people.values()}}
        else:
            method, path = "POST", f"{C}/keys/claim"
            body = {"one_time_keys": {mate.user_id: {DEVICE: "signed_curve25519"}}}
        data = None if body is None else json.dumps(body).encode()
        return [(method, path, pupil.token, data)] * BATCH

    def _syncs(self) -> list[Request]:
        """Every one from another place, because Synapse keeps answers that were asked for twice; each has news."""
        path = f"{C}/sync?timeout=0&set_presence=offline"
        since = ""
        found: list[Request] = []
        for _ in range(BATCH):
            batch = self.ask(("GET", path + since, self.people["P02"].token, None))
            since = f"&since={json.loads(batch)['next_batch']}"
            found.append(("GET", path + since, self.people["P00"].token, None))
            self.ask(self.send("T1", self.class_room))
        return found

    def measure(self, kind: str) -> None:
        """One batch: wall seconds of each request, CPU seconds of all together."""
        requests = self.batch(kind)
        cpu = fine_cpu_s(self.server)
        for request in requests:
            began = time.perf_counter()
            self.ask(request)
            self.wall[kind].append(time.perf_counter() - began)
        self.cpu[kind] += fine_cpu_s(self.server) - cpu


def sides(fleet: Fleet, overrides: Mapping[str, Any], pupils: int) -> tuple[Side, Side]:
    """The server with the module and the one without, both filled and idle."""
    document = small_class(pupils)
    ours = fleet(module={"apply_rate": 1000}, overrides=overrides)
    school = listed(ours, "guard", document)
    people = people_of(school, document)
    let_in(school, people)
    settle(school)
    plain = PairsServer(fleet, overrides)
    orders = rooms_of(school)
    plain.build(people, orders)
    names = [order["create"]["initial_state"][0]["content"]["kind"] for order in orders]
    by_source = {p.source_id: p for p in people}
    return (
        Side(ours, by_source, school.room_id("class", "11А")),
        Side(plain.server, by_source, plain.rooms[names.index("class")]),
    )


def overhead(
    fleet: Fleet, overrides: Mapping[str, Any], rounds: int, pupils: int
) -> dict[str, Any]:
    """Rounds of every kind, each side in turn; ratios of medians."""
    both = sides(fleet, overrides, pupils)
    for side in both:
        side.furnish((rounds + 1) * BATCH)
        for kind in side.wall:  # warm
            side.measure(kind)
            side.wall[kind].clear()
            side.cpu[kind] = 0.0
    for number in range(rounds):
        for kind in (*KINDS, OWN_ROOM):
            for side in both if number % 2 else reversed(both):
                side.measure(kind)
    ours, plain = both
    wall = {kind: median(ours.wall[kind]) / median(plain.wall[kind]) for kind in ours.wall}
    cpu = {kind: ours.cpu[kind] / plain.cpu[kind] for kind in ours.cpu}
    return {
        "guard_overhead_ratio": round(median(wall[kind] for kind in KINDS), 3),
        "guard_overhead_by_request": {kind: round(wall[kind], 3) for kind in KINDS},
        "guard_cpu_ratio": round(median(cpu[kind] for kind in KINDS), 3),
        "guard_cpu_by_request": {kind: round(cpu[kind], 3) for kind in KINDS},
        "guard_ms_by_request": {
            kind: [round(median(side.wall[kind]) * 1000, 2) for side in both] for kind in KINDS
        },
        "guard_own_room_send": {"wall": round(wall[OWN_ROOM], 3), "cpu": round(cpu[OWN_ROOM], 3)},
        "guard_requests_each": rounds * BATCH,
    }
