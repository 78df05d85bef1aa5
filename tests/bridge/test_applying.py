"""Applications through the use cases: made after a code, decided once (R10, R16)."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest
from attrs import evolve

from bridge.application import Application, ApplicationId, ApplyRefusal, DecisionRefusal, State
from bridge.applying import Form, apply, decide
from bridge.binding import ProofRefusal
from bridge.invite import InviteId, InviteRefusal
from bridge.ports import Store
from bridge.records import Action
from bridge.roles import Account, ClassId, Role, UserId
from bridge.verification import ChallengeId
from tests.bridge.desk import Desk
from tests.bridge.memory import MemoryStore
from tests.bridge.values import BROWSER, CLASS, NOW, SCHOOL, TEACHER, VAULT, invite

PUPIL = Form(role=Role.STUDENT, class_id=CLASS, text="Иванова Маша".encode())
DIRECTOR = Account(user_id=TEACHER, org_id=SCHOOL, roles=frozenset({Role.DIRECTOR}))
DEPUTY = evolve(DIRECTOR, user_id=UserId("deputy"), roles=frozenset({Role.DEPUTY}))
LATER = NOW + timedelta(minutes=20)


@pytest.fixture
async def memory() -> MemoryStore:
    return MemoryStore()


@pytest.fixture
async def desk(memory: MemoryStore) -> Desk:
    return await Desk.open(memory)


async def proved(desk: Desk) -> ChallengeId:
    challenge = await desk.requested()
    await desk.verify(challenge, desk.codes[-1])
    return challenge


async def applied(
    desk: Desk, challenge: ChallengeId, form: Form = PUPIL
) -> Application | ApplyRefusal | InviteRefusal | ProofRefusal:
    return await apply(
        challenge, BROWSER, form, NOW, store=desk.store, vault=VAULT, chance=desk.chance
    )


async def test_an_application_waits_for_staff(desk: Desk, memory: MemoryStore) -> None:
    """R16: what was written is sealed; the invite is used once; a yes is logged by id."""
    made = await applied(desk, await proved(desk))
    assert isinstance(made, Application)
    form = await memory.kept.applications.form(made.id)
    assert form is not None
    assert VAULT.unseal(form, f"application:{made.id}") == PUPIL.text
    assert memory.kept.invites.rows[InviteId("i1")].used == 1

    decided = await decide(DIRECTOR, made.id, True, LATER, store=memory)
    assert isinstance(decided, Application)
    assert (decided.state, decided.decided_by) == (State.APPROVED, TEACHER)
    actions = [entry.action for entry in await memory.kept.audit.of_org(SCHOOL, 10)]
    assert actions == [Action.APPLICATION_APPROVED, Action.APPLICATION_MADE]


async def test_no_code_no_application(desk: Desk) -> None:
    """A form alone reaches nobody."""
    asked = await desk.requested()

    assert await applied(desk, asked) is ProofRefusal.NOT_PROVED


async def test_the_invite_decides_role_and_class(desk: Desk, memory: MemoryStore) -> None:
    """R10: a class link never makes a director, whatever the form was changed to."""
    forged = Form(role=Role.DIRECTOR, class_id=ClassId("11А"), text=b"")

    made = await applied(desk, await proved(desk), forged)
    assert isinstance(made, Application)
    assert (made.role, made.class_id) == (Role.STUDENT, CLASS)


async def test_a_no_leaves_a_hash_and_slows_repeats(desk: Desk, memory: MemoryStore) -> None:
    """R16: names are gone at once; the same phone may ask again tomorrow."""
    challenge = await proved(desk)
    made = await applied(desk, challenge)
    assert isinstance(made, Application)
    assert await applied(desk, challenge) is ApplyRefusal.WAITING

    assert isinstance(await decide(DIRECTOR, made.id, False, NOW, store=memory), Application)
    assert await memory.kept.applications.form(made.id) is None
    assert await applied(desk, challenge) is ApplyRefusal.REJECTED_LATELY


async def test_a_single_use_invite_makes_one_application(desk: Desk, memory: MemoryStore) -> None:
    """R10: the second with the same card is told so."""
    memory.kept.invites.rows[InviteId("i1")] = invite("i1", max_uses=2)
    first, second = await proved(desk), await proved(desk)
    memory.kept.invites.rows[InviteId("i1")] = evolve(invite("i1", max_uses=1), used=1)

    assert await applied(desk, first) is InviteRefusal.USED_UP
    assert await applied(desk, second) is InviteRefusal.USED_UP
    assert memory.kept.applications.rows == {}


async def test_who_may_not_decide_learns_nothing(desk: Desk, memory: MemoryStore) -> None:
    """An unknown number and another school's application: one answer."""
    made = await applied(desk, await proved(desk))
    assert isinstance(made, Application)
    pupil = Account(user_id=UserId("x"), org_id=SCHOOL, roles=frozenset({Role.STUDENT}))

    for by, number in ((pupil, made.id), (DIRECTOR, ApplicationId("none"))):
        answer = await decide(by, number, True, NOW, store=memory)
        assert answer is DecisionRefusal.NOT_YOURS


async def test_two_deciders_at_once_make_one_decision(store: Store) -> None:
    """On both databases: one says yes, one says no, the second hears that it is decided."""
    desk = await Desk.open(store)
    made = await applied(desk, await proved(desk))
    assert isinstance(made, Application)

    answers = await asyncio.gather(
        decide(DIRECTOR, made.id, True, NOW, store=store),
        decide(DEPUTY, made.id, False, NOW, store=store),
    )
    assert [answer for answer in answers if isinstance(answer, DecisionRefusal)] == [
        DecisionRefusal.DECIDED
    ]


async def test_a_form_sent_ten_times_at_once_is_one_application(store: Store) -> None:
    """On both databases: an impatient finger does not flood the queue."""
    desk = await Desk.open(store)
    challenge = await proved(desk)

    answers = await asyncio.gather(*(applied(desk, challenge) for _ in range(10)))
    assert sum(isinstance(answer, Application) for answer in answers) == 1
    async with store.begin() as work:
        kept = await work.invites.get(InviteId("i1"))
    assert kept is not None
    assert kept.used == 1
