"""The contact matrix: the table itself, and what must hold for any two people."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from synapse_sferum.account import Account
from synapse_sferum.model import (
    ClassId,
    OrgId,
    OrgSettings,
    PersonId,
    Role,
    RoomKey,
    RoomKind,
    UserId,
)
from synapse_sferum.policy import (
    MATRIX,
    Deny,
    Party,
    Receiver,
    Sender,
    Verdict,
    close_rooms,
    may_contact,
    may_find,
    may_form,
    may_meet,
    may_meet_peer,
    may_reach_device,
    may_read_profile,
)

DOCS = Path(__file__).parents[2] / "docs" / "policy.md"
CLASS_8B, CLASS_9V = ClassId("c8b"), ClassId("c9v")
LIMIT = 100


def account(
    name: str,
    *roles: Role,
    org: str = "school-a",
    settings: OrgSettings | None = None,
    student_in: frozenset[ClassId] = frozenset(),
    homeroom_of: frozenset[ClassId] = frozenset(),
    teaches: frozenset[ClassId] = frozenset(),
    children: frozenset[PersonId] = frozenset(),
    children_in: frozenset[ClassId] = frozenset(),
    guardians: frozenset[PersonId] = frozenset(),
) -> Account:
    return Account(
        user_id=UserId(f"@{name}:s"),
        org_id=OrgId(org),
        settings=settings or OrgSettings(),
        roles=frozenset(roles),
        persons=frozenset({PersonId("p-" + name)}),
        student_in=student_in,
        homeroom_of=homeroom_of,
        teaches=teaches,
        children=children,
        children_in=children_in,
        guardians=guardians,
    )


B8 = frozenset({CLASS_8B})
PUPIL = account("pupil", Role.STUDENT, student_in=B8, guardians=frozenset({PersonId("p-mother")}))
CLASSMATE = account("classmate", Role.STUDENT, student_in=B8)
SCHOOLMATE = account("schoolmate", Role.STUDENT, student_in=frozenset({CLASS_9V}))
CHILD = frozenset({PersonId("p-pupil")})
MOTHER = account("mother", Role.GUARDIAN, children=CHILD, children_in=B8)
FATHER = account("father", Role.GUARDIAN, children=CHILD, children_in=B8)
CLASS_PARENT = account(
    "class-parent", Role.GUARDIAN, children=frozenset({PersonId("p-classmate")}), children_in=B8
)
OTHER_PARENT = account("other-parent", Role.GUARDIAN, children_in=frozenset({CLASS_9V}))
CLASS_TEACHER = account("class-teacher", Role.TEACHER, homeroom_of=B8)
OWN_TEACHER = account("own-teacher", Role.TEACHER, teaches=B8)
OTHER_TEACHER = account("other-teacher", Role.TEACHER)
DIRECTOR = account("director", Role.DIRECTOR)
PEER_TEACHER = account("peer-teacher", Role.TEACHER, org="school-b")
PEER_PUPIL = account(
    "peer-pupil", Role.STUDENT, org="school-b", student_in=frozenset({ClassId("cb")})
)

#: One example of every column, as seen by the sender in the row.
EXAMPLES: dict[Sender, tuple[Party, dict[Receiver, Party]]] = {
    sender: (
        who,
        {
            Receiver.PUPIL_UNCONFIRMED: Party(SCHOOLMATE, unconfirmed=True),
            Receiver.CLASSMATE: Party(CLASSMATE),
            Receiver.SCHOOLMATE: Party(SCHOOLMATE),
            Receiver.OWN_PARENT: Party(MOTHER),
            Receiver.CLASS_PARENT: Party(CLASS_PARENT),
            Receiver.OTHER_PARENT: Party(OTHER_PARENT),
            Receiver.CLASS_TEACHER: Party(CLASS_TEACHER),
            Receiver.OWN_TEACHER: Party(OWN_TEACHER),
            Receiver.OFFICE: Party(DIRECTOR),
            Receiver.OTHER_STAFF: Party(OTHER_TEACHER),
            Receiver.PEER_STAFF: Party(PEER_TEACHER),
            Receiver.OTHER_SCHOOL: Party(PEER_PUPIL),
            **({Receiver.OWN_CHILD: Party(PUPIL)} if sender is Sender.PARENT else {}),
        },
    )
    for sender, who in {
        Sender.PUPIL_UNCONFIRMED: Party(PUPIL, unconfirmed=True),
        Sender.PUPIL: Party(PUPIL),
        Sender.PARENT: Party(FATHER),
        Sender.STAFF: Party(OTHER_TEACHER),
    }.items()
}


def same_kind(found: Verdict | Deny, wanted: Verdict | Deny) -> bool:
    """Two refusals are the same to the person refused."""
    return found is wanted or (isinstance(found, Deny) and isinstance(wanted, Deny))


@pytest.mark.parametrize(
    ("sender", "receiver"),
    [(sender, receiver) for sender, (_, columns) in EXAMPLES.items() for receiver in columns],
    ids=lambda value: value.value,
)
def test_every_cell(sender: Sender, receiver: Receiver) -> None:
    """Two people of a cell's kind get what the cell says."""
    who, columns = EXAMPLES[sender]
    assert same_kind(may_contact(who, columns[receiver]), MATRIX[sender][receiver])


