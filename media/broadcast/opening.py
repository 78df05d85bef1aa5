"""Broadcasts of one process put together: the register, the origin, the stage, the pages.

async with open_broadcasts(settings, …) as broadcasts:
    broadcasts.add_routes(app)
"""

from __future__ import annotations

import asyncio
import logging
import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

from aiohttp import web
from attrs import define
from prometheus_client.registry import Collector

from media.broadcast.around import Around, MakeStudio, Studio
from media.broadcast.desk.endpoints import DeskPages
from media.broadcast.fanout.node import FanOut
from media.broadcast.fanout.opening import open_fan_out, read_schools
from media.broadcast.fanout.puller import Now
from media.broadcast.figures import DELAY, HouseFigures
from media.broadcast.house import showing
from media.broadcast.house.floor_store import FloorStore
from media.broadcast.house.following import Following
from media.broadcast.house.house import BroadcastHouse
from media.broadcast.house.leads import Leads
from media.broadcast.house.pass_key import pass_key
from media.broadcast.house.signing import Signing
from media.broadcast.origin.endpoints import Endpoints
from media.broadcast.origin.figures import OriginFigures
from media.broadcast.origin.judging import Judge
from media.broadcast.origin.origin import Origin
from media.broadcast.origin.publication import Opening, Publication, Told
from media.broadcast.origin.showing import Recordings
from media.broadcast.origin.storing import open_mirror
from media.broadcast.pages.endpoints import WatchPages, add_static
from media.broadcast.passes import Kind, Pass
from media.broadcast.register.api import No
from media.broadcast.register.opening import Register, open_register
from media.broadcast.register.values import State
from media.broadcast.settings import Broadcasts
from media.broadcast.whip.ids import BroadcastId
from serving.json_http import Lost, NoAnswer
from serving.secret_files import BadSecret, read_secret
from serving.settings import BadConfig

logger = logging.getLogger(__name__)

#: In the folder of broadcasts: parts of those that run; recordings that the register has not taken over yet.
PARTS, MADE, FLOORS = "parts", "made", "floors"
#: Characters of an ETag's beginning.
TAG_BITS = 48


@define(eq=False, kw_only=True)
class Broadcasting:
    """What the process serves and counts."""

    register: Register
    origin: Origin
    house: BroadcastHouse
    studio: Studio
    endpoints: Endpoints
    recordings: Recordings
    watch: WatchPages
    desk: DeskPages
    player: Path
    fan: FanOut | None = None

    def add_routes(self, app: web.Application) -> None:
        """Before the pages of calls, whose application answers whatever is left."""
        self.endpoints.add_routes(app)
        self.desk.add_routes(app)
        self.recordings.add_routes(app)
        self.watch.add_routes(app)
        if self.fan is not None:
            self.fan.door.add_routes(app)
        add_static(app, self.player)
        app.add_subapp("/whip", self.studio.publishers.app())
        app.add_subapp("/whep", self.studio.viewers.app())

    def ids(self) -> Collection[str]:
        """Of the broadcasts that are on this node, over or not."""
        return self.register.book.ids()

    def collectors(self) -> tuple[Collector, ...]:
        others = {
            "register": self.register.watchers.counted,
            "doors": self.register.doors.counted,
            "told": self.register.announcer.counted,
            "whip": self.studio.publishers.counted,
            "whep": self.studio.viewers.counted,
            "schools": {} if self.fan is None else self.fan.door.counted,
        }
        return (
            HouseFigures(self.house, others),
            OriginFigures(self.endpoints, self.recordings),
            *self.studio.figures(),
        )


def check_broadcasts(settings: Broadcasts) -> tuple[str, ...]:
    """Whether they would start; → secrets of edges.

    Raises:
        BadConfig: names the setting.
    """
    if not (settings.player / "hls.light.min.js").is_file():
        raise BadConfig(f"broadcasts.player: no hls.js in {settings.player}")
    if settings.schools_file is not None:
        try:
            read_schools(settings.schools_file)
        except BadSecret as error:
            raise BadConfig(f"broadcasts.schools_file: {error}") from None
    if settings.edge_secret_file is None:
        return ()
    try:
        return (read_secret(settings.edge_secret_file, "ascii"),)
    except BadSecret as error:
        raise BadConfig(f"broadcasts.edge_secret_file: {error}") from None


