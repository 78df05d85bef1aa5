"""How many codes are sent: limits, budget, breakers. Pure.

A code costs the school money and somebody a buzzing phone. Each limit looks at the times of earlier
sends (sliding windows, so no burst at the turn of an hour); the store keeps those times under hashed
names and asks here. Numbers: onboarding.md §6.
"""

from __future__ import annotations

import enum
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from ipaddress import ip_address

from attrs import frozen

from serving.addresses import Network, network_of

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)

#: A code that was not typed ten minutes after sending will not be: only such sends count for the ratio,
#: or the first minutes of 1 September would look like an attack.
SETTLES_AFTER = timedelta(minutes=10)


class Limit(enum.Enum):
    """Which limit said no. The values are stable: logged, counted, tested."""

    NUMBER_HOUR = "number_hour"
    NUMBER_DAY = "number_day"
    ADDRESS = "address"
    SESSION = "session"
    INVITE = "invite"
    BUDGET = "budget"
    PREFIX_SPIKE = "prefix_spike"
    RATIO = "ratio"


#: Limits that staff are told about: they stop everybody, not one person.
ALARMS = frozenset({Limit.BUDGET, Limit.PREFIX_SPIKE, Limit.RATIO})


@frozen
class Refused:
    limit: Limit
    retry_after_s: int  # whole seconds, rounded up, at least 1


@frozen
class Window:
    """At most `most` sends in any `length` of time."""

    limit: Limit
    most: int
    length: timedelta

    def refusal(self, sends: Sequence[datetime], now: datetime) -> Refused | None:
        """Whether a send at `now` would be one too many; `sends` in any order."""
        recent = sorted(at for at in sends if now - self.length < at)
        if len(recent) < self.most:
            return None
        free_at = recent[-self.most] + self.length if self.most else now + self.length
        return refused(self.limit, free_at, now)


@frozen(kw_only=True)
class Limits:
    """What a school may change. A class of 30 sits behind one address: name the school's own networks."""

    number_hour: int = 3
    number_day: int = 6
    address_hour: int = 10
    session_hour: int = 10
    invite_hour: int = 30
    day_budget: int = 500  # of the whole school; at 4 roubles an SMS, 2,000 roubles (chosen by us)
    prefix_floor: int = 30  # fewer than that per hour to one prefix is never a spike
    prefix_share: float = 0.5  # of the hour's sends
    ratio_floor: int = 50
    ratio: float = 0.3
    own_networks: tuple[Network, ...] = ()

    def windows(self) -> dict[str, tuple[Window, ...]]:
        """The plain limits by the kind of thing they count."""
        return {
            "number": (
                Window(Limit.NUMBER_HOUR, self.number_hour, HOUR),
                Window(Limit.NUMBER_DAY, self.number_day, DAY),
            ),
            "address": (Window(Limit.ADDRESS, self.address_hour, HOUR),),
            "session": (Window(Limit.SESSION, self.session_hour, HOUR),),
            "invite": (Window(Limit.INVITE, self.invite_hour, HOUR),),
            "all": (Window(Limit.BUDGET, self.day_budget, DAY),),
        }

    def counts_address(self, address: str) -> bool:
        """Whether the limit per address applies: not to the school's own networks."""
        ip = ip_address(network_of(address).partition("/")[0])
        return not any(ip in network for network in self.own_networks)


@frozen(kw_only=True)
class Usage:
    """Times of earlier sends of the last 24 hours, by what they were counted under."""

    number: Sequence[datetime] = ()
    address: Sequence[datetime] = ()
    session: Sequence[datetime] = ()
    invite: Sequence[datetime] = ()
    all: Sequence[datetime] = ()
    prefix: Sequence[datetime] = ()  # sends to the same prefix; empty for mail
    passed: Sequence[datetime] = ()  # codes that came back right


def decide(limits: Limits, usage: Usage, now: datetime) -> Refused | None:
    """Whether one more code may be sent; the refusal with the longest wait, so that the wait is true."""
    refusals = [
        window.refusal(getattr(usage, kind), now)
        for kind, windows in limits.windows().items()
        for window in windows
    ]
    refusals += [_spike(limits, usage, now), _ratio(limits, usage, now)]
    return _longest(refusals)


def _spike(limits: Limits, usage: Usage, now: datetime) -> Refused | None:
    """Half of an hour's many codes to one operator's range: somebody pumps numbers they rent.

    Ends by itself when the hour has gone by.
    """
    prefix = sorted(at for at in usage.prefix if now - HOUR < at)
    total = sum(now - HOUR < at for at in usage.all)
    if len(prefix) < limits.prefix_floor or len(prefix) <= limits.prefix_share * total:
        return None
    return refused(Limit.PREFIX_SPIKE, prefix[-limits.prefix_floor] + HOUR, now)


def _ratio(limits: Limits, usage: Usage, now: datetime) -> Refused | None:
    """Of the hour's codes that had time to be typed, too few were: nobody real is at the other end.

    A code typed counts even when it was sent before the window: the error is in people's favour.
    """
    settled = sorted(at for at in usage.all if now - HOUR < at <= now - SETTLES_AFTER)
    if len(settled) < limits.ratio_floor:
        return None
    passed = sum(settled[0] <= at for at in usage.passed)
    if passed >= limits.ratio * len(settled):
        return None
    return refused(Limit.RATIO, settled[-limits.ratio_floor] + HOUR, now)


def refused(limit: Limit, free_at: datetime, now: datetime) -> Refused:
    """`limit` said no until `free_at`."""
    wait = free_at - now
    return Refused(limit, max(1, -(-wait // timedelta(seconds=1))))


def _longest(refusals: Iterable[Refused | None]) -> Refused | None:
    given = [refusal for refusal in refusals if refusal is not None]
    return max(given, key=lambda refusal: refusal.retry_after_s, default=None)