def test_the_table_has_no_holes() -> None:
    """Every row has every column."""
    assert set(MATRIX) == set(Sender)
    for row in MATRIX.values():
        assert list(row) == list(Receiver)


def test_the_documentation_has_the_same_table() -> None:
    """docs/policy.md shows the same cells in the same order."""
    marks: dict[Verdict | Deny, str] = {Verdict.ALLOWED: "✔", Verdict.SUPERVISED: "S"}
    lines = [line for line in DOCS.read_text("utf-8").splitlines() if line.startswith("| ")]
    header = [cell.strip() for cell in lines[0].strip("|").split("|")]
    assert header[1:] == [sender.value for sender in Sender]
    shown = {}
    for line in lines[2 : 2 + len(Receiver)]:
        name, *cells = [cell.strip() for cell in line.strip("|").split("|")]
        shown[name.strip("*")] = cells
    assert list(shown) == [receiver.value for receiver in Receiver]
    for receiver in Receiver:
        wanted = [marks.get(MATRIX[sender][receiver], "✖") for sender in Sender]
        assert shown[receiver.value] == wanted, receiver


def test_classmates_by_setting() -> None:
    """A school may let classmates write to each other; schoolmates stay supervised."""
    free = OrgSettings(classmates_may_write=True)
    pupil = account("free", Role.STUDENT, settings=free, student_in=B8)
    assert may_contact(Party(pupil), Party(CLASSMATE)) is Verdict.ALLOWED
    assert may_contact(Party(pupil), Party(SCHOOLMATE)) is Verdict.SUPERVISED


def test_the_bridge_needs_both_schools() -> None:
    """Staff of two schools write to each other only while both schools want it."""
    closed = account(
        "closed", Role.TEACHER, org="school-b", settings=OrgSettings(staff_across_schools=False)
    )
    assert may_contact(Party(OTHER_TEACHER), Party(PEER_TEACHER)) is Verdict.ALLOWED
    assert may_contact(Party(OTHER_TEACHER), Party(closed)) is Deny.OTHER_SCHOOL
    assert may_contact(Party(closed), Party(OTHER_TEACHER)) is Deny.OTHER_SCHOOL


def test_nobody_without_an_account() -> None:
    """Without an active account nobody writes, is written to, is seen or has devices."""
    none = Party(None)
    for party in (Party(PUPIL), Party(DIRECTOR), none):
        assert may_contact(none, party) is Deny.UNKNOWN
        assert may_contact(party, none) is Deny.UNKNOWN
        assert may_reach_device(party, none) is Deny.UNKNOWN
        assert may_read_profile(party, none) is Deny.UNKNOWN
    assert may_contact(Party(account("nothing")), Party(PUPIL)) is Deny.UNKNOWN


def test_a_teacher_who_is_a_parent_has_both() -> None:
    """Roles add up: the teacher's reach and the parent's (R32)."""
    both = account("both", Role.TEACHER, Role.GUARDIAN, children=CHILD, children_in=B8)
    assert may_contact(Party(both), Party(SCHOOLMATE)) is Verdict.ALLOWED
    assert may_contact(Party(CLASS_PARENT), Party(both)) is Verdict.ALLOWED


