"""What a yes does: the steps that make an applicant a person of the school. Pure.

The applicant has an account already, which lets nobody in. A yes gives it a record: a new one, the one of the school's
list that staff recognise, or, for a second child, the one it has.
"""

from __future__ import annotations

import enum
from collections.abc import Sequence

from attrs import field, frozen

from bridge.applicant import Applicant
from bridge.application import Application
from bridge.matching import same_name
from bridge.people import LinkStatus, NewPerson, PersonRecord, Relative, SourceKey, Status
from bridge.roles import ADMINISTRATION, STAFF, Account, Role
from bridge.steps import Activate, CreatePerson, EnsureAccount, Link, Step, Who

#: `source` of records that applications make (docs/contracts.md §2).
SOURCE = "application"


class ApprovalRefusal(enum.Enum):
    """Why a yes cannot be carried out as it is. Nothing is decided. The values are stable: logged, counted, tested."""

    CHILD_NEEDED = "child_needed"  # of a parent: choose whose
    CHILD_UNSUITABLE = "child_unsuitable"  # no pupil of that class
    MATCH_UNSUITABLE = "match_unsuitable"  # not on the list, or somebody else's role or class
    HEADS_ONLY = "heads_only"  # for the director or a deputy to decide
    RESTRICTED = "restricted"  # R34, said to heads only: a court order stands against this name
    UNREADABLE = "unreadable"  # the form cannot be read: another key


@frozen(kw_only=True)
class Surroundings:
    """What the directory says of everybody concerned.

    Attributes:
        own: records of the applicant's account, if it is of the school already (R32).
        match: who the applicant is on the list, as staff say; `match_children` are that record's.
        child: whose parent, as staff say; `child_guardians` are that record's, restricted ones too.
    """

    own: Sequence[PersonRecord] = field(default=(), repr=False)
    match: PersonRecord | None = field(default=None, repr=False)
    match_children: Sequence[Relative] = field(default=(), repr=False)
    child: PersonRecord | None = field(default=None, repr=False)
    child_guardians: Sequence[Relative] = field(default=(), repr=False)


def approval_steps(
    application: Application, applicant: Applicant, by: Account, around: Surroundings
) -> tuple[Step, ...] | ApprovalRefusal:
    """The steps of `by`'s yes, in order. Whether `by` may say it at all is `application.decision_refusal`'s."""
    assert application.role is not None  # of an undecided one
    if around.match is not None:
        if not _suits(around.match, application):
            return ApprovalRefusal.MATCH_UNSUITABLE
        if not _may_give(by, around.match.roles - {application.role}):
            return ApprovalRefusal.HEADS_ONLY
    if application.role is not Role.GUARDIAN:
        return _with_record(application, applicant, around.match)
    return _of_parent(application, applicant, by, around)


def _of_parent(
    application: Application, applicant: Applicant, by: Account, around: Surroundings
) -> tuple[Step, ...] | ApprovalRefusal:
    if around.child is None:
        return _of_listed_parent(application, applicant, by, around)
    if not _is_pupil(around.child, application):
        return ApprovalRefusal.CHILD_UNSUITABLE
    mine = next((one for one in around.own if Role.GUARDIAN in one.roles), None)
    ids = {one.person_id for one in (mine, around.match) if one is not None}
    for link in around.child_guardians:
        if link.status is not LinkStatus.RESTRICTED:
            continue
        if link.person.person_id in ids or same_name(applicant, link.person):
            return ApprovalRefusal.RESTRICTED if by.heads else ApprovalRefusal.HEADS_ONLY
    if mine is not None:
        who: Who = mine.person_id
        steps: tuple[Step, ...] = (EnsureAccount(),)
    else:
        who = _key(application) if around.match is None else around.match.person_id
        steps = _with_record(application, applicant, around.match)
    link_step = Link(who, around.child.person_id, applicant.relation, LinkStatus.CONFIRMED)
    return (*steps, link_step)


def _of_listed_parent(
    application: Application, applicant: Applicant, by: Account, around: Surroundings
) -> tuple[Step, ...] | ApprovalRefusal:
    """Somebody of the list brings their children along; a court order brings nothing (R34)."""
    if around.match is None:
        return ApprovalRefusal.CHILD_NEEDED
    if any(link.status is LinkStatus.RESTRICTED for link in around.match_children) and not by.heads:
        return ApprovalRefusal.HEADS_ONLY
    if not any(gives(link) for link in around.match_children):
        return ApprovalRefusal.CHILD_NEEDED
    return _with_record(application, applicant, around.match)


def gives(link: Relative) -> bool:
    """Whether a parent has anything from this link (R34)."""
    return link.status is LinkStatus.CONFIRMED and link.person.status is not Status.LEFT


def _with_record(
    application: Application, applicant: Applicant, match: PersonRecord | None
) -> tuple[Step, ...]:
    if match is not None:
        return EnsureAccount(), Activate(match.person_id)
    return (
        EnsureAccount(),
        CreatePerson(record_of(application, applicant)),
        Activate(_key(application)),
    )


def record_of(application: Application, applicant: Applicant) -> NewPerson:
    """The record that the application makes."""
    assert application.role is not None
    student = application.role is Role.STUDENT
    return NewPerson(
        key=_key(application),
        family_name=applicant.family_name,
        given_name=applicant.given_name,
        middle_name=applicant.middle_name,
        birth_date=applicant.birth_date if student else None,
        roles=frozenset({application.role}),
        class_id=application.class_id if student else None,
    )


def _key(application: Application) -> SourceKey:
    return SourceKey(SOURCE, application.id)


def _suits(match: PersonRecord, application: Application) -> bool:
    """On the list without an account, of the wanted kind, and a pupil of the wanted class."""
    if match.status is not Status.LISTED:
        return False
    if application.role is Role.STUDENT:
        return _is_pupil(match, application)
    # The list's roles count: nobody becomes a deputy by being taken for a listed teacher.
    return application.role in match.roles


def _may_give(by: Account, more: frozenset[Role]) -> bool:
    """Whether `by` could say yes to the roles that the record has besides the one that was applied for (R10)."""
    if more & ADMINISTRATION:
        return by.heads
    return by.administers or not more & STAFF


def _is_pupil(person: PersonRecord, application: Application) -> bool:
    if Role.STUDENT not in person.roles or person.status is Status.LEFT:
        return False
    classes = {seat.class_id for seat in person.seats if seat.role == "student"}
    return application.class_id is None or application.class_id in classes
