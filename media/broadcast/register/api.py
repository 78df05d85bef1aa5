"""What the rest of the broadcasts needs of this package. Values: `values`; wired by `opening.open_register`.

    HOUSE   doors.by_openid, by_ticket → who; watchers.standing → may watch, leads; desk → make, start, stop; tell
    ORIGIN  watchers.may_watch(account, broadcast), cached; materials.keep, file_of
    STAGE   book.get(id).key_digest while `.publishable`; book.moved(id, State.PAUSED | LIVE)

An account is a Matrix id; it is not for logs. Nothing here raises for what a person did: refusals are `No`.
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Protocol

from attrs import field, frozen

from media.broadcast.origin.publication import Recording as Ready
from media.broadcast.register.values import (
    Audience,
    BadWish,
    Broadcast,
    State,
    Wish,
)
from media.broadcast.whip.ids import BroadcastId


class No(enum.Enum):
    """Why not. The values are stable: counted, tested."""

    SIGNED_OUT = "signed_out"  # 401: nobody we know, or the proof is used up
    NOT_YOURS = "not_yours"  # 403: of another school, not of this class, has left
    NOT_FOUND = "not_found"  # 404: no such broadcast; also where somebody leads nothing
    GONE = "gone"  # 410: over or thrown away
    CONFLICT = "conflict"  # 409: that cannot follow now
    FULL = "full"  # 429: more broadcasts than one school may have waiting
    UNAVAILABLE = "unavailable"  # 503: the school's server does not answer


@frozen(kw_only=True)
class Standing:
    """What somebody is to a broadcast. `watch` is true, else there is none.

    Attributes:
        ask: may raise a hand and ask: not an unconfirmed pupil (R17).
        host: leads it: sees figures, starts, stops.
        keeper: may delete the recording: director or deputy (R48).
    """

    ask: bool = False
    host: bool = False
    keeper: bool = False


@frozen(kw_only=True)
class Made:
    """A broadcast with the key that publishes it; the key is shown once, its digest is kept."""

    broadcast: Broadcast
    key: str = field(repr=False)


class Book(Protocol):
    """All broadcasts, in memory; writes are on disk before they are answered."""

    def get(self, broadcast: BroadcastId) -> Broadcast | None:
        """None: no such one, or deleted."""

    def all(self) -> Sequence[Broadcast]:
        """Those that are not deleted, the newest first."""

    async def moved(self, broadcast: BroadcastId, to: State) -> Broadcast | No:
        """Into this state; telling the rooms follows by itself. Harmless when it is there already."""


class Watchers(Protocol):
    """Who may watch: the module's answer, at most 25 s old, some 12 while it answers."""

    async def standing(self, account: str, broadcast: BroadcastId) -> Standing | No:
        """Of one account; NOT_FOUND, NOT_YOURS or UNAVAILABLE."""

    async def may_watch(self, account: str, broadcast: BroadcastId) -> bool:
        """The same in a word, for each request of a stream. Without an answer: the last one, for 2 minutes.

        Raises:
            NoAnswer: nobody can say.
        """


class Doors(Protocol):
    """Proofs of who somebody is → an account. Whether they may watch is asked of `Watchers`."""

    async def by_openid(self, openid: Mapping[str, object]) -> str | No:
        """A Matrix OpenID token as the client got it; checked field by field."""

    def by_ticket(self, ticket: str, to: str) -> str | No:
        """A ticket of the bridge's page, once, within a minute; `to` is a broadcast's id or "desk"."""


class Desk(Protocol):
    """What hosts do; each call asks the module whether they still are one."""

    async def audiences(self, account: str) -> tuple[Audience, ...] | No:
        """For whom somebody may broadcast: NOT_FOUND where that is nobody."""

    async def mine(self, account: str) -> tuple[Broadcast, ...] | No:
        """What somebody leads, the newest first, with `audiences`' refusals."""

    async def make(self, account: str, wish: Wish) -> Made | BadWish | No: ...

    async def new_key(self, account: str, broadcast: BroadcastId) -> Made | No:
        """The old one opens nothing from now on; whoever publishes with it goes on until they end."""

    async def start(self, account: str, broadcast: BroadcastId) -> Broadcast | No: ...

    async def stop(self, account: str, broadcast: BroadcastId) -> Broadcast | No: ...

    async def let_type(self, account: str, broadcast: BroadcastId) -> Broadcast | No:
        """There are captions from now on; whoever was given the code before types no more."""

    async def call_off(self, account: str, broadcast: BroadcastId) -> Broadcast | No:
        """Before it begins; what was announced is taken back."""

    async def delete_recording(self, account: str, broadcast: BroadcastId) -> Broadcast | No:
        """By director or deputy (R48). The file is gone, the rooms are told, the log has it."""


class Tell(Protocol):
    """To the moderators' room; lines of a second are one message."""

    def question(self, account: str, broadcast: BroadcastId, text: str) -> bool:
        """False: more than can be passed on."""

    def hand(self, account: str, broadcast: BroadcastId, up: bool) -> bool: ...


class Materials(Protocol):
    """Where recordings go (R27, R48): they stay in their folder, served behind `may_watch`."""

    async def keep(self, recording: Ready) -> bool:
        """As `media.broadcast.origin.publication.Materials` has it: the file is taken over, the rooms are told."""

    def file_of(self, broadcast: BroadcastId) -> Path | None:
        """What is served; None: there is none (any more)."""


#: Told when somebody who was watching may no longer: their WHEP sessions end at once.
Lost = Callable[[BroadcastId, str], None]
