"""Keys, refusals, links, and who is on air: each on its own."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from media.broadcast.whip.ids import SessionId
from media.broadcast.whip.lineup import Lineup
from media.broadcast.whip.links import IceServer, link_of
from media.broadcast.whip.refusals import _ANSWERS, Refused, Why, language_of
from media.broadcast.whip.tokens import MAX_TOKEN, bearer_of, digest, fits

A, B, C = map(SessionId, "abc")


@pytest.mark.parametrize(
    ("header", "token"),
    [
        ("Bearer abc", "abc"),
        ("bearer  abc ", "abc"),
        ("Bearer a-b._~+/c==", "a-b._~+/c=="),
        ("Basic abc", ""),
        ("Bearer", ""),
        ("Bearer a b", ""),
        ("Bearer ключ", ""),
        ("Bearer " + "a" * (MAX_TOKEN + 1), ""),
        ("", ""),
    ],
)
def test_bearer(header: str, token: str) -> None:
    """The scheme in any case, a token of RFC 6750's signs, bounded."""
    assert bearer_of(header) == token


def test_keys() -> None:
    """Only the key itself fits; nothing fits a broadcast that does not exist, no token fits nothing."""
    assert fits("abc", digest("abc"))
    assert not fits("abd", digest("abc"))
    assert not fits("abc", None)
    assert not fits("", digest(""))
    assert not fits("abc", b"")


def test_every_refusal_has_words() -> None:
    """In both languages, each its own, and a status of the client's or of the moment."""
    assert set(_ANSWERS) == set(Why)
    for language in ("ru", "en"):
        titles = {str(Refused(why).body(language)["title"]) for why in Why}
        assert len(titles) == len(Why)
        assert all(title.endswith(".") for title in titles)
    assert {Refused(why).status for why in Why} == {
        *(400, 401, 404, 409, 412, 413, 415, 422, 428, 429, 503)
    }


@pytest.mark.parametrize(
    ("header", "language"),
    [
        ("", "ru"),
        ("ru", "ru"),
        ("en-GB,en;q=0.9,ru;q=0.8", "en"),
        ("de, EN;q=0.5", "en"),
        ("de", "ru"),
        ("*", "ru"),
        (",," + "x" * 5000 + ",en", "ru"),
    ],
)
def test_language(header: str, language: str) -> None:
    """The first that we speak; Russian else."""
    assert language_of(header) == language


def test_a_refusals_body() -> None:
    """A problem with a word for programs; the line only where there is one."""
    body = Refused(Why.NOT_SDP, 7).body("en")
    assert (body["status"], body["why"], body["line"]) == (400, "not_sdp", 7)
    assert "line" not in Refused(Why.NO_H264).body("en")
    assert (Refused(Why.TAKEN, retry_after_s=4.2).wait_s, Refused(Why.TAKEN).wait_s) == (5, 0)


def test_links() -> None:
    """As RFC 9725 4.6 writes them; what could end a quoted string is escaped."""
    assert link_of(IceServer(url="stun:stun.example.net")) == (
        '<stun:stun.example.net>; rel="ice-server"'
    )
    relay = IceServer(url="turn:t:3478?transport=tcp", username='a"b', credential="c\\d")
    assert link_of(relay) == (
        '<turn:t:3478?transport=tcp>; rel="ice-server"; username="a\\"b"; '
        'credential="c\\\\d"; credential-type="password"'
    )
    assert "c\\d" not in repr(relay)


def nobody(_session: SessionId) -> bool:
    return False


def test_the_first_is_on_air_and_the_second_spare() -> None:
    """A third is not let in while both live; the spare takes over when the first ends."""
    first = Lineup().with_newcomer(A, nobody)
    assert first == Lineup(A)
    both = Lineup(A).with_newcomer(B, nobody)
    assert both == Lineup(A, B)
    assert Lineup(A, B).with_newcomer(C, nobody) is None
    assert Lineup(A, B).without(A) == Lineup(B)
    assert Lineup(A, B).without(B) == Lineup(A)
    assert Lineup(A).without(A) == Lineup()


def test_obs_comes_again() -> None:
    """Its old session has fallen silent: the new one has its place at once."""
    assert Lineup(A).with_newcomer(B, {A}.__contains__) == Lineup(B)
    assert Lineup(A, B).with_newcomer(C, {A}.__contains__) == Lineup(B, C)
    assert Lineup(A, B).with_newcomer(C, {B}.__contains__) == Lineup(A, C)
    assert Lineup(A, B).with_newcomer(C, {A, B}.__contains__) == Lineup(C)


def test_a_spare_takes_over_from_the_silent() -> None:
    """Once, and only if it lives itself; with both silent nothing is better than before."""
    assert Lineup(A, B).looked_at({A}.__contains__) == Lineup(B, A)
    assert Lineup(A, B).looked_at({B}.__contains__) == Lineup(A, B)
    assert Lineup(A, B).looked_at({A, B}.__contains__) == Lineup(A, B)
    assert Lineup(A).looked_at({A}.__contains__) == Lineup(A)


@given(st.lists(st.tuples(st.sampled_from("nwl"), st.integers(0, 30), st.sets(st.integers(0, 30)))))
def test_any_history_of_a_lineup(steps: list[tuple[str, int, set[int]]]) -> None:
    """Never more than two, never a spare without somebody on air, and who lives on air stays there."""
    lineup = Lineup()
    for number, (step, who, mute) in enumerate(steps):
        silent = {str(one) for one in mute}
        before = lineup
        if step == "n":
            lineup = lineup.with_newcomer(SessionId(str(number)), silent.__contains__) or lineup
        elif step == "w":
            lineup = lineup.without(SessionId(str(who)))
        else:
            lineup = lineup.looked_at(silent.__contains__)
        assert lineup.on_air or not lineup.spare
        assert len(set(lineup.sessions)) == len(lineup.sessions) <= 2
        lives = before.on_air not in {*silent, None}
        if lives and not (step == "w" and before.on_air == str(who)):
            assert lineup.on_air == before.on_air
