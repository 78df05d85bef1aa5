"""Figures of the bridge for the same Prometheus as Synapse's. Labels are words of ours: no id, nobody's contact."""

from __future__ import annotations

from prometheus_client import Counter, Gauge

#: `peer`: directory | homeserver. `outcome`: answered, or a word of `bridge.json_http.Lost`.
REQUESTS = Counter(
    "sferum_bridge_requests", "Requests to Synapse and to the directory.", ["peer", "outcome"]
)
#: `outcome`: done | postponed | dead
STEPS = Counter(
    "sferum_bridge_steps", "Lists of steps that the writer has carried out or not.", ["outcome"]
)
#: `failure`: a word of `bridge.writer.Failure`, or an error code of the server.
STEPS_DEAD = Counter(
    "sferum_bridge_steps_dead",
    "Lists of steps that were given up: a person must look.",
    ["failure"],
)
UNDER_WAY = Gauge("sferum_bridge_steps_under_way", "Lists of steps being carried out right now.")
