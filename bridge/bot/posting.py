"""Cards: reserved, posted, edited. Each step may be repeated: the message's transaction id is the card's id.

A crash after any of them loses no card and posts none twice: what is to be done is read from what there is.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any, Protocol, assert_never

from attrs import define, evolve, field

from bridge.application import ApplicationId, State
from bridge.bot.cards import (
    BOTH,
    SETTLED,
    card_text,
    dispute_text,
    edit_of,
    new_content,
    sign_on,
    signs,
    txn_id_of,
)
from bridge.bot.digest import digest_text, due_digest, reserve_digest
from bridge.bot.facts import (
    Subject,
    facts_of_decided,
    facts_of_dispute,
    facts_of_waiting,
    language_of,
    queue_of,
    school_page,
    without_card,
    zone_of,
)
from bridge.bot.rooms import Rooms
from bridge.bot.texts import TEXTS, text
from bridge.dispute import DisputeId, DisputeState
from bridge.metrics import BOT_CARDS
from bridge.people import Org
from bridge.records import CardId, CardKind, StaffCard
from bridge.roles import UserId
from bridge.services import Services
from bridge.waiting import Waiting

logger = logging.getLogger(__name__)

#: Messages of one school in one round; the rest come in the next ones.
MOST_AT_ONCE = 20
#: How long a settled card is found by its number and its message.
KEPT = timedelta(days=90)


class Room(Protocol):
    """Of the session what posting needs."""

    async def send(
        self, room_id: str, content: Mapping[str, Any], txn_id: str, kind: str = "m.room.message"
    ) -> str: ...


@define(kw_only=True, eq=False)
class Posting:
    """Attributes:
    refused: tells the server's lasting no in the room's errors from a server that is away.
    """

    user_id: UserId
    services: Services
    rooms: Rooms
    session: Room
    refused: Callable[[Exception], bool]
    _queue: Mapping[ApplicationId, Waiting] = field(factory=dict, init=False)

    async def round(self, org: Org, now: datetime) -> int:
        """Whatever is due in one school; how many messages it were."""
        await self._reserve(org, now)
        cards = await self._due(org)
        unposted = [card for card in cards if _is_new_application(card)]
        later = {card.id for card in unposted[MOST_AT_ONCE:]}
        await self._look_up(org, unposted[:MOST_AT_ONCE], now)
        sent = 0
        for card in cards:
            if sent >= MOST_AT_ONCE:
                break
            if card.id in later:
                continue
            try:
                sent += await self._bring_up_to_date(card, org, now)
            except Exception as error:
                if not self.refused(error):
                    raise
                await self._refused_by_room(card, org, now)
        return sent

    async def _refused_by_room(self, card: StaffCard, org: Org, now: datetime) -> None:
        """A new card waits until the bot is in the room, wherever that is by then; an old one stays as it is."""
        BOT_CARDS.labels(card.kind.value, "refused").inc()
        logger.warning("card refused org=%s card=%s", org.org_id, card.id)
        if card.event_id is not None:
            await self._give_up(card, now)
            return
        room_id = await self.rooms.administration(org.org_id)
        if room_id is not None and room_id != card.room_id:
            async with self.services.store.begin() as work:
                await work.cards.save(evolve(card, room_id=room_id))

    async def _look_up(self, org: Org, unposted: list[StaffCard], now: datetime) -> None:
        self._queue = {}
        if unposted:
            ids = [ApplicationId(card.ref) for card in unposted]
            self._queue = await queue_of(org.org_id, self.user_id, ids, now, self.services)

    async def _due(self, org: Org) -> list[StaffCard]:
        """Cards that may say something else now, the oldest first; not those that wait as they are."""
        async with self.services.store.begin() as work:
            cards = await work.cards.unsettled(org.org_id)
            undecided = {one.id for one in await work.applications.waiting(org.org_id)}
        return [
            card for card in cards if card.shown != State.NEW.value or card.ref not in undecided
        ]

    async def _reserve(self, org: Org, now: datetime) -> None:
        wanted = await without_card(org, now, self.services)
        digest = await due_digest(org, now, self.services)
        if digest is not None:
            wanted.append(Subject(CardKind.DIGEST, digest))
        if not wanted:
            return
        room_id = await self.rooms.administration(org.org_id)
        if room_id is None:
            return
        for subject in wanted:
            card_id = CardId(self.services.chance.new_id())
            if subject.kind is CardKind.DIGEST:
                await reserve_digest(card_id, subject.ref, org, room_id, now, self.services)
                continue
            async with self.services.store.begin() as work:
                await work.cards.add(card_id, subject.kind, subject.ref, org.org_id, room_id, now)

    async def _bring_up_to_date(self, card: StaffCard, org: Org, now: datetime) -> int:
        match card.kind:
            case CardKind.APPLICATION:
                return await self._application(card, org, now)
            case CardKind.DISPUTE:
                return await self._dispute(card, org, now)
            case CardKind.DIGEST:
                return await self._say(card, await digest_text(org, now, self.services), now)
            case CardKind.ALARM:
                return await self._say(card, self._alarm(card, org), now)
            case CardKind.STEPS:
                link = school_page(self.services)
                return await self._say(card, text(language_of(org), "steps", link=link), now)
            case _:
                assert_never(card.kind)

    async def _say(self, card: StaffCard, body: str, now: datetime) -> int:
        """Once and for all; "" is not worth saying any more."""
        if not body:
            await self._give_up(card, now)
            return 0
        await self._post(card, body, "said", now, first="said", settled=True)
        return 1

    async def _application(self, card: StaffCard, org: Org, now: datetime) -> int:
        async with self.services.store.begin() as work:
            found = await work.applications.get(ApplicationId(card.ref))
        if found is None:
            await self._give_up(card, now)
            return 0
        word = found.state.value
        if card.shown == word:
            return 0
        language, zone = language_of(org), zone_of(org)
        if found.state is State.NEW:
            waiting = self._queue.get(found.id)
            if waiting is None:  # cannot be read (another file of keys): it expires
                await self._give_up(card, now)
                return 0
            facts = facts_of_waiting(card, waiting, self.services)
        else:
            facts = await facts_of_decided(card, found, self.services)
        body = card_text(facts, language, zone)
        await self._post(
            card,
            body,
            word,
            now,
            first=State.NEW.value,
            settled=found.state in SETTLED,
            keys=signs(facts),
        )
        return 1

    async def _dispute(self, card: StaffCard, org: Org, now: datetime) -> int:
        async with self.services.store.begin() as work:
            found = await work.disputes.get(DisputeId(card.ref))
        if found is None:
            await self._give_up(card, now)
            return 0
        word = found.state.value
        if card.shown == word:
            return 0
        language = language_of(org)
        facts = await facts_of_dispute(card, found, language, self.services)
        is_open = found.state is DisputeState.OPEN
        await self._post(
            card,
            dispute_text(facts, language, zone_of(org)),
            word,
            now,
            first=DisputeState.OPEN.value,
            settled=not is_open,
            keys=BOTH if is_open else (),
        )
        return 1

    def _alarm(self, card: StaffCard, org: Org) -> str:
        limit = card.ref.removeprefix(f"{org.org_id}:").partition(":")[0]
        name = f"why_{limit}" if f"why_{limit}" in TEXTS else "why_other"
        why, link = text(language_of(org), name), school_page(self.services)
        return text(language_of(org), "alarm", why=why, link=link)

    async def _post(
        self,
        card: StaffCard,
        body: str,
        word: str,
        now: datetime,
        *,
        first: str,
        settled: bool,
        keys: tuple[str, ...] = (),
    ) -> None:
        """Send or edit. `first`: the word that a card is posted with.

        A message sent before a crash and decided on after it is not sent again, but edited.
        """
        event_id = card.event_id
        if event_id is None:
            txn_id = txn_id_of(card.id)
            event_id = await self.session.send(card.room_id, new_content(body), txn_id)
            for number, key in enumerate(keys):
                content, txn_id = sign_on(event_id, key), f"card-{card.id}-sign{number}"
                await self.session.send(card.room_id, content, txn_id, "m.reaction")
        if word != first:
            content = edit_of(event_id, body)
            await self.session.send(card.room_id, content, f"card-{card.id}-{word}")
        kept = evolve(
            card, event_id=event_id, shown=word, settled_at=now if settled else card.settled_at
        )
        async with self.services.store.begin() as work:
            await work.cards.save(kept)
        outcome = "posted" if card.event_id is None else "edited"
        BOT_CARDS.labels(card.kind.value, outcome).inc()
        logger.info("card %s card=%s kind=%s shows=%s", outcome, card.id, card.kind.value, word)

    async def _give_up(self, card: StaffCard, now: datetime) -> None:
        async with self.services.store.begin() as work:
            await work.cards.save(evolve(card, settled_at=now))


def _is_new_application(card: StaffCard) -> bool:
    return card.kind is CardKind.APPLICATION and not card.shown


async def forget_old(now: datetime, services: Services) -> int:
    """Cards that were settled long ago; how many."""
    async with services.store.begin() as work:
        return await work.cards.purge(now - KEPT)
