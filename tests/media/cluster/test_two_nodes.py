"""Two processes and one Redis: a call is on one node, whichever door its people come by."""

from __future__ import annotations

import asyncio
import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest
from livekit import rtc

from media.access.claims import Claims
from media.access.key_file import new_line, read_keys
from media.access.tokens import mint
from media.ids import Identity, RoomName
from tests.support.bridge import secret
from tests.support.media import MediaProcess
from tests.support.polling import until, until_async
from tests.support.process import ServerProcess, free_port, listens, not_installed
from tests.support.redis import Redis
from tests.support.synapse import Homeserver

pytestmark = pytest.mark.integration

#: Nobody asks it: these tests sign their tokens themselves.
NOBODY = cast(
    Homeserver,
    SimpleNamespace(service_token="x" * 32, url="http://127.0.0.1:9", server_name="school.test"),
)


@pytest.fixture
def nodes(tmp_path: Path) -> Iterator[list[MediaProcess]]:
    redis = Redis.start()
    line = new_line()
    made = []
    try:
        for name in ("a", "b"):
            folder = tmp_path / name
            folder.mkdir()
            secret(folder / "media.keys", line)
            node = MediaProcess.prepare(folder, NOBODY, redis=f"unix://{redis.path}", node=name)
            node.change(node_url=node.url)
            made.append(node)
            node.start()
        yield made
    finally:
        for node in made:
            node.stop()
            node.api.close()
        redis.stop()


def token(node: MediaProcess, name: str) -> str:
    claims = Claims(identity=Identity(name), room=RoomName("lesson"), join=True)
    return mint(claims, read_keys(node.folder / "media.keys"), time.time())  # noqa: TID251 - signed now


async def enter(node: MediaProcess, name: str) -> rtc.Room:
    room = rtc.Room()
    url = node.url.replace("http", "ws") + "/livekit/sfu"
    await room.connect(url, token(node, name), rtc.RoomOptions())
    return room


async def sees(room: rtc.Room, other: str, deadline_s: float = 20.0) -> None:
    async def there() -> bool:
        return other in room.remote_participants

    await until_async(there, what=f"{other} in the call", deadline_s=deadline_s)


def rooms(node: MediaProcess) -> float:
    return node.metrics()["sferum_media_rooms"]


async def test_both_doors_lead_into_one_call(nodes: list[MediaProcess]) -> None:
    """Whoever comes by the other node's door is in the same call, and sound reaches them from its node."""
    heard = asyncio.Event()
    anna = await enter(nodes[0], "anna")
    boris = await enter(nodes[1], "boris")
    boris.on("track_subscribed", lambda *_: heard.set())
    await sees(anna, "boris")
    source = rtc.AudioSource(48_000, 1)
    track = rtc.LocalAudioTrack.create_audio_track("microphone", source)
    await anna.local_participant.publish_track(track)
    await asyncio.wait_for(heard.wait(), 20)
    assert sorted(await asyncio.gather(*(asyncio.to_thread(rooms, one) for one in nodes))) == [0, 1]
    await anna.disconnect()
    await boris.disconnect()


NGINX = """
daemon off; pid {folder}/nginx.pid; error_log {folder}/error.log;
events {{}}
http {{
  access_log off; client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/f; uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s;
  large_client_header_buffers 4 64k;
  upstream calls {{ {servers} }}
  server {{
    listen 127.0.0.1:{port};
    location / {{
      proxy_pass http://calls; proxy_http_version 1.1; proxy_read_timeout 1h;
      proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection upgrade;
      proxy_next_upstream error timeout http_503;
    }}
  }}
}}
"""


@pytest.fixture
def door(nodes: list[MediaProcess], tmp_path: Path) -> Iterator[str]:
    """One address for both, as docs/operations.md has it."""
    binary = shutil.which("nginx", path="/usr/sbin:/usr/bin:/bin")
    if binary is None:
        not_installed("nginx")
    port = free_port()
    servers = " ".join(f"server 127.0.0.1:{one.port} max_fails=0;" for one in nodes)
    configuration = tmp_path / "nginx.conf"
    configuration.write_text(NGINX.format(folder=tmp_path, port=port, servers=servers))
    command = [binary, "-p", str(tmp_path), "-c", str(configuration), "-e", str(tmp_path / "e")]
    nginx = ServerProcess("nginx", command, tmp_path / "nginx.out")
    nginx.start()
    try:
        until(lambda: nginx.is_alive() and listens(port), what="nginx")
        yield f"ws://127.0.0.1:{port}/livekit/sfu"
    finally:
        nginx.stop()


async def test_a_node_that_goes_down_hands_its_call_over(
    nodes: list[MediaProcess], door: str
) -> None:
    """On SIGTERM everybody is sent away, and finds the others on the node that stays."""
    anna, boris = rtc.Room(), rtc.Room()
    await anna.connect(door, token(nodes[0], "anna"), rtc.RoomOptions())
    await boris.connect(door, token(nodes[0], "boris"), rtc.RoomOptions())
    await sees(anna, "boris")
    held = await asyncio.gather(*(asyncio.to_thread(rooms, one) for one in nodes))
    going, staying = (nodes[0], nodes[1]) if held[0] else (nodes[1], nodes[0])
    assert await asyncio.to_thread(going.stop) == 0
    await asyncio.to_thread(
        until,
        lambda: staying.metrics()["sferum_media_participants"] == 2,
        what="both on the node that stays",
        deadline_s=30,
    )
    await sees(anna, "boris")
    await sees(boris, "anna")
    await anna.disconnect()
    await boris.disconnect()
