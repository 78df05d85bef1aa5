"""What the bridge asks of quiet hours: the module over HTTP (docs/contracts.md §2)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from bridge.quiet import Level, Rule, Verdict, Window
from bridge.roles import Account


class QuietHours(Protocol):
    """Judged by the module as the person's own. Every call may raise DirectoryDown; changes DirectoryRefused."""

    async def now(self, account: Account) -> Verdict: ...

    async def rules(self, account: Account) -> Sequence[Rule]:
        """Those that they may set."""

    async def set(
        self, by: Account, level: Level, ref: str, windows: Sequence[Window] | None
    ) -> None:
        """None: no rule. Empty: never quiet."""
