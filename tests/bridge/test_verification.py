"""One chain of codes: what is right, when the next one comes, what a guesser gets."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from bridge.verification import (
    MOST_CODES,
    RULES,
    VALID_CODES,
    Challenge,
    ChallengeId,
    Channel,
    Code,
    ResendRefusal,
    Verdict,
    digest,
    judge,
    new_code,
    open_challenge,
    read_code,
)

NOW = datetime(2026, 9, 1, 8, 30, tzinfo=UTC)
KEY = b"k" * 32
C1 = ChallengeId("c1")
FIRST, SECOND, THIRD, OTHER = (Code(f"{n}" * 6) for n in (1, 2, 3, 9))


def opened(channel: Channel = Channel.SMS) -> Challenge:
    return open_challenge(C1, channel, FIRST, KEY, NOW)


def after(seconds: int) -> datetime:
    return NOW + timedelta(seconds=seconds)


def test_the_code_that_was_sent_is_right() -> None:
    """And any other is wrong."""
    assert judge(opened(), FIRST, KEY, NOW) is Verdict.RIGHT
    assert judge(opened(), OTHER, KEY, NOW) is Verdict.WRONG


@pytest.mark.parametrize(("channel", "minutes"), [(Channel.SMS, 10), (Channel.MAIL, 30)])
def test_a_code_ends(channel: Channel, minutes: int) -> None:
    """Ten minutes by SMS, thirty by mail, to the second."""
    challenge = opened(channel)

    assert judge(challenge, FIRST, KEY, after(minutes * 60 - 1)) is Verdict.RIGHT
    assert judge(challenge, FIRST, KEY, after(minutes * 60)) is Verdict.EXPIRED
    assert judge(challenge, OTHER, KEY, after(minutes * 60)) is Verdict.WRONG


def test_a_resend_is_a_new_code_and_the_last_two_are_right() -> None:
    """An SMS that its resend overtook is typed all the same; the one before that is dead."""
    twice = opened().resent(SECOND, KEY, after(60))
    thrice = twice.resent(THIRD, KEY, after(180))

    assert [judge(twice, code, KEY, after(60)) for code in (FIRST, SECOND)] == [Verdict.RIGHT] * 2
    assert [judge(thrice, code, KEY, after(180)) for code in (FIRST, SECOND, THIRD)] == [
        Verdict.WRONG, Verdict.RIGHT, Verdict.RIGHT,
    ]  # fmt: skip


def test_a_resend_does_not_lengthen_the_older_code() -> None:
    """Each code has its own end."""
    twice = opened().resent(SECOND, KEY, after(500))

    assert judge(twice, FIRST, KEY, after(600)) is Verdict.EXPIRED
    assert judge(twice, SECOND, KEY, after(600)) is Verdict.RIGHT


def test_the_waits_between_codes_grow() -> None:
    """60, 120, 300 seconds, and then no more in this chain."""
    challenge, now, waits = opened(), NOW, []
    while challenge.resend_at is not None:
        waits.append(int((challenge.resend_at - now).total_seconds()))
        early = challenge.resend_at - timedelta(seconds=1)
        assert challenge.resend_refusal(early) is ResendRefusal.TOO_EARLY
        now = challenge.resend_at
        challenge = challenge.resent(SECOND, KEY, now)

    assert waits == [60, 120, 300]
    assert challenge.sent == MOST_CODES
    assert challenge.resend_refusal(after(10**6)) is ResendRefusal.NO_MORE


def test_a_spent_or_passed_chain_sends_nothing_more() -> None:
    """A resend is not a way to further guesses."""
    spent, passed = evolve(opened(), tries_left=0), evolve(opened(), passed_at=NOW)

    assert spent.resend_refusal(after(60)) is ResendRefusal.SPENT
    assert passed.resend_refusal(after(60)) is ResendRefusal.PASSED


def test_tries_belong_to_the_chain() -> None:
    """A new code brings no new guesses."""
    tired = evolve(opened(), tries_left=2)

    assert tired.resent(SECOND, KEY, after(60)).tries_left == 2


@pytest.mark.parametrize("typed", ["482913", "482 913", " 482-913\n", "4 8 2 9 1 3"])
def test_a_code_is_read_however_it_is_grouped(typed: str) -> None:
    """Phones show codes in groups."""
    assert read_code(typed, Channel.SMS) == Code("482913")


@pytest.mark.parametrize("typed", ["", "48291", "4829133", "48291a", "٤٨٢٩١٣", "482.913"])
def test_what_cannot_be_a_code_is_not_a_guess(typed: str) -> None:
    """It costs no try: a slip of the finger is not an attack."""
    assert read_code(typed, Channel.SMS) is None


def test_a_code_never_prints_itself() -> None:
    """Nor does the chain hold it."""
    assert "482913" not in f"{Code('482913')} {Code('482913')!r} {opened()!r}"


def test_a_digest_fits_one_chain_and_one_key() -> None:
    """A copied database row opens nothing elsewhere."""
    here = digest(C1, FIRST, KEY)

    assert len(here) == 32
    assert here != digest(ChallengeId("c2"), FIRST, KEY)
    assert here != digest(C1, FIRST, b"x" * 32)


@given(st.integers(0, 999_999))
def test_every_draw_is_six_digits(drawn: int) -> None:
    """Leading zeros stay."""
    code = new_code(Channel.SMS, lambda below: drawn % below)

    assert len(code.digits) == RULES[Channel.SMS].digits
    assert int(code.digits) == drawn


@given(st.lists(st.integers(0, 999_999), min_size=1, max_size=MOST_CODES, unique=True))
def test_at_most_two_codes_are_ever_right(drawn: list[int]) -> None:
    """However often somebody asked, a guess has at most two targets."""
    codes = [Code(f"{n:06d}") for n in drawn]
    challenge = open_challenge(C1, Channel.SMS, codes[0], KEY, NOW)
    now = NOW
    for code in codes[1:]:
        assert challenge.resend_at is not None
        now = challenge.resend_at
        challenge = challenge.resent(code, KEY, now)

    right = [code for code in codes if judge(challenge, code, KEY, now) is Verdict.RIGHT]
    assert right == codes[-VALID_CODES:]
