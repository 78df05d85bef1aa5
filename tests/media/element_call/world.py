"""A school on a real Synapse with the module, our calls server, and Element Call in Debian's Chromium."""

from __future__ import annotations

import asyncio
import json
import shutil
import subprocess
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from attrs import define, field
from playwright.async_api import Browser, BrowserContext, Locator, Page, async_playwright

from tests.support import rosters
from tests.support.accounts import Account
from tests.support.chromium import CAMERAS
from tests.support.configuration import NO_RATE_LIMITS, example
from tests.support.fleet import Fleet
from tests.support.media import MediaProcess
from tests.support.polling import until_async
from tests.support.process import ROOT, free_port
from tests.support.rosters import person
from tests.support.school import School
from tests.support.synapse import Homeserver

CLIENTS = ROOT / "var" / "npm"
ELEMENT_CALL = CLIENTS / "element-call-0.26.1"
PICTURES = ROOT / "var" / "pictures"
#: T1 teaches 5А with five pupils, all over 14; T3 to T5 have no class.
SCHOOL = rosters.roster(
    [
        person("D1", "director"),
        *(person(f"T{n}", "teacher") for n in range(1, 6)),
        *(person(f"P{n}", "student", born="2009-05-05") for n in range(1, 6)),
        person("P9", "student", born="2009-05-05"),
    ],
    {"5А": [f"P{n}" for n in range(1, 6)], "5Б": ["P9"]},
    {"5А": ["T1"], "5Б": ["T2"]},
)
#: Pictures a second, the fewest of Chromium's own camera.
FEW = 5
#: Five pages on two cores: small pictures, few of them. Everything else is as with large ones.
SMALL = {
    "media_quality": {
        "video": {
            "max_resolution": 360,
            "max_bitrate": 250_000,
            "max_framerate": FEW,
            "simulcast_layers": [{"height": 180, "bitrate": 100_000}],
        }
    }
}
#: Every peer connection of a page is kept, so that its statistics can be asked for.
WATCH = """
globalThis.connections = [];
const Made = globalThis.RTCPeerConnection;
globalThis.RTCPeerConnection = class extends Made {
  constructor(...rest) { super(...rest); connections.push(this); }
};
"""
#: What a page receives: frames decoded and the sound's energy of each track, and how it is connected.
RECEIVED = """async () => {
  const rows = [];
  for (const pc of connections) {
    const report = await pc.getStats();
    const pairs = [...report.values()].filter(s => s.type === 'candidate-pair' && s.nominated);
    const protocols = pairs.map(p => (report.get(p.remoteCandidateId) || {}).protocol);
    const kinds = pairs.map(p => (report.get(p.localCandidateId) || {}).candidateType);
    for (const s of report.values()) {
      if (s.type !== 'inbound-rtp') continue;
      rows.push({kind: s.kind, frames: s.framesDecoded || 0, width: s.frameWidth || 0,
        energy: s.totalAudioEnergy || 0, packets: s.packetsReceived || 0, protocols, kinds});
    }
  }
  return rows;
}"""

#: Whether the button of the microphone has shown this for two seconds.
SHOWN = """wanted => {
  const button = document.querySelector('[data-testid=incall_mute]');
  const shown = button.getAttribute('aria-busy') !== 'true' && button.getAttribute('aria-checked') === wanted;
  if (!shown || globalThis.wanted !== wanted) globalThis.since = performance.now();
  globalThis.wanted = wanted;
  return shown && performance.now() - globalThis.since > 2000;
}"""
#: The sections of each connection, to understand a failure by.
SECTIONS = """() => connections.map(pc => [pc.signalingState, pc.connectionState,
  pc.getTransceivers().map(t => [t.mid, t.receiver.track.kind, t.currentDirection, t.receiver.track.id].join(' '))])"""


#: The client's cryptography says so when an answer to /keys/query is in its store.
LEARNT = "Finished handling of the `/keys/query` response"


