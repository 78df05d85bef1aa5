"""Media does not wait for Python's loop on the native plane: who joins holds the loop, and nobody hears it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from itertools import pairwise

import pytest

from media.plane.api import Plane
from tests.media.plane.world import Client, lesson
from tests.media.planes import PLANES
from tests.media.transport.world import eventually

#: Seconds between two packets, and for which the loop is held.
PACE_S, HELD_S = 0.01, 0.3
NUMBERS = range(5_000, 5_080)
#: On a machine with other work a thread may wait for its turn as long: one try without that is enough.
TRIES = 6


def speak(teacher: Client) -> None:
    """A microphone keeps its own time."""
    for number in NUMBERS:
        teacher.speak(number)
        time.sleep(PACE_S)


def listen(listener: Client, arrived: list[float]) -> None:
    listener.port.settimeout(30.0)
    while (voices := listener.next()) != [b"voice %d" % NUMBERS[-1]]:
        if voices:
            arrived.append(time.perf_counter())


async def longest_gap_s(make: Callable[[], Plane]) -> float:
    """Between two packets at the pupil, while the loop is held in the middle of them."""
    async with lesson(make) as now:
        await now.says(now.pupil)
        arrived: list[float] = []
        threads = [
            threading.Thread(target=listen, args=(now.pupil, arrived)),
            threading.Thread(target=speak, args=(now.teacher,)),
        ]
        for thread in threads:
            thread.start()
        await eventually(lambda: len(arrived) > len(NUMBERS) // 4, "a quarter has come")
        hold()
        await eventually(lambda: not any(one.is_alive() for one in threads), "all have come", 40)
        return longest(arrived)


def hold() -> None:
    """As a join does that is answered with much SDP."""
    time.sleep(HELD_S)


def longest(arrived: Sequence[float]) -> float:
    return max(after - before for before, after in pairwise(arrived))


async def test_the_plain_plane_waits_for_its_loop() -> None:
    """It is one thread: the hole is as long as the loop was held."""
    assert await longest_gap_s(PLANES["plain"]) > 0.9 * HELD_S


@pytest.mark.parametrize("name", sorted(PLANES.keys() - {"plain"}))
async def test_the_native_plane_does_not_wait(name: str) -> None:
    """Packets come in their own time while nothing of Python's loop runs."""
    gaps: list[float] = []
    while not gaps or gaps[-1] > HELD_S / 2:
        assert len(gaps) < TRIES, f"longest holes, seconds: {gaps}"
        gaps.append(await longest_gap_s(PLANES[name]))
