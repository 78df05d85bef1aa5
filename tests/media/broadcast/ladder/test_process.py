"""A transcoder in a process of its own: real pictures through it, a slow one, one that is killed."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from media.broadcast.cmaf.clocks import RATE
from media.broadcast.ladder.process import MOST_OUT, ProcessTranscoder
from media.broadcast.ladder.transcoder import PictureTranscoder
from media.broadcast.ladder.values import Coded, KeyWanted, Made, Output, Pace, Rung
from media.broadcast.ladder.wire import FROM_CODER, TO_CODER, Message, Reader, write
from media.forwarder.api import Codec
from media.forwarder.plain.rtp import Malformed
from tests.media.broadcast.ladder.vp8_film import film
from tests.support.polling import until_async

STEP = RATE // 25
LOW = Rung("v96", 160, 96, 200_000)
LOWER = Rung("v48", 80, 48, 100_000)
KEYS = (0, 20)
SHOWN = [
    Coded(number * STEP, number in KEYS, data) for number, data in enumerate(film(40, keys=KEYS))
]

#: Reads all it is given and never says that anything is done.
LAZY = "import sys\nwhile sys.stdin.buffer.read1(65536): pass"
#: Says what no coder says.
BABBLING = "import sys, time\nsys.stdout.write('x' * 100)\nsys.stdout.flush()\nsys.stdin.read()"


@asynccontextmanager
async def _running(
    command: Sequence[str] | None = None,
) -> AsyncIterator[ProcessTranscoder]:
    made = (
        ProcessTranscoder(Codec.VP8, (LOW, LOWER))
        if command is None
        else ProcessTranscoder(Codec.VP8, (LOW, LOWER), command)
    )
    async with asyncio.TaskGroup() as tasks:
        task = tasks.create_task(made.run())
        try:
            await _there(made)
            yield made
        finally:
            made.close()
            await asyncio.wait([task])


async def _there(made: ProcessTranscoder) -> int:
    async def pid() -> int | None:
        return None if made._process is None else made._process.pid

    return await until_async(pid, what="a coder")


async def _all_of(made: ProcessTranscoder, count: int) -> list[Output]:
    got: list[Output] = []

    async def enough() -> bool:
        got.extend(made.ready(0))
        return sum(isinstance(each, Made) for each in got) >= count

    await until_async(enough, what=f"{count} pictures")
    return got


async def test_pictures_through_a_process() -> None:
    """Every picture comes back in every rung at its own time, key frames at the same ticks; there are no complaints."""
    async with _running() as made:
        used: PictureTranscoder = made
        for coded in SHOWN:
            used.take(coded, 0)
        out = await _all_of(made, 2 * len(SHOWN))
        pictures = [each for each in out if isinstance(each, Made)]
        for name in ("v96", "v48"):
            mine = [each.picture for each in pictures if each.rung == name]
            assert [each.ticks for each in mine] == [each.ticks for each in SHOWN]
            assert [each.ticks // STEP for each in mine if each.key] == list(KEYS)
        assert [each for each in out if isinstance(each, Pace)] == []
        process = made._process
        assert process is not None
        os.kill(
            process.pid, signal.SIGTERM
        )  # systemd tells every process; this one waits for the calls server
        made.take(Coded(40 * STEP, True, SHOWN[0].data), 0)
        await _all_of(made, 2)
        assert os.getpriority(os.PRIO_PROCESS, process.pid) > os.getpriority(os.PRIO_PROCESS, 0)
    assert process.returncode is not None


async def test_a_coder_that_is_killed() -> None:
    """Another one begins; hosts are told; a key frame is asked for, and what follows it is made."""
    async with _running() as made:
        for coded in SHOWN[:10]:
            made.take(coded, 0)
        await _all_of(made, 20)
        first = await _there(made)
        os.kill(first, signal.SIGKILL)

        async def another() -> bool:
            return made._process is not None and made._process.pid != first

        await until_async(another, what="another coder")
        made.take(SHOWN[10], RATE)  # builds on what the first one knew
        assert list(made.ready(RATE)) == [Pace.FAILED, KeyWanted()]
        assert list(made.ready(RATE + 1)) == []
        assert list(made.ready(2 * RATE)) == [KeyWanted()]
        for coded in SHOWN[20:]:
            made.take(coded, 2 * RATE)
        out = await _all_of(made, 40)
        first_made = next(each for each in out if isinstance(each, Made))
        assert first_made.picture.ticks == 20 * STEP
        assert first_made.picture.key

        async def told() -> bool:
            made.take(SHOWN[20], 3 * RATE)
            return Pace.FULL in made.ready(3 * RATE)

        await until_async(told, what="news that all is well")


async def test_a_coder_that_does_nothing() -> None:
    """What waits for it is bounded, hosts are told that the machine is too slow, and the loop was never held up."""
    async with _running((sys.executable, "-c", LAZY)) as made:
        for number in range(200):
            made.take(SHOWN[number % 20], number * STEP)
        out = made.ready(200 * STEP)
        assert Pace.TOO_SLOW in out
        assert KeyWanted() in out
        assert made.counted["drop"] > 0
        assert made._pacing.waiting <= 60


async def test_a_coder_that_babbles() -> None:
    """What it says is not believed: it is ended, and counted."""
    async with _running((sys.executable, "-c", BABBLING)) as made:

        async def failed() -> bool:
            return made.counted["failed"] > 0

        await until_async(failed, what="its end")
        assert Pace.FAILED in made.ready(0)


async def test_a_machine_that_starts_nothing(tmp_path: Path) -> None:
    """No process can be started: hosts are told, pictures go nowhere, nothing is raised."""
    made = ProcessTranscoder(Codec.VP8, (LOW,), (str(tmp_path / "nothing"),))
    async with asyncio.TaskGroup() as tasks:
        task = tasks.create_task(made.run())

        async def failed() -> bool:
            return Pace.FAILED in made.ready(0)

        await until_async(failed, what="news")
        made.take(SHOWN[0], 0)
        assert made.counted["away"] == 1
        made.close()
        task.cancel()


async def test_pictures_that_nobody_fetches() -> None:
    """What is made and not fetched is thrown away before it is much."""
    made = ProcessTranscoder(Codec.VP8, (LOW,))
    for _ in range(3 * MOST_OUT):
        made._put(Pace.FULL)
    assert len(made.ready(0)) <= MOST_OUT


MESSAGES = st.lists(
    st.builds(Message, st.integers(0, 7), st.integers(-(2**63), 2**63 - 1), st.binary(max_size=50)),
    max_size=10,
)


@given(MESSAGES, st.lists(st.integers(1, 40), min_size=1))
def test_messages_in_pieces(messages: list[Message], sizes: list[int]) -> None:
    """However a pipe cuts them, the messages are those that were written."""
    data = b"".join(map(write, messages))
    reader = Reader(TO_CODER)
    got: list[Message] = []
    at, turn = 0, 0
    while at < len(data):
        size = sizes[turn % len(sizes)]
        got += reader.feed(data[at : at + size])
        at, turn = at + size, turn + 1
    assert got == messages


@given(st.binary(max_size=200))
def test_fuzz_messages(data: bytes) -> None:
    """No bytes of a coder raise anything but its own refusal."""
    reader = Reader(FROM_CODER)
    try:
        found = reader.feed(data)
    except Malformed:
        return
    assert all(each.kind in FROM_CODER for each in found)


def test_a_message_that_announces_too_much() -> None:
    """Its bytes are not waited for."""
    with pytest.raises(Malformed):
        Reader(FROM_CODER).feed(b"\x00" + bytes(8) + b"\xff" * 4)
