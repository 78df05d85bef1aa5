"""Decisions on several applications of one person at once: nothing of them is left over (R16)."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from attrs import evolve

from bridge.application import Application, ApplicationId
from bridge.deciding import decide_application, expire_applications, withdraw_application
from bridge.ports import Store
from bridge.roles import Account, ClassId, Role, UserId
from bridge.services import Services
from tests.bridge.test_leaving import SmallDirectory, services_of
from tests.bridge.values import MOTHER, NOW, SCHOOL, VAULT, application, bound

DIRECTOR = Account(user_id=UserId("head"), org_id=SCHOOL, roles=frozenset({Role.DIRECTOR}))
MONTH_AND_DAY = NOW.replace(year=NOW.year + 1)


async def say_no(services: Services, one: ApplicationId) -> Any:
    return await decide_application(DIRECTOR, one, False, NOW, services=services)


async def withdraw(services: Services, one: ApplicationId) -> Any:
    return await withdraw_application(MOTHER, one, NOW, services=services)


Ending = Callable[[Services, ApplicationId], Awaitable[Any]]


@pytest.mark.parametrize("end", [say_no, withdraw])
async def test_of_two_noes_at_once_the_later_frees_the_contact(store: Store, end: Ending) -> None:
    """On both databases: a parent of two classes, both refused in one go, keeps neither number nor account."""
    services = evolve(services_of(SmallDirectory.of()), store=store)
    for round_ in range(5):
        ids = [ApplicationId(f"a{round_}.{number}") for number in range(4)]
        async with store.begin() as work:
            assert await work.contacts.claim(bound(f"k{round_}", MOTHER))
            for number, one in enumerate(ids):
                await work.applications.add(waits(one, f"{number}А"), VAULT.seal(b"x", "x"))
        answers = await asyncio.gather(*(end(services, one) for one in ids))
        assert all(isinstance(answer, Application) for answer in answers)
        async with store.begin() as work:
            assert await work.contacts.of_account(MOTHER) == []


def waits(one: ApplicationId, class_id: str) -> Application:
    parent = evolve(application(), id=one, role=Role.GUARDIAN, applicant=MOTHER)
    return evolve(parent, class_id=ClassId(class_id))


async def test_expiry_beside_a_no_frees_the_contact(store: Store) -> None:
    """The hourly round and a class teacher meet."""
    services = evolve(services_of(SmallDirectory.of()), store=store)
    ids = [ApplicationId("a1"), ApplicationId("a2")]
    async with store.begin() as work:
        assert await work.contacts.claim(bound("k1", MOTHER))
        for one in ids:
            await work.applications.add(waits(one, one), VAULT.seal(b"x", "x"))
    await asyncio.gather(
        expire_applications(MONTH_AND_DAY, services=services), say_no(services, ids[1])
    )
    async with store.begin() as work:
        assert await work.contacts.of_account(MOTHER) == []
