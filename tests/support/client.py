"""A real Matrix client (matrix-nio) for tests. nio returns its errors; here they are raised."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Mapping
from types import TracebackType
from typing import Any, Self, TypeVar

import nio
from attrs import define, field

from tests.support.accounts import Account
from tests.support.polling import DEADLINE_S

T = TypeVar("T")


class MatrixError(Exception):
    """The server refused. `errcode` is Matrix's, such as M_FORBIDDEN."""

    def __init__(self, response: nio.ErrorResponse) -> None:
        super().__init__(f"{response.status_code}: {response.message}")
        self.errcode = response.status_code
        self.message = response.message


async def checked(answer: Awaitable[T | nio.ErrorResponse]) -> T:
    """Await a nio call; its result, never its error.

    Raises:
        MatrixError: nio returned an error.
    """
    response = await answer
    if isinstance(response, nio.ErrorResponse):
        raise MatrixError(response)
    return response


@define(eq=False)
class Client:
    """One signed-in device. `nio` is the whole client; wrap its calls in `checked`."""

    account: Account
    url: str
    nio: nio.AsyncClient = field(init=False, repr=False)

    def __attrs_post_init__(self) -> None:
        config = nio.AsyncClientConfig(
            encryption_enabled=False, max_timeouts=1, max_limit_exceeded=0
        )
        self.nio = nio.AsyncClient(
            self.url, self.account.user_id, self.account.device_id, config=config
        )
        self.nio.restore_login(
            self.account.user_id, self.account.device_id, self.account.access_token
        )

    async def sync(self, timeout_ms: int = 0) -> nio.SyncResponse:
        """One /sync from where the last one ended."""
        return await checked(self.nio.sync(timeout=timeout_ms))

    async def sync_until(
        self,
        predicate: Callable[[nio.SyncResponse], T | None],
        *,
        what: str = "event",
        deadline_s: float = DEADLINE_S,
    ) -> T:
        """Sync until `predicate` answers something true about one response, and return that.

        Raises:
            TimeoutError: not within `deadline_s` seconds.
        """
        end = time.monotonic() + deadline_s
        while True:
            left = end - time.monotonic()
            if left < 0:
                raise TimeoutError(f"{self.account.user_id} saw no {what} within {deadline_s:g} s")
            found = predicate(await self.sync(timeout_ms=min(1000, int(left * 1000))))
            if found:
                return found

    async def until_message(
        self, room_id: str, body: str, *, deadline_s: float = DEADLINE_S
    ) -> nio.RoomMessage:
        """The message with this text in this room, once it arrives."""

        def find(response: nio.SyncResponse) -> nio.RoomMessage | None:
            room = response.rooms.join.get(room_id)
            for event in room.timeline.events if room else ():
                if isinstance(event, nio.RoomMessageText) and event.body == body:
                    return event
            return None

        return await self.sync_until(find, what=f"message in {room_id}", deadline_s=deadline_s)

    async def create_room(self, **options: Any) -> str:
        """`options` as nio's room_create takes them; the room id."""
        return str((await checked(self.nio.room_create(**options))).room_id)

    async def join(self, room: str) -> str:
        """Join by id or alias; the room id."""
        return str((await checked(self.nio.join(room))).room_id)

    async def invite(self, room_id: str, user_id: str) -> None:
        await checked(self.nio.room_invite(room_id, user_id))

    async def send(
        self, room_id: str, content: str | Mapping[str, Any], type_: str = "m.room.message"
    ) -> str:
        """Send a text or any content; the event id."""
        full = {"msgtype": "m.text", "body": content} if isinstance(content, str) else dict(content)
        return str((await checked(self.nio.room_send(room_id, type_, full))).event_id)

    async def close(self) -> None:
        await self.nio.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.close()
