"""The one background process that makes rooms equal to the directory (design.md §2).

Each turn: derive what schools want that have changed, then take rooms off the queue one by one. A room's work is done
in slices, so that a small change never waits for a large fill. After a crash the same turn goes on where the last one
stopped: the queue is in the database, and every action is idempotent.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Final

from synapse.module_api import LoggingTransaction, ModuleApi
from synapse.module_api.errors import SynapseError

from synapse_sferum import derive, jobs, metrics
from synapse_sferum.account import rooms_of
from synapse_sferum.actual import find_created, read_actual
from synapse_sferum.apply import Applier
from synapse_sferum.config import Config
from synapse_sferum.desired import DesiredRoom
from synapse_sferum.directory import queue_every_room_txn
from synapse_sferum.directory_rows import org_txn
from synapse_sferum.due import Due
from synapse_sferum.earlier_rooms import archive_name, reads_nothing
from synapse_sferum.earlier_rows import class_txn, earlier_topic_txn
from synapse_sferum.facts import Facts
from synapse_sferum.model import Org, RoomKey, RoomKind, SchoolClass, UserId
from synapse_sferum.own_accounts import OwnAccounts
from synapse_sferum.plan import MOST_AT_ONCE, creation, plan_archived, plan_room
from synapse_sferum.profile import write_profile

logger = logging.getLogger(__name__)

#: Membership changes of one room before the next room gets its turn; about a second's work.
SLICE: Final = MOST_AT_ONCE
#: Seconds between two looks at every room, for what nobody told us about.
FULL_LOOK_S: Final = 3600
#: Seconds until a school whose derivation failed is tried again.
DERIVE_AGAIN_S: Final = 30


class Reconciler:
    """Owns the loop; decisions are in `desired`, `plan` and `derive`, changes in `apply`.

    Args:
        now_ms: wall clock, milliseconds since 1970.
    """

    def __init__(
        self,
        api: ModuleApi,
        config: Config,
        facts: Facts,
        own: OwnAccounts,
        now_ms: Callable[[], int],
    ) -> None:
        self._api, self._config, self._facts = api, config, facts
        self._own, self._service_user, self._now_ms = own, own.service_user, now_ms
        self._applier = Applier(api, own.service_user, self._pace)
        self._due = Due(api, facts, own.service_user, now_ms)
        self._interrupted = (
            False  # a turn ended early (the database went away): its job is still marked running
        )
        self._last_change_ms = 0
        self._last_full_look_ms = 0
        self._derive_after_ms: dict[str, int] = {}

    async def recover(self) -> None:
        """After a start: whatever was running, or was being filled, is queued again.

        Schools whose administration room does not have the bot of homeserver.yaml are derived again.
        """

        def recover_txn(txn: LoggingTransaction) -> None:
            now = self._now_ms()
            jobs.recover_txn(txn, now)
            derive.forget_bot_txn(txn, self._own.staff_bot)
            txn.execute("SELECT org_id, kind, ref FROM sferum_rooms WHERE state = 'filling'")
            for org_id, kind, ref in list(txn):
                jobs.enqueue_txn(txn, org_id, [(RoomKey(RoomKind(kind), ref), 0)], now)

        await self._api.run_db_interaction("sferum_recover", recover_txn)

    async def turn(self) -> None:
        """One look for work; returns when there is none left."""
        if self._interrupted:
            await self.recover()
        self._interrupted = True
        await self._due.look()
        await self._full_look()
        while True:
            await self._derive()
            job = await self._api.run_db_interaction(
                "sferum_take_job", jobs.take_txn, self._now_ms()
            )
            if job is None:
                self._interrupted = False
                return
            await self._run(job)

    async def _derive(self) -> None:
        for org_id in await self._api.run_db_interaction("sferum_stale", derive.stale_orgs_txn):
            if self._derive_after_ms.get(org_id, 0) > self._now_ms():
                continue
            try:
                found = await self._api.run_db_interaction(
                    "sferum_derive", derive.derive_txn, org_id, self._now_ms(), self._own.staff_bot
                )
            except Exception:
                # One school's broken row must not stop the others' rooms; the lag shows in the metrics.
                logger.exception("rooms not derived org=%s", org_id)
                self._derive_after_ms[org_id] = self._now_ms() + DERIVE_AGAIN_S * 1000
                continue
            self._derive_after_ms.pop(org_id, None)
            # Read these accounts anew: the writer's word that they changed may still be on its way to us.
            self._facts.forget_here(found.users)
            if found.held:
                logger.error("rooms held org=%s reason=%s", org_id, found.held)
            else:
                logger.info(
                    "rooms derived org=%s rooms=%d added=%d removed=%d",
                    org_id, found.rooms, found.added, found.removed,
                )  # fmt: skip

    async def _full_look(self) -> None:
        now = self._now_ms()
        if now - self._last_full_look_ms < FULL_LOOK_S * 1000:
            return
        self._last_full_look_ms = now

        def full_look_txn(txn: LoggingTransaction) -> None:
            txn.execute("SELECT org_id FROM sferum_orgs WHERE held = ''")
            for (org_id,) in list(txn):
                queue_every_room_txn(txn, org_id, now)

        await self._api.run_db_interaction("sferum_full_look", full_look_txn)

    async def _run(self, job: jobs.Job) -> None:
        left = 0
        try:
            if isinstance(job.subject, RoomKey):
                left = await self._room(job, job.subject)
            else:
                await write_profile(self._api, job.subject)
        except Exception as error:
            await self._failed(job, error)
            return
        now = self._now_ms()
        if left:
            await self._api.run_db_interaction("sferum_pause_job", jobs.pause_txn, job, left, now)
        else:
            await self._api.run_db_interaction("sferum_finish_job", jobs.finish_txn, job, now)

    async def _failed(self, job: jobs.Job, error: Exception) -> None:
        code = error.errcode if isinstance(error, SynapseError) else ""
        text = f"{type(error).__name__} {code}".strip()
        state = await self._api.run_db_interaction(
            "sferum_fail_job", jobs.fail_txn, job, text, self._config.job_tries, self._now_ms()
        )
        metrics.FAILURES.labels(state).inc()
        level = logging.ERROR if state == "dead" else logging.WARNING
        logger.log(
            level, "job failed job=%s try=%d state=%s", job.job_id, job.tries + 1, state,
            exc_info=not isinstance(error, SynapseError),
        )  # fmt: skip

    async def _room(self, job: jobs.Job, key: RoomKey) -> int:
        """Make one room equal to what is wanted; returns the membership changes left for the next slice."""
        org = await self._api.run_db_interaction("sferum_org", org_txn, job.org_id)
        row = await self._api.run_db_interaction("sferum_room", room_row_txn, job.org_id, key)
        if org is None or row is None:
            return 0
        room_id, state = row
        desired = await self._api.run_db_interaction(
            "sferum_wanted", derive.wanted_txn, org.org_id, key
        )
        if state in {"archiving", "archived"}:
            return await self._archive(org, key, room_id, desired)
        space_id = await self._space(org, key)
        if room_id is None:
            room_id = await self._create(org, key, desired, space_id)
        elif state == "wanted":  # an archive until now: people could not come in
            await self._set_room(org.org_id, key, room_id, "filling")
        actual = await read_actual(self._api, room_id, space_id, self._service_user)
        if actual is None:
            logger.warning("room is gone and will be made again room=%s", room_id)
            room_id = await self._create(org, key, desired, space_id)
            actual = await read_actual(self._api, room_id, space_id, self._service_user)
            if actual is None:
                raise RuntimeError("the room made just now is not there")
        plan = plan_room(key, desired, actual, self._config.together_from)
        if plan.joins > SLICE:
            await self._set_room(org.org_id, key, room_id, "filling")
        left = await self._applier.apply(org.org_id, key, room_id, space_id, plan, SLICE)
        if not left:
            await self._set_room(org.org_id, key, room_id, "ready")
        return left

    async def _space(self, org: Org, key: RoomKey) -> str | None:
        """The school's space, made first if need be; None for the space itself."""
        if key.kind is RoomKind.SCHOOL:
            return None
        space = RoomKey(RoomKind.SCHOOL)
        row = await self._api.run_db_interaction("sferum_room", room_row_txn, org.org_id, space)
        if row is None or row[0] is None:
            raise RuntimeError("the school's space is not there yet")
        return row[0]

    async def _create(
        self, org: Org, key: RoomKey, desired: DesiredRoom, space_id: str | None
    ) -> str:
        """Create the room, or take up the one that a crash left behind; half-made ones are deleted."""
        for room_id in await find_created(self._api, org.org_id, key, self._service_user):
            actual = await read_actual(self._api, room_id, space_id, self._service_user)
            if actual is not None and actual.marked and actual.join_rule:
                await self._set_room(org.org_id, key, room_id, "filling")
                return room_id
            await self._api.delete_room(room_id)
        body = creation(
            org.org_id, key, desired, space_id, self._api.server_name,
            encrypted=key.kind.value in org.settings.encrypted_kinds,
            topic=await self._api.run_db_interaction(
                "sferum_earlier_rooms", earlier_topic_txn, org.org_id, key, self._api.server_name
            ),
        )  # fmt: skip
        room_id, _ = await self._api.create_room(self._service_user, body, ratelimit=False)
        await self._set_room(org.org_id, key, room_id, "filling" if desired.members else "ready")
        metrics.ACTIONS.labels("CreateRoom").inc()
        return room_id

    async def _archive(
        self, org: Org, key: RoomKey, room_id: str | None, desired: DesiredRoom
    ) -> int:
        if room_id is not None:
            space_id = await self._space(org, key)
            actual = await read_actual(self._api, room_id, space_id, self._service_user)
            if actual is not None:
                class_ = await self._api.run_db_interaction("sferum_class", class_txn, key.ref)
                keep = await self._readers(org, key, class_, actual.joined)
                name = archive_name(desired.name, class_)
                plan = plan_archived(key, name, actual, keep)
                left = await self._applier.apply(org.org_id, key, room_id, space_id, plan, SLICE)
                if left:
                    return left
        await self._set_room(org.org_id, key, room_id, "archived")
        return 0

    async def _readers(
        self, org: Org, key: RoomKey, class_: SchoolClass | None, joined: frozenset[UserId]
    ) -> frozenset[UserId]:
        """Who may go on reading an archived room: of a class that is gone, its people of today's school.

        A class that is still there and only has no pupils left keeps nobody but whom the list gives it:
        whoever moved on
        is out of the old room (R40). One of a year that was taken back keeps nobody (R37).
        """
        if class_ is not None and reads_nothing(class_, org.school_year):
            return frozenset()
        emptied = class_ is not None and class_.open
        accounts = await self._facts.accounts(sorted(joined))
        return frozenset(
            UserId(user_id)
            for user_id, account in accounts.items()
            if account is not None
            and account.org_id == org.org_id
            and (not emptied or key in rooms_of(account))
        )

    async def _set_room(self, org_id: str, key: RoomKey, room_id: str | None, state: str) -> None:
        def set_room_txn(txn: LoggingTransaction) -> bool:
            if room_row_txn(txn, org_id, key) == (room_id, state):
                return False
            txn.execute(
                "UPDATE sferum_rooms SET room_id = ?, state = ? WHERE org_id = ? AND kind = ? AND ref = ?",
                (room_id, state, org_id, key.kind.value, key.ref),
            )
            return True

        if (
            await self._api.run_db_interaction("sferum_set_room", set_room_txn)
            and room_id is not None
        ):
            await self._facts.forget_room(room_id)

    async def _pace(self, changes: int) -> None:
        """Hold the rate: so many membership changes a second, the time they take included."""
        elapsed = (self._now_ms() - self._last_change_ms) / 1000
        await self._api.sleep(max(0.0, changes / self._config.apply_rate - elapsed))
        self._last_change_ms = self._now_ms()


def room_row_txn(
    txn: LoggingTransaction, org_id: str, key: RoomKey
) -> tuple[str | None, str] | None:
    """(room id or None, state) of a managed room, None when it is not wanted."""
    txn.execute(
        "SELECT room_id, state FROM sferum_rooms WHERE org_id = ? AND kind = ? AND ref = ?",
        (org_id, key.kind.value, key.ref),
    )
    row = txn.fetchone()
    return (row[0], str(row[1])) if row else None
