"""A OneRoster archive (1EdTech OneRoster CSV 1.1 and 1.2, bulk) → Reading. Pure."""

from __future__ import annotations

from collections.abc import Set
from datetime import date

from attrs import define, field

from provisioning.assemble import assemble
from provisioning.problem import Place, Problem, has_errors, in_order
from provisioning.readers.archive import Archive
from provisioning.readers.cells import Cells
from provisioning.readers.oneroster_classes import (
    enrolled,
    homerooms,
    school_lines,
    school_year,
)
from provisioning.readers.oneroster_tables import Line, OneRosterTables, folder_of, read_tables
from provisioning.reading import Reading
from provisioning.records import ClassRef, Record
from provisioning.roster import STAFF, Group, Role

#: OneRoster's role → ours. One school has one principal; its siteAdministrators are the deputies.
ROLES: dict[str, Role] = {
    "student": Role.STUDENT,
    "teacher": Role.TEACHER,
    "aide": Role.TEACHER,
    "counselor": Role.TEACHER,
    "principal": Role.DIRECTOR,
    "siteAdministrator": Role.DEPUTY,
    "systemAdministrator": Role.ADMINISTRATOR,
    "administrator": Role.ADMINISTRATOR,  # 1.1 has no finer word
    "parent": Role.GUARDIAN,
    "guardian": Role.GUARDIAN,
    "relative": Role.GUARDIAN,
}
LEFT_OUT = frozenset({"districtAdministrator", "proctor"})
RELATIONS = {"parent": "родитель", "guardian": "опекун", "relative": "родственник"}
COLUMNS = {
    "id": "sourcedId",
    "family_name": "familyName",
    "given_name": "givenName",
    "middle_name": "middleName",
    "phone": "sms",
    "email": "email",
    "children": "agentSourcedIds",
    "birth_date": "birthDate",
    "class": "sourcedId",
    "homeroom": "sourcedId",
}


@define
class _People:
    """What the user rows gave: whom we take, in which roles, and who is known at all."""

    lines: dict[str, Line] = field(factory=dict)
    words: dict[str, set[str]] = field(factory=dict)  # OneRoster roles
    known: set[str] = field(factory=set)

    def having(self, roles: Set[Role]) -> set[str]:
        """Users with any of these roles."""
        return {u for u, words in self.words.items() if any(ROLES[w] in roles for w in words)}


def is_oneroster(archive: Archive) -> bool:
    return folder_of(archive) is not None


def read_oneroster(
    name: str,
    archive: Archive,
    *,
    today: date,
    source: str,
    school_year: str | None,
    school: str | None,
) -> Reading:
    """The whole archive. Groups with nobody in them count as not covered: an export without
    parents must not make every parent leave.
    """
    tables, problems = read_tables(name, archive)
    if tables is None or has_errors(problems):
        return Reading(None, in_order(problems))
    org, found = school_lines(tables, Place(f"{name}/orgs.csv"), school)
    problems += found
    year, found = _year(tables, name, school_year)
    problems += found
    classes, found = homerooms(tables, Place(f"{name}/classes.csv"), org)
    problems += found
    people, found = _people(tables, org)
    problems += found
    enrolments, found = enrolled(
        tables, classes, people.known, people.having({Role.STUDENT}), people.having(STAFF), today
    )
    problems += found
    children, found = _children(tables, people)
    problems += found
    records, found = _records(tables, people, enrolments, children)
    problems += found
    return assemble(
        records,
        problems,
        covers=frozenset(record.group for record in records),
        source=source,
        school_year=year,
        today=today,
        classes=list(classes.values()),
    )


def _year(tables: OneRosterTables, name: str, stated: str | None) -> tuple[str, list[Problem]]:
    year = stated or school_year(tables)
    if year is not None:
        return year, []
    # Any well-formed year: the problem already says that it is unknown.
    return "2000/2001", [Problem("oneroster_school_year", Place(f"{name}/academicSessions.csv"))]


def _people(tables: OneRosterTables, org: str | None) -> tuple[_People, list[Problem]]:
    problems: list[Problem] = []
    people = _People(known=set(tables.deleted["users"]))
    role_lines = _role_lines(tables, org)
    users: dict[str, Line] = {}
    for line in tables.lines["users"]:
        first = users.setdefault(line["sourcedId"], line)
        if first is not line:
            details = {"other": str(first.place.row)}
            problems.append(Problem("oneroster_id_twice", line.at("sourcedId"), details))
    people.known |= set(users)
    for user_id, lines in role_lines.items():
        if user_id not in people.known and lines:
            problems.append(Problem("oneroster_unknown_user", lines[0].at("userSourcedId")))
    for user_id, line in users.items():
        words = {role_line["role"] for role_line in role_lines.get(user_id, [])}
        for role_line in role_lines.get(user_id, []):
            word = role_line["role"]
            if word in LEFT_OUT:
                problems.append(Problem("oneroster_role_left_out", role_line.at("role")))
            elif word not in ROLES:
                problems.append(Problem("oneroster_role", role_line.at("role")))
        if line["enabledUser"].casefold() not in {"", "true"}:
            problems.append(Problem("oneroster_user_disabled", line.at("enabledUser")))
        elif not words:
            if org is None or (tables.version == "1.2" and not _has_any_role(tables, user_id)):
                problems.append(Problem("oneroster_no_role", line.at("sourcedId")))
        elif words & set(ROLES):
            people.lines[user_id] = line
            people.words[user_id] = words & set(ROLES)
    return people, problems


