"""Two processes and one Redis: a call is on one node, whichever door its people come by."""

from __future__ import annotations

import asyncio
import shutil
import signal
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from attrs import define, field
from livekit import api, rtc

from media.access.claims import Claims
from media.access.hashes import member_identity, room_name
from media.access.key_file import new_line, read_keys
from media.access.tokens import mint
from media.ids import Identity, RoomName
from tests.media.signal.browser import browsers
from tests.media.world import World
from tests.support.media import MediaProcess
from tests.support.polling import until, until_async
from tests.support.process import ServerProcess, free_port, listens, not_installed
from tests.support.redis import Redis
from tests.support.service import secret
from tests.support.synapse import Homeserver

pytestmark = pytest.mark.integration

#: Nobody asks it: these tests sign their tokens themselves.
NOBODY = cast(
    Homeserver,
    SimpleNamespace(service_token="x" * 32, url="http://127.0.0.1:9", server_name="school.test"),
)


@define
class Synapse:
    """Believes every OpenID token to be Anna's. `asked`: what was done with delayed events."""

    url: str = ""
    asked: list[str] = field(factory=list)

    async def handle(self, request: web.Request) -> web.StreamResponse:
        if request.path.endswith("/openid/userinfo"):
            return web.json_response({"sub": "@anna:school.test"})
        self.asked.append(request.path.partition("/delayed_events/")[2])
        return web.json_response({})


@pytest.fixture
async def synapse() -> AsyncIterator[Synapse]:
    made, app = Synapse(), web.Application()
    app.router.add_route("*", "/{any:.*}", made.handle)
    async with TestServer(app) as server:
        made.url = str(server.make_url("")).rstrip("/")
        yield made


@pytest.fixture
def redis() -> Iterator[Redis]:
    started = Redis.start()
    yield started
    started.stop()


@pytest.fixture
def nodes(tmp_path: Path, redis: Redis, synapse: Synapse) -> Iterator[list[MediaProcess]]:
    line = new_line()
    made = []
    try:
        for name in ("a", "b"):
            folder = tmp_path / name
            folder.mkdir()
            secret(folder / "media.keys", line)
            node = MediaProcess.prepare(folder, NOBODY, redis=f"unix://{redis.path}", node=name)
            node.change(node_url=node.url, homeserver_url=synapse.url)
            made.append(node)
        for node in made:
            node.start(ready=False)
        for node in made:
            node.until_logged("calls served")
        yield made
    finally:
        for node in made:
            node.stop()
            node.api.close()


def token(node: MediaProcess, name: str, room: str = "lesson") -> str:
    claims = Claims(identity=Identity(name), room=RoomName(room), join=True)
    return mint(claims, read_keys(node.folder / "media.keys"), time.time())  # noqa: TID251 - signed now


async def enter(node: MediaProcess, name: str, call: str = "lesson") -> rtc.Room:
    room = rtc.Room()
    url = node.url.replace("http", "ws") + "/livekit/sfu"
    await room.connect(url, token(node, name, call), rtc.RoomOptions())
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
    """One address for both, as docs/operations_calls.md has it."""
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


@define
class Door:
    """As tests of browsers know a world."""

    ws: str
    node: MediaProcess

    def token(self, identity: str, _room: str) -> str:
        return token(self.node, identity)


async def both_on(node: MediaProcess) -> None:
    await asyncio.to_thread(
        until,
        lambda: node.metrics()["sferum_media_participants"] == 2,
        what="both on the node that stays",
        deadline_s=60,
    )


async def test_a_node_dies_and_another_goes_down(nodes: list[MediaProcess], door: str) -> None:
    """A call goes on when its node loses power, and again when the next one is stopped in order.

    In the Python SDK and in a browser: both come back by themselves, and the page's pictures with it.
    """
    there = Door(door, nodes[0])
    async with browsers(cast(World, there)) as chromium:
        boris = await chromium.join("boris")
        await boris.page.evaluate("camera(true)")
        anna = rtc.Room()
        await anna.connect(door, token(nodes[0], "anna"), rtc.RoomOptions())
        await sees(anna, "boris")
        held = await asyncio.gather(*(asyncio.to_thread(rooms, one) for one in nodes))
        first, second = (nodes[0], nodes[1]) if held[0] else (nodes[1], nodes[0])

        await asyncio.to_thread(first.stop, signal.SIGKILL)
        await both_on(second)
        await sees(anna, "boris")
        await until_async(lambda: shows_pictures(anna), what="pictures", deadline_s=30)

        await asyncio.to_thread(first.start)
        assert await asyncio.to_thread(second.stop) == 0
        await both_on(first)
        await sees(anna, "boris")
        await until_async(lambda: shows_pictures(anna), what="pictures", deadline_s=30)
        await anna.disconnect()


async def shows_pictures(room: rtc.Room) -> bool:
    """Somebody's camera is subscribed to, and a picture of it is decoded."""
    for who in room.remote_participants.values():
        for publication in who.track_publications.values():
            if publication.track is not None and publication.kind == rtc.TrackKind.KIND_VIDEO:
                stream = rtc.VideoStream(publication.track)
                try:
                    async with asyncio.timeout(5):
                        async for _ in stream:
                            return True
                except TimeoutError:
                    return False
                finally:
                    await stream.aclose()
    return False


