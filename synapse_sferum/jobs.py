"""The queue of rooms to look at: rows in `sferum_jobs`, one per room, that survive a crash.

A job says "make this room equal to what is wanted"; it carries no list of changes, so doing it twice, or after the
directory has moved on, is harmless. States: queued → running → done, or back to queued with a delay, or dead after
`job_tries` failures: then a person must look.
"""

from __future__ import annotations

from collections.abc import Iterable

from attrs import frozen
from synapse.module_api import LoggingTransaction

from synapse_sferum.model import OrgId, RoomKey, RoomKind, UserId

#: Seconds before try n+1; the last one repeats.
RETRY_S = (1, 5, 30, 120, 600)
#: Longest error text kept.
_LONGEST_ERROR = 300
#: A job that waits keeps its age; one that was finished starts anew.
_CREATED = (
    "CASE WHEN sferum_jobs.state IN ('queued', 'running')"
    " THEN sferum_jobs.created_ms ELSE EXCLUDED.created_ms END"
)


@frozen
class Job:
    """One room's, or one account's profile's turn. `tries` counts failures so far."""

    job_id: str
    org_id: OrgId
    subject: RoomKey | UserId
    tries: int


def job_id_of(org_id: str, key: RoomKey) -> str:
    """One job per room: enqueueing again finds the same row."""
    return f"{org_id}/{key.kind.value}/{key.ref}"


def key_of(ref: str) -> RoomKey:
    """`class/c123` → the key."""
    kind, _, rest = ref.partition("/")
    return RoomKey(RoomKind(kind), rest)


def enqueue_txn(
    txn: LoggingTransaction, org_id: str, rooms: Iterable[tuple[RoomKey, int]], now_ms: int
) -> None:
    """Queue rooms, each with its size in membership changes; a queued room stays once, a dead one lives again."""
    rows = [
        (job_id_of(org_id, key), org_id, f"{key.kind.value}/{key.ref}", size, now_ms, now_ms)
        for key, size in rooms
    ]
    if rows:
        txn.execute_batch(
            "INSERT INTO sferum_jobs (job_id, org_id, kind, ref, state, size, created_ms, changed_ms)"
            " VALUES (?, ?, 'room', ?, 'queued', ?, ?, ?)"
            " ON CONFLICT (job_id) DO UPDATE SET state = 'queued', tries = 0, not_before_ms = 0,"
            " size = EXCLUDED.size, changed_ms = EXCLUDED.changed_ms, error = '',"
            f" created_ms = {_CREATED}",
            rows,
        )


def enqueue_profile_txn(txn: LoggingTransaction, org_id: str, user_id: UserId, now_ms: int) -> None:
    """Queue the display name of one account."""
    txn.execute(
        "INSERT INTO sferum_jobs (job_id, org_id, kind, ref, state, size, created_ms, changed_ms)"
        " VALUES (?, ?, 'profile', ?, 'queued', 0, ?, ?)"
        " ON CONFLICT (job_id) DO UPDATE SET state = 'queued', tries = 0, not_before_ms = 0,"
        f" changed_ms = EXCLUDED.changed_ms, error = '', created_ms = {_CREATED}",
        (f"{org_id}/profile/{user_id}", org_id, user_id, now_ms, now_ms),
    )


def take_txn(txn: LoggingTransaction, now_ms: int) -> Job | None:
    """The next job, marked running: rooms that do not exist yet first (the space before all), then the smallest.

    Small before large keeps one pupil's change of class quick while two thousand people are let into announcements.
    """
    txn.execute(
        "SELECT j.job_id, j.org_id, j.kind, j.ref, j.tries FROM sferum_jobs AS j"
        " LEFT JOIN sferum_rooms AS r ON r.org_id = j.org_id AND j.ref = r.kind || '/' || r.ref"
        " WHERE j.state = 'queued' AND j.not_before_ms <= ?"
        " ORDER BY CASE WHEN j.kind = 'profile' THEN 0 WHEN r.room_id IS NOT NULL THEN 3"
        " WHEN r.kind = 'school' THEN 1 ELSE 2 END, j.size, j.changed_ms, j.job_id LIMIT 1",
        (now_ms,),
    )
    row = txn.fetchone()
    if row is None:
        return None
    job_id, org_id, kind, ref, tries = row
    txn.execute(
        "UPDATE sferum_jobs SET state = 'running', changed_ms = ? WHERE job_id = ?",
        (now_ms, job_id),
    )
    subject = key_of(str(ref)) if kind == "room" else UserId(str(ref))
    return Job(str(job_id), OrgId(str(org_id)), subject, int(tries))


