"""Pictures in other codecs than VP8: what Chromium publishes in them, another Chromium decodes."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from livekit import rtc

from tests.media.signal.browser import Browsers, Viewer, browsers
from tests.media.world import calls, eventually

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.integration]

TILE = "document.querySelector('video').style"
LARGE = f"{TILE}.cssText = 'width: 1280px; height: 720px'"
HIDDEN = "![...room.remoteParticipants.get('anna').videoTrackPublications.values()][0].isEnabled"
#: Publishing's codec and way; VP9 and AV1 come as one stream with layers inside (SVC), H.264 as three.
CODECS = (("h264", "video/H264"), ("vp9", "video/VP9"), ("av1", "video/AV1"))


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def chromium() -> AsyncIterator[Browsers]:
    """One browser and one node for the module; each test has a room of its own."""
    async with calls() as world, browsers(world) as opened:
        yield opened


async def width_of(viewer: Viewer, identity: str) -> int:
    """Of the last picture; 0 before the first."""
    seen = await viewer.page.evaluate("name => sees(name)", identity)
    return int(seen[0]) if seen else 0


@pytest.mark.parametrize("v1", [False, True], ids=["v0", "v1"])
@pytest.mark.parametrize(("codec", "mime_type"), CODECS, ids=[codec for codec, _ in CODECS])
async def test_other_codecs_are_decoded(
    chromium: Browsers, codec: str, mime_type: str, v1: bool
) -> None:
    """A camera in each codec arrives in it and in the size shown, again after a pause, and for who comes later."""
    room = f"{codec} {v1}"
    options = {"publishDefaults": {"videoCodec": codec, "backupCodec": False}}
    anna = await chromium.join("anna", room=room, v1=v1, options=options)
    boris = await chromium.join("boris", room=room, v1=v1)
    await anna.page.evaluate("camera(true)")
    if codec == "h264":
        await boris.sees("anna", width=320, deadline_s=80)
        await boris.page.evaluate(LARGE)
        await boris.sees("anna", width=1280, deadline_s=80)
    else:  # its encoder sends less than 1280 where the machine is busy
        await boris.sees("anna")
        assert await width_of(boris, "anna") <= 320
        await boris.page.evaluate(LARGE)

        async def is_largest() -> bool:
            seen, sent = await width_of(boris, "anna"), await anna.page.evaluate("layersSent()")
            return [seen] == [width for _, width in sent.values()]

        await eventually(is_largest, "all that is sent of one stream", 80)
        await boris.sees("anna")
    assert (await boris.page.evaluate("received('anna', 'Camera')"))["mimeType"] == mime_type

    await boris.page.evaluate(f"{TILE}.display = 'none'")
    await boris.until(HIDDEN, "is sent nothing")
    await boris.page.evaluate(f"{TILE}.display = ''")
    await boris.sees("anna")
    later = await chromium.join("later", room=room, v1=v1)
    await later.sees("anna")
    for one in (anna, boris, later):
        await one.page.evaluate("room.disconnect()")


@pytest.mark.parametrize(("codec", "mime_type"), CODECS, ids=[codec for codec, _ in CODECS])
async def test_other_codecs_between_chromium_and_python(
    chromium: Browsers, codec: str, mime_type: str
) -> None:
    """The Python SDK decodes Chromium's camera, and Chromium decodes what the SDK publishes in the same codec."""
    room = f"{codec} python"
    options = {"publishDefaults": {"videoCodec": codec, "backupCodec": False}}
    anna = await chromium.join("anna", room=room, options=options)
    python = await chromium.world.join("python", room)
    await python.publish_camera(codec=getattr(rtc.VideoCodec, codec.upper()))
    await anna.sees("python")
    assert (await anna.page.evaluate("received('python', 'Camera')"))["mimeType"] == mime_type
    await anna.page.evaluate("camera(true)")
    await python.sees("anna")
    await anna.page.evaluate("room.disconnect()")
    await python.leave()


@pytest.mark.parametrize("v1", [False, True], ids=["v0", "v1"])
async def test_a_backup_codec_is_never_asked_for(chromium: Browsers, v1: bool) -> None:
    """VP9 with a backup is one stream of VP9; a client that sends the backup unasked shows nobody a second camera."""
    room = f"backup {v1}"
    options = {"publishDefaults": {"videoCodec": "vp9", "backupCodec": True}}
    anna = await chromium.join("anna", room=room, v1=v1, options=options)
    boris = await chromium.join("boris", room=room, v1=v1)
    await anna.page.evaluate("camera(true)")
    await boris.sees("anna")
    assert await anna.page.evaluate("publishing('Camera').track.simulcastCodecs.size") == 0

    await anna.page.evaluate(
        "void room.localParticipant.publishAdditionalCodecForTrack("
        "publishing('Camera').track, 'vp8', publishing('Camera').options).catch(() => {})"
    )
    wrong = chromium.world.node.services.wrong
    await eventually(lambda: wrong["another_codec"] == 1 + v1, "the backup is refused")
    await anna.page.evaluate("microphone(true)")  # negotiated after it
    await boris.hears("anna")
    await boris.sees("anna")
    assert (await boris.page.evaluate("received('anna', 'Camera')"))["mimeType"] == "video/VP9"
    seen = (
        "[...room.remoteParticipants.get('anna').trackPublications.values()].map(one => one.source)"
    )
    assert sorted(await boris.page.evaluate(seen)) == ["camera", "microphone"]
    for one in (anna, boris):
        await one.page.evaluate("room.disconnect()")
