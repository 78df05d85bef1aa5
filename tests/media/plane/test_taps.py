"""Copies of what is tapped come to Python's loop: on both planes."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from media.forwarder.api import Codec, Copy, Layer, Tap, Tapped
from media.ids import TrackSid
from media.plane.api import Plane
from tests.media.forwarder.histories import MICROPHONE, voice
from tests.media.plane.world import lesson
from tests.media.transport.world import eventually


def voiced(copies: list[Copy]) -> list[bytes]:
    return [each.packet for each in copies if isinstance(each, Tapped)]


async def test_copies_come_in_order(make: Callable[[], Plane]) -> None:
    """A hundred packets of a voice, each as it was sent, with the loop's second of its arrival; none without a tap."""
    async with lesson(make) as now:
        copies: list[Copy] = []
        now.plane.hear_media = copies.append
        await now.says(now.pupil)
        assert copies == []
        now.plane.add_tap(Tap(MICROPHONE))
        for number in range(500, 600):
            now.teacher.speak(number)
        sent = [voice(number).packet for number in range(500, 600)]
        await eventually(lambda: voiced(copies)[-1:] == sent[-1:], "the last copy")
        assert voiced(copies)[-100:] == sent
        packets = [each for each in copies if isinstance(each, Tapped)]
        named = {(each.track, each.layer, each.codec) for each in packets}
        assert named == {(MICROPHONE, Layer.HIGH, Codec.OPUS)}
        times = [each.at for each in packets]
        assert times == sorted(times)
        now.plane.ask_key(MICROPHONE, Layer.HIGH)  # a voice has none: nothing follows
        now.plane.remove_tap(MICROPHONE)
        await now.settled()
        copies.clear()
        await now.settled()
        assert copies == []
        with pytest.raises(KeyError):
            now.plane.add_tap(Tap(TrackSid("TR_nobody")))


async def test_a_copy_that_meets_a_bug_costs_no_other(make: Callable[[], Plane]) -> None:
    """Each is handed on, each mistake is counted, and the pupil hears the teacher all the same."""
    async with lesson(make) as now:
        told: list[Copy] = []

        def hear(copy: Copy) -> None:
            told.append(copy)
            raise LookupError

        now.plane.hear_media = hear
        now.plane.add_tap(Tap(MICROPHONE))
        await now.says(now.pupil)
        await now.says(now.pupil)
        await eventually(lambda: len(told) >= 2, "copies")
        assert now.plane.faults == len(told)
