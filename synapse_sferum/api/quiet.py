"""Quiet hours: what is set, which rule wins for somebody and why, and setting it (R49, docs/flows/quiet.md)."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from synapse.module_api import LoggingTransaction

from synapse_sferum.api.call import BadField, Call
from synapse_sferum.api.services import Services
from synapse_sferum.api.viewer import viewer
from synapse_sferum.edits import not_found
from synapse_sferum.quiet.resolve import resolve
from synapse_sferum.quiet.rows import put_rule_txn
from synapse_sferum.quiet.values import (
    MOST_WINDOWS,
    Level,
    Window,
    may_set,
    rules_about,
    windows_from,
    windows_json,
    wrong,
)


async def explain_quiet(services: Services, call: Call) -> tuple[int, Any]:
    """Whether it is quiet for whoever asks, until when, and what became of each rule about them."""
    org, who = await viewer(services, call)
    account = who.account
    assert account is not None  # viewer said so
    rules = await services.facts.quiet_rules(org.org_id)
    now = datetime.fromtimestamp(services.now_ms() / 1000, UTC)
    verdict = resolve(rules_about(rules, account), account, now)
    return 200, {
        "timezone": org.timezone,
        "quiet": verdict.quiet,
        "until": None if verdict.until is None else int(verdict.until.timestamp() * 1000),
        "rules": [
            {
                "level": rule.level.value,
                "ref": rule.ref,
                "windows": windows_json(rule.windows),
                "outcome": outcome.value,
                "may_set": may_set(account, rule.level, rule.ref),
            }
            for rule, outcome in verdict.rules
        ],
    }


async def list_quiet(services: Services, call: Call) -> tuple[int, Any]:
    """The school's rules that whoever asks may set: heads all but others' own, class teachers their classes'."""
    org, who = await viewer(services, call)
    account = who.account
    assert account is not None  # viewer said so
    rules = await services.facts.quiet_rules(org.org_id)
    return 200, {
        "rules": [
            {"level": level.value, "ref": ref, "windows": windows_json(rules[level, ref].windows)}
            for level, ref in sorted(rules, key=lambda one: (one[0].value, one[1]))
            if may_set(account, level, ref)
        ]
    }


async def set_quiet(services: Services, call: Call) -> tuple[int, Any]:
    """Set a rule; `windows: null` takes it away, `[]` says that it is never quiet."""
    call.only("level", "ref", "windows")
    org, who = await viewer(services, call)
    account = who.account
    assert account is not None  # viewer said so
    level, ref = _level(call), call.text("ref", default="", longest=255)
    if not may_set(account, level, ref):
        raise not_found()
    if level is Level.GROUP and not await services.directory.read(_is_class_txn, org.org_id, ref):
        raise not_found()
    windows = _windows(call)
    changed = await services.directory.read(
        put_rule_txn, org.org_id, level, ref, windows, call.actor.name, services.now_ms()
    )
    if changed:
        await services.facts.forget_quiet_rules(org.org_id)
    return 200, {"changed": changed}


def _is_class_txn(txn: LoggingTransaction, org_id: str, class_id: str) -> bool:
    txn.execute(
        "SELECT 1 FROM sferum_classes WHERE org_id = ? AND class_id = ?", (org_id, class_id)
    )
    return txn.fetchone() is not None


def _level(call: Call) -> Level:
    try:
        return Level(call.text("level", longest=20))
    except ValueError:
        words = ", ".join(level.value for level in Level)
        raise BadField("level", f"must be one of {words}") from None


def _windows(call: Call) -> tuple[Window, ...] | None:
    raw = call.body.get("windows")
    if raw is None:
        return None
    if not isinstance(raw, list) or len(raw) > MOST_WINDOWS:
        raise BadField("windows", f"must be a list of at most {MOST_WINDOWS}, or null")
    try:
        if not all(set(one) == {"weekdays", "begins", "ends"} for one in raw):
            raise BadField("windows", "each has weekdays, begins and ends")
        # 1.0 and true are 1 to Python, and are written down as they came.
        if not all(type(day) is int for one in raw for day in one["weekdays"]):
            raise BadField("windows", "weekdays are 0 to 6")
        found = windows_from(raw)
        refused = wrong(found)
    except (ValueError, TypeError, KeyError):
        raise BadField("windows", "weekdays are 0 to 6, times such as 21:00") from None
    if refused is not None:
        raise BadField("windows", f"cannot be so: {refused.value}")
    return found
