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

#: The district's register (docs/flows/district.md); all 0 where there is none. `reason`: a `RegisterRefusal`.
REGISTER_SERIAL = Gauge("sferum_register_serial", "Serial of the district's register held")
REGISTER_EXPIRES = Gauge("sferum_register_expires_seconds", "When it ends, seconds since 1970")
REGISTER_AGREED = Gauge(
    "sferum_register_agreed_seconds", "When the district last answered with a register we believe"
)
REGISTER_PEERS = Gauge("sferum_register_peers", "Servers of other schools that are let in")
COMMON_ROOMS = Gauge(
    "sferum_common_rooms", "Rooms of several schools by state; waiting: not invited yet", ["state"]
)
COMMON_FAILURES = Counter(
    "sferum_common_room_failures", "Changes of rooms of several schools to be tried again"
)
REGISTER_REFUSALS = Counter(
    "sferum_register_refusals", "Registers that were not believed", ["reason"]
)
DISTRICT_QUESTIONS = Counter(
    "sferum_district_questions",
    "Questions how this school stands, by what became of them",
    ["outcome"],
)
