"""The schedule's rows in both databases."""

from __future__ import annotations

from datetime import date
from zoneinfo import ZoneInfo

from attrs import evolve
from hypothesis import given, settings
from synapse.storage.database import LoggingTransaction

from synapse_sferum.audit import AuditEntry
from synapse_sferum.schedule.rows import (
    Posted,
    due_txn,
    forget_over_txn,
    gathering_txn,
    gatherings_txn,
    instant_of,
    look_again_txn,
    looked_at_txn,
    milliseconds,
    open_count_txn,
    posts_txn,
    put_post_txn,
    put_txn,
)
from synapse_sferum.schedule.telling import Post, PostKey
from synapse_sferum.schedule.times import between
from synapse_sferum.schedule.values import Gathering, GatheringId
from tests.support.databases import Database
from tests.synapse_sferum.schedule.plans import MOSCOW, ORG, ZONES, gathering, series, weekly

NOW = 1_788_000_000_000
ENTRY = AuditEntry("@u1:s.test", "gathering", "g1")


@given(one=series(), zone=ZONES)
@settings(max_examples=25)
def test_what_is_planned_is_read_back(database: Database, one: Gathering, zone: ZoneInfo) -> None:
    """Every field survives, and a window finds whatever has an occurrence in it."""
    with database.scratch() as txn:
        put_txn(txn, one, zone, NOW, [ENTRY])
        assert gathering_txn(txn, ORG, "g1") == one
        assert gathering_txn(txn, "other", "g1") is None
        since, until = instant_of(NOW), instant_of(NOW + 30 * 86_400_000)
        found = gatherings_txn(txn, ORG, milliseconds(since), milliseconds(until))
        assert found == [one] or not between(one, zone, since, until)


def test_a_change_in_the_meantime_is_looked_at_again(txn: LoggingTransaction) -> None:
    """Whoever looked at an older state does not put off the look at the newer."""
    one = gathering(repeat=weekly(1))
    put_txn(txn, one, MOSCOW, NOW, [])
    (due,) = due_txn(txn, NOW, 10)
    put_txn(txn, evolve(one, title="Геометрия"), MOSCOW, NOW + 1, [])
    looked_at_txn(txn, due, MOSCOW, None)
    (again,) = due_txn(txn, NOW + 1, 10)
    assert again.gathering.title == "Геометрия"
    looked_at_txn(txn, again, MOSCOW, NOW + 1000)
    assert due_txn(txn, NOW + 999, 10) == []
    look_again_txn(txn, ORG, NOW + 2)
    assert len(due_txn(txn, NOW + 2, 10)) == 1


def test_what_rooms_were_told(txn: LoggingTransaction) -> None:
    """Each message of a room is one row: claimed, written, changed, gone."""
    key = PostKey(post=Post.REMINDER, day=date(2026, 9, 1), slot="5@1788240600")
    plan = PostKey(post=Post.PLANNED)
    put_post_txn(txn, "g1", "!a", plan, Posted("$1", "s", NOW))
    put_post_txn(txn, "g1", "!a", key, Posted("", "s", NOW))
    put_post_txn(txn, "g1", "!a", key, Posted("$2", "s", NOW))
    put_post_txn(txn, "g1", "!b", key, Posted("$3", "s", NOW))
    assert posts_txn(txn, "g1", "!a") == {
        plan: Posted("$1", "s", NOW),
        key: Posted("$2", "s", NOW),
    }
    put_post_txn(txn, "g1", "!a", key, None)
    assert set(posts_txn(txn, "g1", "!a")) == {plan}


def test_what_is_long_over_is_forgotten(txn: LoggingTransaction) -> None:
    """With its messages' ids; what is not over stays and is counted."""
    put_txn(txn, gathering(), MOSCOW, NOW, [])
    put_txn(
        txn, evolve(gathering(repeat=weekly(1)), gathering_id=GatheringId("g2")), MOSCOW, NOW, []
    )
    put_post_txn(txn, "g1", "!a", PostKey(post=Post.PLANNED), Posted("$1", "s", NOW))
    after_the_first = 1_789_000_000_000
    assert open_count_txn(txn, ORG, after_the_first) == 1
    assert forget_over_txn(txn, after_the_first) == 1
    assert gathering_txn(txn, ORG, "g1") is None
    assert posts_txn(txn, "g1", "!a") == {}
