"""All broadcasts that run on this node: who is given which copies, and what of a call or of WHIP is on air now."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Callable

from attrs import define, field

from media.broadcast.cmaf.rhythm import LOW_LATENCY, USUAL
from media.broadcast.hls.multivariant import Variant
from media.broadcast.origin.publication import Opening, Publication
from media.broadcast.program.calls import LOOK_S, CallProgram, CallTaps
from media.broadcast.program.notices import Notice
from media.broadcast.program.producer import Producer
from media.broadcast.program.running import MakeCoder, Running, Tapping
from media.broadcast.program.scene import Scene
from media.broadcast.whip.ids import BroadcastId
from media.forwarder.api import Copy

logger = logging.getLogger(__name__)

#: The sound of a concert, and of a lesson: channels, bits a second.
STEREO, MONO = (2, 96_000), (1, 64_000)
#: From 1900 to 1970, seconds: NTP's epoch.
NTP_1970 = 2_208_988_800

#: Hosts are to know this of a broadcast.
Tell = Callable[[BroadcastId, Notice], None]


@define(eq=False, kw_only=True)
class Airing:
    """`run` it in a TaskGroup of the process; `hear` is the plane's `hear_media`.

    Attributes:
        publishers: taps on tracks of WHIP.
        open_: the origin's.
        clock, wall: seconds of the loop; seconds since 1970.
        most: broadcasts at once.
        spare_cores: what each may take for coding pictures.
        told: notices since the start, by value.
    """

    publishers: Tapping
    open_: Callable[[Opening], Publication]
    make_coder: MakeCoder
    tell: Tell
    clock: Callable[[], float]
    wall: Callable[[], float]
    most: int = 8
    spare_cores: float = 0.5
    told: Counter[str] = field(factory=Counter)
    _running: dict[BroadcastId, Running] = field(factory=dict)
    _scenes: dict[BroadcastId, Scene] = field(
        factory=dict
    )  # of WHIP, also of what does not run yet
    _calls: dict[BroadcastId, CallProgram] = field(factory=dict)
    _started: asyncio.Queue[BroadcastId] = field(factory=asyncio.Queue)

    # --- of the process

    def hear(self, copy: Copy) -> None:
        for running in self._running.values():
            if copy.track in running.tracks:
                running.hear(copy)

    def published(self, broadcast: BroadcastId, scene: Scene | None) -> None:
        """Whose WHIP is on air; None: nobody's."""
        if scene is None:
            self._scenes.pop(broadcast, None)
        else:
            self._scenes[broadcast] = scene
        self._show(broadcast)

    def start(
        self,
        broadcast: BroadcastId,
        *,
        recorded: bool,
        low_latency: bool,
        promised: tuple[Variant, ...] = (),
        call: CallProgram | None = None,
    ) -> bool:
        """It runs until `stop`, whoever publishes meanwhile. False: this node bears no more.

        Args:
            promised: variants that players know of it, where it goes on after a start of this process.
            call: the call that is on air; None: what WHIP publishes.
        """
        if broadcast in self._running:
            return True
        if len(self._running) >= self.most:
            return False
        began_s, wall_s = self.clock(), self.wall()
        channels, bit_rate = STEREO if call is None else MONO
        producer = Producer(
            channels=channels,
            bit_rate=bit_rate,
            zero_s=began_s,
            origin_ntp=int((wall_s + NTP_1970) * (1 << 32)),
            spare_cores=self.spare_cores,
            rhythm=LOW_LATENCY if low_latency else USUAL,
            promised=promised,
            coded_always=call is not None,
        )
        self._running[broadcast] = Running(
            broadcast=broadcast,
            producer=producer,
            open_=self.open_,
            make_coder=self.make_coder,
            tell=lambda notice: self._tell(broadcast, notice),
            clock=self.clock,
            began_ms=int(wall_s * 1000),
            recorded=recorded,
        )
        if call is not None:
            self._calls[broadcast] = call
        self._show(broadcast)
        self._started.put_nowait(broadcast)
        return True

    def stop(self, broadcast: BroadcastId) -> None:
        """It is over; harmless when it does not run."""
        self._calls.pop(broadcast, None)
        if (running := self._running.get(broadcast)) is not None:
            running.stop()

    def get(self, broadcast: BroadcastId) -> Running | None:
        return self._running.get(broadcast)

    def call_of(self, broadcast: BroadcastId) -> CallProgram | None:
        """For the host's page: who is on air, and why not."""
        return self._calls.get(broadcast)

    def chosen(self, broadcast: BroadcastId) -> None:
        """A host has chosen: at once."""
        self._show(broadcast)

    @property
    def running(self) -> tuple[Running, ...]:
        return tuple(self._running.values())

    async def run(self) -> None:
        """For ever."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._look())
            while True:
                broadcast = await self._started.get()
                group.create_task(self._one(broadcast))

    # --- each of them

    async def _one(self, broadcast: BroadcastId) -> None:
        running = self._running[broadcast]
        try:
            await running.run()
        except Exception:
            logger.exception("a broadcast ended by a bug broadcast=%s", broadcast)
            self._tell(broadcast, Notice.NOT_PUBLISHED)
        finally:
            self._running.pop(broadcast, None)
            self._calls.pop(broadcast, None)

    async def _look(self) -> None:
        while True:
            for broadcast in list(self._calls):
                self._show(broadcast)
            await asyncio.sleep(LOOK_S)

    def _show(self, broadcast: BroadcastId) -> None:
        running = self._running.get(broadcast)
        if running is None:
            return
        call = self._calls.get(broadcast)
        if call is not None:
            running.show(call.look(), CallTaps(call.hall))
        elif (scene := self._scenes.get(broadcast)) is not None:
            running.show(scene, self.publishers)
        else:
            running.clear()

    def _tell(self, broadcast: BroadcastId, notice: Notice) -> None:
        self.told[notice.value] += 1
        self.tell(broadcast, notice)
