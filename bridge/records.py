"""What the bridge keeps, as values. No contact and no code is readable in any of them. Pure."""

from __future__ import annotations

import enum
from datetime import datetime
from typing import NewType

from attrs import field, frozen
from attrs.validators import max_len

from bridge.contact import Medium
from bridge.invite import InviteId
from bridge.reason import LONGEST_REASON
from bridge.roles import OrgId, PersonId, UserId
from bridge.verification import Challenge

#: HMAC-SHA256(pepper, subject): the same contact has the same one, and nobody gets back from it.
Lookup = NewType("Lookup", bytes)
#: AES-GCM: readable with the key file only.
Sealed = NewType("Sealed", bytes)
#: SHA-256 of the opaque id in the browser's cookie.
SessionHash = NewType("SessionHash", bytes)
ContactId = NewType("ContactId", str)
OutboxId = NewType("OutboxId", str)
StepsId = NewType("StepsId", str)
CardId = NewType("CardId", str)
#: SHA-256 of the random part of a calendar's address.
FeedHash = NewType("FeedHash", bytes)
UploadId = NewType("UploadId", str)

#: School of a contact that was kept before schools were, and of which no log says whose it is: every school's.
NOWHERE = OrgId("")


@frozen(kw_only=True)
class BoundContact:
    """A proved phone or e-mail of a profile. Released ones stay as a record of who had it, unreadable.

    Attributes:
        org_id: the profile's school: one contact has at most one profile at each (R7, ADR 32).
    """

    id: ContactId
    user_id: UserId
    org_id: OrgId
    medium: Medium
    lookup: Lookup = field(repr=False)
    sealed: Sealed | None = field(repr=False)  # None once released
    verified_at: datetime
    released_at: datetime | None = None


@frozen(kw_only=True)
class ListedContact:
    """A contact as a school's list gives it. Proves nothing by itself."""

    source: str
    source_id: str
    group: str  # student | staff | guardian
    medium: Medium
    lookup: Lookup = field(repr=False)


class Purpose(enum.Enum):
    """What a code is for: one that was asked for to sign in changes no number."""

    JOIN = "join"  # by an invite
    RECOVER = "recover"  # sign in without the password, or set a new one
    CHANGE = "change"  # somebody signed in wants another phone or e-mail
    LINK = "link"  # somebody signed in says that a profile at another school is theirs too


@frozen(kw_only=True)
class Chain:
    """A challenge with whom it was sent to and from where it was asked for."""

    challenge: Challenge
    medium: Medium
    lookup: Lookup = field(repr=False)
    sealed: Sealed = field(repr=False)
    session: SessionHash = field(repr=False)  # only this browser may answer
    invite_id: InviteId | None  # of JOIN
    purpose: Purpose = Purpose.JOIN
    language: str = "ru"


@frozen(kw_only=True)
class Session:
    """One browser. `user_id` is None until somebody has signed in."""

    hash: SessionHash = field(repr=False)
    created_at: datetime
    expires_at: datetime
    user_id: UserId | None = None


@frozen(kw_only=True)
class CalendarFeed:
    """The address of somebody's calendar; an account has one at a time."""

    user_id: UserId
    hash: FeedHash = field(repr=False)
    made_at: datetime


@frozen(kw_only=True)
class Departure:
    """A person has left a school: erased when the grace time is over, unless they have come back (R14, R29).

    Attributes:
        own_wish: they pressed «Покинуть»; whoever was taken out by others does not come back without a decision.
    """

    person_id: PersonId
    user_id: UserId
    org_id: OrgId
    left_at: datetime
    erase_at: datetime
    erased_at: datetime | None = None
    own_wish: bool = False


class OutboxKind(enum.Enum):
    SMS = "sms"
    MAIL = "mail"


