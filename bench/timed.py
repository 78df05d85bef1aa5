"""The module with a clock around its decisions, for `bench/district.py`: a school's homeserver.yaml never names it.

What a decision costs is some tens of microseconds; two servers that are alike differ by hundreds. So the CPU of the
thread that decides is read when a decision begins and when it is there, Synapse's own check of the signature taken off.
"""

from __future__ import annotations

import json
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from synapse.module_api import ModuleApi

from synapse_sferum.callbacks import Callbacks
from synapse_sferum.config import Config
from synapse_sferum.guard.peer_rules import PeerRules
from synapse_sferum.module import SferumModule
from synapse_sferum.private.routes import Authenticator

#: In the server's folder: a line of JSON for each decision, `{"event": µs}` or `{"federation": µs}`.
FILE = "decisions.jsonl"

_Method = Callable[..., Awaitable[Any]]


class TimedModule(SferumModule):
    """Writes what each decision took beside the database."""

    def __init__(self, config: Config, api: ModuleApi) -> None:
        _put_clocks(Path(config.service_token_path).with_name(FILE))
        super().__init__(config, api)


def _put_clocks(file: Path) -> None:
    """Around the methods themselves: who builds them comes later."""
    own = [0]  # nanoseconds of Synapse's authenticator within the decision that runs
    synapse, federation = Authenticator.authenticate_request, PeerRules.authenticate_request
    event = Callbacks.check_event_allowed

    async def authenticate(self: Authenticator, *given: Any) -> Any:
        began = time.thread_time_ns()
        try:
            return await synapse(self, *given)
        finally:
            own[0] += time.thread_time_ns() - began

    def clocked(what: str, method: _Method) -> _Method:
        async def decide(self: object, *given: Any) -> Any:
            own[0], began = 0, time.thread_time_ns()
            answer = await method(self, *given)
            took = time.thread_time_ns() - began - own[0]
            with file.open("a") as out:
                out.write(json.dumps({what: took / 1e3}) + "\n")
            return answer

        return decide

    # PeerRules is an Authenticator: its own method is replaced before its parent's, which it calls.
    vars_of = {
        (PeerRules, "authenticate_request"): clocked("federation", federation),
        (Authenticator, "authenticate_request"): authenticate,
        (Callbacks, "check_event_allowed"): clocked("event", event),
    }
    for (owner, name), made in vars_of.items():
        setattr(owner, name, made)
