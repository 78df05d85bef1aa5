"""Directory → the rooms a school should have, and who is in them. Pure (design.md §2).

Nothing here knows what is there today; `plan` compares. Membership itself is decided in `account.rooms_of`, so that the
refusal to leave (R25) and the desired state can never disagree.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping

from attrs import frozen

from synapse_sferum.account import Account, counts, merge_accounts, power_in, rooms_of
from synapse_sferum.model import (
    ClassId,
    Directory,
    EnrolmentRole,
    GuardianshipStatus,
    Person,
    PersonId,
    PersonStatus,
    Role,
    RoomKey,
    RoomKind,
    SchoolClass,
    UserId,
)

#: Names of the school-wide rooms. Russian: they are what people see in their chat list.
NAMES: Mapping[RoomKind, str] = {
    RoomKind.ANNOUNCEMENTS: "Объявления",
    RoomKind.STAFF: "Учительская",
    RoomKind.ADMINISTRATION: "Администрация",
    RoomKind.MATERIALS: "Материалы",
}

#: Why the bot is in the administration room; the only member who is nobody of the school.
STAFF_BOT = "staff_bot"


@frozen
class Want:
    """One wanted membership: power level and a stable reason word."""

    power: int
    reason: str


@frozen(kw_only=True)
class DesiredRoom:
    """A room as it should be; `members` are accounts, the service user is not among them."""

    name: str
    members: Mapping[UserId, Want]


Desired = Mapping[RoomKey, DesiredRoom]


def desired_rooms(directory: Directory, staff_bot: UserId | None = None) -> Desired:
    """Every managed room of a school with its members of today; the bot is in the administration room.

    School-wide rooms exist as soon as the school has anybody on its lists; a class's two rooms as soon as it
    has a pupil
    (R24: an empty class gets none). A closed school has none.
    """
    members: dict[RoomKey, dict[UserId, Want]] = defaultdict(dict)
    for user_id, account in accounts_of(directory).items():
        for key, reason in rooms_of(account).items():
            members[key][user_id] = Want(power_in(account, key), reason)
    if staff_bot is not None:
        members[RoomKey(RoomKind.ADMINISTRATION)][staff_bot] = Want(0, STAFF_BOT)
    return {
        key: DesiredRoom(name=name, members=members[key]) for key, name in _rooms(directory).items()
    }


def membership_pairs(directory: Directory) -> frozenset[tuple[RoomKey, PersonId]]:
    """Who would be where if everybody on the lists had an account: (room, person)."""
    rooms = _rooms(directory)
    return frozenset(
        (key, person_id)
        for person_id, account in _parts(directory, everyone=True)
        for key in rooms_of(account)
        if key in rooms
    )


def accounts_of(directory: Directory) -> dict[UserId, Account]:
    """The facts of every active account; the same as `rows.accounts_txn` reads one by one (a test compares them)."""
    if directory.org.status != "open":
        return {}
    parts: dict[UserId, list[Account]] = defaultdict(list)
    for _, account in _parts(directory, everyone=False):
        parts[account.user_id].append(account)
    return {user_id: merge_accounts(found) for user_id, found in parts.items()}


def _rooms(directory: Directory) -> dict[RoomKey, str]:
    if directory.org.status != "open" or not directory.people:
        return {}
    rooms = {RoomKey(RoomKind.SCHOOL): directory.org.name}
    rooms |= {RoomKey(kind): name for kind, name in NAMES.items()}
    current = _current_classes(directory)
    with_pupils = {
        e.class_id
        for e in directory.enrolments
        if e.role is EnrolmentRole.STUDENT
        and e.class_id in current
        and directory.people[e.person_id].status is not PersonStatus.LEFT
        and counts(e.role, directory.people[e.person_id].roles)
    }
    for class_id in with_pupils:
        name = current[class_id].name
        rooms[RoomKey(RoomKind.CLASS, class_id)] = name
        rooms[RoomKey(RoomKind.CLASS_PARENTS, class_id)] = f"{name} · родители"
    return rooms


def _current_classes(directory: Directory) -> dict[ClassId, SchoolClass]:
    return {
        class_id: class_
        for class_id, class_ in directory.classes.items()
        if class_.open and class_.session == directory.org.school_year
    }


def _parts(directory: Directory, *, everyone: bool) -> list[tuple[PersonId, Account]]:
    """One partial account per person: active ones, or with `everyone` all who have not left."""
    current = _current_classes(directory)
    enrolled: dict[tuple[PersonId, EnrolmentRole], set[ClassId]] = defaultdict(set)
    for e in directory.enrolments:
        if e.class_id in current and counts(e.role, directory.people[e.person_id].roles):
            enrolled[e.person_id, e.role].add(e.class_id)
    children: dict[PersonId, set[PersonId]] = defaultdict(set)
    guardians: dict[PersonId, set[PersonId]] = defaultdict(set)
    for (guardian_id, student_id), link in directory.guardianships.items():
        guardian, student = directory.people[guardian_id], directory.people[student_id]
        if (
            link.status is not GuardianshipStatus.CONFIRMED
            or Role.GUARDIAN not in guardian.roles
            or Role.STUDENT not in student.roles
        ):
            continue
        if student.status is not PersonStatus.LEFT:
            children[guardian_id].add(student_id)
        if guardian.status is not PersonStatus.LEFT:
            guardians[student_id].add(guardian_id)

    def part(person: Person) -> Account:
        mine = children[person.person_id]
        return Account(
            user_id=person.user_id or UserId(person.person_id),
            org_id=directory.org.org_id,
            settings=directory.org.settings,
            roles=person.roles,
            persons=frozenset({person.person_id}),
            student_in=frozenset(enrolled[person.person_id, EnrolmentRole.STUDENT]),
            homeroom_of=frozenset(enrolled[person.person_id, EnrolmentRole.HOMEROOM_TEACHER]),
            teaches=frozenset(enrolled[person.person_id, EnrolmentRole.TEACHER]),
            children=frozenset(mine),
            children_in=frozenset().union(*(enrolled[c, EnrolmentRole.STUDENT] for c in mine)),
            guardians=frozenset(guardians[person.person_id]),
            birth_date=person.birth_date,
            confirmed=person.confirmed,
            timezone=directory.org.timezone,
        )

    return [
        (person_id, part(person))
        for person_id, person in sorted(directory.people.items())
        if (person.status is not PersonStatus.LEFT if everyone else person.active)
    ]
