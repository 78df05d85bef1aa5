"""How many codes are sent, to whom, and when the answer turns to yes again."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from ipaddress import ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.limits import HOUR, Limit, Limits, Refused, Usage, Window, decide

NOW = datetime(2026, 9, 1, 8, 30, tzinfo=UTC)
LIMITS = Limits()


def ago(*minutes: float) -> tuple[datetime, ...]:
    return tuple(NOW - timedelta(minutes=m) for m in minutes)


@pytest.mark.parametrize(
    ("usage", "want"),
    [
        (Usage(), None),
        (Usage(number=ago(1, 2)), None),
        (Usage(number=ago(1, 2, 50)), Refused(Limit.NUMBER_HOUR, 600)),
        (Usage(number=ago(1, 2, 60)), None),  # the oldest is exactly an hour old: gone
        (Usage(number=ago(61, 70, 100, 200, 300, 23 * 60)), Refused(Limit.NUMBER_DAY, 3600)),
        (Usage(address=ago(*range(10))), Refused(Limit.ADDRESS, 51 * 60)),
        (Usage(session=ago(*range(10))), Refused(Limit.SESSION, 51 * 60)),
        (Usage(invite=ago(*range(29))), None),
        (Usage(invite=ago(*range(30))), Refused(Limit.INVITE, 31 * 60)),
    ],
)
def test_limits_one_by_one(usage: Usage, want: Refused | None) -> None:
    """3 an hour and 6 a day per number, 10 an hour per address and session, 30 per invite."""
    assert decide(LIMITS, usage, NOW) == want


def test_of_several_refusals_the_longest_wait_is_told() -> None:
    """Whoever waits as told is let in."""
    usage = Usage(number=ago(1, 2, 50), session=ago(*range(10)))

    assert decide(LIMITS, usage, NOW) == Refused(Limit.SESSION, 51 * 60)


def test_the_day_has_a_budget() -> None:
    """Whatever goes wrong, the bill has a ceiling."""
    spread = ago(*(1 + 2.8 * n for n in range(500)))  # over 23 hours, all of them typed
    usage = Usage(all=spread, passed=spread)

    refusal = decide(LIMITS, usage, NOW)
    assert refusal is not None
    assert refusal.limit is Limit.BUDGET


def test_half_an_hours_codes_to_one_range_is_a_spike() -> None:
    """Fraudsters rent one range; a school's families are spread over operators."""
    spike = Usage(prefix=ago(*range(30)), all=ago(*range(40)))
    families = Usage(
        prefix=ago(*range(30)), all=ago(*range(1, 50), *range(1, 20)), passed=ago(*range(60))
    )

    assert decide(LIMITS, spike, NOW) == Refused(Limit.PREFIX_SPIKE, 31 * 60)
    assert decide(LIMITS, families, NOW) is None


def test_codes_that_nobody_types_stop_the_sending() -> None:
    """Under 30 % of 50 settled codes came back: nobody real is at the other end."""
    settled = ago(*(11 + n / 2 for n in range(50)))

    bad = decide(LIMITS, Usage(all=settled, passed=ago(*range(14))), NOW)
    assert bad is not None
    assert bad.limit is Limit.RATIO
    assert decide(LIMITS, Usage(all=settled, passed=ago(*range(15))), NOW) is None


def test_the_first_minutes_of_september_are_no_attack() -> None:
    """Codes that were sent just now have not been typed yet."""
    assert decide(LIMITS, Usage(all=ago(*(n / 10 for n in range(90)))), NOW) is None


def test_breakers_close_by_themselves() -> None:
    """An hour without sends is a new start; nobody has to find a switch."""
    attack = Usage(
        all=ago(*(11 + n / 2 for n in range(50))), prefix=ago(*(11 + n for n in range(30)))
    )
    refusal = decide(LIMITS, attack, NOW)

    assert refusal is not None
    assert decide(LIMITS, attack, NOW + timedelta(seconds=refusal.retry_after_s)) is None


def test_the_schools_own_network_is_not_limited_by_address() -> None:
    """A class of thirty sits behind one address."""
    limits = Limits(own_networks=(ip_network("192.0.2.0/24"), ip_network("2001:db8::/32")))

    assert not limits.counts_address("192.0.2.7")
    assert not limits.counts_address("2001:db8:1:2::9")
    assert limits.counts_address("198.51.100.1")


times = st.lists(st.integers(0, 7200).map(lambda s: NOW + timedelta(seconds=s)), max_size=60)


@given(times, st.integers(1, 6))
def test_no_hour_ever_holds_more_than_the_limit(asked: list[datetime], most: int) -> None:
    """Whenever people ask, any sixty minutes hold at most `most` sends; and a told wait is enough."""
    window = Window(Limit.NUMBER_HOUR, most, HOUR)
    sent: list[datetime] = []
    for at in sorted(asked):
        refusal = window.refusal(sent, at)
        if refusal is None:
            sent.append(at)
        else:
            assert window.refusal(sent, at + timedelta(seconds=refusal.retry_after_s)) is None

    for first in sent:
        assert sum(first <= at < first + HOUR for at in sent) <= most
