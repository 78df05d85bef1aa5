"""The answer to the operator's question (docs/contracts.md §12): versions, states, numbers. Pure.

No name, id, phone, room or message is in it, and no number from which one person could be made out (R50).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from synapse_sferum import schema
from synapse_sferum.district.force import Standing
from synapse_sferum.district.question import Question
from synapse_sferum.district.status_rows import StatusFacts

FORMAT = "sferum.district_status.v1"
#: Fewer people than these are not counted out to anybody (R50).
FEWEST = 5


def status_answer(
    facts: StatusFacts,
    question: Question,
    *,
    server_name: str,
    keys: Mapping[str, str],
    versions: Mapping[str, str],
    now_s: int,
) -> dict[str, Any]:
    """The document before it is signed.

    Args:
        keys: id → base64 of the keys with which this server signs now.
        versions: `sferum` and `synapse`.
    """
    register = facts.register or {}
    return {
        "format": FORMAT,
        "server_name": server_name,
        "nonce": question.nonce,
        "time": now_s,
        "keys": dict(keys),
        "versions": dict(versions),
        "register": {
            "standing": register.get("standing", Standing.NONE.value),
            "serial": register.get("serial", 0),
            "expires": register.get("expires_s", 0),
            "refusal": register.get("refusal", ""),
            "agreed": register.get("agreed_ms", 0) // 1000,
        },
        "health": {
            "schema_found": facts.schema_found,
            "schema_wanted": schema.VERSION,
            "dead": facts.jobs.get("dead", 0),
            "waiting": facts.jobs.get("queued", 0) + facts.jobs.get("running", 0),
            "oldest_s": facts.oldest_s,
            "lag_s": facts.lag_s,
            "held": facts.held,
        },
        "counts": {
            "schools": facts.orgs,
            "active": shown(facts.people.get("active", 0)),
            "listed": shown(facts.people.get("listed", 0)),
            "rooms": sum(
                count for state, count in facts.rooms.items() if state in {"ready", "filling"}
            ),
            "common_ready": facts.common.get("ready", 0),
            "common_waiting": facts.common.get("waiting", 0),
        },
    }


def shown(people: int) -> int | None:
    """A number of people; None for some, but fewer than `FEWEST`."""
    return people if people == 0 or people >= FEWEST else None
