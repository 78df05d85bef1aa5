"""What the administration should look at, the most urgent first."""

from __future__ import annotations

from datetime import timedelta

from attrs import evolve

from bridge.people import ClassFigures, Figures, Overview
from bridge.records import Action, AuditEntry, DeadSteps, StepsId
from bridge.roles import Account, ClassId, OrgId, Role
from bridge.school_matters import Matter, exceptions
from tests.bridge.test_dispute import OPEN
from tests.bridge.values import MASHA, NOW, SCHOOL, TEACHER, application

ADMINISTRATOR = Account(user_id=TEACHER, org_id=SCHOOL, roles=frozenset({Role.ADMINISTRATOR}))
FINE = ClassFigures(
    class_id=ClassId("c1"), name="1А", grade=1, students=3, active_students=3, unconfirmed=0,
    guardians=2, active_guardians=2, homeroom_teachers=1,
)  # fmt: skip
ALL = Figures(total=1, active=1)
EMPTY = Overview(classes=(), staff=ALL, guardians=ALL, students=ALL)


def overview(*rows: ClassFigures) -> Overview:
    return evolve(EMPTY, classes=rows)


def entry(action: Action, hours: int, subject: str = "") -> AuditEntry:
    at = NOW - timedelta(hours=hours)
    return AuditEntry(at=at, org_id=SCHOOL, actor="x", action=action, subject=subject)


def found(**changes: object) -> list[tuple[Matter, int, str]]:
    given: dict[str, object] = {
        "held": False, "dead_steps": (), "dead_rooms": 0, "waiting": (), "news": (),
    }  # fmt: skip
    seen = changes.pop("seen", overview(FINE))
    listed = exceptions(ADMINISTRATOR, seen, **{**given, **changes})  # type: ignore[arg-type]
    return [(one.matter, one.count, one.about) for one in listed]


def test_nothing_is_wrong() -> None:
    """Then nothing is said."""
    assert found() == []


def test_classes_say_who_is_missing() -> None:
    """A class without pupils, without teacher, with pupils who are not in or not confirmed."""
    rows = (
        FINE,
        evolve(FINE, name="1Б", active_students=1, unconfirmed=1, homeroom_teachers=0),
        evolve(FINE, name="1В", students=0, active_students=0),
    )
    assert found(seen=overview(*rows)) == [
        (Matter.NO_CLASS_TEACHER, 1, "1Б"),
        (Matter.UNCONFIRMED, 1, "1Б"),
        (Matter.NOT_IN_YET, 2, "1Б"),
        (Matter.EMPTY_CLASS, 1, "1В"),
    ]


def test_what_stops_everybody_comes_first() -> None:
    """Sending, held rooms, failed accounts and rooms, imports, disputes that time decides, applications."""
    dead = DeadSteps(id=StepsId("s1"), user_id=MASHA, failure="no_person", given_up_at=NOW)
    news = (entry(Action.ROSTER_FAILED, 1, "unsafe"), entry(Action.SENDING_STOPPED, 2, "budget"))
    mine = application()
    kinds = [
        one[0]
        for one in found(
            held=True,
            dead_steps=(dead,),
            dead_rooms=2,
            waiting=(mine,),
            news=news,
            disputes=(OPEN,),
        )
    ]
    assert kinds == [
        Matter.SENDING_STOPPED,
        Matter.ROOMS_HELD,
        Matter.STEPS_DEAD,
        Matter.ROOMS_DEAD,
        Matter.IMPORT_FAILED,
        Matter.DISPUTES,
        Matter.APPLICATIONS,
    ]


def test_applications_that_one_may_not_decide_are_not_counted() -> None:
    """An administrator is not told of somebody who wants to be director."""
    boss = evolve(application(), role=Role.DIRECTOR)
    other = evolve(application(), org_id=OrgId("other"))
    assert found(waiting=(boss, other)) == []


def test_a_failed_import_is_over_with_the_next_good_one() -> None:
    """News are the newest first."""
    good, bad = entry(Action.CONTACTS_LISTED, 1), entry(Action.ROSTER_FAILED, 2, "problems")
    assert found(news=(good, bad)) == []
    later = entry(Action.ROSTER_FAILED, 0, "stale")
    assert found(news=(later, good, bad)) == [(Matter.IMPORT_FAILED, 1, "stale")]


def test_one_limit_is_told_once() -> None:
    """A breaker that opens every minute is one line."""
    news = [entry(Action.SENDING_STOPPED, hours, "ratio") for hours in range(5)]
    assert found(news=news) == [(Matter.SENDING_STOPPED, 1, "ratio")]
