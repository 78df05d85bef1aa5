"""Asking for a code, asking again, typing it in (R6, R7, R8)."""

from __future__ import annotations

from datetime import timedelta

import pytest
from attrs import evolve, frozen

from bridge.answers import CodeRefusal, EmailRefusal, Proven, Requested, Wrong
from bridge.contact import ContactRefusal, Medium
from bridge.invite import Invite, InviteId, InviteRefusal
from bridge.records import SessionHash
from bridge.verification import ResendRefusal
from tests.bridge.desk import ANNA, FORM, MAIL_FORM, Desk
from tests.bridge.memory import MemoryStore
from tests.bridge.values import MASHA, NOW, PHONE, bound, invite

OTHER_BROWSER = SessionHash(b"o" * 32)


@pytest.fixture
async def memory() -> MemoryStore:
    return MemoryStore()


@pytest.fixture
async def desk(memory: MemoryStore) -> Desk:
    """A school's desk over a store in memory."""
    return await Desk.open(memory)


async def test_a_phone_is_proved_with_one_code(
    desk: Desk, caplog: pytest.LogCaptureFixture
) -> None:
    """R6: card, number, SMS, six digits. The log has ids only."""
    challenge = await desk.requested()
    (sms,) = desk.sms.sent

    assert sms.to == PHONE
    assert sms.text.endswith(f"@school.ru #{desk.codes[0]}")
    assert await desk.verify(challenge, desk.codes[0]) == Proven(challenge, NOW)
    assert desk.codes[0] not in caplog.text
    assert "916" not in caplog.text


async def test_nothing_is_sent_before_the_reply(desk: Desk, memory: MemoryStore) -> None:
    """The message waits sealed: who reads the table sees neither number nor code."""
    assert isinstance(await desk.request(), Requested)

    (waiting,) = memory.kept.outbox.rows.values()
    assert desk.sms.sent == []
    assert waiting.payload.find(PHONE.e164.encode()) == -1
    assert waiting.payload.find(b"000000") == -1


@frozen
class Untouchable:
    """Who has which contact; asking is a failure."""

    def __getattr__(self, name: str) -> object:
        if name.startswith("__"):  # copying is not asking
            raise AttributeError(name)
        raise AssertionError(f"contacts.{name} was asked before the code")


async def test_known_and_unknown_numbers_are_alike(desk: Desk, memory: MemoryStore) -> None:
    """R7: the same answer and one message each; who has a number is not even looked up."""
    await memory.kept.contacts.claim(bound("k1", MASHA))
    known, unknown = FORM, evolve(FORM, typed="+79161234568", session=OTHER_BROWSER)
    memory.kept.contacts = Untouchable()  # type: ignore[assignment] # fails when it is used

    answers = [await desk.request(form) for form in (known, unknown)]
    await desk.deliver()

    first, second = answers
    assert isinstance(first, Requested)
    assert isinstance(second, Requested)
    assert first.resend_at == second.resend_at
    assert len(first.challenge_id) == len(second.challenge_id)
    assert [len(sms.text) for sms in desk.sms.sent] == [len(desk.sms.sent[0].text)] * 2


@pytest.mark.parametrize(
    ("dead", "why"),
    [
        (evolve(invite("i1"), revoked_at=NOW), InviteRefusal.REVOKED),
        (evolve(invite("i1"), expires_at=NOW), InviteRefusal.EXPIRED),
        (evolve(invite("i1"), used=30), InviteRefusal.USED_UP),
    ],
)
async def test_a_dead_invite_sends_nothing(
    desk: Desk, memory: MemoryStore, dead: Invite, why: InviteRefusal
) -> None:
    """SMS only behind a valid invite: a stranger cannot make the school pay."""
    memory.kept.invites.rows[InviteId("i1")] = dead

    assert await desk.request() is why
    assert await desk.request(evolve(FORM, token="guess")) is InviteRefusal.UNKNOWN
    assert memory.kept.outbox.rows == {}
    assert memory.kept.rates.rows == []


