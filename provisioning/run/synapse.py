"""One Synapse as a child process: started, watched, stopped; and what a crashed run left behind."""

from __future__ import annotations

import errno
import importlib.util
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from itertools import chain
from pathlib import Path

from attrs import define, field, frozen

from provisioning.run import trouble
from provisioning.run.place import HOST, Place

START_S = 120.0  # 3 s on an idle machine; a school's old PC while it updates itself is slower
STOP_S = 15.0
POLL_S = 0.1
LAST_LINES = 15


@frozen
class Clock:
    """Time of the machine, handed in."""

    now: Callable[[], float]  # seconds, monotonic
    sleep: Callable[[float], None]


@define
class Synapse:
    """The homeserver of one folder."""

    place: Place
    clock: Clock
    _process: subprocess.Popen[bytes] | None = field(default=None, init=False)

    def start(self) -> None:
        """Start it; returns at once.

        Raises:
            Trouble: Synapse is not installed here.
        """
        if importlib.util.find_spec("synapse") is None:
            raise trouble.no_synapse()
        command = [sys.executable, "-m", "synapse.app.homeserver"]
        for path in self.place.configurations():
            command += ["-c", str(path)]
        with self.place.brief_log.open("wb") as output:
            self._process = subprocess.Popen(  # noqa: S603 - our own interpreter and files
                command,
                cwd=self.place.root,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env={**os.environ, "PYTHONUNBUFFERED": "1"},
                start_new_session=True,  # Ctrl-C reaches us alone; we stop Synapse in order
            )
        self.place.pid_file.write_text(f"{self._process.pid}\n")

    def wait_until(self, ready: Callable[[], bool]) -> None:
        """Return once `ready` says yes.

        Raises:
            Trouble: Synapse ended, or needs longer than START_S.
        """
        end = self.clock.now() + START_S
        while not ready():
            self.check()
            if self.clock.now() > end:
                raise trouble.too_slow(START_S, self.place.log)
            self.clock.sleep(POLL_S)

    def check(self) -> None:
        """Nothing if it runs.

        Raises:
            Trouble: it ended by itself; the last lines of its log are in the sentence.
        """
        assert self._process is not None
        code = self._process.poll()
        if code is not None:
            raise trouble.ended(code, self.place.brief_log, tail(self.place.brief_log))

    def stop(self) -> None:
        """Ask it to end, and end it after STOP_S seconds. Harmless when it does not run."""
        process, self._process = self._process, None
        if process is None:
            return
        process.terminate()
        try:
            process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        self.place.pid_file.unlink(missing_ok=True)


def stop_leftover(place: Place, clock: Clock) -> int | None:
    """End a Synapse of this folder whose `sferum run` was killed; its process id, or None."""
    pid = leftover(place)
    if pid is None:
        place.pid_file.unlink(missing_ok=True)
        return None
    os.kill(pid, signal.SIGTERM)
    end = clock.now() + STOP_S
    while leftover(place) is not None:
        if clock.now() > end:
            os.kill(pid, signal.SIGKILL)
        clock.sleep(POLL_S)
    place.pid_file.unlink(missing_ok=True)
    return pid


def leftover(place: Place) -> int | None:
    """Process id of a Synapse that runs with this folder's configuration and is not our child."""
    try:
        pid = int(place.pid_file.read_text())
        command = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    except (OSError, ValueError):
        return None
    # The number alone may have been given to another program since.
    return pid if str(place.homeserver_yaml).encode() in command else None


def port_is_free(port: int) -> bool:
    """Whether we may listen there, on this machine's own address."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as Synapse does
        try:
            probe.bind((HOST, port))
        except OSError as error:
            if error.errno in {errno.EADDRINUSE, errno.EACCES}:
                return False
            raise
    return True


def free_port_after(port: int) -> int:
    """The next port that nobody listens on."""
    candidates = chain(range(port + 1, 65536), range(8009, port))
    return next(candidate for candidate in candidates if port_is_free(candidate))


def tail(path: Path, lines: int = LAST_LINES) -> str:
    """The last lines of a log."""
    try:
        text = path.read_text("utf-8", "replace")
    except OSError:
        return ""
    return "\n".join(text.splitlines()[-lines:])
