"""Writes the golden offers anew: `python -m tests.media.sdp.capture`. Their keys were thrown away.

Chromium's offers come from the page of the transport tests, the Rust client's out of its request to join,
Firefox's from a page of its own.
"""

from __future__ import annotations

import asyncio
import base64
import gzip
from pathlib import Path

from aiohttp import web
from livekit import api, rtc
from livekit.protocol.rtc import JoinRequest, WrappedJoinRequest

from tests.media.sdp import firefox
from tests.media.transport.chromium import chromium_page

GOLDEN = Path(__file__).parent / "golden"


async def chromium() -> None:
    async with chromium_page() as page:
        await page.evaluate("make(); free(); channels()")
        _write("chromium_v1_join", await page.evaluate("offer()"))
        await page.evaluate("void pc.addTransceiver(tone(), {direction: 'sendonly'})")
        await page.evaluate("void simulcast(picture())")
        _write("chromium_v1_publish", await page.evaluate("offer()"))
        await page.evaluate("make(); channels()")
        _write("chromium_v0_channels", await page.evaluate("offer()"))


async def rust() -> None:
    """The first message is in the URL: the client need not be answered."""
    offers: asyncio.Queue[str] = asyncio.Queue()

    async def join(request: web.Request) -> web.Response:
        packed = request.query.get("join_request", "")
        if packed:
            wrapped = WrappedJoinRequest.FromString(base64.urlsafe_b64decode(packed + "==="))
            body = wrapped.join_request
            if wrapped.compression == WrappedJoinRequest.Compression.GZIP:
                body = gzip.decompress(body)
            offers.put_nowait(JoinRequest.FromString(body).publisher_offer.sdp)
        return web.Response(status=503)

    app = web.Application()
    app.router.add_get("/rtc/v1", join)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = runner.addresses[0][1]
    token = (
        api.AccessToken("key", "s" * 32)
        .with_identity("a")
        .with_grants(api.VideoGrants(room_join=True, room="r"))
    )
    room = rtc.Room()
    connecting = asyncio.ensure_future(
        room.connect(f"ws://127.0.0.1:{port}", token.to_jwt(), rtc.RoomOptions())
    )
    _write("rust_v1_join", await asyncio.wait_for(offers.get(), 20))
    connecting.cancel()
    await runner.cleanup()


def _write(name: str, sdp: str) -> None:
    (GOLDEN / f"{name}.sdp").write_bytes(sdp.encode())


if __name__ == "__main__":
    asyncio.run(chromium())
    asyncio.run(rust())
    _write("firefox_publish", asyncio.run(firefox.offer()))
