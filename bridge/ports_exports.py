"""What the bridge exports: from the module over HTTP (docs/contracts.md §2)."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from typing import Any, Protocol

from bridge.roles import Account, PersonId


class Exports(Protocol):
    """Judged by the module as the person's own, and in its log. May raise DirectoryDown, DirectoryRefused."""

    async def person(self, by: Account, person_id: PersonId, reason: str) -> Mapping[str, Any]: ...

    def room(self, by: Account, room_id: str, reason: str) -> AsyncIterator[Mapping[str, Any]]:
        """Messages, the oldest first."""
