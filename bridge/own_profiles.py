"""Profiles of one person at several schools of this server (ADR 32).

A profile is of one school, with an account of its own; the same contact may have one at each. That two are one human's
is what that human says, after a code to the other profile's contact: the schools are not told, and nothing of one is
shown to the other. Whoever is signed in to one of them sees the names of the other's children, and no more.
"""

from __future__ import annotations

import enum
import logging
from collections.abc import Sequence
from datetime import datetime

from attrs import field, frozen

from bridge.binding import ProofRefusal, holders_of_proved
from bridge.family import Child, children_of
from bridge.joining import may_have_two
from bridge.newcomer import has_applied, roles_at
from bridge.records import BoundContact, Purpose, SessionHash
from bridge.roles import Account, Role, UserId
from bridge.services import Services
from bridge.verification import ChallengeId

logger = logging.getLogger(__name__)

#: Profiles that one page shows: a person has one at each school.
MOST = 16


class LinkRefusal(enum.Enum):
    """Why a proved contact adds no profile. The values are stable."""

    NOT_PROVED = "not_proved"
    NO_OTHER = "no_other"  # nobody's at another school, or a pupil's


@frozen(kw_only=True)
class OwnProfile:
    """Another profile of whoever looks, with the children that its own page would show."""

    account: Account
    children: tuple[Child, ...] = field(default=(), repr=False)


def may_link(by: Account, other: Account) -> bool:
    """Whether these can be one person's: adults of two schools. Pure.

    A child's profile is nobody's second one, whoever has the phone in hand.
    """
    pupils = {Role.STUDENT}
    return by.org_id != other.org_id and pupils not in (by.roles, other.roles)


async def link_proved(
    by: Account,
    challenge_id: ChallengeId,
    session: SessionHash,
    now: datetime,
    *,
    services: Services,
) -> int | LinkRefusal:
    """`by` and the profiles that have the contact which this browser has just proved are one person's. How many."""
    found = await holders_of_proved(
        challenge_id, session, now, store=services.store, purpose=Purpose.LINK
    )
    if isinstance(found, ProofRefusal):
        return LinkRefusal.NOT_PROVED
    others = [await services.directory.account(one.user_id) for one in found]
    mine = [one.user_id for one in others if one is not None and may_link(by, one)]
    if not mine:
        return LinkRefusal.NO_OTHER
    async with services.store.begin() as work:
        known = await work.profiles.of(by.user_id)
        for other in mine[: MOST - len(known)]:
            await work.profiles.link(by.user_id, other, now)
    logger.info("profiles linked account=%s count=%s", by.user_id, len(mine))
    return len(mine)


async def unlink(by: Account, other: UserId, *, services: Services) -> bool:
    """They are two people's again, on both pages."""
    async with services.store.begin() as work:
        gone = await work.profiles.unlink(by.user_id, other)
    logger.info("profiles unlinked account=%s gone=%s", by.user_id, gone)
    return gone


async def other_profiles(
    by: Account, now: datetime, *, services: Services
) -> tuple[OwnProfile, ...]:
    """The linked ones that are of a school today, by the school's name."""
    async with services.store.begin() as work:
        linked = await work.profiles.of(by.user_id)
    found = []
    for user_id in linked[:MOST]:
        account = await services.directory.account(user_id)
        if account is None or not may_link(by, account):
            continue
        children: tuple[Child, ...] = ()
        if Role.GUARDIAN in account.roles:
            children = await children_of(account, now, services.directory)
        found.append(OwnProfile(account=account, children=children))
    return tuple(sorted(found, key=lambda one: (one.account.org_name, one.account.user_id)))


async def contact_leads_to(by: Account, *, services: Services) -> tuple[Account, ...]:
    """Profiles of other schools that clients find by a contact of `by`'s: there `by` signs in by login."""
    async with services.store.begin() as work:
        mine = await work.contacts.of_account(by.user_id)
        first = [(await work.contacts.holders(one.medium, one.lookup))[0] for one in mine]
    others = sorted({one.user_id for one in first} - {by.user_id})
    found = [await services.directory.account(one) for one in others]
    return tuple(one for one in found if one is not None)


async def may_share(
    challenge_id: ChallengeId,
    session: SessionHash,
    by: Account,
    now: datetime,
    *,
    services: Services,
) -> frozenset[UserId]:
    """Profiles of other schools beside which `by` may have the contact that this browser has proved."""
    found = await holders_of_proved(
        challenge_id, session, now, store=services.store, purpose=Purpose.CHANGE
    )
    if isinstance(found, ProofRefusal):
        return frozenset()
    others = frozenset(one.user_id for one in found if one.org_id != by.org_id)
    there = await roles_at(sorted(others), services)
    return others if all(may_have_two(role, there) for role in by.roles) else frozenset()


@frozen(kw_only=True)
class Behind:
    """A profile that a proved contact opens. `account` None: it waits for a school's yes."""

    user_id: UserId
    org_name: str
    account: Account | None = None


async def behind(holders: Sequence[BoundContact], *, services: Services) -> tuple[Behind, ...]:
    """The profiles behind a contact, by the school's name; those of nobody any more only if there are no others."""
    found = []
    for one in holders:
        account = await services.directory.account(one.user_id)
        org = await services.directory.org(one.org_id)
        name = "" if org is None else org.name
        found.append(Behind(user_id=one.user_id, org_name=name, account=account))
    here = [
        one for one in found if one.account is not None or await has_applied(one.user_id, services)
    ]
    return tuple(sorted(here or found[:1], key=lambda one: (one.org_name, one.user_id)))
