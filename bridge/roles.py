"""Who somebody is at a school, and what that lets them decide. Pure. Words: docs/contracts.md §1."""

from __future__ import annotations

import enum
from typing import NewType

from attrs import field, frozen

OrgId = NewType("OrgId", str)
ClassId = NewType("ClassId", str)
#: A record of a school's lists, "p" + 12 of base32; somebody on a list may have no account yet.
PersonId = NewType("PersonId", str)
#: An account, `@u…:server`: contacts and sessions belong to it. It may be several persons (R32).
UserId = NewType("UserId", str)


class Role(enum.Enum):
    DIRECTOR = "director"
    DEPUTY = "deputy"
    ADMINISTRATOR = "administrator"
    TEACHER = "teacher"
    STUDENT = "student"
    GUARDIAN = "guardian"


#: Whoever may see and change everything of one school (R22: all deputies too).
ADMINISTRATION = frozenset({Role.DIRECTOR, Role.DEPUTY, Role.ADMINISTRATOR})
#: Whoever decides about colleagues (R10), and sees court orders (R34).
HEADS = frozenset({Role.DIRECTOR, Role.DEPUTY})
STAFF = ADMINISTRATION | {Role.TEACHER}
#: Roles that live in a class.
OF_A_CLASS = frozenset({Role.STUDENT, Role.GUARDIAN})


@frozen(kw_only=True)
class Account:
    """Somebody signed in, with what the directory gives them right now (R30): the union of their persons."""

    user_id: UserId
    org_id: OrgId
    roles: frozenset[Role]
    display_name: str = field(default="", repr=False)  # «Фамилия Имя»
    org_name: str = ""
    timezone: str = "Europe/Moscow"  # of the school
    persons: frozenset[PersonId] = frozenset()
    student_in: frozenset[ClassId] = frozenset()
    homeroom_of: frozenset[ClassId] = frozenset()
    children_in: frozenset[ClassId] = frozenset()
    children: frozenset[PersonId] = frozenset()  # by confirmed links only (R34)
    unconfirmed: bool = False  # R17

    @property
    def administers(self) -> bool:
        return bool(self.roles & ADMINISTRATION)

    @property
    def heads(self) -> bool:
        return bool(self.roles & HEADS)

    @property
    def is_staff(self) -> bool:
        return bool(self.roles & STAFF)

    def leads(self, class_id: ClassId | None) -> bool:
        """Whether they are the class teacher of this class."""
        return class_id is not None and class_id in self.homeroom_of
