"""Whose address it is, and what counts as one."""

from __future__ import annotations

from ipaddress import ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from serving.addresses import LOOPBACK, address_of, network_of


@pytest.mark.parametrize(
    ("peer", "forwarded", "expected"),
    [
        ("203.0.113.7", "", "203.0.113.7"),
        ("203.0.113.7", "198.51.100.1", "203.0.113.7"),  # no proxy of ours said that
        ("127.0.0.1", "", "127.0.0.1"),
        ("127.0.0.1", "203.0.113.7", "203.0.113.7"),
        ("127.0.0.1", "198.51.100.1, 203.0.113.7", "203.0.113.7"),
        ("127.0.0.1", "203.0.113.7, 127.0.0.2", "203.0.113.7"),
        ("::1", "2001:db8::1", "2001:db8::1"),
        ("127.0.0.1", "unknown", "127.0.0.1"),
        ("127.0.0.1", "198.51.100.1, nonsense", "127.0.0.1"),
        ("", "198.51.100.1", ""),
        ("127.0.0.1", "203.0.113.7,, ", "203.0.113.7"),  # empty elements (RFC 9110, 5.6.1)
    ],
)
def test_whose_address(peer: str, forwarded: str, expected: str) -> None:
    """The last hop that is none of our proxies; what a client writes into the header changes nothing."""
    assert address_of(peer, forwarded, LOOPBACK) == expected


def test_a_proxy_elsewhere() -> None:
    """A network of proxies may be named."""
    trusted = (ip_network("10.0.0.0/8"),)
    assert address_of("10.1.1.1", "203.0.113.7, 10.2.2.2", trusted) == "203.0.113.7"


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::1", "2001:db8:1:2::/64"),
    ],
)
def test_one_subscriber_is_one_address(address: str, network: str) -> None:
    """An IPv6 subscriber has 2^64 addresses and counts once."""
    assert network_of(address) == network


@given(st.text(), st.text())
def test_any_header_is_answered(peer: str, forwarded: str) -> None:
    """Never an exception."""
    address_of(peer, forwarded, LOOPBACK)
