"""A calls server behind a bad network, and what its participants measure.

::

    async with lossy_calls((BAD, BAD)) as world:
        anna = await world.calls.join("anna")
        world.path.line("anna").set(up=BAD, down=OUT)
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import numpy as np
from attrs import define
from livekit import rtc

from media.plane.api import Plane
from media.transport.api import TransportSettings
from media.transport.listener import PortListener
from tests.media.lossy.path import Path, Stream, stream
from tests.media.lossy.wire import GOOD, Condition
from tests.media.world import PREFIX, Guest, World, calls

LOOPBACK = "127.0.0.1"
#: Pictures of the noisy film before it begins anew.
PICTURES = 8


@define
class Lossy:
    calls: World
    path: Path
    sockets: Stream  # everybody's WebSockets


@asynccontextmanager
async def lossy_calls(
    usual: tuple[Condition, Condition] = (GOOD, GOOD), *, seed: int = 1, plane: Plane | None = None
) -> AsyncIterator[Lossy]:
    """`usual`: what every line is like, up and down, until it is set otherwise. `plane`: another one than the usual."""
    path = Path(lambda ufrag: name_of(world, ufrag), seed=seed, usual=usual)
    port = path.open()
    settings = TransportSettings(
        host=LOOPBACK,
        udp_port=0,
        tcp_port=None,
        advertised=(LOOPBACK,),
        advertised_udp_port=port,
    )
    try:
        async with calls(transport=settings, plane=plane) as world:
            path.node = (LOOPBACK, ports(world).udp_port)
            there = int(world.base.removesuffix(PREFIX).rpartition(":")[2])
            async with stream((LOOPBACK, there), usual[0].delay_s) as (sockets, ws_port):
                world.base = f"http://{LOOPBACK}:{ws_port}{PREFIX}"
                yield Lossy(world, path, sockets)
    finally:
        path.close()


def ports(world: World) -> PortListener:
    listener = world.node.services.listener
    assert isinstance(listener, PortListener)
    return listener


def name_of(world: World, ufrag: str) -> str | None:
    """Whose connection this is, in the tables of the node."""
    peer = ports(world)._by_ufrag.get(ufrag)
    if peer is not None:
        sid = peer.id.partition(":")[0]
        for hall in world.node.halls.values():
            for client in hall.clients.values():
                if client.sid == sid:
                    return str(client.identity)
    return None


async def publish_busy_camera(
    guest: Guest, width: int = 1280, height: int = 720, square: int = 8
) -> Any:
    """A picture that costs as much as it may: every layer comes near to its bitrate.

    `square`: with small ones the smallest layer has its bitrate from two pictures a second.
    """
    source = rtc.VideoSource(width, height)
    track = rtc.LocalVideoTrack.create_video_track("camera", source)
    options = rtc.TrackPublishOptions(
        source=rtc.TrackSource.SOURCE_CAMERA, simulcast=True, video_codec=rtc.VideoCodec.VP8
    )
    guest._start(_noise(source, width, height, square))
    return await guest.room.local_participant.publish_track(track, options)


async def _noise(source: rtc.VideoSource, width: int, height: int, square: int) -> None:
    """Fifteen pictures a second of coloured squares that change."""
    dice = np.random.default_rng(1)
    pictures = []
    for _ in range(PICTURES):
        small = dice.integers(0, 255, (height // square, width // square, 4), dtype=np.uint8)
        whole = small.repeat(square, axis=0).repeat(square, axis=1)
        pictures.append(rtc.VideoFrame(width, height, rtc.VideoBufferType.RGBA, whole.tobytes()))
    at = 0
    while True:
        source.capture_frame(pictures[at % PICTURES])
        at += 1
        await asyncio.sleep(1 / 15)
