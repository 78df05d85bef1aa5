"""How often one may ask, and who counts as one."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from media.access.addresses import subscriber_of
from media.access.limits import Buckets


def test_a_burst_and_then_the_rate() -> None:
    """Two at once, then one every two seconds; the wait that is named is true."""
    buckets = Buckets(0.5, 2)
    assert [buckets.wait_s("a", 0.0) for _ in range(3)] == [0, 0, 2.0]
    assert buckets.wait_s("a", 1.0) == 1.0
    assert buckets.wait_s("a", 2.0) == 0
    assert buckets.wait_s("b", 2.0) == 0


def test_a_long_pause_gives_no_more_than_the_burst() -> None:
    """Nobody saves up."""
    buckets = Buckets(1.0, 2)
    buckets.wait_s("a", 0.0)
    assert [buckets.wait_s("a", 1e6) == 0 for _ in range(3)] == [True, True, False]


def test_bounded() -> None:
    """The key that asked longest ago is forgotten."""
    buckets = Buckets(0.001, 1, most=2)
    for key in "aab":
        buckets.wait_s(key, 0.0)
    assert buckets.wait_s("b", 0.0) > 0
    buckets.wait_s("c", 0.0)
    assert buckets.wait_s("b", 0.0) > 0
    assert buckets.wait_s("a", 0.0) == 0


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("203.0.113.7", "203.0.113.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("::ffff:203.0.113.7", "203.0.113.7"),
        ("", ""),
    ],
)
def test_one_subscriber(address: str, expected: str) -> None:
    """An IPv6 customer has a whole /64 and counts once."""
    assert subscriber_of(address) == expected


@given(st.text())
def test_any_address_is_counted(address: str) -> None:
    """Never an exception."""
    subscriber_of(address)
