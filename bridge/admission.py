"""The last step of joining: invite, contact, application and steps in one transaction (R7, R10, R16, R20).

Whatever was decided before is decided again by what the transaction finds: an invite used up, a number claimed by
somebody faster, the same form sent twice.
"""

from __future__ import annotations

import logging
from datetime import datetime
from typing import NoReturn

from attrs import frozen

from bridge import applicant as forms
from bridge.applicant import Applicant
from bridge.application import Application, ApplyRefusal, State
from bridge.applying import Form, apply_in
from bridge.binding import ProofRefusal, Taken, bind_in
from bridge.ids import new_localpart, user_id_of
from bridge.invite import Invite, InviteRefusal
from bridge.journey import Arrival, Journey, end_journey, journey_of, keep_arrival
from bridge.newcomer import Newcomer
from bridge.people import LinkStatus, NewPerson, SourceKey, Status
from bridge.ports import Repositories
from bridge.records import SessionHash, StepsId
from bridge.roles import Role, UserId
from bridge.services import Services
from bridge.standing import Admit, AskNames, NewParent
from bridge.steps import Activate, CreatePerson, EnsureAccount, Link, SetPassword, Step, Steps, Who
from bridge.writer import enqueue

logger = logging.getLogger(__name__)

#: `source` of records of parents whom a child's link vouched for (docs/contracts.md §2).
SOURCE = "join"
#: Names of accounts that we try before giving up: one that is taken is rarer than a meteorite.
MOST_NAMES = 5


@frozen(kw_only=True)
class Admitted:
    """In, or on the way: `steps_id` is the list that the last page waits for. `application`: waits for staff."""

    user_id: UserId
    steps_id: StepsId | None
    application: Application | None = None


@frozen
class Lost:
    """This browser's journey is over: sent twice, or the code was too long ago."""


AdmissionRefusal = InviteRefusal | ProofRefusal | ApplyRefusal | Taken | Lost


class _Undo(Exception):
    """Rolls the transaction back."""

    def __init__(self, refusal: AdmissionRefusal) -> None:
        super().__init__(type(refusal).__name__)
        self.refusal = refusal


def _undo(refusal: AdmissionRefusal) -> NoReturn:
    raise _Undo(refusal)


@frozen(kw_only=True)
class Door:
    """Where somebody stands: the browser, the way they came, the time."""

    session: SessionHash
    journey: Journey
    now: datetime
    services: Services


async def admit(
    door: Door, newcomer: Newcomer, outcome: Admit | NewParent, relation: str = ""
) -> Admitted | AdmissionRefusal:
    """Somebody whom nobody needs to decide on any more. `relation`: of a parent, in their own word."""
    person = outcome.person if isinstance(outcome, Admit) else None
    user_id = outcome.account or await new_account(door.services)
    steps = _admission_steps(door, outcome, user_id, relation)
    try:
        async with door.services.store.begin() as work:
            await _pass(work, door, newcomer, user_id)
            if not await work.invites.use(newcomer.invite.id, door.now):
                _undo(newcomer.invite.refusal(door.now) or InviteRefusal.USED_UP)
            if person is not None and person.status is Status.LEFT:
                await work.departures.end(person.person_id)
            await _end_applications(work, user_id, newcomer.standing.role)
            steps_id = await _enqueue(work, door, newcomer.invite, user_id, steps)
    except _Undo as undo:
        return _refused(undo.refusal)
    logger.info("admitted account=%s invite=%s", user_id, newcomer.invite.id)
    return Admitted(user_id=user_id, steps_id=steps_id)


async def apply_for(
    door: Door, newcomer: Newcomer, outcome: AskNames, applicant: Applicant
) -> Admitted | AdmissionRefusal:
    """An application, and an account that lets nobody in before a yes (R16)."""
    assert outcome.child is None
    standing = newcomer.standing
    user_id = standing.owner or await new_account(door.services)
    form = Form(
        role=standing.role,
        class_id=standing.class_id,
        applicant=user_id,
        text=forms.pack(applicant),
    )
    steps: tuple[Step, ...] = (EnsureAccount(door.journey.password or None),)
    try:
        async with door.services.store.begin() as work:
            await _pass(work, door, newcomer, user_id)
            lookup = newcomer.lookup
            if lookup is None:  # signed in, and without any contact: their account stands for them
                lookup = door.services.vault.lookup(f"account:{user_id}")
            made = await apply_in(
                work,
                newcomer.invite,
                lookup,
                form,
                door.now,
                vault=door.services.vault,
                chance=door.services.chance,
            )
            if not isinstance(made, Application):
                _undo(made)
            steps_id = await _enqueue(work, door, newcomer.invite, user_id, steps)
    except _Undo as undo:
        return _refused(undo.refusal)
    return Admitted(user_id=user_id, steps_id=steps_id, application=made)


