"""A PostgreSQL cluster of the test run: own folder, unix socket only, no disk flushes."""

from __future__ import annotations

import os
import pwd
import secrets
import shutil
import signal
import subprocess
import tempfile
from pathlib import Path
from typing import Any

import psycopg2
from attrs import define, field

from tests.support.polling import until
from tests.support.process import ServerProcess, not_installed


def binaries() -> Path:
    """Debian's folder with initdb and postgres, newest version. Skips the test when there is none."""
    found = sorted(
        Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[-3])
    )
    if not found:
        not_installed("PostgreSQL")
    return found[-1].parent


@define(eq=False)
class Cluster:
    """Starts on construction by `Cluster.start()`; one per test run is enough, databases are cheap."""

    directory: Path
    user: str
    _server: ServerProcess = field(repr=False)
    _template: str | None = field(default=None, init=False)

    @classmethod
    def start(cls) -> Cluster:
        """Make and start a cluster. PostgreSQL refuses to run as root, so root starts it as `postgres`."""
        bin_ = binaries()
        other = "postgres" if os.getuid() == 0 else None
        directory = Path(
            tempfile.mkdtemp(prefix="sferum-postgres-")
        )  # short: a socket path holds 107 bytes
        if other is not None:
            shutil.chown(directory, other)
        user = other or pwd.getpwuid(os.getuid()).pw_name
        # UTF8 and C are what Synapse demands. trust: the folder is readable by us alone.
        initdb: list[str | Path] = [
            bin_ / "initdb",
            "-D",
            directory / "data",
            "-U",
            user,
            "-E",
            "UTF8",
            "--locale=C",
            "-A",
            "trust",
            "-N",
        ]
        subprocess.run(
            initdb, check=True, capture_output=True, user=other, group=other, cwd="/", timeout=120
        )
        settings = {
            "listen_addresses": "",
            "unix_socket_directories": str(directory),
            "fsync": "off",
            "synchronous_commit": "off",
            "full_page_writes": "off",
            "autovacuum": "off",  # it starts a process for each database each minute, and there are hundreds
            "max_connections": "200",
            "shared_buffers": "64MB",
        }
        command = [str(bin_ / "postgres"), "-D", str(directory / "data")]
        for name, value in settings.items():
            command += ["-c", f"{name}={value}"]
        # pdeathsig: should the test run be killed, the cluster goes with it.
        command = ["setpriv", "--pdeathsig", "QUIT", *command]
        server = ServerProcess("postgres", command, directory / "output.log", user=other)
        (directory / "output.log").touch()
        cluster = cls(directory, user, server)
        server.start()
        until(cluster._answers, what="start of PostgreSQL", deadline_s=60)
        return cluster

    def stop(self) -> None:
        """Stop at once (SIGQUIT) and remove the data."""
        self._server.stop(how=signal.SIGQUIT)
        shutil.rmtree(self.directory, ignore_errors=True)

    def create_database(self, template: str | None = None) -> str:
        """A new database and its name; a copy of `template` if given (nobody may be connected to that)."""
        name = "t" + secrets.token_hex(6)
        self.execute(f'CREATE DATABASE "{name}" TEMPLATE "{template or "template0"}"')
        return name

    def arguments(self, database: str) -> dict[str, Any]:
        """Connection arguments, as Synapse's `database.args` and psycopg2 take them."""
        return {"dbname": database, "user": self.user, "host": str(self.directory)}

    def execute(self, statement: str, database: str = "postgres") -> list[tuple[Any, ...]]:
        """Run one statement outside a transaction; the rows, if it has any."""
        connection = psycopg2.connect(**self.arguments(database))
        try:
            connection.autocommit = True
            with connection.cursor() as cursor:
                cursor.execute(statement)
                return list(cursor.fetchall()) if cursor.description else []
        finally:
            connection.close()

    def _answers(self) -> bool:
        self._server.is_alive()
        try:
            return bool(self.execute("SELECT 1"))
        except psycopg2.OperationalError:
            return False
