"""An empty, already migrated Synapse database, made once and copied for every server.

Synapse needs about two seconds of CPU to make its schema and run its background updates; a copy needs none of it.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
import tempfile
from importlib.metadata import version
from pathlib import Path

from tests.support import configuration
from tests.support.polling import until
from tests.support.process import ROOT, ServerProcess, free_port, listens, python_module

CACHE = ROOT / ".cache" / "tests"


def sqlite_template() -> Path:
    """Path of the template for this Synapse version; made when it is not in the cache yet."""
    template = CACHE / f"synapse-{version('matrix-synapse')}.db"
    if not template.exists():
        CACHE.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix="sferum-template-") as scratch:
            made = _make(Path(scratch))
            private = template.with_suffix(f".{os.getpid()}")
            shutil.copy(made, private)
            private.replace(template)  # atomic: another test run may be doing the same
    return template


def _make(directory: Path) -> Path:
    port = free_port()
    config, _ = configuration.build(
        directory,
        server_name="template.test",
        port=port,
        module=None,
        overrides={"background_updates": {"sleep_enabled": False}},  # else they take a minute
    )
    path = configuration.write(directory / "homeserver.yaml", config)
    server = ServerProcess(
        "template",
        python_module("synapse.app.homeserver", "-c", str(path)),
        directory / "output.log",
    )
    database = directory / "homeserver.db"
    server.start()
    try:
        until(
            lambda: server.is_alive(directory / "homeserver.log") and listens(port),
            what="start on an empty database",
            deadline_s=120,
        )
        until(lambda: not _waiting(database), what="Synapse's background updates", deadline_s=120)
    finally:
        server.stop()
    return database


def _waiting(database: Path) -> bool:
    """Whether a background update still has to run."""
    connection = sqlite3.connect(f"file:{database}?mode=ro", uri=True)
    try:
        return bool(connection.execute("SELECT 1 FROM background_updates").fetchone())
    except sqlite3.OperationalError:  # locked by Synapse right now
        return True
    finally:
        connection.close()
