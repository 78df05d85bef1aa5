"""Messages of the staff bot in both databases, and in the fake that stands in for them."""

from __future__ import annotations

from datetime import timedelta

from attrs import evolve

from bridge.ports import Store
from bridge.records import CardId, CardKind, StaffCard
from bridge.roles import OrgId
from tests.bridge.values import NOW, SCHOOL

ROOM = "!office:school.test"
OTHER = OrgId("next")


async def add(
    store: Store, name: str, org_id: OrgId = SCHOOL, kind: CardKind = CardKind.APPLICATION
) -> StaffCard | None:
    async with store.begin() as work:
        return await work.cards.add(CardId(f"card-{org_id}-{name}"), kind, name, org_id, ROOM, NOW)


async def test_each_subject_has_one_card(store: Store) -> None:
    """A second reservation gets nothing, of another kind it gets its own; numbers count up in each school."""
    first, again, other = await add(store, "a1"), await add(store, "a1"), await add(store, "a2")
    next_ = await add(store, "b1", OTHER)
    alarm = await add(store, "a1", OTHER, CardKind.ALARM)
    assert again is None
    assert [card and card.number for card in (first, other, next_, alarm)] == [1, 2, 1, 2]
    async with store.begin() as work:
        assert await work.cards.without(CardKind.APPLICATION, ["a3", "a1", "a0"]) == ["a3", "a0"]
        assert await work.cards.of(CardKind.APPLICATION, "a1") == first
        assert await work.cards.of(CardKind.DISPUTE, "a1") is None
        assert await work.cards.unsettled(SCHOOL) == [first, other]


async def test_a_card_is_found_by_its_message_and_its_number(store: Store) -> None:
    """Only in its own room and its own school."""
    card = await add(store, "a1")
    assert card is not None
    posted = evolve(card, event_id="$1", shown="new")
    async with store.begin() as work:
        await work.cards.save(posted)
        assert await work.cards.by_event(ROOM, "$1") == posted
        assert await work.cards.get(posted.id) == posted
        assert await work.cards.get(CardId("0000")) is None
        assert await work.cards.by_event("!other:school.test", "$1") is None
        assert await work.cards.by_number(SCHOOL, 1) == posted
        assert await work.cards.by_number(OTHER, 1) is None


async def test_settled_cards_are_left_alone_and_forgotten(store: Store) -> None:
    """What nothing will change any more is not looked at again; later it is gone."""
    card = await add(store, "a1")
    assert card is not None
    async with store.begin() as work:
        await work.cards.save(evolve(card, event_id="$1", shown="finished", settled_at=NOW))
        assert await work.cards.unsettled(SCHOOL) == []
        assert await work.cards.purge(NOW) == 0
        assert await work.cards.purge(NOW + timedelta(days=1)) == 1
        assert await work.cards.by_number(SCHOOL, 1) is None
