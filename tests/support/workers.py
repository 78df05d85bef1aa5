"""How one Synapse is spread over several processes: listeners, Redis, replication."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from attrs import frozen

from tests.support import configuration
from tests.support.process import ServerProcess, free_port, python_module
from tests.support.synapse import SynapseProcess


@frozen
class Worker:
    """One generic worker: name, HTTP port, its own configuration file and log."""

    name: str
    port: int
    config: Path
    log: Path


@frozen
class Layout:
    """`shared` goes into homeserver.yaml, which every process reads."""

    shared: dict[str, Any]
    workers: tuple[Worker, ...]

    def processes(self, homeserver_yaml: str) -> list[SynapseProcess]:
        """The workers, ready to be started after the main process."""
        return [
            SynapseProcess(
                ServerProcess(
                    worker.name,
                    python_module(
                        "synapse.app.generic_worker",
                        "-c",
                        homeserver_yaml,
                        "-c",
                        str(worker.config),
                    ),
                    worker.config.with_suffix(".out"),
                ),
                worker.port,
                worker.log,
            )
            for worker in self.workers
        ]


def worker_layout(
    directory: Path,
    count: int,
    *,
    listeners: Sequence[dict[str, Any]],
    redis: Path,
    background: str | None,
) -> Layout:
    """Main process with a replication listener, and `count` workers that answer clients.

    Args:
        listeners: of the main process, without replication.
        redis: unix socket.
        background: worker that runs background tasks; None: the main process.
    """
    replication = free_port()
    shared: dict[str, Any] = {
        "listeners": [*listeners, configuration.listener(replication, "replication")],
        "instance_map": {"main": {"host": "127.0.0.1", "port": replication}},
        "redis": {"enabled": True, "path": str(redis)},
        "worker_replication_secret": "replication-of-test-servers",
    }
    if background is not None:
        shared["run_background_tasks_on"] = background
    workers = tuple(_worker(directory, f"worker{number}") for number in range(1, count + 1))
    return Layout(shared, workers)


def _worker(directory: Path, name: str) -> Worker:
    port = free_port()
    log = directory / f"{name}.log"
    config = {
        "worker_app": "synapse.app.generic_worker",
        "worker_name": name,
        "worker_pid_file": str(directory / f"{name}.pid"),
        "worker_listeners": [configuration.listener(port, "client", "openid")],
        "worker_log_config": str(
            configuration.write_log_config(directory / f"{name}.log.yaml", log)
        ),
    }
    return Worker(name, port, configuration.write(directory / f"{name}.yaml", config), log)
