"""Debian's Chromium with a page that makes peer connections; pictures and tones are made in the page."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from playwright.async_api import Page, async_playwright

from tests.support.chromium import CALLS

#: Functions for the tests' one-liners; `pc` is the connection, `seen` what happened.
SCRIPT = """
globalThis.make = () => {
  globalThis.seen = {tracks: [], messages: [], states: []};
  globalThis.pc = new RTCPeerConnection({bundlePolicy: 'max-bundle'});
  pc.onconnectionstatechange = () => seen.states.push(pc.connectionState);
  pc.ontrack = e => seen.tracks.push([e.track.kind, e.streams[0] && e.streams[0].id, e.track.id, e.transceiver.mid]);
  pc.ondatachannel = e => listen(e.channel);
};
globalThis.listen = c => {
  c.binaryType = 'arraybuffer';
  c.onmessage = m => seen.messages.push([c.label, m.data.byteLength]);
  globalThis[c.label] = c;
  return c;
};
globalThis.channels = () => {
  listen(pc.createDataChannel('_reliable', {ordered: true}));
  listen(pc.createDataChannel('_lossy', {ordered: false, maxRetransmits: 0}));
};
globalThis.picture = () => {
  const canvas = document.createElement('canvas');
  canvas.width = 1280; canvas.height = 720;
  const paint = canvas.getContext('2d');
  let n = 0;
  setInterval(() => { paint.fillStyle = `hsl(${n++ % 360} 90% 50%)`; paint.fillRect(0, 0, 1280, 720); }, 33);
  return canvas.captureStream(30).getVideoTracks()[0];
};
globalThis.tone = () => {
  const audio = new AudioContext(), oscillator = audio.createOscillator();
  const out = audio.createMediaStreamDestination();
  oscillator.connect(out); oscillator.start();
  return out.stream.getAudioTracks()[0];
};
globalThis.offer = async (options) => {
  await pc.setLocalDescription(await pc.createOffer(options));
  return pc.localDescription.sdp;
};
globalThis.answered = sdp => pc.setRemoteDescription({type: 'answer', sdp});
globalThis.offered = async sdp => {
  await pc.setRemoteDescription({type: 'offer', sdp});
  await pc.setLocalDescription(await pc.createAnswer());
  return pc.localDescription.sdp;
};
globalThis.simulcast = track => pc.addTransceiver(track, {direction: 'sendonly', sendEncodings: [
  {rid: 'q', scaleResolutionDownBy: 4, maxBitrate: 160000},
  {rid: 'h', scaleResolutionDownBy: 2, maxBitrate: 450000},
  {rid: 'f', maxBitrate: 1700000}]});
globalThis.free = () => ['audio', 'video'].forEach(kind => {
  for (let i = 0; i < 3; i++) pc.addTransceiver(kind, {direction: 'recvonly'});
});
"""


@asynccontextmanager
async def chromium_page() -> AsyncIterator[Page]:
    path = shutil.which("chromium")
    if path is None:
        pytest.skip("chromium is not installed")
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=path,
            args=CALLS,
        )
        page = await browser.new_page()
        await page.goto("about:blank")
        await page.evaluate(f"() => {{ {SCRIPT} }}")
        yield page
        await browser.close()


async def seen(page: Page, what: str) -> Any:
    return await page.evaluate(f"seen.{what}")
