"""Which rule makes phones silent, and until when (R49)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from synapse_sferum.account import Account
from synapse_sferum.model import ClassId, OrgId, Role, UserId
from synapse_sferum.quiet.resolve import Outcome, Verdict, is_urgent, resolve
from synapse_sferum.quiet.values import (
    MOST_WINDOWS,
    PRECEDENCE,
    Level,
    Rule,
    Window,
    Wrong,
    applies,
    may_set,
    windows_from,
    windows_json,
    wrong,
)
from tests.support.directories import account

A, B = ClassId("ca"), ClassId("cb")
ME = "@u:s.test"
EVERY_DAY = frozenset(range(7))
MOSCOW = ZoneInfo("Europe/Moscow")

DIRECTOR = account(Role.DIRECTOR)
TEACHER = account(
    Role.TEACHER, Role.GUARDIAN, homeroom_of=frozenset({A}), children_in=frozenset({B})
)
PUPIL = account(Role.STUDENT, student_in=frozenset({A}))


def window(begins: str, ends: str, *weekdays: int) -> Window:
    return Window(
        weekdays=frozenset(weekdays) or EVERY_DAY,
        begins=time.fromisoformat(begins),
        ends=time.fromisoformat(ends),
    )


def rule(level: Level, ref: str, *windows: Window) -> Rule:
    return Rule(level=level, ref=ref, windows=windows)


SCHOOL = rule(Level.SCHOOL, "", window("21:00", "07:00"))
TEACHERS = rule(Level.ROLE, "teacher", window("20:00", "07:30"))
PARENTS = rule(Level.ROLE, "guardian", window("22:00", "06:00"))
CLASS = rule(Level.GROUP, A, window("19:00", "07:00"))
MINE = rule(Level.PERSON, ME, window("23:00", "08:00"))
NEVER = rule(Level.PERSON, ME)


def moscow(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=MOSCOW).astimezone(UTC)


@pytest.mark.parametrize(
    ("rules", "at", "quiet", "won"),
    [
        ([], "2026-09-01 23:30", False, None),
        ([SCHOOL], "2026-09-01 20:59", False, SCHOOL),
        ([SCHOOL], "2026-09-01 21:00", True, SCHOOL),
        ([SCHOOL], "2026-09-02 06:59", True, SCHOOL),
        ([SCHOOL], "2026-09-02 07:00", False, SCHOOL),
        ([SCHOOL, TEACHERS], "2026-09-01 20:30", True, TEACHERS),
        ([SCHOOL, TEACHERS, CLASS], "2026-09-01 19:30", True, CLASS),
        ([SCHOOL, TEACHERS, CLASS, MINE], "2026-09-01 19:30", False, MINE),
        ([SCHOOL, TEACHERS, CLASS, MINE], "2026-09-02 07:59", True, MINE),
        ([SCHOOL, TEACHERS, CLASS, NEVER], "2026-09-01 23:30", False, NEVER),
        ([TEACHERS, PARENTS], "2026-09-01 20:30", True, TEACHERS),
        ([rule(Level.GROUP, "cc", window("00:00", "00:00"))], "2026-09-01 12:00", False, None),
        (
            [rule(Level.PERSON, "@v:s.test", window("00:00", "00:00"))],
            "2026-09-01 12:00",
            False,
            None,
        ),
    ],
)
def test_person_before_class_before_role_before_school(
    rules: list[Rule], at: str, quiet: bool, won: Rule | None
) -> None:
    """The nearest level that has a rule decides alone, also when it says that it is not quiet."""
    found = resolve(rules, TEACHER, moscow(at))
    assert (found.quiet, found.won) == (quiet, won)


def test_the_page_says_what_became_of_every_rule() -> None:
    """Who wonders why it is silent reads which rule won, which of its level did not, and which were overruled."""
    found = resolve([SCHOOL, PARENTS, TEACHERS], TEACHER, moscow("2026-09-02 06:30"))
    assert found.rules == (
        (PARENTS, Outcome.SAME_LEVEL),
        (TEACHERS, Outcome.WON),
        (SCHOOL, Outcome.OVERRULED),
    )
    assert found.until == moscow("2026-09-02 07:30")


def test_windows_that_meet_are_one_quiet() -> None:
    """From Friday evening to Monday morning, and the end is Monday's."""
    weekend = rule(
        Level.SCHOOL,
        "",
        window("21:00", "07:00", 0, 1, 2, 3),
        window("21:00", "00:00", 4),
        window("00:00", "00:00", 5, 6),
        window("00:00", "07:00", 0),
    )
    found = resolve([weekend], PUPIL, moscow("2026-09-05 12:00"))
    assert (found.quiet, found.until) == (True, moscow("2026-09-07 07:00"))


def test_who_wants_no_rest_from_rest_has_no_end() -> None:
    """Quiet around the clock ends when the rule does."""
    always = rule(Level.PERSON, ME, window("00:00", "00:00"))
    assert resolve([always], PUPIL, moscow("2026-09-05 12:00")) == Verdict(
        quiet=True, until=None, won=always, rules=((always, Outcome.WON),)
    )


def test_the_night_in_which_clocks_change_ends_at_the_same_hour() -> None:
    """Seven o'clock is seven o'clock, an hour later for who sleeps."""
    there = account(Role.STUDENT, timezone="Europe/Riga")
    evening = datetime(2026, 10, 24, 20, tzinfo=UTC)
    assert resolve([SCHOOL], there, evening).until == datetime(2026, 10, 25, 5, tzinfo=UTC)


