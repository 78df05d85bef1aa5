"""What becomes of a newcomer after the right code: a table of cases (R11 to R16, R19, R29, R32, R34)."""

from __future__ import annotations

from typing import Any

import pytest
from attrs import evolve

from bridge.applicant import Applicant
from bridge.invite import InviteKind
from bridge.joining import card_outcome, outcome_of, outcome_with_names
from bridge.onboarding_rules import Exit, StopReason
from bridge.people import LinkStatus, PersonRecord, Relative, Seat, Status
from bridge.roles import ClassId, PersonId, Role, UserId
from bridge.standing import (
    Admit,
    AskNames,
    Choose,
    Halt,
    IsItYou,
    NewParent,
    SignedIn,
    Standing,
    Stopped,
    Why,
)
from tests.bridge.values import CLASS, MASHA, MOTHER, TEACHER

S, G, T, D = Role.STUDENT, Role.GUARDIAN, Role.TEACHER, Role.DIRECTOR
K = InviteKind


def person(
    name: str,
    *roles: Role,
    status: Status = Status.LISTED,
    user_id: UserId | None = None,
    family: str = "",
    class_id: ClassId = CLASS,
) -> PersonRecord:
    """A record; pupils sit in CLASS."""
    seats = (Seat(class_id, "1А", "student"),) if S in roles else ()
    return PersonRecord(
        person_id=PersonId(name),
        source="csv",
        source_id=name,
        family_name=family or name,
        given_name="А",
        roles=frozenset(roles),
        status=status,
        user_id=user_id,
        seats=seats,
    )


PUPIL = person("pupil", S)
TWIN = person("twin", S)
OTHER_CLASS = person("other", S, class_id=ClassId("2Б"))
IN = person("in", S, status=Status.ACTIVE, user_id=MASHA)
GONE = person("gone", S, status=Status.LEFT, user_id=UserId("old"))
MUM = person("mum", G)
MUM_IN = person("mum", G, status=Status.ACTIVE, user_id=MOTHER)
STAFF = person("staff", T)
STAFF_IN = person("staff", T, status=Status.ACTIVE, user_id=TEACHER)
HEAD = person("head", D)


def link(one: PersonRecord, status: LinkStatus = LinkStatus.CONFIRMED) -> Relative:
    return Relative(person=one, relation="мать", status=status)


RESTRICTED = LinkStatus.RESTRICTED


def standing(kind: InviteKind, role: Role, **facts: Any) -> Standing:
    return Standing(kind=kind, role=role, **{"class_id": CLASS, **facts})


def bound(*persons: PersonRecord, user_id: UserId, **facts: Any) -> dict[str, Any]:
    return {"owner": user_id, "persons": persons, **facts}


def child(one: PersonRecord = IN, *guardians: Relative) -> dict[str, Any]:
    return {"named": one, "guardians": guardians}


NEW = AskNames()


