"""A broadcast that runs: copies from the plane in, turns of its producer in a thread, parts to the origin.

The event loop only collects packets and hands out what is ready: coding and cutting are done in one thread of the
broadcast's own, one turn at a time. What waits is bounded; a thread that does not keep up costs this broadcast packets,
and nobody else.
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter, deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Protocol

from attrs import define, field

from media.broadcast.cmaf.clocks import RATE
from media.broadcast.ladder.transcoder import PictureTranscoder
from media.broadcast.ladder.values import Output as FromCoder
from media.broadcast.ladder.values import Rung
from media.broadcast.origin.publication import Opening, Publication
from media.broadcast.program.notices import Notice
from media.broadcast.program.outlet import Outlet, opening
from media.broadcast.program.producer import Producer, Turn
from media.broadcast.program.scene import Scene
from media.forwarder.api import Codec, Copy, Layer
from media.ids import TrackSid

logger = logging.getLogger(__name__)

#: Seconds from one turn to the next.
TURN_S = 0.04
#: Copies that wait for a turn: two seconds of 20 Mbit/s and of eight voices.
MOST_WAITING = 8_192


class Tapping(Protocol):
    """How copies of a track are got, and key frames of it."""

    def tap(self, track: TrackSid, layers: frozenset[Layer]) -> None:
        """Copies of these layers; of none: no more. Harmless for a track that has ended."""

    def ask_key(self, track: TrackSid, layer: Layer) -> None: ...


class Coder(PictureTranscoder, Protocol):
    """`ladder.process.ProcessTranscoder`."""

    async def run(self) -> None:
        """Until `close`."""


MakeCoder = Callable[[Codec, tuple[Rung, ...]], Coder]
EVERY_LAYER = frozenset(Layer)
NOBODY = Scene()


@define(eq=False)
class Running:
    """Attributes:

    broadcast: its id, for the origin and the log.
    open_: the origin's; raises where it takes no more, or not in this shape.
    tell: hosts are to know this.
    clock: seconds of the loop, as `Tapped.at` has them.
    began_ms: wall clock at the producer's tick 0, milliseconds since 1970.
    lost: copies that were thrown away because nobody had time for them.
    told: how often each notice was said.
    """

    broadcast: str
    producer: Producer
    open_: Callable[[Opening], Publication]
    make_coder: MakeCoder
    tell: Callable[[Notice], None]
    clock: Callable[[], float]
    began_ms: int
    recorded: bool = False
    lost: int = 0
    faults: int = 0
    turns: int = 0
    told: Counter[Notice] = field(factory=Counter)
    _scene: Scene = NOBODY
    _tapping: Tapping | None = None
    _tapped: dict[TrackSid, Tapping] = field(factory=dict)
    _kept: frozenset[TrackSid] = frozenset()  # that the producer shows
    _waiting: deque[Copy] = field(factory=deque)
    _outlet: Outlet | None = None
    _coder: tuple[Codec, Coder] | None = None
    _over: asyncio.Event = field(factory=asyncio.Event)

    # --- the event loop's calls

    def show(self, scene: Scene, tapping: Tapping) -> None:
        """This is on air from now on."""
        self._scene, self._tapping = scene, tapping
        self._retap()

    def clear(self) -> None:
        """Nobody publishes: the last picture, soon the still one, and silence, until somebody does."""
        self._scene = Scene(may_stay=self._scene.pictures)
        self._retap()

    def hear(self, copy: Copy) -> None:
        """A copy of a tapped track, from the plane."""
        if len(self._waiting) >= MOST_WAITING:
            self._waiting.popleft()
            self.lost += 1
            if self.lost & (self.lost - 1) == 0:
                self._tell(Notice.TOO_SLOW)
        self._waiting.append(copy)

    @property
    def tracks(self) -> frozenset[TrackSid]:
        """Whose copies are for this broadcast."""
        return frozenset(self._tapped)

    @property
    def opened(self) -> bool:
        """Whether there is something to watch."""
        return self._outlet is not None

    @property
    def parts(self) -> int:
        return 0 if self._outlet is None else self._outlet.parts

    def stop(self) -> None:
        """The broadcast is over; `run` ends when all is written."""
        self._over.set()

    async def run(self) -> None:
        """For as long as the broadcast runs. Cancelled, it goes on later in another process: nothing is ended."""
        async with asyncio.TaskGroup() as group:
            try:
                with ThreadPoolExecutor(1, thread_name_prefix="broadcast") as thread:
                    await self._turns(thread, group)
            finally:
                if self._coder is not None:
                    self._coder[1].close()
                for track, tapping in self._tapped.items():
                    tapping.tap(track, frozenset())
                self._tapped.clear()

    # --- turns

    async def _turns(self, thread: ThreadPoolExecutor, group: asyncio.TaskGroup) -> None:
        loop = asyncio.get_running_loop()
        while not await self._rests():
            copies, self._waiting = self._waiting, deque()
            work = partial(
                self.producer.turn, self._scene, copies, self._from_coder(), self.clock()
            )
            try:
                turn = await loop.run_in_executor(thread, work)
            except Exception as fault:
                self._log_fault(fault)
                continue
            self.turns += 1
            if not self._carry_out(turn, group):
                return
        last = await loop.run_in_executor(thread, self.producer.end, self.clock())
        if self._outlet is not None:
            self._outlet.write(last)
            self._outlet.end()

    async def _rests(self) -> bool:
        """Until the next turn; whether it is over."""
        try:
            async with asyncio.timeout(TURN_S):
                await self._over.wait()
        except TimeoutError:
            return False
        return True

    def _from_coder(self) -> Sequence[FromCoder]:
        return () if self._coder is None else self._coder[1].ready(self._ticks())

    def _ticks(self) -> int:
        return int((self.clock() - self.producer.zero_s) * RATE)

    def _carry_out(self, turn: Turn, group: asyncio.TaskGroup) -> bool:
        """False: the origin takes nothing of this broadcast."""
        if turn.opened and not self._open():
            return False
        if self._outlet is not None and self._outlet.write(turn.outputs):
            turn.notices.append(Notice.NOT_PUBLISHED)
        self._code(turn, group)
        for track, layer in turn.asks:
            if (tapping := self._tapped.get(track)) is not None:
                tapping.ask_key(track, layer)
        for notice in turn.notices:
            self._tell(notice)
        self._kept = self.producer.tracks
        self._retap()
        return True

    def _open(self) -> bool:
        producer = self.producer
        asked = opening(
            self.broadcast,
            producer.rhythm,
            producer.lines,
            producer.channels,
            recorded=self.recorded,
        )
        try:
            publication = self.open_(asked)
        except Exception as error:
            logger.warning(
                "the origin does not take a broadcast broadcast=%s error=%s",
                self.broadcast,
                type(error).__name__,
            )
            self._tell(Notice.NOT_PUBLISHED)
            return False
        self._outlet = Outlet(publication, producer.lines, self.began_ms)
        sizes = ",".join(f"{line.width}x{line.height}" for line in producer.lines)
        logger.info("a broadcast can be watched broadcast=%s sizes=%s", self.broadcast, sizes)
        return True

    def _code(self, turn: Turn, group: asyncio.TaskGroup) -> None:
        """Pictures for the coder; another codec needs another one."""
        now = self._ticks()
        for codec, coded in turn.code:
            if self._coder is None or self._coder[0] is not codec:
                if self._coder is not None:
                    self._coder[1].close()
                coder = self.make_coder(codec, self.producer.rungs(codec))
                group.create_task(coder.run())
                self._coder = codec, coder
            self._coder[1].take(coded, now)
        if turn.force and self._coder is not None:
            self._coder[1].want_key()

    def _retap(self) -> None:
        """Taps on what is on air or was still shown after the last turn."""
        wanted = self._kept | self._scene.tracks
        for track in self._tapped.keys() - wanted:
            self._tapped.pop(track).tap(track, frozenset())
        if self._tapping is None:
            return
        for track in (wanted & self._scene.tracks) - self._tapped.keys():
            self._tapped[track] = self._tapping
            self._tapping.tap(track, EVERY_LAYER)

    def _tell(self, notice: Notice) -> None:
        self.told[notice] += 1
        logger.info("hosts are told broadcast=%s notice=%s", self.broadcast, notice.value)
        self.tell(notice)

    def _log_fault(self, fault: Exception) -> None:
        """The 1st, 2nd, 4th, 8th… time: a packet that finds a bug can come a thousand times a second."""
        self.faults += 1
        if self.faults & (self.faults - 1) == 0:
            logger.error(
                "a broadcast met a bug broadcast=%s times=%s",
                self.broadcast,
                self.faults,
                exc_info=fault,
            )
