"""A proved contact becomes somebody's, or is free again (R7, R11, R14, R32)."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta

import pytest
from attrs import evolve

from bridge.binding import (
    PROOF_LIFETIME,
    Bound,
    ProofRefusal,
    Taken,
    bind_contact,
    bind_in,
    holders_of_proved,
    release_contacts,
)
from bridge.limits import Limits
from bridge.outbox import contact_of
from bridge.ports import Store
from bridge.records import Action, Session, SessionHash
from bridge.roles import OrgId, UserId
from bridge.verification import ChallengeId
from tests.bridge.desk import FORM, Desk
from tests.bridge.memory import MemoryStore
from tests.bridge.values import BROWSER, MASHA, MOTHER, NOW, PHONE, SCHOOL, VAULT


@pytest.fixture
async def desk() -> Desk:
    return await Desk.open(MemoryStore())


async def proved(desk: Desk, session: SessionHash = BROWSER) -> ChallengeId:
    challenge = await desk.requested(evolve(FORM, session=session))
    await desk.verify(challenge, desk.codes[-1], session=session)
    return challenge


async def bind(
    desk: Desk, challenge: ChallengeId, person: UserId, session: SessionHash = BROWSER
) -> Bound | Taken | ProofRefusal:
    return await bind_contact(
        challenge, session, person, SCHOOL, NOW, store=desk.store, vault=VAULT, chance=desk.chance
    )


async def accounts(
    desk: Desk, challenge: ChallengeId, session: SessionHash, now: datetime = NOW
) -> list[UserId] | ProofRefusal:
    """Whose the proved contact is."""
    found = await holders_of_proved(challenge, session, now, store=desk.store)
    return found if isinstance(found, ProofRefusal) else [one.user_id for one in found]


async def test_whoever_proved_a_phone_gets_it(desk: Desk) -> None:
    """And the sealed number is readable as this person's only."""
    assert await bind(desk, await proved(desk), MASHA) == Bound(MASHA)

    async with desk.store.begin() as work:
        (contact,) = await work.contacts.of_account(MASHA)
        (entry,) = await work.audit.of_org(SCHOOL, 10)
    assert contact.sealed is not None
    assert contact_of(VAULT.unseal(contact.sealed, f"contact:{MASHA}").decode()) == PHONE
    assert (entry.action, entry.subject) == (Action.CONTACT_CLAIMED, MASHA)


async def test_whose_it_is_comes_out_after_the_code(desk: Desk) -> None:
    """R7, R11: not proved, not told; then "Это я" or "Это не я", never a takeover."""
    await bind(desk, await proved(desk), MOTHER)
    other = SessionHash(b"o" * 32)
    asked = await desk.requested(evolve(FORM, session=other))

    assert await accounts(desk, asked, other) is ProofRefusal.NOT_PROVED
    await desk.verify(asked, desk.codes[-1], session=other)
    assert await accounts(desk, asked, other) == [MOTHER]
    assert await bind(desk, asked, MASHA, other) == Taken(MOTHER)
    assert await bind(desk, asked, MOTHER, other) == Bound(MOTHER, again=True)  # R32


async def test_another_school_s_number_only_beside_who_was_looked_at(desk: Desk) -> None:
    """ADR 32: a profile at another school is no bar if it is known and an adult's; of anybody else it is taken."""
    await bind(desk, await proved(desk), MOTHER)
    challenge, other = await proved(desk), OrgId("other")

    async def at_the_other(*beside: UserId) -> Bound | Taken | ProofRefusal:
        async with desk.store.begin() as work:
            return await bind_in(
                work, challenge, BROWSER, MASHA, other, NOW,
                vault=VAULT, chance=desk.chance, beside=frozenset(beside),
            )  # fmt: skip

    assert await at_the_other() == Taken(MOTHER)
    assert await at_the_other(UserId("somebody")) == Taken(MOTHER)
    assert await at_the_other(MOTHER) == Bound(MASHA)
    assert await accounts(desk, challenge, BROWSER) == [MOTHER, MASHA]
    assert await release_contacts(MASHA, other, MASHA, NOW, store=desk.store) == 1
    assert await accounts(desk, challenge, BROWSER) == [MOTHER]


async def test_leaving_frees_the_phone(desk: Desk) -> None:
    """R14: the mother was registered as a pupil; she leaves, and Masha can have the number at once."""
    await bind(desk, await proved(desk), MOTHER)
    async with desk.store.begin() as work:
        await work.sessions.add(
            Session(
                hash=BROWSER, created_at=NOW, expires_at=NOW + timedelta(days=1), user_id=MOTHER
            )
        )

    assert await release_contacts(MOTHER, SCHOOL, MOTHER, NOW, store=desk.store) == 1
    assert await release_contacts(MOTHER, SCHOOL, MOTHER, NOW, store=desk.store) == 0
    assert await bind(desk, await proved(desk), MASHA) == Bound(MASHA)
    async with desk.store.begin() as work:
        assert await work.sessions.get(BROWSER, NOW) is None
        actions = [entry.action for entry in await work.audit.of_org(SCHOOL, 10)]
    assert actions.count(Action.CONTACT_RELEASED) == 1


async def test_a_proof_is_of_one_browser_and_half_an_hour(desk: Desk) -> None:
    """A link passed on, or a form left open overnight, proves nothing."""
    challenge = await proved(desk)

    assert await bind(desk, challenge, MASHA, SessionHash(b"o" * 32)) is ProofRefusal.NOT_PROVED
    assert await bind(desk, ChallengeId("none"), MASHA) is ProofRefusal.NOT_PROVED
    late = await accounts(desk, challenge, BROWSER, NOW + PROOF_LIFETIME)
    assert late is ProofRefusal.NOT_PROVED


async def test_twenty_browsers_prove_one_phone_and_one_gets_it(store: Store) -> None:
    """R7 through the use cases, on both databases: one profile, nineteen say whose it is."""
    desk = await Desk.open(store)
    desk.settings = evolve(
        desk.settings, limits=Limits(number_hour=99, number_day=99, address_hour=99)
    )
    sessions = [SessionHash(bytes([n]) * 32) for n in range(20)]
    proofs = [(await proved(desk, session), session) for session in sessions]

    answers = await asyncio.gather(
        *(
            bind(desk, challenge, UserId(f"p{n}"), session)
            for n, (challenge, session) in enumerate(proofs)
        )
    )
    winners = [answer for answer in answers if isinstance(answer, Bound)]
    assert len(winners) == 1
    assert [answer for answer in answers if answer not in winners] == [
        Taken(winners[0].user_id)
    ] * 19
