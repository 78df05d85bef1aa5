"""A pupil, her phone, an invite: what most tests of the bridge begin with."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from bridge.application import Application, ApplicationId
from bridge.contact import Medium, Phone, subject
from bridge.invite import Invite, InviteId, InviteKind, token_hash
from bridge.records import (
    BoundContact,
    Chain,
    ContactId,
    OutboxId,
    OutboxItem,
    OutboxKind,
    SessionHash,
)
from bridge.roles import ClassId, OrgId, Role, UserId
from bridge.vault import FileVault
from bridge.verification import ChallengeId, Channel, Code, open_challenge

NOW = datetime(2026, 9, 1, 8, 30, tzinfo=UTC)
VAULT = FileVault(b"s" * 32)
SCHOOL, CLASS = OrgId("school"), ClassId("1А")
MASHA, MOTHER, TEACHER = UserId("masha"), UserId("mother"), UserId("teacher")
PHONE = Phone("+79161234567")
LOOKUP = VAULT.lookup(subject(PHONE))
BROWSER = SessionHash(b"b" * 32)
CODE = Code("482913")


def bound(name: str, person: UserId = MASHA, org_id: OrgId = SCHOOL) -> BoundContact:
    return BoundContact(
        id=ContactId(name), user_id=person, org_id=org_id, medium=Medium.MSISDN, lookup=LOOKUP,
        sealed=VAULT.seal(PHONE.e164.encode(), "contact"), verified_at=NOW,
    )  # fmt: skip


def invite(name: str = "i1", max_uses: int = 30) -> Invite:
    return Invite(
        id=InviteId(name), org_id=SCHOOL, kind=InviteKind.CLASS_PUPIL, role=Role.STUDENT,
        class_id=CLASS, person_id=None, allow_email=False, max_uses=max_uses,
        expires_at=NOW + timedelta(days=14), issued_by=TEACHER, token_hash=token_hash(name),
    )  # fmt: skip


def chain(name: str = "c1") -> Chain:
    return Chain(
        challenge=open_challenge(ChallengeId(name), Channel.SMS, CODE, VAULT.code_key, NOW),
        medium=Medium.MSISDN, lookup=LOOKUP, sealed=VAULT.seal(b"number", "challenge"), session=BROWSER,
        invite_id=InviteId("i1"),
    )  # fmt: skip


def application(name: str = "a1") -> Application:
    return Application(
        id=ApplicationId(name), org_id=SCHOOL, role=Role.STUDENT, class_id=CLASS, applicant=None,
        submitted_at=NOW,
    )  # fmt: skip


def waiting_sms(name: str = "o1", due_at: datetime = NOW) -> OutboxItem:
    return OutboxItem(
        id=OutboxId(name), kind=OutboxKind.SMS, payload=VAULT.seal(b"text", "outbox"), due_at=due_at,
        expires_at=due_at + timedelta(minutes=10),
    )  # fmt: skip
