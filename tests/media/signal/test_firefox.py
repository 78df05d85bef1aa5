"""livekit-client in Debian's Firefox ESR and in Chromium, together in calls of our server.

Firefox asks for v1 like the other, is told that there is none, and comes with v0 (ADR 35).
"""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from attrs import frozen

from media.ids import RoomName
from media.signal.negotiation_v0 import NegotiationV0
from media.signal.negotiation_v1 import NegotiationV1
from tests.media.signal.browser import Browsers, Viewer, browsers, firefoxes
from tests.media.signal.test_resuming import client_of, cut
from tests.media.world import World, calls, silent_tone

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.integration]

BOTH = pytest.mark.parametrize("v1", [False, True], ids=["v0", "v1"])
LARGE = "document.querySelector('video').style.cssText = 'width: 1280px; height: 720px'"
SMALL = "document.querySelector('video').style.cssText = 'width: 160px; height: 90px'"


@frozen
class Both:
    world: World
    chromium: Browsers
    firefox: Browsers


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def both() -> AsyncIterator[Both]:
    """One node and one browser of each kind for the module; each test has a room of its own."""
    async with (
        calls() as world,
        browsers(world) as chromium,
        firefoxes(world) as firefox,
    ):
        yield Both(world, chromium, firefox)


async def publish(*viewers: Viewer) -> None:
    for one in viewers:
        await one.page.evaluate("camera(true)")
        await one.page.evaluate("microphone(true)")


async def leave(*viewers: Viewer) -> None:
    for one in viewers:
        await one.page.evaluate("room.disconnect()")


@BOTH
async def test_firefox_and_chromium_see_and_hear_each_other(both: Both, v1: bool) -> None:
    """Camera and microphone both ways; what Firefox publishes in three layers is decoded in the size that is shown.

    Whatever the pages would rather have, Firefox has v0.
    """
    room = f"meeting {v1}"
    fox = await both.firefox.join("fox", version="2.23.0", v1=v1, room=room)
    chrome = await both.chromium.join("chrome", version="2.23.0", v1=v1, room=room)
    spoken = {
        name: client_of(both.world, name, RoomName(room)).negotiation for name in ("fox", "chrome")
    }
    assert isinstance(spoken["fox"], NegotiationV0)
    assert isinstance(spoken["chrome"], NegotiationV1 if v1 else NegotiationV0)
    await publish(fox, chrome)
    await chrome.sees("fox")
    await chrome.hears("fox")
    await fox.sees("chrome")
    await fox.hears("chrome")
    for one, other in ((chrome, "fox"), (fox, "chrome")):
        await one.page.evaluate(LARGE)
        await one.sees(other, width=1280, deadline_s=80)
        await one.page.evaluate(SMALL)
        await one.sees(other, width=320, deadline_s=80)
    await leave(fox, chrome)


@BOTH
async def test_firefox_mutes_resumes_and_is_seen_by_who_comes_later(both: Both, v1: bool) -> None:
    """A mute is shown and sound comes back; a cut WebSocket changes nothing; newcomers get everything."""
    room = RoomName(f"lesson {v1}")
    fox = await both.firefox.join("fox", v1=v1, room=room)
    chrome = await both.chromium.join("chrome", v1=v1, room=room)
    await publish(fox, chrome)
    await chrome.hears("fox")
    await fox.hears("chrome")
    for one, other in ((fox, chrome), (chrome, fox)):
        await one.page.evaluate("microphone(false)")
        await other.until(
            f"happened.events.some(e => e[0] == 'muted' && e[1] == '{one.name}')", "is told"
        )
        await one.page.evaluate("microphone(true)")
        await other.hears(one.name)

    sid = client_of(both.world, "fox", room).sid
    cut(both.world, "fox", room)
    await fox.until("happened.events.some(e => e[0] == 'Reconnected')", "is back")
    assert client_of(both.world, "fox", room).sid == sid
    later = await both.firefox.join("later", v1=v1, room=room)
    for one in (chrome, later):
        await one.sees("fox")
        await one.hears("fox")
    await fox.sees("chrome")
    await later.sees("chrome")
    await publish(later)
    await fox.sees("later")
    assert not [e for e in await chrome.happened("events") if e[0] == "unsubscribed"]
    await leave(fox, chrome, later)


async def test_who_cannot_decode_one_camera_sees_the_others(both: Both) -> None:
    """Debian's Firefox has no H.264: such a camera stays dark there, and its own comes in VP8, whatever was wished."""
    for v1 in (False, True):
        room = f"h264 {v1}"
        options = {"publishDefaults": {"videoCodec": "h264"}}
        fox = await both.firefox.join("fox", v1=v1, room=room, options=options)
        assert "H264" not in await fox.page.evaluate(
            "RTCRtpReceiver.getCapabilities('video').codecs.map(one => one.mimeType).join()"
        )
        dark = await both.chromium.join("dark", v1=v1, room=room, options=options)
        chrome = await both.chromium.join("chrome", v1=v1, room=room)
        await publish(dark)
        await chrome.sees("dark")
        await fox.hears("dark")
        await fox.until(
            "happened.events.some(e => e[0] == 'subscription failed' && e[2] == 1)", "is told why"
        )
        await publish(chrome)
        await fox.sees("chrome")
        await fox.page.evaluate("camera(true)")
        await dark.sees("fox")
        assert (await dark.page.evaluate("received('fox', 'Camera')"))["mimeType"] == "video/VP8"
        assert (await fox.page.evaluate("sees('dark')")) in (None, [0, 0, 0])
        await leave(fox, dark, chrome)


@BOTH
async def test_firefox_gets_layers_inside_a_stream_whole(both: Both, v1: bool) -> None:
    """It reads no descriptors: of VP9 it decodes all sizes, however small its tile, and its budget counts them."""
    room = RoomName(f"vp9 {v1}")
    options = {"publishDefaults": {"videoCodec": "vp9", "backupCodec": False}}
    fox = await both.firefox.join("fox", v1=v1, room=room)
    chrome = await both.chromium.join("chrome", v1=v1, room=room, options=options)
    other = await both.chromium.join("other", v1=v1, room=room)
    await chrome.page.evaluate("camera(true)")
    for one in (fox, other):
        await one.sees("chrome")
    call = both.world.node.halls[room].room._call
    whole = {
        member.identity: subscription.whole
        for member in call.members.values()
        for subscription in member.subscriptions.values()
    }
    assert whole == {"fox": True, "other": False}
    await leave(fox, chrome, other)


@BOTH
async def test_six_publishers_reach_firefox(both: Both, v1: bool) -> None:
    """Three who were there before it, and three who come after: it sees and hears each."""
    room = f"six {v1}"
    pupils = [await both.world.join(f"pupil{n}", room, auto_subscribe=False) for n in range(6)]
    tones = []
    for pupil in pupils[:3]:
        await pupil.publish_camera(160, 90, simulcast=False)
        tones.append(await silent_tone(pupil))
    fox = await both.firefox.join("fox", v1=v1, room=room)
    for pupil in pupils[3:]:
        await pupil.publish_camera(160, 90, simulcast=False)
        tones.append(await silent_tone(pupil))
    for pupil, tone in zip(
        pupils, tones, strict=True
    ):  # of all at once the three loudest are heard
        await fox.sees(pupil.name)
        tone.unmute()
        await fox.hears(pupil.name)
        tone.mute()
    await leave(fox)
    for pupil in pupils:
        await pupil.leave()
