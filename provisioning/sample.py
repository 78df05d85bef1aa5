"""A made-up school of any size, the same for the same seed. Pure.

For trying things out and for measuring: names, phones (+7 500–502, ranges nobody has) and mail
domains (`.example`, RFC 2606) belong to nobody.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from random import Random  # noqa: TID251 -- seeded by the caller: no chance of its own

from attrs import define, field

from provisioning.contact import Email, Phone
from provisioning.roster import (
    Enrolment,
    EnrolmentRole,
    Group,
    Guardianship,
    Person,
    Role,
    Roster,
    SchoolClass,
    make_roster,
)
from provisioning.sample_names import (
    FEMALE,
    GRANDFATHERS,
    MALE,
    SURNAMES,
    in_gender,
    patronymic,
)

CLASS_SIZE = 28
LETTERS = "АБВГДЕЖИКЛМНПРСТУФХЦЧШЭЮЯ"
SCHOOL_YEAR = "2026/2027"
FIRST_DAY = date(2026, 9, 1)
DEPUTIES = 3
#: Shares seen in school86, rounded.
TWO_PARENTS, NO_PARENT, SIBLING, OWN_PHONE = 0.68, 0.01, 0.27, 0.6


def generate(seed: int, pupils: int = 300) -> Roster:
    """A school of `pupils` pupils with staff and guardians (about 2.3 people for each pupil).

    There are always: a director and three deputies, a class without homeroom teacher, a teacher of
    two classes (when there is more than one class with a teacher), twins, a parent of three, a
    teacher who is a parent (same phone, two records), a pupil without patronymic.

    Args:
        seed: the only source of chance; the same number gives the same school.
        pupils: at least 30; 43,000 make about 100,000 people.

    Raises:
        ValueError: fewer than 30 pupils.
    """
    if pupils < 30:
        raise ValueError("a sample school has at least 30 pupils")
    school = _School(Random(seed))  # noqa: S311 -- a made-up school needs no secrets
    school.add_classes(pupils)
    school.add_pupils(pupils)
    school.add_staff()
    return make_roster(
        source="csv",
        school_year=SCHOOL_YEAR,
        covers=Group,
        people=school.people,
        classes=school.classes,
        enrolments=school.enrolments,
        guardianships=school.guardianships,
    )


@define
class _School:
    """A school being made up."""

    rng: Random
    people: list[Person] = field(factory=list)
    classes: list[SchoolClass] = field(factory=list)
    enrolments: list[Enrolment] = field(factory=list)
    guardianships: list[Guardianship] = field(factory=list)
    phones: Iterator[Phone] = field(init=False)
    guardians: int = 0

    def __attrs_post_init__(self) -> None:
        self.phones = _phones()

    def add_classes(self, pupils: int) -> None:
        """Classes of about 28 over eleven grades; past the alphabet letters double (5АБ)."""
        count = max(2, round(pupils / CLASS_SIZE))
        for index in range(count):
            grade, parallel = index % 11 + 1, index // 11
            first, second = divmod(parallel, len(LETTERS))
            letters = (LETTERS[first - 1] if first else "") + LETTERS[second]
            name = f"{grade}{letters}"
            self.classes.append(SchoolClass(name, name, grade))

    def add_pupils(self, count: int) -> None:
        """Families one after another; the first has three children, the second twins."""
        added = 0
        while added < count:
            size = 3 if added == 0 else 2 if added == 3 else self._family_size()
            size = min(size, count - added)
            self._family(added, size, twins=added == 3)
            added += size

    def _family_size(self) -> int:
        return 1 + (self.rng.random() < SIBLING) + (self.rng.random() < SIBLING / 5)

    def _family(self, first: int, size: int, *, twins: bool) -> None:
        surname = self.rng.choice(SURNAMES)
        father = self.rng.choice(MALE)
        names = iter(self.rng.sample(list(zip(MALE, FEMALE, strict=False)), size))
        children = [
            self._pupil(
                first + i,
                surname,
                father,
                next(names),
                self.classes[(first + (0 if twins else i)) % len(self.classes)],
                twin=twins and i > 0,
            )
            for i in range(size)
        ]
        if first >= 5 and self.rng.random() < NO_PARENT:
            return
        both = first < 5 or self.rng.random() < TWO_PARENTS
        if both or self.rng.random() < 0.15:
            relation = "отец"
            self._guardian(surname, children, relation, given_name=father)
        if both or self.people[-1].roles == {Role.STUDENT}:
            relation = "опекун" if self.rng.random() < 0.02 else "мать"
            self._guardian(surname, children, relation, given_name=None)

    def _pupil(
        self,
        number: int,
        surname: str,
        father: str,
        names: tuple[str, str],
        of: SchoolClass,
        *,
        twin: bool,
    ) -> str:
        female = self.rng.random() < 0.5
        source_id = f"U{number + 1:05}"
        assert of.grade is not None
        born = FIRST_DAY.replace(year=FIRST_DAY.year - of.grade - 7) + timedelta(
            days=self.rng.randrange(360)
        )
        if twin:
            born = self.people[-1].birth_date or born
        has_phone = self.rng.random() < OWN_PHONE
        self.people.append(
            Person(
                source_id,
                in_gender(surname, female=female),
                names[female],
                "" if number == 6 else patronymic(father, female=female),
                born,
                frozenset({Role.STUDENT}),
                next(self.phones) if has_phone else None,
                _email(source_id) if not has_phone and self.rng.random() < 0.3 else None,
            )
        )
        self.enrolments.append(Enrolment(of.source_id, source_id, EnrolmentRole.STUDENT))
        return source_id

    def _guardian(
        self, surname: str, children: list[str], relation: str, given_name: str | None
    ) -> None:
        self.guardians += 1
        female = given_name is None
        source_id = f"R{self.guardians:05}"
        self.people.append(
            Person(
                source_id,
                in_gender(surname, female=female),
                given_name or self.rng.choice(FEMALE),
                patronymic(self.rng.choice(GRANDFATHERS), female=female),
                None,
                frozenset({Role.GUARDIAN}),
                next(self.phones),
                _email(source_id) if self.rng.random() < 0.4 else None,
            )
        )
        self.guardianships += [Guardianship(source_id, child, relation) for child in children]

    def add_staff(self) -> None:
        """Director, deputies, then teachers: one for each class but the last, and subject teachers."""
        parent = next(p for p in self.people if p.source_id == "R00002")
        teachers = max(len(self.classes), round(len(self.classes) * 1.7))
        roles = [Role.DIRECTOR, *[Role.DEPUTY] * DEPUTIES, *[Role.TEACHER] * teachers]
        first_teacher = 2 + DEPUTIES
        for number, role in enumerate(roles, start=1):
            same_as = parent if number == first_teacher + 1 else None
            self.people.append(self._staff(f"T{number:04}", role, same_as))
        for index, of in enumerate(self.classes[:-1]):
            # The first teacher has the second class too, so the second teacher has none.
            number = first_teacher + (0 if index == 1 else index)
            self.enrolments.append(
                Enrolment(of.source_id, f"T{number:04}", EnrolmentRole.HOMEROOM_TEACHER)
            )

    def _staff(self, source_id: str, role: Role, same_as: Person | None) -> Person:
        if same_as is not None:
            return Person(
                source_id,
                same_as.family_name,
                same_as.given_name,
                same_as.middle_name,
                None,
                frozenset({role}),
                same_as.phone,
                _email(source_id),
            )
        female = self.rng.random() < 0.85
        return Person(
            source_id,
            in_gender(self.rng.choice(SURNAMES), female=female),
            self.rng.choice(FEMALE if female else MALE),
            patronymic(self.rng.choice(GRANDFATHERS), female=female),
            None,
            frozenset({role}),
            next(self.phones),
            _email(source_id),
        )


def _phones() -> Iterator[Phone]:
    """Numbers in +7 500, 501, 502: no operator has them."""
    for number in range(3 * 10**7):
        yield Phone(f"+7{500 + number % 3}{1_000_000 + number // 3:07}")


def _email(source_id: str) -> Email:
    return Email(f"{source_id.lower()}@school.example")
