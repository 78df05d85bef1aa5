"""How often a code is asked for, whatever is pressed (onboarding.md §6)."""

from __future__ import annotations

import asyncio
from collections import Counter
from datetime import datetime, timedelta
from ipaddress import ip_network

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from bridge.answers import CodeRefusal, Proven, Requested, Wrong
from bridge.contact import subject
from bridge.limits import Limit, Limits, Refused
from bridge.onboarding import forget_old
from bridge.records import Action, SessionHash
from bridge.verification import ChallengeId
from tests.bridge.desk import FORM, Desk
from tests.bridge.memory import MemoryStore
from tests.bridge.values import NOW, PHONE, VAULT


@pytest.fixture
async def memory() -> MemoryStore:
    return MemoryStore()


@pytest.fixture
async def desk(memory: MemoryStore) -> Desk:
    """A school's desk over a store in memory."""
    return await Desk.open(memory)


async def test_a_number_gets_three_codes_an_hour(desk: Desk) -> None:
    """However it is spelled, and by whatever browser and address it is asked for."""
    spellings = ["+79161234567", "8 (916) 123-45-67", "79161234567", "+7 916 123 45 67"]
    answers = [
        await desk.request(
            evolve(FORM, typed=typed, session=SessionHash(bytes([n]) * 32), address=f"192.0.2.{n}")
        )
        for n, typed in enumerate(spellings)
    ]

    assert [isinstance(answer, Requested) for answer in answers] == [True, True, True, False]
    assert answers[-1] == Refused(Limit.NUMBER_HOUR, 3600)


async def test_one_address_asks_ten_times_but_a_school_asks_for_everybody(desk: Desk) -> None:
    """A stranger walks through numbers; a class of thirty sits behind one address (`own_networks`)."""
    forms = [
        evolve(FORM, typed=f"+791612345{n:02d}", session=SessionHash(bytes([n]) * 32))
        for n in range(11)
    ]
    answers = [await desk.request(form) for form in forms]
    assert [isinstance(answer, Requested) for answer in answers] == [True] * 10 + [False]
    assert answers[-1] == Refused(Limit.ADDRESS, 3600)

    desk.settings = evolve(desk.settings, limits=Limits(own_networks=(ip_network("192.0.2.0/24"),)))
    assert isinstance(await desk.request(forms[-1]), Requested)


async def test_staff_hear_once_that_sending_stopped(desk: Desk, memory: MemoryStore) -> None:
    """The day's budget is spent: one line in the log of actions, not one for each newcomer."""
    desk.settings = evolve(desk.settings, limits=Limits(day_budget=1))
    await desk.requested()
    answers = [await desk.request() for _ in range(3)]

    assert {answer.limit for answer in answers if isinstance(answer, Refused)} == {Limit.BUDGET}
    assert [entry.action for entry in memory.kept.audit.rows] == [Action.SENDING_STOPPED]


async def test_strangers_cannot_use_up_what_all_share(desk: Desk) -> None:
    """A hundred forgotten passwords of numbers that are nobody's: a pupil with a link still gets a code."""
    desk.settings = evolve(desk.settings, limits=Limits(day_budget=1))
    for n in range(100):
        session, address = SessionHash(bytes([n]) * 32), f"198.51.100.{n}"
        number = f"+79161230{n:03d}"
        challenge = await desk.recover(
            evolve(FORM, token="", typed=number, session=session, address=address)
        )
        if n == 0:
            again = await desk.resend(challenge, NOW + timedelta(minutes=1), session)
            assert isinstance(again, Requested)
    later = NOW + timedelta(minutes=20)
    assert desk.codes == []
    await desk.requested(now=later)
    assert len(desk.codes) == 1
    assert isinstance(await desk.request(now=later), Refused)


async def test_old_things_are_forgotten(desk: Desk, memory: MemoryStore) -> None:
    """A day later neither the chain nor the counted times are there."""
    await desk.requested()
    await forget_old(NOW + timedelta(hours=23), store=memory)
    assert memory.kept.challenges.rows
    await forget_old(NOW + timedelta(hours=26), store=memory)
    assert (memory.kept.challenges.rows, memory.kept.rates.rows) == ({}, [])


def test_names_under_which_is_counted_hold_nobody(memory: MemoryStore) -> None:
    """Numbers and addresses are keyed hashes there."""

    async def names() -> str:
        desk = await Desk.open(memory)
        await desk.requested()
        return " ".join(name for name, _ in memory.kept.rates.rows)

    found = asyncio.run(names())
    assert VAULT.lookup(subject(PHONE)).hex() in found
    assert FORM.address not in found
    assert "9161234567" not in found


steps = st.lists(
    st.tuples(st.sampled_from(["request", "resend", "guess", "right"]), st.integers(0, 1200)),
    max_size=25,
)


@given(steps)
def test_whatever_is_pressed_the_numbers_hold(script: list[tuple[str, int]]) -> None:
    """Five guesses a chain, three messages an hour to a number, one pass a chain."""

    async def play() -> None:
        desk, now = await Desk.open(MemoryStore()), NOW
        chains: list[ChallengeId] = []
        sent_at: list[datetime] = []
        compared: Counter[ChallengeId] = Counter()
        passed: list[ChallengeId] = []
        for step, seconds in script:
            now += timedelta(seconds=seconds)
            answer: object
            if step == "request" or not chains:
                answer = await desk.request(now=now)
                if isinstance(answer, Requested):
                    chains.append(answer.challenge_id)
            elif step == "resend":
                answer = await desk.resend(chains[-1], now)
            else:
                typed = desk.codes[-1] if step == "right" and desk.codes else "999999"
                verdict = await desk.verify(chains[-1], typed, now)
                if isinstance(verdict, Wrong | Proven) or verdict is CodeRefusal.EXPIRED:
                    compared[chains[-1]] += 1
                if isinstance(verdict, Proven):
                    passed.append(chains[-1])
                continue
            if isinstance(answer, Requested):
                sent_at.append(now)
            await desk.deliver(now)
        assert max(compared.values(), default=0) <= 5
        assert len(set(passed)) == len(passed)
        for first in sent_at:
            assert sum(first <= at < first + timedelta(hours=1) for at in sent_at) <= 3
        assert len(desk.sms.sent) == len(sent_at)

    asyncio.run(play())
