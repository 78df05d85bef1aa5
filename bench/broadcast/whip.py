"""What it costs the node when a browser publishes: WHIP in, H.264 passed through, Opus to AAC, parts to the origin."""

from __future__ import annotations

import asyncio
import secrets
import shutil
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from playwright.async_api import async_playwright

from bench.broadcast import sums
from bench.broadcast.player import NoBrowser
from bench.broadcast.stage import BROADCAST
from bench.broadcast.stand import Child
from tests.support.chromium import CALLS

#: Parts until clocks and key frames have settled.
SETTLED = 8
#: 640 x 360, 25 pictures a second of 250 kbit/s, and a tone.
PUBLISH = """async ([url, key]) => {
    const pc = window.pc = new RTCPeerConnection({bundlePolicy: 'max-bundle'});
    const canvas = document.createElement('canvas');
    canvas.width = 640; canvas.height = 360;
    const paint = canvas.getContext('2d'), audio = new AudioContext();
    const tone = audio.createOscillator(), out = audio.createMediaStreamDestination();
    tone.connect(out); tone.start();
    let n = 0;
    setInterval(() => {
        paint.fillStyle = `hsl(${n++ % 360} 60% 40%)`; paint.fillRect(0, 0, 640, 360);
        for (let i = 0; i < 40; i++) {
            paint.fillStyle = `hsl(${(i * 37 + n) % 360} 90% 60%)`;
            paint.fillRect((i * 97 + n * 3) % 640, (i * 61 + n) % 360, 40, 20);
        }
    }, 40);
    pc.addTransceiver(out.stream.getAudioTracks()[0], {direction: 'sendonly'});
    pc.addTransceiver(canvas.captureStream(25).getVideoTracks()[0],
                      {direction: 'sendonly', sendEncodings: [{maxBitrate: 250000}]});
    await pc.setLocalDescription();
    const answer = await fetch(url, {
        method: 'POST', body: pc.localDescription.sdp,
        headers: {Authorization: `Bearer ${key}`, 'Content-Type': 'application/sdp'},
    });
    if (answer.status !== 201) throw new Error(`WHIP: ${answer.status}`);
    await pc.setRemoteDescription({type: 'answer', sdp: await answer.text()});
}"""
#: Pictures and bytes that were sent.
SENT = """async () => {
    const found = [...(await pc.getStats()).values()].filter(one => one.type === 'outbound-rtp');
    const sum = (name) => found.reduce((all, one) => all + (one[name] || 0), 0);
    return [sum('framesSent'), sum('bytesSent')];
}"""


async def whip(seconds: float) -> dict[str, Any]:
    """A browser's broadcast for so long; the browser's own CPU is not counted.

    Raises:
        NoBrowser: says what is missing.
    """
    chromium = shutil.which("chromium")
    if chromium is None:
        raise NoBrowser("chromium is not installed; run scripts/install-services")
    with TemporaryDirectory() as folder:
        key = secrets.token_urlsafe(32)
        options = {"folder": folder, "key": key, "low_latency": True}
        studio = Child("bench.broadcast.studio", options)
        try:
            await studio.start()
            async with async_playwright() as playwright:
                browser = await playwright.chromium.launch(executable_path=chromium, args=CALLS)
                try:
                    page = await browser.new_page()
                    url = f"http://127.0.0.1:{studio.said['port']}/whip/{BROADCAST}"
                    await page.goto(url)  # fetch wants an address
                    await page.evaluate(PUBLISH, [url, key])
                    await studio.speaks(1 + SETTLED)
                    pids = [studio.pid, *_children(studio.pid)]
                    first, used = await page.evaluate(SENT), [sums.cpu_s([one]) for one in pids]
                    begun, parts = time.monotonic(), studio.lines
                    await asyncio.sleep(seconds)
                    took = time.monotonic() - begun
                    again = [sums.cpu_s([one]) for one in pids]
                    last = await page.evaluate(SENT)
                    parts = studio.lines - parts
                finally:
                    await browser.close()
        finally:
            await studio.kill()
    spent = [(after - before) / took * 1_000 for before, after in zip(used, again, strict=True)]
    return {
        "whip_cpu_ms_per_s": round(spent[0], 1),
        "whip_coders_ms_per_s": round(sum(spent[1:]), 1),
        "whip_pictures_s": round((last[0] - first[0]) / took, 1),
        "whip_kbit_s": round((last[1] - first[1]) * 8e-3 / took),
        "whip_parts_s": round(parts / took, 2),
        "whip_forwarder": studio.said["forwarder"],
    }


def _children(pid: int) -> list[int]:
    """Processes that code pictures, where there are any."""
    return [int(one) for one in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
