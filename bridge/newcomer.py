"""Finds out what is known of a newcomer: invite, proved contact, lists, directory. No judgement: `joining.py`."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from datetime import datetime

from attrs import evolve, field, frozen

from bridge.application import State
from bridge.binding import ProofRefusal, proved
from bridge.contact import Medium
from bridge.freed import free_if_nobodys
from bridge.invite import Invite, InviteRefusal
from bridge.journey import Journey
from bridge.people import Family, PersonRecord, Relative, SourceKey, Status
from bridge.ports import Repositories
from bridge.records import NOWHERE, ListedContact, Lookup, SessionHash
from bridge.roles import ClassId, OrgId, PersonId, Role, UserId
from bridge.services import Services
from bridge.standing import Standing

#: People of one contact whom we look at; a school that lists its own switchboard for everybody is no match for anyone.
MOST_LISTED = 8
#: States in which an application may still come true.
WAITS = frozenset({State.NEW, State.APPROVED})


@frozen(kw_only=True)
class Newcomer:
    """Attributes:
    lookup: of the contact that stands for them, for what they apply for; None: signed in without any.
    beside: their profiles at other schools of this server, which have the same contact (ADR 32).
    """

    invite: Invite
    standing: Standing = field(repr=False)
    lookup: Lookup | None = field(repr=False)
    beside: frozenset[UserId] = frozenset()


@frozen(kw_only=True)
class _Kept:
    """What the bridge's own tables say.

    Attributes:
        owner: at the invite's school, or whoever is signed in.
        schools: of the contacts of whoever is signed in.
        elsewhere: profiles of other schools with the contact.
    """

    owner: UserId | None
    schools: frozenset[OrgId] = frozenset()
    elsewhere: frozenset[UserId] = frozenset()
    contacts: Sequence[tuple[Medium, Lookup]] = field(repr=False)
    listed: Sequence[ListedContact] = field(repr=False)
    applied: frozenset[tuple[Role | None, ClassId | None]]


async def newcomer_of(
    journey: Journey,
    session: SessionHash,
    signed_in: UserId | None,
    now: datetime,
    *,
    services: Services,
) -> Newcomer | InviteRefusal | ProofRefusal:
    """Whoever sits at this browser. The contact is proved, or the session is the owner's."""
    async with services.store.begin() as work:
        invite = await work.invites.get(journey.invite_id)
        if invite is None:
            return InviteRefusal.UNKNOWN
        over = invite.refusal(now)
        if over is not None:
            return over
        kept = await _kept(work, invite, journey, session, signed_in, now)
    if isinstance(kept, ProofRefusal):
        return kept
    if not journey.is_me:
        kept = await _without_nobodys(kept, invite.org_id, now, services)
    role = invite.role or journey.role
    if role is None:
        return InviteRefusal.UNKNOWN
    standing = await _standing(invite, role, journey, kept, services)
    if journey.is_me and not (standing.persons or kept.contacts or kept.applied):
        return ProofRefusal.NOT_PROVED  # R16: the account of somebody who got a no is closed
    lookup = kept.contacts[0][1] if kept.contacts else None
    return Newcomer(invite=invite, standing=standing, lookup=lookup, beside=kept.elsewhere)


async def is_waited_for(user_id: UserId, services: Services) -> bool:
    """Whether an account that is of no school (yet) is anybody's: it has a contact, or an application waits (R16)."""
    async with services.store.begin() as work:
        if await work.contacts.of_account(user_id):
            return True
    return await has_applied(user_id, services)


async def has_applied(user_id: UserId, services: Services) -> bool:
    """Whether an application of the account may still come true."""
    async with services.store.begin() as work:
        found = await work.applications.of_applicant(user_id)
    return any(one.state in WAITS for one in found)


async def _without_nobodys(kept: _Kept, org_id: OrgId, now: datetime, services: Services) -> _Kept:
    """R40: profiles of people who are of no school any more lose the contact."""
    mine = [one for one in (kept.owner, *sorted(kept.elsewhere)) if one is not None]
    freed = {one for one in mine if await free_if_nobodys(one, org_id, now, services=services)}
    owner = None if kept.owner in freed else kept.owner
    return evolve(kept, owner=owner, elsewhere=kept.elsewhere - freed)


async def roles_at(accounts: Iterable[UserId], services: Services) -> frozenset[Role] | None:
    """What these are at their schools, or wait to become there; None: there are none.

    Empty when of one of them it is not known: whoever has come in this minute, or was dropped by a list today.
    """
    found: list[frozenset[Role]] = []
    for user_id in accounts:
        account = await services.directory.account(user_id)
        if account is not None:
            found.append(account.roles)
            continue
        async with services.store.begin() as work:
            applied = await work.applications.of_applicant(user_id)
        waits = (one.role for one in applied if one.state in WAITS)
        found.append(frozenset(role for role in waits if role is not None))
    if not found:
        return None
    return frozenset().union(*found) if all(found) else frozenset()


