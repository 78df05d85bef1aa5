"""Whether a push waits: what pushers ask, answered from cached facts (R49)."""

from __future__ import annotations

import logging
from collections import OrderedDict
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Final

from attrs import frozen
from synapse.module_api import EventBase

from synapse_sferum.account import Account
from synapse_sferum.facts import Facts
from synapse_sferum.quiet.resolve import Verdict, is_urgent, resolve
from synapse_sferum.quiet.values import Level, Rule, rules_about

logger = logging.getLogger(__name__)

Rules = Mapping[tuple[Level, str], Rule]

#: An answer is kept so long, for so many: an announcement rings at a thousand phones within a second.
KEPT_MS: Final = 15_000
MOST_KEPT: Final = 5_000
#: Quiet that has no end is looked at again after an hour.
_ALWAYS_MS: Final = 3_600_000


@frozen(eq=False)
class _Kept:
    account: Account
    rules: Rules
    expires_ms: int
    until_ms: int | None

    def holds(self, account: Account, rules: Rules, now: int) -> bool:
        """Whether it is an answer about these very facts, and not of long ago."""
        fresh = now < self.expires_ms and (self.until_ms is None or now < self.until_ms)
        return fresh and self.account is account and self.rules is rules


def _end(verdict: Verdict, now: int) -> int | None:
    if not verdict.quiet:
        return None
    return now + _ALWAYS_MS if verdict.until is None else int(verdict.until.timestamp() * 1000)


class QuietPushes:
    """Implements `private.pushers.Holding`.

    What cannot be answered holds nothing back: a push too many is better than none.

    Args:
        now_ms: wall clock, milliseconds since 1970.
    """

    def __init__(self, facts: Facts, now_ms: Callable[[], int]) -> None:
        self._facts, self._now_ms = facts, now_ms
        self._kept: OrderedDict[str, _Kept] = OrderedDict()

    async def until_ms(self, user_id: str) -> int | None:
        """Until when it is quiet for somebody; None: it is not, or they are nobody's."""
        try:
            return await self._until_ms(user_id, self._now_ms())
        except Exception:
            logger.exception("quiet hours not known, a push is not held")
            return None

    async def _until_ms(self, user_id: str, now: int) -> int | None:
        account = await self._facts.account(user_id)
        if account is None:
            return None
        rules = await self._facts.quiet_rules(account.org_id)
        kept = self._kept.get(user_id)
        if kept is None or not kept.holds(account, rules, now):
            verdict = resolve(
                rules_about(rules, account), account, datetime.fromtimestamp(now / 1000, UTC)
            )
            kept = _Kept(account, rules, now + KEPT_MS, _end(verdict, now))
            self._kept[user_id] = kept
            self._kept.move_to_end(user_id)
            if len(self._kept) > MOST_KEPT:
                self._kept.popitem(last=False)
        return kept.until_ms

    async def passes(self, event: EventBase) -> bool:
        """«Срочно» of a director or a deputy, in a room of their school."""
        body = event.content.get("body")
        if event.type != "m.room.message" or not isinstance(body, str):
            return False
        room = await self._facts.managed_room(event.room_id)
        sender = await self._facts.account(event.sender)
        if sender is None:
            return False
        return is_urgent(sender, sender.org_id if room is None else room.org_id, body)
