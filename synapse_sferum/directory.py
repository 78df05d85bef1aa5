"""The directory as a service: read a school, run an edit, apply a roster, and tell every process what changed."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Any, Concatenate, ParamSpec, TypeVar

from attrs import frozen
from synapse.module_api import LoggingTransaction, ModuleApi

from synapse_sferum import jobs
from synapse_sferum.audit import AuditEntry
from synapse_sferum.directory_rows import (
    append_audit_txn,
    directory_txn,
    insert_org_txn,
    neighbourhood_txn,
    org_txn,
    touch_txn,
    write_txn,
)
from synapse_sferum.edits import Edit, EditRefused, check_grants, not_found
from synapse_sferum.facts import Facts
from synapse_sferum.model import Directory, Org, Role, UserId
from synapse_sferum.roster import Roster
from synapse_sferum.roster_plan import RosterPlan, plan_roster
from synapse_sferum.rows import ORG_COLUMNS, org_from
from synapse_sferum.subject_rows import write_listed_txn
from synapse_sferum.year_rows import end_undo_txn

P = ParamSpec("P")
T = TypeVar("T")


@frozen
class Actor:
    """Who asks. `roles` is None for the bridge's service, which speaks for a person it has checked itself."""

    name: str
    roles: frozenset[Role] | None


@frozen(kw_only=True)
class Written:
    """What one write did. `revision` is the school's number after it."""

    changed: bool
    revision: int
    touched: frozenset[UserId]
    plan: RosterPlan | None = None
    taught: int = 0  # people whose subjects are others now


