"""The made-up school: reproducible, complete, and the same after being written and read."""

from __future__ import annotations

import re
import time
from collections import Counter
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from provisioning.names import is_name
from provisioning.roster import STAFF, EnrolmentRole, Person, Role, Roster
from provisioning.roster_csv import csv_files, write_csv
from provisioning.sample import generate
from provisioning.sample_names import FATHERS, FEMALE, SURNAMES, feminine
from tests.provisioning.files import found, read, sound


@pytest.fixture(scope="module")
def roster() -> Roster:
    return generate(1)


@given(seed=st.integers(0, 10**9), pupils=st.integers(30, 120))
@settings(max_examples=25)
def test_what_is_written_reads_back(seed: int, pupils: int) -> None:
    """Any made-up school, written as CSV and read, is the same Roster."""
    roster = generate(seed, pupils)

    assert sound(read(csv_files(roster))).roster == roster


@given(seed=st.integers(0, 10**9), pupils=st.integers(30, 300))
@settings(max_examples=15)
def test_every_size_is_a_sound_school(seed: int, pupils: int) -> None:
    """Whatever the seed and size: pupils as asked, each in one class, references whole, wire form small."""
    roster = generate(seed, pupils)
    people = {p.source_id: p for p in roster.people}
    classes = {c.source_id for c in roster.classes}
    enrolled = Counter(e.person_id for e in roster.enrolments if e.role is EnrolmentRole.STUDENT)

    assert roster.count(Role.STUDENT) == pupils
    assert len(people) == len(roster.people)
    assert set(enrolled.values()) == {1}
    assert len(enrolled) == pupils
    assert all(e.class_id in classes and e.person_id in people for e in roster.enrolments)
    assert all(
        people[g.guardian_id].roles == {Role.GUARDIAN}
        and people[g.student_id].roles == {Role.STUDENT}
        for g in roster.guardianships
    )
    assert roster.to_json()


def test_the_same_seed_is_the_same_school(roster: Roster) -> None:
    """Chance comes from the seed alone."""
    assert generate(1) == roster
    assert generate(2) != roster


def test_what_every_sample_school_has(roster: Roster) -> None:
    """Director, deputies, a class without teacher, a teacher of two, twins, a parent of three, a parent who teaches."""
    taught = Counter(
        e.person_id for e in roster.enrolments if e.role is EnrolmentRole.HOMEROOM_TEACHER
    )
    with_teacher = {
        e.class_id for e in roster.enrolments if e.role is EnrolmentRole.HOMEROOM_TEACHER
    }
    children = Counter(g.guardian_id for g in roster.guardianships)
    pupils = [p for p in roster.people if Role.STUDENT in p.roles]
    births = Counter((p.birth_date, p.middle_name[:5], p.family_name[:5]) for p in pupils)
    staff_phones = {p.phone for p in roster.people if p.roles & STAFF}

    assert len(roster.people) >= 600
    assert roster.count(Role.DIRECTOR) == 1
    assert roster.count(Role.DEPUTY) == 3
    assert len(roster.classes) - len(with_teacher) == 1
    assert max(taught.values()) == 2
    assert max(children.values()) >= 3
    assert any(n == 2 for n in births.values())
    assert any(p.phone in staff_phones for p in roster.people if Role.GUARDIAN in p.roles)
    assert any(not p.middle_name for p in pupils)


def test_names_agree_in_gender(roster: Roster) -> None:
    """A woman has a woman's surname, given name and patronymic; so has a man."""
    surnames = {s: feminine(s) for s in SURNAMES}

    def fits(person: Person) -> bool:
        female = person.given_name in FEMALE
        sons, daughters = zip(*FATHERS.values(), strict=True)
        patronymics = daughters if female else sons
        return (
            person.middle_name in (*patronymics, "")
            and person.family_name in (surnames.values() if female else surnames)
            and is_name(person.family_name)
        )

    assert all(fits(person) for person in roster.people)


@pytest.mark.parametrize(
    ("man", "woman"),
    [("Иванов", "Иванова"), ("Покровский", "Покровская"), ("Левицкий", "Левицкая"), ("Шевченко", "Шевченко"),
     ("Римский-Корсаков", "Римская-Корсакова"), ("Ильин", "Ильина")],
)  # fmt: skip
def test_surnames_of_women(man: str, woman: str) -> None:
    """Surnames change by their ending, both halves of double ones."""
    assert feminine(man) == woman


def test_contacts_are_nobodys(roster: Roster) -> None:
    """Phones are in ranges no operator has, addresses in `.example`; nobody shares one but the teacher-parent."""
    phones = [p.phone.e164 for p in roster.people if p.phone]

    assert all(re.fullmatch(r"\+750[012]\d{7}", phone) for phone in phones)
    assert len(phones) - len(set(phones)) == 1
    assert all(p.email.address.endswith(".example") for p in roster.people if p.email)


def test_what_the_operator_is_told_of_a_sample(roster: Roster) -> None:
    """A sample school is sound but for what it shows on purpose."""
    reading = sound(read(csv_files(roster)))

    assert {p.code for p in reading.problems} == {"class_without_teacher", "staff_is_guardian"}
    assert len(found(reading, "class_without_teacher")) == 1


def test_write_csv_makes_the_folder(roster: Roster, tmp_path: Path) -> None:
    """Three files in a folder that need not exist, read back from disk."""
    paths = write_csv(roster, tmp_path / "a" / "b")

    assert sound(read({path.name: path.read_bytes() for path in paths})).roster == roster


def test_too_small_is_refused() -> None:
    """A school of fewer than thirty pupils could not have what every sample has."""
    with pytest.raises(ValueError, match="30"):
        generate(1, 29)


def test_ages_fit_grades(roster: Roster) -> None:
    """First-graders are seven on 1 September, or turn eight during the year."""
    people = {p.source_id: p for p in roster.people}
    first = {c.source_id for c in roster.classes if c.grade == 1}

    for enrolment in roster.enrolments:
        if enrolment.class_id in first and enrolment.role is EnrolmentRole.STUDENT:
            born = people[enrolment.person_id].birth_date
            assert born is not None
            assert date(2018, 9, 1) <= born <= date(2019, 8, 31)


def test_time_grows_with_size_not_with_its_square() -> None:
    """Eight times the pupils cost less than 24 times the time, generating and reading together.

    A ratio, so that a slow machine does not matter; a square would be 64.
    """

    def cost(pupils: int) -> float:
        best = float("inf")
        for _ in range(2):
            start = time.process_time()
            read(csv_files(generate(1, pupils)))
            best = min(best, time.process_time() - start)
        return best

    cost(60)  # warm up
    assert cost(2400) < 24 * cost(300)
