"""The directory of the module over HTTP (docs/contracts.md §2), with the service token."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date
from typing import Any

import aiohttp
from attrs import field, frozen

from bridge import directory_json as read
from bridge.common_rooms import CommonRooms, common_rooms_of
from bridge.directory_calls import DirectoryCalls, org_path
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
from bridge.short_cache import ShortCache
from serving.json_http import Answer, path_of

#: Seconds that an answer is kept: one person's clicks share it, and a change by somebody else is soon seen.
KEEP_S = 3.0
#: Accounts kept at once: a school's whole morning. Classes and schools are few.
MOST_ACCOUNTS = 2000
MOST_ORGS = 200


@frozen
class HttpDirectory:
    """Implements `ports_directory.Directory`. The keeping of answers is per process.

    Attributes:
        clock: seconds, any clock that does not go back.
    """

    _calls: DirectoryCalls
    _clock: Callable[[], float]
    _accounts: ShortCache[UserId, tuple[Account, tuple[PersonRecord, ...]]] = field(
        factory=lambda: ShortCache(KEEP_S, MOST_ACCOUNTS), init=False
    )
    _classes: ShortCache[OrgId, tuple[SchoolClass, ...]] = field(
        factory=lambda: ShortCache(KEEP_S, MOST_ORGS), init=False
    )
    _orgs: ShortCache[str, tuple[Org, ...]] = field(
        factory=lambda: ShortCache(KEEP_S, 1), init=False
    )

    @classmethod
    def connect(
        cls,
        session: aiohttp.ClientSession,
        base_url: str,
        service_token: str,
        clock: Callable[[], float],
    ) -> HttpDirectory:
        """Nothing is sent yet.

        Raises:
            InsecureUrl: plain http to another machine.
        """
        return cls(DirectoryCalls.connect(session, base_url, service_token), clock)

    async def orgs(self) -> Sequence[Org]:
        kept = self._orgs.get("", self._clock())
        if kept is None:
            age = self._orgs.age
            found = await self._calls.get("/orgs")
            kept = self._calls.read(found, lambda a: tuple(map(read.org, a.objects("orgs"))))
            self._orgs.put("", kept, self._clock(), age)
        return kept

    async def org(self, org_id: OrgId) -> Org | None:
        """A school that is not in the kept list may have been made a moment ago: it is asked for once more."""
        found = await self._org(org_id)
        if found is None:
            self._orgs.forget(lambda _key, _orgs: True)
            found = await self._org(org_id)
        return found

    async def _org(self, org_id: OrgId) -> Org | None:
        return next((org for org in await self.orgs() if org.org_id == org_id), None)

    async def change_org(self, org_id: OrgId, changes: Mapping[str, Any], by: UserId) -> None:
        await self._change("PATCH", org_path(org_id), changes, org_id, by)

    async def account(self, user_id: UserId) -> Account | None:
        found = await self._account(user_id)
        return None if found is None else found[0]

    async def persons(self, user_id: UserId) -> Sequence[PersonRecord]:
        found = await self._account(user_id)
        return () if found is None else found[1]

    async def classes(self, org_id: OrgId) -> Sequence[SchoolClass]:
        kept = self._classes.get(org_id, self._clock())
        if kept is None:
            age = self._classes.age
            found = await self._calls.get(org_path(org_id, "classes"))
            kept = self._calls.read(
                found, lambda a: tuple(map(read.school_class, a.objects("classes")))
            )
            self._classes.put(org_id, kept, self._clock(), age)
        return kept

    async def grade(self, org_id: OrgId, class_id: ClassId) -> int | None:
        classes = await self.classes(org_id)
        return next((one.grade for one in classes if one.class_id == class_id), None)

    async def roll(self, org_id: OrgId, class_id: ClassId) -> Roll | None:
        return await self._calls.find(org_path(org_id, "classes", class_id), read.roll)

    async def person(self, org_id: OrgId, person_id: PersonId) -> PersonRecord | None:
        return await self._calls.find(org_path(org_id, "people", person_id), read.person)

    async def by_source(self, org_id: OrgId, key: SourceKey) -> PersonRecord | None:
        params = {"source": key.source, "source_id": key.source_id}
        answer = await self._calls.get(org_path(org_id, "people"), params)
        people = self._calls.read(answer, read.people).people
        return people[0] if people else None

    async def family(self, org_id: OrgId, person_id: PersonId) -> Family | None:
        return await self._calls.find(org_path(org_id, "people", person_id, "family"), read.family)

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
    ) -> People:
        params = {
            "q": words,
            "role": "" if role is None else role.value,
            "class_id": class_id or "",
            "status": status,
            "limit": str(limit),
            "from": str(offset),
        }
        answer = await self._calls.get(
            org_path(org_id, "people"), {name: value for name, value in params.items() if value}
        )
        return self._calls.read(answer, read.people)

    async def overview(self, org_id: OrgId) -> Overview:
        return self._calls.read(await self._calls.get(org_path(org_id, "overview")), read.overview)

    async def audit(
        self, org_id: OrgId, *, limit: int = 100, before: int | None = None
    ) -> Sequence[Mapping[str, Any]]:
        params = {"limit": str(limit)} | ({} if before is None else {"from": str(before)})
        answer = await self._calls.get(org_path(org_id, "audit"), params)
        return [one.raw for one in self._calls.read(answer, lambda a: a.objects("entries"))]

    async def rooms(self, org_id: OrgId) -> Sequence[Mapping[str, Any]]:
        answer = await self._calls.get(org_path(org_id, "rooms"))
        return [one.raw for one in self._calls.read(answer, lambda a: a.objects("rooms"))]

    async def common_rooms(self, org_id: OrgId) -> CommonRooms:
        return self._calls.read(await self._calls.get(org_path(org_id, "rooms")), common_rooms_of)

    async def why(self, org_id: OrgId, user_id: UserId, room_id: str) -> Mapping[str, Any]:
        params = {"user_id": user_id, "room_id": room_id}
        return (await self._calls.get(org_path(org_id, "why"), params)).json.raw

    async def progress(self, org_id: OrgId) -> Mapping[str, Any]:
        return (await self._calls.get(org_path(org_id, "progress"))).json.raw

    async def dead_jobs(self, org_id: OrgId) -> Sequence[Mapping[str, Any]]:
        answer = await self._calls.get(org_path(org_id, "jobs"), {"state": "dead"})
        return [one.raw for one in self._calls.read(answer, lambda a: a.objects("jobs"))]

    async def retry_job(self, org_id: OrgId, job_id: str, by: UserId) -> None:
        await self._change("POST", org_path(org_id, "jobs", job_id, "retry"), {}, org_id, by)

    async def sanction(self, org_id: OrgId, by: UserId) -> None:
        await self._change("POST", org_path(org_id, "reconcile"), {"sanction": True}, org_id, by)

    async def create_person(self, org_id: OrgId, new: NewPerson, by: UserId) -> PersonRecord:
        path = org_path(org_id, "people")
        answer = await self._change("POST", path, read.new_person(new), org_id, by)
        return self._calls.read(answer, read.person)

    async def activate(
        self, org_id: OrgId, person_id: PersonId, user_id: UserId, by: UserId
    ) -> None:
        await self._person(org_id, person_id, "activate", {"user_id": user_id}, by)

    async def leave(self, org_id: OrgId, person_id: PersonId, reason: str, by: UserId) -> None:
        await self._person(org_id, person_id, "leave", {"reason": reason}, by)

    async def confirm(
        self, org_id: OrgId, person_id: PersonId, confirmed: bool, by: UserId
    ) -> None:
        await self._person(org_id, person_id, "confirm", {"confirmed": confirmed}, by)

    async def move(
        self, org_id: OrgId, person_id: PersonId, old: ClassId, new: ClassId, by: UserId
    ) -> None:
        body = {"from_class_id": old, "to_class_id": new}
        await self._person(org_id, person_id, "move", body, by)

    async def set_roles(
        self,
        org_id: OrgId,
        person_id: PersonId,
        roles: frozenset[Role] | None,
        reason: str,
        by: UserId,
    ) -> None:
        body = {"roles": None if roles is None else read.role_words(roles), "reason": reason}
        path = org_path(org_id, "people", person_id, "roles")
        await self._change("PUT", path, body, org_id, by)

    async def set_homeroom_teachers(
        self, org_id: OrgId, class_id: ClassId, teachers: Sequence[PersonId], by: UserId
    ) -> None:
        path = org_path(org_id, "classes", class_id, "homeroom_teachers")
        await self._change("PUT", path, {"person_ids": list(teachers)}, org_id, by)

    async def split_class(
        self, org_id: OrgId, class_id: ClassId, name: str, going: Sequence[PersonId], by: UserId
    ) -> None:
        path = org_path(org_id, "classes", class_id, "split")
        body = {"name": name, "person_ids": list(going)}
        await self._change("POST", path, body, org_id, by)

    async def merge_classes(
        self, org_id: OrgId, class_ids: Sequence[ClassId], name: str, by: UserId
    ) -> None:
        body = {"class_ids": list(class_ids), "name": name}
        await self._change("POST", org_path(org_id, "classes", "merge"), body, org_id, by)

    async def set_substitute(
        self,
        org_id: OrgId,
        class_id: ClassId,
        person_id: PersonId,
        until: date | None,
        by: UserId,
    ) -> None:
        path = org_path(org_id, "classes", class_id, "substitute")
        body = {"person_id": person_id, "until": None if until is None else until.isoformat()}
        await self._change("PUT", path, body, org_id, by)

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
        path = org_path(org_id, "guardianships")
        body: dict[str, str] = {"guardian_id": guardian, "student_id": student}
        if status is None:
            await self._change("DELETE", path, body, org_id, by)
            return
        body |= {"status": status.value} | ({} if relation is None else {"relation": relation})
        await self._change("PUT", path, body, org_id, by)

    async def erase(self, org_id: OrgId, person_id: PersonId, by: UserId) -> None:
        await self._person(org_id, person_id, "erase", {}, by)

    async def plan_roster(self, org_id: OrgId, roster: Mapping[str, Any]) -> Mapping[str, Any]:
        path = org_path(org_id, "roster", "plan")
        return (await self._calls.roster(path, {"roster": roster}, None)).json.raw

    async def apply_roster(
        self,
        org_id: OrgId,
        roster: Mapping[str, Any],
        plan_hash: str,
        *,
        force: bool,
        by: UserId,
    ) -> Mapping[str, Any]:
        body = {"roster": roster, "plan_hash": plan_hash, "force": force}
        try:
            return (
                await self._calls.roster(org_path(org_id, "roster", "apply"), body, by)
            ).json.raw
        finally:
            self._forget(org_id)

    async def year(self, org_id: OrgId) -> Mapping[str, Any]:
        return (await self._calls.get(org_path(org_id, "year"))).json.raw

    async def plan_year(self, org_id: OrgId, plan: Mapping[str, Any] | None) -> Mapping[str, Any]:
        path = org_path(org_id, "year", "plan")
        return (await self._calls.roster(path, {"plan": plan}, None)).json.raw

    async def apply_year(
        self, org_id: OrgId, plan: Mapping[str, Any], plan_hash: str, by: UserId
    ) -> Mapping[str, Any]:
        body = {"plan": plan, "plan_hash": plan_hash}
        try:
            return (await self._calls.roster(org_path(org_id, "year", "apply"), body, by)).json.raw
        finally:
            self._forget(org_id)

    async def undo_year(self, org_id: OrgId, by: UserId) -> Mapping[str, Any]:
        try:
            return (await self._calls.roster(org_path(org_id, "year", "undo"), {}, by)).json.raw
        finally:
            self._forget(org_id)

    async def district_schools(self) -> tuple[DistrictSchool, ...]:
        found = await self._calls.get("/district/schools")
        return self._calls.read(
            found, lambda a: tuple(map(read.district_school, a.objects("schools")))
        )

    async def health(self) -> Mapping[str, Any]:
        return (await self._calls.get("/health")).json.raw

    async def _account(self, user_id: UserId) -> tuple[Account, tuple[PersonRecord, ...]] | None:
        """None is not kept: whoever is let in must not wait for it."""
        kept = self._accounts.get(user_id, self._clock())
        if kept is None:
            age = self._accounts.age
            kept = await self._calls.find(
                path_of("accounts", user_id),
                lambda a: (read.account(a), tuple(map(read.person, a.objects("persons")))),
            )
            if kept is not None:
                self._accounts.put(user_id, kept, self._clock(), age)
        return kept

    async def _person(
        self, org_id: OrgId, person_id: PersonId, what: str, body: Mapping[str, Any], by: UserId
    ) -> None:
        await self._change("POST", org_path(org_id, "people", person_id, what), body, org_id, by)

    async def _change(
        self, method: str, path: str, body: Mapping[str, Any], org_id: OrgId, by: UserId
    ) -> Answer:
        try:
            return await self._calls.change(method, path, body, by)
        finally:  # also when no answer came: it may have been done
            self._forget(org_id)

    def _forget(self, org_id: OrgId) -> None:
        """A record's change shows in its family's and teachers' accounts: all of the school are asked for again."""
        self._accounts.forget(lambda _, kept: kept[0].org_id == org_id)
        self._classes.forget(lambda key, _: key == org_id)
        self._orgs.forget(lambda *_: True)
