"""What the policy knows of one Matrix account: the union of its persons (R30, R32). Pure.

An account belongs to one school. A person with two roles from two lists (a teacher who is also a parent) is two records
with one account; here they are one value again.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date

from attrs import frozen

from synapse_sferum.model import (
    ADMINISTRATIVE,
    LEADERS,
    STAFF,
    ClassId,
    EnrolmentRole,
    OrgId,
    OrgSettings,
    PersonId,
    Role,
    RoomKey,
    RoomKind,
    UserId,
)

#: R17: from this birthday on, nobody needs to confirm a pupil's profile.
CONFIRMATION_AGE = 14


@frozen(kw_only=True, cache_hash=True)
class Account:
    """Facts of one *active* account. A user without one of these has no rights at all.

    `children` and `guardians` hold persons of confirmed links only; claimed and restricted ones are nowhere (R34).
    """

    user_id: UserId
    org_id: OrgId
    settings: OrgSettings
    roles: frozenset[Role]
    persons: frozenset[PersonId]
    student_in: frozenset[ClassId] = frozenset()
    homeroom_of: frozenset[ClassId] = frozenset()
    teaches: frozenset[ClassId] = frozenset()  # subject teacher, homeroom not included
    children: frozenset[PersonId] = frozenset()
    children_in: frozenset[ClassId] = frozenset()  # classes of the children
    guardians: frozenset[PersonId] = frozenset()  # of this pupil
    birth_date: date | None = None
    confirmed: bool = False
    timezone: str = "Europe/Moscow"  # of the school

    @property
    def is_staff(self) -> bool:
        """Director, deputy, administrator or teacher."""
        return bool(self.roles & STAFF)

    @property
    def is_administrative(self) -> bool:
        """Director, deputy or administrator."""
        return bool(self.roles & ADMINISTRATIVE)

    @property
    def is_leader(self) -> bool:
        """Director or deputy."""
        return bool(self.roles & LEADERS)

    def unconfirmed(self, today: date) -> bool:
        """Whether R17 holds this account back on `today` (the school's calendar).

        Only pupils who are nothing else; a pupil whose birth date is unknown counts as a child.
        """
        if (
            self.confirmed
            or not self.settings.confirmation_required
            or self.roles != {Role.STUDENT}
        ):
            return False
        return self.birth_date is None or age_on(self.birth_date, today) < CONFIRMATION_AGE


def age_on(birth_date: date, today: date) -> int:
    """Whole years on `today`; someone born on 29 February has a birthday on 1 March of common years."""
    before_birthday = (today.month, today.day) < (birth_date.month, birth_date.day)
    return today.year - birth_date.year - before_birthday


def counts(role: EnrolmentRole, roles: frozenset[Role]) -> bool:
    """Whether an enrolment counts: a pupil's for pupils only, a teacher's for staff only.

    Whoever lost the role (R31) loses what came with it, although the enrolment stays on record.
    """
    return Role.STUDENT in roles if role is EnrolmentRole.STUDENT else bool(roles & STAFF)


def rooms_of(account: Account) -> dict[RoomKey, str]:
    """Every managed room this account must be in, with the reason (a stable word, R51).

    This is the one place that says who is where: the desired state and the refusal to leave (R25) both read it.
    """
    rooms: dict[RoomKey, str] = {}
    for kind in (RoomKind.SCHOOL, RoomKind.ANNOUNCEMENTS, RoomKind.MATERIALS):
        rooms[RoomKey(kind)] = "of_the_school"
    if account.is_staff:
        rooms[RoomKey(RoomKind.STAFF)] = "staff"
    if account.is_administrative:
        rooms[RoomKey(RoomKind.ADMINISTRATION)] = "administrative"
    for class_id in account.student_in:
        rooms[RoomKey(RoomKind.CLASS, class_id)] = "student_of_the_class"
    for class_id in account.children_in:
        rooms[RoomKey(RoomKind.CLASS_PARENTS, class_id)] = "guardian_of_a_student"
    for class_id in account.homeroom_of:
        rooms[RoomKey(RoomKind.CLASS, class_id)] = "homeroom_teacher"
        rooms[RoomKey(RoomKind.CLASS_PARENTS, class_id)] = "homeroom_teacher"
    return rooms


def power_in(account: Account, key: RoomKey) -> int:
    """Power level of a member in a managed room (R22, R26): 100 administrative, 50 the class teacher, 0 everyone else.

    In the materials room all staff may publish (50); nobody but the service user has more than 100.
    """
    if account.is_administrative:
        return 100
    if key.kind is RoomKind.MATERIALS and account.is_staff:
        return 50
    if key.kind in {RoomKind.CLASS, RoomKind.CLASS_PARENTS} and key.ref in account.homeroom_of:
        return 50
    return 0


def merge_accounts(parts: Iterable[Account]) -> Account:
    """One account out of the facts of each of its persons.

    Raises:
        ValueError: no parts, or parts of different users or schools.
    """
    parts = list(parts)
    if not parts:
        raise ValueError("an account needs at least one person")
    first = parts[0]
    if any((p.user_id, p.org_id) != (first.user_id, first.org_id) for p in parts):
        raise ValueError("persons of one account must share the user and the school")
    births = [p.birth_date for p in parts if p.birth_date and Role.STUDENT in p.roles]
    return Account(
        user_id=first.user_id,
        org_id=first.org_id,
        settings=first.settings,
        roles=frozenset().union(*(p.roles for p in parts)),
        persons=frozenset().union(*(p.persons for p in parts)),
        student_in=frozenset().union(*(p.student_in for p in parts)),
        homeroom_of=frozenset().union(*(p.homeroom_of for p in parts)),
        teaches=frozenset().union(*(p.teaches for p in parts)),
        children=frozenset().union(*(p.children for p in parts)),
        children_in=frozenset().union(*(p.children_in for p in parts)),
        guardians=frozenset().union(*(p.guardians for p in parts)),
        birth_date=births[0] if births else None,
        confirmed=any(p.confirmed for p in parts),
        timezone=first.timezone,
    )
