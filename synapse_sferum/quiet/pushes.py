"""Whether a push waits: what pushers ask, answered from cached facts (R49)."""

from __future__ import annotations

import logging
from collections import OrderedDict
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Final

from synapse.module_api import EventBase

from synapse_sferum.facts import Facts
from synapse_sferum.quiet.resolve import is_urgent, resolve
from synapse_sferum.quiet.values import rules_about

logger = logging.getLogger(__name__)

#: An answer is kept so long, for so many: an announcement rings at a thousand phones within a second.
KEPT_MS: Final = 15_000
MOST_KEPT: Final = 5_000
#: Quiet that has no end is looked at again after an hour.
_ALWAYS_MS: Final = 3_600_000


class QuietPushes:
    """Implements `private.Holding`. What cannot be answered holds nothing back: a push too many is better than none.

    Args:
        now_ms: wall clock, milliseconds since 1970.
    """

    def __init__(self, facts: Facts, now_ms: Callable[[], int]) -> None:
        self._facts, self._now_ms = facts, now_ms
        self._kept: OrderedDict[str, tuple[int, int | None]] = OrderedDict()

    async def until_ms(self, user_id: str) -> int | None:
        """Until when it is quiet for somebody; None: it is not, or they are nobody's."""
        now = self._now_ms()
        kept = self._kept.get(user_id)
        if kept is not None and kept[0] > now and (kept[1] is None or kept[1] > now):
            return kept[1]
        try:
            found = await self._until_ms(user_id, now)
        except Exception:
            logger.exception("quiet hours not known, a push is not held")
            return None
        self._kept[user_id] = (now + KEPT_MS, found)
        self._kept.move_to_end(user_id)
        if len(self._kept) > MOST_KEPT:
            self._kept.popitem(last=False)
        return found

    async def _until_ms(self, user_id: str, now: int) -> int | None:
        account = await self._facts.account(user_id)
        if account is None:
            return None
        rules = await self._facts.quiet_rules(account.org_id)
        verdict = resolve(
            rules_about(rules, account), account, datetime.fromtimestamp(now / 1000, UTC)
        )
        if not verdict.quiet:
            return None
        return now + _ALWAYS_MS if verdict.until is None else int(verdict.until.timestamp() * 1000)

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
