"""What is known of a newcomer who has proved a contact, and what can become of them. Values only.

Everything here is found out after the code: before it, any of it would tell a stranger whose number it is (R7).
"""

from __future__ import annotations

import enum
from collections.abc import Mapping, Sequence

from attrs import field, frozen

from bridge.applicant import Applicant
from bridge.invite import EMAIL_SIGNUP_MAX_GRADE, InviteKind
from bridge.onboarding_rules import Stop
from bridge.people import PersonRecord, Relative, Status
from bridge.roles import ClassId, PersonId, Role, UserId


@frozen(kw_only=True)
class Standing:
    """Attributes:
    role, class_id: what the invite gives, or, where it leaves that open, what the newcomer wants.
    named: whom the invite names: the pupil, or the child of a parent. `guardians` are the child's, restricted too.
    owner: the account of this school that has the contact, or whose session this is; None: nobody's.
    is_me: the newcomer says that they are the owner, or is signed in as the owner (`by_session`).
    persons: the owner's records; () for an applicant, who has none yet.
    same_school: False: the session is of a profile at another school of this server, which has nothing to do here.
    elsewhere: what profiles with this contact are at other schools here; None: there are none; empty: not known.
    applied: what the owner has applied for and nobody has decided on.
    listed: people whom the school's lists name with this contact.
    children: of the listed guardians and of the owner's records.
    left: people who left by their own wish and may come back (R29).
    had: accounts that have had this contact.
    """

    kind: InviteKind
    role: Role
    class_id: ClassId | None = None
    grade: int | None = None
    email_signup_max_grade: int = EMAIL_SIGNUP_MAX_GRADE
    named: PersonRecord | None = field(default=None, repr=False)
    guardians: Sequence[Relative] = field(default=(), repr=False)
    owner: UserId | None = None
    is_me: bool = False
    by_session: bool = False
    persons: Sequence[PersonRecord] = field(default=(), repr=False)
    same_school: bool = True
    elsewhere: frozenset[Role] | None = None
    applied: frozenset[tuple[Role | None, ClassId | None]] = frozenset()
    listed: Sequence[PersonRecord] = field(default=(), repr=False)
    children: Mapping[PersonId, Sequence[Relative]] = field(factory=dict, repr=False)
    left: frozenset[PersonId] = frozenset()
    had: frozenset[UserId] = frozenset()

    @property
    def roles(self) -> frozenset[Role]:
        """The owner's."""
        return frozenset[Role]().union(*(one.roles for one in self.persons))

    @property
    def listed_roles(self) -> frozenset[Role]:
        """Of everybody whom the lists name with this contact."""
        here = (one for one in self.listed if one.status is not Status.LEFT)
        return frozenset[Role]().union(*(one.roles for one in here))

    def may_come(self, person: PersonRecord) -> bool:
        """Whether the record is free for somebody to come in with: on the list, or left by their own wish.

        Whoever was removed by others does not come back by a number that an old list still has.
        """
        return person.status is Status.LISTED or (
            person.status is Status.LEFT and person.person_id in self.left
        )

    def account_of(self, person: PersonRecord) -> UserId | None:
        """The account that the record gets; None: a new one.

        Of somebody who comes back it is their old one (R29), if they have proved a contact of it; else whatever
        was written with it is another human's (R14).
        """
        if self.owner is not None:
            return self.owner
        return person.user_id if person.user_id in self.had else None


class Why(enum.Enum):
    """Why somebody cannot go on here. Each has a text in `bridge/web/join_words.py`. The values are stable."""

    CHILD_FIRST = "child_first"  # R15
    CHILDS_PHONE = "childs_phone"  # R14: «Покинуть»
    CHILDS_BROWSER = "childs_browser"  # R13
    ALREADY_IN = "already_in"  # the record has an account, with another contact
    OTHER_SCHOOL = (
        "other_school"  # R40: a pupil's number, and whoever wants to be a pupil with another's
    )
    OTHER_PROFILE = "other_profile"  # signed in as a profile of another school (ADR 32)
    NOT_LISTED = "not_listed"  # R19: rights are the listed phone's
    OTHER_PHONE = "other_phone"  # R19: the list has another phone for this name
    GONE = "gone"  # whom the link names is not of the school any more


@frozen(kw_only=True)
class Admit:
    """At once: this record, on this account (None: a new one); a parent also gets the child."""

    person: PersonRecord
    account: UserId | None = None
    child: PersonRecord | None = None


@frozen(kw_only=True)
class NewParent:
    """At once: a record of a parent whom a child's link vouches for (R15), maybe of somebody of the staff (R32)."""

    names: Applicant = field(repr=False)
    account: UserId | None
    child: PersonRecord


@frozen(kw_only=True)
class IsItYou:
    """The contact has a profile: «Это я» or «Это не я», never a takeover (R11). No persons: an application waits."""

    persons: Sequence[PersonRecord]


@frozen(kw_only=True)
class Choose:
    """Several people of the list have this contact: which one? Asked by given name only."""

    people: Sequence[PersonRecord]
    child: PersonRecord | None = None


@frozen(kw_only=True)
class AskNames:
    """Their names are needed: of a parent whom a child vouches for (`child`), else for an application."""

    child: PersonRecord | None = None


@frozen(kw_only=True)
class Stopped:
    """R12, with three ways on. `bound`: the number has a profile, so it may also be in dispute."""

    stop: Stop
    bound: bool


@frozen
class Halt:
    why: Why


@frozen
class SignedIn:
    """There is nothing to add: they are in, or their application waits."""


Outcome = Admit | NewParent | IsItYou | Choose | AskNames | Stopped | Halt | SignedIn