@pytest.mark.parametrize(
    ("kind", "role", "facts", "outcome"),
    [
        # pupils
        (K.CLASS_PUPIL, S, {}, NEW),
        (K.CLASS_PUPIL, S, {"listed": [PUPIL]}, Admit(person=PUPIL)),
        (K.CLASS_PUPIL, S, {"listed": [OTHER_CLASS]}, NEW),
        (K.CLASS_PUPIL, S, {"listed": [TWIN, PUPIL]}, Choose(people=[PUPIL, TWIN])),
        (K.CLASS_PUPIL, S, {"listed": [IN]}, Halt(Why.ALREADY_IN)),
        (K.SCHOOL, S, {"listed": [PUPIL]}, Admit(person=PUPIL)),
        (K.PERSONAL, S, {"named": PUPIL}, Admit(person=PUPIL)),
        (K.PERSONAL, S, {"named": IN}, Halt(Why.ALREADY_IN)),
        (K.PERSONAL, S, {"named": None}, Halt(Why.GONE)),
        (K.PERSONAL, S, {"named": GONE}, Halt(Why.GONE)),
        # who left by their own wish comes back: with the account whose number is proved, else with a new one
        (K.PERSONAL, S, {"named": GONE, "left": {"gone"}}, Admit(person=GONE)),
        (K.CLASS_PUPIL, S, {"listed": [GONE]}, NEW),
        (
            K.CLASS_PUPIL, S, {"listed": [GONE], "left": {"gone"}, "had": {"old"}},
            Admit(person=GONE, account=UserId("old")),
        ),
        # a number that has a profile
        (K.CLASS_PUPIL, S, bound(IN, user_id=MASHA), IsItYou(persons=(IN,))),
        (K.CLASS_PUPIL, S, bound(user_id=MASHA), IsItYou(persons=())),
        (K.CLASS_PUPIL, S, bound(IN, user_id=MASHA, is_me=True), SignedIn()),
        (K.CLASS_PUPIL, S, bound(user_id=MASHA, is_me=True, applied={(S, CLASS)}), SignedIn()),
        (
            K.PERSONAL, S, bound(user_id=MASHA, is_me=True, applied={(S, CLASS)}, named=PUPIL),
            Admit(person=PUPIL, account=MASHA),
        ),
        (
            K.CLASS_PUPIL, S, bound(user_id=MASHA, is_me=True, listed=[PUPIL]),
            Admit(person=PUPIL, account=MASHA),
        ),
        (
            K.CLASS_PUPIL, S, bound(IN, user_id=MASHA, is_me=True, same_school=False),
            Halt(Why.OTHER_PROFILE),
        ),
        # a number that has a profile at another school of this server: adults only have two (R12, R40, ADR 32)
        (K.CLASS_PUPIL, S, {"listed": [PUPIL], "elsewhere": {S}}, Halt(Why.OTHER_SCHOOL)),
        (K.CLASS_PUPIL, S, {"elsewhere": frozenset()}, Halt(Why.OTHER_SCHOOL)),
        (K.CLASS_PARENT, G, {"elsewhere": {S}}, Halt(Why.OTHER_SCHOOL)),
        (K.CLASS_PARENT, G, {"elsewhere": {S, T}}, Halt(Why.OTHER_SCHOOL)),
        (K.CLASS_PARENT, G, {"elsewhere": frozenset()}, Halt(Why.OTHER_SCHOOL)),
        (K.CLASS_PARENT, G, {"elsewhere": {G}}, NEW),
        (
            K.CLASS_PARENT, G,
            {"listed": [MUM], "children": {"mum": [link(PUPIL)]}, "elsewhere": {G, T}},
            Admit(person=MUM),
        ),
        (K.CHILD_PARENT, G, {**child(), "elsewhere": {T}}, AskNames(child=IN)),
        (K.STAFF, T, {"listed": [STAFF], "elsewhere": {T}}, Admit(person=STAFF)),
        # whose is it *here* comes first, whatever there is elsewhere
        (
            K.CLASS_PARENT, G, bound(MUM_IN, user_id=MOTHER, elsewhere={S}),
            IsItYou(persons=(MUM_IN,)),
        ),
        # parents
        (K.CLASS_PARENT, G, {}, NEW),
        (K.CLASS_PARENT, G, {"listed": [MUM]}, NEW),
        (
            K.CLASS_PARENT, G, {"listed": [MUM], "children": {"mum": [link(PUPIL)]}},
            Admit(person=MUM),
        ),
        (
            K.CLASS_PARENT, G, {"listed": [MUM], "children": {"mum": [link(PUPIL, RESTRICTED)]}},
            NEW,
        ),
        (
            K.CLASS_PARENT, G,
            bound(MUM_IN, user_id=MOTHER, is_me=True, children={"mum": [link(IN)]}), SignedIn(),
        ),
        (
            K.CLASS_PARENT, G,
            bound(MUM_IN, user_id=MOTHER, is_me=True, children={"mum": [link(OTHER_CLASS)]}), NEW,
        ),
        (K.CHILD_PARENT, G, child(), AskNames(child=IN)),
        (K.CHILD_PARENT, G, child(PUPIL), Halt(Why.CHILD_FIRST)),
        (K.CHILD_PARENT, G, child(GONE), Halt(Why.GONE)),
        (K.CHILD_PARENT, G, {**child(), "listed": [MUM]}, Admit(person=MUM, child=IN)),
        (K.CHILD_PARENT, G, {**child(IN, link(MUM, RESTRICTED)), "listed": [MUM]}, NEW),
        (K.CHILD_PARENT, G, {**child(), **bound(IN, user_id=MASHA)}, Halt(Why.CHILDS_PHONE)),
        (
            K.CHILD_PARENT, G, {**child(), **bound(IN, user_id=MASHA, is_me=True, by_session=True)},
            Halt(Why.CHILDS_BROWSER),
        ),
        (
            K.CHILD_PARENT, G, {**child(), **bound(MUM_IN, user_id=MOTHER, is_me=True)},
            Admit(person=MUM_IN, account=MOTHER, child=IN),
        ),
        (
            K.CHILD_PARENT, G,
            {**child(IN, link(MUM_IN)), **bound(MUM_IN, user_id=MOTHER, is_me=True)}, SignedIn(),
        ),
        (
            K.CHILD_PARENT, G,
            {**child(IN, link(MUM_IN, RESTRICTED)), **bound(MUM_IN, user_id=MOTHER, is_me=True)},
            NEW,
        ),
        (
            K.CHILD_PARENT, G, {**child(), **bound(STAFF_IN, user_id=TEACHER, is_me=True)},
            NewParent(
                names=Applicant(family_name="staff", given_name="А"), account=TEACHER, child=IN
            ),
        ),
        # staff
        (K.STAFF, T, {}, NEW),
        (K.STAFF, T, {"listed": [STAFF]}, Admit(person=STAFF)),
        (K.SCHOOL, T, {"listed": [HEAD]}, Admit(person=HEAD)),
        (K.SCHOOL, D, {"listed": [HEAD]}, Admit(person=HEAD)),
        (K.SCHOOL, D, {"listed": [STAFF]}, Halt(Why.NOT_LISTED)),
        (K.SCHOOL, D, {}, Halt(Why.NOT_LISTED)),
        (K.STAFF, D, {}, NEW),
        (K.STAFF, T, bound(STAFF_IN, user_id=TEACHER, is_me=True), SignedIn()),
        (K.STAFF, T, bound(IN, user_id=MASHA, is_me=True), SignedIn()),
        (K.STAFF, T, bound(MUM_IN, user_id=MOTHER, is_me=True), NEW),
    ],
)  # fmt: skip
def test_outcomes(kind: InviteKind, role: Role, facts: dict[str, Any], outcome: object) -> None:
    """Each case of a newcomer has one way on; nothing of it depends on the order of the lists."""
    assert outcome_of(standing(kind, role, **facts)) == outcome