def test_profiles_of_a_school() -> None:
    """Everybody of a school reads names there; across schools only staff reads staff's."""
    assert may_read_profile(Party(PUPIL), Party(OTHER_PARENT)) is None
    assert may_read_profile(Party(PEER_TEACHER), Party(OTHER_TEACHER)) is None
    assert may_read_profile(Party(PEER_TEACHER), Party(PUPIL)) is Deny.OTHER_SCHOOL
    assert may_read_profile(Party(PEER_PUPIL), Party(PUPIL)) is Deny.OTHER_SCHOOL


def test_finding_people() -> None:
    """One finds those one may meet and members of one's small rooms; unconfirmed pupils find nobody (R17)."""
    assert may_find(Party(PUPIL), Party(CLASSMATE)) is None
    assert may_find(Party(FATHER), Party(PUPIL)) is None
    assert may_find(Party(FATHER), Party(CLASSMATE)) is Deny.MATRIX
    assert may_find(Party(PUPIL, unconfirmed=True), Party(CLASS_TEACHER)) is Deny.UNCONFIRMED


def test_devices_of_the_small_rooms() -> None:
    """Unconfirmed classmates share the class's call, so they reach each other's devices; strangers do not."""
    held, other = Party(PUPIL, unconfirmed=True), Party(CLASSMATE, unconfirmed=True)
    assert isinstance(may_meet(held, other), Deny)
    assert may_reach_device(held, other) is None
    assert may_reach_device(held, held) is None
    assert may_reach_device(held, Party(SCHOOLMATE, unconfirmed=True)) is Deny.UNCONFIRMED
    assert close_rooms(PUPIL) == {RoomKey(RoomKind.CLASS, CLASS_8B)}


def test_listed_servers_see_staff() -> None:
    """A register that names pupils still shows staff only (R4)."""
    pairs = frozenset({("teacher", "teacher"), ("student", "student")})
    assert may_meet_peer(OTHER_TEACHER, pairs) is None
    assert may_meet_peer(OTHER_TEACHER, {("staff", "staff")}) is None
    assert may_meet_peer(DIRECTOR, pairs) is Deny.OTHER_SCHOOL
    assert may_meet_peer(PUPIL, pairs) is Deny.OTHER_SCHOOL
    assert may_meet_peer(None, pairs) is Deny.UNKNOWN


def test_staff_meets_people_of_listed_servers() -> None:
    """A teacher writes with somebody of a listed server, a pupil does not, and a stranger with nobody (R4)."""
    guest = Party(None, peer=frozenset({("teacher", "teacher")}))
    for first, second in ((Party(OTHER_TEACHER), guest), (guest, Party(OTHER_TEACHER))):
        assert may_contact(first, second) is Verdict.ALLOWED
        assert may_reach_device(first, second) is None
        assert may_read_profile(first, second) is None
    assert may_contact(Party(PUPIL), guest) is Deny.OTHER_SCHOOL
    assert may_contact(guest, Party(PUPIL)) is Deny.OTHER_SCHOOL
    assert may_contact(guest, guest) is Verdict.ALLOWED
    assert may_contact(guest, Party(None)) is Deny.UNKNOWN
    assert may_form([Party(OTHER_TEACHER), guest, guest], LIMIT) is None
    assert may_form([Party(OTHER_TEACHER), guest, Party(PUPIL)], LIMIT) is Deny.OTHER_SCHOOL


# --- rooms as a set


def test_supervision_needs_a_joined_adult_of_the_school() -> None:
    """Two pupils need a teacher of theirs who has joined; one who is only invited does not count."""
    pupils = [Party(PUPIL), Party(CLASSMATE)]
    assert may_form(pupils, LIMIT) is Deny.SUPERVISION
    assert may_form([*pupils, Party(OTHER_TEACHER, joined=False)], LIMIT) is Deny.SUPERVISION
    assert may_form([*pupils, Party(OTHER_TEACHER)], LIMIT) is None


def test_a_third_person_spoils_the_set() -> None:
    """A teacher with a pupil, and a parent of somebody else: each may write to the teacher, not be there together."""
    assert may_form([Party(OTHER_TEACHER), Party(PUPIL), Party(OTHER_PARENT)], LIMIT) is Deny.MATRIX
    assert (
        may_form([Party(CLASS_TEACHER), Party(PUPIL), Party(PEER_TEACHER)], LIMIT)
        is Deny.OTHER_SCHOOL
    )


