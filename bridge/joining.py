"""What becomes of a newcomer after the right code (R11 to R16, R19, R29, R32). Pure: a table of cases."""

from __future__ import annotations

from bridge.applicant import Applicant
from bridge.invite import InviteKind
from bridge.joining_listed import one_of
from bridge.joining_parent import parent_outcome, parent_with_names
from bridge.onboarding_rules import pupil_stop
from bridge.people import PersonRecord
from bridge.roles import ADMINISTRATION, STAFF, ClassId, Role
from bridge.standing import (
    Admit,
    AskNames,
    Halt,
    IsItYou,
    Outcome,
    SignedIn,
    Standing,
    Stopped,
    Why,
)


def outcome_of(standing: Standing) -> Outcome:
    """What the next page is. Nothing has happened yet."""
    if standing.role is Role.STUDENT:
        stopped = _stopped(standing)
        if stopped is not None:
            return stopped
    if standing.owner is not None and not standing.is_me:
        return _whose(standing)
    if not standing.same_school:
        return Halt(Why.OTHER_PROFILE)
    if standing.owner is None and not may_have_two(standing.role, standing.elsewhere):
        return Halt(Why.OTHER_SCHOOL)
    outcome = _of_role(standing)
    if outcome == AskNames() and (standing.role, standing.class_id) in standing.applied:
        return (
            SignedIn()
        )  # the same application waits already; a better link or list is not held up by it
    return outcome


def _of_role(standing: Standing) -> Outcome:
    if standing.role is Role.STUDENT:
        return _pupil(standing)
    if standing.role is Role.GUARDIAN:
        return parent_outcome(standing)
    return _staff(standing)


def outcome_with_names(standing: Standing, applicant: Applicant) -> Outcome:
    """The same when the names are known, where `outcome_of` asked for them: AskNames again means: an application."""
    outcome = outcome_of(standing)
    if not isinstance(outcome, AskNames) or outcome.child is None:
        return outcome
    return parent_with_names(standing, outcome.child, applicant)


def card_outcome(standing: Standing) -> Outcome:
    """A printed card needs no contact (R20): the pupil is in, or gets a new password."""
    if standing.named is None:
        return Halt(Why.GONE)
    if standing.named.active:
        return Admit(person=standing.named, account=standing.named.user_id)
    if not standing.may_come(standing.named):
        return Halt(Why.GONE)
    return Admit(person=standing.named)


def may_have_two(role: Role, elsewhere: frozenset[Role] | None) -> bool:
    """Whether a contact may have a profile here in `role` beside those at other schools (ADR 32).

    An adult's may: a teacher at both, a parent with children in both. A pupil is of one school at a time (R40), and a
    number that is a pupil's at one school is no parent's at another (R12). What is not known (yet) is no adult.
    """
    if elsewhere is None:
        return True
    return role is not Role.STUDENT and bool(elsewhere) and Role.STUDENT not in elsewhere


def _stopped(standing: Standing) -> Stopped | None:
    """R12: a parent's or colleague's number makes no pupil, whether it is bound, at any school, or only listed."""
    roles = standing.roles | standing.listed_roles | (standing.elsewhere or frozenset())
    if standing.is_me and Role.STUDENT in standing.roles:
        return None  # they are in already
    stop = pupil_stop(roles, standing.grade, standing.email_signup_max_grade)
    return (
        None
        if stop is None
        else Stopped(stop=stop, bound=standing.owner is not None or standing.elsewhere is not None)
    )


def _whose(standing: Standing) -> Outcome:
    child = standing.named.user_id if standing.named is not None else None
    if standing.role is Role.GUARDIAN and child is not None and standing.owner == child:
        return Halt(Why.CHILDS_PHONE)
    return IsItYou(persons=standing.persons)


def _pupil(standing: Standing) -> Outcome:
    if Role.STUDENT in standing.roles:
        return SignedIn()
    if standing.kind is InviteKind.PERSONAL:
        return _named_pupil(standing)
    mine = [
        one
        for one in standing.listed
        if Role.STUDENT in one.roles and _is_in(one, standing.class_id)
    ]
    return one_of(standing, mine) or AskNames()


def _named_pupil(standing: Standing) -> Outcome:
    named = standing.named
    if named is None:
        return Halt(Why.GONE)
    if named.active:
        return Halt(Why.ALREADY_IN)
    if not standing.may_come(named):
        return Halt(Why.GONE)
    return Admit(person=named, account=standing.account_of(named))


def _staff(standing: Standing) -> Outcome:
    if Role.STUDENT in standing.roles or standing.role in standing.roles:
        return SignedIn()
    wanted = ADMINISTRATION if standing.role in ADMINISTRATION else STAFF
    mine = [one for one in standing.listed if one.roles & wanted]
    found = one_of(standing, mine)
    if found is not None:
        return found
    if standing.role in ADMINISTRATION and standing.kind is InviteKind.SCHOOL:
        return Halt(Why.NOT_LISTED)
    return AskNames()


def _is_in(person: PersonRecord, class_id: ClassId | None) -> bool:
    classes = {seat.class_id for seat in person.seats if seat.role == "student"}
    return class_id is None or class_id in classes
