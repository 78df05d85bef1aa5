"""What a person typed about the classes of next year → lines of the plan, each error beside its field. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

from attrs import field, frozen

from bridge.web.year_words import BAD_DATE, BAD_NAME, DATES_TURNED, NO_NAME
from bridge.year_draft import (
    CONTINUES,
    ENDS,
    NEW,
    SPARE_LINES,
    UNDECIDED,
    ClassLine,
    Plan,
    with_classes,
)
from provisioning.birth_date import BadDate, parse_date
from provisioning.class_name import BadClassName, parse_class_name

#: Longest text of a field that is looked at.
LONGEST = 60
#: Years that a date of a plan may be in.
FIRST_YEAR, LAST_YEAR = 2000, 2199
#: Of a select: nobody is to be class teacher.
NOBODY = "-"


@frozen(kw_only=True)
class Typed:
    """A form about all classes as it came.

    Attributes:
        plan: with what could be understood.
        values: field → what was typed, to be shown again.
        errors: field → a text to be translated.
    """

    plan: Plan
    values: Mapping[str, str] = field(repr=False)
    errors: Mapping[str, str]


def read_classes(plan: Plan, form: Mapping[str, object]) -> Typed:
    """Fields `fate-ID` and `name-ID` of classes there are, `new-N` and `teacher-N` of new ones, and two dates."""
    values = {name: str(value).strip()[:LONGEST] for name, value in form.items()}
    errors: dict[str, str] = {}
    lines = [
        _line(line, values, errors)
        for line in plan.classes
        if line.class_id and f"fate-{line.class_id}" in values
    ]
    before = [line for line in plan.classes if not line.class_id]
    new = [_new(at, values, errors) for at in range(len(before) + SPARE_LINES)]
    leave = _date("graduates_leave_on", plan.graduates_leave_on, values, errors)
    until = _date("rooms_until", plan.rooms_until, values, errors)
    if until < leave:
        errors.setdefault("rooms_until", DATES_TURNED)
    return Typed(plan=with_classes(plan, lines, new, leave, until), values=values, errors=errors)


def _line(line: ClassLine, values: Mapping[str, str], errors: dict[str, str]) -> ClassLine:
    fate = values[f"fate-{line.class_id}"]
    name = f"name-{line.class_id}"
    if fate in {ENDS, UNDECIDED}:
        return ClassLine(class_id=line.class_id, fate=fate)
    if fate != CONTINUES:
        return line
    if not values.get(name):
        errors[name] = NO_NAME
        return line
    try:
        parsed = parse_class_name(values[name])
    except BadClassName:
        errors[name] = BAD_NAME
        return line
    return ClassLine(
        class_id=line.class_id, fate=CONTINUES, name=str(parsed.name), grade=parsed.grade
    )


def _new(at: int, values: Mapping[str, str], errors: dict[str, str]) -> ClassLine | None:
    typed = values.get(f"new-{at}", "")
    if not typed:
        return None
    try:
        parsed = parse_class_name(typed)
    except BadClassName:
        errors[f"new-{at}"] = BAD_NAME
        return None
    teacher = values.get(f"teacher-{at}", "")
    return ClassLine(
        class_id="",
        fate=NEW,
        name=str(parsed.name),
        grade=parsed.grade,
        teachers=(teacher,) if teacher else (),
    )


def _date(name: str, kept: date, values: Mapping[str, str], errors: dict[str, str]) -> date:
    if name not in values:
        return kept
    try:
        found = parse_date(values[name])
    except BadDate:
        found = None
    if found is None or not FIRST_YEAR <= found.year <= LAST_YEAR:
        errors[name] = BAD_DATE
        return kept
    return found


def read_choices(form: Mapping[str, object], names: set[str]) -> dict[str, str | None]:
    """Fields `pupil-ID`: `with` the class, `leaves`, or `to:NAME` of a class of next year; others are left out."""
    found: dict[str, str | None] = {}
    for key, value in form.items():
        person_id, said = key.removeprefix("pupil-"), str(value)
        if person_id == key:
            continue
        if said == "with":
            found[person_id] = None
        elif said == "leaves":
            found[person_id] = ""
        elif said.startswith("to:") and said[3:] in names:
            found[person_id] = said[3:]
    return found


def read_teachers(
    said: str, kept: tuple[str, ...] | None, staff: set[str]
) -> tuple[str, ...] | None:
    """`""`: as today (None); `-`: nobody; a person id of the staff; anything else leaves what was."""
    if said == "":
        return None
    if said == NOBODY:
        return ()
    return (said,) if said in staff else kept
