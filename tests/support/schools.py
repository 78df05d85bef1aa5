"""Schools for tests of the directory: a builder for stories, hypothesis strategies for properties."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

from attrs import Factory, define, evolve, frozen
from hypothesis import strategies as st

from synapse_sferum.ids import class_id_of, person_id_of
from synapse_sferum.model import (
    ClassId,
    Directory,
    Enrolment,
    EnrolmentRole,
    Guardianship,
    GuardianshipStatus,
    Org,
    OrgId,
    OrgSettings,
    Person,
    PersonId,
    PersonStatus,
    Role,
    SchoolClass,
    UserId,
)

ORG = OrgId("school1")
YEAR, LAST_YEAR = "2026/2027", "2025/2026"
SOURCE = "csv"


def pid(source_id: str, source: str = SOURCE) -> PersonId:
    """The person id of `U1` of this school."""
    return person_id_of(ORG, source, source_id)


def cid(source_id: str, source: str = SOURCE, session: str = YEAR) -> ClassId:
    """The class id of `5А` of this school."""
    return class_id_of(ORG, source, source_id, session)


def uid(source_id: str) -> UserId:
    """The account of a person in stories."""
    return UserId(f"@{source_id.lower()}:school.test")


def person(source_id: str, *roles: Role, active: bool = False, **more: Any) -> Person:
    """A person of the list; with `active` one who has an account."""
    source = more.pop("source", SOURCE)
    account = {"status": PersonStatus.ACTIVE, "user_id": uid(source_id)} if active else {}
    return Person(
        person_id=pid(source_id, source),
        source=source,
        source_id=source_id,
        family_name=more.pop("family_name", "Иванов"),
        given_name=more.pop("given_name", source_id),
        listed_roles=frozenset(roles),
        **{**account, **more},
    )


@define
class School:
    """Builds a directory step by step; everybody in it is active unless said otherwise."""

    org: Org = Factory(lambda: Org(org_id=ORG, name="Школа", school_year=YEAR))
    people: dict[PersonId, Person] = Factory(dict)
    classes: dict[ClassId, SchoolClass] = Factory(dict)
    enrolments: set[Enrolment] = Factory(set)
    links: dict[tuple[PersonId, PersonId], Guardianship] = Factory(dict)

    def add(self, source_id: str, *roles: Role, active: bool = True, **more: Any) -> PersonId:
        """A person."""
        one = person(source_id, *roles, active=active, **more)
        self.people[one.person_id] = one
        return one.person_id

    def class_(
        self, name: str, *, students: tuple[str, ...] = (), teachers: tuple[str, ...] = ()
    ) -> ClassId:
        """A class of this year with its pupils and class teachers, who are added if new."""
        class_id = cid(name)
        self.classes[class_id] = SchoolClass(
            class_id=class_id, source=SOURCE, source_id=name, session=YEAR, name=name, grade=5
        )
        for ids, role, enrolled in (
            (students, Role.STUDENT, EnrolmentRole.STUDENT),
            (teachers, Role.TEACHER, EnrolmentRole.HOMEROOM_TEACHER),
        ):
            for source_id in ids:
                if pid(source_id) not in self.people:
                    self.add(source_id, role)
                self.enrolments.add(Enrolment(class_id, pid(source_id), enrolled))
        return class_id

    def link(
        self,
        guardian: str,
        student: str,
        status: GuardianshipStatus = GuardianshipStatus.CONFIRMED,
    ) -> None:
        """A guardian of a child; the guardian is added if new."""
        if pid(guardian) not in self.people:
            self.add(guardian, Role.GUARDIAN)
        pair = (pid(guardian), pid(student))
        self.links[pair] = Guardianship(*pair, relation="мать", status=status)

    def change(self, source_id: str, **fields: Any) -> None:
        """Replace fields of a person."""
        self.people[pid(source_id)] = evolve(self.people[pid(source_id)], **fields)

    def directory(self) -> Directory:
        """What was built."""
        return Directory(
            org=self.org,
            people=dict(self.people),
            classes=dict(self.classes),
            enrolments=frozenset(self.enrolments),
            guardianships=dict(self.links),
        )


def ordinary() -> School:
    """A director, a deputy, two class teachers, two classes of two, three parents."""
    school = School()
    school.add("D1", Role.DIRECTOR)
    school.add("Z1", Role.DEPUTY)
    school.class_("5А", students=("U1", "U2"), teachers=("T1",))
    school.class_("5Б", students=("U3", "U4"), teachers=("T2",))
    for guardian, student in (("R1", "U1"), ("R2", "U2"), ("R3", "U3"), ("R1", "U3")):
        school.link(guardian, student)
    return school


# --- hypothesis

_NAMES = st.sampled_from(["Иванов", "Ёлкин-Палкин", "О'Нил", "Ли", "de la Cruz", "👩‍🏫"])
_ROLES = st.frozensets(st.sampled_from(Role), max_size=3)


@st.composite
def people(draw: st.DrawFn, source_id: str, source: str) -> Person:
    """A person in any state the model can be in; few accounts, so that people share them."""
    status = draw(st.sampled_from(PersonStatus))
    user_id: str | None = None
    if status is not PersonStatus.LISTED:
        user_id = draw(
            st.sampled_from([None, "@ua:s.test", "@ub:s.test", "@uc:s.test", "@ud:s.test"])
        )
    return Person(
        person_id=pid(source_id, source),
        source=source,
        source_id=source_id,
        family_name=draw(_NAMES),
        given_name=draw(_NAMES),
        middle_name=draw(st.sampled_from(["", "Петровна"])),
        birth_date=draw(st.none() | st.dates(date(1950, 1, 1), date(2020, 12, 31))),
        listed_roles=draw(_ROLES),
        roles_by_hand=draw(st.none() | st.none() | _ROLES),
        status=status,
        user_id=None if user_id is None else UserId(user_id),
        confirmed=draw(st.booleans()),
        left_by_hand=draw(st.booleans()),
        leaves_on=draw(st.sampled_from(["", "", "2027-09-01"])),
    )


@st.composite
def directories(draw: st.DrawFn) -> Directory:
    """Any school of up to eight people and four classes."""
    settings = draw(
        st.builds(
            OrgSettings,
            confirmation_required=st.booleans(),
            removal_limit=st.sampled_from([0.0, 0.2, 1.0]),
            encrypted_kinds=st.sampled_from([(), ("staff",)]),
        )
    )
    org = Org(
        org_id=ORG,
        name=draw(_NAMES),
        timezone=draw(st.sampled_from(["Europe/Moscow", "Asia/Kamchatka"])),
        school_year=draw(st.sampled_from([YEAR, YEAR, LAST_YEAR, ""])),
        settings=settings,
        status=draw(st.sampled_from(["open", "open", "open", "closed"])),
    )
    keys = draw(
        st.lists(
            st.tuples(st.sampled_from(["U1", "U2", "U3", "U4"]), st.sampled_from(["csv", "or"])),
            unique=True,
        )
    )
    found = [draw(people(source_id, source)) for source_id, source in keys]
    classes = [
        SchoolClass(
            class_id=cid(name, session=session),
            source=SOURCE,
            source_id=name,
            session=session,
            name=name,
            grade=draw(st.sampled_from([None, 5])),
            open=draw(st.booleans()),
            came_from=draw(st.sampled_from([(), (), (cid("4А"), cid("4Б"))])),
            rooms_until=draw(st.sampled_from(["", "", "2028-09-01"])),
        )
        for name, session in draw(
            st.lists(
                st.tuples(st.sampled_from(["5А", "5Б"]), st.sampled_from([YEAR, LAST_YEAR])),
                unique=True,
            )
        )
    ]
    return Directory(
        org=org,
        people={p.person_id: p for p in found},
        classes={c.class_id: c for c in classes},
        enrolments=draw(_enrolments(found, classes)),
        guardianships=draw(_links(found)),
    )


def _enrolments(
    found: list[Person], classes: list[SchoolClass]
) -> st.SearchStrategy[frozenset[Enrolment]]:
    if not found or not classes:
        return st.just(frozenset())
    one = st.builds(
        Enrolment,
        st.sampled_from([c.class_id for c in classes]),
        st.sampled_from([p.person_id for p in found]),
        st.sampled_from(EnrolmentRole),
        st.booleans(),
        st.sampled_from(["", "", "2027-03-01"]),
    )
    unique = st.lists(one, unique_by=lambda e: (e.class_id, e.person_id, e.role), max_size=10)
    return unique.map(frozenset)


def _links(
    found: list[Person],
) -> st.SearchStrategy[dict[tuple[PersonId, PersonId], Guardianship]]:
    if len(found) < 2:
        return st.just({})
    ids = st.sampled_from([p.person_id for p in found])
    pairs = st.tuples(ids, ids).filter(lambda pair: pair[0] != pair[1])
    whole = st.dictionaries(
        pairs,
        st.tuples(st.sampled_from(["", "мать"]), st.sampled_from(GuardianshipStatus)),
        max_size=6,
    )
    return whole.map(lambda found: {p: Guardianship(*p, *values) for p, values in found.items()})


@frozen
class Sample:
    """Who may be in a generated roster, and as what."""

    roles: Mapping[str, tuple[str, ...]]


_SAMPLE = Sample(
    {
        "D1": ("director",),
        "Z1": ("deputy", "teacher"),
        "T1": ("teacher", "guardian"),
        "T2": ("teacher",),
        "U1": ("student",),
        "U2": ("student",),
        "U3": ("student",),
        "R1": ("guardian",),
        "R2": ("guardian",),
    }
)


@st.composite
def rosters(draw: st.DrawFn, *, source: str = SOURCE, year: str = YEAR) -> dict[str, Any]:
    """A valid `sferum.roster.v1` document of a small school, whole or in part."""
    names = draw(st.lists(st.sampled_from(sorted(_SAMPLE.roles)), unique=True))
    roles = {
        name: sorted(
            draw(st.sets(st.sampled_from(_SAMPLE.roles[name]), min_size=1)),
        )
        for name in names
    }
    class_names = draw(st.lists(st.sampled_from(["5А", "5Б", "11ФМ"]), unique=True))
    students = [n for n in names if "student" in roles[n]]
    staff = [n for n in names if {"teacher", "deputy", "director"} & set(roles[n])]
    guardians = [n for n in names if "guardian" in roles[n]]

    def pairs(left: list[str], right: list[str]) -> list[tuple[str, str]]:
        if not left or not right:
            return []
        one = st.tuples(st.sampled_from(left), st.sampled_from(right))
        return draw(st.lists(one, unique=True, max_size=6))

    return {
        "format": "sferum.roster.v1",
        "source": source,
        "school_year": year,
        "covers": draw(st.lists(st.sampled_from(["student", "staff", "guardian"]), unique=True)),
        "people": [
            {
                "source_id": name,
                "family_name": draw(_NAMES),
                "given_name": name,
                "birth_date": draw(st.sampled_from([None, "2012-07-01"])),
                "roles": roles[name],
            }
            for name in names
        ],
        "classes": [{"source_id": name, "name": name, "grade": None} for name in class_names],
        "enrolments": [
            {"class": class_name, "person": name, "role": role}
            for role, ids in (
                ("student", students),
                ("homeroom_teacher", staff),
                ("teacher", staff),
            )
            for class_name, name in pairs(class_names, ids)
        ],
        "guardianships": [
            {"guardian": g, "student": s, "relation": ""} for g, s in pairs(guardians, students)
        ],
    }