async def _kept(
    work: Repositories,
    invite: Invite,
    journey: Journey,
    session: SessionHash,
    signed_in: UserId | None,
    now: datetime,
) -> _Kept | ProofRefusal:
    if journey.is_me:
        if signed_in is None:
            return ProofRefusal.NOT_PROVED
        owner: UserId | None = signed_in
        mine = await work.contacts.of_account(signed_in)
        contacts = [(one.medium, one.lookup) for one in mine]
        schools, elsewhere = frozenset(one.org_id for one in mine), frozenset[UserId]()
    else:
        chain = None
        if journey.challenge_id is not None:
            chain = await proved(work, journey.challenge_id, session, now)
        if chain is None or chain.invite_id != invite.id:
            return ProofRefusal.NOT_PROVED
        owner = await work.contacts.owner(chain.medium, chain.lookup, invite.org_id)
        contacts = [(chain.medium, chain.lookup)]
        holders = await work.contacts.holders(chain.medium, chain.lookup)
        schools = frozenset[OrgId]()
        elsewhere = frozenset(one.user_id for one in holders if one.user_id != owner)
    listed = [
        one
        for medium, lookup in contacts
        for one in await work.listed.matches(invite.org_id, medium, lookup)
    ]
    waiting = [] if owner is None else await work.applications.of_applicant(owner)
    return _Kept(
        owner=owner,
        schools=schools,
        elsewhere=elsewhere,
        contacts=contacts,
        listed=listed,
        applied=frozenset((one.role, one.class_id) for one in waiting if one.state in WAITS),
    )


async def _standing(
    invite: Invite, role: Role, journey: Journey, kept: _Kept, services: Services
) -> Standing:
    directory, org_id = services.directory, invite.org_id
    class_id = invite.class_id if invite.role is not None else journey.class_id
    family = None
    if invite.person_id is not None:
        family = await directory.family(org_id, invite.person_id)
    account = None if kept.owner is None else await directory.account(kept.owner)
    persons = [] if account is None else list(await directory.persons(account.user_id))
    listed = await _listed(org_id, kept.listed, services)
    named = None if family is None else family.person
    comers = [one for one in (named, *listed) if one is not None]
    parents = [one for one in (*persons, *listed) if Role.GUARDIAN in one.roles]
    return Standing(
        kind=invite.kind,
        role=role,
        class_id=class_id,
        grade=None if class_id is None else await directory.grade(org_id, class_id),
        email_signup_max_grade=services.config.email_signup_max_grade,
        named=named,
        guardians=() if family is None else family.guardians,
        owner=kept.owner,
        is_me=journey.is_me,
        by_session=journey.by_session,
        persons=persons,
        same_school=kept.schools <= {org_id, NOWHERE}
        if account is None
        else account.org_id == org_id,
        elsewhere=await roles_at(kept.elsewhere, services),
        applied=kept.applied,
        listed=listed,
        children=await _children(org_id, parents, services),
        left=await left_by_themselves(comers, services),
        had=await _had(comers, kept.contacts, services),
    )


async def _listed(
    org_id: OrgId, contacts: Iterable[ListedContact], services: Services
) -> list[PersonRecord]:
    keys = list(dict.fromkeys(SourceKey(one.source, one.source_id) for one in contacts))
    if len(keys) > MOST_LISTED:
        return []
    found = await asyncio.gather(*(services.directory.by_source(org_id, key) for key in keys))
    return [one for one in found if one is not None]


async def _children(
    org_id: OrgId, parents: Iterable[PersonRecord], services: Services
) -> dict[PersonId, Sequence[Relative]]:
    ids = list(dict.fromkeys(one.person_id for one in parents))
    found: Sequence[Family | None] = await asyncio.gather(
        *(services.directory.family(org_id, one) for one in ids)
    )
    return {
        one: family.children for one, family in zip(ids, found, strict=True) if family is not None
    }


async def left_by_themselves(
    people: Iterable[PersonRecord], services: Services
) -> frozenset[PersonId]:
    """Those who pressed «Покинуть» and are not erased: they may come back (R29). Not who was taken out by others."""
    gone = [one for one in people if one.status is Status.LEFT and one.user_id is not None]
    found: set[PersonId] = set()
    if not gone:
        return frozenset()
    async with services.store.begin() as work:
        for one in gone:
            assert one.user_id is not None
            departures = await work.departures.of_account(one.user_id)
            found |= {departure.person_id for departure in departures if departure.own_wish}
    return frozenset(found) & {one.person_id for one in gone}


async def _had(
    people: Iterable[PersonRecord], contacts: Sequence[tuple[Medium, Lookup]], services: Services
) -> frozenset[UserId]:
    accounts = {
        one.user_id for one in people if one.status is Status.LEFT and one.user_id is not None
    }
    if not accounts:
        return frozenset()
    async with services.store.begin() as work:
        return frozenset(
            [
                account
                for account in accounts
                for medium, lookup in contacts
                if await work.contacts.was_of(medium, lookup, account)
            ]
        )
