"""A real call on the air: LiveKit's client publishes VP8, a coder makes H.264 of it, hosts choose who is seen."""

from __future__ import annotations

from io import BytesIO

import av
import numpy as np
import pytest

from media.access.claims import Member
from media.broadcast.program.calls import CallProgram
from media.broadcast.program.choosing import Choice, Refusal
from media.broadcast.program.scene import SOUND
from media.ids import Identity
from media.room import operations as op
from tests.media.broadcast.program.assembly import assembled
from tests.media.broadcast.program.stagehand import Publication
from tests.media.broadcast.program.test_mixer import strength
from tests.media.world import LESSON, TONE_HZ, Guest, World, calls, eventually

TEACHER, MASHA = Identity("teacher"), Identity("masha")


async def come(world: World) -> tuple[Guest, Guest]:
    """A teacher, and a pupil whose picture is upright."""
    host = Member(room_id="!lesson:school", user_id="@teacher:school", host=True)
    teacher = await world.join("teacher", decode=False, member=host)
    masha = await world.join("masha", decode=False)
    await teacher.publish_camera(320, 180, simulcast=False)
    await teacher.publish_tone()
    await masha.publish_camera(180, 320, simulcast=False)
    return teacher, masha


def pictures(origin: Publication) -> list[bool]:
    """Of each picture that viewers got: whether it is upright, between black bars."""
    name = origin.names[0]
    found = []
    for number in range(max(part.discontinuity for part, _ in origin.parts) + 1):
        with av.open(BytesIO(origin.file(name, number)), "r") as container:
            for frame in container.decode(video=0):
                plane = frame.planes[0]
                row = bytes(plane)[plane.line_size * frame.height // 2 :][: frame.width]
                found.append(max(row[:8]) < 26 and max(row) > 30)
    return found


@pytest.mark.asyncio
async def test_a_call_is_broadcast() -> None:
    """The teacher is seen and heard; a pupil's camera only in the spotlight, and it is gone when she leaves that."""
    async with calls() as world:
        await come(world)
        services, hall = world.node.services, world.node.halls[LESSON]
        async with assembled(services.listener, services.plane, coded_always=True) as studio:
            studio.call = program = CallProgram(hall, services.clock)
            await eventually(
                lambda: program.choose(TEACHER, Choice(speaker=TEACHER)) is None, "she may be seen"
            )
            await eventually(
                lambda: studio.opened and len(studio.origin.parts) > 8, "it can be watched"
            )
            masha = Choice(speaker=MASHA)
            assert program.choose(MASHA, masha) is Refusal.NOT_A_HOST
            assert program.choose(TEACHER, masha) is Refusal.NOT_SPOTLIGHTED
            assert hall.ask(op.Spotlight(MASHA)) is None
            assert program.choose(TEACHER, masha) is None
            studio.show()
            origin = studio.origin
            await eventually(lambda: any(pictures(origin)), "she is seen")

            assert hall.ask(op.Spotlight(None)) is None
            await eventually(lambda: program.why is Refusal.NOT_SPOTLIGHTED, "she is off the air")
            await eventually(lambda: len(studio.running.tracks) == 1, "only a voice is tapped")
            studio.stop()
            await eventually(lambda: origin.ended, "what is left is written")
            assert studio.running.faults == 0

    assert origin.wrong == []
    seen = pictures(origin)
    assert not seen[0]
    assert True in seen
    with av.open(BytesIO(origin.file(SOUND, 0)), "r") as container:
        heard = np.concatenate([frame.to_ndarray()[0] for frame in container.decode(audio=0)])
    assert strength(heard[24_000:72_000], TONE_HZ) > 0.1
