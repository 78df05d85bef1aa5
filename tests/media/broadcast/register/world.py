"""A register on a folder, with a module of the test's own beside it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from attrs import define, field

from media.broadcast.register.announcer import Announcer
from media.broadcast.register.api import Standing
from media.broadcast.register.book import Book
from media.broadcast.register.desk import Desk
from media.broadcast.register.materials import Materials
from media.broadcast.register.store import Store
from media.broadcast.register.values import Audience, Broadcast
from media.broadcast.register.watchers import Watchers
from media.broadcast.whip.ids import BroadcastId
from serving.json_http import Lost, NoAnswer
from tests.support.polling import until_async

SCHOOL = Audience(org_id="s86", school="Школа № 86", name="Школа № 86")
CLASS = Audience(org_id="s86", school="Школа № 86", room_id="!5a:s", kind="class", name="5А")
DIRECTOR, TEACHER, PUPIL = "@d:s", "@t:s", "@p:s"
NOW = 1_800_000_000.0


def broadcast(**given: object) -> Broadcast:
    values: dict[str, object] = {
        "id": BroadcastId("b1"),
        "audience": SCHOOL,
        "title": "Концерт",
        "made_by": DIRECTOR,
        "made_at": NOW,
        "key_digest": bytes(32),
    }
    return Broadcast(**{**values, **given})  # type: ignore[arg-type]


@define(eq=False)
class FakeModule:
    """What the module would say. `down`: it does not answer."""

    standings: dict[str, Standing] = field(factory=dict)
    leads: dict[str, tuple[Audience, ...]] = field(factory=dict)
    down: bool = False
    questions: list[list[str]] = field(factory=list)
    announced: list[tuple[str, str, str]] = field(factory=list)  # id, stage, by
    told: list[Mapping[str, str]] = field(factory=list)
    messages: int = 0
    answering: asyncio.Event | None = None

    def _up(self) -> None:
        if self.down:
            raise NoAnswer(Lost.UNREACHABLE)

    async def watchers(
        self, org_id: str, room_id: str, accounts: Sequence[str]
    ) -> Mapping[str, Standing]:
        self.questions.append(list(accounts))
        if self.answering is not None:
            await self.answering.wait()
        self._up()
        return {one: self.standings[one] for one in accounts if one in self.standings}

    async def audiences(self, account: str) -> tuple[Audience, ...]:
        self._up()
        return self.leads.get(account, ())

    async def announce(self, one: Broadcast, link: str) -> None:
        self._up()
        self.announced.append((one.id, one.stage, one.by))

    async def tell(self, one: Broadcast, signs: Sequence[Mapping[str, str]]) -> None:
        self._up()
        self.messages += 1
        self.told.extend(signs)


@define(eq=False)
class World:
    """Attributes:
    now: seconds, of both clocks.
    """

    folder: Path
    module: FakeModule = field(factory=FakeModule)
    now: float = NOW
    octets: int = 0
    book: Book = field(init=False)
    watchers: Watchers = field(init=False)
    materials: Materials = field(init=False)
    desk: Desk = field(init=False)
    announcer: Announcer = field(init=False)

    def __attrs_post_init__(self) -> None:
        self.book = Book(Store(self.folder / "register.db"), lambda: self.now)
        self.watchers = Watchers(self.module, self.book, lambda: self.now)
        self.materials = Materials(self.book, lambda: self.now, self.folder / "recordings", 365)
        self.announcer = Announcer(self.module, self.book, lambda one: f"https://r/watch/{one}")
        self.desk = Desk(
            self.book,
            self.watchers,
            self.module,
            self.materials,
            lambda: self.now,
            self.chance,
        )

    def chance(self, count: int) -> bytes:
        self.octets += 1
        return self.octets.to_bytes(count, "big")


@asynccontextmanager
async def opened(folder: Path) -> AsyncIterator[World]:
    """A world whose parts run until the end of the block."""
    world = World(folder)
    await world.book.open()
    async with asyncio.TaskGroup() as group:
        running = (world.watchers, world.announcer, world.materials)
        tasks = [group.create_task(one.run()) for one in running]
        try:
            yield world
        finally:
            for task in tasks:
                task.cancel()
    await world.book.close()


async def waited(fact: Callable[[], bool], *, what: str) -> None:
    """Until `fact` is so."""

    async def probe() -> bool:
        return fact()

    await until_async(probe, what=what, interval_s=0.01)
