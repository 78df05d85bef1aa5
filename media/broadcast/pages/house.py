"""What the pages ask of whoever runs the broadcasts: who is it, where is the broadcast, what became of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from media.broadcast.pages.asking import Asked, BadLine, Question
from media.broadcast.pages.heartbeat import Heartbeat
from media.broadcast.pages.shown import Figures, Refusal, Seat


class House(Protocol):
    """Nothing of it raises: an answer that cannot be had is `Refusal.UNAVAILABLE`, or False."""

    async def arrive(self, broadcast_id: str, cookies: Mapping[str, str]) -> str | Refusal:
        """Somebody at `/watch/ID`, with the cookies of this address → a token of the path, or why not."""

    async def enter(self, broadcast_id: str, openid: Mapping[str, object]) -> str | Refusal:
        """The same by a Matrix OpenID token, which is checked here field by field."""

    async def present(self, broadcast_id: str, ticket: str) -> str | Refusal:
        """The same by a ticket of the onboarding pages, which is good once."""

    async def look(self, broadcast_id: str, token: str) -> Seat | Refusal:
        """Whose token of the path it is, and what the broadcast is now. Never SIGNED_OUT for a token that is bad."""

    def beat(self, seat: Seat, beat: Heartbeat) -> None:
        """Count what a player says."""

    def figures(self, seat: Seat) -> Figures:
        """For hosts."""

    async def raise_hand(self, seat: Seat, up: bool) -> bool:
        """Tell the moderators' room. False: it did not arrive there."""

    async def ask(self, seat: Seat, question: Question) -> Asked:
        """The same."""

    def may_type(self, seat: Seat, code: str) -> bool:
        """Whether somebody types captions: a host, or whoever a host gave the code; not whoever may not ask (R17)."""

    def typed(self, seat: Seat) -> Sequence[str]:
        """The last lines of captions, the oldest first."""

    def type(self, seat: Seat, code: str, line: str) -> BadLine | None:
        """A line of captions, shown from now on."""

    async def start(self, seat: Seat) -> bool:
        """By a host who knows who will see it. False: it did not begin."""

    async def stop(self, seat: Seat) -> bool:
        """By a host. The recording goes where recordings go."""
