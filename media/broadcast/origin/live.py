"""One broadcast that is written and watched: the Publication of a packager, the answers of viewers."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

from attrs import define, evolve, field

from media.broadcast.hls.answers import Answer, Media, Wait
from media.broadcast.hls.broadcast import Broadcast
from media.broadcast.hls.captions import Unsayable
from media.broadcast.hls.events import Event
from media.broadcast.hls.multivariant import Captions
from media.broadcast.hls.names import Ask
from media.broadcast.hls.timeline import Unfit
from media.broadcast.hls.values import Part
from media.broadcast.origin import reader
from media.broadcast.origin.journal import Begun, Over, PartAt, Place
from media.broadcast.origin.memory import Memory
from media.broadcast.origin.publication import (
    MOST_INIT_BYTES,
    MOST_PART_BYTES,
    Fault,
    Opening,
    Tell,
    Told,
    TooBig,
)
from media.broadcast.origin.waiting import Waiting
from media.broadcast.origin.writer import Writer


@define(eq=False)
class Live:
    """Its state. All of it is used on the event loop.

    Attributes:
        places: where on the disk segments are, by rendition and number; `inits` by discontinuity.
        base: added to the packager's count of discontinuities.
        over: when it ended, on the loop's clock.
        written: the disk has all of it, or what it got before a fault.
        unfit: parts that were left out, by reason.
    """

    opening: Opening
    of: Broadcast
    folder: Path
    tell: Tell
    writer: Writer
    base: int = 0
    places: dict[tuple[str, int], Place] = field(factory=dict)
    inits: dict[tuple[str, int], Place] = field(factory=dict)
    waiting: Waiting = field(init=False)
    over: float | None = field(default=None, init=False)
    written: asyncio.Event = field(factory=asyncio.Event, init=False)
    parts: int = field(default=0, init=False)
    unfit: Counter[Unfit] = field(factory=Counter, init=False)
    fault: Fault | None = field(default=None, init=False)
    _memory: dict[str, Memory] = field(init=False, repr=False)
    _theirs: dict[str, int] = field(
        factory=dict, init=False
    )  # the packager's segment, by rendition
    _page: asyncio.TimerHandle | None = field(default=None, init=False)
    #: Segments that rewind playlists name and the disk may never have, by rendition.
    _pinned: dict[str, range] = field(factory=dict, init=False)

    def __attrs_post_init__(self) -> None:
        self.waiting = Waiting(self.opening.shape.longest_wait_s)
        self._memory = {one.rendition: Memory() for one in self.opening.variants}

    @property
    def memory_bytes(self) -> int:
        return sum(one.held for one in self._memory.values())

    def reopen(self) -> None:
        """Another packager goes on, or the same one anew: it counts from 0 again."""
        self.base = self.of.next_discontinuity
        self._theirs.clear()

    def begin(
        self,
        discontinuity: int,
        inits: Mapping[str, bytes],
        wall_ms: int,
        media_at: int | None = None,
    ) -> Unfit | None:
        if set(inits) != set(self._memory):
            raise ValueError("an init segment of every rendition, and of no other")
        if any(len(data) > MOST_INIT_BYTES for data in inits.values()):
            raise TooBig
        ours = self.base + discontinuity
        refusal = self.of.begin(ours, wall_ms, media_at)
        if refusal is not None:
            return self._left_out(refusal)
        self.writer.put(Begun(ours, max(0, wall_ms), media_at or 0))
        for name, data in inits.items():
            self._memory[name].put_init(ours, data)
            if self.writer.fault is None:
                self.inits[name, ours] = self.writer.put_init(name, ours, data)
        return None

    def part(self, part: Part, data: bytes) -> Unfit | None:
        if len(data) > MOST_PART_BYTES:
            raise TooBig
        new = self._theirs.get(part.rendition) != part.segment
        place = self.of.next_place(part.rendition, new=new)
        if place is None:
            return self._left_out(Unfit.OUT_OF_ORDER)
        segment, number = place
        ours = evolve(
            part, discontinuity=self.base + part.discontinuity, segment=segment, number=number
        )
        serial = self.of.next_serial(part.rendition)
        refusal = self.of.add(ours)
        if refusal is not None:
            return self._left_out(refusal)
        self._theirs[part.rendition] = part.segment
        self.parts += 1
        memory = self._memory[part.rendition]
        memory.put_part(segment, data)
        pinned = self._pinned.get(part.rendition, range(0))
        memory.forget(self.of.oldest_number(part.rendition), pinned)
        if self.writer.fault is None:
            self._write(ours, serial, data)
        return None

    def settle(self) -> None:
        self.waiting.settle(self.of.answer)

    def say(self, text: str, at: int | None = None) -> Unsayable | None:
        """A line of captions; the recording has it too."""
        refused = self.of.say(text, at)
        if refused is None and self.of.newest_line is not None:
            self.of.captions = self.of.captions or Captions()
            self.writer.put(self.of.newest_line)
        return refused

    def post(self, event: Event) -> bool:
        """A line that everybody sees, with the next page of events. False: it is over, or there are too many."""
        loop = asyncio.get_running_loop()
        wait_s = self.of.events.put(event, loop.time())
        if wait_s is None:
            return False
        if self._page is None:
            self._page = loop.call_later(wait_s, self._turn_page)
        return True

    def _turn_page(self) -> None:
        loop = asyncio.get_running_loop()
        wait_s = self.of.events.turn(loop.time())
        self._page = loop.call_later(wait_s, self._turn_page) if wait_s else None
        self.settle()

    def end(self) -> None:
        if self.over is not None:
            return
        self.over = asyncio.get_running_loop().time()
        self.of.end()
        self.settle()
        self.writer.put(Over())
        self.writer.finish()

    async def answer(self, ask: Ask) -> Answer:
        """The judgement, as soon as there is one."""
        answer = self.of.answer(ask)
        return await self.waiting.wait(ask) if answer is Wait.WAIT else answer

    def at_hand(self, media: Media) -> bytes | tuple[bytes, ...] | None:
        """Octets in memory."""
        memory = self._memory[media.rendition]
        if media.init is not None:
            return memory.init(media.init)
        assert media.segment is not None
        if media.part is not None:
            return memory.part(media.segment, media.part)
        return memory.segment(media.segment)

    async def from_disk(self, media: Media) -> bytes | None:
        """What is asked for less often. None: it is nowhere."""
        if media.init is not None:
            place = self.inits.get((media.rendition, media.init))
        elif media.part is not None or media.segment is None:
            place = None
        else:
            place = self.places.get((media.rendition, media.segment))
        return None if place is None else await reader.read(self.folder, media.rendition, place)

    def disk_failed(self, fault: Fault) -> None:
        """It goes on live; what rewind playlists name and the disk does not have stays in memory until the end."""
        if self.fault is not None:
            return
        self.fault = fault
        self.of.close_rewind()
        for name in self._memory:
            place = self.of.next_place(name, new=True)
            assert place is not None
            self._pinned[name] = range(self.of.oldest_number(name), place[0])
        self.tell(Told(self.opening.broadcast, fault))

    def _write(self, ours: Part, serial: int, data: bytes) -> None:
        place = self.writer.next_place(ours.rendition, data)
        key = ours.rendition, ours.segment
        known = self.places.get(key)
        start = place.offset if known is None else known.offset
        self.places[key] = Place(start, place.offset + place.size - start)
        entry = PartAt(
            ours.rendition,
            ours.discontinuity,
            ours.segment,
            ours.number,
            serial,
            ours.ticks,
            ours.independent,
            place,
        )
        self.writer.put_part(entry, data)

    def _left_out(self, why: Unfit) -> Unfit:
        """The host is told once of each reason: they come many times a second."""
        self.unfit[why] += 1
        if self.unfit[why] == 1:
            self.tell(Told(self.opening.broadcast, Fault.UNFIT, why))
        return why
