"""A broadcast of another school, fetched once for all of our people, as long as it lasts."""

from __future__ import annotations

import asyncio
import enum
import logging
from collections import Counter
from collections.abc import Callable, Coroutine, Iterator, Mapping
from typing import TypeVar

from attrs import define, field

from media.broadcast.fanout import spoken
from media.broadcast.fanout.boxes import check_init, media_at
from media.broadcast.fanout.course import Anew, Course, Moment
from media.broadcast.fanout.peer import Away, BadDirective, CutOff, NotThere, Peer
from media.broadcast.fanout.playlists import MOST_BYTES, Front, Page, read_front, read_page
from media.broadcast.hls.names import CAPTIONS, captions_file, init_file, part_file
from media.broadcast.origin.publication import (
    MOST_INIT_BYTES,
    MOST_PART_BYTES,
    Opening,
    Publication,
)
from media.forwarder.plain.rtp import Malformed

T = TypeVar("T")

logger = logging.getLogger(__name__)

#: Seconds until the next try, doubled up to the longest; without anything for so long, it is over.
AGAIN_S, LONGEST_AGAIN_S, GIVES_UP_S = 0.5, 4.0, 900.0
#: Seconds between two looks that brought nothing.
IDLE_S = 0.25
#: Seconds that captions are waited for: pictures and sound wait meanwhile.
CAPTIONS_S = 2.0


class Now(enum.Enum):
    """How a broadcast of another school is. The values are stable: told to hosts, counted."""

    JOINING = "joining"
    LIVE = "live"
    AWAY = "away"  # their node does not answer: tried again
    OVER = "over"
    CUT_OFF = "cut_off"  # this school is not shown it, or not any more
    GIVEN_UP = "given_up"
    NOT_TAKEN = (
        "not_taken"  # our own origin takes no more, or has this broadcast from a stage of ours
    )


class _NotTaken(Exception):
    """By our own origin."""


