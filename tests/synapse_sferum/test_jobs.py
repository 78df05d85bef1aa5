"""The queue: one row per room, the small before the large, failures counted, nothing lost in a crash."""

from __future__ import annotations

import pytest
from synapse.storage.database import LoggingTransaction

from synapse_sferum import jobs
from synapse_sferum.jobs import Job
from synapse_sferum.model import OrgId, RoomKey, RoomKind, UserId

ORG = OrgId("school1")
CLASS, PARENTS = RoomKey(RoomKind.CLASS, "c1"), RoomKey(RoomKind.CLASS_PARENTS, "c1")
STAFF, SPACE = RoomKey(RoomKind.STAFF), RoomKey(RoomKind.SCHOOL)
USER = UserId("@u1:school.test")


def make_room(txn: LoggingTransaction, key: RoomKey, room_id: str | None) -> None:
    """A row of a managed room."""
    txn.execute(
        "INSERT INTO sferum_rooms (org_id, kind, ref, room_id) VALUES (?, ?, ?, ?)",
        (ORG, key.kind.value, key.ref, room_id),
    )


def take(txn: LoggingTransaction, now_ms: int = 100) -> Job:
    """The next job, which is there."""
    job = jobs.take_txn(txn, now_ms)
    assert job is not None
    return job


def test_the_order_of_work(txn: LoggingTransaction) -> None:
    """Names first, then the space, then rooms that do not exist, then the smallest change."""
    for key, room_id in ((SPACE, None), (STAFF, None), (CLASS, "!c"), (PARENTS, "!p")):
        make_room(txn, key, room_id)
    jobs.enqueue_txn(txn, ORG, [(CLASS, 900), (PARENTS, 2), (STAFF, 50), (SPACE, 60)], 10)
    jobs.enqueue_profile_txn(txn, ORG, USER, 20)
    order = [take(txn).subject for _ in range(5)]
    assert order == [USER, SPACE, STAFF, PARENTS, CLASS]
    assert jobs.take_txn(txn, 100) is None


def test_a_room_is_queued_once(txn: LoggingTransaction) -> None:
    """Queueing twice is one job that keeps its age; a finished one starts anew."""
    jobs.enqueue_txn(txn, ORG, [(CLASS, 5)], 10)
    jobs.enqueue_txn(txn, ORG, [(CLASS, 7)], 20)
    assert jobs.counts_txn(txn, ORG) == {"queued": 1, "running": 0, "done": 0, "dead": 0}
    (row,) = jobs.list_txn(txn, ORG, "queued", 10)
    assert (row["created_ms"], row["changed_ms"]) == (10, 20)
    jobs.finish_txn(txn, take(txn), 30)
    jobs.enqueue_txn(txn, ORG, [(CLASS, 1)], 40)
    (row,) = jobs.list_txn(txn, ORG, "queued", 10)
    assert row["created_ms"] == 40
    jobs.enqueue_txn(txn, ORG, [], 50)


def test_a_job_of_a_profile_is_queued_once(txn: LoggingTransaction) -> None:
    """The same holds for display names."""
    jobs.enqueue_profile_txn(txn, ORG, USER, 10)
    jobs.enqueue_profile_txn(txn, ORG, USER, 20)
    job = take(txn)
    assert (job.subject, job.job_id) == (USER, f"{ORG}/profile/{USER}")
    assert jobs.take_txn(txn, 100) is None


def test_what_is_queued_while_it_runs_is_not_finished(txn: LoggingTransaction) -> None:
    """A change that arrives during the work is worked on afterwards, not lost with `done`."""
    jobs.enqueue_txn(txn, ORG, [(CLASS, 1)], 10)
    job = take(txn)
    jobs.enqueue_txn(txn, ORG, [(CLASS, 1)], 20)
    jobs.finish_txn(txn, job, 30)
    jobs.fail_txn(txn, job, "late", 6, 30)
    assert take(txn).tries == 0


def test_a_slice_puts_the_rest_back(txn: LoggingTransaction) -> None:
    """After a slice the job waits behind smaller ones; progress forgives earlier failures."""
    jobs.enqueue_txn(txn, ORG, [(CLASS, 100)], 10)
    jobs.fail_txn(txn, take(txn), "busy", 6, 20)
    job = take(txn, 20_000)
    assert job.tries == 1
    jobs.pause_txn(txn, job, 60, 20_000)
    jobs.enqueue_txn(txn, ORG, [(PARENTS, 3)], 30_000)
    assert take(txn, 30_000).subject == PARENTS
    again = take(txn, 30_000)
    assert (again.subject, again.tries) == (CLASS, 0)


