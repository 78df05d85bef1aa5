"""A Redis on a unix socket: the processes of one Synapse tell each other their news through it.

Each homeserver gets its own. Synapse names its channel after the server name, and two test servers may share that.
"""

from __future__ import annotations

import shutil
import socket
import tempfile
from pathlib import Path

from attrs import define

from tests.support.polling import until
from tests.support.process import ServerProcess, not_installed


@define(eq=False)
class Redis:
    """`path` is the unix socket."""

    directory: Path
    _server: ServerProcess

    @property
    def path(self) -> Path:
        return self.directory / "redis.sock"

    @classmethod
    def start(cls) -> Redis:
        """Start one. Skips the test when there is no redis-server on this machine."""
        program = shutil.which("redis-server") or shutil.which(
            "redis-server", path="/usr/sbin:/usr/local/sbin"
        )
        if program is None:
            not_installed("redis-server")
        directory = Path(tempfile.mkdtemp(prefix="sferum-redis-"))
        # pdeathsig: should the test run be killed, Redis goes with it.
        command = [
            "setpriv",
            "--pdeathsig",
            "KILL",
            program,
            "--port",
            "0",
            "--save",
            "",
            "--dir",
            str(directory),
        ]
        command += ["--unixsocket", str(directory / "redis.sock")]
        redis = cls(directory, ServerProcess("redis", command, directory / "output.log"))
        redis._server.start()
        until(redis._answers, what="start of Redis", deadline_s=30)
        return redis

    def pause(self) -> None:
        """It is away, with what it knew; `resume` brings back an empty one."""
        self._server.stop()

    def resume(self) -> None:
        self._server.start()
        until(self._answers, what="start of Redis", deadline_s=30)

    def stop(self) -> None:
        """Stop and remove the folder."""
        self._server.stop()
        shutil.rmtree(self.directory, ignore_errors=True)

    def _answers(self) -> bool:
        self._server.is_alive()
        with socket.socket(socket.AF_UNIX) as probe:
            try:
                probe.connect(str(self.path))
                probe.sendall(b"PING\r\n")
                return probe.recv(16).startswith(b"+PONG")
            except OSError:
                return False