@asynccontextmanager
async def open_broadcasts(
    settings: Broadcasts, around: Around, make_studio: MakeStudio
) -> AsyncIterator[Broadcasting]:
    """Read what is on the disk, go on with what was live, serve until the end of the block.

    Raises:
        BadConfig: names the setting.
    """
    secrets = check_broadcasts(settings)
    try:
        signing = Signing([pass_key(settings.folder, around.chance)])
    except (OSError, BadSecret) as error:
        raise BadConfig(f"broadcasts.folder: {error}") from None
    async with AsyncExitStack() as stack:
        try:
            register = await stack.enter_async_context(_register(settings, around))
        except (OSError, sqlite3.Error) as error:
            why = type(error).__name__
            raise BadConfig(f"broadcasts.folder: {settings.folder}: {why}") from None
        told: list[Callable[[Told], None]] = []
        mirror = None
        if settings.storage is not None:
            try:
                mirror = await stack.enter_async_context(
                    open_mirror(settings.storage, signing.keys[0], around.wall)
                )
            except BadSecret as error:
                raise BadConfig(f"broadcasts.storage.secret_file: {error}") from None
        origin = Origin(
            folder=settings.folder / PARTS,
            recordings=settings.folder / MADE,
            tell=lambda fault: _all(told, fault),
            materials=register.materials,
            tag=lambda: f"{around.bits(TAG_BITS):x}",
            wall=around.wall,
            mirror=mirror,
        )
        going_on = await origin.restore()
        group = await stack.enter_async_context(asyncio.TaskGroup())
        stack.push_async_callback(origin.stop)
        stack.callback(group.create_task(origin.run()).cancel)
        studio = await stack.enter_async_context(make_studio(register, origin, signing))
        told.append(studio.told)
        register.watchers.lost.append(studio.lost)
        register.watchers.lost.append(
            lambda one, account: signing.revoked.account(one, account, around.wall())
        )
        heard: list[Callable[[str, Now], None]] = []
        fan = None
        if settings.schools_file is not None:
            opened = _fan_out(
                settings.schools_file, settings, around, register, origin, signing, heard
            )
            try:
                fan = await stack.enter_async_context(opened)
            except BadSecret as error:
                raise BadConfig(f"broadcasts.schools_file: {error}") from None
        made = _put_together(settings, around, register, origin, signing, studio, secrets, fan)
        if fan is not None:
            heard.append(_following(made, fan, group))
        for one in register.book.all():
            if one.on_air:
                await made.house.go_on(one)
        if made.house.floors is not None:
            stack.callback(group.create_task(made.house.floors.run()).cancel)
        ended = set(going_on) - {one.id for one in register.book.all() if one.on_air}
        for name in ended:  # the register is asked: a host had ended it
            origin.end(name)
        yield made


def _register(settings: Broadcasts, around: Around) -> AbstractAsyncContextManager[Register]:
    return open_register(
        folder=settings.folder,
        homeserver=around.homeserver,
        openid=around.openid,
        server_name=around.server_name,
        service_tokens=around.tokens,
        link=lambda one: f"{around.public_url}/watch/{one}",
        recording_days=settings.recording_days,
        wall=around.wall,
        clock=around.clock,
        chance=around.chance,
    )


