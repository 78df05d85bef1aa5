"""Cards when the room says no, and when the directory is away: with the bot's parts, without its client."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

import pytest
from attrs import define, evolve, field

from bridge.bot import running
from bridge.bot.posting import MOST_AT_ONCE, Posting
from bridge.bot.rooms import Rooms
from bridge.bot.session import BotRefused
from bridge.ports_directory import DirectoryDown
from bridge.records import CardKind, StaffCard
from bridge.roles import UserId
from bridge.vault import CannotUnseal
from tests.bridge.bot.office import Office

pytestmark = pytest.mark.integration


@define
class Door:
    """Takes messages for rooms that are open."""

    open: set[str]
    sent: list[tuple[str, str]] = field(factory=list)

    async def send(
        self, room_id: str, content: Mapping[str, Any], txn_id: str, kind: str = "m.room.message"
    ) -> str:
        if room_id not in self.open:
            raise BotRefused("M_FORBIDDEN")
        if kind == "m.room.message":
            self.sent.append((room_id, txn_id))
        return f"${txn_id}"


async def rounds(office: Office, door: Door, count: int = 1) -> list[int]:
    """Rounds of posting for the school."""
    services = office.world.services
    posting = Posting(
        user_id=UserId(office.server.staff_bot),
        services=services,
        rooms=Rooms(services.directory, asyncio.get_running_loop().time),
        session=door,
        refused=lambda error: isinstance(error, BotRefused),
    )
    org = await services.directory.org(office.world.org_id)
    assert org is not None
    return [await posting.round(org, office.world.clock()) for _ in range(count)]


async def kept(office: Office, ref: str) -> StaffCard:
    async with office.world.services.store.begin() as work:
        found = await work.cards.of(CardKind.APPLICATION, ref)
    assert found is not None
    return found


async def test_a_card_waits_for_the_bot_to_be_let_in(office: Office) -> None:
    """The room is there, the bot not yet: nothing is lost, and it is posted once."""
    made = await office.apply()
    door = Door(set())
    assert await rounds(office, door, 2) == [0, 0]
    door.open.add(office.room_id)
    assert await rounds(office, door, 2) == [1, 0]
    assert (await kept(office, made.id)).event_id is not None


async def test_a_card_follows_the_room(office: Office) -> None:
    """The administration has another room by now."""
    made = await office.apply()
    door = Door({office.room_id})
    await rounds(office, Door(set()))
    card = await kept(office, made.id)
    async with office.world.services.store.begin() as work:
        await work.cards.save(evolve(card, room_id="!old:school.test"))
    assert await rounds(office, door, 2) == [0, 1]
    assert [room_id for room_id, _ in door.sent] == [office.room_id]


async def test_what_cannot_be_read_has_no_card(office: Office) -> None:
    """Sealed with another file of keys: it is passed over, and others are not held up."""
    made, other = await office.apply(), await office.apply(family="Волкова")
    services = office.world.services
    broken = evolve(services, vault=Blind(services.vault))
    office.world.services = broken
    door = Door({office.room_id})
    assert await rounds(office, door) == [0]
    office.world.services = services
    assert (await kept(office, made.id)).settled_at is not None
    third = await office.apply(family="Орлова")
    assert await rounds(office, door) == [1]
    assert (await kept(office, third.id)).number == 3
    assert (await kept(office, other.id)).event_id is None


@define
class Blind:
    """A vault with other keys."""

    _vault: Any

    def __getattr__(self, name: str) -> Any:
        return getattr(self._vault, name)

    def unseal(self, sealed: bytes, purpose: str) -> bytes:
        raise CannotUnseal("another key")


async def test_many_cards_come_in_rounds(office: Office) -> None:
    """A long queue does not hold up the bot's other rooms; its order is kept."""
    for number in range(MOST_AT_ONCE + 3):
        await office.apply(family="Волкова", given=f"И{number}")
    door = Door({office.room_id})
    assert await rounds(office, door, 3) == [MOST_AT_ONCE, 3, 0]
    assert len({txn_id for _, txn_id in door.sent}) == MOST_AT_ONCE + 3


async def test_a_directory_that_is_away_loses_nothing(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was said while it was away is done when it is back, however often the bot had to begin again."""
    monkeypatch.setattr(running, "MOST_TRIES", 1)
    directory = Flaky(office.world.services.directory)
    office.start_bot(services=evolve(office.world.services, directory=directory))
    made = await office.apply()
    card = await office.card(made.id)
    directory.is_away, directory.failures = True, 3
    answer = await office.answer("D1", f"!отклонить {card.number}")
    assert "отклонено" in answer
    assert directory.failures == 0


async def test_what_can_never_be_done_is_given_up(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An event that fails while everything else works holds up nothing."""
    monkeypatch.setattr(running, "MOST_TRIES", 3)
    directory = Flaky(office.world.services.directory)
    office.start_bot(services=evolve(office.world.services, directory=directory))
    await office.answer("D1", "!help")  # it listens
    directory.failures = 3
    lost = await office.say("D1", "!help")
    assert "нет" in await office.answer("D2", "!очередь")
    assert directory.failures == 0
    assert lost not in [
        event["content"].get("m.relates_to", {}).get("m.in_reply_to", {}).get("event_id")
        for event in await office.messages()
    ]


@define
class Flaky:
    """A directory that does not say who somebody is, so many times; nor anything else while it is away."""

    _directory: Any
    failures: int = 0
    is_away: bool = False

    def __getattr__(self, name: str) -> Any:
        return getattr(self._directory, name)

    async def account(self, user_id: UserId) -> Any:
        if self.failures:
            self.failures -= 1
            raise DirectoryDown("busy")
        self.is_away = False
        return await self._directory.account(user_id)

    async def orgs(self) -> Any:
        if self.is_away:
            raise DirectoryDown("busy")
        return await self._directory.orgs()
