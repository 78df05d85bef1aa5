"""Who somebody is at a school, and what that lets them decide. Pure. Words: docs/contracts.md §1."""

from __future__ import annotations

import enum
from typing import NewType

from attrs import frozen

OrgId = NewType("OrgId", str)
ClassId = NewType("ClassId", str)
PersonId = NewType("PersonId", str)


class Role(enum.Enum):
    DIRECTOR = "director"
    DEPUTY = "deputy"
    ADMINISTRATOR = "administrator"
    TEACHER = "teacher"
    STUDENT = "student"
    GUARDIAN = "guardian"


#: Whoever may see and change everything of one school (R22: all deputies too).
ADMINISTRATION = frozenset({Role.DIRECTOR, Role.DEPUTY, Role.ADMINISTRATOR})
#: Whoever decides about colleagues (R10).
HEADS = frozenset({Role.DIRECTOR, Role.DEPUTY})
STAFF = ADMINISTRATION | {Role.TEACHER}
#: Roles that live in a class.
OF_A_CLASS = frozenset({Role.STUDENT, Role.GUARDIAN})


@frozen(kw_only=True)
class Person:
    """Somebody signed in, with the roles the directory gives them right now (R30)."""

    id: PersonId
    org_id: OrgId
    roles: frozenset[Role]
    homeroom_of: frozenset[ClassId] = frozenset()

    @property
    def administers(self) -> bool:
        return bool(self.roles & ADMINISTRATION)

    @property
    def heads(self) -> bool:
        return bool(self.roles & HEADS)

    def leads(self, class_id: ClassId | None) -> bool:
        """Whether they are the class teacher of this class."""
        return class_id is not None and class_id in self.homeroom_of
