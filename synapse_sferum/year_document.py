"""A plan of the school year as it travels (`sferum.year.v1`, docs/contracts.md §10): what is decided. Pure.

One line for each class there is, one for each new class, and one for each pupil who does not do what the class does.
Checked once on arrival; whether it fits the school is `year_plan`'s to say.
"""

from __future__ import annotations

import enum
import re
from collections.abc import Callable, Mapping
from datetime import date
from typing import Any, TypeVar

from attrs import field, frozen

from synapse_sferum.model import ClassId, PersonId
from synapse_sferum.roster import MAX_CLASSES, MAX_PEOPLE, is_school_year

FORMAT = "sferum.year.v1"
#: Class teachers of one class.
MOST_TEACHERS = 10
#: Characters of a class's name (R39) and of what names a teacher: an id, a number of the list, or a full name.
LONGEST_NAME, LONGEST_TEACHER = 15, 320
#: In the name of a class that does not go on.
NO_NAME = ""

_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_CLASS_ID, _PERSON_ID = re.compile(r"c[a-z2-7]{12}"), re.compile(r"p[a-z2-7]{12}")
_UNWRITABLE = re.compile(r"[\x00-\x1f\x7f\ud800-\udfff]")

T = TypeVar("T")


class BadYear(Exception):
    """The document is not a plan of a school year.

    Attributes:
        field: where, as a path: `classes[3].name`.
    """

    def __init__(self, field: str, message: str) -> None:
        super().__init__(f"{field}: {message}")
        self.field = field


class ClassFate(enum.Enum):
    """What becomes of a class."""

    CONTINUES = "continues"  # goes on as `name`; two with one name become one
    ENDS = "ends"  # after 9, after 11: whoever has no line of their own leaves the school
    NEW = "new"  # is not there yet: first-graders, a tenth class
    UNDECIDED = "undecided"  # a person must say


class PupilFate(enum.Enum):
    """What becomes of a pupil who does not do what the class does."""

    MOVES = "moves"  # into the class that is called `name` next year: a repeat, a split, the tenth class
    LEAVES = "leaves"  # the school


@frozen(kw_only=True)
class ClassLine:
    """One class.

    Attributes:
        class_id: None for a new one.
        name: canonical (R39), of next year; "" when it ends or is undecided.
        teachers: class teachers of next year: person ids, numbers of the list or full names; None keeps those of today.
    """

    class_id: ClassId | None
    fate: ClassFate
    name: str = NO_NAME
    grade: int | None = None
    teachers: tuple[str, ...] | None = field(default=None, repr=False)


@frozen(kw_only=True)
class PupilLine:
    """One pupil who does not do what the class does; `name` is the class of next year, "" of one who leaves."""

    person_id: PersonId
    fate: PupilFate
    name: str = NO_NAME


@frozen(kw_only=True)
class YearDocument:
    """What the school has decided.

    Attributes:
        school_year: the one to come, "2027/2028".
        graduates_leave_on: on this day those who have finished the eleventh class leave the school; until then they
            read their room.
        rooms_until: on this day the rooms of classes that have ended are removed (R36).
    """

    school_year: str
    classes: tuple[ClassLine, ...]
    pupils: tuple[PupilLine, ...] = ()
    graduates_leave_on: date
    rooms_until: date

    def to_json(self) -> dict[str, Any]:
        """The same as JSON."""
        return {
            "format": FORMAT,
            "school_year": self.school_year,
            "classes": [
                {
                    "class_id": line.class_id,
                    "fate": line.fate.value,
                    "name": line.name,
                    "grade": line.grade,
                    "teachers": None if line.teachers is None else list(line.teachers),
                }
                for line in self.classes
            ],
            "pupils": [
                {"person_id": line.person_id, "fate": line.fate.value, "name": line.name}
                for line in self.pupils
            ],
            "graduates_leave_on": self.graduates_leave_on.isoformat(),
            "rooms_until": self.rooms_until.isoformat(),
        }


def next_year(school_year: str) -> str:
    """ "2026/2027" → "2027/2028".

    Raises:
        ValueError: that is no school year.
    """
    if not is_school_year(school_year):
        raise ValueError("not a school year")
    last = int(school_year[-4:])
    return f"{last}/{last + 1}"


def parse_year(raw: object) -> YearDocument:
    """Check a JSON value.

    Raises:
        BadYear: names the field. Values are not repeated in the message: they may be names.
    """
    top = _object("plan", raw)
    _known(
        "plan",
        top,
        {"format", "school_year", "classes", "pupils", "graduates_leave_on", "rooms_until"},
    )
    if top.get("format") != FORMAT:
        raise BadYear("format", f"must be {FORMAT!r}")
    year = top.get("school_year")
    if not isinstance(year, str) or not is_school_year(year):
        raise BadYear("school_year", "must be two consecutive years, such as 2027/2028")
    leave = _date("graduates_leave_on", top.get("graduates_leave_on"))
    until = _date("rooms_until", top.get("rooms_until"))
    if until < leave:
        raise BadYear("rooms_until", "must not be before graduates_leave_on")
    return YearDocument(
        school_year=year,
        classes=_rows("classes", top, MAX_CLASSES, _class),
        pupils=_rows("pupils", top, MAX_PEOPLE, _pupil),
        graduates_leave_on=leave,
        rooms_until=until,
    )


