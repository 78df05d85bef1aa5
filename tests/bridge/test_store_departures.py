"""Who has left, and browsers that were signed in too long ago: the same in memory and in both databases."""

from __future__ import annotations

from datetime import timedelta

from attrs import evolve

from bridge.ports import Store
from bridge.records import Departure, Session, SessionHash
from bridge.roles import PersonId
from tests.bridge.values import BROWSER, MASHA, MOTHER, NOW, SCHOOL

MONTH = timedelta(days=30)
GONE = Departure(
    person_id=PersonId("p1"), user_id=MASHA, org_id=SCHOOL, left_at=NOW, erase_at=NOW + MONTH
)


async def test_whoever_has_left_is_due_when_the_grace_time_is_over(store: Store) -> None:
    """Not before, the oldest first, and once erased no more."""
    later = evolve(GONE, person_id=PersonId("p2"), erase_at=NOW + 2 * MONTH, own_wish=True)
    async with store.begin() as work:
        await work.departures.put(later)
        await work.departures.put(GONE)
    async with store.begin() as work:
        assert await work.departures.of_account(MASHA) == [GONE, later]
        assert await work.departures.of_account(MOTHER) == []
        assert await work.departures.due(NOW, 10) == []
        assert await work.departures.due(NOW + MONTH, 10) == [GONE]
        assert await work.departures.due(NOW + 2 * MONTH, 1) == [GONE]
        await work.departures.erased(GONE.person_id, NOW + MONTH)
        assert await work.departures.due(NOW + 2 * MONTH, 10) == [later]


async def test_whoever_comes_back_and_leaves_again_begins_anew(store: Store) -> None:
    """R29: the first departure is forgotten."""
    again = evolve(GONE, left_at=NOW + MONTH, erase_at=NOW + 2 * MONTH)
    async with store.begin() as work:
        await work.departures.put(GONE)
        await work.departures.end(GONE.person_id)
        assert await work.departures.of_account(MASHA) == []
        await work.departures.put(GONE)
        await work.departures.put(again)
        assert await work.departures.of_account(MASHA) == [again]


async def test_expired_browsers_are_forgotten(store: Store) -> None:
    """Those that are still signed in stay."""
    old = Session(hash=BROWSER, created_at=NOW, expires_at=NOW + MONTH, user_id=MASHA)
    young = evolve(old, hash=SessionHash(b"y" * 32), expires_at=NOW + 2 * MONTH)
    async with store.begin() as work:
        await work.sessions.add(old)
        await work.sessions.add(young)
        assert await work.sessions.purge(NOW + MONTH) == 1
        assert await work.sessions.get(young.hash, NOW + MONTH) == young
