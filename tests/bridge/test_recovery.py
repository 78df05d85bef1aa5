"""Codes without an invite: a forgotten password, another number."""

from __future__ import annotations

from datetime import timedelta

from attrs import evolve

from bridge.answers import Proven, Requested
from bridge.binding import ProofRefusal, holders_of_proved
from bridge.onboarding import request_change
from bridge.records import Purpose
from bridge.recovery import recovered
from tests.bridge.desk import FORM, Desk
from tests.bridge.memory import MemoryStore
from tests.bridge.values import BROWSER, NOW, VAULT, bound


async def test_only_a_known_number_gets_a_message() -> None:
    """Without an invite nobody makes the school pay for messages; the answer is the same for both."""
    desk = await Desk.open(MemoryStore())
    unknown = await desk.recover()
    assert desk.codes == []
    await desk.resend(unknown, NOW + timedelta(minutes=1))
    assert desk.codes == []

    bound_now = bound("k1")
    async with desk.store.begin() as work:
        await work.contacts.claim(bound_now)
    known = await desk.recover(now=NOW + timedelta(minutes=2))
    assert len(desk.codes) == 1
    assert isinstance(await desk.verify(known, desk.codes[0], NOW + timedelta(minutes=2)), Proven)
    proved = await recovered(known, BROWSER, NOW + timedelta(minutes=2), store=desk.store)
    assert proved == (bound_now,)


async def test_a_code_to_sign_in_does_nothing_else() -> None:
    """It neither joins a school nor changes a number."""
    desk = await Desk.open(MemoryStore())
    async with desk.store.begin() as work:
        await work.contacts.claim(bound("k1"))
    challenge = await desk.recover()
    await desk.verify(challenge, desk.codes[0])
    for purpose in (Purpose.JOIN, Purpose.CHANGE, Purpose.LINK):
        answer = await holders_of_proved(challenge, BROWSER, NOW, store=desk.store, purpose=purpose)
        assert answer is ProofRefusal.NOT_PROVED


async def test_a_new_number_is_proved_before_it_counts() -> None:
    """Whoever is signed in gets the code at the new number; limits hold as for everybody."""
    desk = await Desk.open(MemoryStore())
    form = evolve(FORM, token="")
    answer = await request_change(
        form, NOW, store=desk.store, vault=VAULT, settings=desk.settings, chance=desk.chance
    )
    assert isinstance(answer, Requested)
    await desk.deliver()
    assert isinstance(await desk.verify(answer.challenge_id, desk.codes[0]), Proven)
