"""A real calls server process for a test: its folder, its configuration, what it logs."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from attrs import define, field

from media.access.key_file import new_line
from tests.support.bridge import secret
from tests.support.http import Api
from tests.support.polling import until
from tests.support.process import ROOT, StartError, free_port, listens, python_module
from tests.support.synapse import Homeserver

#: Seconds a calls server may take to start; it takes one on an idle machine.
START_DEADLINE_S = 60.0


@define(eq=False)
class MediaProcess:
    """Attributes:
    folder: media.yaml and secrets; `log` gets stderr and stdout over all restarts.
    """

    folder: Path
    port: int
    metrics_port: int
    api: Api = field(init=False)
    _process: subprocess.Popen[bytes] | None = field(default=None, init=False)

    def __attrs_post_init__(self) -> None:
        self.api = Api(self.url)

    @classmethod
    def prepare(
        cls, folder: Path, server: Homeserver, port: int | None = None, **changes: Any
    ) -> MediaProcess:
        """Write the configuration for this homeserver; `changes` are settings of media.yaml."""
        folder.mkdir(parents=True, exist_ok=True)
        made = cls(folder, port or free_port(), free_port())
        secret(folder / "service.token", server.service_token)
        if not (folder / "media.keys").exists():
            secret(folder / "media.keys", new_line())
        made.configure(
            {
                "public_url": made.url,
                "listen_port": made.port,
                "metrics_port": made.metrics_port,
                "homeserver_url": server.url,
                "server_name": server.server_name,
                "client_url": server.url,
                "service_token_file": "service.token",
                "keys_file": "media.keys",
                "media_host": "127.0.0.1",
                "udp_port": 0,
                "tcp_port": 0,
                "addresses": ["127.0.0.1"],
                "drain_s": 5,
                **changes,
            }
        )
        return made

    def configure(self, settings: Mapping[str, Any]) -> None:
        """Write media.yaml; JSON is YAML too."""
        self.config.write_text(json.dumps(dict(settings), ensure_ascii=False), "utf-8")

    def change(self, **changes: Any) -> None:
        """Other settings from the next start on."""
        self.configure(json.loads(self.config.read_text("utf-8")) | changes)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def service_url(self) -> str:
        """What Synapse names as `livekit_service_url`."""
        return f"{self.url}/livekit/jwt"

    @property
    def config(self) -> Path:
        return self.folder / "media.yaml"

    @property
    def log(self) -> Path:
        return self.folder / "log"

    def start(self, *, ready: bool = True) -> None:
        """Start it; with `ready` return when it answers."""
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                python_module("media", str(self.config)),
                cwd=ROOT,
                stdin=subprocess.PIPE,  # held open by us: see launch.py
                stdout=log,
                stderr=log,
                env={**os.environ, "PYTHONUNBUFFERED": "1"},
                start_new_session=True,
            )
        if ready:
            until(self._answers, what="start of the calls server", deadline_s=START_DEADLINE_S)

    def _answers(self) -> bool:
        assert self._process is not None
        if self._process.poll() is not None:
            raise StartError(
                f"calls server ended with code {self._process.returncode}\n{self.lines()}"
            )
        return listens(self.port) and self.api.request("GET", "/healthz").status == 200

    def ask(self, how: signal.Signals) -> None:
        assert self._process is not None
        self._process.send_signal(how)

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.poll() is None

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

    def wait(self, deadline_s: float = 30.0) -> int:
        """Its exit code once it has ended by itself."""
        assert self._process is not None
        self._process.wait(deadline_s)
        return self.stop()

    def lines(self) -> str:
        """The log so far."""
        return self.log.read_text("utf-8") if self.log.exists() else ""

    def until_logged(self, pattern: str, deadline_s: float = 30.0) -> None:
        until(
            lambda: re.search(pattern, self.lines()),
            what=f"the log to say {pattern}",
            deadline_s=deadline_s,
        )

    def metrics(self) -> dict[str, float]:
        """Name with labels → value."""
        api = Api(f"http://127.0.0.1:{self.metrics_port}")
        try:
            text = api.request("GET", "/metrics").body.decode()
        finally:
            api.close()
        rows = (line.rpartition(" ") for line in text.splitlines() if not line.startswith("#"))
        return {name: float(value) for name, _, value in rows}
