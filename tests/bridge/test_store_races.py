"""Twenty at once, on SQLite and on PostgreSQL (R7, onboarding.md §6)."""

from __future__ import annotations

import asyncio

from bridge.invite import InviteId
from bridge.ports import Store
from bridge.records import Chain
from bridge.roles import UserId
from bridge.verification import TRIES, ChallengeId
from tests.bridge.values import NOW, bound, chain, invite

AT_ONCE = 20


async def claims(store: Store, round_: int) -> list[UserId]:
    """Twenty people claim one phone, each in a transaction of their own; who got it."""

    async def claim(number: int) -> UserId | None:
        person = UserId(f"p{number}")
        async with store.begin() as work:
            won = await work.contacts.claim(bound(f"k{round_}.{number}", person))
        return person if won else None

    answers = await asyncio.gather(*(claim(number) for number in range(AT_ONCE)))
    return [person for person in answers if person is not None]


async def test_of_twenty_claims_of_one_phone_one_wins(store: Store) -> None:
    """R7; and after its release it is claimable again, by one."""
    (first,) = await claims(store, 1)
    assert await claims(store, 2) == []

    async with store.begin() as work:
        assert await work.contacts.release(first, NOW) == 1
    assert len(await claims(store, 3)) == 1


async def test_of_twenty_guesses_five_are_compared(store: Store) -> None:
    """The try is taken and committed before anything is compared."""
    async with store.begin() as work:
        await work.challenges.add(chain())

    async def take() -> Chain | None:
        async with store.begin() as work:
            return await work.challenges.take_try(ChallengeId("c1"))

    taken = [got for got in await asyncio.gather(*(take() for _ in range(AT_ONCE))) if got]

    assert sorted(got.challenge.tries_left for got in taken) == list(range(TRIES))


async def test_of_twenty_right_codes_one_passes(store: Store) -> None:
    """The same code in twenty windows opens one."""
    async with store.begin() as work:
        await work.challenges.add(chain())

    async def enter() -> bool:
        async with store.begin() as work:
            return await work.challenges.mark_passed(ChallengeId("c1"), NOW)

    assert sum(await asyncio.gather(*(enter() for _ in range(AT_ONCE)))) == 1


async def test_a_single_use_invite_is_used_once(store: Store) -> None:
    """R10: also when the whole class has photographed the card."""
    async with store.begin() as work:
        await work.invites.add(invite("i1", max_uses=1))

    async def use() -> bool:
        async with store.begin() as work:
            return await work.invites.use(InviteId("i1"), NOW)

    assert sum(await asyncio.gather(*(use() for _ in range(AT_ONCE)))) == 1


async def test_counting_is_one_step(store: Store) -> None:
    """Twenty who each read and then add see each other: nobody slips through a limit."""

    async def count() -> int:
        async with store.begin() as work:
            await work.rates.serialise()
            seen = await work.rates.times(["all"], NOW.replace(year=2025))
            await work.rates.add(["all"], NOW)
            return len(seen["all"])

    assert sorted(await asyncio.gather(*(count() for _ in range(AT_ONCE)))) == list(range(AT_ONCE))
