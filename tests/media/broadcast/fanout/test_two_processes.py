"""Two schools, a whole calls server each: made, published, shared and watched over HTTP, as people do."""

from __future__ import annotations

import asyncio
import os
import re
import secrets
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from aiortc import RTCPeerConnection, RTCSessionDescription
from attrs import define, frozen

from bridge.handing_over import CHANCE_BYTES, DESK, ticket
from media.broadcast.register.module import PREFIX
from tests.media.broadcast.whip.test_obs import obs
from tests.support.media import MediaProcess
from tests.support.polling import until_async
from tests.support.process import ROOT
from tests.support.synapse import Homeserver

pytestmark = pytest.mark.integration

TOKEN = "t" * 43
#: People of one school who watch; each fetches all that is listed.
VIEWERS = 20


@define
class Synapse:
    """One school's, with the module: whoever has an account there watches, `director` leads."""

    name: str

    async def handle(self, request: web.Request) -> web.StreamResponse:
        if request.path == f"{PREFIX}/broadcasts/audiences":
            words = {
                "org_id": "o",
                "school": self.name,
                "timezone": "UTC",
                "room_id": "!all",
                "kind": "announcements",
            }
            return web.json_response({"audiences": [words | {"name": "Вся школа"}]})
        if not request.path.endswith("/broadcasts/watchers"):
            return web.json_response({})
        ours = [one for one in (await request.json())["user_ids"] if one.endswith(f":{self.name}")]
        found = {one: {"watch": True, "host": one.startswith("@director:")} for one in ours}
        return web.json_response({"watchers": found})


@frozen
class Seen:
    """What somebody was given: media by its octets, in the order of the playlist."""

    parts: tuple[bytes, ...]


@define(eq=False)
class School:
    """One calls server, and browsers of its people."""

    name: str
    media: MediaProcess
    http: aiohttp.ClientSession
    broadcast: str = ""

    def ticket(self, who: str, to: str) -> str:
        """Of the onboarding pages."""
        now = int(time.time())  # noqa: TID251 - good for a minute from now
        return ticket(f"@{who}:{self.name}", to, now, secrets.token_bytes(CHANCE_BYTES), TOKEN)

    async def get(self, path: str) -> tuple[int, bytes]:
        async with self.http.get(self.media.url + path) as got:
            return got.status, await got.read()

    async def press(self, path: str, **form: str) -> str:
        """A button of the director's pages; → the page that comes."""
        headers = {"Origin": self.media.url}
        async with self.http.post(self.media.url + path, data=form, headers=headers) as got:
            text = await got.text()
            assert got.status == 200, (path, got.status, text)
            return text

    async def make(self) -> None:
        """A broadcast of the director's, for the school."""
        status, page = await self.get(f"/broadcasts?ticket={self.ticket('director', DESK)}")
        assert status == 200
        place = re.search(r'<option value="([^"]+)"', page.decode())
        assert place is not None
        made = await self.press("/broadcasts", title="Концерт", place=place[1])
        name = re.search(r"/broadcasts/([A-Za-z0-9_-]+)/follow", made)
        assert name is not None
        self.broadcast = name[1]

    async def start(self) -> None:
        await self.press(f"/broadcasts/{self.broadcast}/start", sure="1")

    async def seat(self, who: str) -> str:
        """Where somebody of this school finds the media: the folder of their pass."""
        address = f"/watch/{self.broadcast}?ticket={self.ticket(who, self.broadcast)}"
        async with self.http.get(self.media.url + address) as got:
            assert got.status == 200, got.status
            return got.url.path.removesuffix("/watch")

    async def watch(self, seat: str) -> Seen | None:
        """All parts of the pictures that are listed; None: nothing is there yet."""
        status, text = await self.get(f"{seat}/main.m3u8")
        if status != 200:
            return None
        found = re.search(r"^(v[0-9]+)/live\.m3u8$", text.decode(), re.M)
        assert found is not None, text
        status, listed = await self.get(f"{seat}/{found[1]}/live.m3u8")
        if status != 200:
            return None
        names = re.findall(r'#EXT-X-PART:.*URI="(p\d+\.m4s)"', listed.decode())
        parts = [await self.get(f"{seat}/{found[1]}/{name}") for name in names]
        assert {status for status, _ in parts} <= {200}
        return Seen(tuple(part for _, part in parts)) if parts else None