@define(eq=False, kw_only=True)
class Puller:
    """`run` is a task that the node holds for each broadcast. What is fetched goes to a Publication of our own origin.

    Attributes:
        as_: its id here.
        recorded: a host here wants a recording of their own.
        open: our origin's, when the first playlist was read.
        clock: seconds, never going back.
        tell: `now`, whenever it changes.
        counted: parts, lines of captions, and why not.
    """

    peer: Peer
    as_: str
    recorded: bool = False
    open: Callable[[Opening], Publication]
    clock: Callable[[], float]
    tell: Callable[[Now], None]
    gives_up_s: float = GIVES_UP_S
    now: Now = field(default=Now.JOINING, init=False)
    counted: Counter[str] = field(factory=Counter, init=False)
    _publication: Publication | None = field(default=None, init=False)
    _course: Course | None = field(default=None, init=False)
    _segment: tuple[int, int] | None = field(default=None, init=False)
    _line: int = field(default=-1, init=False)  # theirs that came last
    _well_at: float = field(default=0.0, init=False)
    _again_s: float = field(default=AGAIN_S, init=False)

    async def run(self) -> Now:
        """Until it is over; when cancelled, our viewers wait for whoever goes on."""
        self._well_at = self.clock()
        end = await self._until_end()
        if self._publication is not None:
            self._publication.end()
        self._become(end)
        return end

    async def _until_end(self) -> Now:
        while True:
            try:
                await self._follow()
            except CutOff:
                return Now.CUT_OFF
            except _NotTaken:
                return Now.NOT_TAKEN
            except NotThere:
                if self._publication is not None:
                    return Now.OVER
                self.counted["notthere"] += 1
            except (Away, BadDirective) as error:
                self.counted[type(error).__name__.lower()] += 1
            except Malformed as error:
                self.counted["malformed"] += 1
                logger.warning("another school's broadcast is not of our form why=%s", error)
            else:
                return Now.OVER
            if self.clock() - self._well_at > self.gives_up_s:
                return Now.GIVEN_UP
            if self._publication is not None:
                self._become(Now.AWAY)
            await asyncio.sleep(self._again_s)
            self._again_s = min(2 * self._again_s, LONGEST_AGAIN_S)

    async def _follow(self) -> None:
        """Until its end.

        Raises:
            Away, NotThere, BadDirective, Malformed: it can be tried again; CutOff.
        """
        front = read_front(_text(await self.peer.get("main.m3u8", MOST_BYTES)))
        course = self._course or Course(_names(front))
        if set(course.names) != set(_names(front)):
            raise Malformed("other qualities than before")
        asks_plainly = True
        while True:
            since = self.clock()
            try:
                pages = await self._pages(course, plainly=asks_plainly)
            except BadDirective:
                if asks_plainly:
                    raise
                asks_plainly = True
                continue
            asks_plainly = False
            publication = self._opened(front, pages[course.names[0]])
            found = course.step(pages)
            while found is not None:
                moment, course = found
                await self._take(publication, moment)
                self._course = course
                self._well()
                found = course.step(pages)
            if pages[course.names[0]].ended:
                if self._segment is not None:
                    self._say(publication, self._segment[1], await self._spoken(self._segment[0]))
                return
            if self.clock() - since < IDLE_S:
                await asyncio.sleep(IDLE_S)

    async def _pages(self, course: Course, *, plainly: bool) -> Mapping[str, Page]:
        """Every quality's playlist, when the next part is in it."""
        query = None
        if course.segment is not None and not plainly:
            query = {"_HLS_msn": str(course.segment), "_HLS_part": str(course.part)}

        async def page(name: str) -> Page:
            body = await self.peer.get(f"{name}/live.m3u8", MOST_BYTES, query)
            return read_page(name, _text(body))

        found = await _all({name: page(name) for name in course.names})
        shapes = {one.shape for one in found.values()}
        if len(shapes) != 1:
            raise Malformed("qualities of different rhythms")
        self.peer.longest_wait_s = shapes.pop().longest_wait_s
        return found

    async def _take(self, publication: Publication, moment: Moment) -> None:
        """Fetch one part of each quality, and publish them together.

        With the first part of a segment come the captions of the one before, which is whole there and not yet here.
        """
        asked = {
            one.part.rendition: self.peer.get(
                f"{one.part.rendition}/{part_file(one.serial)}", MOST_PART_BYTES
            )
            for one in moment.wanted
        }
        segment, number = moment.there
        before = self._segment if number == 0 else None
        if before is not None:
            asked[CAPTIONS] = self._spoken(before[0])
        fetched = await _all(asked)
        spoken_there = fetched.pop(CAPTIONS, b"")
        times = {name: media_at(data) for name, data in fetched.items()}
        first = times[moment.wanted[0].part.rendition]
        if before is not None:
            self._say(publication, before[1], spoken_there)
        if moment.anew is not None:
            self._line = -1  # their lines do not go on there, and may be counted anew
            await self._begin(publication, moment.anew, first)
        if number == 0:
            self._segment = segment, first
        for one in moment.wanted:
            unfit = publication.part(one.part, fetched[one.part.rendition])
            self.counted["parts" if unfit is None else unfit.value] += 1
        publication.settle()

    async def _spoken(self, segment: int) -> bytes:
        """The captions of one of their segments; nothing where there are none, or they do not come at once."""
        try:
            async with asyncio.timeout(CAPTIONS_S):
                return await self.peer.get(
                    f"{CAPTIONS}/{captions_file(segment)}", spoken.MOST_BYTES
                )
        except (Away, NotThere, BadDirective, TimeoutError):
            return b""

    def _say(self, publication: Publication, began: int, raw: bytes) -> None:
        """Their lines of the newest segment, at the very moments. `began`: the media's own time there, ticks."""
        for line in spoken.read(raw, began):
            if line.number > self._line:
                self._line = line.number
                unsayable = publication.say(line.text, line.at)
                self.counted["captions" if unsayable is None else unsayable.value] += 1

    async def _begin(self, publication: Publication, anew: Anew, at: int) -> None:
        inits = await _all(
            {
                name: self.peer.get(f"{name}/{init_file(number)}", MOST_INIT_BYTES)
                for name, number in anew.inits.items()
            }
        )
        for data in inits.values():
            check_init(data)
        unfit = publication.begin(anew.discontinuity, inits, anew.wall_ms, at)
        if unfit is not None:
            self.counted[unfit.value] += 1

    def _opened(self, front: Front, page: Page) -> Publication:
        if self._publication is None:
            opening = Opening(
                broadcast=self.as_,
                shape=page.shape,
                variants=front.variants,
                recorded=self.recorded,
                independent=front.independent,
            )
            try:
                self._publication = self.open(opening)
            except Exception as error:
                logger.warning("our origin does not take it error=%s", type(error).__name__)
                raise _NotTaken from None
        return self._publication

    def _well(self) -> None:
        self._well_at, self._again_s = self.clock(), AGAIN_S
        self._become(Now.LIVE)

    def _become(self, now: Now) -> None:
        if now is not self.now:
            self.now = now
            logger.info("a broadcast of another school broadcast=%s now=%s", self.as_, now.value)
            self.tell(now)


def _names(front: Front) -> tuple[str, ...]:
    """The sound first: every broadcast has it, and it is asked for at the least cost."""
    ordered = sorted(front.variants, key=lambda one: one.picture is not None)
    return tuple(one.rendition for one in ordered)


def _text(body: bytes) -> str:
    try:
        return body.decode()
    except UnicodeDecodeError:
        raise Malformed("a playlist that is no text") from None


async def _all(asked: Mapping[str, Coroutine[object, object, T]]) -> dict[str, T]:
    """All at one time; the first that fails ends the others, and is what is raised."""
    try:
        async with asyncio.TaskGroup() as group:
            tasks = {name: group.create_task(one) for name, one in asked.items()}
    except ExceptionGroup as failed:
        raise next(_leaves(failed)) from None
    return {name: task.result() for name, task in tasks.items()}


def _leaves(failed: BaseExceptionGroup[BaseException]) -> Iterator[BaseException]:
    for one in failed.exceptions:
        if isinstance(one, BaseExceptionGroup):
            yield from _leaves(one)
        else:
            yield one