def finish_txn(txn: LoggingTransaction, job: Job, now_ms: int) -> None:
    """Done, unless the room was queued again meanwhile."""
    txn.execute(
        "UPDATE sferum_jobs SET state = 'done', tries = 0, size = 0, error = '', changed_ms = ?"
        " WHERE job_id = ? AND state = 'running'",
        (now_ms, job.job_id),
    )


def pause_txn(txn: LoggingTransaction, job: Job, left: int, now_ms: int) -> None:
    """A slice is done, `left` changes are not: back into the queue, behind smaller ones. Progress forgives failures."""
    txn.execute(
        "UPDATE sferum_jobs SET state = 'queued', tries = 0, size = ?, changed_ms = ? WHERE job_id = ?",
        (left, now_ms, job.job_id),
    )


def fail_txn(txn: LoggingTransaction, job: Job, error: str, tries_allowed: int, now_ms: int) -> str:
    """Count a failure; returns the new state, `queued` or `dead`."""
    tries = job.tries + 1
    state = "dead" if tries >= tries_allowed else "queued"
    delay = RETRY_S[min(tries, len(RETRY_S)) - 1]
    txn.execute(
        "UPDATE sferum_jobs SET state = ?, tries = ?, not_before_ms = ?, changed_ms = ?, error = ?"
        " WHERE job_id = ? AND state = 'running'",
        (state, tries, now_ms + delay * 1000, now_ms, error[:_LONGEST_ERROR], job.job_id),
    )
    return state


def recover_txn(txn: LoggingTransaction, now_ms: int) -> None:
    """After a start: what was running when the process died is queued again."""
    txn.execute(
        "UPDATE sferum_jobs SET state = 'queued', not_before_ms = 0, changed_ms = ?"
        " WHERE state = 'running'",
        (now_ms,),
    )


def retry_txn(txn: LoggingTransaction, org_id: str, job_id: str, now_ms: int) -> bool:
    """A person says: try the dead one again. False when there is no such dead job in this school."""
    txn.execute(
        "UPDATE sferum_jobs SET state = 'queued', tries = 0, not_before_ms = 0, created_ms = ?,"
        " changed_ms = ?, error = '' WHERE org_id = ? AND job_id = ? AND state = 'dead'",
        (now_ms, now_ms, org_id, job_id),
    )
    return bool(txn.rowcount)


def counts_txn(txn: LoggingTransaction, org_id: str | None = None) -> dict[str, int]:
    """How many jobs are in each state, of one school or of all."""
    where, values = ("WHERE org_id = ?", [org_id]) if org_id is not None else ("", [])
    txn.execute(f"SELECT state, COUNT(*) FROM sferum_jobs {where} GROUP BY state", values)
    found = {str(state): int(n) for state, n in txn}
    return {state: found.get(state, 0) for state in ("queued", "running", "done", "dead")}


def list_txn(
    txn: LoggingTransaction, org_id: str, state: str, limit: int
) -> list[dict[str, object]]:
    """Jobs of a school in one state, the oldest first; for a person to look at."""
    txn.execute(
        "SELECT job_id, kind, ref, tries, error, created_ms, changed_ms FROM sferum_jobs"
        " WHERE org_id = ? AND state = ? ORDER BY created_ms, job_id LIMIT ?",
        (org_id, state, limit),
    )
    names = ("job_id", "kind", "ref", "tries", "error", "created_ms", "changed_ms")
    return [dict(zip(names, row, strict=True)) for row in txn]
