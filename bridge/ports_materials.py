"""What the bridge asks of materials: the module over HTTP (docs/contracts.md §2)."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping, Sequence
from typing import Any, Protocol

from bridge.materials import Material, Publication, Room, Shelf
from bridge.roles import Account


class Materials(Protocol):
    """Each question and change is judged by the module as the person's own.

    Every call may raise DirectoryDown; changes may raise DirectoryRefused.
    """

    async def shelf(
        self, account: Account, *, words: str, folder: str | None, start: int, limit: int
    ) -> Shelf:
        """`folder` None: of all; "" of none."""

    async def one(self, account: Account, material_id: str) -> Material | None:
        """None: there is none, or they may not read it."""

    async def rooms(self, account: Account) -> Sequence[Room]: ...

    async def publish(self, by: Account, publication: Publication) -> str:
        """Its id."""

    async def change(self, by: Account, material_id: str, changes: Mapping[str, Any]) -> None: ...

    async def remove(self, by: Account, material_id: str, reason: str) -> None: ...

    async def live(self, file_ids: Sequence[str]) -> frozenset[str]:
        """Which files are still some material's; at most a thousand are asked for."""


class Media(Protocol):
    """Files in Synapse (`mxc://…`): those of live materials, and no others."""

    def pieces(self, mxc: str, most_bytes: int) -> AsyncGenerator[bytes, None]:
        """Its octets as they come.

        Raises:
            HomeserverRefused: there is none that we may have.
            HomeserverDown: try again later.
            TooLarge: there are more than that.
        """