async def test_redis_is_away(nodes: list[MediaProcess], redis: Redis) -> None:
    """The call goes on, somebody new comes into it by the other door, and a new call is one by both doors."""
    anna = await enter(nodes[0], "anna")
    boris = await enter(nodes[1], "boris")
    await asyncio.to_thread(redis.pause)
    klara = await enter(nodes[1], "klara")
    viktor = await enter(nodes[0], "viktor")
    for one in (anna, boris):
        await sees(one, "klara")
        await sees(one, "viktor")
    other = [await enter(node, name, "other") for node, name in zip(nodes, "de", strict=True)]
    await sees(other[0], "e")
    assert anna.connection_state == boris.connection_state == rtc.ConnectionState.CONN_CONNECTED
    await asyncio.to_thread(redis.resume)
    await asyncio.gather(
        *(asyncio.to_thread(node.until_logged, "Redis answers again") for node in nodes)
    )
    galina = await enter(nodes[1], "galina")
    await sees(anna, "galina")
    for one in (anna, boris, klara, viktor, galina, *other):
        await one.disconnect()


async def test_services_ask_any_node(nodes: list[MediaProcess]) -> None:
    """LiveKit's RoomService: rooms of all nodes are listed, and a call is found wherever it is asked about."""
    anna = await enter(nodes[0], "anna")
    held = await asyncio.gather(*(asyncio.to_thread(rooms, one) for one in nodes))
    elsewhere = nodes[1] if held[0] else nodes[0]
    key = read_keys(elsewhere.folder / "media.keys")[0]
    async with api.LiveKitAPI(elsewhere.url + "/livekit/sfu", key.name, key.secret) as livekit:
        await livekit.room.create_room(api.CreateRoomRequest(name="made"))
        listed = await livekit.room.list_rooms(api.ListRoomsRequest())
        assert sorted(one.name for one in listed.rooms) == ["lesson", "made"]
        asked = api.ListParticipantsRequest(room="lesson")
        there = await livekit.room.list_participants(asked)
        assert [one.identity for one in there.participants] == ["anna"]
        gone = asyncio.Event()
        anna.on("disconnected", lambda *_: gone.set())
        who = api.RoomParticipantIdentity(room="lesson", identity="anna")
        await livekit.room.remove_participant(who)
        await asyncio.wait_for(gone.wait(), 20)
        with pytest.raises(api.TwirpError, match="does not exist"):
            await livekit.room.list_participants(api.ListParticipantsRequest(room="nothing"))


async def test_a_delayed_leave_is_handed_to_any_node(
    nodes: list[MediaProcess], synapse: Synapse
) -> None:
    """The node that has the connection puts it off, though the client asked the other one."""
    room_id, user_id = "!lesson:school.test", "@anna:school.test"
    claims = Claims(
        identity=member_identity(user_id, "DEV", "m1"), room=room_name(room_id), join=True
    )
    now = time.time()  # noqa: TID251 - signed now
    anna = rtc.Room()
    url = nodes[0].url.replace("http", "ws") + "/livekit/sfu"
    await anna.connect(url, mint(claims, read_keys(nodes[0].folder / "media.keys"), now))
    held = await asyncio.gather(*(asyncio.to_thread(rooms, one) for one in nodes))
    elsewhere = nodes[1] if held[0] else nodes[0]
    body = {
        "room_id": room_id,
        "slot_id": "m.call#ROOM",
        "openid_token": {"access_token": "t", "matrix_server_name": "school.test"},
        "member": {"id": "m1", "claimed_user_id": user_id, "claimed_device_id": "DEV"},
        "delay_id": "syd_leave",
        "delay_timeout": 3_600_000,
    }
    path = "/livekit/jwt/delegate_delayed_leave"
    answer = await asyncio.to_thread(elsewhere.api.request, "POST", path, json=body)
    assert (answer.status, answer.headers["access-control-allow-origin"]) == (200, "*")

    async def asked(action: str) -> bool:
        return f"syd_leave/{action}" in synapse.asked

    await until_async(lambda: asked("restart"), what="a restart")
    await anna.disconnect()
    await until_async(lambda: asked("send"), what="the leave", deadline_s=20)


async def test_nobody_passes_themselves_on(nodes: list[MediaProcess]) -> None:
    """Who claims to come from another node, even with a good token of their own, begins no second call there."""
    anna = await enter(nodes[0], "anna")
    held = await asyncio.gather(*(asyncio.to_thread(rooms, one) for one in nodes))
    elsewhere = nodes[1] if held[0] else nodes[0]
    own = token(elsewhere, "boris")
    for passed in ("1", own):
        headers = {"X-Sferum-Passed": passed, "Authorization": f"Bearer {own}"}
        for path in ("/livekit/sfu/rtc/validate", "/livekit/host/state"):
            answer = await asyncio.to_thread(elsewhere.api.request, "GET", path, headers=headers)
            assert answer.status == 403
    assert await asyncio.to_thread(rooms, elsewhere) == 0
    await anna.disconnect()


async def test_a_copied_configuration(nodes: list[MediaProcess]) -> None:
    """A node under another's name does not start: they would take each other's calls."""
    await asyncio.to_thread(nodes[1].stop)
    nodes[1].change(node="a")
    nodes[1].start(ready=False)
    assert await asyncio.to_thread(nodes[1].wait) == 2
    assert "node: " in nodes[1].lines().splitlines()[-1]
