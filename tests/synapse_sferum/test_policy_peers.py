"""Who meets whom across schools (R4, §2.6): pairs of the register, a school's word, rooms that leave the server."""

from __future__ import annotations

from itertools import product

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from synapse_sferum.district.register import STAFF_WORDS, WORDS
from synapse_sferum.events import VOUCHED
from synapse_sferum.model import STAFF, Role
from synapse_sferum.policy import (
    Deny,
    Party,
    Verdict,
    may_be_invited,
    may_contact,
    may_form,
    may_meet,
    may_meet_peer,
    may_reach_device,
    may_read_profile,
    role_words,
)
from synapse_sferum.policy_rooms import leaves_here, may_invite, may_send, peer_may_join
from synapse_sferum.vouching import roles_told, with_roles
from tests.synapse_sferum.test_policy import (
    DIRECTOR,
    LIMIT,
    MOTHER,
    OTHER_TEACHER,
    PUPIL,
    account,
)

STAFF_PAIR = frozenset({("staff", "staff")})
PUPILS_TO_TEACHERS = frozenset({("student", "teacher")})
GUEST = Party(None, peer=STAFF_PAIR)
MENTOR = Party(None, peer=PUPILS_TO_TEACHERS)


def test_exactly_the_pairs() -> None:
    """Both roles of a pair must be there: a teacher meets their teacher, not their director."""
    pairs = {("teacher", "teacher"), ("director", "director")}
    assert may_meet_peer(OTHER_TEACHER, pairs, theirs=["teacher"]) is None
    assert may_meet_peer(OTHER_TEACHER, pairs, theirs=["director"]) is Deny.OTHER_SCHOOL
    assert may_meet_peer(DIRECTOR, pairs, theirs=["director", "guardian"]) is None
    assert may_meet_peer(OTHER_TEACHER, pairs, theirs=[]) is Deny.OTHER_SCHOOL
    assert may_meet_peer(DIRECTOR, STAFF_PAIR, theirs=["deputy"]) is None
    assert may_meet_peer(None, STAFF_PAIR, theirs=["teacher"]) is Deny.UNKNOWN


def test_pupils_only_where_the_register_names_them() -> None:
    """A pupil is visible to a neighbour's teachers only by the word `student`, and unconfirmed to nobody (R17)."""
    assert may_meet_peer(PUPIL, STAFF_PAIR) is Deny.OTHER_SCHOOL
    assert may_meet_peer(MOTHER, STAFF_PAIR) is Deny.OTHER_SCHOOL
    assert may_meet_peer(PUPIL, PUPILS_TO_TEACHERS) is None
    assert may_meet_peer(PUPIL, PUPILS_TO_TEACHERS, theirs=["student"]) is Deny.OTHER_SCHOOL
    assert may_meet_peer(PUPIL, PUPILS_TO_TEACHERS, unconfirmed=True) is Deny.UNCONFIRMED
    assert may_meet_peer(MOTHER, PUPILS_TO_TEACHERS) is Deny.OTHER_SCHOOL


@given(
    st.frozensets(st.sampled_from(list(Role)), min_size=1),
    st.frozensets(st.sampled_from(list(Role))),
    st.frozensets(st.tuples(st.sampled_from(sorted(WORDS)), st.sampled_from(sorted(WORDS)))),
)
def test_nobody_meets_without_staff(
    ours: frozenset[Role], theirs: frozenset[Role], pairs: frozenset[tuple[str, str]]
) -> None:
    """Whatever pairs there are: who meets is named by one, and one of the two words is staff's; and what a school
    vouches for narrows, never widens.
    """
    told = [role.value for role in theirs]
    who = account("somebody", *ours)
    if may_meet_peer(who, pairs, theirs=told) is None:
        mine, other = role_words(r.value for r in ours), role_words(told)
        assert any(
            a in mine and b in other and STAFF_WORDS & {a, b}
            for a, b in product(WORDS, WORDS)
            if (a, b) in pairs
        )
        assert may_meet_peer(who, pairs) is None
        assert (ours | theirs) & STAFF


def test_words_of_roles() -> None:
    """`staff` is a word of every member of staff and of nobody else."""
    for role in Role:
        assert ("staff" in role_words([role.value])) is (role in STAFF)
    assert role_words([]) == frozenset()


def test_only_staff_writes_to_another_school_first() -> None:
    """A pupil whom the register lets meet teachers answers one, and begins nothing (rules §2.6)."""
    assert may_contact(Party(PUPIL), MENTOR) is Deny.MATRIX
    assert may_contact(MENTOR, Party(PUPIL)) is Verdict.ALLOWED
    assert may_meet(Party(PUPIL), MENTOR) is Verdict.ALLOWED
    assert may_reach_device(Party(PUPIL), MENTOR) is None
    assert may_read_profile(Party(PUPIL), MENTOR) is None
    assert may_contact(Party(OTHER_TEACHER), GUEST) is Verdict.ALLOWED
    assert may_contact(Party(PUPIL, unconfirmed=True), MENTOR) is Deny.UNCONFIRMED


