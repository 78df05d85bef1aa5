"""Firefox's offer: a page of ours is opened by Debian's Firefox without a driver and posts what it would send."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from pathlib import Path

from aiohttp import web

PREFERENCES = """
user_pref("media.navigator.streams.fake", true);
user_pref("media.navigator.permission.disabled", true);
user_pref("browser.shell.checkDefaultBrowser", false);
user_pref("datareporting.policy.dataSubmissionEnabled", false);
user_pref("browser.startup.homepage_override.mstone", "ignore");
user_pref("app.update.enabled", false);
"""

PAGE = """<!doctype html><script>
(async () => {
  const media = await navigator.mediaDevices.getUserMedia({audio: true, video: true});
  const pc = new RTCPeerConnection({bundlePolicy: 'max-bundle'});
  pc.createDataChannel('_reliable');
  pc.addTransceiver(media.getAudioTracks()[0], {direction: 'sendonly'});
  pc.addTransceiver(media.getVideoTracks()[0], {direction: 'sendonly', sendEncodings: [
    {rid: 'q', scaleResolutionDownBy: 4}, {rid: 'h', scaleResolutionDownBy: 2}, {rid: 'f'}]});
  pc.addTransceiver('audio', {direction: 'recvonly'});
  pc.addTransceiver('video', {direction: 'recvonly'});
  await pc.setLocalDescription(await pc.createOffer());
  await fetch('/offer', {method: 'POST', body: pc.localDescription.sdp});
})();
</script>"""


async def offer() -> str:
    """What Firefox 153 offers for a microphone, three layers of a camera and two free sections."""
    posted: asyncio.Queue[str] = asyncio.Queue()

    async def page(_: web.Request) -> web.Response:
        return web.Response(text=PAGE, content_type="text/html")

    async def take(request: web.Request) -> web.Response:
        posted.put_nowait(await request.text())
        return web.Response()

    app = web.Application()
    app.router.add_get("/", page)
    app.router.add_post("/offer", take)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        (Path(profile) / "user.js").write_text(PREFERENCES)
        firefox = await asyncio.create_subprocess_exec(
            shutil.which("firefox-esr") or "firefox-esr",
            "--headless",
            "--no-remote",
            "--profile",
            profile,
            f"http://127.0.0.1:{runner.addresses[0][1]}/",
        )
        try:
            return await asyncio.wait_for(posted.get(), 90)
        finally:
            firefox.terminate()
            await firefox.wait()
            await runner.cleanup()
