"""A transcoder in a process of its own: what it is given, what it has done, and another one when it ends."""

from __future__ import annotations

import asyncio
import logging
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections import Counter, deque
from collections.abc import Sequence

from attrs import define, field

from media.broadcast.cmaf.clocks import RATE
from media.broadcast.cmaf.pictures import Picture, PictureReader, split_annex_b
from media.broadcast.ladder.pacing import Pacing, Verdict
from media.broadcast.ladder.values import Coded, KeyWanted, Made, Output, Pace, Rung
from media.broadcast.ladder.wire import (
    DONE,
    FORCE,
    FROM_CODER,
    KEY,
    KEY_WANTED,
    MAKE,
    Message,
    Reader,
    write,
)
from media.broadcast.ladder.words import write_words
from media.forwarder.api import Codec
from media.forwarder.plain.rtp import Malformed

logger = logging.getLogger(__name__)

#: Seconds before a coder that ended is followed by another one: doubled each time, until one has lasted.
FIRST_WAIT_S, LONGEST_WAIT_S = 0.5, 30.0
#: Pictures that a coder must have done before its end is an accident and no rule.
LASTED = 250
#: Ticks after which a key frame is asked for again.
ASKED_AGAIN = RATE
#: Pictures and news that wait to be fetched: some seconds of three rungs.
MOST_OUT = 600
_READ = 1 << 16
_COMMAND = (sys.executable, "-m", "media.broadcast.ladder")


@define(eq=False)
class ProcessTranscoder:
    """A `PictureTranscoder`. Its `run` is a task that the broadcast holds; until it runs, nothing is made.

    Attributes:
        counted: pictures by what was done with them; `failed`, coders that ended.
    """

    codec: Codec
    rungs: tuple[Rung, ...]
    command: Sequence[str] = _COMMAND
    counted: Counter[str] = field(factory=Counter)
    _pacing: Pacing = field(factory=Pacing, init=False)
    _words: list[str] = field(init=False)
    _process: Process | None = field(default=None, init=False)
    _readers: list[PictureReader] = field(factory=list, init=False)
    _out: deque[Output] = field(factory=deque, init=False)
    _needs_key: bool = field(default=True, init=False)
    _ask_at: int | None = field(default=None, init=False)  # ticks; not before
    _force: bool = field(default=False, init=False)
    _closed: bool = field(default=False, init=False)
    _told: Pace = field(default=Pace.FULL, init=False)
    _done: int = field(default=0, init=False)  # pictures of the coder at hand

    def __attrs_post_init__(self) -> None:
        self._words = write_words(self.codec, self.rungs)

    def take(self, coded: Coded, now: int) -> None:
        process = self._process
        if process is None or process.stdin is None or self._closed:
            self.counted["away"] += 1
            self._needs_key = True
            return
        if self._needs_key and not coded.key:
            self.counted["after_loss"] += 1
            return
        verdict = self._pacing.give(len(coded.data), now)
        self.counted[verdict.value] += 1
        self._tell(Pace.FULL if self._pacing.is_full else Pace.TOO_SLOW)
        if verdict is Verdict.DROP:
            self.lose()
            return
        self._needs_key = False
        self._ask_at = None
        kind = KEY if coded.key else 0
        if verdict is Verdict.MAKE:
            kind |= MAKE | (FORCE if self._force else 0)
            self._force = False
        process.stdin.write(write(Message(kind, coded.ticks, coded.data)))

    def lose(self) -> None:
        if not self._needs_key:
            self._needs_key, self._ask_at = True, None

    def want_key(self) -> None:
        self._force = True

    def ready(self, now: int) -> Sequence[Output]:
        out = tuple(self._out)
        self._out.clear()
        if self._needs_key and self._process and (self._ask_at is None or now >= self._ask_at):
            self._ask_at = now + ASKED_AGAIN
            out += (KeyWanted(),)
        return out

    @property
    def is_over(self) -> bool:
        return self._closed

    def close(self) -> None:
        self._closed = True
        if self._process is not None and self._process.returncode is None:
            self._process.kill()

    async def run(self) -> None:
        """Keep a coder until `close`; when cancelled, its process has ended too."""
        wait_s = FIRST_WAIT_S
        while True:
            try:
                await self._one()
            except OSError as error:  # the machine starts no process now
                logger.warning("a coder did not start error=%s", type(error).__name__)
            if self.is_over:
                return
            self.counted["failed"] += 1
            self._tell(Pace.FAILED)
            wait_s = FIRST_WAIT_S if self._done >= LASTED else min(2 * wait_s, LONGEST_WAIT_S)
            await asyncio.sleep(wait_s)

    async def _one(self) -> None:
        """One coder, from its beginning to its end."""
        self._done = 0
        self._pacing.begin_anew()
        process = await asyncio.create_subprocess_exec(
            *self.command, *self._words, stdin=PIPE, stdout=PIPE, stderr=DEVNULL
        )
        try:
            if self.is_over:
                return
            self._readers = [PictureReader() for _ in self.rungs]
            self._process = process
            await self._hear(process)
        finally:
            self._process = None
            self.lose()
            if process.returncode is None:
                process.kill()
            code = await process.wait()
            if not self.is_over:
                logger.warning("a coder ended code=%s pictures=%d", code, self._done)

    async def _hear(self, process: Process) -> None:
        assert process.stdout is not None
        reader = Reader(FROM_CODER)
        while data := await process.stdout.read(_READ):
            try:
                messages = reader.feed(data)
            except Malformed:
                return
            for message in messages:
                self._heard(message)

    def _heard(self, message: Message) -> None:
        if message.kind == DONE:
            self._done += 1
            self._pacing.done()
        elif message.kind == KEY_WANTED:
            self.counted["undecodable"] += 1
            self.lose()
        elif message.kind < len(self.rungs):
            picture = self._readers[message.kind].read(split_annex_b(message.data), message.ticks)
            if isinstance(picture, Picture):
                self._put(Made(self.rungs[message.kind].name, picture))

    def _put(self, output: Output) -> None:
        """Nobody fetches: what waits is thrown away, and rungs begin anew with key frames."""
        if len(self._out) >= MOST_OUT:
            self._out.clear()
            self._force = True
        self._out.append(output)

    def _tell(self, pace: Pace) -> None:
        if pace is not self._told and not (self._told is Pace.FAILED and not self._done):
            self._told = pace
            self._put(pace)
