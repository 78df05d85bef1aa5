"""What Synapse loads: wires the parts together and decides which process does what."""

from __future__ import annotations

import logging
import secrets
import time
from pathlib import Path
from typing import Any

from synapse.module_api import ModuleApi
from synapse.module_api.errors import ConfigError

from synapse_sferum import guard, schema
from synapse_sferum.api.resource import install_api
from synapse_sferum.api.services import Services
from synapse_sferum.broadcast_posts import BroadcastPosts
from synapse_sferum.callbacks import Callbacks
from synapse_sferum.config import Config
from synapse_sferum.directory import DirectoryService
from synapse_sferum.district.cache_file import CacheFile
from synapse_sferum.district.fetching import HttpFetch
from synapse_sferum.district.keeping import RegisterKeeper, wait_s
from synapse_sferum.district.rooms import DistrictRooms
from synapse_sferum.district.rows import clear_txn as clear_register_txn
from synapse_sferum.district.status_resource import install_status
from synapse_sferum.district.whitelist import FOLLOW_MS, FollowedWhitelist
from synapse_sferum.facts import Facts
from synapse_sferum.gauges import Gauges
from synapse_sferum.login import Login
from synapse_sferum.materials.posting import MaterialPosts
from synapse_sferum.own_accounts import make_own_accounts, own_accounts
from synapse_sferum.parties import Parties
from synapse_sferum.private.federation import federation_whitelist, pin_keys
from synapse_sferum.private.pushers import hold_pushes
from synapse_sferum.quiet.pushes import QuietPushes
from synapse_sferum.reconcile import Reconciler
from synapse_sferum.schedule.book import ScheduleBook
from synapse_sferum.schedule.posting import SchedulePosts
from synapse_sferum.year import YearService

logger = logging.getLogger(__name__)

#: Shorter tokens can be guessed.
_SHORTEST_TOKEN = 32
#: Milliseconds between two readings of the gauges.
_GAUGES_MS = 15_000
#: Milliseconds between two looks for who has to be reminded of what; a reminder is late by as much at most.
_SCHEDULE_MS = 2_000
#: Milliseconds between two looks for what is so long over that it is forgotten: a day.
_FORGET_MS = 24 * 3600 * 1000


def now_ms() -> int:
    """Wall clock, milliseconds since 1970: the one clock of the module, handed to everything that needs it."""
    return int(time.time() * 1000)


