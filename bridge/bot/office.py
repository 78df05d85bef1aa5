"""What the bot does about what it hears. Answers only people whose right the directory confirms; others get silence.

A power level in the room proves nothing, nor does being in it: rights are asked for each time (R30).
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Protocol

from attrs import define, field

from bridge.application import State
from bridge.bot.answering import answer
from bridge.bot.cards import answer_to, card_id_in
from bridge.bot.commands import Misread, parse
from bridge.bot.deciding import DONE, Outcome, decide_card
from bridge.bot.facts import language_of, page_of
from bridge.bot.heard import Heard, Reaction, Said, verdict
from bridge.bot.pace import Pace
from bridge.bot.rooms import Rooms
from bridge.bot.texts import text
from bridge.dispute import DisputeState
from bridge.metrics import BOT_COMMANDS, BOT_DECISIONS
from bridge.people import Org
from bridge.ports_directory import DirectoryRefused
from bridge.ports_homeserver import HomeserverRefused
from bridge.records import CardKind, StaffCard
from bridge.roles import Account, UserId
from bridge.services import Services

logger = logging.getLogger(__name__)

#: Cards on which a sign means something, and the words of cards that were answered with a no.
DECIDABLE = frozenset({CardKind.APPLICATION, CardKind.DISPUTE})
NO_WORDS = frozenset({State.REJECTED.value, DisputeState.KEPT.value})


class Room(Protocol):
    """Of the session what answering needs."""

    async def send(
        self, room_id: str, content: Mapping[str, Any], txn_id: str, kind: str = "m.room.message"
    ) -> str: ...

    async def is_redacted(self, room_id: str, event_id: str) -> bool: ...

    async def sent_as(self, room_id: str, event_id: str) -> str | None: ...


@define(kw_only=True, eq=False)
class Office:
    services: Services
    rooms: Rooms
    session: Room
    _pace: Pace = field(factory=Pace, init=False)

    async def hear(self, heard: Heard, now: datetime) -> None:
        """Do what it asks for, if its sender may ask.

        Raises:
            DirectoryDown, HomeserverDown: nothing was decided; say it again later.
        """
        if isinstance(heard, Reaction):
            await self._reaction(heard, now)
        else:
            await self._said(heard, now)

    async def _reaction(self, heard: Reaction, now: datetime) -> None:
        yes = verdict(heard.key)
        if yes is None:
            return
        card = await self._card(heard)
        if card is None or card.kind not in DECIDABLE:
            return
        asked = await self._who(heard)
        if asked is None or await self.session.is_redacted(heard.room_id, heard.target):
            return
        by, org = asked
        try:
            outcome = await decide_card(by, card, yes, now, self.services)
        except (DirectoryRefused, HomeserverRefused) as refused:
            await self._refused(heard, heard.target, org, refused)
            return
        BOT_DECISIONS.labels("reaction", outcome.name.lower()).inc()
        agrees = outcome is Outcome.ALREADY and (card.shown in NO_WORDS) is not yes
        if outcome in DONE or outcome is Outcome.NOT_YOURS or agrees:
            return  # the card itself tells, or there is nothing to tell them
        body = text(
            language_of(org), outcome.value, number=card.number, link=page_of(self.services)
        )
        await self._answer(heard, heard.target, body)

    async def _card(self, heard: Reaction) -> StaffCard | None:
        """Also one whose event id is not kept yet: people see a card before the bot knows that it was sent."""
        async with self.services.store.begin() as work:
            known = await work.cards.by_event(heard.room_id, heard.target)
        if known is not None:
            return known
        sent_as = await self.session.sent_as(heard.room_id, heard.target)
        card_id = None if sent_as is None else card_id_in(sent_as)
        if card_id is None:
            return None
        async with self.services.store.begin() as work:
            found = await work.cards.get(card_id)
        return found if found is not None and found.room_id == heard.room_id else None

    async def _said(self, heard: Said, now: datetime) -> None:
        command = parse(heard.body)
        if command is None:
            return
        asked = await self._who(heard)
        if asked is None:
            return
        by, org = asked
        if not self._pace.takes(heard.sender, now):
            BOT_COMMANDS.labels("too_often").inc()
            if self._pace.tells(heard.sender, now):
                await self._answer(heard, heard.thread, text(language_of(org), "too_often"))
            return
        word = command.value if isinstance(command, Misread) else type(command).__name__.lower()
        BOT_COMMANDS.labels(word).inc()
        logger.info("command event=%s command=%s by=%s", heard.event_id, word, by.user_id)
        try:
            body = await answer(command, by, org, now, self.services)
        except (DirectoryRefused, HomeserverRefused) as refused:
            await self._refused(heard, heard.thread, org, refused)
            return
        await self._answer(heard, heard.thread, body)

    async def _refused(
        self,
        heard: Heard,
        root: str | None,
        org: Org,
        refused: DirectoryRefused | HomeserverRefused,
    ) -> None:
        logger.error("bot was refused event=%s status=%s", heard.event_id, refused.status)
        await self._answer(heard, root, text(language_of(org), "later"))

    async def _who(self, heard: Heard) -> tuple[Account, Org] | None:
        """Somebody of the administration of the school whose administration room this is; else None."""
        by = await self.services.directory.account(UserId(heard.sender))
        if by is None or not by.administers:
            return None
        org = await self.services.directory.org(by.org_id)
        if org is None or await self.rooms.administration(by.org_id) != heard.room_id:
            return None
        return by, org

    async def _answer(self, heard: Heard, root: str | None, body: str) -> None:
        content = answer_to(heard.event_id, root or heard.event_id, body)
        await self.session.send(heard.room_id, content, f"answer-{heard.event_id}")
