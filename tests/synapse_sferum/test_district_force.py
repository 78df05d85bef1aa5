"""Which register is in force, and whom it lets in (R4)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from synapse_sferum.district.force import AHEAD_S, Standing, peers, refusal, standing
from synapse_sferum.district.refusals import RegisterRefusal
from synapse_sferum.district.register import Register
from tests.synapse_sferum.district_values import (
    MONTH_S,
    NEIGHBOUR,
    NOW_S,
    OWN,
    THIRD,
    register,
    school,
)


def test_a_newer_one_takes_over() -> None:
    """A newer register in time takes the place of the one held, of an expired one and of none."""
    newer = register(serial=2)
    assert refusal(register(), newer, NOW_S) is None
    assert refusal(None, newer, NOW_S) is None
    old = register(issued=NOW_S - MONTH_S, expires=NOW_S - 1)
    assert refusal(old, newer, NOW_S) is None


def test_what_does_not_take_over() -> None:
    """Older, expired, from the future, and the same serial with other contents are refused by name."""
    held = register(serial=5)
    for came, reason in (
        (register(serial=4), RegisterRefusal.ROLLBACK),
        (register(serial=5, name="Другое"), RegisterRefusal.TWO_FACES),
        (
            register(serial=6, issued=NOW_S - MONTH_S, expires=NOW_S),
            RegisterRefusal.EXPIRED,
        ),
        (register(serial=6, issued=NOW_S + AHEAD_S + 1), RegisterRefusal.NOT_YET),
    ):
        assert refusal(held, came, NOW_S) is reason


def test_the_same_again_is_no_refusal() -> None:
    """The register held, fetched again, is neither new nor wrong; also after it has expired."""
    held = register()
    assert refusal(held, register(), NOW_S) is None
    assert refusal(held, register(), NOW_S + 2 * MONTH_S) is None


def test_an_expired_register_still_forbids_older_ones() -> None:
    """After its time a register lets nobody in, and no older serial either."""
    held = register(serial=5)
    later = NOW_S + 2 * MONTH_S
    came = register(serial=4, issued=later - 60, expires=later + MONTH_S)
    assert refusal(held, came, later) is RegisterRefusal.ROLLBACK


@pytest.mark.parametrize(
    ("held", "found"),
    [
        (None, Standing.NONE),
        (register(), Standing.OPEN),
        (register(issued=NOW_S - MONTH_S, expires=NOW_S), Standing.EXPIRED),
        (register(schools=[school(NEIGHBOUR)]), Standing.NOT_LISTED),
        (register(schools=[school(OWN, isolated=True), school(NEIGHBOUR)]), Standing.ISOLATED),
    ],
)
def test_only_who_stands_open_meets_anybody(held: Register | None, found: Standing) -> None:
    """Without a register, after its time, not in it or cut off: nobody is let in and nobody reached."""
    assert standing(held, OWN, NOW_S) is found
    assert bool(peers(held, OWN, NOW_S)) is (found is Standing.OPEN)


def test_exactly_the_listed_servers_and_pairs() -> None:
    """Peers are the other schools that are not cut off, with the pairs seen from this side, both ways."""
    held = register(
        pairs=[["teacher", "student"], ["director", "director"]],
        schools=[school(OWN), school(NEIGHBOUR), school(THIRD, isolated=True)],
    )
    found = peers(held, OWN, NOW_S)
    assert set(found) == {NEIGHBOUR}
    assert found[NEIGHBOUR].role_pairs == {
        ("teacher", "student"),
        ("student", "teacher"),
        ("director", "director"),
    }
    assert found[NEIGHBOUR].until_s == held.expires_s
    assert list(found[NEIGHBOUR].keys) == ["ed25519:a_test"]


def test_both_schools_see_each_other_alike() -> None:
    """Whoever is let in by a school lets it in, too: the pairs of one side are the other's turned round."""
    held = register(pairs=[["staff", "staff"], ["teacher", "guardian"]])
    ours = peers(held, OWN, NOW_S)[NEIGHBOUR].role_pairs
    theirs = peers(held, NEIGHBOUR, NOW_S)[OWN].role_pairs
    assert ours == {(b, a) for a, b in theirs}


# --- any course of events

_made = {
    (serial, face, issued): register(
        serial=serial, name=face, issued=NOW_S + issued, expires=NOW_S + issued + 100
    )
    for serial in range(1, 5)
    for face in ("А", "Б")
    for issued in (0, 150, 1000)
}


@given(
    st.lists(st.tuples(st.sampled_from(sorted(_made)), st.integers(-200, 2000)), max_size=12),
)
def test_any_course_of_events(course: list[tuple[tuple[int, str, int], int]]) -> None:
    """Whatever comes in whatever order and at whatever time: the serial held never falls, one serial has one face,
    and nobody is let in by an expired register.
    """
    held: Register | None = None
    faces: dict[int, str] = {}
    for which, seconds in course:
        came, now_s = _made[which], NOW_S + seconds
        before = held
        if refusal(held, came, now_s) is None:
            held = came
        if held is not None:
            assert before is None or held.serial >= before.serial
            assert faces.setdefault(held.serial, held.name) == held.name
            in_time = held.is_in_time(now_s)
            assert bool(peers(held, OWN, now_s)) is in_time
            assert all(peer.until_s > now_s for peer in peers(held, OWN, now_s).values())
