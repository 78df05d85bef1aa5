"""One child process of the test run, its output in a file."""

from __future__ import annotations

import os
import secrets
import signal
import socket
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

import pytest
from attrs import define, field

#: The root of the checkout: programs are started here.
ROOT = Path(__file__).resolve().parents[2]


class StartError(Exception):
    """A server of the tests did not come up; the message ends with its own last words."""


#: Not those that the system gives to outgoing connections (32768 and up): one of them could be taken by any request
#: between its choice and its server's start.
PORTS = range(20_000, 32_000)
_given: set[int] = set()


def free_port() -> int:
    """A TCP port on 127.0.0.1 that nobody listens on right now, and that this run has not given to anybody yet.

    By chance, so that test runs beside this one choose others.
    """
    while True:
        port = secrets.choice(PORTS)
        if port not in _given and _bindable(port):
            _given.add(port)
            return port


def _bindable(port: int) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True


def not_installed(what: str) -> NoReturn:
    """Skip the running test because a server is missing. In CI a skipped test fails (tests/conftest.py)."""
    pytest.skip(f"{what} is not installed; run scripts/install-services")


def listens(port: int) -> bool:
    """Whether something on 127.0.0.1 accepts connections on `port`."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def python_module(module: str, *arguments: str) -> list[str]:
    """The command that runs a Python module in this environment and ends with the test run."""
    return [sys.executable, "-m", "tests.support.launch", module, *arguments]


@define(eq=False)
class ServerProcess:
    """Starts, stops and kills one program. `output` gets its stdout and stderr, over all restarts."""

    name: str
    command: Sequence[str]
    output: Path
    user: str | None = None  # account to run as; None: ours
    _process: subprocess.Popen[bytes] | None = field(default=None, init=False)

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    @property
    def pid(self) -> int:
        """Process id of the running program."""
        assert self._process is not None, f"{self.name} was never started"
        return self._process.pid

    def start(self) -> None:
        """Start the program; returns at once, before it is ready."""
        assert not self.running, f"{self.name} already runs"
        with self.output.open("ab") as output:
            self._process = subprocess.Popen(
                list(self.command),
                cwd=ROOT,
                stdin=subprocess.PIPE,  # held open by us: see launch.py
                stdout=output,
                stderr=subprocess.STDOUT,
                env={**os.environ, "PYTHONUNBUFFERED": "1"},
                user=self.user,
                group=self.user,
                extra_groups=None if self.user is None else [],
                start_new_session=True,  # Ctrl-C reaches pytest, which then stops us in order
            )

    def stop(self, timeout_s: float = 15.0, how: signal.Signals = signal.SIGTERM) -> None:
        """Ask the program to end, and kill it if it has not after `timeout_s` seconds."""
        if self._process is None:
            return
        if self.running:
            self._process.send_signal(how)
            try:
                self._process.wait(timeout_s)
            except subprocess.TimeoutExpired:
                self.kill()
        self._forget()

    def kill(self) -> None:
        """End the program the way a power cut does (SIGKILL)."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._forget()

    def is_alive(self, log: Path | None = None) -> bool:
        """True, for use in a probe of `until`.

        Raises:
            StartError: the program has ended; the message has the tail of its output and of `log`.
        """
        if not self.running:
            code = None if self._process is None else self._process.returncode
            raise StartError(f"{self.name} ended with code {code}\n{self.last_words(log)}")
        return True

    def last_words(self, log: Path | None = None, lines: int = 30) -> str:
        """The last lines of the program's output and of its log file."""
        parts = []
        for path in (self.output, log):
            if path is not None and path.exists():
                tail = path.read_text("utf-8", "replace").splitlines()[-lines:]
                parts.append("\n".join((f"--- {path}", *tail)))
        return "\n".join(parts)

    def _forget(self) -> None:
        if self._process is not None and self._process.stdin is not None:
            self._process.stdin.close()
        self._process = None