@frozen(kw_only=True)
class OutboxItem:
    """Something to be done after the answer was given."""

    id: OutboxId
    kind: OutboxKind
    payload: Sealed = field(repr=False)
    due_at: datetime
    expires_at: datetime  # afterwards it is not worth sending: the code in it is dead
    tries: int = 0


class StepsState(enum.Enum):
    WAITING = "waiting"  # also: being carried out right now
    DONE = "done"
    DEAD = "dead"  # given up; a person must look


@frozen(kw_only=True)
class StepsItem:
    """A list of steps (`bridge/steps.py`) as it waits for the writer."""

    id: StepsId
    user_id: UserId
    payload: Sealed = field(repr=False)
    made_at: datetime
    due_at: datetime
    tries: int = 0
    org_id: OrgId | None = None  # whose administration is told when it is given up


@frozen(kw_only=True)
class DeadSteps:
    """A list that was given up: for a person to look at."""

    id: StepsId
    user_id: UserId
    failure: str
    given_up_at: datetime


@frozen(kw_only=True)
class RosterUpload:
    """A school's files between the upload and the decision; whoever sent them is named by account."""

    id: UploadId
    org_id: OrgId
    user_id: UserId
    sealed: Sealed = field(repr=False)
    expires_at: datetime


class CardKind(enum.Enum):
    """What a message of the staff bot is about."""

    APPLICATION = "application"
    DISPUTE = "dispute"
    ALARM = "alarm"  # a breaker stopped the sending of codes
    STEPS = "steps"  # a list of steps was given up
    DIGEST = "digest"  # applications that wait for a day, once a day


@frozen(kw_only=True)
class StaffCard:
    """A message of the staff bot in a school's administration room. Says nothing of its subject but the id.

    Attributes:
        ref: id of the application, dispute, …; with `kind` it is one card only.
        number: what staff type (`!approve 7`): counts up in each school.
        event_id: None until it was posted.
        shown: word of the state that the message tells; "" until it was posted.
        settled_at: since when nothing about it will change any more.
    """

    id: CardId
    kind: CardKind
    ref: str
    org_id: OrgId
    number: int
    room_id: str
    made_at: datetime
    event_id: str | None = None
    shown: str = ""
    settled_at: datetime | None = None


class Action(enum.Enum):
    """Words of the audit log. The values are stable."""

    CONTACT_CLAIMED = "contact_claimed"
    CONTACT_RELEASED = "contact_released"
    INVITE_ISSUED = "invite_issued"
    INVITE_REVOKED = "invite_revoked"
    APPLICATION_MADE = "application_made"
    APPLICATION_APPROVED = "application_approved"
    APPLICATION_REJECTED = "application_rejected"
    DISPUTE_OPENED = "dispute_opened"  # «Это не я» (R11)
    DISPUTE_KEPT = "dispute_kept"
    DISPUTE_RELEASED = "dispute_released"
    LEFT = "left"
    ERASED = "erased"
    CONSENT_GIVEN = "consent_given"  # R17: a parent's, to the profile of a pupil under 14
    CONSENT_WITHDRAWN = "consent_withdrawn"
    SENDING_STOPPED = "sending_stopped"  # a breaker opened
    DEVICES_SIGNED_OUT = "devices_signed_out"
    STEPS_RETRIED = "steps_retried"
    STEPS_DISMISSED = "steps_dismissed"
    ROSTER_FAILED = "roster_failed"  # subject: why
    CONTACTS_LISTED = "contacts_listed"  # subject: the source


@frozen(kw_only=True)
class AuditEntry:
    """Who did what to whom (R51): ids and words of ours, so it outlives an erasure.

    Attributes:
        reason: what whoever decided has written, as `bridge.reason.kept_reason` keeps it; the one free text of the
            log. "" when nobody said why.
    """

    at: datetime
    org_id: OrgId | None
    actor: str  # a person id, or the name of a part of the bridge
    action: Action
    subject: str  # a person, invite or application id, or the name of a limit
    reason: str = field(default="", repr=False, validator=max_len(LONGEST_REASON))
