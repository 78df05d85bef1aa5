"""What the bridge asks of the directory: the module over HTTP (docs/contracts.md §2)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any, Protocol

from bridge.common_rooms import CommonRooms
from bridge.people import (
    DistrictSchool,
    Family,
    LinkStatus,
    NewPerson,
    Org,
    Overview,
    People,
    PersonRecord,
    Roll,
    SchoolClass,
    SourceKey,
)
from bridge.roles import Account, ClassId, OrgId, PersonId, Role, UserId


class DirectoryDown(Exception):
    """The module cannot be reached or is busy: try again later. Says nothing about the question."""


class DirectoryRefused(Exception):
    """The module said no.

    Attributes:
        status: HTTP status.
        errcode: such as SFERUM_LAST_ADMINISTRATOR.
    """

    def __init__(self, status: int, errcode: str) -> None:
        super().__init__(f"{status} {errcode}")
        self.status, self.errcode = status, errcode


class Directory(Protocol):
    """Every call may raise DirectoryDown; changes may raise DirectoryRefused.

    `by` is the account on whose behalf the change is made: it is the actor of the module's log (R51).
    """

    async def orgs(self) -> Sequence[Org]: ...
    async def org(self, org_id: OrgId) -> Org | None: ...
    async def change_org(self, org_id: OrgId, changes: Mapping[str, Any], by: UserId) -> None: ...
    async def account(self, user_id: UserId) -> Account | None:
        """The active account; None for everybody else. May be a few seconds old."""

    async def persons(self, user_id: UserId) -> Sequence[PersonRecord]:
        """The records of an active account (R32)."""

    async def classes(self, org_id: OrgId) -> Sequence[SchoolClass]: ...
    async def grade(self, org_id: OrgId, class_id: ClassId) -> int | None:
        """1 to 11; None: a named class, or no such class."""

    async def roll(self, org_id: OrgId, class_id: ClassId) -> Roll | None: ...
    async def person(self, org_id: OrgId, person_id: PersonId) -> PersonRecord | None: ...
    async def by_source(self, org_id: OrgId, key: SourceKey) -> PersonRecord | None: ...
    async def family(self, org_id: OrgId, person_id: PersonId) -> Family | None: ...
    async def search(
        self,
        org_id: OrgId,
        *,
        words: str = "",
        role: Role | None = None,
        class_id: ClassId | None = None,
        status: str = "",
        limit: int = 50,
        offset: int = 0,
    ) -> People: ...
    async def overview(self, org_id: OrgId) -> Overview: ...
    async def audit(
        self, org_id: OrgId, *, limit: int = 100, before: int | None = None
    ) -> Sequence[Mapping[str, Any]]: ...
    async def rooms(self, org_id: OrgId) -> Sequence[Mapping[str, Any]]: ...
    async def common_rooms(self, org_id: OrgId) -> CommonRooms:
        """Rooms of several schools, as this school has them (ADR 30)."""

    async def why(self, org_id: OrgId, user_id: UserId, room_id: str) -> Mapping[str, Any]: ...
    async def progress(self, org_id: OrgId) -> Mapping[str, Any]: ...
    async def dead_jobs(self, org_id: OrgId) -> Sequence[Mapping[str, Any]]:
        """Rooms that the module has given up on."""

    async def retry_job(self, org_id: OrgId, job_id: str, by: UserId) -> None: ...
    async def sanction(self, org_id: OrgId, by: UserId) -> None:
        """Let a held derivation go on: a person has looked at it."""

    async def create_person(self, org_id: OrgId, new: NewPerson, by: UserId) -> PersonRecord: ...
    async def activate(
        self, org_id: OrgId, person_id: PersonId, user_id: UserId, by: UserId
    ) -> None: ...
    async def leave(self, org_id: OrgId, person_id: PersonId, reason: str, by: UserId) -> None: ...
    async def confirm(
        self, org_id: OrgId, person_id: PersonId, confirmed: bool, by: UserId
    ) -> None: ...
    async def move(
        self, org_id: OrgId, person_id: PersonId, old: ClassId, new: ClassId, by: UserId
    ) -> None: ...
    async def set_roles(
        self,
        org_id: OrgId,
        person_id: PersonId,
        roles: frozenset[Role] | None,
        reason: str,
        by: UserId,
    ) -> None: ...
    async def set_homeroom_teachers(
        self, org_id: OrgId, class_id: ClassId, teachers: Sequence[PersonId], by: UserId
    ) -> None: ...
    async def split_class(
        self, org_id: OrgId, class_id: ClassId, name: str, going: Sequence[PersonId], by: UserId
    ) -> None:
        """Some pupils become a class of their own (R36)."""

    async def merge_classes(
        self, org_id: OrgId, class_ids: Sequence[ClassId], name: str, by: UserId
    ) -> None: ...
    async def set_substitute(
        self,
        org_id: OrgId,
        class_id: ClassId,
        person_id: PersonId,
        until: date | None,
        by: UserId,
    ) -> None:
        """Somebody beside the class teacher until a day, that day included; None ends it."""

    async def link(
        self,
        org_id: OrgId,
        guardian: PersonId,
        student: PersonId,
        *,
        relation: str | None,
        status: LinkStatus | None,
        by: UserId,
    ) -> None:
        """Make or change a guardianship; `status` None takes it away."""

    async def erase(self, org_id: OrgId, person_id: PersonId, by: UserId) -> None: ...
    async def plan_roster(self, org_id: OrgId, roster: Mapping[str, Any]) -> Mapping[str, Any]:
        """`roster` is sferum.roster.v1; the answer is the plan of docs/contracts.md §2."""

    async def apply_roster(
        self,
        org_id: OrgId,
        roster: Mapping[str, Any],
        plan_hash: str,
        *,
        force: bool,
        by: UserId,
    ) -> Mapping[str, Any]: ...
    async def year(self, org_id: OrgId) -> Mapping[str, Any]:
        """The school's year, its last promotion, and what taking it back would do."""

    async def plan_year(self, org_id: OrgId, plan: Mapping[str, Any] | None) -> Mapping[str, Any]:
        """What a `sferum.year.v1` would do, or the module's own draft; nothing is written (R35)."""

    async def apply_year(
        self, org_id: OrgId, plan: Mapping[str, Any], plan_hash: str, by: UserId
    ) -> Mapping[str, Any]: ...
    async def undo_year(self, org_id: OrgId, by: UserId) -> Mapping[str, Any]: ...
    async def district_schools(self) -> Sequence[DistrictSchool]:
        """The other schools of the register in force, by name; none without one."""

    async def health(self) -> Mapping[str, Any]:
        """The module about itself; `district` says how the district's register stands."""
