"""One school on a real server, driven through the module's HTTP API: apply a roster, let people in, look at
the rooms."""

from __future__ import annotations

import base64
import hashlib
import sqlite3
from collections.abc import Iterable, Mapping
from contextlib import closing
from datetime import date, timedelta
from typing import Any
from urllib.parse import quote

from attrs import define, field

from tests.support.accounts import Account
from tests.support.http import Response
from tests.support.polling import UNHURRIED_S, until
from tests.support.synapse import Homeserver

API = "/_synapse/client/sferum/v1"
#: Seconds a school's rooms may take to follow; 1,000 memberships take about half a minute on two idle cores.
SETTLE_S = 240.0


def base32_id(prefix: str, *parts: str) -> str:
    """Ids of records as docs/contracts.md promises them: a repeated import makes the same record."""
    digest = hashlib.sha256("\0".join(parts).encode()).digest()
    return prefix + base64.b32encode(digest).decode().lower()[:12]


@define(eq=False)
class School:
    """A school of a homeserver. People are named by their id in the source."""

    server: Homeserver
    org_id: str
    source: str = "csv"
    year: str = "2026/2027"
    accounts: dict[str, str] = field(factory=dict, init=False)  # source id → user id
    signed_in: dict[str, Account] = field(factory=dict, init=False)

    @property
    def path(self) -> str:
        return f"{API}/orgs/{self.org_id}"

    def create(self, name: str = "Школа", **settings: Any) -> None:
        """Make the school."""
        self.server.wait_for_tables()
        body = {"org_id": self.org_id, "name": name, "settings": settings}
        self.server.call("POST", f"{API}/orgs", self.server.service_token, body)

    def call(self, method: str, path: str, json: Any = None, token: str | None = None) -> Any:
        """A call below this school that must succeed, as the service or with a token."""
        return self.server.call(method, self.path + path, token or self.server.service_token, json)

    def request(
        self, method: str, path: str, json: Any = None, token: str | None = None
    ) -> Response:
        """The same; any status is an answer."""
        return self.server.request(
            method, self.path + path, token or self.server.service_token, json
        )

    def apply(self, roster: Mapping[str, Any], *, force: bool = False) -> Any:
        """Plan and apply a roster."""
        plan = self.call("POST", "/roster/plan", {"roster": roster})
        body = {"roster": roster, "plan_hash": plan["plan_hash"], "force": force}
        return self.call("POST", "/roster/apply", body)

    def day(self, ahead: int) -> str:
        """An ISO date so many days from the server's today, UTC."""
        now_ms = self.server.call("GET", f"{API}/health", self.server.service_token)["time_ms"]
        return (date(1970, 1, 1) + timedelta(days=now_ms // 86_400_000 + ahead)).isoformat()

    def progress(self) -> Any:
        """The module's own figures."""
        return self.call("GET", "/progress")

    def settle(self, deadline_s: float = SETTLE_S) -> Any:
        """Wait until the rooms have followed; returns the progress."""

        def settled() -> Any:
            found = self.progress()
            return found if found["settled"] else None

        return until(
            settled,
            what=f"rooms of {self.org_id}",
            deadline_s=deadline_s,
            interval_s=UNHURRIED_S,
        )

    def abandon(self) -> None:
        """Nobody looks at it any more: its rooms must not keep the next school's waiting, nor the bot look after it.

        Not the API's way, which would make archives of its rooms.
        """
        path = self.server.directory / "homeserver.db"
        with closing(sqlite3.connect(path, timeout=30)) as database, database:
            database.execute(
                "UPDATE sferum_orgs SET status = 'closed', held = 'abandoned' WHERE org_id = ?",
                (self.org_id,),
            )
            database.execute(
                "UPDATE sferum_jobs SET state = 'done' WHERE org_id = ? AND state = 'queued'",
                (self.org_id,),
            )

    def person_id(self, source_id: str) -> str:
        """Our id of a person of the roster."""
        return base32_id("p", "person", self.org_id, self.source, source_id)

    def class_id(self, name: str) -> str:
        """Our id of a class of a spreadsheet's roster."""
        return base32_id("c", "class", self.org_id, self.source, name, self.year)

    def activate(self, source_id: str) -> str:
        """Give a person an account nobody signs in to yet; the user id."""
        found = self.call("POST", f"/people/{self.person_id(source_id)}/activate", {})
        self.accounts[source_id] = found["user_id"]
        return str(found["user_id"])

    def activate_all(self, source_ids: Iterable[str]) -> None:
        """Many at once."""
        for source_id in source_ids:
            self.activate(source_id)

    def sign_in(self, source_id: str) -> Account:
        """Give a person an account with a password and sign in on one device."""
        digest = base32_id("u", self.org_id, source_id)[:9]
        account = self.server.register(digest)
        body = {"user_id": account.user_id}
        self.call("POST", f"/people/{self.person_id(source_id)}/activate", body)
        self.accounts[source_id] = account.user_id
        self.signed_in[source_id] = account
        return account

    def sign_in_all(self, source_ids: Iterable[str]) -> None:
        """Many at once."""
        for source_id in source_ids:
            self.sign_in(source_id)

    def token(self, source_id: str) -> str:
        """The access token of somebody who signed in."""
        return self.signed_in[source_id].access_token

    def rooms(self) -> dict[tuple[str, str], Any]:
        """(kind, class name or "") → the room as the API lists it."""
        found = {}
        for room in self.call("GET", "/rooms")["rooms"]:
            name = room["name"].partition(" ")[0] if room["ref"] else ""
            found[room["kind"], name] = room
        return found

    def room_id(self, kind: str, class_name: str = "") -> str:
        """A managed room's id."""
        return str(self.rooms()[kind, class_name]["room_id"])

    def members(self, kind: str, class_name: str = "") -> set[str]:
        """User ids joined to a managed room, the service user left out."""
        room_id = quote(self.room_id(kind, class_name))
        found = self.call("GET", f"/members?room_id={room_id}")
        return {row["user_id"] for row in found["members"]}

    def source_ids(self, kind: str, class_name: str = "") -> set[str]:
        """The same as ids of the source; only people whose account this driver made."""
        known = {user_id: source_id for source_id, user_id in self.accounts.items()}
        return {known[user_id] for user_id in self.members(kind, class_name)}


def state_of(server: Homeserver, room_id: str, token: str) -> dict[tuple[str, str], Any]:
    """(type, state key) → content of a room's state, as a member sees it."""
    events = server.call("GET", f"/_matrix/client/v3/rooms/{quote(room_id)}/state", token)
    return {(event["type"], event["state_key"]): event["content"] for event in events}


def newest_event(server: Homeserver) -> int:
    """Number of the newest event in an SQLite server's database: equal means that nothing was written."""
    path = f"file:{server.directory}/homeserver.db?mode=ro"
    with closing(sqlite3.connect(path, uri=True)) as database:
        (newest,) = database.execute(
            "SELECT COALESCE(MAX(stream_ordering), 0) FROM events"
        ).fetchone()
    return int(newest)
