"""OneRoster's schools, years, homeroom classes and who is enrolled in them. Pure."""

from __future__ import annotations

from datetime import date

from provisioning.birth_date import BadDate, parse_date
from provisioning.class_name import BadClassName, parse_class_name
from provisioning.problem import Place, Problem
from provisioning.readers.oneroster_tables import Line, OneRosterTables
from provisioning.records import ClassRef
from provisioning.roster import is_school_year

ENROLMENT_ROLES = frozenset({"student", "teacher", "administrator", "aide", "proctor"})


def school_lines(
    tables: OneRosterTables, place: Place, stated: str | None
) -> tuple[str | None, list[Problem]]:
    """The sourcedId by which rows are filtered, or None when all rows are of one school."""
    schools = [line for line in tables.lines.get("orgs", []) if line["type"] == "school"]
    ids = {line["sourcedId"] for line in schools}
    if stated is not None:
        return stated, [] if stated in ids else [Problem("oneroster_school_unknown", place)]
    if len(ids) > 1:
        return None, [Problem("oneroster_several_schools", place)]
    return None, []


def school_year(tables: OneRosterTables) -> str | None:
    """`YYYY/YYYY` of the one academic session of type schoolYear; None if none or several."""
    found = {
        year
        for line in tables.lines.get("academicSessions", [])
        if line["type"] == "schoolYear" and (year := _year_of(line)) is not None
    }
    return found.pop() if len(found) == 1 else None


def _year_of(line: Line) -> str | None:
    ends = line["schoolYear"]  # OneRoster: the year in which it ends
    candidates = [
        line["title"],
        f"{line['startDate'][:4]}/{line['endDate'][:4]}",
        f"{int(ends) - 1}/{ends}" if ends.isascii() and ends.isdigit() and len(ends) == 4 else "",
    ]
    return next((year for year in candidates if is_school_year(year)), None)


def homerooms(
    tables: OneRosterTables, place: Place, org: str | None
) -> tuple[dict[str, ClassRef], list[Problem]]:
    """Homeroom classes by sourcedId. Courses (`scheduled`) are no chats of ours yet."""
    classes: dict[str, ClassRef] = {}
    problems: list[Problem] = []
    ids: dict[str, Line] = {}
    names: dict[str, Line] = {}
    for line in tables.lines["classes"]:
        class_id = line["sourcedId"]
        first = ids.setdefault(class_id, line)
        if first is not line:
            details = {"other": str(first.place.row)}
            problems.append(Problem("oneroster_id_twice", line.at("sourcedId"), details))
            continue
        if line["classType"] != "homeroom" or org not in {None, line["schoolSourcedId"]}:
            continue
        try:
            parsed = parse_class_name(line["title"])
        except BadClassName:
            problems.append(Problem("class_bad", line.at("title")))
            continue
        problems += _class_problems(line, parsed.name, parsed.grade, names)
        classes[class_id] = ClassRef(class_id, parsed.name, parsed.grade)
    if not classes and not problems:
        problems.append(Problem("oneroster_no_homeroom", place))
    return classes, problems


def _class_problems(
    line: Line, name: str, grade: int | None, names: dict[str, Line]
) -> list[Problem]:
    problems: list[Problem] = []
    first = names.setdefault(name, line)
    if first is not line:
        details = {"class_name": name, "other": str(first.place.row)}
        problems.append(Problem("oneroster_class_twice", line.at("title"), details))
    if grade is None:
        problems.append(Problem("class_named", line.at("title"), {"class_name": name}))
    grades = {g.lstrip("0") for g in line.ids("grades")}
    if grades and grade is not None and str(grade) not in grades:
        problems.append(Problem("oneroster_grade", line.at("grades"), {"class_name": name}))
    return problems


def enrolled(
    tables: OneRosterTables,
    classes: dict[str, ClassRef],
    known: set[str],
    students: set[str],
    staff: set[str],
    today: date,
) -> tuple[dict[str, list[ClassRef]], list[Problem]]:
    """User → homeroom classes: a pupil's one, a teacher's several.

    An enrolment is over from its endDate on (the date is exclusive in OneRoster). A beginDate in
    the future counts as begun: lists for September are imported in August.

    Args:
        known: users of the archive, also those left out.
        students, staff: those we take; a role that is not the user's own is an error.
    """
    all_classes = {line["sourcedId"] for line in tables.lines["classes"]}
    all_classes |= tables.deleted["classes"]
    result: dict[str, list[ClassRef]] = {}
    student_line: dict[str, Line] = {}
    problems: list[Problem] = []
    for line in tables.lines["enrollments"]:
        user_id, class_id, role = line["userSourcedId"], line["classSourcedId"], line["role"]
        if user_id not in known:
            problems.append(Problem("oneroster_unknown_user", line.at("userSourcedId")))
        if class_id not in all_classes:
            problems.append(Problem("oneroster_unknown_class", line.at("classSourcedId")))
        if role not in ENROLMENT_ROLES:
            problems.append(Problem("oneroster_enrollment_role", line.at("role")))
        if class_id not in classes or role not in {"student", "teacher"}:
            continue
        if _is_over(line, today, problems) or user_id not in students | staff:
            continue
        if user_id not in (students if role == "student" else staff):
            problems.append(Problem("oneroster_role_mismatch", line.at("role")))
            continue
        listed = result.setdefault(user_id, [])
        if role == "student":
            first = student_line.setdefault(user_id, line)
            if first["classSourcedId"] != class_id:
                details = {"other": str(first.place.row)}
                place = line.at("classSourcedId")
                problems.append(Problem("oneroster_two_homerooms", place, details))
        if classes[class_id] not in listed:
            listed.append(classes[class_id])
    return result, problems


def _is_over(line: Line, today: date, problems: list[Problem]) -> bool:
    if not line["endDate"]:
        return False
    try:
        return parse_date(line["endDate"]) <= today
    except BadDate:
        problems.append(Problem("oneroster_date", line.at("endDate")))
        return False
