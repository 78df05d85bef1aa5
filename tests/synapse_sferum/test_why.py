"""Why somebody is in a room or not: the same function that decides, in words (R51)."""

from __future__ import annotations

import pytest
from hypothesis import given, settings

from synapse_sferum.account import rooms_of
from synapse_sferum.desired import accounts_of
from synapse_sferum.model import ClassId, Directory, OrgId, Role, RoomKey, RoomKind
from synapse_sferum.why import SENTENCES, why
from tests.support.directories import account
from tests.support.schools import ORG, directories

CLASS = RoomKey(RoomKind.CLASS, "c1")
PARENTS = RoomKey(RoomKind.CLASS_PARENTS, "c1")
TEACHER = account(Role.TEACHER, homeroom_of=frozenset({ClassId("c1")}))


@pytest.mark.parametrize(
    ("who", "key", "word", "power"),
    [
        (TEACHER, CLASS, "homeroom_teacher", 50),
        (TEACHER, RoomKey(RoomKind.STAFF), "staff", 0),
        (account(Role.DIRECTOR), RoomKey(RoomKind.ADMINISTRATION), "administrative", 100),
        (account(Role.STUDENT, student_in=frozenset({"c1"})), CLASS, "student_of_the_class", 0),
        (
            account(Role.GUARDIAN, children_in=frozenset({"c1"})),
            PARENTS,
            "guardian_of_a_student",
            0,
        ),
        (account(Role.GUARDIAN), RoomKey(RoomKind.MATERIALS), "of_the_school", 0),
        (account(Role.GUARDIAN), RoomKey(RoomKind.STAFF), "not_staff", None),
        (account(Role.TEACHER), RoomKey(RoomKind.ADMINISTRATION), "not_administrative", None),
        (account(Role.TEACHER), CLASS, "not_of_the_class", None),
        (account(Role.STUDENT), PARENTS, "no_child_in_the_class", None),
        (None, CLASS, "no_active_profile", None),
        (account(Role.DIRECTOR, org_id=OrgId("x")), CLASS, "other_school", None),
    ],
)
def test_every_reason(who: object, key: RoomKey, word: str, power: int | None) -> None:
    """One stable word and one sentence for each case; power only for members."""
    answer = why(who, OrgId("o"), key, archived=False)  # type: ignore[arg-type]
    assert answer == {
        "required": power is not None,
        "power": power or 0,
        "reasons": [{"reason": word, "text": SENTENCES[word]}],
    }


def test_an_archive_requires_nobody() -> None:
    """The room of a class that is gone keeps its readers, and holds none."""
    answer = why(TEACHER, OrgId("o"), CLASS, archived=True)
    assert (answer["required"], answer["power"]) == (False, 0)
    assert answer["reasons"][0]["reason"] == "archived"
    assert (
        why(None, OrgId("o"), CLASS, archived=True)["reasons"][0]["reason"] == "no_active_profile"
    )


@given(directory=directories())
@settings(max_examples=50)
def test_the_explanation_agrees_with_the_decision(directory: Directory) -> None:
    """Whoever must be in a room is told the reason that put them there, and nobody else is told so."""
    keys = [RoomKey(kind) for kind in RoomKind if not kind.value.startswith("class")]
    keys += [
        RoomKey(kind, c)
        for c in directory.classes
        for kind in (RoomKind.CLASS, RoomKind.CLASS_PARENTS)
    ]
    for one in accounts_of(directory).values():
        for key in keys:
            answer = why(one, ORG, key, archived=False)
            reason = rooms_of(one).get(key)
            assert answer["required"] == (reason is not None)
            if reason is not None:
                assert answer["reasons"][0]["reason"] == reason


def test_why_the_bot_is_there() -> None:
    """The staff's bot is required in the administration room, as long as there is one; elsewhere it is nobody."""
    office = RoomKey(RoomKind.ADMINISTRATION)
    found = why(None, ORG, office, archived=False, staff_bot=True)
    assert (found["required"], found["power"]) == (True, 0)
    assert found["reasons"] == [{"reason": "staff_bot", "text": SENTENCES["staff_bot"]}]
    gone = why(None, ORG, office, archived=True, staff_bot=True)
    assert (gone["required"], gone["reasons"][0]["reason"]) == (False, "archived")
    elsewhere = why(None, ORG, CLASS, archived=False, staff_bot=True)
    assert elsewhere["reasons"][0]["reason"] == "no_active_profile"
