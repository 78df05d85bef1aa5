"""Whom a visitor may sign in as: one person for each role, chosen from a roster. Pure."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from datetime import date, datetime

from attrs import asdict, define, field, frozen

from provisioning.roster import EnrolmentRole, Person, Role, Roster

ORG_ID = "school"
ORG_NAME = "Школа № 1 (пример)"
TIMEZONE = "Europe/Moscow"
ADULT_ENOUGH = 14  # R17: younger pupils need a parent's yes


@frozen
class DemoPerson:
    """Somebody to sign in as. `role` is a word of ours, stable; `class_name` is "" for school-wide roles."""

    role: str
    source_id: str
    name: str = field(repr=False)
    class_name: str = ""
    young: bool = False  # needs a parent's yes


@frozen
class DemoAccount:
    """Kept in var/demo.json, written before the account is made: a crash loses no password."""

    role: str
    source_id: str
    user_id: str
    password: str = field(repr=False)
    name: str = field(repr=False)
    class_name: str = ""
    phone: str = field(repr=False, default="")  # "" without one, or not bound yet


@frozen
class DemoLink:
    """A link for newcomers to try. `name`: pupil | parent | school."""

    name: str
    path: str = field(repr=False)  # `/i/…`: the address of the pages may change
    code: str = field(repr=False)  # to be typed instead; "" without one
    expires_at: str  # ISO 8601


@frozen
class Newcomer:
    """Somebody of the list who is not in yet."""

    name: str = field(repr=False)
    class_name: str
    phone: str = field(repr=False)


@define
class DemoState:
    """What var/demo.json holds.

    Attributes:
        pupils: size of the sample school.
        ready: it was set up to the end once; from then on the school is the visitor's, and we change nothing.
        links: made once; anew when one of them is over.
        newcomer: whose phone will be recognised.
    """

    pupils: int
    ready: bool = False
    accounts: dict[str, DemoAccount] = field(factory=dict)
    links: dict[str, DemoLink] = field(factory=dict)
    newcomer: Newcomer | None = None

    def are_links_good(self, now: datetime) -> bool:
        """Whether all of them still open something."""
        ends = [datetime.fromisoformat(link.expires_at) for link in self.links.values()]
        return bool(ends) and now < min(ends)

    def to_json(self) -> str:
        return json.dumps(
            {
                "org_id": ORG_ID,
                "pupils": self.pupils,
                "ready": self.ready,
                "accounts": [asdict(account) for account in self.accounts.values()],
                "links": [asdict(link) for link in self.links.values()],
                "newcomer": None if self.newcomer is None else asdict(self.newcomer),
            },
            ensure_ascii=False,
            indent=2,
        )

    @classmethod
    def from_json(cls, text: str) -> DemoState:
        """The reverse.

        Raises:
            ValueError, KeyError, TypeError: not written by us.
        """
        raw = json.loads(text)
        accounts = {row["role"]: DemoAccount(**row) for row in raw["accounts"]}
        # A folder of an earlier version has no links yet.
        links = {row["name"]: DemoLink(**row) for row in raw.get("links", [])}
        newcomer = raw.get("newcomer")
        return cls(
            int(raw["pupils"]),
            bool(raw["ready"]),
            accounts,
            links,
            None if newcomer is None else Newcomer(**newcomer),
        )


def choose(roster: Roster, today: date) -> list[DemoPerson]:
    """Director, deputy, homeroom teacher of a class, a pupil of it, and a guardian of that pupil.

    The pupil is 14 where the school has one, so that nothing has to be confirmed first; the teacher leads and the
    guardian has children in as few classes as possible, so that their rooms are easy to compare with the rules.
    """
    people = {person.source_id: person for person in roster.people}
    director = next(p for p in roster.people if Role.DIRECTOR in p.roles)
    deputy = next(p for p in roster.people if Role.DEPUTY in p.roles)
    pupil, guardian, class_id = _family(roster, people, today)
    teacher = next(
        people[e.person_id]
        for e in roster.enrolments
        if e.class_id == class_id and e.role is EnrolmentRole.HOMEROOM_TEACHER
    )
    class_name = next(c.name for c in roster.classes if c.source_id == class_id)
    return [
        _demo("director", director),
        _demo("deputy", deputy),
        _demo("homeroom_teacher", teacher, class_name),
        _demo("student", pupil, class_name, young=is_young(pupil, today)),
        _demo("guardian", guardian, class_name),
    ]


def newcomer_of(roster: Roster, class_name: str, *, but: str) -> Newcomer | None:
    """A pupil of this class with a phone of their own, other than `but`."""
    classes = {c.source_id: c.name for c in roster.classes}
    people = {person.source_id: person for person in roster.people}
    for enrolment in roster.enrolments:
        pupil = people[enrolment.person_id]
        if (
            enrolment.role is EnrolmentRole.STUDENT
            and classes[enrolment.class_id] == class_name
            and pupil.source_id != but
            and pupil.phone is not None
        ):
            name = f"{pupil.family_name} {pupil.given_name}"
            return Newcomer(name, class_name, pupil.phone.e164)
    return None


def _demo(role: str, person: Person, class_name: str = "", *, young: bool = False) -> DemoPerson:
    name = f"{person.family_name} {person.given_name}"
    return DemoPerson(role, person.source_id, name, class_name, young)


def _family(
    roster: Roster, people: Mapping[str, Person], today: date
) -> tuple[Person, Person, str]:
    """(pupil, guardian, class) of a class that has a homeroom teacher."""
    class_of = {
        e.person_id: e.class_id for e in roster.enrolments if e.role is EnrolmentRole.STUDENT
    }
    leader_of = {
        e.class_id: e.person_id
        for e in roster.enrolments
        if e.role is EnrolmentRole.HOMEROOM_TEACHER
    }
    led = Counter(leader_of.values())
    children = Counter(link.guardian_id for link in roster.guardianships)
    candidates = [
        (people[link.student_id], people[link.guardian_id])
        for link in roster.guardianships
        if class_of.get(link.student_id) in leader_of
    ]
    pupil, guardian = min(
        candidates,
        key=lambda pair: (
            is_young(pair[0], today),
            led[leader_of[class_of[pair[0].source_id]]],
            children[pair[1].source_id],
            pair[0].source_id,
            pair[1].source_id,
        ),
    )
    return pupil, guardian, class_of[pupil.source_id]


def is_young(person: Person, today: date) -> bool:
    """R17: under 14 today, or of unknown age."""
    born = person.birth_date
    if born is None:
        return True
    had_birthday = (today.month, today.day) >= (born.month, born.day)
    return today.year - born.year - (not had_birthday) < ADULT_ENOUGH
