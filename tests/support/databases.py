"""SQLite and PostgreSQL without a Synapse around them: for the SQL of the module alone, in milliseconds.

The transaction is Synapse's own `LoggingTransaction`, so a `?` means what it means there.
"""

from __future__ import annotations

import contextlib
import logging
import sqlite3
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Concatenate, ParamSpec, TypeVar

import psycopg2
from attrs import define
from synapse.storage.database import LoggingTransaction
from synapse.storage.engines import BaseDatabaseEngine, PostgresEngine, Sqlite3Engine

P = ParamSpec("P")
T = TypeVar("T")

# Each value of each statement would be kept by caplog.
logging.getLogger("synapse.storage").setLevel("INFO")

#: The columns that our SQL reads of the table that Synapse keeps of its own users' rooms.
SYNAPSE_TABLES = (
    "CREATE TABLE local_current_membership ("
    "room_id TEXT NOT NULL, user_id TEXT NOT NULL, event_id TEXT NOT NULL, membership TEXT NOT NULL)",
)


@define(eq=False)
class Database:
    """One connection. Use `scratch` for a test that leaves nothing behind."""

    name: str
    connection: Any
    engine: BaseDatabaseEngine[Any, Any]

    @contextlib.contextmanager
    def transaction(self) -> Iterator[LoggingTransaction]:
        """Committed at the end, rolled back on an error."""
        with self._cursor() as txn:
            try:
                yield txn
            except BaseException:
                self.connection.rollback()
                raise
            self.connection.commit()

    @contextlib.contextmanager
    def scratch(self) -> Iterator[LoggingTransaction]:
        """Rolled back at the end."""
        with self._cursor() as txn:
            try:
                yield txn
            finally:
                self.connection.rollback()

    def run(
        self,
        func: Callable[Concatenate[LoggingTransaction, P], T],
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> T:
        """One function in a transaction of its own."""
        with self.transaction() as txn:
            return func(txn, *args, **kwargs)

    def tables(self) -> set[str]:
        """Names of our tables."""
        catalogue = {
            "sqlite": "SELECT name FROM sqlite_master WHERE type = 'table'",
            "postgres": "SELECT tablename FROM pg_tables WHERE schemaname = 'public'",
        }[self.name]
        with self.scratch() as txn:
            txn.execute(catalogue)
            return {str(row[0]) for row in txn if str(row[0]).startswith("sferum_")}

    def close(self) -> None:
        self.connection.close()

    @contextlib.contextmanager
    def _cursor(self) -> Iterator[LoggingTransaction]:
        cursor = self.connection.cursor()
        yield LoggingTransaction(
            txn=cursor, name="test", server_name="school.test", database_engine=self.engine
        )
        cursor.close()


def sqlite() -> Database:
    """An empty database in memory."""
    connection = sqlite3.connect(":memory:", isolation_level=None)
    connection.isolation_level = "DEFERRED"  # transactions begin with the first write
    return _with_synapse_tables(
        Database("sqlite", connection, Sqlite3Engine({"args": {"database": ":memory:"}}))
    )


def postgres(arguments: Mapping[str, Any]) -> Database:
    """A connection to an empty database, isolated as Synapse's are."""
    connection = psycopg2.connect(**arguments)
    connection.set_isolation_level(psycopg2.extensions.ISOLATION_LEVEL_REPEATABLE_READ)
    return _with_synapse_tables(
        Database("postgres", connection, PostgresEngine({"args": dict(arguments)}))
    )


def _with_synapse_tables(database: Database) -> Database:
    with database.transaction() as txn:
        for statement in SYNAPSE_TABLES:
            txn.execute(statement)
    return database
