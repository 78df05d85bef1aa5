"""Invites: who may issue which, what they open, when they are over (R8, R9, R10). Pure.

The token is in the link only; what is kept is its SHA-256. 128 random bits need no slow hash.
"""

from __future__ import annotations

import base64
import enum
import hashlib
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import NewType

from attrs import field, frozen

from bridge.roles import OF_A_CLASS, STAFF, Account, ClassId, OrgId, PersonId, Role, UserId

InviteId = NewType("InviteId", str)

CODE_DIGITS = 9
TOKEN_BYTES = 16  # 128 bits: cannot be guessed, and 22 characters still make a small QR code
LONGEST = timedelta(days=366)  # a school year
CHILD_LINK_LIFETIME = timedelta(days=14)  # onboarding.md §12, flow C
EMAIL_SIGNUP_MAX_GRADE = 4  # R8, the default of the setting `email_signup_max_grade`
MOST_USES = 500  # a parallel of twelve classes with both parents; beyond that it is a poster


class InviteKind(enum.Enum):
    CLASS_PUPIL = "class_pupil"  # sheet on the wall of one class
    CLASS_PARENT = "class_parent"
    CHILD_PARENT = "child_parent"  # from the child's own page, or from the teacher's sheet
    PERSONAL = "personal"  # one named pupil, checked already: skips the queue
    CARD = "card"  # R20: printed for one pupil who needs neither phone nor e-mail
    STAFF = "staff"
    SCHOOL = "school"  # opens the application form, promises nothing (R16)


#: Which roles each kind may give. None is a kind's way of saying "the newcomer chooses, staff decide".
ROLES: dict[InviteKind, frozenset[Role | None]] = {
    InviteKind.CLASS_PUPIL: frozenset({Role.STUDENT}),
    InviteKind.CLASS_PARENT: frozenset({Role.GUARDIAN}),
    InviteKind.CHILD_PARENT: frozenset({Role.GUARDIAN}),
    InviteKind.PERSONAL: frozenset({Role.STUDENT}),
    InviteKind.CARD: frozenset({Role.STUDENT}),
    InviteKind.STAFF: frozenset(STAFF),
    InviteKind.SCHOOL: frozenset({None}),
}
#: Kinds that name one person, so one use is all they are for (R10).
FOR_ONE = frozenset({InviteKind.CHILD_PARENT, InviteKind.PERSONAL, InviteKind.CARD})
#: Kinds that also have a code to be typed: on a wall, read out in class.
WITH_CODE = frozenset(
    {InviteKind.CLASS_PUPIL, InviteKind.CLASS_PARENT, InviteKind.STAFF, InviteKind.SCHOOL}
)


class IssueRefusal(enum.Enum):
    """Why an invite is not issued. The values are stable: logged, counted, tested."""

    NOT_YOURS = "not_yours"  # R9, R10: → 403
    ROLE = "role"
    CLASS_NEEDED = "class_needed"
    PERSON_NEEDED = "person_needed"
    EMAIL_GRADE = "email_grade"  # R8
    USES = "uses"
    LIFETIME = "lifetime"


class InviteRefusal(enum.Enum):
    """Why an invite opens nothing."""

    UNKNOWN = "unknown"  # → 404
    REVOKED = "revoked"  # R10: → 410
    EXPIRED = "expired"  # → 410
    USED_UP = "used_up"  # → 410


@frozen(kw_only=True)
class Order:
    """An invite somebody wants. `grade` is the class's, None for a named class or no class."""

    org_id: OrgId
    kind: InviteKind
    role: Role | None
    class_id: ClassId | None = None
    grade: int | None = None
    person_id: PersonId | None = None  # the pupil: of a personal invite, or the child of a parent
    allow_email: bool = False
    max_uses: int = 1
    lifetime: timedelta = CHILD_LINK_LIFETIME


@frozen(kw_only=True)
class Invite:
    id: InviteId
    org_id: OrgId
    kind: InviteKind
    role: Role | None
    class_id: ClassId | None
    person_id: PersonId | None
    allow_email: bool
    max_uses: int
    used: int = 0
    expires_at: datetime
    issued_by: UserId
    revoked_at: datetime | None = None
    token_hash: bytes = field(repr=False)
    code_hash: bytes | None = field(repr=False, default=None)

    def refusal(self, now: datetime) -> InviteRefusal | None:
        """Why it opens nothing at `now`. Revocation first: the holder is to ask for a new link."""
        if self.revoked_at is not None:
            return InviteRefusal.REVOKED
        if self.expires_at <= now:
            return InviteRefusal.EXPIRED
        return InviteRefusal.USED_UP if self.used >= self.max_uses else None


