"""The bridge's database: repositories of `bridge.ports` over SQLAlchemy, for SQLite and PostgreSQL."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext

from attrs import field, frozen
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from bridge.records import BoundContact
from bridge.store.applications import SqlApplications
from bridge.store.cards import SqlCards
from bridge.store.challenges import SqlChallenges
from bridge.store.contacts import SqlContacts
from bridge.store.departures import SqlDepartures
from bridge.store.disputes import SqlDisputes
from bridge.store.engine import migrate, open_engine
from bridge.store.feeds import SqlFeeds
from bridge.store.invites import SqlInvites
from bridge.store.journals import SqlAudit, SqlOutbox, SqlRates
from bridge.store.profiles import SqlOwnProfiles
from bridge.store.rosters import SqlRosterMappings, SqlRosterUploads
from bridge.store.sessions import SqlSessions
from bridge.store.steps import SqlSteps
from bridge.store.ways import SqlJourneys, SqlListedContacts
from bridge.store.writer_turn import SqlWriterTurn, only_writer
from bridge.store.years import SqlYearDrafts

__all__ = ["SqlRepositories", "SqlStore"]


@frozen
class SqlRepositories:
    """Implements `ports.Repositories`: all of them on one connection, in one transaction."""

    _connection: AsyncConnection

    @property
    def contacts(self) -> SqlContacts:
        return SqlContacts(self._connection)

    @property
    def challenges(self) -> SqlChallenges:
        return SqlChallenges(self._connection)

    @property
    def invites(self) -> SqlInvites:
        return SqlInvites(self._connection)

    @property
    def applications(self) -> SqlApplications:
        return SqlApplications(self._connection)

    @property
    def sessions(self) -> SqlSessions:
        return SqlSessions(self._connection)

    @property
    def outbox(self) -> SqlOutbox:
        return SqlOutbox(self._connection)

    @property
    def audit(self) -> SqlAudit:
        return SqlAudit(self._connection)

    @property
    def rates(self) -> SqlRates:
        return SqlRates(self._connection)

    @property
    def steps(self) -> SqlSteps:
        return SqlSteps(self._connection)

    @property
    def journeys(self) -> SqlJourneys:
        return SqlJourneys(self._connection)

    @property
    def listed(self) -> SqlListedContacts:
        return SqlListedContacts(self._connection)

    @property
    def cards(self) -> SqlCards:
        return SqlCards(self._connection)

    @property
    def disputes(self) -> SqlDisputes:
        return SqlDisputes(self._connection)

    @property
    def departures(self) -> SqlDepartures:
        return SqlDepartures(self._connection)

    @property
    def uploads(self) -> SqlRosterUploads:
        return SqlRosterUploads(self._connection)

    @property
    def feeds(self) -> SqlFeeds:
        return SqlFeeds(self._connection)

    @property
    def profiles(self) -> SqlOwnProfiles:
        return SqlOwnProfiles(self._connection)

    @property
    def mappings(self) -> SqlRosterMappings:
        return SqlRosterMappings(self._connection)

    @property
    def years(self) -> SqlYearDrafts:
        return SqlYearDrafts(self._connection)


@frozen
class SqlStore:
    """Implements `ports.Store`."""

    engine: AsyncEngine
    # SQLite has one writer. Waiting in line here is fair and takes microseconds; SQLite's own way is to
    # sleep up to 100 ms and try again.
    _line: asyncio.Lock = field(factory=asyncio.Lock, init=False, repr=False)

    @classmethod
    async def open(cls, url: str) -> SqlStore:
        """Open the database and bring its schema up to date."""
        engine = open_engine(url)
        await migrate(engine)
        return cls(engine)

    @asynccontextmanager
    async def begin(self) -> AsyncIterator[SqlRepositories]:
        line = self._line if self.engine.dialect.name == "sqlite" else nullcontext()
        async with line, self.engine.begin() as connection:
            yield SqlRepositories(connection)

    def only_writer(self) -> AbstractAsyncContextManager[SqlWriterTurn]:
        return only_writer(self.engine)

    async def sample_contact(self) -> BoundContact | None:
        """One readable contact, if there is any: tells whether the file of keys is the right one."""
        async with self.begin() as work:
            return await work.contacts.sample()

    async def close(self) -> None:
        await self.engine.dispose()