def _put_together(
    settings: Broadcasts,
    around: Around,
    register: Register,
    origin: Origin,
    signing: Signing,
    studio: Studio,
    secrets: Sequence[str],
    fan: FanOut | None,
) -> Broadcasting:
    floors = FloorStore(settings.folder / FLOORS)
    house = BroadcastHouse(
        book=register.book,
        watchers=register.watchers,
        doors=register.doors,
        desk=register.desk,
        tell=register.announcer,
        staging=studio,
        signing=signing,
        url=around.public_url,
        edges=settings.edges,
        last_resort=_last_resort(settings, origin),
        at_once=settings.at_once,
        wall=around.wall,
        clock=around.clock,
        delays=DELAY.observe,
        may_call=around.may_call,
        call_page=around.call_page,
        floors=floors,
    )

    def now() -> datetime:
        return datetime.fromtimestamp(around.wall(), UTC)

    desk = DeskPages(
        leading=Leads(house),
        origin=around.public_url,
        wall=now,
        clock=around.clock,
        sign_in_url=settings.sign_in_url,
        client_url=around.client_url,
    )
    house.cookie = desk.cookie
    floors.text = house.floor
    origin.lines = lambda name: map(showing.event, house.lines(name))
    judge = Judge(
        keys=signing.keys,
        may_watch=_may_watch(register, fan),
        now=around.wall,
        revoked=signing.revoked,
    )
    return Broadcasting(
        register=register,
        origin=origin,
        house=house,
        studio=studio,
        endpoints=Endpoints(origin=origin, judge=judge, secrets=secrets),
        recordings=Recordings(
            judge=judge,
            file_of=lambda one: register.materials.file_of(BroadcastId(one)),
            captions_of=lambda one: register.materials.captions_of(BroadcastId(one)),
        ),
        watch=WatchPages(
            house=house,
            wall=now,
            clock=around.clock,
            sign_in_url=settings.sign_in_url,
            client_url=around.client_url,
        ),
        desk=desk,
        player=settings.player,
        fan=fan,
    )


def _last_resort(settings: Broadcasts, origin: Origin) -> Callable[[str], str]:
    """Where a broadcast is in the storage; empty: nowhere."""
    storage, mirror = settings.storage, origin.mirror
    if storage is None or mirror is None:
        return lambda _: ""
    return lambda name: f"{storage.shown_at}/{mirror.folder_of(name)}/"


def _fan_out(
    schools_file: Path,
    settings: Broadcasts,
    around: Around,
    register: Register,
    origin: Origin,
    signing: Signing,
    heard: Sequence[Callable[[str, Now], None]],
) -> AbstractAsyncContextManager[FanOut]:
    def on_air(name: str) -> bool:
        one = register.book.get(BroadcastId(name))
        return one is not None and one.on_air

    def open_(opening: Opening) -> Publication:
        one = register.book.get(BroadcastId(opening.broadcast))
        return origin.open(showing.captioned(opening, one))

    def tell(name: str, now: Now) -> None:
        for one in heard:
            one(name, now)

    return open_fan_out(
        schools_file=schools_file,
        folder=settings.folder,
        name=around.server_name,
        url=around.public_url,
        keys=signing.keys,
        open_=open_,
        on_air=on_air,
        tell=tell,
        trusted=around.trusted,
        wall=around.wall,
        clock=around.clock,
        chance=around.chance,
    )


def _following(
    made: Broadcasting, fan: FanOut, group: asyncio.TaskGroup
) -> Callable[[str, Now], None]:
    """Other schools in the house; → what is told of them there."""
    following = Following(fan)
    made.house.schools = following
    made.studio.follows = lambda broadcast: fan.now(broadcast) is not None

    async def end(broadcast: BroadcastId) -> None:
        await made.register.book.moved(broadcast, State.ENDED)
        made.house.over(broadcast)

    def heard(name: str, now: Now) -> None:
        broadcast = BroadcastId(name)
        if following.heard(broadcast, now):
            group.create_task(end(broadcast))

    return heard


def _all(told: Sequence[Callable[[Told], None]], fault: Told) -> None:
    for one in told:
        one(fault)


def _may_watch(register: Register, fan: FanOut | None) -> Callable[[Pass], Awaitable[bool]]:
    async def may_watch(given: Pass) -> bool:
        """Raises where nobody can be asked: that is no "no"."""
        if given.kind is Kind.NODE:  # of another school: it has no account here
            return fan is not None and fan.may_watch(given)
        found = await register.watchers.standing(given.account, BroadcastId(given.broadcast))
        if found is No.UNAVAILABLE:
            raise NoAnswer(Lost.UNREACHABLE)
        return not isinstance(found, No)

    return may_watch
