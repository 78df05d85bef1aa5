"""What the bridge asks of the schedule: the module over HTTP (docs/contracts.md §2)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Protocol

from bridge.roles import Account, OrgId, UserId
from bridge.schedule import Audience, Days, Kind, Schedule, Wish


class Schedules(Protocol):
    """Each question and change is judged by the module as the person's own.

    Every call may raise DirectoryDown; changes may raise DirectoryRefused.
    """

    async def window(
        self, org_id: OrgId, user_id: UserId, since: date, until: date, *, mine: bool
    ) -> Schedule:
        """From one day to before another, at most 400. `mine`: only what concerns them, not all they may see."""

    async def one(self, account: Account, gathering_id: str) -> Days | None:
        """None: there is none, or they may not see it."""

    async def audiences(self, account: Account) -> Sequence[Audience]: ...

    async def plan(self, by: Account, room_id: str, kind: Kind, wish: Wish, once: str) -> str:
        """Its id. With the `once` of before, that of before."""

    async def change(self, by: Account, gathering_id: str, wish: Wish, reason: str) -> None: ...

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
        """`held` False: not on this day. `instead` None: as usual."""

    async def call_off(self, by: Account, gathering_id: str, reason: str) -> None: ...