@define
class Caller:
    """One person with Element Call open.

    Attributes:
    said: the console's last words, to understand a failure by.
    learnt: which devices its store of keys has taken in, in the words of the client's cryptography.
    """

    account: Account
    context: BrowserContext
    page: Page
    room_id: str
    homeserver: str
    media: MediaProcess
    said: list[str] = field(factory=list)
    learnt: list[str] = field(factory=list)

    def knows(self, other: Caller) -> bool:
        return any(other.account.device_id in words for words in self.learnt)

    async def received(self) -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = await self.page.evaluate(RECEIVED)
        return rows

    async def receives(self, cameras: int, voices: int, deadline_s: float = 90.0) -> None:
        """Frames of that many cameras are decoded, and go on; that many voices have sound."""

        async def flows(before: list[dict[str, Any]]) -> bool:
            rows = await self.received()
            seen = [row for row in rows if row["kind"] == "video" and row["frames"] > 10]
            heard = [row for row in rows if row["kind"] == "audio" and row["energy"] > 0.001]
            if len(seen) < cameras or len(heard) < voices:
                return False
            frames = sum(row["frames"] for row in seen)
            shown = sum(row["frames"] for row in before if row["kind"] == "video")
            return bool(frames > shown + 10)

        start = await self.received()
        try:
            await until_async(
                lambda: flows(start),
                what=f"{cameras} cameras and {voices} voices",
                deadline_s=deadline_s,
            )
        except TimeoutError as error:
            await self.picture("failed")
            sections = await self.page.evaluate(SECTIONS)
            words = "\n".join([str(sections), *self.said[-15:]])
            raise AssertionError(f"{error}\n{await self.received()}\n{words}") from error

    async def picture(self, name: str) -> None:
        """Kept in var/pictures, to be looked at."""
        PICTURES.mkdir(parents=True, exist_ok=True)
        await self.page.screenshot(path=PICTURES / f"call_{name}.png")

    @property
    def microphone(self) -> Locator:
        """The button, whose `aria-checked` is what the page shows."""
        return self.page.locator("[data-testid=incall_mute]")

    async def shows_microphone(self, on: bool) -> None:
        """The button shows that, and goes on showing it."""
        await self.page.wait_for_function(SHOWN, arg=str(on).lower(), timeout=60_000)

    async def leave(self) -> None:
        await self.page.locator("[data-testid=incall_leave]").click()

    async def token(self) -> str:
        """Of the calls server, as this person's own pages ask for it."""
        asked = """async ([homeserver, service, room]) => {
          const store = JSON.parse(localStorage.getItem('matrix-auth-store'));
          const user = encodeURIComponent(store.user_id);
          const headers = {Authorization: `Bearer ${store.access_token}`};
          const path = `${homeserver}/_matrix/client/v3/user/${user}/openid/request_token`;
          const openid_token = await (await fetch(path, {method: 'POST', headers, body: '{}'})).json();
          const body = JSON.stringify({room, openid_token, device_id: store.device_id});
          return (await (await fetch(service, {method: 'POST', body})).json()).jwt;
        }"""
        service = f"{self.media.service_url}/sfu/get"
        found = await self.page.evaluate(asked, [self.homeserver, service, self.room_id])
        return str(found)

    async def host(self, operation: Mapping[str, Any] | None = None) -> tuple[int, Any]:
        """Ask for the state of the call, or for something to be done, as the host page does."""
        token = await self.token()
        path = "state" if operation is None else "ask"
        answer = await asyncio.to_thread(
            self.media.api.request,
            "GET" if operation is None else "POST",
            f"/livekit/host/{path}",
            token,
            operation,
        )
        return answer.status, answer.json