def test_who_invites_from_another_school() -> None:
    """Their pupil invites nobody here, even where the register lets pupils of theirs meet our teachers; teachers do."""
    pairs = {("teacher", "student"), ("student", "teacher")}
    assert may_meet_peer(OTHER_TEACHER, pairs, theirs=["student"]) is None
    assert may_be_invited(OTHER_TEACHER, pairs, theirs=["student"]) is Deny.MATRIX
    assert may_be_invited(OTHER_TEACHER, pairs, theirs=[]) is Deny.OTHER_SCHOOL
    assert may_be_invited(PUPIL, pairs, theirs=["teacher"]) is None
    assert may_be_invited(PUPIL, pairs, theirs=["teacher"], unconfirmed=True) is Deny.UNCONFIRMED
    assert may_be_invited(PUPIL, pairs, theirs=None) is None


# --- rooms


def test_which_rooms_leave_the_server() -> None:
    """A room leaves the server only when somebody of another school is invited from the start (design §2)."""
    assert leaves_here([Party(OTHER_TEACHER), GUEST])
    assert not leaves_here([Party(OTHER_TEACHER), Party(None)])
    assert not leaves_here([])


def test_nobody_of_elsewhere_in_a_room_that_stays() -> None:
    """A room that does not leave the server takes in nobody from elsewhere."""
    teacher = Party(OTHER_TEACHER)
    assert may_invite(teacher, GUEST, [], LIMIT) is Deny.FEDERATED
    assert may_invite(teacher, GUEST, [], LIMIT, federates=True) is None


def test_no_pupil_in_a_room_that_leaves() -> None:
    """A room of several schools takes in pupils and parents only beside the person they may meet there."""
    teacher, pupil = Party(OTHER_TEACHER), Party(PUPIL, joined=False)
    assert may_invite(teacher, pupil, [], LIMIT) is None
    assert may_invite(teacher, pupil, [], LIMIT, federates=True) is Deny.FEDERATED
    assert may_invite(teacher, pupil, [GUEST], LIMIT, federates=True) is Deny.OTHER_SCHOOL
    both = frozenset({("student", "teacher"), ("teacher", "teacher")})
    assert may_invite(teacher, pupil, [Party(None, peer=both)], LIMIT, federates=True) is None
    assert may_invite(teacher, Party(DIRECTOR), [], LIMIT, federates=True) is None


def test_who_joins_from_elsewhere() -> None:
    """An invited guest enters a room of those they may meet; a stranger enters none."""
    assert peer_may_join(GUEST, [Party(OTHER_TEACHER)], LIMIT) is None
    assert peer_may_join(GUEST, [Party(PUPIL)], LIMIT) is Deny.OTHER_SCHOOL
    assert peer_may_join(Party(None), [Party(OTHER_TEACHER)], LIMIT) is Deny.UNKNOWN_SERVER


def test_a_school_taken_out_is_a_stranger_at_once() -> None:
    """When a guest's school leaves the register, nobody here writes in the room any more."""
    assert may_send(Party(OTHER_TEACHER), [GUEST], LIMIT) is None
    assert may_send(Party(OTHER_TEACHER), [evolve(GUEST, peer=None)], LIMIT) is Deny.UNKNOWN
    assert may_form([Party(OTHER_TEACHER), evolve(GUEST, peer=None)], LIMIT) is Deny.UNKNOWN


# --- the school's word


def test_a_school_vouches_for_who_invites() -> None:
    """An invitation leaves with the inviter's roles, whatever the client wrote there, and is read so."""
    sent = with_roles(
        {"membership": "invite", VOUCHED: {"roles": ["director"]}}, account("t", Role.TEACHER)
    )
    assert sent == {"membership": "invite", VOUCHED: {"roles": ["teacher"]}}
    assert roles_told(sent) == {"teacher"}
    assert roles_told(with_roles({}, None)) == frozenset()


@pytest.mark.parametrize(
    "word",
    [
        None,
        [],
        {"roles": "teacher"},
        {"roles": {"teacher": 1}},
        {"roles": ["staff"]},
        {"roles": ["teacher", 1]},
        {"roles": ["teacher"] * 7},
        {"roles": [["teacher"]]},
    ],
)
def test_what_is_no_word_of_a_school(word: object) -> None:
    """Anything but a short list of roles vouches for nothing; `staff` is a word of registers, not a role."""
    assert roles_told({VOUCHED: word}) == frozenset()
