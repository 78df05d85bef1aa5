"""Media does not wait for Python's loop on the native plane: who joins holds the loop, and nobody hears it.

On both a publisher is told when its packets came, and not when there was time for them.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from itertools import pairwise

import pytest

from media.plane.api import Plane
from tests.media.forwarder.arrivals import arrivals_in
from tests.media.forwarder.ends import TRANSPORT_CC, rtp
from tests.media.plane.world import Client, lesson
from tests.media.planes import PLANES
from tests.media.transport.world import eventually

#: Seconds between two packets, and for which the loop is held.
PACE_S, HELD_S = 0.01, 0.3
NUMBERS = range(5_000, 5_080)
#: Seconds: a time is told in quarters of a millisecond, and of two clocks one may be corrected meanwhile.
TOLD_TO_S = 0.001
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


def speak_numbered(teacher: Client) -> dict[int, tuple[float, float]]:
    """Packets of growing distances: transport-wide number → between which moments it was sent."""
    sent = {}
    for number in range(1, 5):
        numbered = rtp(
            ssrc=2001,
            sequence=NUMBERS[-1] + number,
            payload_type=111,
            payload=b"voice",
            elements={TRANSPORT_CC: number.to_bytes(2, "big")},
        )
        begun = time.perf_counter()
        teacher.port.send(teacher.end.protect(numbered))
        sent[number] = begun, time.perf_counter()
        time.sleep(PACE_S * number)
    return sent


async def test_a_publisher_is_told_when_its_packets_came(make: Callable[[], Plane]) -> None:
    """All of them lie in the socket while the loop is held: between them are the times for which it was."""
    async with lesson(make) as now:
        teacher = now.teacher
        now.plane.steer(teacher.end.peer, now.plane.route_to(teacher.address))
        await now.settled()
        sent = speak_numbered(teacher)
        told: dict[int, float] = {}

        def all_told() -> bool:
            with suppress(BlockingIOError):
                control = teacher.end.read(teacher.port.recv(2048))
                told.update(arrivals_in(control) if isinstance(control, bytes) else {})
            return told.keys() >= sent.keys()

        await eventually(all_told, "all are told")
        for before, after in pairwise(sent):
            least, most = sent[after][0] - sent[before][1], sent[after][1] - sent[before][0]
            assert least - TOLD_TO_S <= told[after] - told[before] <= most + TOLD_TO_S
