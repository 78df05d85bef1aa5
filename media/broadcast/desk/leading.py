"""What hosts' pages ask of whoever runs the broadcasts."""

from __future__ import annotations

import enum
from collections.abc import Mapping, Sequence
from typing import Protocol

from attrs import frozen

from media.broadcast.desk.shown import Floor, Led, Listed, Place, Unable
from media.broadcast.desk.wishing import Wish
from media.broadcast.pages.shown import Refusal


@frozen
class Overview:
    """Attributes:

    places: for whom this visitor may broadcast; None: they lead nothing.
    elsewhere: addresses of other nodes, which have lists of their own.
    """

    listed: tuple[Listed, ...]
    places: tuple[Place, ...] | None
    elsewhere: tuple[str, ...] = ()


class Leading(Protocol):
    """Nothing of it raises: an answer that cannot be had is `Unable.UNAVAILABLE`. Each call asks for today's rights."""

    async def proved(self, openid: Mapping[str, object]) -> str | Refusal:
        """A Matrix OpenID token → a token for this browser's cookie."""

    async def proved_by_ticket(self, ticket: str) -> str | Refusal:
        """A ticket of the onboarding pages → the same."""

    def account(self, cookie: str) -> str | None:
        """Whose cookie it is; None: nobody's, or too old."""

    async def overview(self, account: str) -> Overview | Refusal: ...

    async def make(self, account: str, wish: Wish) -> str | Unable:
        """→ the id of the new broadcast."""

    async def led(self, account: str, broadcast_id: str) -> Led | Unable: ...

    async def new_key(self, account: str, broadcast_id: str) -> str | Unable:
        """For OBS; shown once."""

    def publishing(self, account: str, broadcast_id: str) -> str:
        """What the page of the camera shows to WHIP; of a host who has just been asked about."""

    async def begin(self, account: str, broadcast_id: str) -> Unable | None: ...

    async def finish(self, account: str, broadcast_id: str) -> Unable | None: ...

    async def drop(self, account: str, broadcast_id: str) -> Unable | None:
        """One that has not begun."""

    async def delete(self, account: str, broadcast_id: str) -> Unable | None:
        """Its recording."""

    async def show(self, account: str, broadcast_id: str, speaker: str) -> Unable | None:
        """From the call: a key of `Led.speakers`."""

    async def let_type(self, account: str, broadcast_id: str) -> Unable | None:
        """There are captions; a new code for whoever types them."""

    async def floor(self, account: str, broadcast_id: str) -> Floor | Unable:
        """Hands and questions."""

    async def moderate(
        self, account: str, broadcast_id: str, act: FloorAct, number: int, text: str
    ) -> Unable | None:
        """What a host does with a hand, a question or a line: `number` names it, or is a pace."""

    async def follow(self, account: str, broadcast_id: str, link: str) -> Unable | None:
        """Show another school's broadcast; the link is what its host has sent."""


class FloorAct(enum.Enum):
    """Buttons of the page of hands and questions. The values are stable: they stand in addresses."""

    SHOW = "show"  # a question, to all
    PUT_AWAY = "putaway"
    TAKE_BACK = "takeback"  # what all see
    SAY = "say"  # a line of the host's own
    SLOW = "slow"
    LOWER = "lower"  # a hand
    INVITE = "invite"  # whoever raised it, into the call


#: The acts that a form may name, with whether a tick is asked for first.
ACTS: Mapping[str, bool] = {"start": True, "stop": True, "drop": True, "delete": True}
#: What is said when they were done.
DONE: Mapping[str, str] = {"start": "begun", "stop": "stopped", "delete": "deleted"}
#: The same of the page of hands and questions.
FLOOR_DONE: Mapping[FloorAct, str] = {
    FloorAct.SHOW: "shown_to_all",
    FloorAct.PUT_AWAY: "put_away",
    FloorAct.TAKE_BACK: "taken_back",
    FloorAct.SAY: "shown_to_all",
    FloorAct.SLOW: "pace_set",
    FloorAct.LOWER: "hand_lowered",
    FloorAct.INVITE: "hand_invited",
}

Places = Sequence[Place]
