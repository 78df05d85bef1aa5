"""Why somebody is in a room or not: the same function that decides, in words (R51)."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from synapse_sferum.account import Account, rooms_of
from synapse_sferum.desired import accounts_of
from synapse_sferum.district.room_plan import CommonRoom, RoomState, belongs
from synapse_sferum.model import ClassId, Directory, OrgId, Role, RoomKey, RoomKind
from synapse_sferum.why import SENTENCES, why, why_common
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


NEWS: dict[str, Any] = {
    "host": "a.example",
    "ref": "news",
    "name": "Объявления",
    "members": frozenset({"staff"}),
    "writers": frozenset({"director"}),
    "subject": "",
    "room_id": "!r",
    "state": RoomState.OPEN,
}
MATHS = {**NEWS, "members": frozenset({"teacher"}), "subject": "математика"}


@pytest.mark.parametrize(
    ("who", "what", "words", "power"),
    [
        (account(Role.TEACHER), NEWS, ["of_the_common_room"], 0),
        (account(Role.DIRECTOR), NEWS, ["of_the_common_room"], 50),
        (account(Role.GUARDIAN), NEWS, ["not_of_the_roles"], None),
        (None, NEWS, ["no_active_profile"], None),
        (account(Role.TEACHER), MATHS, ["teaches_the_subject"], 0),
        (account(Role.DIRECTOR), MATHS, ["not_of_the_roles"], None),
        (account(Role.TEACHER), {**MATHS, "subject": "физика"}, ["not_of_the_subject"], None),
        (account(Role.TEACHER), {**NEWS, "state": RoomState.PAUSED}, ["register_paused", "of_the_common_room"], None),
        (account(Role.TEACHER), {**NEWS, "state": RoomState.LEAVING}, ["room_taken_away", "of_the_common_room"], None),
        (account(Role.DIRECTOR), {**NEWS, "state": RoomState.ALONE}, ["cut_off", "of_the_common_room"], 50),
        (account(Role.DIRECTOR), {**NEWS, "writers": frozenset({"staff"})}, ["of_the_common_room"], 0),
    ],
)  # fmt: skip
def test_reasons_of_a_room_of_several_schools(
    who: Account | None, what: dict[str, Any], words: list[str], power: int | None
) -> None:
    """By role, by subject, by how the register stands; a level only for the maker's writers where not all write."""
    answer = why_common(who, CommonRoom(**what), {"математика"}, made_here=True)
    assert [one["reason"] for one in answer["reasons"]] == words
    assert all(one["text"] == SENTENCES[one["reason"]] for one in answer["reasons"])
    assert (answer["required"], answer["power"]) == (power is not None, power or 0)
    elsewhere = why_common(who, CommonRoom(**what), {"математика"}, made_here=False)
    assert elsewhere["power"] == 0


@given(
    st.frozensets(st.sampled_from(list(Role))),
    st.frozensets(st.sampled_from(["staff", "director", "teacher"]), min_size=1),
    st.sampled_from(["", "математика"]),
    st.frozensets(st.sampled_from(["математика", "физика"])),
)
def test_the_explanation_of_a_shared_room_agrees_with_the_decision(
    roles: frozenset[Role], members: frozenset[str], subject: str, subjects: frozenset[str]
) -> None:
    """Whoever belongs is told why, and nobody else is."""
    one = account(*roles) if roles else None
    shared = CommonRoom(**{**NEWS, "members": members, "subject": subject})
    answer = why_common(one, shared, subjects, made_here=False)
    assert answer["required"] == belongs(shared, one, subjects)
    in_it = {"of_the_common_room", "teaches_the_subject"}
    assert (answer["reasons"][-1]["reason"] in in_it) == answer["required"]
