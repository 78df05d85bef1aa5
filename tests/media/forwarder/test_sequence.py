"""Numbers: unrolled once, renumbered without gaps."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from media.forwarder.plain.sequence import RESTART, SEQ_MOD, SequenceMap, Unroller, seq_delta

uint16 = st.integers(0, SEQ_MOD - 1)


def test_delta_wraps() -> None:
    """0 comes right after 65535, and half the circle away is older."""
    assert seq_delta(0, 65535) == 1
    assert seq_delta(65535, 0) == -1
    assert seq_delta(32768, 0) == -32768


@given(start=uint16, steps=st.lists(st.integers(1, RESTART), max_size=200))
def test_unrolled_numbers_never_wrap(start: int, steps: list[int]) -> None:
    """However often the 16 bits wrap, what is later is larger, by the right distance."""
    unroller = Unroller()
    number = unroller.unroll(start)
    assert number is not None
    for step in steps:
        start = (start + step) % SEQ_MOD
        after = unroller.unroll(start)
        assert after == number + step
        number = after
    assert unroller.epoch == 1


@given(start=uint16, order=st.permutations(range(20)), again=st.integers(0, 19))
def test_each_number_comes_once(start: int, order: list[int], again: int) -> None:
    """Whatever the order, every packet is taken once, and its copy is not."""
    unroller = Unroller()
    unroller.unroll((start - 1) % SEQ_MOD)
    numbers = [unroller.unroll((start + place) % SEQ_MOD) for place in order]

    assert None not in numbers
    assert len(set(numbers)) == 20
    assert unroller.unroll((start + again) % SEQ_MOD) is None


def test_a_jump_begins_anew() -> None:
    """A publisher that starts another numbering begins another epoch; an old packet does not."""
    unroller = Unroller()
    unroller.unroll(5000)
    assert unroller.unroll(5000 - 1500) is None
    assert unroller.epoch == 1
    assert unroller.unroll(5000 - 3000, repaired=True) is None
    assert unroller.unroll(5000 + RESTART + 1, repaired=True) is None
    assert unroller.epoch == 1
    assert unroller.unroll(5000 + RESTART + 1) is not None
    assert unroller.epoch == 2


@given(start=uint16, kept=st.lists(st.booleans(), min_size=1, max_size=400))
def test_subscriber_sees_no_gap_whatever_we_drop(start: int, kept: list[bool]) -> None:
    """Dropping packets on purpose never leaves a hole."""
    sequence = SequenceMap(7)
    out = []
    for number, keep in enumerate(kept, start):
        if keep:
            out.append(sequence.forward(number))
        else:
            sequence.drop(number)

    assert out == [7 + i for i in range(len(out))]


@given(
    kept=st.lists(st.booleans(), min_size=2, max_size=80),
    delays=st.lists(st.integers(0, 12), min_size=80, max_size=80),
)
def test_late_packets_find_the_place_left_for_them(kept: list[bool], delays: list[int]) -> None:
    """Under reordering no two packets get one number, and order and distance of what is forwarded stay right."""
    arrivals = sorted(range(len(kept)), key=lambda i: (i + delays[i], i))
    sequence = SequenceMap(1000)
    out: dict[int, int] = {}
    for number in arrivals:
        if kept[number] or sequence.is_late(number):  # late: its place is taken already
            given_ = sequence.forward(number)
            if given_ is not None:
                out[number] = given_
        else:
            sequence.drop(number)

    assert len(set(out.values())) == len(out)
    ordered = [out[number] for number in sorted(out)]
    assert ordered == sorted(ordered)


def test_a_switch_goes_on_with_the_next_number() -> None:
    """Another source's first packet gets the number after the last one's, and what it sent before is too late."""
    sequence = SequenceMap(100)
    assert [sequence.forward(n) for n in (5, 6, 7)] == [100, 101, 102]
    sequence.begin(9000)
    assert [sequence.forward(n) for n in (9000, 9002, 9001, 8999)] == [103, 105, 104, None]


def test_a_dropped_number_is_not_given_again() -> None:
    """A late packet of a picture that was left out has no number; its neighbours keep theirs."""
    sequence = SequenceMap(0)
    sequence.forward(10)
    sequence.drop(11)
    sequence.drop(12)
    assert sequence.forward(15) == 3
    assert [sequence.forward(n) for n in (11, 12, 13, 14)] == [None, None, 1, 2]
