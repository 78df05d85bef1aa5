"""Signed notices, checked by LiveKit's own receiver."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiohttp import web
from attrs import Factory, define
from livekit import api
from livekit.protocol import models, webhook
from yarl import URL

from media.access.claims import Member
from media.signal.webhooks import QUEUE, Hook
from tests.media.world import KEY, calls, eventually, wall


@define
class Receiver:
    """A service that believes only what is signed. `refuse`: how many it answers with 500 first."""

    url: URL
    refuse: int = 0
    heard: list[webhook.WebhookEvent] = Factory(list)

    def names(self) -> list[str]:
        return [one.event for one in self.heard]


@asynccontextmanager
async def receiver(refuse: int = 0) -> AsyncIterator[Receiver]:
    verifier = api.WebhookReceiver(api.TokenVerifier(KEY.name, KEY.secret))

    async def hear(request: web.Request) -> web.Response:
        if here.refuse:
            here.refuse -= 1
            return web.Response(status=500)
        body = (await request.read()).decode()
        here.heard.append(verifier.receive(body, request.headers["Authorization"]))
        return web.Response()

    app = web.Application()
    app.router.add_post("/hook", hear)
    runner = web.AppRunner(app, shutdown_timeout=1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    here = Receiver(URL(f"http://127.0.0.1:{runner.addresses[0][1]}/hook"), refuse)
    try:
        yield here
    finally:
        await runner.cleanup()


async def test_a_lesson_is_told_from_its_start_to_its_end() -> None:
    """Room, participants and tracks come and go as signed events, in order."""
    async with receiver() as service:
        hook = Hook(service.url, [KEY], wall)
        async with calls(hooks=[hook]) as world:
            anna = await world.join("anna")
            tone = await anna.publish_tone()
            await eventually(lambda: "track_published" in service.names(), "published")
            await anna.room.local_participant.unpublish_track(tone.sid)
            await eventually(lambda: "track_unpublished" in service.names(), "unpublished")
            await anna.leave()
            await eventually(lambda: "participant_left" in service.names(), "left")

        assert service.names()[:5] == [
            "room_started",
            "participant_joined",
            "track_published",
            "track_unpublished",
            "participant_left",
        ]
        joined = service.heard[1]
        assert joined.participant.identity == "anna"
        assert joined.room.name == "lesson"
        assert service.heard[2].track.sid == tone.sid


async def test_who_waits_has_joined() -> None:
    """R44: a notice of somebody in the waiting room says so, and not that they are gone."""
    async with receiver() as service:
        async with calls(hooks=[Hook(service.url, [KEY], wall)]) as world:
            member = Member(room_id="!r:school.test", user_id="@anna:school.test", waits=True)
            await world.join("anna", member=member)
            await eventually(lambda: "participant_joined" in service.names(), "joined")
        told = next(one for one in service.heard if one.event == "participant_joined")
        assert told.participant.state == models.ParticipantInfo.ACTIVE
        assert told.participant.attributes["sferum.waiting"] == "1"


async def test_a_receiver_that_fails_is_asked_again() -> None:
    """A notice that was answered with 500 is sent again, and the next ones keep their order."""
    async with receiver(refuse=1) as service:
        hook = Hook(service.url, [KEY], wall)
        async with asyncio.TaskGroup() as group:
            running = group.create_task(hook.run())
            for name in ("one", "two"):
                hook.post(webhook.WebhookEvent(event=name))
            await eventually(lambda: hook.sent == 2, "both arrive")
            running.cancel()
        assert service.names() == ["one", "two"]


async def test_a_full_queue_loses_the_oldest_and_says_so() -> None:
    """A receiver that is away for long costs bounded memory; later notices tell how many are missing."""
    async with receiver() as service:
        hook = Hook(service.url, [KEY], wall)
        for number in range(QUEUE + 5):
            hook.post(webhook.WebhookEvent(event=str(number)))
        async with asyncio.TaskGroup() as group:
            running = group.create_task(hook.run())
            await eventually(lambda: hook.sent == QUEUE, "the rest arrives")
            running.cancel()
        assert service.names()[0] == "5"
        assert service.heard[0].num_dropped == 5
