"""All broadcasts of one process, from the opening to the recording in the school's hands.

`restore` before anything else, `run` in a TaskGroup of the process. A folder holds one broadcast and goes when it is
over and its recording is made: so a process that is killed at any moment finds out what is left to be done.
"""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Callable, Iterable
from pathlib import Path

from attrs import define, field

from media.broadcast.hls.broadcast import Broadcast
from media.broadcast.hls.events import Event
from media.broadcast.hls.timeline import First
from media.broadcast.origin import opening_json, reader
from media.broadcast.origin.captioning import with_captions
from media.broadcast.origin.live import Live
from media.broadcast.origin.mirror import Mirror
from media.broadcast.origin.publication import (
    Fault,
    Materials,
    Opening,
    Publication,
    Recording,
    Tell,
    Told,
)
from media.broadcast.origin.reader import Left
from media.broadcast.origin.remuxing import remux
from media.broadcast.origin.writer import LEAVES_FREE, Files, Writer
from media.broadcast.passes import is_broadcast

#: Seconds that viewers can still fetch what is over: the end, and what they went back to.
LINGERS_S = 600.0
#: Seconds that a broadcast whose process was killed waits for its packager.
WAITS_S = 900.0
#: A file of this name says that nothing is left to be done.
DONE = "done"
#: Seconds until a recording that could not be made, or handed over, is tried again; the longest.
AGAIN_S, LONGEST_AGAIN_S = 10.0, 600.0


class Closed(Exception):
    """The broadcast is over, or there are too many."""


