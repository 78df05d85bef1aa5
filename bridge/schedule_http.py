"""The schedule of the module over HTTP (docs/contracts.md §2), with the service token."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any

import aiohttp
from attrs import frozen

from bridge import schedule_json as read
from bridge.directory_calls import DirectoryCalls, org_path
from bridge.roles import Account, OrgId, UserId
from bridge.schedule import Audience, Days, Kind, Schedule, Wish


@frozen
class HttpSchedule:
    """Implements `ports_schedule.Schedules`. Nothing is kept: what is planned is seen at once."""

    _calls: DirectoryCalls

    @classmethod
    def connect(
        cls, session: aiohttp.ClientSession, base_url: str, service_token: str
    ) -> HttpSchedule:
        """Nothing is sent yet.

        Raises:
            InsecureUrl: plain http to another machine.
        """
        return cls(DirectoryCalls.connect(session, base_url, service_token))

    async def window(
        self, org_id: OrgId, user_id: UserId, since: date, until: date, *, mine: bool
    ) -> Schedule:
        params = {
            "user_id": user_id,
            "since": since.isoformat(),
            "until": until.isoformat(),
            "mine": "1" if mine else "0",
        }
        answer = await self._calls.get(org_path(org_id, "schedule"), params)
        return self._calls.read(answer, read.schedule)

    async def one(self, account: Account, gathering_id: str) -> Days | None:
        path = org_path(account.org_id, "schedule", gathering_id)
        return await self._calls.find(path, read.days, {"user_id": account.user_id})

    async def audiences(self, account: Account) -> Sequence[Audience]:
        answer = await self._calls.get(
            org_path(account.org_id, "schedule_rooms"), {"user_id": account.user_id}
        )
        return self._calls.read(answer, lambda a: tuple(map(read.audience, a.objects("rooms"))))

    async def plan(self, by: Account, room_id: str, kind: Kind, wish: Wish, once: str) -> str:
        body = {"room_id": room_id, "kind": kind.value, "once": once, **wish.to_json()}
        answer = await self._calls.change("POST", org_path(by.org_id, "schedule"), body, by.user_id)
        return self._calls.read(answer, lambda a: a.text("gathering_id"))

    async def change(self, by: Account, gathering_id: str, wish: Wish, reason: str) -> None:
        body = {**wish.to_json(), "reason": reason}
        await self._change("PUT", by, body, gathering_id)

    async def change_day(
        self,
        by: Account,
        gathering_id: str,
        day: date,
        instead: tuple[datetime, int] | None,
        *,
        held: bool,
        reason: str,
    ) -> None:
        body: dict[str, Any] = {"held": held, "reason": reason}
        if held and instead is not None:
            body |= {"begins": instead[0].isoformat(timespec="minutes"), "minutes": instead[1]}
        await self._change("PUT", by, body, gathering_id, "days", day.isoformat())

    async def call_off(self, by: Account, gathering_id: str, reason: str) -> None:
        await self._change("POST", by, {"reason": reason}, gathering_id, "call_off")

    async def _change(self, method: str, by: Account, body: Mapping[str, Any], *parts: str) -> None:
        path = org_path(by.org_id, "schedule", *parts)
        await self._calls.change(method, path, body, by.user_id)
