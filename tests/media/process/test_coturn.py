"""Calls through Debian's coturn with deploy/coturn: for networks that let little through."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest
from livekit import rtc

from media.access.claims import Claims
from media.access.key_file import read_keys
from media.access.tokens import mint
from media.ids import Identity, RoomName
from tests.support.coturn import coturn
from tests.support.media import MediaProcess
from tests.support.service import secret
from tests.support.synapse import Homeserver

pytestmark = pytest.mark.integration

#: Nobody asks it here.
NOBODY = cast(
    Homeserver,
    SimpleNamespace(service_token="x" * 32, url="http://127.0.0.1:9", server_name="school.test"),
)


@pytest.fixture
def relay(tmp_path: Path) -> Iterator[tuple[int, Path]]:
    """coturn's port, and its secret in a file."""
    with coturn(tmp_path) as turn:
        yield turn.port, secret(tmp_path / "turn.secret", turn.secret)


async def enter(media: MediaProcess, name: str, *, relay: bool = False) -> rtc.Room:
    claims = Claims(identity=Identity(name), room=RoomName("lesson"), join=True)
    keys = read_keys(media.folder / "media.keys")
    token = mint(claims, keys, time.time())  # noqa: TID251 - signed now
    room = rtc.Room()
    options = rtc.RoomOptions()
    if relay:
        options.rtc_config = rtc.RtcConfiguration(
            ice_transport_type=rtc.IceTransportType.TRANSPORT_RELAY
        )
    await room.connect(media.url.replace("http", "ws") + "/livekit/sfu", token, options)
    return room


async def hears(room: rtc.Room, from_: rtc.Room) -> None:
    """Sound that one publishes reaches the other."""
    got = asyncio.Event()

    async def listen(track: rtc.Track) -> None:
        stream = rtc.AudioStream(track)
        async for _ in stream:
            got.set()
            break
        await stream.aclose()

    async with asyncio.TaskGroup() as group:

        def subscribed(track: rtc.Track, *_: object) -> None:
            group.create_task(listen(track))

        room.on("track_subscribed", subscribed)
        source = rtc.AudioSource(48_000, 1)
        await from_.local_participant.publish_track(
            rtc.LocalAudioTrack.create_audio_track("microphone", source)
        )
        frame = rtc.AudioFrame(b"\x00\x10" * 480, 48_000, 1, 480)
        async with asyncio.timeout(30):
            while not got.is_set():
                await source.capture_frame(frame)


async def test_a_call_through_the_relay(relay: tuple[int, Path], tmp_path: Path) -> None:
    """Somebody who may use nothing but the relay hears the others; the password is one of ours."""
    port, file = relay
    turn = {"urls": [f"turn:127.0.0.1:{port}?transport=tcp"], "secret_file": str(file)}
    media = MediaProcess.prepare(tmp_path / "media", NOBODY, turn=turn)
    media.start()
    try:
        inside = await enter(media, "anna")
        behind = await enter(media, "boris", relay=True)
        await hears(behind, inside)
        figures = await asyncio.to_thread(media.metrics)
        assert figures['sferum_media_connections{way="relay"}'] > 0
        await inside.disconnect()
        await behind.disconnect()
    finally:
        media.stop()
        media.api.close()
