"""Both databases with the bridge's tables, a new one for each test."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from bridge.greeting import LOOK_AGAIN_S
from bridge.ports import Store
from bridge.store import SqlStore
from bridge.store.engine import open_engine
from tests.bridge.memory import MemoryStore
from tests.support.fleet import Fleet
from tests.support.polling import DEADLINE_S
from tests.support.postgres import Cluster

#: How long pages and bot wait for the one writer before they say that it goes on by itself.
PATIENCE = (
    "bridge.deciding.WAIT_S",
    "bridge.web.class_pupil.WAIT_S",
    "bridge.web.contacts.PATIENCE_S",
    "bridge.web.leaving.PATIENCE_S",
    "bridge.web.password.PATIENCE_S",
    "bridge.web.person_changes.WAIT_S",
    "bridge.web.welcome.PATIENCE_S",
)


@pytest.fixture(autouse=True, scope="session")
def _patient() -> Iterator[None]:
    """However busy the machine is, what a test has asked for is done when it is answered."""
    with pytest.MonkeyPatch.context() as patch:
        for name in PATIENCE:
            patch.setattr(name, DEADLINE_S)
        patch.setattr("bridge.greeting.LOOKS", int(DEADLINE_S / LOOK_AGAIN_S))
        yield


def url_of(cluster: Cluster, database: str) -> str:
    arguments = cluster.arguments(database)
    return (
        f"postgresql+asyncpg://{arguments['user']}@/{arguments['dbname']}?host={arguments['host']}"
    )


def migrated(url: str) -> None:
    async def migrate_and_close() -> None:
        await (await SqlStore.open(url)).close()

    asyncio.run(migrate_and_close())


@pytest.fixture(scope="session")
def postgres_template(homeserver: Fleet) -> str:
    """A migrated database that others are copied from: twice as fast as migrating each."""
    name = homeserver.cluster.create_database()
    migrated(url_of(homeserver.cluster, name))
    return name


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same as a file."""
    path = tmp_path_factory.mktemp("bridge") / "template.db"
    migrated(f"sqlite+aiosqlite:///{path}")
    return path


@pytest.fixture(params=["sqlite", "postgres"])
def empty_database(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of a database that the bridge has never seen."""
    if request.param == "sqlite":
        return f"sqlite+aiosqlite:///{tmp_path / 'bridge.db'}"
    fleet: Fleet = request.getfixturevalue("homeserver")
    return url_of(fleet.cluster, fleet.cluster.create_database())


@pytest.fixture(params=["sqlite", "postgres"])
def migrated_database(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    return copied(request, request.param, tmp_path)


def copied(request: pytest.FixtureRequest, kind: str, tmp_path: Path) -> str:
    """The URL of a copy of the template. Not async: the template is made in an event loop of its own."""
    if kind == "sqlite":
        shutil.copy(request.getfixturevalue("sqlite_template"), tmp_path / "bridge.db")
        return f"sqlite+aiosqlite:///{tmp_path / 'bridge.db'}"
    fleet: Fleet = request.getfixturevalue("homeserver")
    template: str = request.getfixturevalue("postgres_template")
    return url_of(fleet.cluster, fleet.cluster.create_database(template))


@pytest.fixture
async def sql_store(migrated_database: str) -> AsyncIterator[SqlStore]:
    """A migrated database."""
    opened = SqlStore(open_engine(migrated_database))
    yield opened
    await opened.close()


@pytest.fixture(params=["memory", "sqlite", "postgres"])
def store_kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def store_url(request: pytest.FixtureRequest, store_kind: str, tmp_path: Path) -> str | None:
    return None if store_kind == "memory" else copied(request, store_kind, tmp_path)


@pytest.fixture
async def store(store_url: str | None) -> AsyncIterator[Store]:
    """Both databases, and the fake that stands in for them in other tests."""
    if store_url is None:
        yield MemoryStore()
        return
    opened = SqlStore(open_engine(store_url))
    yield opened
    await opened.close()