async def use_card(
    invite: Invite,
    outcome: Admit,
    password: str,
    session: SessionHash,
    now: datetime,
    *,
    services: Services,
) -> Admitted | InviteRefusal:
    """R20: the pupil of the card is in with this password, without a contact; whoever had one gets the new password.

    Pressed twice, the second finds the card used up; what it is told is the account's name (`journey.Arrival`).
    """
    known = outcome.account is not None
    user_id = outcome.account or await new_account(services)
    if known and not await only_a_pupil(user_id, services):
        logger.warning("card refused account=%s invite=%s", user_id, invite.id)
        return InviteRefusal.REVOKED
    steps: tuple[Step, ...] = (EnsureAccount(password), Activate(outcome.person.person_id))
    if known:
        steps = (SetPassword(password, sign_out=True),)
    async with services.store.begin() as work:
        if not await work.invites.use(invite.id, now):
            return invite.refusal(now) or InviteRefusal.USED_UP
        if known:
            await work.sessions.end_all(user_id)
        else:
            await work.departures.end(outcome.person.person_id)
        listed = Steps(user_id=user_id, org_id=invite.org_id, by=user_id, steps=steps)
        steps_id = await enqueue(work, listed, now, services.vault, services.chance)
        arrival = Arrival(steps_id=steps_id, login=user_id, by_card=True)
        await keep_arrival(work, session, arrival, now, services.vault)
    services.writer.wake()
    logger.info("card used account=%s invite=%s", user_id, invite.id)
    return Admitted(user_id=user_id, steps_id=steps_id)


async def only_a_pupil(user_id: UserId, services: Services) -> bool:
    """R32: a card is a class teacher's to print, so it must not open what a colleague or a parent may do."""
    account = await services.directory.account(user_id)
    return account is None or account.roles == frozenset({Role.STUDENT})


async def new_account(services: Services) -> UserId:
    """A name that nobody has. The account is made by the steps."""
    for _ in range(MOST_NAMES):
        user_id = user_id_of(new_localpart(services.random_bytes), services.config.server_name)
        if await services.homeserver.account(user_id) is None:
            return user_id
    raise RuntimeError("every name is taken: the source of randomness is broken")


async def _pass(work: Repositories, door: Door, newcomer: Newcomer, user_id: UserId) -> None:
    """The journey ends here, once; the contact becomes `user_id`'s."""
    await work.rates.serialise()  # the same form sent twice: one after the other
    if await journey_of(work, door.session, door.now, door.services.vault) is None:
        _undo(Lost())
    await end_journey(work, door.session)
    if door.journey.is_me:
        return
    assert door.journey.challenge_id is not None
    bound = await bind_in(
        work,
        door.journey.challenge_id,
        door.session,
        user_id,
        newcomer.invite.org_id,
        door.now,
        vault=door.services.vault,
        chance=door.services.chance,
        beside=newcomer.beside,
    )
    if isinstance(bound, Taken | ProofRefusal):
        _undo(bound)


async def _end_applications(work: Repositories, user_id: UserId, role: Role) -> None:
    """What they had applied for in this role has come true in another way: a late no must not close the account."""
    for waiting in await work.applications.of_applicant(user_id):
        if waiting.state is State.NEW and waiting.role is role:
            await work.applications.move(waiting, waiting.withdraw())


def _admission_steps(
    door: Door, outcome: Admit | NewParent, user_id: UserId, relation: str
) -> tuple[Step, ...]:
    steps: list[Step] = [EnsureAccount(door.journey.password or None)]
    who: Who
    if isinstance(outcome, NewParent):
        key = SourceKey(SOURCE, f"{user_id}-guardian")
        who = key
        new = NewPerson(
            key=key,
            family_name=outcome.names.family_name,
            given_name=outcome.names.given_name,
            middle_name=outcome.names.middle_name,
            roles=frozenset({Role.GUARDIAN}),
        )
        steps += [CreatePerson(new), Activate(key)]
    else:
        who = outcome.person.person_id
        is_back = outcome.account is not None and outcome.person.user_id == outcome.account
        if is_back and outcome.person.status is Status.LEFT and door.journey.password:
            steps.append(SetPassword(door.journey.password, sign_out=True))
        if not outcome.person.active:
            steps.append(Activate(who))
    if outcome.child is not None:
        steps.append(Link(who, outcome.child.person_id, relation, LinkStatus.CONFIRMED))
    return tuple(steps)


async def _enqueue(
    work: Repositories, door: Door, invite: Invite, user_id: UserId, steps: tuple[Step, ...]
) -> StepsId:
    listed = Steps(user_id=user_id, org_id=invite.org_id, by=user_id, steps=steps)
    services = door.services
    return await enqueue(work, listed, door.now, services.vault, services.chance)


def _refused(refusal: AdmissionRefusal) -> AdmissionRefusal:
    value = getattr(refusal, "value", type(refusal).__name__)
    logger.info("admission refused why=%s", value)
    return refusal
