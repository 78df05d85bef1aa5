"""Starts homeservers for a whole test run, and stops and inspects all of them at its end."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from attrs import define, field

from tests.support import appservice as registrations
from tests.support import configuration, personal
from tests.support.foreign import ForeignServer, federation_settings
from tests.support.postgres import Cluster
from tests.support.process import ServerProcess, free_port, python_module
from tests.support.redis import Redis
from tests.support.synapse import Homeserver, SynapseProcess
from tests.support.template import sqlite_template
from tests.support.workers import worker_layout


@define(eq=False)
class Fleet:
    """The `homeserver` fixture: call it to get a running Homeserver.

    A server started in a test ends with the test, one started in a wider fixture with the run; `with homeserver(…) as
    hs:` in the fixture ends it earlier.
    PostgreSQL and Redis are started when the first server needs them.
    """

    directory: Path
    _servers: list[Homeserver] = field(factory=list, init=False)
    _folders: int = field(default=0, init=False)  # also of servers that could not be prepared
    _cluster: Cluster | None = field(default=None, init=False)
    _redises: list[Redis] = field(factory=list, init=False)
    _postgres_template: str | None = field(default=None, init=False)

    def __call__(
        self,
        *,
        server_name: str | None = None,
        module: Mapping[str, Any] | None = None,
        overrides: Mapping[str, Any] | None = None,
        postgres: bool = False,
        federation: bool = False,
        workers: int = 0,
        run_background_tasks_on: str | None = None,
        appservice: bool = False,
        start: bool = True,
    ) -> Homeserver:
        """Configure and start a homeserver.

        Args:
            server_name: default `school.test`, with federation `localhost:PORT`.
            module: options of the Sferum module that differ from the example; `{}` takes the example's, None
                leaves the module out.
            overrides: whole settings of homeserver.yaml; the value None removes one.
            postgres: PostgreSQL instead of SQLite; always so with workers.
            federation: also listen for other servers. `federation_domain_whitelist` stays closed as in the
                example unless `overrides` opens or removes it.
            workers: number of generic workers, `worker1`, `worker2`, …; they need PostgreSQL and Redis.
            run_background_tasks_on: name of the worker that runs background tasks; None: the main process.
            appservice: register the bridge's application service, with the module's `bridge_user` and `staff_bot`;
                its token is `Homeserver.as_token`. Needs the module.
            start: False only prepares it; call `.start()`.

        Raises:
            StartError: it did not come up.
        """
        directory = self.directory / f"server{self._folders}"
        self._folders += 1
        directory.mkdir(parents=True)
        port = free_port()
        settings: dict[str, Any] = {}
        as_token = None
        if appservice:
            registration = registrations.register(directory)
            as_token = registration.as_token
            settings |= registration.overrides
            module = {**registration.module, **(module or {})}
        federation_port = None
        if federation:
            federation_port = free_port()
            server_name = server_name or f"localhost:{federation_port}"
            settings |= federation_settings(self.directory, port, federation_port)
        if postgres or workers:
            settings["database"] = self._postgres_database()
        else:
            shutil.copy(sqlite_template(), directory / "homeserver.db")
        layout = None
        if workers:
            listeners = settings.get("listeners") or [
                configuration.listener(port, "client", "openid")
            ]
            self._redises.append(Redis.start())
            layout = worker_layout(
                directory,
                workers,
                listeners=listeners,
                redis=self._redises[-1].path,
                background=run_background_tasks_on,
            )
            settings |= layout.shared
        config, token = configuration.build(
            directory,
            server_name=server_name or "school.test",
            port=port,
            module=module,
            overrides=settings | dict(overrides or {}),
        )
        path = str(configuration.write(directory / "homeserver.yaml", config))
        main = SynapseProcess(
            ServerProcess(
                "main", python_module("synapse.app.homeserver", "-c", path), directory / "main.out"
            ),
            port,
            directory / "homeserver.log",
        )
        homeserver = Homeserver(
            config["server_name"],
            directory,
            config,
            token,
            [main, *(layout.processes(path) if layout else ())],
            federation_port,
            as_token,
        )
        self._servers.append(homeserver)
        if start:
            homeserver.start()
        return homeserver

    def foreign(self, **options: Any) -> ForeignServer:
        """A stock Synapse of somebody else that federates with everybody; options as for a homeserver."""
        overrides = {"federation_domain_whitelist": None, **options.pop("overrides", {})}
        return ForeignServer(self(federation=True, overrides=overrides, **options))

    @property
    def cluster(self) -> Cluster:
        """The PostgreSQL cluster of this test run."""
        if self._cluster is None:
            self._cluster = Cluster.start()
        return self._cluster

    def _postgres_database(self) -> dict[str, Any]:
        if self._postgres_template is None:
            self._postgres_template = self.cluster.create_database()
            self._migrate(self._postgres_template)
        name = self.cluster.create_database(self._postgres_template)
        return {
            "name": "psycopg2",
            "args": {**self.cluster.arguments(name), "cp_min": 1, "cp_max": 5},
        }

    def _migrate(self, database: str) -> None:
        """Let a Synapse make its schema in an empty database, to be copied for every server."""
        arguments = {**self.cluster.arguments(database), "cp_min": 1, "cp_max": 5}
        overrides = {
            "database": {"name": "psycopg2", "args": arguments},
            "background_updates": {"sleep_enabled": False},
        }
        directory = self.directory / "postgres-template"
        directory.mkdir()
        port = free_port()
        config, _ = configuration.build(
            directory, server_name="template.test", port=port, module=None, overrides=overrides
        )
        path = str(configuration.write(directory / "homeserver.yaml", config))
        command = python_module("synapse.app.homeserver", "-c", path)
        server = ServerProcess("template", command, directory / "main.out")
        process = SynapseProcess(server, port, directory / "homeserver.log")
        server.start()
        process.wait_until_ready()
        server.stop()
        process.api.close()

    @property
    def started(self) -> int:
        """How many servers were ever started or prepared; a mark for `stop_since`."""
        return len(self._servers)

    def stop_since(self, mark: int) -> None:
        """Stop the servers that were started after `started` had the value `mark`."""
        for homeserver in self._servers[mark:]:
            homeserver.stop()

    def stop(self) -> None:
        """Stop everything."""
        for homeserver in self._servers:
            homeserver.stop()
            for process in homeserver.processes:
                process.api.close()
        for redis in self._redises:
            redis.stop()
        if self._cluster is not None:
            self._cluster.stop()

    def leaks(self) -> list[str]:
        """Personal data that the servers wrote to their logs: `file:line: what kind`, never the data itself."""
        return [
            leak
            for homeserver in self._servers
            for path in sorted(homeserver.directory.glob("*.log"))
            for leak in personal.leaks_in_file(path)
        ]
