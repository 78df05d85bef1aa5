"""What is typed in the administration room, read without a network."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.bot.commands import (
    LONGEST,
    READERS,
    REASON,
    Approve,
    Command,
    Help,
    Invite,
    Misread,
    PrintedCards,
    Queue,
    Reject,
    parse,
)
from provisioning.class_name import ClassName

A5 = ClassName("5А")


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("!help", Help()),
        ("!Помощь", Help()),
        ("!queue", Queue()),
        ("  !очередь  ", Queue()),
        ("!approve 17", Approve(17)),
        ("!принять №17", Approve(17)),
        ("!APPROVE #17 спасибо", Approve(17)),
        ("!reject 17", Reject(17)),
        ("!reject 17 не из нашей школы", Reject(17, "не из нашей школы")),
        ("!отклонить № 17: не наш\n ученик", Reject(17, "не наш ученик")),
        ("!invite 5A", Invite(A5)),
        ("!invite 5 «а» parents", Invite(A5, parents=True)),
        ("!приглашение 5-а родители", Invite(A5, parents=True)),
        ("!приглашение 5А ученики", Invite(A5)),
        ("!invite Радуга", Invite(ClassName("Радуга"))),
        ("!sheet 5а класс", PrintedCards(A5)),
        ("!карточки 5А", PrintedCards(A5)),
        ("> <@a:school.test> спросил\n> ещё\n\n!queue", Queue()),
    ],
)
def test_commands_in_both_languages(body: str, expected: Command) -> None:
    """Any case, any spelling of a number or class (R39), also as an answer to another message."""
    assert parse(body) == expected


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("!approv 17", Misread.UNKNOWN),
        ("!да", Misread.UNKNOWN),
        ("!approve", Misread.NUMBER),
        ("!approve all", Misread.NUMBER),
        ("!approve 0", Misread.NUMBER),
        ("!approve -3", Misread.NUMBER),
        ("!approve 123456789", Misread.NUMBER),
        ("!reject потому что", Misread.NUMBER),
        ("!invite", Misread.CLASS),
        ("!invite parents", Misread.CLASS),
        ("!sheet 99Я", Misread.CLASS),
        ("!reject 1 " + "а" * LONGEST, Misread.TOO_LONG),
    ],
)
def test_what_means_nothing_is_named(body: str, expected: Misread) -> None:
    """So that the answer can say what is wanted."""
    assert parse(body) is expected


@pytest.mark.parametrize(
    "body",
    ["", "!", "!!!", "! внимание", "!1", "Коллеги, !queue", "принять 17", "a" * 10_000, "\n!"],
)
def test_talk_is_left_alone(body: str) -> None:
    """The room is people's: an exclamation mark alone is no command."""
    assert parse(body) is None


def test_a_reason_is_bounded() -> None:
    """It is repeated in the room."""
    read = parse("!reject 1 " + "а" * (REASON + 50))
    assert isinstance(read, Reject)
    assert len(read.reason) == REASON


@given(st.text() | st.builds("!{} {}".format, st.sampled_from(sorted(READERS)), st.text()))
def test_no_text_breaks_the_reader(body: str) -> None:
    """Whatever is typed is a command, named nonsense or talk; numbers and reasons stay in their bounds."""
    match parse(body):
        case Approve(number) | Reject(number):
            assert 1 <= number < 10_000_000
        case Invite(name) | PrintedCards(name):
            assert 1 <= len(name) <= 15
        case read:
            assert read is None or isinstance(read, Misread | Help | Queue)
