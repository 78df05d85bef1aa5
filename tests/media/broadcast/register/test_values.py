"""How a broadcast goes on, and that it is read as it was written."""

from __future__ import annotations

import pytest
from attrs import evolve

from media.broadcast.register.rows import read, written
from media.broadcast.register.values import (
    MOST_TITLE,
    BadWish,
    Recording,
    State,
    Wish,
    clean_title,
    moved,
)
from tests.media.broadcast.register.world import CLASS, NOW, broadcast


@pytest.mark.parametrize(
    ("path", "stages"),
    [
        ([State.LIVE, State.PAUSED, State.LIVE, State.ENDED], ["live", "live", "live", "ended"]),
        ([State.DELETED], ["deleted"]),
    ],
)
def test_what_follows_what(path: list[State], stages: list[str]) -> None:
    """The times are of the first beginning and of the end; a pause is not told to rooms."""
    one = broadcast()
    for at, (to, stage) in enumerate(zip(path, stages, strict=True)):
        after = moved(one, to, NOW + at)
        assert after is not None
        assert after.stage == stage
        assert moved(after, to, NOW + 99) is after
        one = after
    if one.state is State.ENDED:
        assert (one.started_at, one.ended_at) == (NOW, NOW + 3)


def test_what_cannot_follow() -> None:
    """Nobody goes on the air after the end, ends what has not begun, or calls off what is on the air."""
    one = broadcast()
    assert moved(one, State.ENDED, NOW) is None
    assert moved(evolve(one, state=State.ENDED), State.LIVE, NOW) is None
    assert moved(evolve(one, state=State.LIVE), State.DELETED, NOW) is None
    assert moved(evolve(one, state=State.DELETED), State.LIVE, NOW) is None


def test_the_stage_of_a_recording() -> None:
    """Ready, and gone again, are told to the rooms each."""
    over = broadcast(state=State.ENDED)
    kept = Recording(file="b1.mp4", seconds=1.5, size=9, made_at=NOW, until=NOW + 9)
    assert evolve(over, recording=kept).stage == "recorded"
    assert evolve(over, recording_deleted=True).stage == "removed"


def test_it_is_read_as_it_was_written() -> None:
    """Each field, also the octets of the key and the values inside."""
    kept = Recording(file="b1.mp4", seconds=1.5, size=9, made_at=NOW, until=NOW + 9)
    for one in (
        broadcast(),
        broadcast(audience=CLASS, recording=kept, key_digest=bytes(range(32))),
    ):
        assert read(written(one)) == one


def test_no_key_and_nobody_in_what_a_log_would_print() -> None:
    """The repr has neither the key's digest nor who made it."""
    assert "@d:s" not in repr(broadcast(by="@d:s"))
    assert "key_digest" not in repr(broadcast())


@pytest.mark.parametrize(
    ("wish", "wrong"),
    [
        (Wish(title=" \u202e\n "), BadWish.TITLE_EMPTY),
        (Wish(title="я" * (MOST_TITLE + 1)), BadWish.TITLE_LONG),
        (Wish(title="Концерт", begins_at=NOW - 3600), BadWish.BEGINS_AT),
        (Wish(title="Концерт", begins_at=NOW + 400 * 86_400), BadWish.BEGINS_AT),
        (Wish(title="Концерт", begins_at=NOW + 3600), None),
        (Wish(title="я" * MOST_TITLE), None),
    ],
)
def test_what_can_be_wished(wish: Wish, wrong: BadWish | None) -> None:
    """A title people can read, a beginning within a school year."""
    assert wish.wrong(NOW) is wrong


def test_a_title_is_one_line() -> None:
    """What turns text round, and line ends, are not shown in the school's room."""
    assert clean_title("  Концерт\n\u202e8  марта ") == "Концерт 8 марта"
