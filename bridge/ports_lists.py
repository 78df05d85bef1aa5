"""What a school has sent and planned, as onboarding keeps it: lists, their headings, the next year."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Protocol

from bridge.contact import Medium
from bridge.records import ListedContact, Lookup, RosterUpload, Sealed, UploadId
from bridge.roles import OrgId


class ListedContacts(Protocol):
    """Contacts that a school's lists name, as keyed hashes: a newcomer who proves one is matched (R15, R19)."""

    async def replace(
        self, org_id: OrgId, source: str, groups: Iterable[str], contacts: Iterable[ListedContact]
    ) -> None:
        """What the lists of `source` say now of these groups (student, staff, guardian), whole.

        A contact of a record that another group has already stays that group's.
        """

    async def matches(self, org_id: OrgId, medium: Medium, lookup: Lookup) -> list[ListedContact]:
        """Everybody listed with this contact: a mother and, by mistake, her child (R12)."""

    async def of_record(
        self, org_id: OrgId, source: str, source_id: str
    ) -> list[ListedContact]: ...


class RosterUploads(Protocol):
    """Files that somebody has sent and not yet decided on, sealed."""

    async def put(self, upload: RosterUpload) -> None:
        """Keep it instead of whatever the same account had sent before."""

    async def get(
        self, upload_id: UploadId, org_id: OrgId, now: datetime
    ) -> RosterUpload | None: ...

    async def end(self, upload_id: UploadId) -> None: ...

    async def purge(self, now: datetime) -> int: ...


class RosterMappings(Protocol):
    """A school's own headings and positions (provisioning/readers/mapping.py), sealed: one for each school."""

    async def put(self, org_id: OrgId, sealed: Sealed) -> None: ...

    async def get(self, org_id: OrgId) -> Sealed | None: ...


class YearDrafts(Protocol):
    """A school's plan of its next year while it is made (`sferum.year.v1`), sealed: one for each school."""

    async def put(self, org_id: OrgId, sealed: Sealed) -> None: ...

    async def get(self, org_id: OrgId, *, locked: bool = False) -> Sealed | None:
        """With `locked` nobody else changes it until the transaction is over."""

    async def end(self, org_id: OrgId) -> None: ...
