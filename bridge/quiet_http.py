"""Quiet hours of the module over HTTP (docs/contracts.md §2), with the service token."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import time

import aiohttp
from attrs import frozen

from bridge.directory_calls import DirectoryCalls, org_path
from bridge.quiet import Level, Rule, Verdict, Window
from bridge.roles import Account
from serving.json_object import BadJson, JsonObject


@frozen
class HttpQuietHours:
    """Implements `ports_quiet.QuietHours`."""

    _calls: DirectoryCalls

    @classmethod
    def connect(
        cls, session: aiohttp.ClientSession, base_url: str, service_token: str
    ) -> HttpQuietHours:
        """Nothing is sent yet.

        Raises:
            InsecureUrl: plain http to another machine.
        """
        return cls(DirectoryCalls.connect(session, base_url, service_token))

    async def now(self, account: Account) -> Verdict:
        path = org_path(account.org_id, "quiet_hours", "now")
        answer = await self._calls.get(path, {"user_id": account.user_id})
        return self._calls.read(answer, verdict)

    async def rules(self, account: Account) -> Sequence[Rule]:
        path = org_path(account.org_id, "quiet_hours")
        answer = await self._calls.get(path, {"user_id": account.user_id})
        return self._calls.read(answer, lambda a: tuple(map(_rule, a.objects("rules"))))

    async def set(
        self, by: Account, level: Level, ref: str, windows: Sequence[Window] | None
    ) -> None:
        body = {
            "level": level.value,
            "ref": ref,
            "windows": None if windows is None else [one.to_json() for one in windows],
        }
        await self._calls.change("PUT", org_path(by.org_id, "quiet_hours"), body, by.user_id)


def verdict(found: JsonObject) -> Verdict:
    return Verdict(
        quiet=found.flag("quiet"),
        until=found.instant_or_none("until"),
        rules=tuple(map(_rule, found.objects("rules"))),
    )


def _rule(found: JsonObject) -> Rule:
    return Rule(
        level=found.word("level", Level),
        ref=found.text("ref"),
        windows=tuple(map(_window, found.objects("windows"))),
        outcome=found.text_or_none("outcome") or "",
    )


def _window(found: JsonObject) -> Window:
    try:
        begins, ends = (time.fromisoformat(found.text(name)) for name in ("begins", "ends"))
    except ValueError:
        raise BadJson("begins") from None
    return Window(weekdays=frozenset(found.numbers("weekdays")), begins=begins, ends=ends)
