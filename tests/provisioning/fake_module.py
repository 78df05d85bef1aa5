"""The module's HTTP interface in memory: an httpx transport that answers as docs/contracts.md §2 says."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from typing import Any

import httpx
from attrs import define, field

from provisioning.homeserver import PREFIX, Homeserver

TOKEN = "secret-token"
Failure = Callable[[httpx.Request], httpx.Response]


@define
class FakeModule:
    """One homeserver with schools, a roster each, and rooms that take a few looks to get ready."""

    orgs: dict[str, dict[str, Any]] = field(factory=dict)
    rosters: dict[str, Any] = field(factory=dict)
    waiting: int = 0  # jobs still to do; one fewer at each look at progress
    dead: list[dict[str, Any]] = field(factory=list)
    held: str = ""
    refusal: str | None = None
    stale: int = 0  # how many times apply says that the plan is stale
    forced: bool = False
    classes: list[dict[str, Any]] = field(factory=list)
    people: list[dict[str, Any]] = field(factory=list)
    changes: list[tuple[str, dict[str, Any]]] = field(factory=list)  # of classes: path, body
    no: str = ""  # the refusal of such a change
    year: dict[str, Any] = field(factory=dict)  # the answer to year/plan
    promoted: list[dict[str, Any]] = field(factory=list)  # the plans that were applied
    calls: list[str] = field(factory=list)
    failures: list[Failure] = field(factory=list)  # answers given before the real one
    slept: list[float] = field(factory=list)

    def homeserver(self) -> Homeserver:
        transport = httpx.MockTransport(self.answer)
        return Homeserver.connect(
            "http://127.0.0.1:1", TOKEN, self.slept.append, transport=transport
        )

    def answer(self, request: httpx.Request) -> httpx.Response:
        path = request.url.path.removeprefix(PREFIX)
        self.calls.append(f"{request.method} {path}")
        if self.failures:
            return self.failures.pop(0)(request)
        if request.headers.get("Authorization") != f"Bearer {TOKEN}":
            return refused(401, "M_UNKNOWN_TOKEN")
        body = json.loads(request.content) if request.content else {}
        parts = path.strip("/").split("/")
        if parts[2:3] == ["year"]:
            return self._year(self.orgs[parts[1]], parts[3:], body)
        if parts[2:3] in (["classes"], ["people"]):
            return self._school(request.method, parts[2:], body, request.url.params)
        return self._route(request.method, parts, body, request.url.params)

    def _route(
        self, method: str, parts: list[str], body: dict[str, Any], query: httpx.QueryParams
    ) -> httpx.Response:
        if parts == ["orgs"]:
            return self._orgs(method, body)
        org = self.orgs.get(parts[1])
        if org is None:
            return refused(404, "M_NOT_FOUND")
        match parts[2:]:
            case []:
                return httpx.Response(200, json=org)
            case ["roster", "plan"]:
                return httpx.Response(200, json=self._plan(parts[1], body["roster"]))
            case ["roster", "apply"]:
                return self._apply(parts[1], body)
            case ["progress"]:
                return httpx.Response(200, json=self._progress())
            case ["reconcile"]:
                self.held = ""
                return httpx.Response(200, json={"queued": 1})
            case ["jobs"]:
                return httpx.Response(200, json={"jobs": self.dead})
            case ["jobs", _, "retry"]:
                self.dead.clear()
                return httpx.Response(200, json={})
            case ["why"]:
                return httpx.Response(200, json=self._why(query))
            case ["members"]:
                return httpx.Response(200, json={"room_id": query["room_id"], "members": MEMBERS})
            case _:
                return refused(404, "M_UNRECOGNIZED")

    def _orgs(self, method: str, body: dict[str, Any]) -> httpx.Response:
        if method == "GET":
            return httpx.Response(200, json={"orgs": list(self.orgs.values())})
        if body["org_id"] in self.orgs:
            return refused(409, "SFERUM_ORG_EXISTS")
        self.orgs[body["org_id"]] = {**body, "status": "open", "settings": {}}
        return httpx.Response(200, json=self.orgs[body["org_id"]])

    def _plan(self, org_id: str, roster: dict[str, Any]) -> dict[str, Any]:
        known = self.rosters.get(org_id)
        added = len(roster["people"]) if known is None else 0
        same = known == roster
        digest = hashlib.sha256(json.dumps([known, roster]).encode()).hexdigest()
        return {
            "plan_hash": digest,
            "counts": {} if same else {"person_added": added, "person_changed": 1},
            "changes": [],
            "exceptions": [
                {"kind": "class_without_homeroom_teacher", "detail": "8В", "person": None},
                {"kind": "roles_by_hand", "detail": "", "person": "Орлова Мария"},
            ],
            "by_class": {
                "5А": {"before": 0, "after": 2, "joins": 2, "leaves": 0},
                "5Б": {"before": 3, "after": 3, "joins": 0, "leaves": 0},
            },
            "removals": {"memberships": 4, "of": 40, "share": 0.1},
            "safe": self.refusal is None,
            "refusal": self.refusal,
            "message": "",
        }

    def _apply(self, org_id: str, body: dict[str, Any]) -> httpx.Response:
        if self.stale:
            self.stale -= 1
            return refused(409, "SFERUM_STALE_PLAN")
        if self.refusal == "unsafe" and not body["force"]:
            return refused(409, "SFERUM_UNSAFE_PLAN")
        self.forced = body["force"]
        self.rosters[org_id] = body["roster"]
        return httpx.Response(200, json={"applied": True, "counts": {}, "revision": 2})

    def _school(
        self, method: str, parts: list[str], body: dict[str, Any], query: httpx.QueryParams
    ) -> httpx.Response:
        if method == "GET":
            found = [p for p in self.people if p["source_id"] == query.get("source_id")]
            rows = self.classes if parts == ["classes"] else found
            return httpx.Response(200, json={parts[0]: rows})
        if self.no:
            return refused(409, self.no)
        self.changes.append(("/".join(parts), body))
        return httpx.Response(200, json={"changed": True, "revision": 2})

    def _year(self, org: dict[str, Any], what: list[str], body: dict[str, Any]) -> httpx.Response:
        now = org["school_year"]
        last = {"from_year": "2026/2027", "to_year": "2027/2028", "applied_ms": 0}
        last |= {"undo_until_ms": 1_209_600_000, "state": "applied", "may_undo": True}
        match what:
            case []:
                shown = last if self.promoted else None
                return httpx.Response(
                    200, json={"school_year": now, "promotion": shown, "restores": None}
                )
            case ["plan"]:
                answer = self.year if body["plan"] is None else {**self.year, "plan": body["plan"]}
                open_ = any(line["fate"] == "undecided" for line in answer["plan"]["classes"])
                note = {"kind": "class_undecided", "person": None, "detail": "9А: 2"}
                conflicts = [note] if open_ else []
                return httpx.Response(
                    200, json={**answer, "ready": not open_, "conflicts": conflicts}
                )
            case ["apply"]:
                self.promoted.append(body["plan"])
                org["school_year"] = body["plan"]["school_year"]
                return httpx.Response(200, json={"applied": True, "promotion": last, "revision": 3})
            case _:
                if not self.promoted:
                    return refused(409, "SFERUM_NO_UNDO")
                org["school_year"] = last["from_year"]
                return httpx.Response(
                    200,
                    json={"undone": True, "exact": not self.no, "without_class": 2, "revision": 4},
                )

    def _progress(self) -> dict[str, Any]:
        waiting, self.waiting = self.waiting, max(0, self.waiting - 1)
        return {
            "revision": 2,
            "reconciled_revision": 2,
            "held": self.held,
            "memberships": {"wanted": 5, "done": 5 - min(5, waiting)},
            "rooms": {"wanted": 4, "ready": 4 - min(4, waiting), "filling": 0},
            "jobs": {"queued": waiting, "running": 0, "done": 9, "dead": len(self.dead)},
            "settled": not waiting and not self.held,
        }

    def _why(self, query: httpx.QueryParams) -> dict[str, Any]:
        return {
            "user_id": query["user_id"],
            "room_id": query["room_id"],
            "membership": "join",
            "required": True,
            "power": 50,
            "reasons": [
                {"reason": "homeroom_teacher", "text": "is a class teacher"},
                {"reason": "new_word", "text": "something the client does not know"},
            ],
        }


MEMBERS = [
    {
        "user_id": "@uaaaaaaaa:school",
        "family_name": "Иванов",
        "given_name": "Пётр",
        "middle_name": "",
    },
    {
        "user_id": "@ubbbbbbbb:school",
        "family_name": "=cmd|' /C calc'!A0",
        "given_name": "Ян",
        "middle_name": None,
    },
]


def refused(status: int, errcode: str, **headers: str) -> httpx.Response:
    return httpx.Response(status, json={"errcode": errcode, "error": "no"}, headers=headers)
