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
from bench.load.plan import Begun, Mix, Stream, offset_us, reading, stream_line, wire_line
from bench.load.program import Program

#: Participants who come at the same time.
GROUP = 5
DEADLINE_S = 60.0
#: Between two packets of what is not yet measured.
PAUSE_S = 0.1


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
            come = partial(crowd._come, door, room, prefix)
            first = min(people, len(mix.publishers) + 1)
            async with crowd._sending():
                await come(range(first))
            await come(range(first, people))
            yield crowd
        finally:
            await asyncio.gather(*(light.leave() for light in crowd.people))

    @asynccontextmanager
    async def _sending(self) -> AsyncIterator[None]:
        """A packet of everything now and then: LiveKit's server offers others a track only after the first.

        One who watches is enough to see that it did.
        """

        async def send() -> None:
            while True:
                for light in self.people[: len(self.mix.publishers)]:
                    light.speak()
                    light.film(key=True)
                await asyncio.sleep(PAUSE_S)

        async with asyncio.TaskGroup() as group:
            sending = group.create_task(send())
            try:
                yield
            finally:
                sending.cancel()

    async def _come(self, door: Door, room: str, prefix: str, numbers: range) -> None:
        """A few at a time; all of them have everything then."""
        for at in range(0, len(numbers), GROUP):
            self.people += await asyncio.gather(
                *(self._join(door, room, f"p{one}", prefix) for one in numbers[at : at + GROUP])
            )
        for light in self.people:
            what = f"{light.name} has all: {light.state()}"
            await until(partial(self._has_all, light), what, DEADLINE_S)

    async def _join(self, door: Door, room: str, name: str, prefix: str) -> Light:
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
            lines.append(wire_line(handed, reading(light.shown_sections), light.sent_up))
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
                        begun=Begun(sender.number, sender.stamp, sender.picture),
                    )
                )
        async with Program.start(program, [*lines, *streams], fds, cpu=cpu) as started:
            yield started

    def _sent(self) -> list[Sequence[Stream]]:
        """For each of `people`."""
        silent = len(self.people) - len(self.mix.publishers)
        return [*self.mix.publishers, *[()] * silent]
