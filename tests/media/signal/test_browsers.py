"""livekit-client in Chromium against our server."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from media.access.claims import Member
from media.room import events
from media.room.model import LeaveReason
from tests.media.signal.browser import VERSIONS, Viewer, browsers
from tests.media.signal.test_resuming import client_of, cut
from tests.media.world import LESSON, calls, silent_tone

BOTH = pytest.mark.parametrize("v1", [False, True], ids=["v0", "v1"])


@pytest.mark.parametrize("version", VERSIONS)
async def test_every_version_sees_and_hears_and_is_seen_and_heard(version: str) -> None:
    """Two pages of each version of the SDK exchange pictures and sound in the way that version prefers."""
    async with calls() as world, browsers(world) as chromium:
        anna = await chromium.join("anna", version=version)
        boris = await chromium.join("boris", version=version)
        for one in (anna, boris):
            await one.page.evaluate("camera(true)")
            await one.page.evaluate("microphone(true)")

        await boris.sees("anna")
        await boris.hears("anna")
        await anna.sees("boris")
        await anna.hears("boris")


@BOTH
async def test_the_layer_follows_the_size_that_is_shown(v1: bool) -> None:
    """A small tile is sent a small picture, a large one the large, and a hidden one nothing (adaptive stream)."""
    async with calls() as world, browsers(world) as chromium:
        anna = await chromium.join("anna", v1=v1)
        boris = await chromium.join("boris", v1=v1)
        await anna.page.evaluate("camera(true)")
        tile = "document.querySelector('video').style"

        await boris.sees("anna", width=320, deadline_s=80)
        await boris.page.evaluate(f"{tile}.width = '1280px'; {tile}.height = '720px'")
        await boris.sees("anna", width=1280, deadline_s=80)
        await boris.page.evaluate(f"{tile}.width = '160px'; {tile}.height = '90px'")
        await boris.sees("anna", width=320, deadline_s=80)


@BOTH
async def test_layers_that_nobody_watches_are_not_encoded(v1: bool) -> None:
    """The publisher switches layers off when nobody is sent them, and on again (dynacast)."""
    async with calls() as world, browsers(world) as chromium:
        anna = await chromium.join("anna", v1=v1)
        boris = await chromium.join("boris", v1=v1)
        await anna.page.evaluate("camera(true)")
        await boris.sees("anna")

        small = '{"q": true, "h": false, "f": false}'
        await anna.until(f"JSON.stringify(await layers()) == JSON.stringify({small})", "only q")
        await boris.page.evaluate(
            "document.querySelector('video').style.cssText = 'width: 1280px; height: 720px'"
        )
        await anna.until("(await layers()).f === true", "f again")
        await boris.sees("anna", width=1280, deadline_s=80)


@BOTH
async def test_a_lost_websocket_is_resumed(v1: bool) -> None:
    """The page comes back as the same participant, and pictures never stop."""
    async with calls() as world, browsers(world) as chromium:
        anna = await chromium.join("anna", v1=v1)
        boris = await chromium.join("boris", v1=v1)
        await anna.page.evaluate("camera(true)")
        await boris.sees("anna")
        sid = client_of(world, "boris").sid

        cut(world, "boris")
        cut(world, "anna")
        for one in (anna, boris):
            await one.until("happened.events.some(e => e[0] == 'Reconnected')", "is back")

        assert client_of(world, "boris").sid == sid
        await boris.sees("anna")
        await anna.page.evaluate("microphone(true)")
        await boris.hears("anna")
        assert ["unsubscribed", "anna", "camera"] not in await boris.happened("events")


@BOTH
async def test_who_resumes_too_late_begins_anew(v1: bool) -> None:
    """A page whom the server no longer knows joins again by itself and publishes again."""
    async with calls() as world, browsers(world) as chromium:
        anna = await chromium.join("anna", v1=v1)
        boris = await chromium.join("boris", v1=v1)
        await anna.page.evaluate("camera(true)")
        await boris.sees("anna")
        lost = client_of(world, "anna")

        cut(world, "anna")
        world.node.halls[LESSON].handle(events.Left(lost.sid, LeaveReason.SIGNAL_CLOSE))
        await anna.until("happened.events.some(e => e[0] == 'Reconnected')", "is back", 40)

        assert client_of(world, "anna").sid != lost.sid
        await boris.sees("anna")


async def test_speakers_and_link_qualities_are_told() -> None:
    """Who speaks is shown to the others and ends when they are silent; links are excellent on loopback."""
    async with calls() as world, browsers(world) as chromium:
        anna = await chromium.join("anna")
        boris = await chromium.join("boris")
        await anna.page.evaluate("microphone(true)")

        await boris.until("happened.speakers.some(all => all.includes('anna'))", "anna speaks")
        await boris.until("happened.quality.anna == 'excellent'", "anna's link")
        await anna.page.evaluate("microphone(false)")
        await boris.until("!room.activeSpeakers.length", "nobody speaks")


async def test_a_host_mutes_and_removes() -> None:
    """A muted pupil is not heard whatever their page does, and a removed one is out (R43)."""
    async with calls() as world, browsers(world) as chromium:
        teacher = await chromium.join("teacher", member=member("teacher", host=True))
        pupil = await chromium.join("pupil", member=member("pupil"))
        await pupil.page.evaluate("microphone(true)")
        await teacher.hears("pupil")

        track = await pupil.page.evaluate("publishing('Microphone').trackSid")
        await ask(teacher, {"op": "mute_track", "track": track})
        await pupil.until("room.localParticipant.isMicrophoneEnabled === false", "is muted")
        await teacher.until("happened.events.some(e => e[0] == 'muted')", "is told")
        await ask(pupil, {"op": "mute_all"})
        await pupil.until("happened.data.some(d => d[1].includes('not_a_host'))", "is refused")

        await ask(teacher, {"op": "remove", "identity": "pupil"})
        await pupil.until(
            "happened.events.some(e => e[0] == 'disconnected' && e[1] == 'PARTICIPANT_REMOVED')",
            "is out",
        )


async def test_six_publishers_reach_a_page(record_property: Callable[[str, object], None]) -> None:
    """More tracks than a v1 page's first three and three sections (calls.md §2.4)."""
    async with calls() as world, browsers(world) as chromium:
        tones = {}
        for number in range(6):
            pupil = await world.join(f"pupil{number}", auto_subscribe=False)
            await pupil.publish_camera(320, 180, simulcast=False)
            tones[pupil.name] = await silent_tone(pupil)
        anna = await chromium.join("anna")
        for name, tone in tones.items():  # one by one: of all at once the three loudest are heard
            await anna.sees(name)
            tone.unmute()
            await anna.hears(name)
            tone.mute()
        connection = client_of(world, "anna").connection
        assert connection is not None
        record_property("negotiation_bytes", (connection.bytes_in, connection.bytes_out))


def member(name: str, *, host: bool = False) -> Member:
    return Member(room_id="!r:s", user_id=f"@{name}:s", host=host)


async def ask(viewer: Viewer, operation: dict[str, object]) -> None:
    await viewer.page.evaluate(
        "operation => room.localParticipant.publishData("
        "new TextEncoder().encode(JSON.stringify(operation)), {reliable: true, topic: 'sferum.host'})",
        operation,
    )
