"""Rows of quiet hours."""

from __future__ import annotations

import json
from collections.abc import Mapping

from synapse.module_api import LoggingTransaction

from synapse_sferum.audit import AuditEntry
from synapse_sferum.directory_rows import append_audit_txn
from synapse_sferum.quiet.values import Level, Rule, Window, windows_from, windows_text


def rules_txn(txn: LoggingTransaction, org_id: str) -> Mapping[tuple[Level, str], Rule]:
    """All of a school, by level and whose it is."""
    txn.execute("SELECT level, ref, windows FROM sferum_quiet_hours WHERE org_id = ?", (org_id,))
    return {
        (Level(level), str(ref)): Rule(
            level=Level(level), ref=str(ref), windows=windows_from(json.loads(windows))
        )
        for level, ref, windows in txn
    }


def put_rule_txn(
    txn: LoggingTransaction,
    org_id: str,
    level: Level,
    ref: str,
    windows: tuple[Window, ...] | None,
    actor: str,
    now_ms: int,
) -> bool:
    """Set a rule, or take it away with None; False: it is so already. Others' hours are logged, one's own are not."""
    before = rules_txn(txn, org_id).get((level, ref))
    if (None if before is None else before.windows) == windows:
        return False
    txn.execute(
        "DELETE FROM sferum_quiet_hours WHERE org_id = ? AND level = ? AND ref = ?",
        (org_id, level.value, ref),
    )
    if windows is not None:
        txn.execute(
            "INSERT INTO sferum_quiet_hours (org_id, level, ref, windows) VALUES (?, ?, ?, ?)",
            (org_id, level.value, ref, windows_text(windows)),
        )
    if level is not Level.PERSON:
        entry = AuditEntry(
            actor,
            "quiet_hours",
            f"{level.value} {ref}".strip(),
            "" if before is None else windows_text(before.windows),
            "" if windows is None else windows_text(windows),
        )
        append_audit_txn(txn, org_id, [entry], now_ms)
    return True
