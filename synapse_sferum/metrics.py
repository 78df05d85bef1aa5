"""Counters for Synapse's own metrics listener.

Labels are stable words of ours, never a person's.
"""

from __future__ import annotations

from prometheus_client import Counter

#: One per decision that refused something. `surface` is a callback or a route rule, `reason` a
#: `policy.Deny`.
DECISIONS = Counter("sferum_decisions", "Refusals of the school policy.", ["surface", "reason"])
