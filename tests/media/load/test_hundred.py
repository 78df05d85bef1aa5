"""A hundred people in one call of a real process: 98 light participants, and two pages of Chromium that decode."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, cast

import aiohttp
import pytest
from attrs import define, field

from bench.light import Light
from bench.light_sdp import shown
from media.access.claims import Claims
from media.access.key_file import read_keys
from media.access.tokens import mint
from media.ids import Identity, RoomName
from tests.media.load.recording import PICTURES_S, Film, encoded
from tests.media.process.test_process import NOBODY
from tests.media.signal.browser import browsers
from tests.media.world import LESSON, World, eventually
from tests.support.media import MediaProcess

LIGHTS, PUBLISHERS, RETURNING = 98, 10, 20
#: Seconds in which everybody is in: joined, connected, everything negotiated.
ALL_IN_S = 10.0
#: Who comes at the same time: a class that opens its laptops.
TOGETHER = 20
PACKET_S = 0.02


@define
class Hall:
    """A process, and tokens for it: what light participants and pages ask for."""

    process: MediaProcess
    http: aiohttp.ClientSession
    lights: dict[str, Light] = field(factory=dict)

    @property
    def base(self) -> str:
        return self.process.url

    @property
    def ws(self) -> str:
        return self.base.replace("http", "ws", 1) + "/livekit/sfu"

    def token(self, identity: str, room: str = LESSON, **grants: Any) -> str:
        claims = Claims(identity=Identity(identity), room=RoomName(room), join=True, **grants)
        keys = read_keys(self.process.folder / "media.keys")
        return mint(claims, keys, time.time())  # noqa: TID251 - signed now

    async def enter(self, names: Sequence[str]) -> None:
        """The first ten publish; the others have every picture off their screen."""
        for first in range(0, len(names), TOGETHER):
            await asyncio.gather(*map(self._enter, names[first : first + TOGETHER]))
        await eventually(lambda: not self._not_in(names), "everybody is in", 60)

    async def _enter(self, name: str) -> None:
        light = await Light.join(self, LESSON, name, v1=False, watch=True)
        self.lights[name] = light
        if int(name.removeprefix("pupil")) < PUBLISHERS:
            await light.publish()

    def _not_in(self, names: Sequence[str]) -> list[str]:
        return [
            name
            for name in names
            if not (light := self.lights[name]).is_announced
            or not light.wires[0].connected.is_set()
            or len(light.negotiated) < 2 * (PUBLISHERS - bool(light.senders))
        ]

    async def hide_pictures(self, names: Sequence[str]) -> None:
        """As a client does whose tiles are off the screen."""
        for name in names:
            light = self.lights[name]
            for section in light.shown_sections:
                track = shown(section) if section.startswith("m=video") else None
                if track is not None:
                    await light.show(track.track, disabled=True)

    async def leave(self, names: Sequence[str]) -> None:
        await asyncio.gather(*(self.lights.pop(name).leave() for name in names))

    def packets(self, name: str) -> int:
        return self.lights[name].packets


@pytest.fixture
async def hall(tmp_path: Path) -> AsyncIterator[Hall]:
    forwarder = os.environ.get("SFERUM_FORWARDER", "auto")
    process = MediaProcess.prepare(tmp_path, NOBODY, forwarder=forwarder)
    process.start()
    # aiohttp's own limit is 100 connections; everybody has a WebSocket.
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as http:
        made = Hall(process, http)
        try:
            yield made
        finally:
            await made.leave(list(made.lights))
            process.stop()
            process.api.close()


@asynccontextmanager
async def sending(
    speaker: Light, filmed: Sequence[Light], films: Sequence[Film]
) -> AsyncIterator[None]:
    """One voice, and pictures that really are ones, in step with the clock."""

    async def send() -> None:
        clock = asyncio.get_running_loop().time
        due, number = clock(), 0
        while True:
            speaker.speak()
            for place, (light, film) in enumerate(zip(filmed, films, strict=True)):
                if (picture := number * PICTURES_S // 50) != (number - 1) * PICTURES_S // 50:
                    light.show_picture(film.picture(picture + place)[1])
            number += 1
            due += PACKET_S
            await asyncio.sleep(max(0.0, due - clock()))

    async with asyncio.TaskGroup() as group:
        task = group.create_task(send())
        try:
            yield
        finally:
            task.cancel()


async def all_more(names: Sequence[str], count: Callable[[str], int], more: int, what: str) -> None:
    """Everybody gets so many more."""
    before = {name: count(name) for name in names}

    def missing() -> list[str]:
        return [name for name in names if count(name) < before[name] + more]

    await eventually(lambda: not missing(), what, 30)


@pytest.mark.integration
@pytest.mark.timeout(240)
async def test_a_hundred_in_one_call(hall: Hall) -> None:
    """All are in within ten seconds, hear the speaker and see pictures; twenty come again; the call is full."""
    names = [f"pupil{number}" for number in range(LIGHTS)]
    films = [encoded(640, 360, 40), *(encoded(160, 90, 10 * n) for n in range(1, PUBLISHERS))]
    clock = asyncio.get_running_loop().time
    async with browsers(cast(World, hall)) as chromium:
        begun = clock()
        anna, boris, _ = await asyncio.gather(
            chromium.join("anna"), chromium.join("boris"), hall.enter(names)
        )
        pages = (anna, boris)
        took = clock() - begun
        await hall.hide_pictures(names)

        filmed = [hall.lights[name] for name in names[:PUBLISHERS]]
        async with sending(filmed[0], filmed, films):
            await all_more(names[1:], hall.packets, 50, "everybody hears the speaker")
            for page in pages:
                await page.hears(names[0])
            await asyncio.gather(*(page.sees(one) for page in pages for one in names[:PUBLISHERS]))

            returning = names[-RETURNING:]
            await hall.leave(returning)
            for page in pages:
                await page.until(
                    f"room.remoteParticipants.size == {LIGHTS - RETURNING + 1}", "they have left"
                )
            await hall.enter(returning)
            await hall.hide_pictures(returning)
            for page in pages:
                await page.until(f"room.remoteParticipants.size == {LIGHTS + 1}", "all are there")
            await all_more(names[1:], hall.packets, 50, "everybody hears the speaker again")
            await asyncio.gather(*(page.sees(names[0], width=640) for page in pages))

            with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
                await Light.join(hall, LESSON, "late", v1=False, watch=True)
            assert refused.value.status == 503
    assert took < ALL_IN_S, f"a hundred were in after {took:.1f} s"
