"""Families: a child with a parent's phone, a child under 14 (R12, R17). Pure. Parents: `joining_parent.py`.

All of it is asked after a code has proved the contact: before, any answer would tell a stranger
whose number it is (R7).
"""

from __future__ import annotations

import enum
from datetime import date, datetime
from zoneinfo import ZoneInfo

from attrs import frozen

from bridge.invite import EMAIL_SIGNUP_MAX_GRADE, email_allowed
from bridge.roles import STAFF, Role

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


def needs_confirmation(birth_date: date | None, now: datetime, school_zone: ZoneInfo) -> bool:
    """R17: under 14 on the school's own date. Born on 29 February: 1 March in common years.

    An unknown birth date counts as a child's, as in the module.
    """
    if birth_date is None:
        return True
    today = now.astimezone(school_zone).date()
    before_birthday = (today.month, today.day) < (birth_date.month, birth_date.day)
    return today.year - birth_date.year - before_birthday < CONFIRMATION_AGE