class SferumModule:
    """The module: directory, policy, guard and HTTP API on every process; rooms are filled by one."""

    def __init__(self, config: Config, api: ModuleApi) -> None:
        self._config, self._api = config, api
        self._own = own_accounts(api, config)
        self.service_user = self._own.service_user
        self._facts = Facts(api, now_ms)
        self._directory = DirectoryService(api, self._facts, now_ms)
        self._reconciler = Reconciler(api, config, self._facts, self._own, now_ms)
        Callbacks(api, config, self._facts, self.service_user).register()
        Login(api, config, self._facts, self.service_user, now_ms).register()
        self._guard = guard.install(api, config, self._facts, self.service_user)
        pin_keys(api, self._facts.peer_keys)
        parties = Parties(api, config, self._facts, self.service_user)
        services = Services(
            api=api,
            directory=self._directory,
            facts=self._facts,
            guard=self._guard,
            own=self._own,
            parties=parties,
            posts=BroadcastPosts(api, self._directory, parties, now_ms),
            schedule=ScheduleBook(self._directory, now_ms),
            years=YearService(api, self._directory, self._facts, now_ms),
            now_ms=now_ms,
        )
        install_api(api, services, read_service_token(config))
        hold_pushes(api, QuietPushes(self._facts, now_ms))
        whitelist = federation_whitelist(api)
        self._whitelist = FollowedWhitelist(whitelist, api.server_name, self._facts)
        if config.of_district is not None:
            install_status(api, config.of_district, now_ms)
            api.looping_background_call(
                self._whitelist.follow,
                FOLLOW_MS,
                desc="sferum_whitelist",
                run_on_all_instances=True,
            )
        if api.should_run_background_tasks():
            self._gauges = Gauges(api, now_ms)
            self._register = register_keeper(api, config, self._facts)
            self._common = DistrictRooms(api, config, self._facts, now_ms)
            self._materials = MaterialPosts(api, self.service_user, config.pages_url, now_ms)
            self._schedule = SchedulePosts(api, self.service_user, config.pages_url, now_ms)
            api.delayed_background_call(0, self._start, desc="sferum_start")

    @staticmethod
    def parse_config(raw: dict[str, Any]) -> Config:
        """Check the section of homeserver.yaml.

        Raises:
            ConfigError: an option is wrong, or the token file cannot be used; names it.
        """
        try:
            config = Config.from_dict(raw)
            read_service_token(config)
        except (ValueError, TypeError, OSError) as error:
            raise ConfigError(f"synapse_sferum: {error}") from error
        return config

    async def _start(self) -> None:
        """Bring the tables forward, make our own accounts, then look for work while the process lives."""
        found = await self._api.run_db_interaction("sferum_migrate", schema.migrate_txn)
        if found != schema.VERSION:
            logger.info("directory tables brought forward from=%d to=%d", found, schema.VERSION)
        await make_own_accounts(self._api, self._own)
        await self._reconciler.recover()
        interval_ms = self._config.poll_interval_s * 1000
        self._api.looping_background_call(self._turn, interval_ms, desc="sferum_rooms")
        self._api.looping_background_call(self._gauges.read, _GAUGES_MS, desc="sferum_gauges")
        self._api.looping_background_call(self._schedule.turn, _SCHEDULE_MS, desc="sferum_schedule")
        self._api.looping_background_call(
            self._materials.turn, _SCHEDULE_MS, desc="sferum_materials"
        )
        self._api.looping_background_call(
            self._materials.forget, _FORGET_MS, desc="sferum_materials_forget"
        )
        self._api.looping_background_call(
            self._schedule.forget, _FORGET_MS, desc="sferum_schedule_forget"
        )
        await self._follow_register()
        logger.info("sferum is ready service_user=%s", self.service_user)

    async def _follow_register(self) -> None:
        """Other schools are strangers until the register kept, or a newer one, says otherwise."""
        if self._register is None:
            left = await self._api.run_db_interaction("sferum_no_register", clear_register_txn)
            await self._facts.forget_peers(left)
            return
        self._api.delayed_background_call(0, self._ask_district, desc="sferum_district")
        interval_ms = self._config.poll_interval_s * 1000
        self._api.looping_background_call(
            self._common_turn, interval_ms, desc="sferum_common_rooms"
        )

    async def _common_turn(self) -> None:
        try:
            await self._common.turn()
        except Exception:
            # Nothing is half done: the next look begins with what is there.
            logger.exception("rooms of the district not looked at")

    async def _ask_district(self) -> None:
        assert self._register is not None
        try:
            if not self._register.started:
                await self._register.start()
                await self._whitelist.follow()
            await self._register.turn()
            await self._whitelist.follow()  # other processes within `FOLLOW_MS`
        except Exception:
            # What is written holds until its own end; the next turn tries again.
            logger.exception("register not asked for")
        chance = secrets.randbelow(1_000) / 1_000
        pause_ms = wait_s(self._config.district_interval_s, chance) * 1000
        self._api.delayed_background_call(pause_ms, self._ask_district, desc="sferum_district")

    async def _turn(self) -> None:
        try:
            await self._reconciler.turn()
        except Exception:
            # The queue is in the database; the next turn goes on from there.
            logger.exception("turn ended early")


def register_keeper(api: ModuleApi, config: Config, facts: Facts) -> RegisterKeeper | None:
    """What follows the district's register; None for a school of no district."""
    settings = config.of_district
    if settings is None:
        return None
    fetch, cache = HttpFetch(api, settings.url), CacheFile(settings.cache_path)
    return RegisterKeeper(api, settings, facts, fetch, cache, now_ms)


def read_service_token(config: Config) -> str:
    """The bridge's token.

    Raises:
        OSError: no such file.
        ValueError: too short, or more than one line.
    """
    token = Path(config.service_token_path).read_text(encoding="ascii").strip()
    if len(token) < _SHORTEST_TOKEN or any(ch.isspace() for ch in token):
        raise ValueError(
            f"service_token_path: {config.service_token_path} must hold one line"
            f" of {_SHORTEST_TOKEN} or more characters"
        )
    return token