def test_failures_wait_longer_and_end_dead(txn: LoggingTransaction) -> None:
    """Each try waits its time; after the last the job is a dead letter with the error, cut short."""
    jobs.enqueue_txn(txn, ORG, [(CLASS, 1)], 0)
    now = 0
    for tries, delay in enumerate(jobs.RETRY_S, start=1):
        assert jobs.fail_txn(txn, take(txn, now), "SynapseError M_UNKNOWN", 6, now) == "queued"
        assert jobs.take_txn(txn, now + delay * 1000 - 1) is None
        now += delay * 1000
        (row,) = jobs.list_txn(txn, ORG, "queued", 10)
        assert row["tries"] == tries
    assert jobs.fail_txn(txn, take(txn, now), "x" * 1000, 6, now) == "dead"
    (row,) = jobs.list_txn(txn, ORG, "dead", 10)
    assert row["error"] == "x" * 300
    assert jobs.take_txn(txn, now + 10**9) is None
    assert jobs.counts_txn(txn) == {"queued": 0, "running": 0, "done": 0, "dead": 1}


@pytest.mark.parametrize("way", ["retry", "enqueue"])
def test_a_dead_job_lives_again(txn: LoggingTransaction, way: str) -> None:
    """A person's retry and a new change both revive it, with all its tries and a new age."""
    jobs.enqueue_txn(txn, ORG, [(CLASS, 1)], 0)
    assert jobs.fail_txn(txn, take(txn), "no", 1, 10) == "dead"
    if way == "retry":
        assert jobs.retry_txn(txn, ORG, jobs.job_id_of(ORG, CLASS), 5000)
    else:
        jobs.enqueue_txn(txn, ORG, [(CLASS, 1)], 5000)
    (row,) = jobs.list_txn(txn, ORG, "queued", 10)
    assert (row["tries"], row["error"], row["created_ms"]) == (0, "", 5000)
    assert take(txn, 5000).subject == CLASS


def test_only_a_dead_job_of_ones_own_school_is_retried(txn: LoggingTransaction) -> None:
    """Another school, a job that waits, and a job that is not there answer False."""
    jobs.enqueue_txn(txn, ORG, [(CLASS, 1)], 0)
    job_id = jobs.job_id_of(ORG, CLASS)
    assert not jobs.retry_txn(txn, ORG, job_id, 1)
    jobs.fail_txn(txn, take(txn), "no", 1, 10)
    assert not jobs.retry_txn(txn, "other", job_id, 1)
    assert not jobs.retry_txn(txn, ORG, "nothing", 1)
    assert jobs.retry_txn(txn, ORG, job_id, 1)


def test_a_crash_loses_no_job(txn: LoggingTransaction) -> None:
    """What was running when the process died is queued at the next start."""
    jobs.enqueue_txn(txn, ORG, [(CLASS, 1), (STAFF, 2)], 0)
    take(txn)
    jobs.recover_txn(txn, 200)
    assert jobs.counts_txn(txn, ORG)["queued"] == 2
    assert {take(txn, 200).subject, take(txn, 200).subject} == {CLASS, STAFF}


@pytest.mark.parametrize("key", [CLASS, STAFF, RoomKey(RoomKind.CLASS, "a/b")])
def test_a_key_survives_its_text(key: RoomKey) -> None:
    """The text of a job's room is read back, whatever the class id holds."""
    assert jobs.key_of(f"{key.kind.value}/{key.ref}") == key


def test_counts_are_of_one_school_or_of_all(txn: LoggingTransaction) -> None:
    """Figures of one school do not count another's."""
    jobs.enqueue_txn(txn, ORG, [(CLASS, 1)], 0)
    jobs.enqueue_txn(txn, "other", [(CLASS, 1), (STAFF, 1)], 0)
    assert jobs.counts_txn(txn, ORG)["queued"] == 1
    assert jobs.counts_txn(txn)["queued"] == 3
    assert len(jobs.list_txn(txn, "other", "queued", 1)) == 1
