"""Ways to reach people, and what comes of a message. Senders and the tests' fakes implement these."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from typing import Protocol

from attrs import field, frozen

from bridge.contact import Contact
from bridge.records import OutboxKind


class SendFailure(enum.Enum):
    """Why a message did not go out. The values are stable: logged, counted, tested."""

    UNREACHABLE = "unreachable"
    TIMEOUT = "timeout"
    THROTTLED = "throttled"
    REFUSED = "refused"  # the gateway says no to this message
    CREDENTIALS = "credentials"
    BAD_ANSWER = "bad_answer"
    TOO_LARGE = "too_large"
    MISCONFIGURED = "misconfigured"


#: Failures that another attempt may overcome; the others are told to staff.
TRANSIENT = frozenset({SendFailure.UNREACHABLE, SendFailure.TIMEOUT, SendFailure.THROTTLED})


@frozen(kw_only=True)
class Message:
    """Something for one person. Never logged."""

    id: str  # ours: delivery reports come back with it
    to: Contact
    subject: str = field(repr=False, default="")  # mail only
    text: str = field(repr=False)
    language: str = "ru"


@frozen
class Sent:
    """The gateway took it. `reference` is its own id for the message, "" if it gives none."""

    reference: str = ""


class Sender(Protocol):
    """One way to reach people: SMS gateway, mail server, console."""

    async def send(self, message: Message) -> Sent | SendFailure: ...


Senders = Mapping[OutboxKind, Sender]
