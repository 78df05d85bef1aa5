"""A server as a child process: started, watched, stopped; and what a crashed run left of it behind."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path

from attrs import define, field, frozen

from provisioning.run import trouble

START_S = 120.0  # 3 s on an idle machine; a school's old PC while it updates itself is slower
STOP_S = 15.0
POLL_S = 0.1
LAST_LINES = 15


@frozen
class Clock:
    """Time of the machine, handed in."""

    now: Callable[[], float]  # seconds, monotonic
    sleep: Callable[[float], None]


@frozen(kw_only=True)
class Program:
    """What to start.

    Attributes:
        name: in sentences for people.
        configuration: named on the command line; tells a leftover from a stranger.
        log: gets what it says, begun anew at every start.
        screen: what it prints goes to our own output instead, and only its stderr into the log.
    """

    name: str
    command: Sequence[str]
    folder: Path
    configuration: Path
    pid_file: Path
    log: Path
    screen: bool = False


@define
class Child:
    """One program of one folder."""

    program: Program
    clock: Clock
    _process: subprocess.Popen[bytes] | None = field(default=None, init=False)

    def start(self) -> None:
        """Start it; returns at once."""
        program = self.program
        with program.log.open("wb") as log:
            self._process = subprocess.Popen(  # noqa: S603 - our own interpreter and files
                program.command,
                cwd=program.folder,
                stdin=subprocess.DEVNULL,
                stdout=None if program.screen else log,
                stderr=log,
                env={**os.environ, "PYTHONUNBUFFERED": "1"},
                start_new_session=True,  # Ctrl-C reaches us alone; we stop the children in order
            )
        program.pid_file.write_text(f"{self._process.pid}\n")

    def wait_until(self, ready: Callable[[], bool]) -> None:
        """Return once `ready` says yes.

        Raises:
            Trouble: it ended, or needs longer than START_S.
        """
        end = self.clock.now() + START_S
        while not ready():
            self.check()
            if self.clock.now() > end:
                raise trouble.too_slow(self.program.name, START_S, self.program.log)
            self.clock.sleep(POLL_S)

    def check(self) -> None:
        """Nothing if it runs, or was never started.

        Raises:
            Trouble: it ended by itself; the last lines of its log are in the sentence.
        """
        if self._process is None:
            return
        code = self._process.poll()
        if code is not None:
            log = self.program.log
            raise trouble.ended(self.program.name, code, log, tail(log))

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
        self.program.pid_file.unlink(missing_ok=True)

    def stop_leftover(self) -> int | None:
        """End one of this folder whose `sferum run` was killed; its process id, or None."""
        pid = self._leftover()
        if pid is None:
            self.program.pid_file.unlink(missing_ok=True)
            return None
        os.kill(pid, signal.SIGTERM)
        end = self.clock.now() + STOP_S
        while self._leftover() is not None:
            if self.clock.now() > end:
                os.kill(pid, signal.SIGKILL)
            self.clock.sleep(POLL_S)
        self.program.pid_file.unlink(missing_ok=True)
        return pid

    def _leftover(self) -> int | None:
        """Process id of a program that runs with this folder's configuration and is not our child."""
        try:
            pid = int(self.program.pid_file.read_text())
            command = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
        except (OSError, ValueError):
            return None
        # The number alone may have been given to another program since.
        return pid if str(self.program.configuration).encode() in command else None


def tail(path: Path, lines: int = LAST_LINES) -> str:
    """The last lines of a log."""
    try:
        text = path.read_text("utf-8", "replace")
    except OSError:
        return ""
    return "\n".join(text.splitlines()[-lines:])
