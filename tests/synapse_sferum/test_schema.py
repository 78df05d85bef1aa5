"""The tables: made once, moved forward once, left alone when they are newer than this code."""

from __future__ import annotations

import pytest

from synapse_sferum import schema
from tests.support.databases import Database


def test_an_empty_database_is_brought_forward(empty_database: Database) -> None:
    """The first start makes every table and writes the version down; the version found was 0."""
    assert empty_database.run(schema.migrate_txn) == 0
    assert empty_database.run(schema.version_txn) == schema.VERSION
    assert empty_database.run(schema.found_txn) == schema.VERSION
    assert empty_database.tables() >= {
        "sferum_orgs",
        "sferum_people",
        "sferum_jobs",
        "sferum_audit",
        "sferum_register",
    }


def test_the_second_start_changes_nothing(empty_database: Database) -> None:
    """Migrating again finds the version and makes no statement fail on what is there."""
    empty_database.run(schema.migrate_txn)
    tables = empty_database.tables()
    assert empty_database.run(schema.migrate_txn) == schema.VERSION
    assert empty_database.tables() == tables


def test_one_step_forward(empty_database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """A newer module runs only the steps that are new to the database."""
    empty_database.run(schema.migrate_txn)
    steps = (*schema.STEPS, ("CREATE TABLE sferum_new (a TEXT)", "DROP TABLE sferum_peer_servers"))
    monkeypatch.setattr(schema, "STEPS", steps)
    monkeypatch.setattr(schema, "VERSION", len(steps))
    assert empty_database.run(schema.migrate_txn) == len(steps) - 1
    assert empty_database.run(schema.version_txn) == len(steps)
    assert "sferum_new" in empty_database.tables()
    assert "sferum_peer_servers" not in empty_database.tables()


def test_a_newer_database_is_refused(empty_database: Database) -> None:
    """An old module must not touch tables it does not understand; the message has both versions."""
    empty_database.run(schema.migrate_txn)
    with empty_database.transaction() as txn:
        txn.execute("UPDATE sferum_schema_version SET version = ?", (schema.VERSION + 7,))
    with pytest.raises(schema.NewerSchema, match=f"{schema.VERSION + 7}.*knows {schema.VERSION}"):
        empty_database.run(schema.migrate_txn)
    assert empty_database.run(schema.version_txn) == schema.VERSION + 7


def test_a_step_that_fails_leaves_nothing(
    empty_database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The version never says more than the tables hold: on an error it stays where it was."""
    monkeypatch.setattr(schema, "STEPS", (*schema.STEPS, ("CREATE NONSENSE",)))
    monkeypatch.setattr(schema, "VERSION", len(schema.STEPS))
    with pytest.raises(Exception, match=r"(?i)syntax error"):
        empty_database.run(schema.migrate_txn)
    assert empty_database.run(schema.version_txn) == 0


def test_other_processes_only_look(empty_database: Database) -> None:
    """A process that may not make tables is told by an error that there are none, and makes none."""
    with pytest.raises(Exception, match="sferum_schema_version"):
        empty_database.run(schema.found_txn)
    assert empty_database.tables() == set()
