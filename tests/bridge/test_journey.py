"""What a browser has typed so far: sealed, its own, for an hour; lists of applications."""

from __future__ import annotations

from datetime import timedelta

from attrs import evolve

from bridge.application import Application, ApplicationId, State
from bridge.invite import InviteId
from bridge.journey import (
    LIFETIME,
    Arrival,
    Journey,
    arrival_of,
    end_journey,
    journey_of,
    keep_arrival,
    keep_journey,
)
from bridge.ports import Store
from bridge.records import Sealed, SessionHash, StepsId
from bridge.roles import Account, Role
from bridge.vault import FileVault
from bridge.verification import ChallengeId
from tests.bridge.memory import MemoryStore
from tests.bridge.values import BROWSER, CLASS, MASHA, NOW, SCHOOL, TEACHER, VAULT, application

JOURNEY = Journey(
    invite_id=InviteId("i1"),
    role=Role.GUARDIAN,
    class_id=CLASS,
    challenge_id=ChallengeId("c1"),
    password="три слова подряд",
    is_me=True,
)
OTHER = SessionHash(b"o" * 32)


async def test_a_journey_is_one_browsers(store: Store) -> None:
    """It comes back to its own browser, within its time, once; the last page has a place of its own."""
    arrival = Arrival(steps_id=StepsId("s1"), login="@u:x", contact="+7 ••• ••67", by_card=True)
    async with store.begin() as work:
        await keep_journey(work, BROWSER, JOURNEY, NOW, VAULT)
        await keep_arrival(work, BROWSER, arrival, NOW, VAULT)
    async with store.begin() as work:
        assert await journey_of(work, BROWSER, NOW, VAULT) == JOURNEY
        assert await journey_of(work, OTHER, NOW, VAULT) is None
        assert await journey_of(work, BROWSER, NOW + LIFETIME, VAULT) is None
        await end_journey(work, BROWSER)
        assert await journey_of(work, BROWSER, NOW, VAULT) is None
        assert await arrival_of(work, BROWSER, NOW, VAULT) == arrival


async def test_a_journey_is_sealed() -> None:
    """Neither the password nor anything else is readable in the table, and another key reads nothing."""
    memory = MemoryStore()
    async with memory.begin() as work:
        await keep_journey(work, BROWSER, JOURNEY, NOW, VAULT)
    ((sealed, _),) = memory.kept.journeys.rows.values()
    assert bytes(sealed).find(JOURNEY.password.encode()) == -1
    async with memory.begin() as work:
        assert await journey_of(work, BROWSER, NOW, FileVault(b"x" * 32)) is None
    assert JOURNEY.password not in repr(JOURNEY)


async def test_applications_of_somebody_and_of_a_time(store: Store) -> None:
    """The newest first of an account; of a state all that are older, the oldest first."""
    first = evolve(application("a1"), applicant=MASHA)
    second = evolve(first, id=ApplicationId("a2"), submitted_at=NOW + timedelta(hours=1))
    other = evolve(second, id=ApplicationId("a3"), applicant=TEACHER)
    by = Account(user_id=TEACHER, org_id=SCHOOL, roles=frozenset({Role.DIRECTOR}))
    async with store.begin() as work:
        for one in (second, other, first):
            await work.applications.add(one, Sealed(b"form"))
    async with store.begin() as work:
        assert await work.applications.of_applicant(MASHA) == [second, first]
        late = NOW + timedelta(hours=2)
        assert await names(work, State.NEW, late) == ["a1", "a2", "a3"]
        assert await names(work, State.NEW, NOW + timedelta(minutes=1)) == ["a1"]
        await work.applications.move(second, second.reject(by, NOW))
    async with store.begin() as work:
        assert await work.applications.of_applicant(MASHA) == [first]
        assert await names(work, State.REJECTED, late) == ["a2"]


async def names(work: object, state: State, before: object) -> list[str]:
    found: list[Application] = await work.applications.in_state(state, before)  # type: ignore[attr-defined] # any store's
    return [one.id for one in found]