def _has_any_role(tables: OneRosterTables, user_id: str) -> bool:
    return any(line["userSourcedId"] == user_id for line in tables.lines["roles"])


def _role_lines(tables: OneRosterTables, org: str | None) -> dict[str, list[Line]]:
    """User → the rows that give a role at this school: users.csv in 1.1, roles.csv in 1.2."""
    result: dict[str, list[Line]] = {}
    if tables.version == "1.1":
        for line in tables.lines["users"]:
            if line["role"] and (org is None or org in line.ids("orgSourcedIds")):
                result.setdefault(line["sourcedId"], []).append(line)
        return result
    for line in tables.lines["roles"]:
        if org is None or line["orgSourcedId"] == org:
            result.setdefault(line["userSourcedId"], []).append(line)
    return result


def _children(
    tables: OneRosterTables, people: _People
) -> tuple[dict[str, list[str]], list[Problem]]:
    """Guardian → children. Agents may be named from either side; both sides say the same tie."""
    students = {u for u, words in people.words.items() if "student" in words}
    guardians = {u for u, words in people.words.items() if words & set(RELATIONS)}
    children: dict[str, list[str]] = {}
    problems: list[Problem] = []
    for user_id, line in people.lines.items():
        for position, agent in enumerate(line.ids("agentSourcedIds"), start=1):
            if agent not in people.known:
                details = {"position": str(position)}
                place = line.at("agentSourcedIds")
                problems.append(Problem("oneroster_unknown_agent", place, details))
            pairs = ((user_id, agent), (agent, user_id))
            for guardian, student in pairs:
                listed = children.setdefault(guardian, [])
                if guardian in guardians and student in students and student not in listed:
                    listed.append(student)
    return children, problems


def _records(
    tables: OneRosterTables,
    people: _People,
    enrolments: dict[str, list[ClassRef]],
    children: dict[str, list[str]],
) -> tuple[list[Record], list[Problem]]:
    births = {line["sourcedId"]: line for line in tables.lines.get("demographics", [])}
    records: list[Record] = []
    problems: list[Problem] = []
    for user_id, line in people.lines.items():
        cells = Cells(line.place, COLUMNS, _values(line, births.get(user_id)))
        source_id = cells.identity()
        family_name, given_name, middle_name = cells.names()
        birth_date, phone, email = cells.birth_date(), cells.phone(), cells.email()
        roles = frozenset(ROLES[word] for word in people.words[user_id])
        relation = next((RELATIONS[w] for w in RELATIONS if w in people.words[user_id]), "")
        for group, of_group in _groups(roles):
            classes = () if group is Group.GUARDIAN else tuple(enrolments.get(user_id, ()))
            if group is Group.STUDENT and not classes:
                cells.report("pupil_without_class", "id")
            records.append(
                Record(
                    place=line.place,
                    group=group,
                    source_id=source_id or user_id,
                    family_name=family_name,
                    given_name=given_name,
                    middle_name=middle_name,
                    birth_date=birth_date,
                    roles=of_group,
                    classes=classes,
                    children=tuple(children.get(user_id, ())) if group is Group.GUARDIAN else (),
                    relation=relation if group is Group.GUARDIAN else "",
                    phone=phone,
                    email=email,
                    headings=COLUMNS,
                )
            )
        problems += cells.problems
    return records, problems


def _groups(roles: frozenset[Role]) -> list[tuple[Group, frozenset[Role]]]:
    """A user's roles by list: a teacher who is a parent has a place in both."""
    parts = (
        (Group.STUDENT, roles & {Role.STUDENT}),
        (Group.STAFF, roles & STAFF),
        (Group.GUARDIAN, roles & {Role.GUARDIAN}),
    )
    return [(group, part) for group, part in parts if part]


def _values(line: Line, birth: Line | None) -> dict[str, str]:
    values = {name: line[column] for name, column in COLUMNS.items()}
    values["phone"] = line["sms"] or line["phone"]
    values["birth_date"] = birth["birthDate"] if birth is not None else ""
    return values
