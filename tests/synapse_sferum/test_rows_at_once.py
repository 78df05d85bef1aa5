"""Two processes at the same school at once: PostgreSQL refuses the later one, and Synapse runs it again."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg2
import pytest
from attrs import evolve

from synapse_sferum import edits, schema
from synapse_sferum.derive import derive_txn
from synapse_sferum.desired import desired_rooms
from synapse_sferum.directory_rows import directory_txn, write_txn
from synapse_sferum.people_rows import claim_account_txn
from tests.support import databases
from tests.support.databases import Database
from tests.support.directories import store, wants
from tests.support.fleet import Fleet
from tests.support.schools import ORG, cid, ordinary, pid


@pytest.fixture
def two(homeserver: Fleet) -> Iterator[tuple[Database, Database]]:
    """Two connections to one database with an ordinary school."""
    name = homeserver.cluster.create_database()
    one = databases.postgres(homeserver.cluster.arguments(name))
    one.run(schema.migrate_txn)
    one.run(store, ordinary().directory())
    other = Database("postgres", psycopg2.connect(**homeserver.cluster.arguments(name)), one.engine)
    other.connection.set_isolation_level(psycopg2.extensions.ISOLATION_LEVEL_REPEATABLE_READ)
    yield one, other
    one.close()
    other.close()


def test_no_change_is_lost(two: tuple[Database, Database]) -> None:
    """Two edits that read the same school cannot both be written; the second is told to begin again."""
    first, second = two
    with second.scratch() as late:
        before = directory_txn(late, ORG)
        assert before is not None
        with first.transaction() as txn:
            after, entries = edits.leave(pid("U1"), "me", "")(before)
            write_txn(txn, before, after, entries, 3)
        after, entries = edits.move(pid("U2"), cid("5А"), cid("5Б"), "me", "")(before)
        with pytest.raises(psycopg2.errors.SerializationFailure) as again:
            write_txn(late, before, after, entries, 4)
    assert second.engine.is_deadlock(again.value), "this is what Synapse repeats"


def test_rooms_are_never_derived_from_half_a_change(two: tuple[Database, Database]) -> None:
    """A derivation during which the school changes begins again, and then sees the change."""
    first, second = two
    with second.scratch() as late:
        directory = directory_txn(late, ORG)  # the derivation's snapshot
        assert directory is not None
        with first.transaction() as txn:
            renamed = evolve(directory, org=evolve(directory.org, name="Лицей"))
            write_txn(txn, directory, renamed, [], 3)
        with pytest.raises(psycopg2.errors.SerializationFailure):
            derive_txn(late, ORG, 4)
    second.run(derive_txn, ORG, 5)
    with second.scratch() as txn:
        assert wants(txn) == desired_rooms(renamed)


def test_one_account_is_never_two_schools(two: tuple[Database, Database]) -> None:
    """Two schools that claim an account in the same moment: the first has it, the second begins again."""
    first, second = two
    user_id = "@ucommon22:s.test"
    with second.scratch() as late:
        late.execute("SELECT COUNT(*) FROM sferum_accounts")  # the second's snapshot
        with first.transaction() as txn:
            assert claim_account_txn(txn, "a", user_id)
        with pytest.raises(psycopg2.errors.SerializationFailure) as again:
            claim_account_txn(late, "b", user_id)
    assert second.engine.is_deadlock(again.value), "this is what Synapse repeats"
    with second.scratch() as later:
        assert not claim_account_txn(later, "b", user_id)
        assert claim_account_txn(later, "a", user_id)
