"""Whether it is quiet for somebody now, until when, and which rule won over which (R49). Pure.

Person before class before role before school: the first level that has a rule for this account decides, alone. Where
one level has several (two children's classes, two roles) it is quiet when any of them says so.
"""

from __future__ import annotations

import enum
import re
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from attrs import frozen

from synapse_sferum.account import Account
from synapse_sferum.quiet.values import PRECEDENCE, Level, Rule, Window, applies
from synapse_sferum.schedule.times import instant

#: How far ahead the end of the quiet is looked for: a week repeats itself.
_AHEAD = timedelta(days=9)
#: «Срочно: …», as heads write it.
_URGENT = re.compile(r"\W{0,10}(срочно|urgent)\b", re.IGNORECASE)


class Outcome(enum.Enum):
    """What became of a rule, for the page that explains. The values are stable."""

    WON = "won"
    SAME_LEVEL = "same_level"  # another of the same level is quiet, or quiet for longer
    OVERRULED = "overruled"  # a nearer level has a rule


@frozen(kw_only=True)
class Verdict:
    """Attributes:
    quiet: phones stay silent now.
    until: an instant; None: it is not quiet, or always.
    won: the rule that says so; None: nobody has set any.
    rules: every rule about the account, the nearest level first, and what became of it.
    """

    quiet: bool
    until: datetime | None = None
    won: Rule | None = None
    rules: tuple[tuple[Rule, Outcome], ...] = ()


def resolve(rules: Iterable[Rule], account: Account, now: datetime) -> Verdict:
    """Args:
    rules: of the account's school, in any order.
    now: an instant.
    """
    about = sorted(
        (rule for rule in rules if applies(rule, account)),
        key=lambda rule: (PRECEDENCE.index(rule.level), rule.ref),
    )
    if not about:
        return Verdict(quiet=False)
    zone, level = ZoneInfo(account.timezone), about[0].level
    deciding = [rule for rule in about if rule.level is level]
    ends = {rule: _quiet_until(rule.windows, zone, now) for rule in deciding}
    won = max(deciding, key=lambda rule: ends[rule] or now)
    together = _quiet_until([w for rule in deciding for w in rule.windows], zone, now)
    always = together is not None and together >= now + _AHEAD - timedelta(days=1)
    return Verdict(
        quiet=together is not None,
        until=None if always else together,
        won=won,
        rules=tuple((rule, _outcome(rule, won, level)) for rule in about),
    )


def _outcome(rule: Rule, won: Rule, level: Level) -> Outcome:
    if rule is won:
        return Outcome.WON
    return Outcome.SAME_LEVEL if rule.level is level else Outcome.OVERRULED


def _quiet_until(windows: Sequence[Window], zone: ZoneInfo, now: datetime) -> datetime | None:
    """The end of the quiet that is now, windows that meet taken together; None: it is not quiet."""
    until: datetime | None = None
    for begins, ends in sorted(_spans(windows, zone, now)):
        if until is None:
            if begins <= now < ends:
                until = ends
        elif begins <= until:
            until = max(until, ends)
        else:
            break
    return until


def _spans(
    windows: Sequence[Window], zone: ZoneInfo, now: datetime
) -> Iterable[tuple[datetime, datetime]]:
    """Windows as instants, from the day before yesterday to `_AHEAD`."""
    today = now.astimezone(zone).date()
    for away in range(-2, _AHEAD.days + 1):
        day = today + timedelta(days=away)
        for window in windows:
            if day.weekday() not in window.weekdays:
                continue
            last = day if window.ends > window.begins else day + timedelta(days=1)
            begins = instant(datetime.combine(day, window.begins), zone)
            ends = instant(datetime.combine(last, window.ends), zone)
            if begins < ends:  # not where the clock skips all of it
                yield begins.astimezone(UTC), ends.astimezone(UTC)


def is_urgent(sender: Account | None, org_id: str, body: str) -> bool:
    """Whether a message passes: a director's or a deputy's of the same school that begins with «срочно»."""
    return (
        sender is not None
        and sender.org_id == org_id
        and sender.is_leader
        and _URGENT.match(body) is not None
    )