class DirectoryService:
    """All writes to `sferum_*` records go through here.

    Args:
        now_ms: wall clock, milliseconds since 1970.
    """

    def __init__(self, api: ModuleApi, facts: Facts, now_ms: Callable[[], int]) -> None:
        self._api, self._facts, self._now_ms = api, facts, now_ms

    async def read(
        self,
        func: Callable[Concatenate[LoggingTransaction, P], T],
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> T:
        """Run one transaction of ours; the name in Synapse's metrics is the function's."""
        name = f"sferum_{getattr(func, '__name__', 'read').removesuffix('_txn')}"
        return await self._api.run_db_interaction(name, func, *args, **kwargs)

    async def orgs(self) -> list[Org]:
        """Every school of this server."""

        def orgs_txn(txn: LoggingTransaction) -> list[Org]:
            txn.execute(f"SELECT {ORG_COLUMNS} FROM sferum_orgs ORDER BY org_id")
            return [org_from(tuple(row)) for row in txn]

        return await self.read(orgs_txn)

    async def org(self, org_id: str) -> Org:
        """One school.

        Raises:
            EditRefused: 404.
        """
        found = await self.read(org_txn, org_id)
        if found is None:
            raise not_found()
        return found

    async def directory(self, org_id: str) -> Directory:
        """One school whole.

        Raises:
            EditRefused: 404.
        """
        found = await self.read(directory_txn, org_id)
        if found is None:
            raise not_found()
        return found

    async def create_org(self, org: Org, actor: str) -> None:
        """A new, empty school.

        Raises:
            EditRefused: 409, the id is taken.
        """

        def create_org_txn(txn: LoggingTransaction) -> bool:
            now = self._now_ms()
            if not insert_org_txn(txn, org, now):
                return False
            append_audit_txn(
                txn, org.org_id, [AuditEntry(actor, "org", org.org_id, "", "open")], now
            )
            return True

        if not await self.read(create_org_txn):
            raise EditRefused(409, "SFERUM_ORG_EXISTS", "a school with this id exists already")

    async def edit(
        self,
        org_id: str,
        edit: Edit,
        actor: Actor,
        check: Callable[[LoggingTransaction], None] | None = None,
        around: Collection[str] | None = None,
    ) -> Written:
        """Run a pure edit on the directory as it is now, write what differs, forget the caches it touches.

        Args:
            around: people whose neighbourhood is all the edit looks at; None reads the whole school.
            check: looked at first, in the same transaction; raises to refuse.

        Raises:
            EditRefused: the edit said no, or there is no such school.
        """

        def edit_txn(txn: LoggingTransaction) -> Written:
            before = (
                directory_txn(txn, org_id)
                if around is None
                else neighbourhood_txn(txn, org_id, around)
            )
            if before is None:
                raise not_found()
            if check is not None:
                check(txn)
            after, entries = edit(before)
            check_grants(before, after, actor.roles)
            change, touched = write_txn(txn, before, after, entries, self._now_ms())
            return Written(
                changed=not change.empty,
                revision=revision_txn(txn, org_id),
                touched=frozenset(touched),
            )

        written = await self.read(edit_txn)
        await self._facts.forget_accounts(written.touched)
        return written

    async def plan_roster(self, org_id: str, roster: Roster) -> RosterPlan:
        """What a roster would change. Nothing is written.

        In a thread: half a second for 2,300 people, during which messages must flow.
        """
        before = await self.directory(org_id)
        return await self._api.defer_to_thread(plan_roster, before, roster)

    async def apply_roster(
        self, org_id: str, roster: Roster, plan_hash: str | None, force: bool, actor: Actor
    ) -> Written:
        """Write a roster's difference: whole, or not at all.

        Args:
            plan_hash: the plan a person agreed to; None applies whatever the plan is now.
            force: go past the removal limit. The last administrator is never removed.

        Raises:
            EditRefused: 409 `SFERUM_STALE_PLAN`, `SFERUM_UNSAFE_PLAN` or `SFERUM_LAST_ADMINISTRATOR`; 404.
        """

        def apply_roster_txn(txn: LoggingTransaction) -> Written:
            before = directory_txn(txn, org_id)
            if before is None:
                raise not_found()
            plan = plan_roster(before, roster)
            if plan_hash is not None and plan_hash != plan.plan_hash and not plan.change.empty:
                raise EditRefused(
                    409,
                    "SFERUM_STALE_PLAN",
                    "the school has changed since this plan was made; make it again",
                )
            if plan.refusal == "last_administrator":
                raise EditRefused(409, "SFERUM_LAST_ADMINISTRATOR", plan.message)
            if plan.refusal is not None and not force:
                raise EditRefused(409, "SFERUM_UNSAFE_PLAN", plan.message)
            check_grants(before, plan.after, actor.roles)
            summary = ",".join(f"{kind}={n}" for kind, n in plan.counts.items())
            entry = AuditEntry(
                actor.name, "roster", roster.source, "", summary, "forced" if force else ""
            )
            change, touched = write_txn(txn, before, plan.after, [entry], self._now_ms())
            if not change.empty:
                end_undo_txn(txn, org_id)
            taught = write_listed_txn(txn, org_id, roster)
            if taught and change.empty:
                touch_txn(txn, org_id, self._now_ms())
            teachers.clear()
            teachers.update(user_id for user_id in taught.values() if user_id)
            return Written(
                changed=not change.empty or bool(taught),
                revision=revision_txn(txn, org_id),
                touched=frozenset(touched),
                plan=plan,
                taught=len(taught),
            )

        teachers: set[str] = set()
        written = await self.read(apply_roster_txn)
        await self._facts.forget_accounts(written.touched)
        for user_id in teachers:
            await self._facts.forget_subjects(user_id)
        return written

    async def reconcile_all(self, org_id: str, sanction: bool, actor: str) -> int:
        """Look at every room of a school again; with `sanction` a held derivation may go on. Returns rooms queued."""

        def reconcile_all_txn(txn: LoggingTransaction) -> int:
            if org_txn(txn, org_id) is None:
                raise not_found()
            now = self._now_ms()
            if sanction:
                touch_txn(txn, org_id, now)
                append_audit_txn(txn, org_id, [AuditEntry(actor, "sanction", org_id)], now)
            return queue_every_room_txn(txn, org_id, now)

        return await self.read(reconcile_all_txn)

    async def retry_job(self, org_id: str, job_id: str, actor: str) -> None:
        """Try a dead job again.

        Raises:
            EditRefused: 404, no such dead job in this school.
        """

        def retry_job_txn(txn: LoggingTransaction) -> None:
            now = self._now_ms()
            if not jobs.retry_txn(txn, org_id, job_id, now):
                raise not_found()
            append_audit_txn(txn, org_id, [AuditEntry(actor, "retry", job_id)], now)

        await self.read(retry_job_txn)

    async def progress(self, org_id: str) -> Mapping[str, Any]:
        """How far the rooms are behind the directory (docs/contracts.md §2)."""
        return await self.read(progress_txn, org_id, self._now_ms())


def revision_txn(txn: LoggingTransaction, org_id: str) -> int:
    """The school's revision."""
    txn.execute("SELECT revision FROM sferum_orgs WHERE org_id = ?", (org_id,))
    row = txn.fetchone()
    return int(row[0]) if row else 0


def queue_every_room_txn(txn: LoggingTransaction, org_id: str, now_ms: int) -> int:
    """Queue all rooms of a school that are not being worked on; returns how many."""
    txn.execute("SELECT kind || '/' || ref FROM sferum_rooms WHERE org_id = ?", (org_id,))
    keys = [(jobs.key_of(str(row[0])), 0) for row in txn]
    txn.execute(
        "SELECT ref FROM sferum_jobs WHERE org_id = ? AND kind = 'room' AND state IN ('queued', 'running')",
        (org_id,),
    )
    busy = {jobs.key_of(str(row[0])) for row in txn}
    idle = [(key, size) for key, size in keys if key not in busy]
    jobs.enqueue_txn(txn, org_id, idle, now_ms)
    return len(idle)


def progress_txn(txn: LoggingTransaction, org_id: str, now_ms: int) -> Mapping[str, Any]:
    """The figures behind a progress bar; `settled` when nothing is left to do."""
    txn.execute(
        "SELECT revision, derived_revision, dirty_since_ms, held FROM sferum_orgs WHERE org_id = ?",
        (org_id,),
    )
    row = txn.fetchone()
    if row is None:
        raise not_found()
    revision, derived, dirty_since, held = row
    counts = jobs.counts_txn(txn, org_id)
    txn.execute(
        "SELECT COUNT(*), COUNT(m.user_id) FROM sferum_wants AS w"
        " LEFT JOIN sferum_rooms AS r ON r.org_id = w.org_id AND r.kind = w.kind AND r.ref = w.ref"
        " LEFT JOIN local_current_membership AS m"
        " ON m.user_id = w.user_id AND m.room_id = r.room_id AND m.membership = 'join'"
        " WHERE w.org_id = ?",
        (org_id,),
    )
    wanted, done = txn.fetchone() or (0, 0)
    txn.execute(
        "SELECT COUNT(*), SUM(CASE WHEN state = 'ready' THEN 1 ELSE 0 END),"
        " SUM(CASE WHEN state = 'filling' THEN 1 ELSE 0 END)"
        " FROM sferum_rooms WHERE org_id = ? AND state NOT IN ('archived', 'archiving')",
        (org_id,),
    )
    rooms, ready, filling = txn.fetchone() or (0, 0, 0)
    txn.execute(
        "SELECT MIN(created_ms) FROM sferum_jobs WHERE org_id = ? AND state IN ('queued', 'running')",
        (org_id,),
    )
    oldest = (txn.fetchone() or (None,))[0]
    behind = [t for t in (dirty_since if derived != revision else None, oldest) if t is not None]
    return {
        "revision": int(revision),
        "reconciled_revision": int(derived),
        "lag_s": round(max(0, now_ms - min(behind)) / 1000, 1) if behind else 0.0,
        "held": str(held),
        "memberships": {"wanted": int(wanted), "done": int(done)},
        "rooms": {"wanted": int(rooms), "ready": int(ready or 0), "filling": int(filling or 0)},
        "jobs": counts,
        "settled": derived == revision and not counts["queued"] and not counts["running"],
    }
