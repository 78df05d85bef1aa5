"""Two processes with broadcasts and one Redis: whoever comes to the wrong one, OBS or viewer, gets to the right one."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import aiohttp
import pytest
from attrs import define

from media.access.key_file import new_line
from media.broadcast.register.rows import written
from media.broadcast.register.values import Audience, Broadcast, State
from media.broadcast.whip.tokens import digest
from media.cluster.broadcast_relay import MOST_BYTES
from tests.media.broadcast.pages.world import player
from tests.media.broadcast.whip.doubles import CONCERT, KEY
from tests.media.broadcast.whip.offers import OBS
from tests.media.broadcast.whip.test_obs import HEADERS, obs, publish
from tests.media.transport.world import eventually
from tests.support.media import MediaProcess
from tests.support.polling import until_async
from tests.support.redis import Redis
from tests.support.service import secret
from tests.support.synapse import Homeserver

pytestmark = pytest.mark.integration

#: Nobody asks it anything that these tests need an answer to.
NOBODY = cast(
    Homeserver,
    SimpleNamespace(service_token="x" * 32, url="http://127.0.0.1:9", server_name="school.test"),
)
ONE = Broadcast(
    id=CONCERT,
    audience=Audience(org_id="school", school="Школа № 1"),
    title="Концерт",
    made_by="@host:school.test",
    made_at=0.0,
    key_digest=digest(KEY),
    told=str(State.WAITING.value),
)
OUTCOMES = 'sferum_media_broadcast_node_requests_total{outcome="%s"}'


@define
class Nodes:
    """`has`: the node with the broadcast; `other`: the wrong one."""

    has: MediaProcess
    other: MediaProcess

    def counted(self, outcome: str) -> float:
        return self.other.metrics().get(OUTCOMES % outcome, 0)


def remember(folder: Path) -> None:
    """The broadcast, as a register that was closed has it."""
    folder.mkdir()
    with closing(sqlite3.connect(folder / "register.db", isolation_level=None)) as register:
        register.execute("CREATE TABLE broadcasts (id TEXT PRIMARY KEY, value TEXT NOT NULL)")
        register.execute("INSERT INTO broadcasts VALUES (?, ?)", (ONE.id, written(ONE)))


@pytest.fixture(scope="module")
def nodes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nodes]:
    redis, line, made = Redis.start(), new_line(), []
    try:
        for name in ("has", "other"):
            folder = tmp_path_factory.mktemp(name)
            secret(folder / "media.keys", line)
            node = MediaProcess.prepare(folder, NOBODY, redis=f"unix://{redis.path}", node=name)
            section = {
                "folder": str(folder / "broadcasts"),
                "player": str(player()),
                "url": node.url,
            }
            node.change(node_url=node.url, broadcasts=section)
            made.append(node)
        remember(made[0].folder / "broadcasts")
        for node in made:
            node.start(ready=False)
        for node in made:
            node.until_logged("calls served")
        yield Nodes(*made)
    finally:
        for node in made:
            node.stop()
            node.api.close()
        redis.stop()


async def known(nodes: Nodes) -> None:
    """The wrong node knows whose the broadcast is."""

    async def led() -> bool:
        answer = await asyncio.to_thread(nodes.other.api.request, "GET", f"/watch/{CONCERT}")
        return answer.status == 307

    await until_async(led, what="the way")


async def test_obs_publishes_by_the_wrong_node(nodes: Nodes) -> None:
    """The exchange goes through it, sound and pictures do not: they reach the right one; so does the end."""
    await known(nodes)
    async with aiohttp.ClientSession() as http:
        client = obs()
        place = await publish(client, nodes.other.url, http)
        assert place.startswith(f"{nodes.other.url}/whip/{CONCERT}/")
        await eventually(lambda: client.connectionState == "connected", "sound and pictures flow")
        async with http.options(place) as asked:
            assert asked.headers["Accept-Patch"] == "application/trickle-ice-sdpfrag"
        async with http.delete(place, headers=HEADERS) as ended:
            assert (ended.status, ended.headers["Access-Control-Allow-Origin"]) == (200, "*")
        await eventually(lambda: client.connectionState == "closed", "the client is told")
        async with http.delete(place, headers=HEADERS) as again:
            assert again.status == 404
        await client.close()
    assert await asyncio.to_thread(nodes.counted, "passed") >= 4
    assert OUTCOMES % "passed" not in await asyncio.to_thread(nodes.has.metrics)


async def test_who_may_not_publish_does_not_by_the_wrong_node(nodes: Nodes) -> None:
    """Without the key, with another one, with too much: as at the right node, and a browser's page can read why."""
    await known(nodes)
    url = f"{nodes.other.url}/whip/{CONCERT}"
    async with aiohttp.ClientSession() as http:
        for headers, body, status in (
            ({}, OBS, 401),
            ({"Authorization": "Bearer other"}, OBS, 401),
            ({}, "a" * (MOST_BYTES + 1), 413),
            ({"X-Sferum-Passed": "1"}, OBS, 403),
        ):
            asked = {"Content-Type": "application/sdp", **headers}
            async with http.post(url, data=body.encode(), headers=asked) as answer:
                assert answer.status == status
                if status != 403:
                    assert answer.headers["Access-Control-Allow-Origin"] == "*"


async def test_a_viewer_is_sent_and_told(nodes: Nodes) -> None:
    """To the right node's own address, once; while that node is away its page says so, and comes again by itself."""
    await known(nodes)
    ask = nodes.other.api.request
    sent = await asyncio.to_thread(ask, "GET", f"/watch/{CONCERT}?ticket=x")
    assert sent.headers["location"] == f"{nodes.has.url}/watch/{CONCERT}?ticket=x"
    there = await asyncio.to_thread(nodes.has.api.request, "GET", f"/watch/{CONCERT}")
    assert there.status == 401  # its sign-in page
    await asyncio.to_thread(nodes.has.stop)
    headers = {"Accept-Language": "ru"}
    gone = await asyncio.to_thread(ask, "GET", f"/watch/{CONCERT}", headers=headers)
    assert (gone.status, gone.headers["refresh"]) == (503, "15")
    assert "Сервер этой трансляции не отвечает" in gone.body.decode()
    await asyncio.to_thread(nodes.has.start)
    await known(nodes)
