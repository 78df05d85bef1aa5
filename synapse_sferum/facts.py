"""Cached reads for callbacks and the guard: who is this user, which managed room is this.

Every read goes through a cached function registered with Synapse, so that a write on any process is seen by all within
a second. Nothing here asks the network, and nothing here decides.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Mapping
from datetime import UTC, date, datetime
from typing import Any, TypeVar, cast
from zoneinfo import ZoneInfo

from attrs import field, frozen
from synapse.module_api import CachedFunction, LoggingTransaction, ModuleApi, cached
from synapse.util.caches.descriptors import cachedList

from synapse_sferum.account import Account
from synapse_sferum.district import room_rows
from synapse_sferum.district.room_plan import CommonRoom
from synapse_sferum.model import OrgId, RoomId, RoomKey, RoomKind
from synapse_sferum.private.rooms import server_is_joined
from synapse_sferum.private.server import clock_of
from synapse_sferum.private.tables import inviter_txn, membership_txn, room_of_event_txn
from synapse_sferum.quiet.rows import rules_txn
from synapse_sferum.quiet.values import Level, Rule
from synapse_sferum.rows import accounts_txn

F = TypeVar("F", bound=Callable[..., Any])


def typed(decorator: Callable[[Any], Any]) -> Callable[[F], F]:
    """Keep a method's type: Synapse types its cache decorators for its own mypy plugin only."""
    return cast("Callable[[F], F]", decorator)


@frozen
class ManagedRoom:
    """A room that belongs to the module. `state`: wanted | filling | ready | archiving | archived."""

    room_id: RoomId
    org_id: OrgId
    key: RoomKey
    state: str


@frozen
class PeerServer:
    """A server of the district register.

    Attributes:
        role_pairs: (ours, theirs) role words that may meet.
        until_ms: milliseconds since 1970; from then on the register is no longer in force.
        keys: Matrix signing keys that speak for it, key id → base64; none: Synapse finds them.
    """

    server_name: str
    role_pairs: frozenset[tuple[str, str]]
    until_ms: int
    keys: Mapping[str, str] = field(factory=dict, hash=False)


