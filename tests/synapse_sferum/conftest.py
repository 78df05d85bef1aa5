"""Both databases, with the module's tables and without a Synapse."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from synapse.storage.database import LoggingTransaction

from synapse_sferum import schema
from tests.support import databases
from tests.support.configuration import NO_RATE_LIMITS
from tests.support.databases import Database
from tests.support.fleet import Fleet
from tests.synapse_sferum.api_world import World


@pytest.fixture(scope="session", params=["sqlite", "postgres"])
def database(request: pytest.FixtureRequest, homeserver: Fleet) -> Iterator[Database]:
    """A migrated database; tests work in `scratch` transactions and leave nothing in it."""
    made = _empty(str(request.param), homeserver)
    made.run(schema.migrate_txn)
    yield made
    made.close()


@pytest.fixture(params=["sqlite", "postgres"])
def empty_database(request: pytest.FixtureRequest, homeserver: Fleet) -> Iterator[Database]:
    """A database of one test that the module has never seen."""
    made = _empty(str(request.param), homeserver)
    yield made
    made.close()


@pytest.fixture
def txn(database: Database) -> Iterator[LoggingTransaction]:
    """One transaction that is rolled back after the test."""
    with database.scratch() as transaction:
        yield transaction


@pytest.fixture(scope="session")
def world(homeserver: Fleet) -> World:
    """One server for the API tests that look at rooms."""
    return World(homeserver(module={"poll_interval_s": 0.05}, overrides=NO_RATE_LIMITS))


@pytest.fixture(scope="session")
def paper_world(homeserver: Fleet) -> World:
    """One server for the API tests of the directory alone: it looks for rooms to make when they are over."""
    return World(homeserver(module={"poll_interval_s": 60}, overrides=NO_RATE_LIMITS))


def _empty(name: str, homeserver: Fleet) -> Database:
    if name == "sqlite":
        return databases.sqlite()
    cluster = homeserver.cluster
    return databases.postgres(cluster.arguments(cluster.create_database()))
