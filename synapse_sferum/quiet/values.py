"""Quiet hours: windows of a week on the school's clock, and rules of four levels (R49). Pure."""

from __future__ import annotations

import enum
import json
from collections.abc import Iterable, Mapping
from datetime import time
from typing import Any

from attrs import frozen

from synapse_sferum.account import Account
from synapse_sferum.model import Role

#: Windows of one rule: two for each day.
MOST_WINDOWS = 14


class Level(enum.Enum):
    """Whose rule it is; the first that has one decides (R49). The values are stable."""

    PERSON = "person"
    GROUP = "group"  # a class: its pupils, their parents, its class teacher
    ROLE = "role"
    SCHOOL = "school"


#: From the one that decides first to the one that decides last.
PRECEDENCE = (Level.PERSON, Level.GROUP, Level.ROLE, Level.SCHOOL)


@frozen(kw_only=True)
class Window:
    """From one time of day to another. One that ends at or before its beginning ends on the next day.

    Attributes:
        weekdays: on which it begins; 0 is Monday.
    """

    weekdays: frozenset[int]
    begins: time
    ends: time


@frozen(kw_only=True)
class Rule:
    """What one level says.

    Attributes:
        ref: an account's id, a class's id, a role's word, "" for the school.
        windows: none at all: it is never quiet, whatever wider rules say.
    """

    level: Level
    ref: str
    windows: tuple[Window, ...]


class Wrong(enum.Enum):
    """Why windows cannot be so. The values are stable."""

    COUNT = "windows_count"
    WEEKDAYS = "windows_weekdays"
    TIME = "windows_to_the_minute"


def wrong(windows: tuple[Window, ...]) -> Wrong | None:
    """The first thing that cannot be, or None."""
    if len(windows) > MOST_WINDOWS:
        return Wrong.COUNT
    for window in windows:
        if not window.weekdays or not window.weekdays <= frozenset(range(7)):
            return Wrong.WEEKDAYS
        for at in (window.begins, window.ends):
            if at.tzinfo is not None or at.second or at.microsecond:
                return Wrong.TIME
    return None


def applies(rule: Rule, account: Account) -> bool:
    """Whether a rule is about this account."""
    match rule.level:
        case Level.PERSON:
            return rule.ref == account.user_id
        case Level.GROUP:
            return rule.ref in account.student_in | account.children_in | account.homeroom_of
        case Level.ROLE:
            return rule.ref in {role.value for role in account.roles}
        case Level.SCHOOL:
            return True


def rules_about(rules: Mapping[tuple[Level, str], Rule], account: Account) -> Iterable[Rule]:
    """Those of a school's rules that are about this account, found by name: a school may have one for each person."""
    refs: dict[Level, set[str]] = {
        Level.PERSON: {str(account.user_id)},
        Level.GROUP: {*account.student_in, *account.children_in, *account.homeroom_of},
        Level.ROLE: {role.value for role in account.roles},
        Level.SCHOOL: {""},
    }
    for level in PRECEDENCE:
        for ref in sorted(refs[level]):
            if (level, ref) in rules:
                yield rules[level, ref]


def may_set(account: Account, level: Level, ref: str) -> bool:
    """Whether somebody may set it: everybody their own, class teachers their class's, heads all but others' own."""
    match level:
        case Level.PERSON:
            return ref == account.user_id
        case Level.GROUP:
            return account.is_leader or ref in account.homeroom_of
        case Level.ROLE:
            return account.is_leader and ref in {role.value for role in Role}
        case Level.SCHOOL:
            return account.is_leader and not ref


def windows_json(windows: Iterable[Window]) -> list[dict[str, Any]]:
    """As docs/contracts.md has them, and as the table has them."""
    return [
        {
            "weekdays": sorted(window.weekdays),
            "begins": window.begins.isoformat(timespec="minutes"),
            "ends": window.ends.isoformat(timespec="minutes"),
        }
        for window in windows
    ]


def windows_text(windows: Iterable[Window]) -> str:
    """The same for a column."""
    return json.dumps(windows_json(windows), separators=(",", ":"))


def windows_from(raw: Iterable[Mapping[str, Any]]) -> tuple[Window, ...]:
    """What `windows_json` made.

    Raises:
        ValueError, TypeError, KeyError: it is none.
    """
    return tuple(
        Window(
            weekdays=frozenset(one["weekdays"]),
            begins=time.fromisoformat(one["begins"]),
            ends=time.fromisoformat(one["ends"]),
        )
        for one in raw
    )