async def test_mail_needs_an_invite_that_allows_it(desk: Desk) -> None:
    """R8: not by any link, not for any class, not after the class was promoted."""
    no = EmailRefusal.NOT_BY_THIS_LINK
    assert await desk.request(evolve(MAIL_FORM, token="i1")) is no

    challenge = await desk.requested(MAIL_FORM)
    (mail,) = desk.mail.sent
    assert (mail.to, desk.codes[0] in mail.subject) == (ANNA, True)
    assert isinstance(await desk.verify(challenge, desk.codes[0]), Proven)

    desk.directory.grades.clear()
    assert await desk.request(MAIL_FORM) is no


@pytest.mark.parametrize(
    ("medium", "token", "typed", "why"),
    [
        (Medium.MSISDN, "i1", "8 495 123-45-67", ContactRefusal.NOT_MOBILE),
        (Medium.MSISDN, "i1", "anna", ContactRefusal.NOT_A_PHONE),
        (Medium.EMAIL, "i2", "anna", ContactRefusal.NOT_AN_EMAIL),
    ],
)
async def test_what_gets_no_code(
    desk: Desk, medium: Medium, token: str, typed: str, why: ContactRefusal
) -> None:
    """The page says which."""
    assert await desk.request(evolve(FORM, medium=medium, token=token, typed=typed)) is why


async def test_a_resend_brings_a_new_code_and_keeps_the_old(desk: Desk) -> None:
    """60 seconds; both are right; the second press of the button is too early."""
    challenge = await desk.requested()
    later = NOW + timedelta(seconds=60)

    assert await desk.resend(challenge, NOW) is ResendRefusal.TOO_EARLY
    assert await desk.resend(challenge, later) == Requested(
        challenge, later + timedelta(seconds=120)
    )
    assert await desk.resend(challenge, later) is ResendRefusal.TOO_EARLY
    first, second = desk.codes
    assert first != second
    assert isinstance(await desk.verify(challenge, first, later), Proven)


async def test_a_revoked_invite_resends_nothing(desk: Desk, memory: MemoryStore) -> None:
    """R10: the sheet was torn off the wall."""
    challenge = await desk.requested()
    await memory.kept.invites.revoke(InviteId("i1"), NOW)

    assert await desk.resend(challenge, NOW + timedelta(minutes=1)) is InviteRefusal.REVOKED


async def test_a_code_works_in_its_own_browser(desk: Desk) -> None:
    """Read over a shoulder, it opens nothing; the thief learns nothing and spends no try."""
    challenge = await desk.requested()

    assert await desk.verify(challenge, desk.codes[0], session=OTHER_BROWSER) is CodeRefusal.UNKNOWN
    assert await desk.resend(challenge, NOW, session=OTHER_BROWSER) is CodeRefusal.UNKNOWN
    assert isinstance(await desk.verify(challenge, desk.codes[0]), Proven)


async def test_five_guesses_and_no_more(desk: Desk) -> None:
    """Then the right code is wrong too; slips of the finger do not count."""
    challenge = await desk.requested()

    assert await desk.verify(challenge, "12345") is CodeRefusal.MALFORMED
    left = [await desk.verify(challenge, "999999") for _ in range(5)]
    assert left == [Wrong(4), Wrong(3), Wrong(2), Wrong(1), Wrong(0)]
    assert await desk.verify(challenge, desk.codes[0]) is CodeRefusal.SPENT
    assert await desk.resend(challenge, NOW + timedelta(hours=1)) is ResendRefusal.SPENT


async def test_a_code_is_used_once_and_in_time(desk: Desk) -> None:
    """Replayed: passed. After ten minutes: expired."""
    early = await desk.requested()
    late = await desk.requested(evolve(FORM, typed="+79161234568"))

    assert isinstance(await desk.verify(early, desk.codes[0]), Proven)
    assert await desk.verify(early, desk.codes[0]) is CodeRefusal.PASSED
    in_ten = NOW + timedelta(minutes=10)
    assert await desk.verify(late, desk.codes[1], in_ten) is CodeRefusal.EXPIRED
