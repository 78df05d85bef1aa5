"""A real service of ours for a test: its folder, its configuration, what it logs. Bridge and calls server are two."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

from attrs import define, field

from tests.support.http import Api
from tests.support.polling import until
from tests.support.process import ROOT, StartError, listens, python_module

#: Seconds a service may take to start; one takes about two on an idle machine.
START_DEADLINE_S = 60.0


@define(eq=False)
class ServiceProcess:
    """Attributes:
    module: the package that is run; its settings are `MODULE.yaml`.
    health: a path that answers 200 when it is up.
    folder: settings, secrets, database; `log` gets stderr, `screen` stdout, over all restarts.
    """

    module: ClassVar[str]
    health: ClassVar[str]

    folder: Path
    port: int
    metrics_port: int
    api: Api = field(init=False)
    _process: subprocess.Popen[bytes] | None = field(default=None, init=False)

    def __attrs_post_init__(self) -> None:
        self.api = Api(self.url)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def config(self) -> Path:
        return self.folder / f"{self.module}.yaml"

    @property
    def log(self) -> Path:
        return self.folder / "log"

    @property
    def screen(self) -> Path:
        """The log too, where a service shows nothing on the screen."""
        return self.log

    def configure(self, settings: Mapping[str, Any]) -> None:
        """Write the settings; JSON is YAML too."""
        self.config.write_text(json.dumps(dict(settings), ensure_ascii=False), "utf-8")

    def change(self, **changes: Any) -> None:
        """Other settings from the next start on."""
        self.configure(json.loads(self.config.read_text("utf-8")) | changes)

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def start(self, *, ready: bool = True) -> None:
        """Start it; with `ready` return when it answers."""
        with self.screen.open("ab") as screen, self.log.open("ab") as log:
            self._process = subprocess.Popen(
                python_module(self.module, str(self.config)),
                cwd=ROOT,
                stdin=subprocess.PIPE,  # held open by us: see launch.py
                stdout=screen,
                stderr=log,
                env={**os.environ, "PYTHONUNBUFFERED": "1"},
                start_new_session=True,
            )
        if ready:
            until(self._answers, what=f"start of {self.module}", deadline_s=START_DEADLINE_S)

    def _answers(self) -> bool:
        assert self._process is not None
        if self._process.poll() is not None:
            code = self._process.returncode
            raise StartError(f"{self.module} ended with code {code}\n{self.lines()}")
        return listens(self.port) and self.api.request("GET", self.health).status == 200

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

    def wait(self, deadline_s: float = 30.0) -> int:
        """Its exit code once it has ended by itself."""
        assert self._process is not None
        self._process.wait(deadline_s)
        return self.stop()

    def run_to_its_end(self, *options: str) -> tuple[int, str]:
        """Start it when it cannot go on: exit code, and what it said."""
        ended = subprocess.run(
            [sys.executable, "-m", self.module, str(self.config), *options],
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

    def until_logged(self, pattern: str, deadline_s: float = 30.0) -> None:
        until(
            lambda: re.search(pattern, self.lines()),
            what=f"the log to say {pattern}",
            deadline_s=deadline_s,
        )

    def figures(self) -> str:
        """What Prometheus would read."""
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
