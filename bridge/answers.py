"""What goes into the use cases of codes and what comes out. Pure."""

from __future__ import annotations

import enum
from collections.abc import Callable
from datetime import datetime

from attrs import field, frozen

from bridge.contact import ContactRefusal, Medium, PhoneRule
from bridge.invite import EMAIL_SIGNUP_MAX_GRADE, InviteId, InviteRefusal
from bridge.limits import Limits, Refused
from bridge.records import SessionHash
from bridge.verification import ChallengeId, ResendRefusal


@frozen(kw_only=True)
class Settings:
    """What the school decides about codes."""

    host: str  # of the pages, for the line that phones read
    limits: Limits = field(factory=Limits)
    phones: PhoneRule = field(factory=PhoneRule)
    email_signup_max_grade: int = EMAIL_SIGNUP_MAX_GRADE


@frozen(kw_only=True)
class Chance:
    """Randomness, given by __main__ (`secrets`) or by a test."""

    below: Callable[[int], int]
    new_id: Callable[[], str]


@frozen(kw_only=True)
class Asked:
    """A form: somebody wants a code."""

    token: str = field(
        repr=False
    )  # of the invite; "" where `invite_id` names it, or none is asked for
    medium: Medium
    typed: str = field(repr=False)
    session: SessionHash = field(repr=False)
    address: str = field(repr=False)  # IP
    language: str = "ru"
    invite_id: InviteId | None = None  # of an invite that was opened with a code


class EmailRefusal(enum.Enum):
    """R8: no mail without an invite of a class that allows it."""

    NOT_BY_THIS_LINK = "not_by_this_link"


class CodeRefusal(enum.Enum):
    """Why a typed code opens nothing. The values are stable: logged, counted, tested."""

    UNKNOWN = "unknown"  # no such chain, or of another browser: one answer
    MALFORMED = "malformed"  # costs no try
    EXPIRED = "expired"
    SPENT = "spent"
    PASSED = "passed"


@frozen
class Wrong:
    tries_left: int


@frozen
class Requested:
    challenge_id: ChallengeId
    resend_at: datetime | None


@frozen
class Proven:
    """Whoever sits at this browser reads the messages to this contact."""

    challenge_id: ChallengeId
    at: datetime


RequestRefusal = ContactRefusal | InviteRefusal | EmailRefusal | Refused
ResendAnswer = Requested | CodeRefusal | ResendRefusal | InviteRefusal | Refused