def test_the_limit_of_a_set() -> None:
    """Two people fit a limit of two, three do not."""
    pair = [Party(OTHER_TEACHER), Party(DIRECTOR)]
    assert may_form(pair, 2) is None
    assert may_form([*pair, Party(OWN_TEACHER)], 2) is Deny.TOO_MANY


# --- anybody

ACCOUNTS = [
    value
    for name, value in sorted(globals().items())
    if isinstance(value, Account) and name.isupper()
]
parties = st.builds(
    Party,
    st.sampled_from([*ACCOUNTS, None]),
    st.booleans(),
    st.booleans(),
)


def rank(outcome: Verdict | Deny) -> int:
    return 0 if outcome is Verdict.ALLOWED else 1 if outcome is Verdict.SUPERVISED else 2


@given(parties, parties)
def test_meeting_is_symmetric(first: Party, second: Party) -> None:
    """Who meets whom does not depend on the order."""
    assert rank(may_meet(first, second)) == rank(may_meet(second, first))


@given(parties, parties, st.sampled_from(list(Role)))
def test_another_role_never_takes_away(first: Party, second: Party, role: Role) -> None:
    """One more role never makes anything worse, unless it brings a confirmation with it (R30)."""
    if first.account is None:
        return
    richer = Party(
        evolve(first.account, roles=first.account.roles | {role}), first.unconfirmed, first.joined
    )
    assert rank(may_contact(richer, second)) <= rank(may_contact(first, second))


@given(parties, parties)
def test_confirmation_never_takes_away(first: Party, second: Party) -> None:
    """A confirmed pupil may do all that an unconfirmed one may."""
    confirmed = Party(first.account, False, first.joined)
    held = Party(first.account, True, first.joined)
    assert rank(may_contact(confirmed, second)) <= rank(may_contact(held, second))


@given(parties, parties)
def test_schools_meet_at_their_staff_only(first: Party, second: Party) -> None:
    """Across schools nothing is allowed unless both are staff (R2)."""
    ours, theirs = first.account, second.account
    if ours is None or theirs is None or ours.org_id == theirs.org_id:
        return
    if not (ours.is_staff and theirs.is_staff):
        assert isinstance(may_meet(first, second), Deny)
        assert may_find(first, second) is not None
        assert may_read_profile(first, second) is not None


@given(st.lists(parties, max_size=6), parties)
def test_removing_one_who_supervises_nobody_never_spoils(group: list[Party], extra: Party) -> None:
    """A room that is allowed stays so when somebody leaves who is no adult of the staff."""
    if not extra.supervises and may_form([*group, extra], LIMIT) is None:
        assert may_form(group, LIMIT) is None


@given(st.lists(parties, max_size=6))
def test_a_set_is_judged_in_any_order(group: list[Party]) -> None:
    """The order of members does not matter to whether the room may be."""
    assert (may_form(group, LIMIT) is None) == (may_form(group[::-1], LIMIT) is None)


def test_unconfirmed_until_the_birthday() -> None:
    """A pupil is unconfirmed until the day of the 14th birthday (R17)."""
    born = evolve(PUPIL, birth_date=date(2012, 9, 1))
    assert born.unconfirmed(date(2026, 8, 31))
    assert not born.unconfirmed(date(2026, 9, 1))


@pytest.mark.parametrize("role", Role)
def test_only_the_office_sees_the_bot(role: Role) -> None:
    """Profile and devices, both ways, of directors, deputies and administrators; nobody finds it or writes to it."""
    bot, person = Party(None, staff_bot=True), Party(account("somebody", role))
    sees = role in {Role.DIRECTOR, Role.DEPUTY, Role.ADMINISTRATOR}
    for first, second in ((bot, person), (person, bot)):
        assert (may_read_profile(first, second) is None) == sees
        assert (may_reach_device(first, second) is None) == sees
        assert may_contact(first, second) is Deny.UNKNOWN
    assert may_find(person, bot) is Deny.UNKNOWN
    assert may_reach_device(bot, bot) is None  # its own devices and signatures
