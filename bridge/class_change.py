"""A class in the middle of the year: what a split or a merge would do, and what is wrong with what was asked for. Pure.

R36, R40. The module decides; here is what a person is shown before, and told at once.
"""

from __future__ import annotations

import enum
from collections.abc import Collection, Sequence
from datetime import date, timedelta

from attrs import field, frozen

from bridge.people import LinkStatus, PersonRecord, Pupil, Roll, SchoolClass
from bridge.roles import STAFF, PersonId
from provisioning.birth_date import BadDate, parse_date
from provisioning.class_name import BadClassName, parse_class_name

#: As the module has them: pupils of one class, classes that become one, days of a substitute.
MOST_PUPILS, MOST_CLASSES, LONGEST_DAYS = 100, 20, 1200


class ClassRefusal(enum.Enum):
    """Why a class is not changed. The values are stable: logged, tested."""

    NO_NAME = "no_name"
    BAD_NAME = "bad_name"
    OTHER_GRADE = "other_grade"  # of the name: a 6А among the fifth classes
    NAME_TAKEN = "name_taken"
    NOBODY = "nobody"
    EVERYBODY = "everybody"  # the old class would have nobody
    NOT_IN_CLASS = "not_in_class"
    FEW = "few"  # one class is not several
    MANY = "many"
    GRADES = "grades"  # classes of different grades
    NO_PERSON = "no_person"
    NOT_STAFF = "not_staff"
    IS_TEACHER = "is_teacher"
    BAD_DATE = "bad_date"
    PAST = "past"
    TOO_FAR = "too_far"
    CHANGED = "changed"  # not what was shown
    REFUSED = "refused"  # the module's other refusals


@frozen(kw_only=True)
class Split:
    """What would become of a class.

    Attributes:
        going: pupils of the new class, as the roll has them.
        staying: pupils who stay.
        parents: parents who change from one parents' chat to the other.
        parents_both: parents of the new class who keep the old chat for another child.
    """

    going: tuple[PersonRecord, ...] = field(repr=False)
    staying: int
    parents: int
    parents_both: int

    @property
    def mark(self) -> str:
        """Of what was shown: other numbers are shown again before anything is done."""
        return f"{len(self.going)}-{self.staying}-{self.parents}-{self.parents_both}"


@frozen(kw_only=True)
class Merge:
    """What would become one.

    Attributes:
        parts: (name, pupils) of each class.
        parents: each counted once.
        teachers: everybody who leads one of them leads the new one.
    """

    parts: tuple[tuple[str, int], ...]
    pupils: int
    parents: int
    teachers: tuple[PersonRecord, ...] = field(repr=False)

    @property
    def mark(self) -> str:
        sizes = ",".join(str(size) for _, size in self.parts)
        return f"{sizes}-{self.pupils}-{self.parents}-{len(self.teachers)}"


def read_name(typed: str, grade: int | None) -> str | ClassRefusal:
    """The canonical name of a new class (R39) of this grade; a named class may be of any.

    Args:
        grade: of the class or classes that it comes from; None: a named one.
    """
    if not typed.strip():
        return ClassRefusal.NO_NAME
    try:
        parsed = parse_class_name(typed)
    except BadClassName:
        return ClassRefusal.BAD_NAME
    if parsed.grade is not None and parsed.grade != grade:
        return ClassRefusal.OTHER_GRADE
    return str(parsed.name)


def name_refusal(
    name: str, classes: Collection[SchoolClass], besides: Collection[str] = ()
) -> ClassRefusal | None:
    """Whether another class of the year has this name; those `besides` end and give theirs."""
    taken = any(one.name == name and one.class_id not in besides for one in classes)
    return ClassRefusal.NAME_TAKEN if taken else None


def plan_split(roll: Roll, chosen: Collection[PersonId]) -> Split | ClassRefusal:
    """Who goes, who stays, and whose parents follow (R40)."""
    wanted = set(chosen)
    going = [pupil for pupil in roll.students if pupil.person.person_id in wanted]
    if not wanted:
        return ClassRefusal.NOBODY
    if len(going) != len(wanted):
        return ClassRefusal.NOT_IN_CLASS
    if len(going) > MOST_PUPILS:
        return ClassRefusal.MANY
    staying = [pupil for pupil in roll.students if pupil.person.person_id not in wanted]
    if not staying:
        return ClassRefusal.EVERYBODY
    old, new = _parents(staying), _parents(going)
    return Split(
        going=tuple(pupil.person for pupil in going),
        staying=len(staying),
        parents=len(new - old),
        parents_both=len(new & old),
    )


def classes_refusal(chosen: Sequence[SchoolClass]) -> ClassRefusal | None:
    """Whether these may become one: several, of one grade."""
    if len(chosen) < 2:
        return ClassRefusal.FEW
    if len(chosen) > MOST_CLASSES:
        return ClassRefusal.MANY
    return ClassRefusal.GRADES if len({one.grade for one in chosen}) > 1 else None


def plan_merge(rolls: Sequence[Roll]) -> Merge:
    """The class that several would be; whoever is in two of them is one."""
    pupils = [pupil for roll in rolls for pupil in roll.students]
    teachers = {one.person_id: one for roll in rolls for one in roll.homeroom_teachers}
    return Merge(
        parts=tuple((roll.name, len(roll.students)) for roll in rolls),
        pupils=len({pupil.person.person_id for pupil in pupils}),
        parents=len(_parents(pupils)),
        teachers=tuple(sorted(teachers.values(), key=lambda one: one.full_name)),
    )


def read_until(typed: str, today: date) -> date | ClassRefusal:
    """The last day of a substitute, in either spelling; today at the earliest.

    Args:
        today: the school's.
    """
    try:
        found = parse_date(typed.strip())
    except BadDate:
        return ClassRefusal.BAD_DATE
    if found < today:
        return ClassRefusal.PAST
    return ClassRefusal.TOO_FAR if found - today > timedelta(days=LONGEST_DAYS) else found


def substitute_refusal(class_: SchoolClass, person: PersonRecord | None) -> ClassRefusal | None:
    """Whether somebody may stand beside the class teacher."""
    if person is None:
        return ClassRefusal.NO_PERSON
    if not person.roles & STAFF:
        return ClassRefusal.NOT_STAFF
    return ClassRefusal.IS_TEACHER if person.person_id in class_.homeroom_teachers else None


def _parents(pupils: Collection[Pupil]) -> set[PersonId]:
    """Whose link is confirmed: the others are in no chat (R23, R34)."""
    return {
        one.person.person_id
        for pupil in pupils
        for one in pupil.guardians
        if one.status is LinkStatus.CONFIRMED
    }


def parents_of(roll: Roll) -> int:
    """How many parents a class's parents' chat is for."""
    return len(_parents(roll.students))
