"""A real Synapse for a test: started from homeserver.yaml.example, with only paths and ports replaced."""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import httpx
from attrs import define, field

from tests.support import accounts
from tests.support.accounts import PASSWORD, Account
from tests.support.appservice import BRIDGE_USER, STAFF_BOT
from tests.support.http import Api, Response
from tests.support.polling import until
from tests.support.process import ServerProcess, StartError, listens

#: Seconds a server may take to start; it takes 2-3 on an idle machine, CI has two busy cores.
START_DEADLINE_S = 90.0


@define(eq=False)
class SynapseProcess:
    """One Synapse process (main or worker) and its HTTP address."""

    server: ServerProcess
    port: int
    log: Path
    api: Api = field(init=False)

    def __attrs_post_init__(self) -> None:
        self.api = Api(f"http://127.0.0.1:{self.port}")

    @property
    def name(self) -> str:
        return self.server.name

    @property
    def url(self) -> str:
        """Base URL, without a slash at the end."""
        return self.api.base_url

    def wait_until_ready(self, deadline_s: float = START_DEADLINE_S) -> None:
        """Return when /health answers.

        Raises:
            StartError: the process ended, or did not answer in time; the message has the tail of its log.
        """
        try:
            until(self._is_ready, what=f"start of {self.name}", deadline_s=deadline_s)
        except TimeoutError as error:
            raise StartError(f"{error}\n{self.server.last_words(self.log)}") from error

    def _is_ready(self) -> bool:
        if not (self.server.is_alive(self.log) and listens(self.port)):
            return False
        try:
            return self.api.request("GET", "/health", timeout_s=5).status == 200
        except httpx.TransportError:
            return False


@define(eq=False)
class Homeserver:
    """A Synapse of one or more processes. The first is the main process; calls go there.

    Everything here is synchronous: from an async test whose own loop must answer Synapse, use `asyncio.to_thread`.
    """

    server_name: str
    directory: Path
    config: Mapping[str, Any]  # as written to homeserver.yaml
    service_token: str = field(repr=False)
    processes: list[SynapseProcess]
    federation_port: int | None = None
    as_token: str | None = field(default=None, repr=False)  # of the bridge's application service
    start_seconds: float = field(default=0.0, init=False)  # how long the last start took

    @property
    def main(self) -> SynapseProcess:
        return self.processes[0]

    @property
    def bridge_user(self) -> str:
        """The server administrator that `as_token` speaks for."""
        return f"@{BRIDGE_USER}:{self.server_name}"

    @property
    def staff_bot(self) -> str:
        """The bot of the administration rooms; `login_bot` signs it in."""
        return f"@{STAFF_BOT}:{self.server_name}"

    @property
    def workers(self) -> list[SynapseProcess]:
        return self.processes[1:]

    @property
    def url(self) -> str:
        """Base URL of the main process."""
        return self.main.url

    @property
    def api(self) -> Api:
        return self.main.api

    def start(self) -> None:
        """Start every process and wait until all answer.

        Raises:
            StartError: one did not come up.
        """
        began = time.monotonic()
        self.main.server.start()
        self.main.wait_until_ready()
        for worker in self.workers:
            worker.server.start()
        for worker in self.workers:
            worker.wait_until_ready()
        self.start_seconds = time.monotonic() - began

    def wait_for_tables(self) -> None:
        """The module makes its tables in the background; return when its API answers."""

        def answers() -> bool:
            path = "/_synapse/client/sferum/v1/health"
            return self.request("GET", path, self.service_token).status == 200

        until(answers, what="the module's tables", deadline_s=30)

    def stop(self) -> None:
        """Shut down in order; harmless when already stopped."""
        for process in reversed(self.processes):
            process.server.stop()

    def kill(self) -> None:
        """End every process at once, as a power cut does."""
        for process in self.processes:
            process.server.kill()

    def restart(self) -> None:
        """Stop (if still running) and start again with the same data and ports."""
        self.stop()
        self.start()

    def request(
        self, method: str, path: str, token: str | None = None, json: Any = None, **rest: Any
    ) -> Response:
        """`Api.request` on the main process: any status is an answer."""
        return self.api.request(method, path, token, json, **rest)

    def call(
        self, method: str, path: str, token: str | None = None, json: Any = None, **rest: Any
    ) -> Any:
        """`Api.call` on the main process: the JSON of a 2xx answer, or HttpError."""
        return self.api.call(method, path, token, json, **rest)

    def register(self, localpart: str, password: str = PASSWORD, *, admin: bool = False) -> Account:
        """A new account, signed in; see `accounts.register`."""
        return accounts.register(self.api, localpart, password, admin=admin)

    def login(
        self, user: str, password: str = PASSWORD, *, device_id: str | None = None
    ) -> Account:
        """One more device of an account; see `accounts.login`."""
        return accounts.login(self.api, user, password, device_id=device_id)

    def login_bot(self, *, device_id: str | None = None) -> Account:
        """One device of the staff bot, as the bridge signs it in: with the application service's token, no password."""
        assert self.as_token is not None, "start it with homeserver(appservice=True)"
        return accounts.login_as_service(
            self.api, self.as_token, self.staff_bot, device_id=device_id
        )

    def wait_for_own_accounts(self) -> None:
        """The module makes `bridge_user` and `staff_bot` in the background; return when `as_token` is an admin's."""
        path = f"/_synapse/admin/v2/users/{self.staff_bot}"
        until(
            lambda: self.request("GET", path, self.as_token).status == 200,
            what="the module's own accounts",
            deadline_s=30,
        )

    def log_text(self) -> str:
        """Everything that all processes have logged and printed so far."""
        paths = [
            path for process in self.processes for path in (process.log, process.server.output)
        ]
        return "\n".join(path.read_text("utf-8", "replace") for path in paths if path.exists())

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()
