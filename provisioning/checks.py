"""Checks over the whole school: ages, classes, contacts shared. Pure.

Nothing here merges or changes people. A teacher with a parent's phone is *suggested* to be one
person (R32); the school decides.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from datetime import date

from provisioning.birth_date import age
from provisioning.names import fold
from provisioning.problem import Problem
from provisioning.records import Record
from provisioning.roster import STAFF, Group, Role, SchoolClass, class_order

MAX_PUPIL_AGE = 21  # full years; older ones are nearly always a slip in the year
MIN_PUPIL_AGE = 5
MIN_ADULT_AGE = 16
LARGE_CLASS = 45  # pupils; СП 2.4.3648-20 gives 2.5 m² each, no room holds more


def check_people(
    records: Sequence[Record], covers: frozenset[Group], today: date
) -> Iterator[Problem]:
    """Every finding about ages, classes, administration and shared contacts."""
    yield from check_each(records, today)
    yield from _classes(records, covers)
    yield from _administration(records)
    yield from _phones(records)
    yield from _emails(records)
    yield from _homonyms(records)


def check_each(records: Sequence[Record], today: date) -> Iterator[Problem]:
    """Findings about one person at a time: true even when a list is missing."""
    for record in records:
        yield from _age(record, today)


def _age(record: Record, today: date) -> Iterator[Problem]:
    if record.birth_date is None:
        if record.group is Group.STUDENT and "birth_date" in record.headings:
            yield Problem("birth_date_empty", record.at("birth_date"))
        return
    years = age(record.birth_date, today)
    place = record.at("birth_date")
    if record.birth_date > today:
        yield Problem("birth_date_future", place)
    elif record.group is not Group.STUDENT:
        if years < MIN_ADULT_AGE:
            yield Problem("adult_too_young", place, {"limit": str(MIN_ADULT_AGE)})
    elif years > MAX_PUPIL_AGE:
        yield Problem("pupil_too_old", place, {"limit": str(MAX_PUPIL_AGE)})
    elif years < MIN_PUPIL_AGE:
        yield Problem("pupil_too_young", place, {"limit": str(MIN_PUPIL_AGE)})


def _classes(records: Sequence[Record], covers: frozenset[Group]) -> Iterator[Problem]:
    pupils: Counter[str] = Counter()
    first: dict[str, Record] = {}
    taught: set[str] = set()
    names: dict[str, SchoolClass] = {}
    for record in records:
        for ref in record.classes:
            names[ref.source_id] = SchoolClass(ref.source_id, ref.name, ref.grade)
            if record.group is Group.STUDENT:
                pupils[ref.source_id] += 1
                first.setdefault(ref.source_id, record)
            else:
                taught.add(ref.source_id)
    for record in records:
        if record.group is Group.STAFF and Group.STUDENT in covers:
            for ref in record.classes:
                if not pupils[ref.source_id]:
                    details = {"class_name": ref.name}
                    yield Problem("homeroom_class_empty", record.at("homeroom"), details)
    for school_class in sorted((names[c] for c in pupils), key=class_order):
        place = first[school_class.source_id].at("class")
        details = {
            "class_name": school_class.name,
            "count": str(pupils[school_class.source_id]),
        }
        if Group.STAFF in covers and school_class.source_id not in taught:
            yield Problem("class_without_teacher", place, details)
        if pupils[school_class.source_id] > LARGE_CLASS:
            yield Problem("class_very_large", place, details)


def _administration(records: Sequence[Record]) -> Iterator[Problem]:
    staff = [record for record in records if record.roles & STAFF]
    if not staff or any(not record.roles for record in records):
        return  # nobody, or a position not understood: that was told already
    roles = frozenset[Role]().union(*(record.roles for record in staff))
    if not roles & (STAFF - {Role.TEACHER}):
        yield Problem("no_administration", staff[0].place.whole_file())
    elif Role.DIRECTOR not in roles:
        yield Problem("no_director", staff[0].place.whole_file())


def _phones(records: Sequence[Record]) -> Iterator[Problem]:
    """One phone is one profile (R7); a child on a parent's phone is R12, a teacher R32."""
    holders: defaultdict[str, list[Record]] = defaultdict(list)
    for record in records:
        if record.phone is not None:
            holders[record.phone.e164].append(record)
    for sharing in holders.values():
        if len({record.source_id for record in sharing}) < 2:
            continue
        first = sharing[0]
        for record in sharing[1:]:
            if record.source_id != first.source_id:
                yield _shared_phone(first, record)


def _shared_phone(first: Record, second: Record) -> Problem:
    groups = {first.group, second.group}
    if Group.STUDENT in groups and len(groups) == 2:
        child, adult = (first, second) if first.group is Group.STUDENT else (second, first)
        details = {"other": str(adult.place)}
        return Problem("phone_of_child_and_guardian", child.at("phone"), details)
    if groups == {Group.STAFF, Group.GUARDIAN}:
        staff, guardian = (first, second) if first.group is Group.STAFF else (second, first)
        return Problem("staff_is_guardian", staff.at("phone"), {"other": str(guardian.place)})
    return Problem("phone_shared", second.at("phone"), {"other": str(first.place)})


def _emails(records: Sequence[Record]) -> Iterator[Problem]:
    holders: dict[str, Record] = {}
    for record in records:
        if record.email is None:
            continue
        first = holders.setdefault(record.email.address.casefold(), record)
        if first.source_id != record.source_id:
            yield Problem("email_shared", record.at("email"), {"other": str(first.place)})


def _homonyms(records: Sequence[Record]) -> Iterator[Problem]:
    holders: dict[tuple[str, str, str, date], Record] = {}
    for record in records:
        if record.group is not Group.STUDENT or record.birth_date is None:
            continue
        names = (record.family_name, record.given_name, record.middle_name)
        family, given, middle = map(fold, names)
        first = holders.setdefault((family, given, middle, record.birth_date), record)
        if first.source_id != record.source_id:
            yield Problem("pupil_maybe_twice", record.place, {"other": str(first.place)})
