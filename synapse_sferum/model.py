"""The directory's nouns: schools, people, classes, links. Pure values, no I/O.

The words are OneRoster's where it has them (org, enrolment, guardian, homeroom teacher) and `docs/glossary.md`
maps them
to the school's. Everything here is frozen: a changed person is another value.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from datetime import date
from typing import Any, NewType, TypeVar

from attrs import Attribute, Factory, field, fields, frozen
from attrs.validators import deep_iterable, ge, in_, instance_of, le

T = TypeVar("T")

UserId = NewType("UserId", str)  # @localpart:server_name
RoomId = NewType("RoomId", str)  # !opaque
OrgId = NewType("OrgId", str)  # ours, 1-64 of a-z0-9-
PersonId = NewType("PersonId", str)  # ours, "p" + 12 of base32
ClassId = NewType("ClassId", str)  # ours, "c" + 12 of base32


class Role(enum.Enum):
    """What a person is in one school (R30). One person may be several."""

    DIRECTOR = "director"
    DEPUTY = "deputy"
    ADMINISTRATOR = "administrator"
    TEACHER = "teacher"
    STUDENT = "student"
    GUARDIAN = "guardian"


ADMINISTRATIVE = frozenset({Role.DIRECTOR, Role.DEPUTY, Role.ADMINISTRATOR})
LEADERS = frozenset({Role.DIRECTOR, Role.DEPUTY})
STAFF = ADMINISTRATIVE | {Role.TEACHER}


class PersonStatus(enum.Enum):
    """Where a person stands with the school."""

    LISTED = "listed"  # on the list, has no account yet
    ACTIVE = "active"  # has an account and is of the school today
    LEFT = "left"  # the record and the account stay, every right is gone (R29)


class EnrolmentRole(enum.Enum):
    """What a person is in one class."""

    STUDENT = "student"
    HOMEROOM_TEACHER = "homeroom_teacher"
    TEACHER = "teacher"


class GuardianshipStatus(enum.Enum):
    """How sure the school is of a link between a guardian and a child."""

    CLAIMED = "claimed"  # said by the guardian, seen by nobody: gives nothing
    CONFIRMED = "confirmed"  # from the list, or confirmed by the school
    RESTRICTED = "restricted"  # a court's order: kept for the record, gives nothing (R34)


class RoomKind(enum.Enum):
    """The managed rooms of a school."""

    SCHOOL = "school"  # the space
    ANNOUNCEMENTS = "announcements"  # R26
    STAFF = "staff"  # R22
    ADMINISTRATION = "administration"
    CLASS = "class"  # R21
    CLASS_PARENTS = "class_parents"  # R23
    MATERIALS = "materials"  # R27


@frozen(order=True)
class RoomKey:
    """Which managed room of a school: its kind and, for a class's rooms, the class id (else "")."""

    kind: RoomKind = field(order=lambda kind: kind.value)
    ref: str = ""


