"""Reads the figures that are not counted as they happen, every quarter of a minute, on the background process."""

from __future__ import annotations

from collections.abc import Callable

from prometheus_client import Gauge
from synapse.module_api import LoggingTransaction, ModuleApi

from synapse_sferum import jobs, metrics
from synapse_sferum.model import PersonStatus

_ROOM_STATES = ("wanted", "filling", "ready", "archiving", "archived")


class Gauges:
    """Sets the gauges of `metrics` from the tables."""

    def __init__(self, api: ModuleApi, now_ms: Callable[[], int]) -> None:
        self._api, self._now_ms = api, now_ms

    async def read(self) -> None:
        """One reading."""
        await self._api.run_db_interaction("sferum_gauges", self._read_txn)

    def _read_txn(self, txn: LoggingTransaction) -> None:
        for state, count in jobs.counts_txn(txn).items():
            metrics.JOBS.labels(state).set(count)
        txn.execute("SELECT MIN(created_ms) FROM sferum_jobs WHERE state IN ('queued', 'running')")
        metrics.JOB_AGE.set(self._age_s(txn))
        txn.execute(
            "SELECT MIN(dirty_since_ms) FROM sferum_orgs WHERE derived_revision <> revision"
        )
        metrics.RECONCILE_LAG.set(self._age_s(txn))
        _set_counts(
            txn,
            metrics.ROOMS,
            "SELECT state, COUNT(*) FROM sferum_rooms GROUP BY state",
            _ROOM_STATES,
        )
        statuses = [status.value for status in PersonStatus]
        _set_counts(
            txn,
            metrics.PEOPLE,
            "SELECT status, COUNT(*) FROM sferum_people GROUP BY status",
            statuses,
        )

    def _age_s(self, txn: LoggingTransaction) -> float:
        row = txn.fetchone()
        return 0.0 if row is None or row[0] is None else max(0.0, (self._now_ms() - row[0]) / 1000)


def _set_counts(
    txn: LoggingTransaction, gauge: Gauge, sql: str, words: list[str] | tuple[str, ...]
) -> None:
    txn.execute(sql)
    found = {str(word): int(count) for word, count in txn}
    for word in words:
        gauge.labels(word).set(found.get(word, 0))
