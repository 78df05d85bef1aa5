"""Chromium publishes by WHIP and watches by WHEP, from a page of another origin, through real ports."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from aiohttp import web
from aiohttp.test_utils import TestServer
from playwright.async_api import Page

from media.broadcast.whip.lineup import Lineup
from media.transport.api import Gone
from tests.media.broadcast.whip.doubles import CONCERT, KEY
from tests.media.broadcast.whip.studio import on_ports
from tests.media.transport.chromium import SCRIPT, chromium_page
from tests.media.transport.world import eventually
from tests.support.polling import until_async

pytestmark = pytest.mark.asyncio(loop_scope="module")

#: A client of the two protocols, as a page has it. Candidates come after the offer; a restart puts the new credentials
#: into the answer that is there.
CLIENT = """
globalThis.say = async (method, url, kind, body, condition) => {
  const headers = {Authorization: 'Bearer KEY'};
  if (kind) headers['Content-Type'] = kind;
  if (condition) headers['If-Match'] = condition;
  const answer = await fetch(url, {method, headers, body});
  const place = answer.headers.get('Location');
  return {status: answer.status, place: place && new URL(place, url).href,
          etag: answer.headers.get('ETag'), text: await answer.text()};
};
globalThis.begin = async (pc, url) => {
  pc.candidates = [];
  pc.onicecandidate = e => e.candidate && e.candidate.candidate && pc.candidates.push(e.candidate.candidate);
  await pc.setLocalDescription();
  const said = await say('POST', url, 'application/sdp', pc.localDescription.sdp);
  if (said.status === 201) {
    pc.said = said;
    await pc.setRemoteDescription({type: 'answer', sdp: said.text});
  }
  return said;
};
globalThis.piece = (pc, candidates) => {
  const line = name => pc.localDescription.sdp.match(new RegExp(`a=${name}:.*\\r\\n`))[0];
  return 'm=audio 9 UDP/TLS/RTP/SAVPF 0\\r\\n' + line('mid') + line('ice-ufrag') + line('ice-pwd') +
    candidates.map(one => `a=${one}\\r\\n`).join('') + 'a=end-of-candidates\\r\\n';
};
globalThis.change = (pc, candidates, condition) =>
  say('PATCH', pc.said.place, 'application/trickle-ice-sdpfrag', piece(pc, candidates), condition);
globalThis.again = async pc => {
  pc.restartIce();
  await pc.setLocalDescription();
  const said = await change(pc, [], '*');
  let sdp = pc.said.text;
  for (const name of ['ice-ufrag', 'ice-pwd']) {
    const line = new RegExp(`a=${name}:.*`);
    sdp = sdp.replace(line, said.text.match(line)[0]);
  }
  await pc.setRemoteDescription({type: 'answer', sdp});
  return said;
};
globalThis.decoded = async pc => {
  const found = [...(await pc.getStats()).values()].filter(one => one.type === 'inbound-rtp');
  const frames = found.find(one => one.kind === 'video'), sound = found.find(one => one.kind === 'audio');
  return frames && frames.framesDecoded > 5 && sound && sound.packetsReceived > 5;
};
"""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def page() -> AsyncIterator[Page]:
    app = web.Application()

    async def empty(_request: web.Request) -> web.StreamResponse:
        return web.Response(text="<title>concert</title>", content_type="text/html")

    app.router.add_get("/", empty)
    async with TestServer(app) as elsewhere, chromium_page() as opened:
        await opened.goto(str(elsewhere.make_url("/")))
        await opened.evaluate(f"() => {{ {SCRIPT} {CLIENT.replace('KEY', KEY)} }}")
        yield opened


async def test_from_camera_to_viewer(page: Page) -> None:
    """H.264 in layers arrives; candidates, a restart and the end are understood; a viewer decodes sound and picture."""
    async with on_ports() as (studio, url):
        whip, whep = f"{url}/whip/{CONCERT}", f"{url}/whep/{CONCERT}"
        await page.evaluate("make()")
        await page.evaluate("void pc.addTransceiver(tone(), {direction: 'sendonly'})")
        await page.evaluate("void simulcast(picture())")
        said: dict[str, Any] = await page.evaluate("url => begin(pc, url)", whip)
        assert (said["status"], said["place"]) == (201, f"{whip}/s1"), said["text"]
        trickled = await page.evaluate("change(pc, pc.candidates, pc.said.etag)")
        assert (trickled["status"], trickled["text"]) == (204, "")
        await eventually(lambda: studio.arrives("s1"), "the picture arrives", 30)

        before = studio.stage.ufrags("s1")
        again = await page.evaluate("again(pc)")
        assert (again["status"], again["etag"] != said["etag"]) == (200, True)
        await eventually(
            lambda: not before & studio.stage.ufrags("s1"), "it came by the new way", 30
        )
        assert (await page.evaluate("change(pc, [], pc.said.etag)"))["status"] == 412

        await page.evaluate(
            "globalThis.viewer = new RTCPeerConnection({bundlePolicy: 'max-bundle'})"
        )
        for kind in ("audio", "video"):
            await page.evaluate(f"void viewer.addTransceiver('{kind}', {{direction: 'recvonly'}})")
        watching = await page.evaluate("url => begin(viewer, url)", whep)
        assert watching["status"] == 201, watching["text"]

        async def decoded() -> object:
            return await page.evaluate("decoded(viewer)")

        await until_async(decoded, what="sound and picture are decoded")
        ended = await page.evaluate("say('DELETE', viewer.said.place)")
        assert ended["status"] == 200
        assert len(studio.whep.sessions) == 0

        await page.evaluate("pc.close(); viewer.close()")
        await eventually(lambda: studio.stage.ends.get("s1"), "the end is noticed")
        assert studio.stage.ends["s1"] is Gone.CLOSED_BY_CLIENT
        assert studio.whip.lineup(CONCERT) == Lineup()


async def test_a_page_reads_refusals(page: Page) -> None:
    """A browser hides answers without CORS: each of these it shows to its page, with the word for the reason."""
    async with on_ports() as (_studio, url):
        asked = (
            ("POST", f"{url}/whip/{CONCERT}", "application/sdp", "nonsense", 400, "not_sdp"),
            ("POST", f"{url}/whip/{CONCERT}", "text/plain", "", 415, "media_type"),
            ("POST", f"{url}/whip/other", "application/sdp", "v=0", 401, "unauthorized"),
            ("DELETE", f"{url}/whip/{CONCERT}/none", None, None, 404, "no_session"),
        )
        for method, where, kind, body, status, why in asked:
            said = await page.evaluate("a => say(...a)", [method, where, kind, body])
            assert (said["status"], f'"why": "{why}"' in said["text"]) == (status, True)
