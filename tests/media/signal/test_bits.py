"""Random bits drawn many at a time."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from media.signal.bits import DRAWN, Bits


@given(st.lists(st.integers(0, 200), max_size=200))
def test_so_many_bits_come_as_were_asked_for(counts: list[int]) -> None:
    """A number has no more bits than were asked for, across the end of what was drawn, too."""
    bits = Bits()
    assert all(bits(count).bit_length() <= count for count in counts)


def test_no_bits_are_given_out_twice() -> None:
    """Numbers of 64 bits differ, of one draw and of the next."""
    bits = Bits()
    taken = [bits(64) for _ in range(DRAWN)]
    assert len(set(taken)) == len(taken)


def test_more_than_one_draw_holds_comes_at_once() -> None:
    """As many bits as are asked for come, however many one draw has."""
    assert Bits()(16 * DRAWN).bit_length() > 8 * DRAWN


def test_every_bit_is_drawn() -> None:
    """Each of eleven bits is sometimes set and sometimes not: none is cut off."""
    bits = Bits()
    taken = [bits(11) for _ in range(500)]
    assert all({one >> at & 1 for one in taken} == {0, 1} for at in range(11))