@pytest.fixture
async def schools(tmp_path: Path) -> AsyncIterator[tuple[School, School]]:
    """Each knows the other by the line that `python -m media.broadcast.fanout` printed there."""
    async with AsyncExitStack() as stack:
        made = [await _school(stack, tmp_path / name, f"{name}.example") for name in ("a", "b")]
        a, b = made
        for one, other in ((a, b), (b, a)):
            command = (
                sys.executable,
                "-m",
                "media.broadcast.fanout",
                str(other.media.folder / "broadcasts"),
            )
            said = await asyncio.to_thread(
                subprocess.run,
                [*command, other.name, other.media.url],
                cwd=ROOT,
                capture_output=True,
                text=True,
                check=True,
            )
            (one.media.folder / "schools.yaml").write_text(said.stdout)
        for one in made:
            stack.callback(one.media.api.close)
            stack.callback(one.media.stop)
            one.media.start(ready=False)
        for one in made:
            one.media.until_logged("calls served")
        yield a, b


async def _school(stack: AsyncExitStack, folder: Path, name: str) -> School:
    app = web.Application()
    app.router.add_route("*", "/{any:.*}", Synapse(name).handle)
    server = await stack.enter_async_context(TestServer(app))
    url = str(server.make_url("")).rstrip("/")
    known = SimpleNamespace(service_token=TOKEN, url=url, server_name=name)
    player, broadcasts = folder / "player", folder / "broadcasts"
    for one in (player, broadcasts):
        one.mkdir(parents=True, mode=0o700)
    (player / "hls.light.min.js").touch()
    section = {"folder": str(broadcasts), "player": str(player), "schools_file": "schools.yaml"}
    media = MediaProcess.prepare(folder, cast(Homeserver, known), broadcasts=section)
    jar = aiohttp.CookieJar(unsafe=True)
    http = await stack.enter_async_context(aiohttp.ClientSession(cookie_jar=jar))
    return School(name, media, http)


async def _publish(school: School, client: RTCPeerConnection) -> None:
    """A green picture and silence, with the key that the director copies into OBS."""
    page = await school.press(f"/broadcasts/{school.broadcast}/key")
    key = re.search(r'id="key">([^<]+)<', page)
    assert key is not None
    await client.setLocalDescription(await client.createOffer())
    headers = {"Authorization": f"Bearer {key[1]}", "Content-Type": "application/sdp"}
    url = f"{school.media.url}/whip/{school.broadcast}"
    offer = client.localDescription.sdp.encode()
    async with school.http.post(url, data=offer, headers=headers) as answer:
        text = await answer.text()
        assert answer.status == 201, text
    await client.setRemoteDescription(RTCSessionDescription(text, "answer"))


async def test_a_concert_of_two_schools(schools: tuple[School, School]) -> None:
    """The second school sees what the first one gives, octet for octet, at no cost to it, and its end is its own."""
    a, b = schools
    await a.make()
    await b.make()
    client = obs()
    await _publish(a, client)

    async def arrives() -> bool:
        status, page = await a.get(f"/broadcasts/{a.broadcast}")
        return status == 200 and "Картинка и звук приходят." in page.decode()

    await until_async(arrives, what="the picture", deadline_s=60)
    await a.start()
    page = (await a.get(f"/broadcasts/{a.broadcast}"))[1].decode()
    link = re.search(r"<code>([^<]+/share/[^<]+)</code>", page)
    assert link is not None
    await b.press(f"/broadcasts/{b.broadcast}/follow", link=link[1])
    await b.start()

    ours, theirs = await a.seat("pupil"), await b.seat("pupil")
    assert (await a.get(theirs.replace(b.broadcast, a.broadcast) + "/main.m3u8"))[0] == 403
    assert (await b.get(ours.replace(a.broadcast, b.broadcast) + "/main.m3u8"))[0] == 403

    async def shown() -> Seen | None:
        seen = await b.watch(theirs)
        return seen if seen is not None and len(seen.parts) >= 2 else None

    there = await until_async(shown, what="parts at the other school", deadline_s=60)
    here = await a.watch(ours)
    assert there is not None
    assert here is not None
    assert set(there.parts) & set(here.parts)

    seats = [await b.seat(f"pupil{number}") for number in range(VIEWERS)]
    os.kill(a.media.pid, signal.SIGSTOP)  # asks of it what is not there: no answer at all
    try:
        seen = await asyncio.gather(*(b.watch(seat) for seat in seats))
    finally:
        os.kill(a.media.pid, signal.SIGCONT)
    assert all(one is not None and set(there.parts) & set(one.parts) for one in seen)

    b.media.kill()
    before = await a.watch(ours)
    assert before is not None

    async def goes_on() -> bool:
        now = await a.watch(ours)
        return now is not None and now.parts[-1] not in before.parts

    await until_async(goes_on, what="more of it in its own school", deadline_s=60)
    await client.close()