@pytest.mark.parametrize(
    ("facts", "reason", "is_bound"),
    [
        ({"listed": [MUM]}, StopReason.PARENTS_PHONE, False),
        ({"listed": [PUPIL, MUM]}, StopReason.PARENTS_PHONE, False),
        ({"listed": [STAFF]}, StopReason.STAFF_PHONE, False),
        (bound(MUM_IN, user_id=MOTHER), StopReason.PARENTS_PHONE, True),
        (bound(STAFF_IN, user_id=TEACHER, is_me=True), StopReason.STAFF_PHONE, True),
    ],
)
def test_a_childs_registration_stops(
    facts: dict[str, Any], reason: StopReason, is_bound: bool
) -> None:
    """R12: an adult's number, bound or listed, makes no pupil, by whichever link; three ways on."""
    for kind in (K.CLASS_PUPIL, K.PERSONAL, K.SCHOOL):
        outcome = outcome_of(standing(kind, S, grade=2, named=PUPIL, **facts))
        assert isinstance(outcome, Stopped)
        assert (outcome.stop.reason, outcome.bound) == (reason, is_bound)
        assert {one.exit for one in outcome.stop.exits} == set(Exit)


def test_a_name_finds_the_record_of_the_list() -> None:
    """A parent with the child's link and another phone than listed is the listed one, not a second one."""
    names = Applicant(family_name="MUM", given_name="а")
    by_link = standing(K.CHILD_PARENT, G, **child(IN, link(MUM)))
    assert outcome_with_names(by_link, names) == Admit(person=MUM, child=IN)
    is_in = standing(K.CHILD_PARENT, G, **child(IN, link(MUM_IN)))
    assert outcome_with_names(is_in, names) == Halt(Why.ALREADY_IN)
    unknown = outcome_with_names(evolve(by_link, guardians=()), names)
    assert unknown == NewParent(names=names, account=None, child=IN)


def test_a_name_alone_gives_no_rights_of_a_colleague() -> None:
    """R19: of a deputy who is a parent, by the child's link and another phone; the listed phone gives both."""
    names = Applicant(family_name="both", given_name="А")
    both = person("both", G, Role.DEPUTY)
    by_link = standing(K.CHILD_PARENT, G, **child(IN, link(both)))
    assert outcome_with_names(by_link, names) == AskNames()
    assert outcome_of(evolve(by_link, listed=[both])) == Admit(person=both, child=IN)
    is_in = evolve(both, status=Status.ACTIVE, user_id=MOTHER)
    known = standing(K.CHILD_PARENT, G, **child(IN, link(is_in)))
    assert outcome_with_names(known, names) == Halt(Why.ALREADY_IN)


def test_a_name_under_a_court_order_becomes_an_application() -> None:
    """R34: by the phone or by the name, and a teacher's own name too; the answer is an ordinary application."""
    names = Applicant(family_name="mum", given_name="А")
    restricted = child(IN, link(MUM, RESTRICTED))
    assert outcome_with_names(standing(K.CHILD_PARENT, G, **restricted), names) == AskNames()
    same_name = person("x", G, family="staff")
    facts = {**child(IN, link(same_name, RESTRICTED)), **bound(STAFF_IN, user_id=TEACHER)}
    assert outcome_of(standing(K.CHILD_PARENT, G, is_me=True, **facts)) == AskNames()


def test_cards() -> None:
    """R20: a card lets the pupil in, or gives who is in a new password; never somebody whom others have removed."""
    assert card_outcome(standing(K.CARD, S, named=PUPIL)) == Admit(person=PUPIL)
    assert card_outcome(standing(K.CARD, S, named=IN)) == Admit(person=IN, account=MASHA)
    assert card_outcome(standing(K.CARD, S, named=GONE)) == Halt(Why.GONE)
    back = standing(K.CARD, S, named=GONE, left=frozenset({GONE.person_id}))
    assert card_outcome(back) == Admit(person=GONE)
    assert card_outcome(standing(K.CARD, S)) == Halt(Why.GONE)
