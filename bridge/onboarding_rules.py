"""Families: a child with a parent's phone, a parent without a link, a child under 14 (R12, R15, R17). Pure.

All of it is asked after a code has proved the contact: before, any answer would tell a stranger
whose number it is (R7).
"""

from __future__ import annotations

import enum
from datetime import date, datetime
from zoneinfo import ZoneInfo

from attrs import frozen

from bridge.invite import EMAIL_SIGNUP_MAX_GRADE, email_allowed
from bridge.roles import STAFF, Role, UserId

CONFIRMATION_AGE = 14  # R17; the module has the same number


class StopReason(enum.Enum):
    """Why a pupil is not registered with this number. The values are stable."""

    PARENTS_PHONE = "parents_phone"
    STAFF_PHONE = "staff_phone"


class Exit(enum.Enum):
    OWN_PHONE = "own_phone"
    EMAIL_BY_CLASS_LINK = "email_by_class_link"
    QR_CARD = "qr_card"


@frozen
class ExitOffer:
    exit: Exit
    open: bool  # False: shown with the reason why it does not help this class


@frozen
class Stop:
    """R12: nothing is created; the page explains and offers these ways on."""

    reason: StopReason
    exits: tuple[ExitOffer, ...]


def pupil_stop(
    owner_roles: frozenset[Role],
    grade: int | None,
    email_signup_max_grade: int = EMAIL_SIGNUP_MAX_GRADE,
) -> Stop | None:
    """Whether a pupil may sign up with a number; `owner_roles` are those of whoever has it already.

    Both count: the person bound to the number, and people whom the roster lists with it. So a parent who
    is registered as a pupil by mistake is stopped here too (R14 repairs that). A number of pupils only is
    no stop: it goes the way of "this is my account".
    """
    if Role.GUARDIAN in owner_roles:
        reason = StopReason.PARENTS_PHONE
    elif owner_roles & STAFF:
        reason = StopReason.STAFF_PHONE
    else:
        return None
    by_mail = email_allowed(Role.STUDENT, grade, email_signup_max_grade)
    return Stop(
        reason,
        (
            ExitOffer(Exit.OWN_PHONE, open=True),
            ExitOffer(Exit.EMAIL_BY_CLASS_LINK, open=by_mail),
            ExitOffer(Exit.QR_CARD, open=True),
        ),
    )


class ParentClaim(enum.Enum):
    """What a parent's sign-up becomes (R15)."""

    LINKED = "linked"  # by a link from the child or the teacher
    BY_ROSTER = "by_roster"  # the school's list names this phone as a parent's
    APPLICATION = "application"  # neither: staff decide, no membership until then
    CHILD_FIRST = "child_first"  # the link is right, but the pupil has not registered yet
    CHILDS_PHONE = "childs_phone"  # the number is the child's own: see «Покинуть» (R14)
    CHILDS_BROWSER = "childs_browser"  # opened where the child is signed in: R13 → screen of R11


def parent_claim(
    *,
    by_child_link: bool,
    child: UserId | None,
    child_active: bool,
    phone_owner: UserId | None,
    signed_in_as: UserId | None,
    listed_as_parent: bool,
) -> ParentClaim:
    """What becomes of a parent who has proved a phone.

    Args:
        child: the pupil the link names, or that the roster gives this parent.
        phone_owner: the active profile which the phone is bound to.
        signed_in_as: whose session this browser holds.
    """
    if child is not None and signed_in_as == child:
        return ParentClaim.CHILDS_BROWSER
    if child is not None and phone_owner == child:
        return ParentClaim.CHILDS_PHONE
    if by_child_link:
        return ParentClaim.LINKED if child_active else ParentClaim.CHILD_FIRST
    return ParentClaim.BY_ROSTER if listed_as_parent else ParentClaim.APPLICATION


class ParentLink(enum.Enum):
    """States of a guardianship, docs/contracts.md §2."""

    CLAIMED = "claimed"
    CONFIRMED = "confirmed"
    RESTRICTED = "restricted"


def needs_confirmation(birth_date: date | None, now: datetime, school_zone: ZoneInfo) -> bool:
    """R17: under 14 on the school's own date. Born on 29 February: 1 March in common years.

    An unknown birth date counts as a child's, as in the module.
    """
    if birth_date is None:
        return True
    today = now.astimezone(school_zone).date()
    before_birthday = (today.month, today.day) < (birth_date.month, birth_date.day)
    return today.year - birth_date.year - before_birthday < CONFIRMATION_AGE


def may_confirm(link: ParentLink | None) -> bool:
    """R17, R34: a linked parent may confirm, and withdraw; a restricted or merely claimed link gives nothing."""
    return link is ParentLink.CONFIRMED
