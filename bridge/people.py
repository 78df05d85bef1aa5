"""What the directory says of schools, classes and people, as values. Pure. JSON: docs/contracts.md §2."""

from __future__ import annotations

import enum
from datetime import date

from attrs import field, frozen

from bridge import names
from bridge.roles import ClassId, OrgId, PersonId, Role, UserId


class Status(enum.Enum):
    LISTED = "listed"  # on the list, no account yet
    ACTIVE = "active"
    LEFT = "left"


class LinkStatus(enum.Enum):
    """Of a guardianship, docs/contracts.md §2."""

    CLAIMED = "claimed"
    CONFIRMED = "confirmed"
    RESTRICTED = "restricted"  # R34: nothing is shown of it but to director and deputies


@frozen(kw_only=True)
class Org:
    """A school."""

    org_id: OrgId
    name: str
    timezone: str
    school_year: str
    settings: dict[str, object] = field(factory=dict, repr=False)
    open: bool = True


@frozen
class Substitute:
    """Somebody beside a class teacher. `until`: the last day, that day included."""

    person_id: PersonId
    until: date


@frozen(kw_only=True)
class DistrictSchool:
    """Another school of the district, on a server of its own, as the register names it."""

    server_name: str
    name: str

    @property
    def page(self) -> str:
        """Where its own pages are: at the address of its server (docs/operations.md)."""
        return f"https://{self.server_name.partition(':')[0]}/"


@frozen(kw_only=True)
class SchoolClass:
    """A class of this year with its figures."""

    class_id: ClassId
    name: str
    grade: int | None
    students: int = 0
    active_students: int = 0
    homeroom_teachers: tuple[PersonId, ...] = ()
    substitutes: tuple[Substitute, ...] = ()


@frozen
class Seat:
    """A person in a class. `role`: student | teacher | homeroom_teacher."""

    class_id: ClassId
    name: str
    role: str


@frozen(kw_only=True)
class PersonRecord:
    """One record of the school. Names never reach a log: they are not in the repr."""

    person_id: PersonId
    source: str
    source_id: str
    family_name: str = field(repr=False)
    given_name: str = field(repr=False)
    middle_name: str = field(default="", repr=False)
    birth_date: date | None = field(default=None, repr=False)
    roles: frozenset[Role]
    roles_by_hand: frozenset[Role] | None = None
    status: Status
    user_id: UserId | None = None
    confirmed: bool = False
    seats: tuple[Seat, ...] = ()

    @property
    def active(self) -> bool:
        return self.status is Status.ACTIVE and self.user_id is not None

    @property
    def short_name(self) -> str:
        """«Иванов А.»: enough to recognise oneself, not enough for a stranger."""
        return names.short_name(self.family_name, self.given_name)

    @property
    def full_name(self) -> str:
        return names.full_name(self.family_name, self.given_name, self.middle_name)


@frozen(kw_only=True)
class Relative:
    """The other end of a guardianship."""

    person: PersonRecord
    relation: str  # the school's own word, may be ""
    status: LinkStatus


@frozen(kw_only=True)
class Pupil:
    person: PersonRecord
    guardians: tuple[Relative, ...] = ()


@frozen(kw_only=True)
class Roll:
    """A class with everybody of it who has not left. Substitutes are among the teachers."""

    class_id: ClassId
    name: str
    grade: int | None
    homeroom_teachers: tuple[PersonRecord, ...]
    students: tuple[Pupil, ...]


@frozen(kw_only=True)
class Family:
    """Both directions of somebody's guardianships, restricted ones too: callers hide them (R34)."""

    person: PersonRecord
    guardians: tuple[Relative, ...]
    children: tuple[Relative, ...]


@frozen(kw_only=True)
class People:
    """One page of a search."""

    people: tuple[PersonRecord, ...]
    total: int
    next: int | None


@frozen(kw_only=True)
class ClassFigures:
    class_id: ClassId
    name: str
    grade: int | None
    students: int
    active_students: int
    unconfirmed: int
    guardians: int
    active_guardians: int
    homeroom_teachers: int


@frozen(kw_only=True)
class Figures:
    total: int
    active: int
    unconfirmed: int = 0


@frozen(kw_only=True)
class Overview:
    """A school's figures for its dashboard."""

    classes: tuple[ClassFigures, ...]
    staff: Figures
    guardians: Figures
    students: Figures


@frozen
class SourceKey:
    """Where a record comes from and its number there: identity across imports (ADR 6)."""

    source: str
    source_id: str


@frozen(kw_only=True)
class NewPerson:
    """A record that an approved application makes."""

    key: SourceKey
    family_name: str = field(repr=False)
    given_name: str = field(repr=False)
    middle_name: str = field(default="", repr=False)
    birth_date: date | None = field(default=None, repr=False)
    roles: frozenset[Role]
    class_id: ClassId | None = None  # of a pupil
