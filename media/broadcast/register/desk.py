"""What hosts do. Each time the module is asked whether they still are ones: nobody leads by an old page."""

from __future__ import annotations

from base64 import urlsafe_b64encode
from collections.abc import Callable
from typing import Protocol

from attrs import define, evolve, field

from media.broadcast.register.api import Made, No, Standing
from media.broadcast.register.book import Book
from media.broadcast.register.values import (
    ID_BYTES,
    KEY_BYTES,
    Audience,
    BadWish,
    Broadcast,
    State,
    Wish,
    clean_title,
)
from media.broadcast.register.watchers import Watchers
from media.broadcast.whip.ids import BroadcastId
from media.broadcast.whip.tokens import digest
from serving.json_http import NoAnswer


class Leading(Protocol):
    async def audiences(self, account: str) -> tuple[Audience, ...]: ...


class Recordings(Protocol):
    async def throw_away(self, broadcast: BroadcastId, by: str, reason: str) -> Broadcast | No: ...


@define(eq=False)
class Desk:
    """Attributes:
    wall: seconds since 1970.
    chance: so many random octets.
    """

    _book: Book
    _watchers: Watchers
    _module: Leading
    _recordings: Recordings
    _wall: Callable[[], float]
    _chance: Callable[[int], bytes] = field(repr=False)

    async def audiences(self, account: str) -> tuple[Audience, ...] | No:
        """For whom somebody may broadcast; NOT_FOUND where that is nobody."""
        try:
            return await self._module.audiences(account) or No.NOT_FOUND
        except NoAnswer:
            return No.UNAVAILABLE

    async def mine(self, account: str) -> tuple[Broadcast, ...] | No:
        """What somebody leads, the newest first."""
        found = await self.audiences(account)
        if isinstance(found, No):
            return found
        people = {(one.org_id, one.room_id) for one in found}
        return tuple(
            one for one in self._book.all() if (one.org_id, one.audience.room_id) in people
        )

    async def make(self, account: str, wish: Wish) -> Made | BadWish | No:
        """A new broadcast and its key. NOT_YOURS: for whom they may not."""
        now = self._wall()
        wrong = wish.wrong(now)
        if wrong is not None:
            return wrong
        found = await self.audiences(account)
        if isinstance(found, No):
            return found
        audience = next((one for one in found if one.room_id == wish.room_id), None)
        if audience is None:
            return No.NOT_YOURS
        key = self._text(KEY_BYTES)
        one = Broadcast(
            id=BroadcastId(self._text(ID_BYTES)),
            audience=audience,
            title=clean_title(wish.title),
            made_by=account,
            made_at=now,
            begins_at=wish.begins_at,
            recorded=wish.recorded,
            low_latency=wish.low_latency,
            key_digest=digest(key),
            by=account,
        )
        refused = await self._book.add(one)
        return refused if refused is not None else Made(broadcast=one, key=key)

    async def new_key(self, account: str, broadcast: BroadcastId) -> Made | No:
        """The old one opens nothing from now on."""
        refused = await self._leads(account, broadcast)
        if refused is not None:
            return refused
        key = self._text(KEY_BYTES)

        def change(one: Broadcast) -> Broadcast | None:
            return evolve(one, key_digest=digest(key)) if one.publishable else None

        found = await self._book.change(broadcast, change)
        return found if isinstance(found, No) else Made(broadcast=found, key=key)

    async def let_type(self, account: str, broadcast: BroadcastId) -> Broadcast | No:
        """There are captions from now on; whoever was given the code before types no more."""
        refused = await self._leads(account, broadcast)
        if refused is not None:
            return refused

        def change(one: Broadcast) -> Broadcast | None:
            return evolve(one, captions=one.captions + 1) if one.publishable else None

        return await self._book.change(broadcast, change)

    async def start(self, account: str, broadcast: BroadcastId) -> Broadcast | No:
        return await self._move(account, broadcast, State.LIVE)

    async def stop(self, account: str, broadcast: BroadcastId) -> Broadcast | No:
        return await self._move(account, broadcast, State.ENDED)

    async def call_off(self, account: str, broadcast: BroadcastId) -> Broadcast | No:
        """Before it begins; what was announced is taken back."""
        return await self._move(account, broadcast, State.DELETED)

    async def delete_recording(self, account: str, broadcast: BroadcastId) -> Broadcast | No:
        """By director or deputy (R48); NOT_FOUND for other hosts."""
        refused = await self._leads(account, broadcast, keeper=True)
        if refused is not None:
            return refused
        return await self._recordings.throw_away(broadcast, account, "by hand")

    async def _move(self, account: str, broadcast: BroadcastId, to: State) -> Broadcast | No:
        refused = await self._leads(account, broadcast)
        if refused is not None:
            return refused
        return await self._book.moved(broadcast, to, by=account)

    async def _leads(
        self, account: str, broadcast: BroadcastId, *, keeper: bool = False
    ) -> No | None:
        """One answer for "no such broadcast" and "not yours to lead"."""
        self._watchers.forget(account)
        standing = await self._watchers.standing(account, broadcast)
        if isinstance(standing, Standing):
            return None if (standing.keeper if keeper else standing.host) else No.NOT_FOUND
        return standing if standing is No.UNAVAILABLE else No.NOT_FOUND

    def _text(self, octets: int) -> str:
        return urlsafe_b64encode(self._chance(octets)).rstrip(b"=").decode()
