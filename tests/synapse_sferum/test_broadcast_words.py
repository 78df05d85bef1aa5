"""What the rooms are told of a broadcast, stage by stage."""

from __future__ import annotations

import json
from typing import Any

import pytest
from attrs import evolve

from synapse_sferum.broadcast_words import (
    Line,
    Post,
    Sign,
    Stage,
    Told,
    edit,
    hall,
    message,
    says,
    wanted,
)

TOLD = Told(
    broadcast_id="b1",
    title="Концерт <8 Марта>",
    stage=Stage.LIVE,
    link="https://rtc.school.example/watch/b1",
    recorded=True,
)
PLANNED, STARTED, RECORDING = Post.PLANNED, Post.STARTED, Post.RECORDING


@pytest.mark.parametrize(
    ("stage", "there", "found"),
    [
        (Stage.WAITING, [], {}),
        (Stage.LIVE, [PLANNED], {STARTED: True}),
        (Stage.ENDED, [], {}),
        (Stage.ENDED, [PLANNED, STARTED], {STARTED: True}),
        (Stage.RECORDED, [STARTED], {STARTED: True, RECORDING: True}),
        (Stage.REMOVED, [STARTED, RECORDING], {STARTED: True, RECORDING: False}),
        (Stage.DELETED, [PLANNED], {PLANNED: False}),
    ],
)
def test_which_messages(stage: Stage, there: list[Post], found: dict[Post, bool]) -> None:
    """One message for the beginning, changed when it is over; one for the recording, taken back with it."""
    assert wanted(evolve(TOLD, stage=stage), there, keeps=True) == found


def test_a_broadcast_with_a_time_is_announced_ahead() -> None:
    """The hour is the school's own, in words."""
    ahead = evolve(TOLD, stage=Stage.WAITING, begins_at=1_772_985_600.0, timezone="Asia/Omsk")
    assert wanted(ahead, [], keeps=True) == {PLANNED: True}
    assert "начнётся 8 марта в 22:00" in message(ahead, PLANNED)["body"]


def test_a_recording_is_said_at_the_start() -> None:
    """R48: whoever is about to be recorded reads it where they read of the broadcast; nobody's HTML gets in."""
    found = message(TOLD, STARTED)
    assert "Идёт запись" in found["body"]
    assert "<8" not in found["formatted_body"]
    assert found["org.sferum.broadcast"]["link"] == TOLD.link


def test_when_it_is_over_the_link_leads_to_the_recording_only() -> None:
    """A message about nothing has no link."""
    over = evolve(TOLD, stage=Stage.ENDED)
    assert TOLD.link not in json.dumps(edit(over, STARTED, "$1"))
    assert TOLD.link in message(evolve(TOLD, stage=Stage.RECORDED), STARTED)["body"]
    assert says(over, STARTED) != says(TOLD, STARTED)


def lines(count: int, text: str) -> list[Line]:
    return [
        Line(user_id=f"@u{at}:s", who="Иванов", sign=Sign.QUESTION, text=text)
        for at in range(count)
    ]


def test_a_hall_of_the_longest_questions_fits_into_events() -> None:
    """Fifty questions of 500 emoji are several messages, each smaller than an event may be, none lost."""
    found: list[dict[str, Any]] = list(hall("b1", "Т" * 120, lines(50, "😀" * 500)))
    assert sum(len(one["org.sferum.broadcast"]["signs"]) for one in found) == 50
    assert max(len(json.dumps(one, ensure_ascii=False).encode()) for one in found) < 60_000
    assert len(list(hall("b1", "Т", lines(5, "да")))) == 1
    assert list(hall("b1", "Т", [])) == []
