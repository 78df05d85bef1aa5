"""One person's line becomes narrow, and wide again."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable

from attrs import evolve

from media.forwarder.api import Kind, Layer
from media.forwarder.plain.forwarder import PlainForwarder
from media.plane.plain import PlainPlane
from tests.media.lossy.measured import Received, guest_received, guest_sent, page_received
from tests.media.lossy.path import Line
from tests.media.lossy.wire import BAD, GOOD, Condition
from tests.media.lossy.world import Lossy, lossy_calls, publish_busy_camera
from tests.media.signal.browser import Viewer, browsers
from tests.media.signal.test_resuming import client_of
from tests.media.world import eventually

#: Carries the small picture (150 kbit/s) and voices, not the middle one (450) with them.
NARROW = Condition(bandwidth_bps=400_000, delay_s=0.02)
#: The same, 100 ms away, and it loses every twentieth.
NARROW_AND_BAD = evolve(BAD, bandwidth_bps=400_000)
#: Carries three small pictures and voices (0.6 Mbit/s), not one middle one more with what a keyframe takes.
FOR_THREE = Condition(bandwidth_bps=1_000_000, delay_s=0.02)
#: Of a page: what is out of sight is paused by the client.
IN_SIGHT = "position: fixed; top: 0; width: 960px; height: 540px"
#: Pictures that are watched there, of fifteen a second; seconds that one stands still at most; voices that are made up.
WATCHED, FREEZE_S, CONCEALED_OF_THREE = 45, 1.0, 0.05
#: Voices that the client had to make up, once the small picture is there.
CONCEALED = 0.1
#: Seconds within which the large picture comes back on a machine where everything else runs too: steps after 3, 6 and
#: 9 s and a keyframe make 12 on an idle one; a step that met a busy moment waits twice as long.
BACK_S = 90.0


def layer_sent(world: Lossy, to: str) -> Layer | None:
    """The layer of the one camera that goes to somebody."""
    plane = world.calls.node.services.plane
    assert isinstance(plane, PlainPlane)
    forwarder = plane.forwarder
    assert isinstance(forwarder, PlainForwarder)
    sid = client_of(world.calls, to).sid
    for down in forwarder._downs.values():
        if down.kind is Kind.VIDEO and down.spec.peer.startswith(sid):
            return down.current.layer if down.current is not None else None
    return None


async def test_a_narrow_line_gets_the_small_picture_and_its_voices(
    record_property: Callable[[str, object], None],
) -> None:
    """The others keep the large one; when the line is wide again, so does this one."""
    async with lossy_calls(plane=PlainPlane(PlainForwarder())) as world:
        loop = asyncio.get_running_loop()
        anna = await world.calls.join("anna")
        await publish_busy_camera(anna)
        await anna.publish_tone()
        boris = await world.calls.join("boris")
        await world.calls.join("clara", decode=False)
        everybody = ("boris", "clara")
        await eventually(
            lambda: all(layer_sent(world, name) is Layer.HIGH for name in everybody), "all of it"
        )
        await boris.hears("anna")

        line = world.path.line("boris")
        line.set(up=GOOD, down=NARROW)
        await eventually(lambda: layer_sent(world, "boris") is Layer.LOW, "the small one", 30)
        await boris.sees("anna")
        before, lost = (await guest_received(boris, "anna"))["audio"], line.down.crowded_out
        await boris.sees("anna", frames=20)
        after = (await guest_received(boris, "anna"))["audio"]
        assert after.samples > before.samples
        assert after.concealed_since(before) < CONCEALED, (
            before,
            after,
            line.down.crowded_out - lost,
        )
        assert layer_sent(world, "clara") is Layer.HIGH

        line.set(up=GOOD, down=GOOD)
        wide = loop.time()
        await eventually(lambda: layer_sent(world, "boris") is Layer.HIGH, "the large one", BACK_S)
        record_property("large_picture_back_s", round(loop.time() - wide, 1))
        await boris.hears("anna")


async def test_a_publisher_with_a_narrow_line_sends_less() -> None:
    """What it is told of its packets (transport-wide feedback) makes it send what its line carries, and be seen."""
    async with lossy_calls() as world:
        anna = await world.calls.join("anna")
        boris = await world.calls.join("boris")
        await publish_busy_camera(anna, 640, 360)
        await boris.sees("anna")
        line = world.path.line("anna")
        line.set(up=Condition(bandwidth_bps=250_000, delay_s=0.02), down=GOOD)
        lost = -1

        async def settled() -> bool:
            """Ten pictures in a row were decoded while its line lost nothing for want of room."""
            nonlocal lost
            before, lost = lost, line.up.crowded_out
            await boris.sees("anna", frames=10)
            return before == line.up.crowded_out

        await eventually(settled, "it sends what its line carries", 60)
        sent = await guest_sent(anna)
        assert max(sent.frames.values()) > 0


async def test_a_page_has_its_large_picture_back(
    record_property: Callable[[str, object], None],
) -> None:
    """On a narrow line that loses and is late, livekit-client decodes the small picture; on a good one the large.

    Of three cameras on 1 Mbit/s it sees all, without a standstill and with whole voices; then all of them as they are.
    """
    async with lossy_calls() as world, browsers(world.calls) as chromium:
        loop = asyncio.get_running_loop()
        anna = await world.calls.join("anna")
        await publish_busy_camera(anna)
        clara = await chromium.join("clara", version="2.23.0")
        await clara.sees("anna")
        await clara.page.evaluate(
            "document.querySelector('video').style.cssText = 'width: 1280px; height: 720px'"
        )
        await clara.sees("anna", width=1280, deadline_s=BACK_S)

        line = world.path.line("clara")
        line.set(up=NARROW_AND_BAD, down=NARROW_AND_BAD)
        await clara.sees("anna", width=320, deadline_s=BACK_S)
        line.set(up=GOOD, down=GOOD)
        good = loop.time()
        await clara.sees("anna", width=1280, deadline_s=BACK_S)
        record_property("large_picture_back_in_the_page_s", round(loop.time() - good, 1))

        await anna.leave()
        three = ("boris", "dora", "emil")
        for name in three:
            guest = await world.calls.join(name, auto_subscribe=False, decode=False)
            await publish_busy_camera(guest, 960, 540, square=60)
            await guest.publish_tone()
            picture = f"document.querySelector('video[data-who={name}]')"
            await clara.until(picture, f"has a place for {name}")
            await clara.page.evaluate(f"{picture}.style.cssText = {IN_SIGHT!r}")
        for name in three:
            await clara.hears(name)
            await clara.sees(name, width=960, deadline_s=BACK_S)
        record_property("three_pictures_there_s", round(loop.time() - good, 1))
        line.set(up=GOOD, down=FOR_THREE)
        narrow = loop.time()
        await _settled(clara, line, three)
        record_property("three_pictures_settled_s", round(loop.time() - narrow, 1))
        await _goes_on(clara, three)
        line.set(up=GOOD, down=GOOD)
        good = loop.time()
        for name in three:
            await clara.sees(name, width=960, deadline_s=BACK_S)
        record_property("three_pictures_back_in_the_page_s", round(loop.time() - good, 1))


async def _settled(viewer: Viewer, line: Line, names: Iterable[str]) -> None:
    """Ten pictures of each in a row while the line lost nothing for want of room."""
    lost = -1

    async def nothing_crowded_out() -> bool:
        nonlocal lost
        before, lost = lost, line.down.crowded_out
        for name in names:
            await viewer.sees(name)
        return before == line.down.crowded_out

    await eventually(nothing_crowded_out, "what is sent fits", 60)


async def _goes_on(viewer: Viewer, names: Iterable[str]) -> None:
    """All pictures move and all voices are whole, while `WATCHED` pictures of each come."""

    async def received() -> dict[str, dict[str, Received]]:
        return {name: await page_received(viewer, name) for name in names}

    first = await received()
    last = first

    async def enough() -> bool:
        nonlocal last
        last = await received()
        return all(
            last[name]["video"].frames >= first[name]["video"].frames + WATCHED for name in names
        )

    await eventually(enough, "all pictures move on", 30)
    for name in names:
        seen, before = last[name]["video"], first[name]["video"]
        freezes = max(1, seen.freezes - before.freezes)
        assert seen.frozen_s - before.frozen_s <= FREEZE_S * freezes, (name, before, seen)
        voice = last[name]["audio"]
        assert voice.concealed_since(first[name]["audio"]) < CONCEALED_OF_THREE, (name, voice)
