"""Lost WebSockets and lost servers: the call goes on, or begins anew."""

from __future__ import annotations

import asyncio

import pytest

from media.ids import RoomName
from media.room import events
from media.room.model import LeaveReason
from media.signal.client import Client
from tests.media.world import LESSON, World, calls, eventually

BOTH = pytest.mark.parametrize("v1", [False, True], ids=["v0", "v1"])


def client_of(world: World, identity: str, room: RoomName = LESSON) -> Client:
    clients = world.node.halls[room].clients.values()
    return next(one for one in clients if one.identity == identity)


def cut(world: World, identity: str, room: RoomName = LESSON) -> None:
    """The WebSocket ends as a lost network ends it: without a word."""
    connection = client_of(world, identity, room).connection
    assert connection is not None
    request = connection.socket._req  # aiohttp offers no rude way
    assert request is not None
    assert request.transport is not None
    request.transport.abort()


@BOTH
async def test_a_lost_websocket_is_resumed_and_media_never_stops(v1: bool) -> None:
    """Whoever was cut off from signalling comes back as the same participant, with pictures all the time."""
    async with calls() as world:
        anna = await world.join("anna", v1=v1)
        boris = await world.join("boris", v1=v1)
        await anna.publish_camera()
        await boris.sees("anna")
        sid = client_of(world, "boris").sid

        cut(world, "boris")
        await eventually(lambda: "reconnected" in boris.happened, "boris is back")

        assert client_of(world, "boris").sid == sid
        assert "track_unsubscribed" not in boris.happened
        await boris.sees("anna", frames=15)
        await boris.publish_tone()
        await anna.hears("boris")


@BOTH
async def test_a_resumed_publisher_goes_on(v1: bool) -> None:
    """A publisher that was cut off is seen without a break, and may publish more."""
    async with calls() as world:
        anna = await world.join("anna", v1=v1)
        boris = await world.join("boris", v1=v1)
        await anna.publish_camera()
        await boris.sees("anna")

        cut(world, "anna")
        await eventually(lambda: "reconnected" in anna.happened, "anna is back")
        await boris.sees("anna", frames=15)
        await anna.publish_tone()
        await boris.hears("anna")
        assert "track_unsubscribed" not in boris.happened


@BOTH
async def test_who_resumes_too_late_begins_anew(v1: bool) -> None:
    """A participant whom the server no longer knows joins again by itself, and publishes again."""
    async with calls() as world:
        anna = await world.join("anna", v1=v1)
        boris = await world.join("boris", v1=v1)
        await anna.publish_camera()
        await boris.sees("anna")
        hall, lost = world.node.halls[LESSON], client_of(world, "anna")

        cut(world, "anna")
        hall.handle(events.Left(lost.sid, LeaveReason.SIGNAL_CLOSE))
        await eventually(lambda: "reconnected" in anna.happened, "anna is back", 30)

        assert client_of(world, "anna").sid != lost.sid
        await boris.sees("anna", frames=10)


async def test_a_node_that_drains_sends_everyone_away() -> None:
    """Clients are told to come again elsewhere, and nobody new is let in."""
    async with calls() as world:
        anna = await world.join("anna")
        await world.node.drain(asyncio.get_running_loop().time() + 5)
        await eventually(lambda: "reconnecting" in anna.happened, "anna looks for another node")
        with pytest.raises(Exception, match="503"):
            await world.join("boris")
