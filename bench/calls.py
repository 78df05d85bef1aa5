"""Joining calls: how long it takes, and what negotiation costs. `make bench B=calls`; needs the dev group.

A newcomer of LiveKit's Python SDK joins a room of N participants that publish a microphone each, as v0 and as v1: time
until its transport is connected (p50, p95 of several newcomers), time until every track is subscribed to, and bytes of
signalling both ways. One JSON line a row; clients and server share the machine.
"""

from __future__ import annotations

import asyncio
import json
import logging
import statistics
import sys
import time

from livekit import rtc

from tests.media.world import LESSON, SAMPLE_RATE, Guest, World, calls, eventually

SIZES = (1, 10, 50, 100)
NEWCOMERS = 5


async def main(sizes: list[int]) -> None:
    logging.getLogger("livekit").setLevel(logging.CRITICAL)
    for v1 in (False, True):
        for size in sizes:
            async with calls() as world:
                await fill(world, size - 1)
                print(json.dumps(await measure(world, size, v1)), flush=True)


async def fill(world: World, people: int) -> None:
    """Participants with a silent microphone each, who watch nobody."""
    for number in range(people):
        guest = await world.join(f"p{number}", v1=False, auto_subscribe=False)
        track = rtc.LocalAudioTrack.create_audio_track("m", rtc.AudioSource(SAMPLE_RATE, 1))
        options = rtc.TrackPublishOptions(source=rtc.TrackSource.SOURCE_MICROPHONE)
        await guest.room.local_participant.publish_track(track, options)


async def measure(world: World, size: int, v1: bool) -> dict[str, object]:
    connected: list[float] = []
    complete: list[float] = []
    sizes: list[tuple[int, int]] = []
    for number in range(NEWCOMERS):
        began = time.monotonic()
        guest = await world.join(f"new{number}", v1=v1, decode=False)
        connected.append(guest.joined_in_s)
        await eventually(lambda guest=guest: subscribed(guest) >= size - 1, "all tracks", 60)  # type: ignore[misc]
        complete.append(time.monotonic() - began)
        sizes.append(bytes_of(world, guest.name))
        await guest.leave()
        world.guests.remove(guest)
    return {
        "bench": "calls.join",
        "version": "v1" if v1 else "v0",
        "participants": size,
        "connected_p50_ms": round(statistics.median(connected) * 1000),
        "connected_p95_ms": round(max(connected) * 1000),
        "all_tracks_p50_ms": round(statistics.median(complete) * 1000),
        "bytes_from_client": max(one[0] for one in sizes),
        "bytes_to_client": max(one[1] for one in sizes),
    }


def subscribed(guest: Guest) -> int:
    people = guest.room.remote_participants.values()
    return sum(
        1 for who in people for one in who.track_publications.values() if one.track is not None
    )


def bytes_of(world: World, identity: str) -> tuple[int, int]:
    clients = world.node.halls[LESSON].clients.values()
    connection = next(one.connection for one in clients if one.identity == identity)
    return (connection.bytes_in, connection.bytes_out) if connection is not None else (0, 0)


if __name__ == "__main__":
    asyncio.run(main([int(one) for one in sys.argv[1:]] or list(SIZES)))
