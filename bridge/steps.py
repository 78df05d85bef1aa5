"""What is to be done to an account in Synapse and in the directory, as steps that may be repeated. Pure.

A list of steps waits, sealed, in the outbox, written in the transaction that decided on it; the single writer
(`bridge/writer.py`) carries it out. After a crash the whole list is done again, so each step looks first.
"""

from __future__ import annotations

from attrs import field, frozen

from bridge.people import LinkStatus, NewPerson, SourceKey
from bridge.roles import OrgId, PersonId, UserId

#: A person known by id, or one that an earlier step makes.
Who = PersonId | SourceKey


@frozen
class EnsureAccount:
    """The account exists, with this password if it had to be made, and its contacts as threepids."""

    password: str | None = field(repr=False, default=None)


@frozen
class WriteContacts:
    """The threepids are exactly the contacts that the bridge has for the account."""


@frozen
class SetPassword:
    password: str = field(repr=False)
    sign_out: bool = True  # other devices: whoever lost a phone wants that, whoever forgot may not


@frozen
class CreatePerson:
    new: NewPerson


@frozen
class Activate:
    """The person has the account and is of the school from now on."""

    who: Who


@frozen
class Link:
    """A guardianship between two persons."""

    guardian: Who
    student: Who
    relation: str
    status: LinkStatus


@frozen
class Confirm:
    """R17: a linked parent's yes to a pupil's profile."""

    student: Who


@frozen
class Leave:
    """R14: rights end at once."""

    who: Who
    reason: str = field(repr=False)


@frozen
class SignOut:
    """Every device of the account."""


@frozen
class ErasePerson:
    who: Who


@frozen
class Deactivate:
    """The account is closed for ever and its profile erased: after a rejected application, or the grace time."""


Step = (
    EnsureAccount
    | WriteContacts
    | SetPassword
    | CreatePerson
    | Activate
    | Link
    | Confirm
    | Leave
    | SignOut
    | ErasePerson
    | Deactivate
)


@frozen(kw_only=True)
class Steps:
    """One account's list. `by` is on whose behalf (R51)."""

    user_id: UserId
    org_id: OrgId
    by: UserId
    steps: tuple[Step, ...]
