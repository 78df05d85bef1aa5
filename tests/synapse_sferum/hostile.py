"""What a listed server sends that no Synapse would: transactions and events of its own making."""

from __future__ import annotations

import itertools
import sqlite3
from collections.abc import Mapping, Sequence
from contextlib import closing
from typing import Any
from urllib.parse import quote

from attrs import define, field

from tests.support.accounts import Account
from tests.support.foreign import ForeignServer
from tests.support.http import Response
from tests.support.polling import until
from tests.support.synapse import Homeserver

CLIENT = "/_matrix/client/v3"
FEDERATION = "/_matrix/federation/v1"

_numbers = itertools.count(1)


@define(eq=False)
class Hostile:
    """`server` attacks `target`; `account` is somebody who lives there and is in the rooms attacked, if anybody is."""

    server: ForeignServer
    account: Account
    target: Homeserver
    _state: dict[str, dict[tuple[str, str], str]] = field(factory=dict, init=False)

    def ask(self, method: str, path: str, content: Any = None) -> Response:
        """One signed request; `path` from the version on, or from /_matrix on."""
        full = path if path.startswith("/_") else FEDERATION + path
        return self.server.signed_request(self.target, method, full, content)

    def send(
        self, pdus: Sequence[Mapping[str, Any]] = (), edus: Sequence[tuple[str, Any]] = ()
    ) -> Response:
        """One transaction. Its EDUs are dealt with when this returns, its PDUs when `swallowed` has returned."""
        body = {
            "origin": self.server.server_name,
            "origin_server_ts": 1,
            "pdus": list(pdus),
            "edus": [{"edu_type": kind, "content": content} for kind, content in edus],
        }
        return self.ask("PUT", f"/send/hostile{next(_numbers)}", body)

    def swallowed(self) -> None:
        """Wait until the target has dealt with every event that it took in."""

        def is_empty() -> bool:
            path = self.target.directory / "homeserver.db"
            with closing(sqlite3.connect(path, timeout=30)) as database:
                row = database.execute("SELECT count(*) FROM federation_inbound_events_staging")
                return bool(row.fetchone() == (0,))

        until(is_empty, what="the events to be dealt with")

    def event(
        self, room_id: str, type_: str, content: Mapping[str, Any], **rest: Any
    ) -> dict[str, Any]:
        """An event with this server's signature: by `account`, after the room's last one, unless `rest` says else."""
        state, last = self._room(room_id)
        sender = rest.get("sender", self.account.user_id)
        keys = [("m.room.power_levels", ""), ("m.room.member", sender)]
        if type_ == "m.room.member":
            keys += [("m.room.join_rules", ""), ("m.room.member", str(rest.get("state_key")))]
        found = [state[key] for key in dict.fromkeys(keys) if key in state]
        return self.server.signed_event(
            {
                "room_id": room_id,
                "sender": sender,
                "type": type_,
                "content": dict(content),
                "origin_server_ts": 1_700_000_000_000 + next(_numbers),
                "depth": 100,
                "auth_events": found,
                "prev_events": last,
                **rest,
            }
        )

    def _room(self, room_id: str) -> tuple[dict[tuple[str, str], str], list[str]]:
        """State and last event as this server knows them; nothing of rooms it is not in."""
        path = f"{CLIENT}/rooms/{quote(room_id)}"
        token = self.account.access_token
        state = self.server.homeserver.request("GET", f"{path}/state", token)
        if state.status != 200:
            return {}, []
        ids = {(event["type"], event["state_key"]): event["event_id"] for event in state.json}
        last = self.server.homeserver.call("GET", f"{path}/messages?dir=b&limit=20", token)
        return ids, [last["chunk"][0]["event_id"]]