def is_number(_: object, attribute: Attribute[Any], value: object) -> None:
    """Validator: a number, and true is none; the error names the field."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TypeError(f"'{attribute.name}' must be a number")


def is_list(_: object, attribute: Attribute[Any], value: object) -> None:
    """Validator: a list as JSON and YAML have them, held as a tuple here."""
    if not isinstance(value, tuple):
        raise TypeError(f"'{attribute.name}' must be a list")


def checked(cls: type[T], raw: Mapping[str, Any]) -> T:
    """An attrs value of JSON or YAML: lists become tuples, and an error is one sentence that names the field.

    Raises:
        ValueError: a value is of the wrong type or out of range.
    """
    values: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in raw.items()}
    try:
        return cls(**values)
    except (ValueError, TypeError) as error:
        raise ValueError(str(error.args[0])) from None  # attrs adds the whole attribute after it


@frozen(kw_only=True)
class OrgSettings:
    """What a school may set for itself. Unknown keys are refused by name."""

    #: R17: under 14, a pupil reads only, until a parent confirms.
    confirmation_required: bool = field(default=True, validator=instance_of(bool))
    #: R-2.6: pupils of one class may write to each other without a supervising adult.
    classmates_may_write: bool = field(default=False, validator=instance_of(bool))
    #: R-2.6: staff of other schools on this server may write to staff here.
    staff_across_schools: bool = field(default=True, validator=instance_of(bool))
    #: R43: in lessons, a pupil's microphone waits until a host lets it.
    pupils_muted_on_entry: bool = field(default=True, validator=instance_of(bool))
    #: Pupils may share their screens.
    pupils_may_share: bool = field(default=False, validator=instance_of(bool))
    #: Pupils may begin calls; else they join calls that are under way.
    pupils_may_start: bool = field(default=True, validator=instance_of(bool))
    #: R44: who is not of the staff waits until a host admits them.
    calls_waiting_room: bool = field(default=False, validator=instance_of(bool))
    #: R45: one screen at a time.
    one_share: bool = field(default=True, validator=instance_of(bool))
    #: Largest share of a group, or of the members of managed rooms, that one import may remove (0..1).
    removal_limit: float = field(default=0.2, validator=[is_number, ge(0.0), le(1.0)])
    #: Room kinds that are end-to-end encrypted. None by default: a new phone must show the history.
    encrypted_kinds: tuple[str, ...] = field(
        default=(),
        validator=deep_iterable(in_([kind.value for kind in RoomKind]), is_list),
    )

    @classmethod
    def from_dict(cls, raw: Mapping[str, Any]) -> OrgSettings:
        """Settings from JSON.

        Raises:
            ValueError: a key is unknown or a value is out of range; the message names it.
        """
        known = [attribute.name for attribute in fields(cls)]
        for key in raw:
            if key not in known:
                raise ValueError(f"unknown setting {key!r}; known: {', '.join(known)}")
        return checked(cls, raw)

    def to_dict(self) -> dict[str, Any]:
        """The same as JSON, every key present."""
        return {
            attribute.name: list(value) if isinstance(value, tuple) else value
            for attribute in fields(type(self))
            for value in [getattr(self, attribute.name)]
        }


@frozen(kw_only=True)
class Org:
    """One school."""

    org_id: OrgId
    name: str
    timezone: str = "Europe/Moscow"  # IANA; birthdays turn at midnight of the school (R17)
    school_year: str = ""  # "2026/2027", of the last import; rooms exist for its classes only (R24)
    settings: OrgSettings = Factory(OrgSettings)
    status: str = "open"  # open | closed (nobody is active)


@frozen(kw_only=True)
class Person:
    """A record of one school. Names never reach a log: they are not in the repr."""

    person_id: PersonId
    source: str
    source_id: str
    family_name: str = field(repr=False)
    given_name: str = field(repr=False)
    middle_name: str = field(default="", repr=False)
    birth_date: date | None = field(default=None, repr=False)
    listed_roles: frozenset[Role] = frozenset()  # as the list says
    roles_by_hand: frozenset[Role] | None = None  # set by an administrator, survives imports (R31)
    status: PersonStatus = PersonStatus.LISTED
    user_id: UserId | None = None
    confirmed: bool = False  # by a parent (R17)
    left_by_hand: bool = False  # so a list that still names them does not bring them back
    leaves_on: str = (
        ""  # ISO date of the school's calendar: on that day a graduate leaves; "" never
    )

    @property
    def roles(self) -> frozenset[Role]:
        """The roles in force: by hand if set, else the list's."""
        return self.listed_roles if self.roles_by_hand is None else self.roles_by_hand

    @property
    def active(self) -> bool:
        """Whether the person has an account and is of the school today."""
        return self.status is PersonStatus.ACTIVE and self.user_id is not None

    @property
    def erased(self) -> bool:
        """Whether the names are gone (152-FZ); lists cannot be without them."""
        return not self.family_name and not self.given_name

    @property
    def display_name(self) -> str:
        """«Фамилия Имя», as chats show it."""
        return f"{self.family_name} {self.given_name}".strip()


@frozen(kw_only=True)
class SchoolClass:
    """A class in one school year. `open` is false once it is gone from the list, or has ended.

    The id is the cohort's: a promoted class has the next session and another name, and the rooms it had (R36).
    """

    class_id: ClassId
    source: str
    source_id: str
    session: str  # "2026/2027"
    name: str  # canonical (R39)
    grade: int | None = None  # 1..11; None for a named class
    open: bool = True
    came_from: tuple[
        ClassId, ...
    ] = ()  # ended classes whose pupils are here: their rooms are linked
    rooms_until: str = ""  # ISO date: on that day the rooms of a class that has ended are removed


@frozen(order=True)
class Enrolment:
    """A person in a class. `by_hand` ones are set in the pages and survive imports.

    `until` is a substitute's last day, an ISO date of the school's calendar; "" without end.
    """

    class_id: ClassId
    person_id: PersonId
    role: EnrolmentRole = field(order=lambda role: role.value)
    by_hand: bool = False
    until: str = ""


@frozen
class Guardianship:
    """A guardian's link to a child."""

    guardian_id: PersonId
    student_id: PersonId
    relation: str = ""
    status: GuardianshipStatus = GuardianshipStatus.CONFIRMED


@frozen(kw_only=True)
class Directory:
    """One school, whole: the input of the desired state and of a roster's difference."""

    org: Org
    people: Mapping[PersonId, Person] = Factory(dict)
    classes: Mapping[ClassId, SchoolClass] = Factory(dict)
    enrolments: frozenset[Enrolment] = frozenset()
    guardianships: Mapping[tuple[PersonId, PersonId], Guardianship] = Factory(dict)
