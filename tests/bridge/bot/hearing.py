"""The bot's ears without a room: for senders whom Synapse would not let in."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from bridge.bot.heard import Reaction, Said
from bridge.bot.office import Office as OfficeUseCase
from bridge.bot.office import Room
from bridge.bot.rooms import Rooms
from bridge.roles import UserId
from tests.bridge.bot.office import Office
from tests.bridge.values import NOW


class Hearing:
    """The bot's ears, for senders whom Synapse would not let into the room."""

    def __init__(self, office: Office, session: Room | None = None) -> None:
        self._room_id = office.room_id
        self._ears = OfficeUseCase(
            services=office.world.services,
            rooms=Rooms(office.world.services.directory, asyncio.get_running_loop().time),
            session=session or Silent(),
        )

    @classmethod
    def aloud(cls, office: Office) -> tuple[Hearing, list[str]]:
        """With what it answers."""
        room = Noting()
        return cls(office, room), room.said

    async def hears(self, sender: UserId, target: str, key: str) -> None:
        reaction = Reaction(
            room_id=self._room_id, event_id="$r", sender=sender, target=target, key=key
        )
        await self._ears.hear(reaction, NOW)

    async def says(self, sender: UserId, body: str) -> None:
        said = Said(room_id=self._room_id, event_id="$s", sender=sender, body=body)
        await self._ears.hear(said, NOW)


class Silent:
    """A room in which the bot must not say a word."""

    async def send(
        self, room_id: str, content: Mapping[str, Any], txn_id: str, kind: str = "m.room.message"
    ) -> str:
        raise AssertionError("the bot answered somebody without a right")

    async def is_redacted(self, room_id: str, event_id: str) -> bool:
        return False

    async def sent_as(self, room_id: str, event_id: str) -> str | None:
        return None


class Noting(Silent):
    """Keeps what is said."""

    def __init__(self) -> None:
        self.said: list[str] = []

    async def send(
        self, room_id: str, content: Mapping[str, Any], txn_id: str, kind: str = "m.room.message"
    ) -> str:
        self.said.append(str(content["body"]))
        return "$answer"