def _class(where: str, raw: Mapping[str, Any]) -> ClassLine:
    _known(where, raw, {"class_id", "fate", "name", "grade", "teachers"})
    class_id = raw.get("class_id")
    if class_id is not None and not (isinstance(class_id, str) and _CLASS_ID.fullmatch(class_id)):
        raise BadYear(f"{where}.class_id", "must be the id of a class, or null for a new one")
    fate = _fate(where, raw, ClassFate)
    if (class_id is None) != (fate is ClassFate.NEW):
        raise BadYear(f"{where}.fate", "new classes have no class_id, the others have")
    goes_on = fate in {ClassFate.CONTINUES, ClassFate.NEW}
    grade = raw.get("grade")
    if grade is not None and (
        isinstance(grade, bool) or not isinstance(grade, int) or not 1 <= grade <= 11
    ):
        raise BadYear(f"{where}.grade", "must be 1 to 11, or null")
    return ClassLine(
        class_id=None if class_id is None else ClassId(class_id),
        fate=fate,
        name=_name(where, raw, needed=goes_on),
        grade=grade if goes_on else None,
        teachers=_teachers(f"{where}.teachers", raw.get("teachers")),
    )


def _pupil(where: str, raw: Mapping[str, Any]) -> PupilLine:
    _known(where, raw, {"person_id", "fate", "name"})
    person_id = raw.get("person_id")
    if not isinstance(person_id, str) or not _PERSON_ID.fullmatch(person_id):
        raise BadYear(f"{where}.person_id", "must be the id of a person")
    fate = _fate(where, raw, PupilFate)
    name = _name(where, raw, needed=fate is PupilFate.MOVES)
    return PupilLine(person_id=PersonId(person_id), fate=fate, name=name)


F = TypeVar("F", bound=enum.Enum)


def _fate(where: str, raw: Mapping[str, Any], kind: type[F]) -> F:
    try:
        return kind(raw.get("fate"))
    except ValueError:
        words = ", ".join(str(one.value) for one in kind)
        raise BadYear(f"{where}.fate", f"must be one of {words}") from None


def _name(where: str, raw: Mapping[str, Any], *, needed: bool) -> str:
    name = raw.get("name", NO_NAME)
    if not isinstance(name, str) or len(name) > LONGEST_NAME or _UNWRITABLE.search(name):
        raise BadYear(f"{where}.name", f"must be text of at most {LONGEST_NAME} characters")
    if needed != bool(name.strip()) or name != name.strip():
        need = "is needed, without spaces around it" if needed else 'must be ""'
        raise BadYear(f"{where}.name", need)
    return name


def _teachers(where: str, raw: object) -> tuple[str, ...] | None:
    if raw is None:
        return None
    if (
        not isinstance(raw, list)
        or len(raw) > MOST_TEACHERS
        or not all(isinstance(one, str) and 1 <= len(one) <= LONGEST_TEACHER for one in raw)
        or any(_UNWRITABLE.search(one) for one in raw)
    ):
        raise BadYear(where, f"must be null or a list of at most {MOST_TEACHERS} of the staff")
    return tuple(raw)


def _date(where: str, raw: object) -> date:
    try:
        found = date.fromisoformat(raw) if isinstance(raw, str) and _DATE.fullmatch(raw) else None
    except ValueError:
        found = None
    if found is None or not 2000 <= found.year < 2200:
        raise BadYear(where, "must be a date such as 2027-09-01")
    return found


def _object(where: str, raw: object) -> Mapping[str, Any]:
    if not isinstance(raw, dict):
        raise BadYear(where, "must be an object")
    return raw


def _known(where: str, raw: Mapping[str, Any], known: set[str]) -> None:
    for key in raw:
        if key not in known:
            names = ", ".join(sorted(known))
            raise BadYear(f"{where}.{key}"[:120], f"unknown field; known: {names}")


def _rows(
    name: str, top: Mapping[str, Any], most: int, read: Callable[[str, Mapping[str, Any]], T]
) -> tuple[T, ...]:
    raw = top.get(name, [])
    if not isinstance(raw, list):
        raise BadYear(name, "must be a list")
    if len(raw) > most:
        raise BadYear(name, f"has {len(raw)} rows, the limit is {most}")
    return tuple(read(f"{name}[{i}]", _object(f"{name}[{i}]", row)) for i, row in enumerate(raw))