class Facts:
    """The directory as seen by decisions.

    Args:
        now_ms: wall clock, milliseconds since 1970.
    """

    def __init__(self, api: ModuleApi, now_ms: Callable[[], int]) -> None:
        self._api = api
        self._now_ms = now_ms
        # Synapse's cache descriptors read these two names off the instance.
        self.server_name = api.server_name
        self.clock = clock_of(api)
        for function in (
            self.account,
            self.managed_room,
            self.common_room,
            self.subjects,
            self._peer_row,
            self.quiet_rules,
        ):
            api.register_cached_function(cast("Any", function))

    def now_ms(self) -> int:
        """Wall clock, milliseconds since 1970."""
        return self._now_ms()

    def today(self, timezone: str) -> date:
        """The school's date (R17: a birthday turns at 00:00 school time)."""
        return (
            datetime.fromtimestamp(self._now_ms() / 1000, UTC).astimezone(ZoneInfo(timezone)).date()
        )

    @typed(cached(max_entries=50_000))
    async def account(self, user_id: str) -> Account | None:
        """The facts of an active account, or None for everyone else (left, listed, unknown, service user)."""
        found = await self._api.run_db_interaction("sferum_account", accounts_txn, [user_id])
        return found.get(user_id)

    @typed(cachedList(cached_method_name="account", list_name="user_ids"))
    async def accounts(self, user_ids: Collection[str]) -> Mapping[str, Account | None]:
        """The same for many, one query for those not cached. Every asked user is a key."""
        found = await self._api.run_db_interaction("sferum_accounts", accounts_txn, list(user_ids))
        return {user_id: found.get(user_id) for user_id in user_ids}

    @typed(cached(max_entries=20_000))
    async def managed_room(self, room_id: str) -> ManagedRoom | None:
        """The managed room behind a room id, or None for a room people made themselves."""

        def read(txn: LoggingTransaction) -> ManagedRoom | None:
            txn.execute(
                "SELECT org_id, kind, ref, state FROM sferum_rooms WHERE room_id = ?", (room_id,)
            )
            row = txn.fetchone()
            if row is None:
                return None
            return ManagedRoom(
                RoomId(room_id), OrgId(row[0]), RoomKey(RoomKind(row[1]), row[2]), row[3]
            )

        return await self._api.run_db_interaction("sferum_managed_room", read)

    async def peer_server(self, server_name: str) -> PeerServer | None:
        """The district's entry for a server, or None: then nothing of it is let in (R4).

        The clock is asked each time: a register that nobody renews ends on every process by itself.
        """
        found = await self._peer_row(server_name)
        return found if found is not None and self._now_ms() < found.until_ms else None

    async def peer_keys(self, server_name: str) -> Mapping[str, str]:
        """Keys that the register gives a listed server, key id → base64; none for others."""
        found = await self.peer_server(server_name)
        return {} if found is None else found.keys

    @typed(cached(max_entries=5_000))
    async def _peer_row(self, server_name: str) -> PeerServer | None:
        def read(txn: LoggingTransaction) -> PeerServer | None:
            txn.execute(
                "SELECT role_pairs, until_ms, server_keys FROM sferum_peer_servers"
                " WHERE server_name = ?",
                (server_name,),
            )
            row = txn.fetchone()
            if row is None:
                return None
            pairs = frozenset((a, b) for a, b in json.loads(row[0]))
            return PeerServer(server_name, pairs, int(row[1]), json.loads(row[2]))

        return await self._api.run_db_interaction("sferum_peer_server", read)

    async def peer_names(self) -> frozenset[str]:
        """Names of all servers that are let in now; one query."""

        def read(txn: LoggingTransaction) -> frozenset[str]:
            txn.execute(
                "SELECT server_name FROM sferum_peer_servers WHERE until_ms > ?", (self._now_ms(),)
            )
            return frozenset(str(row[0]) for row in txn)

        return await self._api.run_db_interaction("sferum_peer_names", read)

    async def inviter(self, user_id: str, room_id: str) -> str | None:
        """Who invited one of our users to a room; None: nobody."""
        return await self._api.run_db_interaction("sferum_inviter", inviter_txn, user_id, room_id)

    async def membership(self, user_id: str, room_id: str) -> str | None:
        """Membership of anybody in a room of this server; None: never there."""
        return await self._api.run_db_interaction(
            "sferum_membership", membership_txn, user_id, room_id
        )

    @typed(cached(max_entries=20_000))
    async def common_room(self, room_id: str) -> CommonRoom | None:
        """The room of several schools behind a room id (ADR 30), or None."""
        found = await self._api.run_db_interaction(
            "sferum_common_room", room_rows.rooms_txn, room_id
        )
        return found[0] if found else None

    @typed(cached(max_entries=20_000))
    async def subjects(self, user_id: str) -> frozenset[str]:
        """What somebody teaches, as the school wrote it down."""
        found = await self._api.run_db_interaction(
            "sferum_subjects_of", room_rows.subjects_txn, user_id
        )
        return found.get(user_id, frozenset())

    async def awaited(self, host: str, ref: str) -> bool:
        """Whether the register gives this school a room of that maker to enter."""
        return await self._api.run_db_interaction(
            "sferum_awaited", room_rows.awaited_txn, host, ref
        )

    async def forget_common_rooms(self, room_ids: Collection[str]) -> None:
        """Make every process read these rooms again. Call after the write is committed."""
        for room_id in room_ids:
            await self._api.invalidate_cache(cast("Any", self.common_room), (room_id,))

    async def forget_subjects(self, user_id: str) -> None:
        """The same for somebody's subjects."""
        await self._api.invalidate_cache(cast("Any", self.subjects), (user_id,))

    async def server_is_joined(self, server_name: str, room_id: str) -> bool:
        """Whether somebody of a server is in a room that we are in; Synapse's own cache."""
        return await server_is_joined(self._api, server_name, room_id)

    async def room_of_event(self, event_id: str) -> str | None:
        """The room of an event we have; None: we have no such event."""
        return await self._api.run_db_interaction("sferum_room_of", room_of_event_txn, event_id)

    async def forget_peers(self, server_names: Collection[str]) -> None:
        """Make every process read these servers again. Call after the write is committed."""
        for server_name in server_names:
            await self._api.invalidate_cache(cast("Any", self._peer_row), (server_name,))

    @typed(cached(max_entries=1_000))
    async def quiet_rules(self, org_id: str) -> Mapping[tuple[Level, str], Rule]:
        """A school's rules about quiet hours (R49)."""
        return await self._api.run_db_interaction("sferum_quiet_rules", rules_txn, org_id)

    async def forget_quiet_rules(self, org_id: str) -> None:
        """Make every process read a school's rules again. Call after the write is committed."""
        await self._api.invalidate_cache(cast("Any", self.quiet_rules), (org_id,))

    async def forget_accounts(self, user_ids: Collection[str]) -> None:
        """Make every process read these accounts again. Call after the write is committed."""
        for user_id in user_ids:
            await self._api.invalidate_cache(cast("Any", self.account), (user_id,))

    def forget_here(self, user_ids: Collection[str]) -> None:
        """The same on this process only: at once, without waiting for the writer's word to arrive."""
        cache: CachedFunction[Any] = self.account  # type: ignore[assignment]
        for user_id in user_ids:
            cache.invalidate((user_id,))

    async def forget_room(self, room_id: str) -> None:
        """The same for a managed room."""
        await self._api.invalidate_cache(cast("Any", self.managed_room), (room_id,))
