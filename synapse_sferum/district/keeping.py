"""Keeps the register in force: asks the district, judges, writes down (R4). Runs in one process.

A removal takes effect within ten minutes: the longest wait and the time an answer may take stay under it.
"""

from __future__ import annotations

import logging
from collections.abc import Callable

from synapse.module_api import LoggingTransaction, ModuleApi

from synapse_sferum import metrics
from synapse_sferum.district import room_rows, rows
from synapse_sferum.district.cache_file import CacheFile
from synapse_sferum.district.fetching import Fetch
from synapse_sferum.district.force import peers, refusal, standing
from synapse_sferum.district.refusals import BadRegister
from synapse_sferum.district.register import Register
from synapse_sferum.district.settings import DistrictSettings
from synapse_sferum.district.signed import verified
from synapse_sferum.facts import Facts

logger = logging.getLogger(__name__)


def wait_s(most_s: float, chance: float) -> float:
    """Seconds until the next question: between half and all of `district_interval_s`.

    Spread, so that hundreds of schools do not ask in one second; `chance` is from [0, 1).
    """
    return most_s * (1 + chance) / 2


class RegisterKeeper:
    """The register held by this school."""

    def __init__(
        self,
        api: ModuleApi,
        settings: DistrictSettings,
        facts: Facts,
        fetch: Fetch,
        cache: CacheFile,
        now_ms: Callable[[], int],
    ) -> None:
        self._api, self._settings, self._facts = api, settings, facts
        self._fetch, self._cache, self._now_ms = fetch, cache, now_ms
        self._held: Register | None = None
        self._etag = ""
        self._agreed_ms = 0
        self.started = False  # the register of before the restart has been taken up

    async def start(self) -> None:
        """Take up the register of before the restart, if it is still believed; without the district."""
        self._agreed_ms = await self._api.run_db_interaction(
            "sferum_register_agreed", rows.agreed_ms_txn
        )
        refused = None
        try:
            data = await self._api.defer_to_thread(self._cache.read)
            if data is not None:
                self._held = self._verified(data, self._settings.key)
        except BadRegister as bad:
            # Another key or district in homeserver.yaml than the one it was signed with: it starts anew.
            refused = bad
            logger.warning("kept register not believed reason=%s", bad.reason.value)
        except OSError as error:
            logger.error("kept register cannot be read kind=%s", type(error).__name__)  # noqa: TRY400 - the path is ours
        await self._apply(refused)
        self.started = True

    async def turn(self) -> None:
        """Ask the district once, and make what follows hold."""
        refused = None
        try:
            await self._ask()
        except BadRegister as bad:
            refused = bad
            metrics.REGISTER_REFUSALS.labels(bad.reason.value).inc()
            serial = 0 if self._held is None else self._held.serial
            logger.warning(
                "register refused reason=%s where=%s held=%d", bad.reason.value, bad.where, serial
            )
        await self._apply(refused)

    async def _ask(self) -> None:
        answer = await self._fetch(self._etag)
        if answer.data is not None:
            held = self._held
            trusted = self._settings.key if held is None else held.operator_keys[-1]
            came = self._verified(answer.data, trusted)
            reason = refusal(held, came, self._now_ms() // 1000)
            if reason is not None:
                raise BadRegister(reason)
            if held is None or came.serial > held.serial:
                await self._keep(answer.data)
                self._held = came
                logger.info(
                    "register in force serial=%d schools=%d", came.serial, len(came.schools)
                )
            self._etag = answer.etag
        self._agreed_ms = self._now_ms()

    async def _keep(self, data: bytes) -> None:
        """Written before it holds, so that no restart goes back behind it. A full disk does not stop a removal."""
        try:
            await self._api.defer_to_thread(self._cache.write, data)
        except OSError as error:
            logger.error("register cannot be kept kind=%s", type(error).__name__)  # noqa: TRY400 - the path is ours

    def _verified(self, data: bytes, anchor: bytes) -> Register:
        return verified(data, district=self._settings.district, anchor=anchor)

    async def _apply(self, refused: BadRegister | None) -> None:
        now_ms = self._now_ms()
        own, held = self._api.server_name, self._held
        stands = standing(held, own, now_ms // 1000)
        let_in = peers(held, own, now_ms // 1000)

        def write(txn: LoggingTransaction) -> tuple[list[str], list[str]]:
            rows.write_state_txn(
                txn, self._settings.district, held, stands, refused, now_ms, self._agreed_ms
            )
            changed = rows.write_peers_txn(txn, let_in)
            return changed, room_rows.write_rooms_txn(txn, held, stands, own, let_in.keys())

        servers, rooms = await self._api.run_db_interaction("sferum_register", write)
        await self._facts.forget_peers(servers)
        await self._facts.forget_common_rooms(rooms)
        metrics.REGISTER_SERIAL.set(0 if held is None else held.serial)
        metrics.REGISTER_EXPIRES.set(0 if held is None else held.expires_s)
        metrics.REGISTER_AGREED.set(self._agreed_ms / 1000)
        metrics.REGISTER_PEERS.set(len(let_in))
