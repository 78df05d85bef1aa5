"""Quiet hours in both databases."""

from __future__ import annotations

from datetime import time

from synapse.storage.database import LoggingTransaction

from synapse_sferum.quiet.rows import put_rule_txn, rules_txn
from synapse_sferum.quiet.values import Level, Rule, Window

NIGHT = Window(weekdays=frozenset(range(7)), begins=time(21), ends=time(7))
WHO = "@u:s.test"


def put(txn: LoggingTransaction, level: Level, ref: str, *windows: Window) -> bool:
    return put_rule_txn(txn, "o", level, ref, windows, WHO, 1)


def test_rules_are_set_once_and_taken_away(txn: LoggingTransaction) -> None:
    """The same again writes nothing, no windows are a rule too, and another school has none of it."""
    assert put(txn, Level.SCHOOL, "", NIGHT)
    assert not put(txn, Level.SCHOOL, "", NIGHT)
    assert put(txn, Level.PERSON, WHO)
    assert rules_txn(txn, "o") == {
        (Level.SCHOOL, ""): Rule(level=Level.SCHOOL, ref="", windows=(NIGHT,)),
        (Level.PERSON, WHO): Rule(level=Level.PERSON, ref=WHO, windows=()),
    }
    assert rules_txn(txn, "other") == {}
    assert put_rule_txn(txn, "o", Level.SCHOOL, "", None, WHO, 2)
    assert not put_rule_txn(txn, "o", Level.SCHOOL, "", None, WHO, 2)


def test_ones_own_hours_are_not_in_the_log(txn: LoggingTransaction) -> None:
    """When somebody sleeps is nobody's business; what is set for others is (R51)."""
    put(txn, Level.PERSON, WHO, NIGHT)
    put(txn, Level.ROLE, "teacher", NIGHT)
    txn.execute("SELECT target FROM sferum_audit WHERE org_id = 'o'")
    assert [row[0] for row in txn] == ["role teacher"]
