"""A real bridge process for a test: its folder, its configuration, what it shows and what it logs."""

from __future__ import annotations

import json
import os
import re
import secrets
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from attrs import define, field

from tests.support.http import Api
from tests.support.polling import until
from tests.support.process import ROOT, StartError, free_port, listens, python_module
from tests.support.synapse import Homeserver

#: Seconds a bridge may take to start; it takes about two on an idle machine.
START_DEADLINE_S = 60.0


@define(eq=False)
class BridgeProcess:
    """Attributes:
    folder: bridge.yaml, keys, database; `screen` gets stdout, `log` stderr, both over all restarts.
    """

    folder: Path
    port: int
    metrics_port: int
    api: Api = field(init=False)
    _process: subprocess.Popen[bytes] | None = field(default=None, init=False)

    def __attrs_post_init__(self) -> None:
        self.api = Api(f"http://127.0.0.1:{self.port}")

    @classmethod
    def prepare(cls, folder: Path, server: Homeserver, **changes: Any) -> BridgeProcess:
        """Write the configuration for this homeserver, codes on the screen; `changes` are settings of bridge.yaml."""
        folder.mkdir(parents=True, exist_ok=True)
        made = cls(folder, free_port(), free_port())
        secret(folder / "service.token", server.service_token)
        registration = (server.directory / "appservice.yaml").read_text()
        secret(folder / "appservice.yaml", registration)
        made.configure(
            {
                "public_url": made.api.base_url,
                "listen_port": made.port,
                "metrics_port": made.metrics_port,
                "database": f"sqlite+aiosqlite:///{folder / 'bridge.db'}",
                "keys_file": "bridge.keys",
                "homeserver_url": server.url,
                "server_name": server.server_name,
                "service_token_file": "service.token",
                "appservice_file": "appservice.yaml",
                **changes,
            }
        )
        return made

    def configure(self, settings: Mapping[str, Any]) -> None:
        """Write bridge.yaml; JSON is YAML too."""
        self.config.write_text(json.dumps(dict(settings), ensure_ascii=False), "utf-8")

    def change(self, **changes: Any) -> None:
        """Other settings from the next start on."""
        self.configure(json.loads(self.config.read_text("utf-8")) | changes)

    @property
    def config(self) -> Path:
        return self.folder / "bridge.yaml"

    @property
    def screen(self) -> Path:
        return self.folder / "screen"

    @property
    def log(self) -> Path:
        return self.folder / "log"

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def start(self, *, ready: bool = True) -> None:
        """Start it; with `ready` return when it answers."""
        with self.screen.open("ab") as screen, self.log.open("ab") as log:
            self._process = subprocess.Popen(
                python_module("bridge", str(self.config)),
                cwd=ROOT,
                stdin=subprocess.PIPE,  # held open by us: see launch.py
                stdout=screen,
                stderr=log,
                env={**os.environ, "PYTHONUNBUFFERED": "1"},
                start_new_session=True,
            )
        if ready:
            until(self._answers, what="start of the bridge", deadline_s=START_DEADLINE_S)

    def _answers(self) -> bool:
        assert self._process is not None
        if self._process.poll() is not None:
            raise StartError(f"bridge ended with code {self._process.returncode}\n{self.lines()}")
        return listens(self.port) and self.api.request("GET", "/health").status == 200

    def ask(self, how: signal.Signals) -> None:
        assert self._process is not None
        self._process.send_signal(how)

    def stop(self, how: signal.Signals = signal.SIGTERM) -> int:
        """Ask it to end; its exit code. Harmless when it does not run."""
        if self._process is None:
            return 0
        process, self._process = self._process, None
        if process.poll() is None:
            process.send_signal(how)
        try:
            return process.wait(30)
        finally:
            if process.poll() is None:
                process.kill()
                process.wait()
            assert process.stdin is not None
            process.stdin.close()

    def kill(self) -> None:
        """As a power cut does."""
        self.stop(signal.SIGKILL)

    def run_to_its_end(self, *options: str) -> tuple[int, str]:
        """Start it when it cannot go on: exit code, and what it said."""
        ended = subprocess.run(
            [sys.executable, "-m", "bridge", str(self.config), *options],
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=60,
            check=False,
        )
        return ended.returncode, (ended.stdout + ended.stderr).decode()

    def lines(self) -> str:
        """The log so far."""
        return self.log.read_text("utf-8") if self.log.exists() else ""

    def shown(self) -> str:
        """What was put on the screen so far."""
        return self.screen.read_text("utf-8") if self.screen.exists() else ""

    def until_logged(self, pattern: str, deadline_s: float = 30.0) -> None:
        until(
            lambda: re.search(pattern, self.lines()),
            what=f"the log to say {pattern}",
            deadline_s=deadline_s,
        )

    def metrics(self) -> str:
        api = Api(f"http://127.0.0.1:{self.metrics_port}")
        try:
            return api.request("GET", "/metrics").body.decode()
        finally:
            api.close()


def secret(path: Path, text: str) -> Path:
    """A file of its owner only."""
    path.touch(0o600)
    path.chmod(0o600)
    path.write_text(text, "utf-8")
    return path


def new_token() -> str:
    """Something that must be in no log."""
    return secrets.token_urlsafe(16)
