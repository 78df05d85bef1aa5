"""Counters for Synapse's own metrics listener.

Labels are stable words of ours, never a person's.
"""

from __future__ import annotations

from prometheus_client import Counter, Gauge

#: One per decision that refused something. `surface` is a callback or a route rule, `reason` a
#: `policy.Deny`.
DECISIONS = Counter("sferum_decisions", "Refusals of the school policy.", ["surface", "reason"])

JOBS = Gauge("sferum_jobs", "Rooms and profiles in the queue by state", ["state"])
JOB_AGE = Gauge("sferum_oldest_job_age_seconds", "Age of the oldest job that is not done")
RECONCILE_LAG = Gauge(
    "sferum_reconcile_lag_seconds", "How long the oldest change waits for its rooms"
)
ROOMS = Gauge("sferum_managed_rooms", "Managed rooms by state", ["state"])
PEOPLE = Gauge("sferum_people", "People on the lists by status", ["status"])
ACTIONS = Counter("sferum_room_actions", "Changes made to managed rooms", ["action"])
FAILURES = Counter("sferum_job_failures", "Failed tries of jobs", ["outcome"])