@define
class World:
    """Attributes:
    small: pages send small pictures and are small themselves.
    """

    school: School
    media: MediaProcess
    browser: Browser
    small: bool = False

    @property
    def server(self) -> Homeserver:
        return self.school.server

    def class_room(self, name: str = "5А") -> str:
        return self.school.room_id("class", name)

    def private_room(self, owner: Account, *guests: Account, encrypted: bool = False) -> str:
        """A room that a teacher makes; everybody named is in it."""
        preset = "trusted_private_chat" if encrypted else "private_chat"
        body: dict[str, Any] = {"preset": preset, "name": "Совещание"}
        if encrypted:
            content = {"algorithm": "m.megolm.v1.aes-sha2"}
            body["initial_state"] = [
                {"type": "m.room.encryption", "state_key": "", "content": content}
            ]
        body["invite"] = [guest.user_id for guest in guests]
        made = self.server.call("POST", "/_matrix/client/v3/createRoom", owner.access_token, body)
        room_id = str(made["room_id"])
        for guest in guests:
            self.server.call(
                "POST", f"/_matrix/client/v3/join/{quote(room_id)}", guest.access_token, {}
            )
        return room_id

    async def open(
        self,
        account: Account,
        room_id: str,
        *,
        mode: str = "compatibility",
        encrypted: bool = False,
        media: MediaProcess | None = None,
        script: str = "",
    ) -> Caller:
        """Element Call's lobby of a room, signed in on a device of its own."""
        device = await asyncio.to_thread(self.server.login, account.localpart, account.password)
        size = (960, 720) if self.small else (1280, 800)
        context = await self.browser.new_context(
            viewport={"width": size[0], "height": size[1]}, locale="ru-RU"
        )
        page = await context.new_page()
        at = media or self.media
        caller = Caller(device, context, page, room_id, self.server.url, at)

        def hear(text: str) -> None:
            caller.said.append(text[:300])
            if LEARNT in text:
                caller.learnt.append(text)

        page.on("console", lambda line: hear(line.text))
        page.on("pageerror", lambda error: caller.said.append(f"error {error}"[:300]))
        store = {
            "user_id": device.user_id,
            "device_id": device.device_id,
            "access_token": device.access_token,
            "passwordlessUser": False,
        }
        await page.add_init_script(
            WATCH
            + script
            + f"localStorage.setItem('matrix-auth-store', {json.dumps(json.dumps(store))});"
        )
        changes = {"matrix_rtc_mode": mode, **(SMALL if self.small else {})}
        if mode != "compatibility" or self.small:
            await page.route("**/config.json", lambda route: _changed(route, changes))
        url = f"{at.url}/room#?roomId={quote(room_id)}&viaServers=school.test"
        if encrypted:
            url += "&perParticipantE2EE=true"
        await page.goto(url)
        return caller

    async def join(self, caller: Caller) -> None:
        button = caller.page.locator("[data-testid=lobby_joinCall]")
        try:
            await button.click(timeout=60_000)
            await caller.page.locator("[data-testid=incall_leave]").wait_for(timeout=60_000)
        except Exception as error:
            await caller.picture("failed")
            raise AssertionError("\n".join(caller.said[-25:])) from error


async def acquainted(callers: Sequence[Caller]) -> None:
    """Wait until each of them, in lobby or call, knows the devices of the others.

    Element Call sends the key of its media once to each device that has come in; a device that it does not know yet is
    passed over with a warning ("unknown device") and counted as served: it hears nothing of them until the key changes.
    """
    for caller in callers:
        for other in callers:
            if other is not caller:
                await until_async(
                    partial(_knows, caller, other), what="a device is known", deadline_s=60
                )


async def _knows(caller: Caller, other: Caller) -> bool:
    return caller.knows(other)


async def _changed(route: Any, changes: Mapping[str, Any]) -> None:
    answer = await route.fetch()
    config = await answer.json()
    await route.fulfill(response=answer, json={**config, **changes})


def element_call() -> Path:
    """Element Call's files, fetched when they are not there."""
    ended = subprocess.run(
        [ROOT / "scripts" / "install-clients", CLIENTS], capture_output=True, check=False, text=True
    )
    if ended.returncode == 3:
        pytest.skip(ended.stderr)
    assert ended.returncode == 0, ended.stderr
    return ELEMENT_CALL


@contextmanager
def school_with_calls(
    homeserver: Fleet, folder: Path, *, operator: str = "", **changes: Any
) -> Iterator[tuple[School, MediaProcess]]:
    """Synapse names our calls server, which asks its module; `operator` is the localpart of one who may everything."""
    port = free_port()
    transport = {"type": "livekit", "livekit_service_url": f"http://127.0.0.1:{port}/livekit/jwt"}
    overrides = NO_RATE_LIMITS | {
        "matrix_rtc": {"transports": [transport]},
        "extra_well_known_client_content": {"org.matrix.msc4143.rtc_foci": [transport]},
        "experimental_features": example()["experimental_features"],
    }
    module = {"operator_users": [f"@{operator}:school.test"]} if operator else {}
    with homeserver(module=module, overrides=overrides) as server:
        school = School(server, "s1")
        school.create()
        school.apply(SCHOOL)
        school.sign_in_all([*(f"T{n}" for n in range(1, 6)), *(f"P{n}" for n in range(1, 6))])
        school.settle()
        media = MediaProcess.prepare(folder, server, port, pages=str(element_call()), **changes)
        media.start()
        try:
            yield school, media
        finally:
            media.stop()
            media.api.close()


@asynccontextmanager
async def chromium(*, small: bool = False) -> AsyncIterator[Browser]:
    """`small`: for a `World` of small pages, its camera gives few pictures."""
    path = shutil.which("chromium")
    if path is None:
        pytest.skip("chromium is not installed; run scripts/install-services")
    async with async_playwright() as playwright:
        camera = [f"--use-fake-device-for-media-stream=fps={FEW}"] if small else []
        browser = await playwright.chromium.launch(executable_path=path, args=[*CAMERAS, *camera])
        yield browser
        await browser.close()