@define(eq=False, kw_only=True)
class Origin:
    """Attributes:
    folder: of parts, nobody else's; made when it is needed.
    recordings: where finished files wait until the materials take them over; on the same disk.
    tag: a few letters of the machine's chance: ETags of another process must differ.
    wall: seconds since 1970; numbers of event pages begin there.
    lines: what all see of a broadcast when its event list begins, the oldest first.
    mirror: where broadcasts are put as plain segments as well, while they last.
    most: broadcasts at one time.
    """

    folder: Path
    recordings: Path
    tell: Tell
    materials: Materials
    tag: Callable[[], str]
    wall: Callable[[], float] = lambda: 0.0
    lines: Callable[[str], Iterable[Event]] = lambda _: ()
    mirror: Mirror | None = None
    most: int = 64
    lingers_s: float = LINGERS_S
    waits_s: float = WAITS_S
    again_s: float = AGAIN_S
    files: Files = field(factory=Files)
    leaves_free: int = LEAVES_FREE
    recorded: int = field(default=0, init=False)
    unrecorded: int = field(default=0, init=False)
    _lives: dict[str, Live] = field(factory=dict, init=False)
    _begun: asyncio.Queue[Live] = field(factory=asyncio.Queue, init=False)
    _following: dict[str, asyncio.Task[None]] = field(factory=dict, init=False)
    _ended: asyncio.Queue[Live] = field(factory=asyncio.Queue, init=False)

    def open(self, opening: Opening) -> Publication:
        """Begin a broadcast, or go on with it: after a start of the process, or of the packager.

        Raises:
            Closed: it is over, or there are too many.
            ValueError: its id is none, or it goes on with another shape.
        """
        name = opening.broadcast
        if not is_broadcast(name):
            raise ValueError("no id of a broadcast")
        live = self._lives.get(name)
        if live is not None:
            if live.over is not None:
                raise Closed
            if _names(live.opening) != _names(opening) or live.opening.shape != opening.shape:
                raise ValueError("players give up when a broadcast changes its shape")
            live.reopen()
            live.of.captions = live.of.captions or opening.captions
            return live
        if len(self._lives) >= self.most:
            raise Closed
        return self._begin(opening, None)

    def get(self, broadcast: str) -> Live | None:
        """What can be watched, or was until now."""
        return self._lives.get(broadcast)

    @property
    def lives(self) -> tuple[Live, ...]:
        return tuple(self._lives.values())

    def end(self, broadcast: str) -> None:
        """It is over, whether or not its packager is there. Harmless otherwise."""
        live = self._lives.get(broadcast)
        if live is not None:
            live.end()

    async def restore(self) -> tuple[str, ...]:
        """After a start of the process: what was live goes on when its packager comes, the rest is finished. → ids"""
        lefts = await asyncio.to_thread(self._look)
        for left in lefts:
            live = self._begin(left.opening, left)
            if left.history.ended:
                live.end()
            else:
                loop = asyncio.get_running_loop()
                loop.call_later(self.waits_s, self._abandon, live)
        return tuple(live.opening.broadcast for live in self.lives if live.over is None)

    async def run(self) -> None:
        """Make recordings, one after another, for ever; viewers of a broadcast that is over are let go."""
        turn = asyncio.Semaphore(1)
        async with asyncio.TaskGroup() as group:
            if self.mirror is not None:
                group.create_task(self._mirror(self.mirror, group))
            while True:
                live = await self._ended.get()
                group.create_task(self._finish(live, turn))

    async def _mirror(self, mirror: Mirror, group: asyncio.TaskGroup) -> None:
        while True:
            live = await self._begun.get()
            name = live.opening.broadcast
            self._following[name] = group.create_task(mirror.follow(live))

    async def stop(self) -> None:
        """The process stops: what was given out is on the disk then, and goes on after the next start."""
        for live in self.lives:
            live.waiting.release()
            if live.over is None:
                live.writer.finish()
        for live in self.lives:
            await live.written.wait()

    def _look(self) -> list[Left]:
        found = []
        for folder in sorted(self.folder.iterdir()) if self.folder.is_dir() else []:
            left = reader.look(folder)
            if left is None:
                continue
            if (folder / DONE).exists() or (left.history.ended and not left.opening.recorded):
                shutil.rmtree(folder, ignore_errors=True)
            elif left.opening.broadcast == folder.name:
                found.append(left)
        return found

    def _begin(self, opening: Opening, left: Left | None) -> Live:
        name = opening.broadcast
        loop = asyncio.get_running_loop()
        first = First() if left is None else left.history.first

        def failed(fault: Fault) -> None:
            loop.call_soon_threadsafe(lambda: live.disk_failed(fault))

        def finished() -> None:
            loop.call_soon_threadsafe(self._written, live)

        offsets = {one.rendition: 0 for one in opening.variants}
        writer = Writer(
            self.folder / name,
            opening_json.written(opening),
            offsets if left is None else dict(left.sizes),
            failed,
            finished,
            self.files,
            leaves_free=self.leaves_free,
        )
        of = Broadcast(
            self.tag(),
            opening.shape,
            opening.variants,
            opening.captions,
            first,
            opening.independent,
            {} if left is None else left.history.past,
        )
        of.events.tag, of.events.next = of.tag, int(self.wall())
        of.events.take_up(self.lines(name))
        live = Live(opening, of, self.folder / name, self.tell, writer, first.discontinuity)
        if left is not None:
            of.take_up(left.cues)
            live.places |= left.history.segments
            live.inits |= left.history.inits
        self._lives[name] = live
        if self.mirror is not None:
            self._begun.put_nowait(live)
        writer.start()
        return live

    def _abandon(self, live: Live) -> None:
        if live.parts == 0:
            live.end()

    def _written(self, live: Live) -> None:
        live.written.set()
        if live.over is not None:  # else the process stops
            self._ended.put_nowait(live)

    async def _finish(self, live: Live, turn: asyncio.Semaphore) -> None:
        name, loop = live.opening.broadcast, asyncio.get_running_loop()
        if live.opening.recorded:
            made = await self._remuxed(live, turn)
            if made is not None:
                await self._handed_over(name, made)
            await asyncio.to_thread((live.folder / DONE).touch)
        assert live.over is not None
        await asyncio.sleep(max(0.0, live.over + self.lingers_s - loop.time()))
        if self.mirror is not None:
            following = self._following.pop(name, None)
            if following is not None:
                following.cancel()
            await self.mirror.clear(live)
        self._lives.pop(name, None)
        await asyncio.to_thread(shutil.rmtree, live.folder, ignore_errors=True)

    async def _remuxed(self, live: Live, turn: asyncio.Semaphore) -> Recording | None:
        """The file; None: there was nothing to be recorded. Tried until it works: the parts are there."""
        name, again = live.opening.broadcast, self.again_s
        while True:
            async with turn:
                to = self.recordings / f"{name}.mp4"
                made = await remux(name, live.folder, to, self.leaves_free)
                if isinstance(made, Recording):
                    made = await with_captions(made, live.folder)
            if not isinstance(made, Fault):
                self.recorded += made is not None
                return made
            if again == self.again_s:
                self.unrecorded += 1
                self.tell(Told(name, made))
            await asyncio.sleep(again)
            again = min(2 * again, LONGEST_AGAIN_S)

    async def _handed_over(self, name: str, made: Recording) -> None:
        again = self.again_s
        while not await self._kept(made):
            if again == self.again_s:
                self.tell(Told(name, Fault.NOT_HANDED_OVER))
            await asyncio.sleep(again)
            again = min(2 * again, LONGEST_AGAIN_S)

    async def _kept(self, made: Recording) -> bool:
        try:
            return await self.materials.keep(made)
        except Exception:  # whatever it is: told to the host, tried again
            return False


def _names(opening: Opening) -> list[str]:
    return [one.rendition for one in opening.variants]
