"""Texts, cards, signs and pace, without a network."""

from __future__ import annotations

import string
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from attrs import evolve

from bridge.application import State
from bridge.bot.cards import (
    ON_PAGE,
    SETTLED,
    Facts,
    Match,
    card_id_in,
    card_text,
    signs,
    txn_id_of,
)
from bridge.bot.commands import Misread
from bridge.bot.deciding import Outcome
from bridge.bot.heard import verdict
from bridge.bot.pace import MOST, MOST_PEOPLE, WITHIN, Pace
from bridge.bot.texts import TEXTS, age, day, initials, moment, text
from bridge.limits import ALARMS
from bridge.records import CardId
from bridge.roles import Account, OrgId, Role, UserId
from tests.bridge.values import NOW, application

ZONE = ZoneInfo("Asia/Yekaterinburg")
DIRECTOR = Account(user_id=UserId("@d:s"), org_id=OrgId("school"), roles=frozenset({Role.DIRECTOR}))
FACTS = Facts(
    number=7,
    application=application(),
    class_name="1А",
    applicant=("Иванова", "Анна"),
    decided_by="Соколова Вера",
    link="https://school.example/applications",
)


@pytest.mark.parametrize("name", TEXTS)
def test_both_languages_say_the_same(name: str) -> None:
    """The same placeholders, the same number of lines; only the Russian one has Cyrillic letters."""
    russian, english = TEXTS[name]
    holes = [sorted(part[1] or "" for part in string.Formatter().parse(one)) for one in TEXTS[name]]
    assert [one for one in holes[0] if one] == [one for one in holes[1] if one]
    assert russian.count("\n") == english.count("\n")
    assert not any("а" <= char <= "я" for char in english.lower())


def test_every_word_has_its_text() -> None:
    """Roles, outcomes, misread commands, alarms, matches and states."""
    words = {f"role_{role.value}" for role in Role} | {one.value for one in Outcome}
    words |= {f"misread_{one.value}" for one in Misread} | {one.value for one in Match}
    words |= {"card_dispute", "card_dispute_kept", "card_dispute_released"}
    words |= {f"why_{limit.value}" for limit in ALARMS} | {f"card_{s.value}" for s in State}
    assert words <= set(TEXTS)
    assert text("xx", "somebody") == text("ru", "somebody")


def test_a_new_card_says_little() -> None:
    """Initials, role, class, when by the school's clock, what a yes does."""
    assert card_text(evolve(FACTS, match=Match.ONE), "ru", ZONE) == (
        "№7 · Новая заявка: ученик, 1А\n"
        "И. А. · подана 1 сентября, 13:30\n"
        "Такая запись есть в списке школы: после ✅ человек получит её.\n"
        "✅ — принять, ❌ — отклонить. Подробности: https://school.example/applications"
    )
    assert card_text(FACTS, "en", ZONE).startswith("№7 · New application: pupil, 1А\nИ. А. · sent")


@pytest.mark.parametrize("match", Match)
def test_signs_offer_what_they_can_do(match: Match) -> None:
    """No ✅ where somebody has to choose; nothing under a decided card."""
    assert signs(evolve(FACTS, match=match)) == (("❌",) if match in ON_PAGE else ("✅", "❌"))
    assert signs(evolve(FACTS, application=application().approve(DIRECTOR, NOW))) == ()


@pytest.mark.parametrize("state", SETTLED)
def test_a_decided_card_forgets_the_applicant(state: State) -> None:
    """R16: initials are gone with a no; who decided and when stay."""
    body = card_text(
        evolve(FACTS, application=evolve(application(), state=state, decided_at=NOW)), "ru", ZONE
    )
    assert "И. А." not in body
    assert ("Решение: С. В., 1 сентября, 13:30" in body) == (
        state in {State.FINISHED, State.REJECTED}
    )


@pytest.mark.parametrize(
    ("key", "expected"),
    [
        ("✅", True),
        ("✅\ufe0f", True),
        ("👍🏿", True),
        ("❌", False),
        ("👎🏻", False),
        ("❤️", None),
        ("", None),
        ("✅✅", None),
        ("да", None),
        ("✅" * 1000, None),
    ],
)
def test_signs_in_any_tone(key: str, expected: bool | None) -> None:
    """As phones send them; everything else means nothing."""
    assert verdict(key) is expected


def test_initials_are_letters() -> None:
    """Whatever was typed as a name, nothing but letters and dots reaches the room."""
    assert initials("Иванова", "анна") == "И. А."
    assert initials("\u202e<b>", "'O", "") == "B. O."
    assert initials("123", "") == ""


def test_ages_and_times() -> None:
    """Minutes, hours, from two days on days; by the school's clock."""
    waited = [timedelta(seconds=-5), timedelta(minutes=59), timedelta(hours=47), timedelta(days=9)]
    assert [age("ru", one) for one in waited] == ["0 мин", "59 мин", "47 ч", "9 дн"]
    late = datetime(2026, 9, 1, 22, 0, tzinfo=UTC)
    assert moment("ru", late, ZONE) == "2 сентября, 03:00"
    assert day("xx", late, ZONE) == "2 сентября"


def test_pace_is_each_persons_own() -> None:
    """So many in a minute, then none; others are not held up, and nobody is remembered for ever."""
    pace = Pace()
    assert all(pace.takes("@a:s", NOW) for _ in range(MOST))
    assert not pace.takes("@a:s", NOW)
    assert pace.takes("@b:s", NOW)
    assert pace.tells("@a:s", NOW)
    assert not pace.tells("@a:s", NOW)
    assert pace.takes("@a:s", NOW + WITHIN)
    for number in range(MOST_PEOPLE + 5):
        pace.takes(f"@{number}:s", NOW)
    assert pace.takes("@a:s", NOW)


def test_a_card_is_known_by_its_transaction() -> None:
    """Its message alone: not a sign under it, an edit of it, an answer, anybody's message."""
    assert card_id_in(txn_id_of(CardId("b2abff4c"))) == "b2abff4c"
    others = ("card-b2abff4c-sign0", "card-b2abff4c-finished", "answer-$x", "card-", "card", "")
    assert [card_id_in(one) for one in others] == [None] * len(others)
