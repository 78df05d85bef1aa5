"""Figures of the bridge for the same Prometheus as Synapse's. Labels are words of ours: no id, nobody's contact."""

from __future__ import annotations

from prometheus_client import Counter, Gauge, Histogram

#: `peer`: directory | homeserver. `outcome`: answered, or a word of `serving.json_http.Lost`.
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
#: `outcome`: sent | postponed | dropped
MESSAGES = Counter("sferum_bridge_messages", "Codes and mails from the outbox.", ["outcome"])
#: `route`: a pattern of ours, "?" for addresses that do not exist. `status`: 2xx | 3xx | 4xx | 5xx
PAGES = Histogram(
    "sferum_bridge_pages_seconds",
    "Answers of the pages.",
    ["route", "status"],
    buckets=(0.01, 0.03, 0.1, 0.3, 1, 3, 10),
)
TOO_SLOW = Counter("sferum_bridge_http_too_slow", "Connections whose request never ended.")
#: `chore`: a name of `bridge.chores`. `outcome`: done | failed
CHORES_DONE = Counter("sferum_bridge_chores", "Hourly tidying.", ["chore", "outcome"])
#: `kind`: a word of `records.CardKind`. `outcome`: posted | edited | refused
BOT_CARDS = Counter("sferum_bridge_bot_cards", "Messages of the staff bot.", ["kind", "outcome"])
#: `way`: reaction | command. `outcome`: a word of what came of it
BOT_DECISIONS = Counter(
    "sferum_bridge_bot_decisions", "Applications decided on in the room.", ["way", "outcome"]
)
#: `command`: a word of `bridge.bot.commands`, or of what was misread.
BOT_COMMANDS = Counter("sferum_bridge_bot_commands", "What staff type to the bot.", ["command"])
BOT_SYNCED = Gauge(
    "sferum_bridge_bot_synced_timestamp_seconds",
    "When the bot has last heard from Synapse, seconds since 1970.",
)
