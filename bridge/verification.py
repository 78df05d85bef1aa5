"""One-time codes: making, resending, checking. Pure: time, randomness and key come in as arguments.

A challenge is one chain of codes to one contact in one browser session (R6). It holds no code: only
HMAC-SHA256(key, challenge id | code), so that the database does not open anybody's account.
"""

from __future__ import annotations

import enum
import hashlib
import hmac
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import NewType

from attrs import evolve, field, frozen

ChallengeId = NewType("ChallengeId", str)

#: Wrong guesses per chain (onboarding.md §6). With two codes valid at a time and six SMS a day, a
#: stranger who tries all day is right once in 17,000 days.
TRIES = 5
#: Seconds after the latest code until the next may be asked for; the last one repeats.
RESEND_AFTER_S = (60, 120, 300)
#: Codes per chain; whoever needs more has another problem than a slow network.
MOST_CODES = 1 + len(RESEND_AFTER_S)
#: An SMS overtaken by its resend is typed all the same, so the two newest codes are right.
VALID_CODES = 2


class Channel(enum.Enum):
    SMS = "sms"
    MAIL = "mail"


@frozen
class CodeRule:
    digits: int
    ttl: timedelta  # from sending


#: Mail is slower than SMS: grey-listing alone takes up to 15 minutes.
RULES: dict[Channel, CodeRule] = {
    Channel.SMS: CodeRule(digits=6, ttl=timedelta(minutes=10)),
    Channel.MAIL: CodeRule(digits=6, ttl=timedelta(minutes=30)),
}


@frozen
class Code:
    """Digits that only the channel and the person may see. Prints masked."""

    digits: str = field(repr=False)

    def __str__(self) -> str:
        return "•" * len(self.digits)


class Verdict(enum.Enum):
    """What came of one guess. The values are stable: logged, counted, tested."""

    RIGHT = "right"
    WRONG = "wrong"
    EXPIRED = "expired"


class ResendRefusal(enum.Enum):
    TOO_EARLY = "too_early"
    NO_MORE = "no_more"
    SPENT = "spent"
    PASSED = "passed"


@frozen
class IssuedCode:
    digest: bytes = field(repr=False)  # HMAC-SHA256, 32 bytes
    expires_at: datetime


@frozen(kw_only=True)
class Challenge:
    """A chain of codes to one contact. `tries_left` and `codes` belong to the whole chain."""

    id: ChallengeId
    channel: Channel
    codes: tuple[IssuedCode, ...]  # oldest first, at most VALID_CODES
    sent: int = 1
    last_sent_at: datetime
    tries_left: int = TRIES
    passed_at: datetime | None = None

    @property
    def resend_at(self) -> datetime | None:
        """When the next code may be asked for; None: never in this chain."""
        if self.sent >= MOST_CODES:
            return None
        return self.last_sent_at + timedelta(seconds=RESEND_AFTER_S[self.sent - 1])

    def resend_refusal(self, now: datetime) -> ResendRefusal | None:
        """Why no further code is sent at `now`."""
        if self.passed_at is not None:
            return ResendRefusal.PASSED
        if self.tries_left <= 0:
            return ResendRefusal.SPENT  # else a resend would be a way to further guesses
        if self.resend_at is None:
            return ResendRefusal.NO_MORE
        return ResendRefusal.TOO_EARLY if now < self.resend_at else None

    def resent(self, code: Code, key: bytes, now: datetime) -> Challenge:
        """The chain after `code`, a new one, was sent. The old one cannot be repeated: nobody has it."""
        assert self.resend_refusal(now) is None, "ask resend_refusal first"
        codes = (*self.codes, _issue(self.id, self.channel, code, key, now))[-VALID_CODES:]
        return evolve(self, codes=codes, sent=self.sent + 1, last_sent_at=now)


def new_code(channel: Channel, below: Callable[[int], int]) -> Code:
    """A code; `below(n)` draws evenly from 0 … n-1 (`secrets.randbelow`)."""
    digits = RULES[channel].digits
    return Code(f"{below(10**digits):0{digits}d}")


def open_challenge(
    challenge_id: ChallengeId, channel: Channel, code: Code, key: bytes, now: datetime
) -> Challenge:
    """The chain whose first code is `code`."""
    issued = _issue(challenge_id, channel, code, key, now)
    return Challenge(id=challenge_id, channel=channel, codes=(issued,), last_sent_at=now)


def read_code(typed: str, channel: Channel) -> Code | None:
    """What was typed, if it can be a code at all: `482 913`, `482-913`. Else None, which costs no try."""
    digits = "".join(typed.split()).replace("-", "")
    well_formed = len(digits) == RULES[channel].digits and digits.isascii() and digits.isdigit()
    return Code(digits) if well_formed else None


def judge(challenge: Challenge, code: Code, key: bytes, now: datetime) -> Verdict:
    """Compare one guess in constant time. The try must have been taken, and committed, before.

    EXPIRED is said of the right code only: whoever guesses learns nothing from it.
    """
    wanted = digest(challenge.id, code, key)
    verdict = Verdict.WRONG
    for issued in challenge.codes:  # all of them, also after a hit: time tells nothing
        if hmac.compare_digest(issued.digest, wanted):
            verdict = Verdict.RIGHT if now < issued.expires_at else Verdict.EXPIRED
    return verdict


def digest(challenge_id: ChallengeId, code: Code, key: bytes) -> bytes:
    """HMAC-SHA256(key, challenge id | code): useless for another chain, and without the key."""
    return hmac.new(key, f"{challenge_id}|{code.digits}".encode(), hashlib.sha256).digest()


def _issue(
    challenge_id: ChallengeId, channel: Channel, code: Code, key: bytes, now: datetime
) -> IssuedCode:
    return IssuedCode(digest(challenge_id, code, key), now + RULES[channel].ttl)