@pytest.mark.parametrize(
    ("who", "level", "ref", "may"),
    [
        (PUPIL, Level.PERSON, ME, True),
        (DIRECTOR, Level.PERSON, "@v:s.test", False),
        (TEACHER, Level.GROUP, A, True),
        (TEACHER, Level.GROUP, B, False),
        (DIRECTOR, Level.GROUP, B, True),
        (DIRECTOR, Level.ROLE, "teacher", True),
        (DIRECTOR, Level.ROLE, "king", False),
        (TEACHER, Level.ROLE, "teacher", False),
        (DIRECTOR, Level.SCHOOL, "", True),
        (DIRECTOR, Level.SCHOOL, "x", False),
        (PUPIL, Level.SCHOOL, "", False),
    ],
)
def test_who_sets_what(who: Account, level: Level, ref: str, may: bool) -> None:
    """Nobody sets another person's hours; a class's are its teacher's and the heads'."""
    assert may_set(who, level, ref) is may


@pytest.mark.parametrize(
    ("who", "body", "urgent"),
    [
        (DIRECTOR, "Срочно: школа закрыта", True),
        (DIRECTOR, "  ❗СРОЧНО! Завтра", True),
        (DIRECTOR, "Не срочно, но", False),
        (DIRECTOR, "Срочность не важна", False),
        (account(Role.DEPUTY), "срочно", True),
        (TEACHER, "Срочно: сдайте тетради", False),
        (None, "Срочно", False),
        (account(Role.DIRECTOR, org_id=OrgId("other")), "Срочно", False),
    ],
)
def test_what_passes(who: Account | None, body: str, urgent: bool) -> None:
    """«Срочно» as the first word, of a head of the same school, and of nobody else."""
    assert is_urgent(who, "o", body) is urgent


@pytest.mark.parametrize(
    ("windows", "why"),
    [
        ((), None),
        ((window("21:00", "07:00"),) * MOST_WINDOWS, None),
        ((window("21:00", "07:00"),) * (MOST_WINDOWS + 1), Wrong.COUNT),
        ((Window(weekdays=frozenset(), begins=time(1), ends=time(2)),), Wrong.WEEKDAYS),
        ((window("21:00", "07:00", 7),), Wrong.WEEKDAYS),
        ((window("21:00:01", "07:00"),), Wrong.TIME),
    ],
)
def test_which_windows_can_be(windows: tuple[Window, ...], why: Wrong | None) -> None:
    """Bounded, on days of the week, to the minute."""
    assert wrong(windows) is why


_TIMES = st.times().map(lambda found: found.replace(second=0, microsecond=0))
_WINDOWS = st.lists(
    st.builds(
        Window,
        weekdays=st.frozensets(st.integers(0, 6), min_size=1),
        begins=_TIMES,
        ends=_TIMES,
    ),
    max_size=4,
).map(tuple)
_RULES = st.lists(
    st.builds(
        Rule,
        level=st.sampled_from(Level),
        ref=st.sampled_from(["", ME, "@v:s.test", A, B, "teacher", "guardian", "student"]),
        windows=_WINDOWS,
    ),
    max_size=5,
    unique_by=lambda one: (one.level, one.ref),
)
_ZONES = st.sampled_from(["Europe/Moscow", "Europe/Riga", "America/St_Johns"])
_NOWS = st.datetimes(
    datetime.fromisoformat("2026-03-01"), datetime.fromisoformat("2026-11-30")
).map(lambda found: found.replace(tzinfo=UTC, microsecond=0))


@given(_RULES, _ZONES, _NOWS, st.randoms(use_true_random=False))
def test_the_nearest_level_decides_in_any_order(
    rules: Sequence[Rule], zone: str, now: datetime, shuffle: Any
) -> None:
    """The verdict is that of the nearest level's rules alone, however they come; every rule about one is explained."""
    who = account(
        Role.TEACHER,
        Role.GUARDIAN,
        user_id=UserId(ME),
        homeroom_of=frozenset({A}),
        children_in=frozenset({B}),
        timezone=zone,
    )
    found = resolve(rules, who, now)
    about = [one for one in rules if applies(one, who)]
    assert {one for one, _ in found.rules} == set(about)
    assert [outcome for _, outcome in found.rules].count(Outcome.WON) == bool(about)
    mixed = list(rules)
    shuffle.shuffle(mixed)
    assert resolve(mixed, who, now) == found
    if about:
        nearest = min((one.level for one in about), key=PRECEDENCE.index)
        alone = resolve([one for one in about if one.level is nearest], who, now)
        assert (alone.quiet, alone.until, alone.won) == (found.quiet, found.until, found.won)


@given(_RULES, _ZONES, _NOWS)
def test_it_is_quiet_until_then_and_not_from_then_on(
    rules: Sequence[Rule], zone: str, now: datetime
) -> None:
    """`until` is the first moment that is not quiet: what was held is sent then, and not before."""
    who = account(Role.TEACHER, user_id=UserId(ME), homeroom_of=frozenset({A}), timezone=zone)
    found = resolve(rules, who, now)
    if found.until is None:
        return
    assert found.quiet
    assert found.until > now
    assert resolve(rules, who, found.until - timedelta(seconds=1)).quiet
    assert not resolve(rules, who, found.until).quiet


@given(_WINDOWS)
def test_windows_survive_their_json(windows: tuple[Window, ...]) -> None:
    """What is stored is read back."""
    assert windows_from(windows_json(windows)) == windows
