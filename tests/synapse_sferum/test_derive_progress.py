"""The figures behind a progress bar, and the look at every room, on both databases."""

from __future__ import annotations

import pytest
from synapse.storage.database import LoggingTransaction

from synapse_sferum import jobs
from synapse_sferum.derive import derive_txn
from synapse_sferum.directory import progress_txn, queue_every_room_txn, revision_txn
from synapse_sferum.directory_rows import touch_txn
from synapse_sferum.edits import EditRefused
from tests.support.directories import store
from tests.support.schools import ORG, ordinary, uid


def test_from_a_change_to_settled(txn: LoggingTransaction) -> None:
    """Behind after a write, queued after the derivation, settled when every job is done."""
    store(txn, ordinary().directory())
    behind = progress_txn(txn, ORG, 10_001)
    assert (behind["revision"], behind["reconciled_revision"]) == (1, -1)
    assert (behind["lag_s"], behind["settled"]) == (10.0, False)
    derive_txn(txn, ORG, 12_000)
    queued = progress_txn(txn, ORG, 12_500)
    assert queued["reconciled_revision"] == 1
    assert queued["rooms"] == {"wanted": 9, "ready": 0, "filling": 0}
    assert (queued["memberships"]["done"], queued["jobs"]["queued"]) == (0, 20)
    assert queued["lag_s"] == 12.5, "names have waited since the write"
    while job := jobs.take_txn(txn, 13_000):
        jobs.finish_txn(txn, job, 13_000)
    txn.execute("UPDATE sferum_rooms SET state = 'ready', room_id = '!' || kind || ref")
    txn.execute(
        "INSERT INTO local_current_membership SELECT room_id, ?, '$e', 'join' FROM sferum_rooms"
        " WHERE kind = 'staff'",
        (uid("T1"),),
    )
    done = progress_txn(txn, ORG, 14_000)
    assert (done["settled"], done["lag_s"], done["held"]) == (True, 0.0, "")
    assert done["rooms"] == {"wanted": 9, "ready": 9, "filling": 0}
    assert done["memberships"] == {"wanted": queued["memberships"]["wanted"], "done": 1}


def test_a_full_look_queues_idle_rooms_only(txn: LoggingTransaction) -> None:
    """Rooms that already wait or are worked on are left alone."""
    store(txn, ordinary().directory())
    derive_txn(txn, ORG, 10)
    assert queue_every_room_txn(txn, ORG, 20) == 0
    txn.execute("UPDATE sferum_jobs SET state = 'done' WHERE ref LIKE ?", ("class%",))
    assert queue_every_room_txn(txn, ORG, 30) == 4
    assert jobs.counts_txn(txn, ORG)["done"] == 0


def test_revisions_count_writes(txn: LoggingTransaction) -> None:
    """Each write is one revision; a school that is not there has none and no progress."""
    store(txn, ordinary().directory())
    touch_txn(txn, ORG, 5)
    assert revision_txn(txn, ORG) == 2
    assert revision_txn(txn, "nowhere") == 0
    with pytest.raises(EditRefused):
        progress_txn(txn, "nowhere", 5)
