"""When the day's message about what waits is due: by the school's own clock, once, while something waits."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from attrs import evolve

from bridge.bot.digest import due_digest
from bridge.people import Org
from bridge.records import CardId, CardKind
from tests.bridge.test_leaving import SmallDirectory, services_of
from tests.bridge.values import NOW, SCHOOL, VAULT, application

VLADIVOSTOK = Org(org_id=SCHOOL, name="Школа", timezone="Asia/Vladivostok", school_year="2026/2027")
#: 08:59 there, 01:59 in Moscow.
EARLY = datetime(2026, 9, 10, 22, 59, tzinfo=UTC)
NINE = EARLY + timedelta(minutes=1)


async def test_the_digest_comes_from_nine_on_and_once_a_day() -> None:
    """Not at night, not for what is younger than a day, not twice."""
    services = services_of(SmallDirectory.of())
    young = evolve(application("young"), submitted_at=NINE - timedelta(hours=23))
    async with services.store.begin() as work:
        await work.applications.add(young, VAULT.seal(b"x", "x"))
    assert await due_digest(VLADIVOSTOK, NINE, services) is None
    async with services.store.begin() as work:
        old = evolve(application("old"), submitted_at=NOW)
        await work.applications.add(old, VAULT.seal(b"x", "x"))
    assert await due_digest(VLADIVOSTOK, EARLY, services) is None
    ref = await due_digest(VLADIVOSTOK, NINE, services)
    assert ref == f"{SCHOOL}:2026-09-11"
    async with services.store.begin() as work:
        await work.cards.add(CardId("c1"), CardKind.DIGEST, ref, SCHOOL, "!room", NINE)
    assert await due_digest(VLADIVOSTOK, NINE + timedelta(hours=10), services) is None
    assert await due_digest(VLADIVOSTOK, NINE + timedelta(days=1), services) is not None
