"""Tickets of the bridge's page: whose they are, for what, once, for a minute."""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from media.broadcast.register.tickets import LEEWAY_S, LIVES_S, Tickets, write

TOKEN, OTHER = "t" * 40, "o" * 40
NOW = 1_800_000_000
ACCOUNT, CHANCE = "@uabc23456:school.example", bytes(range(16))


def ticket(to: str = "b1", at: int = NOW, chance: bytes = CHANCE, token: str = TOKEN) -> str:
    return write(ACCOUNT, to, at, chance, token)


def test_a_ticket_opens_one_door_once() -> None:
    """The second time it opens nothing: an address that leaked is worth nothing."""
    tickets = Tickets()
    assert tickets.account(ticket(), "b1", [TOKEN], NOW) == ACCOUNT
    assert tickets.account(ticket(), "b1", [TOKEN], NOW) is None
    assert tickets.account(ticket(chance=bytes(16)), "b1", [TOKEN], NOW) == ACCOUNT


@pytest.mark.parametrize(
    ("given", "to", "now"),
    [
        (ticket(), "b2", NOW),
        (ticket("desk"), "b1", NOW),
        (ticket(token=OTHER), "b1", NOW),
        (ticket(), "b1", NOW + LIVES_S + LEEWAY_S),
        (ticket(), "b1", NOW - LEEWAY_S - 1),
        ("", "b1", NOW),
        ("я" * 100, "b1", NOW),
        ("A" * 601, "b1", NOW),
        ("AAAA", "b1", NOW),
    ],
)
def test_what_opens_nothing(given: str, to: str, now: int) -> None:
    """For another broadcast, by another seal, too old, from the future, or no ticket at all."""
    assert Tickets().account(given, to, [TOKEN], now) is None


def test_both_tokens_hold_while_they_are_changed() -> None:
    """The bridge may still have the old one."""
    assert Tickets().account(ticket(token=OTHER), "b1", [TOKEN, OTHER], NOW) == ACCOUNT


def test_what_is_remembered_has_a_bound() -> None:
    """A full memory takes no more, and is empty again after a minute and a half."""
    tickets = Tickets(most=2)
    for at in range(2):
        assert tickets.account(ticket(chance=bytes([at] * 16)), "b1", [TOKEN], NOW) == ACCOUNT
    more = ticket(chance=bytes([9] * 16))
    assert tickets.account(more, "b1", [TOKEN], NOW) is None
    later = NOW + LIVES_S + 2 * LEEWAY_S + 1
    fresh = ticket(at=later, chance=bytes([8] * 16))
    assert tickets.account(fresh, "b1", [TOKEN], later) == ACCOUNT


@given(st.integers(min_value=0, max_value=200), st.integers(min_value=1, max_value=255))
def test_no_octet_can_be_changed(at: int, by: int) -> None:
    """Any change of any octet opens nothing, and raises nothing."""
    text = ticket()
    raw = bytearray(urlsafe_b64decode(text + "=" * (-len(text) % 4)))
    raw[at % len(raw)] ^= by
    changed = urlsafe_b64encode(bytes(raw)).rstrip(b"=").decode()
    assert Tickets().account(changed, "b1", [TOKEN], NOW) is None