def issue_refusal(
    by: Account, order: Order, email_signup_max_grade: int = EMAIL_SIGNUP_MAX_GRADE
) -> IssueRefusal | None:
    """Why `by` cannot have this invite; None: they can. Rights first: a stranger learns no rule."""
    mine = may_issue(
        by,
        org_id=order.org_id,
        kind=order.kind,
        class_id=order.class_id,
        person_id=order.person_id,
    )
    if not mine:
        return IssueRefusal.NOT_YOURS
    if order.role not in ROLES[order.kind]:
        return IssueRefusal.ROLE
    if order.role in OF_A_CLASS and order.class_id is None:
        return IssueRefusal.CLASS_NEEDED
    if order.kind in FOR_ONE and order.person_id is None:
        return IssueRefusal.PERSON_NEEDED
    if order.allow_email and not email_allowed(order.role, order.grade, email_signup_max_grade):
        return IssueRefusal.EMAIL_GRADE
    most = 1 if order.kind in FOR_ONE else MOST_USES
    if not 1 <= order.max_uses <= most:
        return IssueRefusal.USES
    longest = CHILD_LINK_LIFETIME if order.kind is InviteKind.CHILD_PARENT else LONGEST
    return None if timedelta(0) < order.lifetime <= longest else IssueRefusal.LIFETIME


def may_issue(
    by: Account,
    *,
    org_id: OrgId,
    kind: InviteKind,
    class_id: ClassId | None,
    person_id: PersonId | None,
) -> bool:
    """R9, R10: within one's own school; staff by director and deputies; a class by its class teacher."""
    if by.org_id != org_id:
        return False
    if kind is InviteKind.STAFF:
        return by.heads
    if by.administers:
        return True
    if kind is InviteKind.CHILD_PARENT and person_id in by.persons:
        return Role.STUDENT in by.roles  # R15: the child copies the link from its own page
    if kind is InviteKind.CHILD_PARENT and person_id in by.children:
        return True  # the second parent, by the first; `children` are those of confirmed links only (R34)
    return kind is not InviteKind.SCHOOL and by.leads(class_id)


def email_allowed(
    role: Role | None, grade: int | None, email_signup_max_grade: int = EMAIL_SIGNUP_MAX_GRADE
) -> bool:
    """R8: mail instead of a phone is for pupils of the first grades only. A class without grade is not one."""
    return role is Role.STUDENT and grade is not None and 1 <= grade <= email_signup_max_grade


def email_opens(
    invite: Invite | None,
    grade: int | None,
    now: datetime,
    email_signup_max_grade: int = EMAIL_SIGNUP_MAX_GRADE,
) -> bool:
    """R8 again when the invite is used: the class may have been promoted since it was printed."""
    return (
        invite is not None
        and invite.allow_email
        and invite.refusal(now) is None
        and email_allowed(invite.role, grade, email_signup_max_grade)
    )


def issue(
    invite_id: InviteId, token: str, order: Order, by: Account, now: datetime, code: str = ""
) -> Invite:
    """The invite as it is kept. Ask `issue_refusal` first."""
    return Invite(
        id=invite_id,
        org_id=order.org_id,
        kind=order.kind,
        role=order.role,
        class_id=order.class_id,
        person_id=order.person_id,
        allow_email=order.allow_email,
        max_uses=order.max_uses,
        expires_at=now + order.lifetime,
        issued_by=by.user_id,
        token_hash=token_hash(token),
        code_hash=token_hash(code) if code else None,
    )


def new_token(random_bytes: Callable[[int], bytes]) -> str:
    """What stands in the link: 22 characters of `A-Za-z0-9_-`."""
    return base64.urlsafe_b64encode(random_bytes(TOKEN_BYTES)).rstrip(b"=").decode("ascii")


def new_invite_code(below: Callable[[int], int]) -> str:
    """Nine digits: typed on a number pad, read out in class. Guessing is slowed by `joining.py`."""
    return f"{below(10**CODE_DIGITS):0{CODE_DIGITS}d}"


def read_invite_code(typed: str) -> str | None:
    """What was typed, if it can be a code: `482 913 507`, `482-913-507`."""
    digits = "".join(typed.split()).replace("-", "")
    return digits if len(digits) == CODE_DIGITS and digits.isascii() and digits.isdigit() else None


def shown_code(code: str) -> str:
    """`482 913 507`."""
    return " ".join(code[start : start + 3] for start in range(0, len(code), 3))


def token_hash(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()
