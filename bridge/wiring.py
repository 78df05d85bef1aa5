"""From the configuration to everything that pages, bot and loops work with; and back, at the end, in order."""

from __future__ import annotations

import asyncio
import logging
import os
import sqlite3
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import datetime
from pathlib import Path

import aiohttp
from attrs import frozen
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError

from bridge.answers import Chance, Settings
from bridge.appservice import AppService, BadRegistration
from bridge.calls_server import CallsServer
from bridge.config import Config
from bridge.directory_http import HttpDirectory
from bridge.exports_http import HttpExports
from bridge.homeserver_http import HttpHomeserver
from bridge.homeserver_media import HttpMedia
from bridge.materials_http import HttpMaterials
from bridge.ports_sending import Senders
from bridge.posted_files import PostedFiles
from bridge.quiet_http import HttpQuietHours
from bridge.records import BoundContact
from bridge.schedule_http import HttpSchedule
from bridge.senders import senders_of
from bridge.services import Services
from bridge.store import SqlStore
from bridge.vault import BadKeyFile, CannotUnseal, FileVault
from bridge.writer import Writer
from serving.logs import kind_of
from serving.secret_files import BadSecret, read_secret
from serving.settings import BadConfig

logger = logging.getLogger(__name__)

#: Seconds until the next look for a database that is away; then the last one repeats.
LOOK_AGAIN_S = (1.0, 2.0, 5.0, 10.0)
DATABASES = "sqlite+aiosqlite:////folder/bridge.db or postgresql+asyncpg://…"
#: Connections to Synapse, gateways and mail at once; a school's morning needs a dozen.
CONNECTIONS = 100


class StoppedEarly(Exception):
    """Asked to end before everything was there."""


@frozen(kw_only=True)
class Machine:
    """What only `__main__` takes from the machine.

    Attributes:
        clock: the wall clock.
        seconds: a clock that does not go back.
        write: puts a line on the screen, for messages of `console: true`.
    """

    clock: Callable[[], datetime]
    seconds: Callable[[], float]
    chance: Chance
    random_bytes: Callable[[int], bytes]
    write: Callable[[str], object]


@frozen(kw_only=True)
class Wired:
    """Attributes:
    registration: who we are to Synapse; the bot signs in with its token.
    session: of all outgoing HTTP.
    """

    services: Services
    senders: Senders
    store: SqlStore
    registration: AppService
    session: aiohttp.ClientSession


@asynccontextmanager
async def wired(config: Config, machine: Machine, stop: asyncio.Event) -> AsyncIterator[Wired]:
    """Everything opened; closed at the end of the block. Waits for the database, not for Synapse.

    Raises:
        BadConfig: names the setting.
        StoppedEarly: `stop` was set while we waited.
    """
    try:
        token = read_secret(config.service_token_file)
    except BadSecret as error:
        raise BadConfig(f"service_token_file: {error}") from None
    try:
        registration = AppService.read(config.appservice_file)
    except BadRegistration as error:
        raise BadConfig(f"appservice_file: {error}") from None
    store = await _open_store(config.database, stop)
    try:
        vault = open_vault(config.keys_file, await store.sample_contact())
        connector = aiohttp.TCPConnector(limit=CONNECTIONS)
        async with aiohttp.ClientSession(
            connector=connector, cookie_jar=aiohttp.DummyCookieJar(), trust_env=False
        ) as session:
            senders = senders_of(config, session, machine.clock, machine.write)
            services = _services(config, machine, store, vault, session, token, registration)
            yield Wired(
                services=services,
                senders=senders,
                store=store,
                registration=registration,
                session=session,
            )
    finally:
        await store.close()


def _services(
    config: Config,
    machine: Machine,
    store: SqlStore,
    vault: FileVault,
    session: aiohttp.ClientSession,
    token: str,
    registration: AppService,
) -> Services:
    directory = HttpDirectory.connect(session, config.homeserver_url, token, machine.seconds)
    homeserver = HttpHomeserver.connect(session, config.homeserver_url, registration.as_token)
    writer = Writer(
        store=store,
        vault=vault,
        directory=directory,
        homeserver=homeserver,
        clock=machine.clock,
    )
    return Services(
        config=config,
        store=store,
        vault=vault,
        directory=directory,
        homeserver=homeserver,
        schedules=HttpSchedule.connect(session, config.homeserver_url, token),
        materials=HttpMaterials.connect(session, config.homeserver_url, token),
        posted=PostedFiles(
            HttpMedia.connect(session, config.homeserver_url, registration.as_token),
            config.posted_files,
        ),
        quiet=HttpQuietHours.connect(session, config.homeserver_url, token),
        exports=HttpExports.connect(session, config.homeserver_url, token),
        writer=writer,
        settings=Settings(
            host=config.host,
            limits=config.limits,
            phones=config.phones,
            email_signup_max_grade=config.email_signup_max_grade,
        ),
        chance=machine.chance,
        clock=machine.clock,
        random_bytes=machine.random_bytes,
        calls=CallsServer(config.clients.calls),
    )


async def _open_store(url: str, stop: asyncio.Event) -> SqlStore:
    check_place(url)
    tries = 0
    while True:
        try:
            return await SqlStore.open(url)
        except (ArgumentError, NoSuchModuleError, ValueError):
            raise BadConfig(f"database: want {DATABASES}") from None
        except (DBAPIError, OSError, sqlite3.Error) as error:
            if url.startswith("sqlite"):
                raise BadConfig(f"database: {kind_of(error)}; is the file ours to write?") from None
            wait_s = LOOK_AGAIN_S[min(tries, len(LOOK_AGAIN_S) - 1)]
            logger.warning("waiting for the database error=%s again_s=%.0f", kind_of(error), wait_s)
        tries += 1
        if await is_set_within(stop, wait_s):
            raise StoppedEarly


def check_place(url: str) -> None:
    """The folder of a SQLite file is there, and ours to write in.

    Raises:
        BadConfig: it is not, or `url` is no address.
    """
    try:
        parts = make_url(url)
    except ArgumentError:
        raise BadConfig(f"database: want {DATABASES}") from None
    if parts.get_backend_name() != "sqlite" or not parts.database:
        return
    folder = Path(parts.database).absolute().parent
    if not os.access(folder, os.W_OK | os.X_OK):
        raise BadConfig(f"database: the folder {folder} is missing, or not ours to write in")


def open_vault(path: Path, sample: BoundContact | None) -> FileVault:
    """The keys; made at the very first start only. With other keys nobody's contact is found again.

    Args:
        sample: any contact of the database, if there is one.

    Raises:
        BadConfig: they do not belong to what the database holds, or the file cannot be used.
    """
    try:
        if not path.exists() and sample is None:
            vault = FileVault.make(path)
            logger.warning("keys made path=%s: back them up, apart from the database", path)
        else:
            vault = FileVault.read(path)
    except BadKeyFile as error:
        raise BadConfig(f"keys_file: {error}") from None
    except OSError as error:
        raise BadConfig(f"keys_file: {path}: {type(error).__name__}") from None
    if sample is not None and sample.sealed is not None:
        try:
            vault.unseal(sample.sealed, f"contact:{sample.user_id}")
        except CannotUnseal:
            raise BadConfig(
                f"keys_file: {path} is not the file of keys that this database was written with"
            ) from None
    return vault


async def is_set_within(event: asyncio.Event, seconds: float) -> bool:
    """Wait for an event, at most so long; whether it came."""
    try:
        async with asyncio.timeout(seconds):
            await event.wait()
    except TimeoutError:
        return False
    return True
