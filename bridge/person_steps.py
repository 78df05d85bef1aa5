"""Steps on records of the directory. On a second try each looks first: the log tells of one change once (R51)."""

from __future__ import annotations

from attrs import field, frozen

from bridge.account_steps import Failure, GaveUp
from bridge.people import LinkStatus, NewPerson, PersonRecord, SourceKey, Status
from bridge.ports_directory import Directory
from bridge.roles import OrgId, PersonId, UserId
from bridge.steps import Link, Who


@frozen(kw_only=True)
class PersonSteps:
    """Those of one list.

    Attributes:
        again: the list was begun before: what it wants may be done already.
        made: records that this list has made or looked up.
    """

    directory: Directory
    org_id: OrgId
    user_id: UserId
    by: UserId
    again: bool
    _made: dict[SourceKey, PersonId] = field(factory=dict, init=False)

    async def create(self, new: NewPerson) -> None:
        record = await self.directory.create_person(self.org_id, new, self.by)
        self._made[new.key] = record.person_id

    async def activate(self, who: Who) -> None:
        person_id = await self._id(who)
        found = await self._seen(person_id)
        if found is None or not found.active or found.user_id != self.user_id:
            await self.directory.activate(self.org_id, person_id, self.user_id, self.by)

    async def link(self, step: Link) -> None:
        guardian, student = await self._id(step.guardian), await self._id(step.student)
        if not await self._is_linked(guardian, student, step.relation, step.status):
            await self.directory.link(
                self.org_id,
                guardian,
                student,
                relation=step.relation,
                status=step.status,
                by=self.by,
            )

    async def confirm(self, student: Who) -> None:
        person_id = await self._id(student)
        found = await self._seen(person_id)
        if found is None or not found.confirmed:
            await self.directory.confirm(self.org_id, person_id, True, self.by)

    async def leave(self, who: Who, reason: str) -> None:
        person_id = await self._id(who)
        found = await self._seen(person_id)
        if found is None or found.status is not Status.LEFT:
            await self.directory.leave(self.org_id, person_id, reason, self.by)

    async def erase(self, who: Who) -> None:
        await self.directory.erase(self.org_id, await self._id(who), self.by)

    async def _id(self, who: Who) -> PersonId:
        if not isinstance(who, SourceKey):
            return who
        if who not in self._made:
            record = await self.directory.by_source(self.org_id, who)
            if record is None:
                raise GaveUp(Failure.NO_PERSON)
            self._made[who] = record.person_id
        return self._made[who]

    async def _seen(self, person_id: PersonId) -> PersonRecord | None:
        return await self.directory.person(self.org_id, person_id) if self.again else None

    async def _is_linked(
        self, guardian: PersonId, student: PersonId, relation: str, status: LinkStatus
    ) -> bool:
        family = await self.directory.family(self.org_id, guardian) if self.again else None
        return family is not None and any(
            (one.person.person_id, one.relation, one.status) == (student, relation, status)
            for one in family.children
        )
