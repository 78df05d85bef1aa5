"""What administration may do to an account that is of another school by now (R30, R40)."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

from attrs import evolve

from bridge.people import Status
from bridge.ports_homeserver import Device, HomeserverAccount
from bridge.roles import Account, OrgId, Role, UserId
from bridge.school_people import release_contacts_of, sign_out_devices
from bridge.school_rights import ChangeRefusal
from bridge.services import Services
from bridge.web.person import login_of
from tests.bridge.test_leaving import SmallDirectory, account_of, lists, record, services_of
from tests.bridge.values import MOTHER, SCHOOL, bound

DIRECTOR = Account(user_id=UserId("head"), org_id=SCHOOL, roles=frozenset({Role.DIRECTOR}))
HERE = evolve(record("p1", Role.STUDENT), status=Status.LEFT)
THERE = record("p2", Role.STUDENT)


class Moved(SmallDirectory):
    """The pupil's account is of another school now."""

    async def account(self, user_id: UserId) -> Account | None:
        return evolve(account_of(THERE), org_id=OrgId("other"))


async def moved() -> Services:
    async def account(user_id: UserId) -> HomeserverAccount:
        return HomeserverAccount(user_id=user_id)

    async def devices(user_id: UserId) -> list[Device]:
        return [Device(device_id="D", name="phone")]

    homeserver = SimpleNamespace(account=account, devices=devices)
    services = evolve(services_of(Moved.of(HERE, THERE)), homeserver=cast(Any, homeserver))
    async with services.store.begin() as work:
        await work.contacts.claim(bound("k1", MOTHER))
    return services


async def test_nothing_is_done_to_an_account_of_another_school() -> None:
    """The old school keeps a record of who has left, not a hand on the phone."""
    services = await moved()
    for change in (release_contacts_of, sign_out_devices):
        assert await change(DIRECTOR, HERE, services=services) is ChangeRefusal.REFUSED
    async with services.store.begin() as work:
        assert len(await work.contacts.of_account(MOTHER)) == 1
    assert await lists(services) == []


async def test_nothing_is_shown_of_an_account_of_another_school() -> None:
    """Neither contact nor devices nor who they are there."""
    login = await login_of(DIRECTOR, HERE, services=await moved())
    assert login is not None
    assert (login.contacts, login.devices, login.account, login.others) == ((), (), None, ())
