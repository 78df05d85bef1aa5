"""A call full of light participants, whose sockets go to the native part once all handshakes are done."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from functools import partial
from itertools import count
from pathlib import Path

from attrs import define, field

from bench.light import Door, Light, until
from bench.light_wire import Wire
from bench.load.plan import Mix, Stream, offset_us, reading, stream_line, wire_line
from bench.load.program import Program

#: Participants who come at the same time.
GROUP = 5
DEADLINE_S = 60.0


@define(eq=False)
class Crowd:
    """Attributes:

    people: publishers first, in the order of the mix.
    """

    mix: Mix
    people: list[Light] = field(factory=list)

    @classmethod
    @asynccontextmanager
    async def gather(
        cls, door: Door, room: str, mix: Mix, people: int, *, prefix: str
    ) -> AsyncIterator[Crowd]:
        """`people` in all; everybody has negotiated everything."""
        crowd = cls(mix)
        try:
            names = [f"p{number}" for number in range(people)]
            for first in range(0, people, GROUP):
                group = names[first : first + GROUP]
                crowd.people += await asyncio.gather(
                    *(crowd._come(door, room, name, prefix) for name in group)
                )
            for light in crowd.people:
                what = f"{light.name} has all: {light.state()}"
                await until(partial(crowd._has_all, light), what, DEADLINE_S)
            yield crowd
        finally:
            await asyncio.gather(*(light.leave() for light in crowd.people))

    async def _come(self, door: Door, room: str, name: str, prefix: str) -> Light:
        light = await Light.join(door, room, name, v1=False, watch=True, prefix=prefix)
        if int(name[1:]) < len(self.mix.publishers):
            await light.publish()
            await until(lambda: light.is_announced, f"{name} publishes", DEADLINE_S)
        return light

    def _has_all(self, light: Light) -> bool:
        """A publisher announces a microphone and a camera, whether or not both send."""
        down, up = light.wires
        others = len(self.mix.publishers) - bool(light.senders)
        settled = (down.is_settled or not others) and (up.is_settled or not light.senders)
        return settled and len(light.negotiated) >= 2 * others

    @asynccontextmanager
    async def load(self, program: Path, *, cpu: int | None) -> AsyncIterator[Program]:
        """Hands all sockets over; nobody here hears anything from then on."""
        lines: list[str] = []
        fds: list[int] = []
        streams: list[str] = []
        numbers = count()

        def hand(wire: Wire, light: Light) -> int:
            handed = wire.hand_over()
            lines.append(wire_line(handed, reading(light.shown_sections)))
            fds.append(handed.fd)
            return len(fds) - 1

        for light, sent in zip(self.people, self._sent(), strict=True):
            down, up = light.wires
            if down.is_settled:
                hand(down, light)
            if not sent:
                continue
            at = hand(up, light)
            for stream in sent:
                sender = next(one for one in light.senders if one.kind == stream.kind)
                streams.append(
                    stream_line(
                        stream,
                        wire=at,
                        ssrc=sender.ssrc,
                        mid=sender.mid,
                        offset_us=offset_us(next(numbers), stream),
                    )
                )
        async with Program.start(program, [*lines, *streams], fds, cpu=cpu) as started:
            yield started

    def _sent(self) -> list[Sequence[Stream]]:
        """For each of `people`."""
        silent = len(self.people) - len(self.mix.publishers)
        return [*self.mix.publishers, *[()] * silent]
