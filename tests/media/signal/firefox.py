"""Debian's Firefox ESR, spoken to by WebDriver BiDi: Playwright drives a Firefox of its own making only.

https://w3c.github.io/webdriver-bidi/ -- four of its commands are enough, so no driver and no library is needed.
"""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress
from itertools import count
from pathlib import Path
from typing import Any

import av
from aiohttp import ClientSession, ClientWebSocketResponse, WSMsgType
from attrs import define, field

from tests.support.polling import until_async
from tests.support.process import not_installed

#: `ice.loopback`: else it has no candidate that could reach a server on 127.0.0.1 (calls.md §6.3).
PREFERENCES: dict[str, bool | int | str] = {
    "media.navigator.streams.fake": True,
    "media.navigator.permission.disabled": True,
    "permissions.default.camera": 1,
    "permissions.default.microphone": 1,
    "media.peerconnection.ice.loopback": True,
    "media.peerconnection.ice.obfuscate_host_addresses": False,
    "media.autoplay.default": 0,
    "media.autoplay.blocking_policy": 0,
    "media.gmp-manager.updateEnabled": False,
    "dom.min_background_timeout_value": 4,
    "browser.shell.checkDefaultBrowser": False,
    "browser.startup.homepage_override.mstone": "ignore",
    "browser.aboutwelcome.enabled": False,
    "datareporting.policy.dataSubmissionEnabled": False,
    "app.update.enabled": False,
    "remote.prefs.recommended": True,
}
#: Where it says on which port it listens (`--remote-debugging-port 0`).
SERVER_FILE = "WebDriverBiDiServer.json"
#: Seconds for one command: a page that joins a call on a busy machine.
ANSWER_S = 90.0


class PageError(Exception):
    """What the page, or Firefox, says went wrong."""


@define(eq=False)
class Remote:
    """A BiDi session: commands by number, answers in any order, events are not asked for."""

    _socket: ClientWebSocketResponse
    _waiting: dict[int, asyncio.Future[dict[str, Any]]] = field(factory=dict)
    _numbers: Iterator[int] = field(factory=lambda: count(1))

    async def listen(self) -> None:
        async for message in self._socket:
            if message.type is not WSMsgType.TEXT:
                break
            said = json.loads(message.data)
            waiting = self._waiting.pop(said.get("id") or 0, None)
            if waiting is not None and not waiting.done():
                waiting.set_result(said)

    async def ask(self, method: str, **parameters: Any) -> dict[str, Any]:
        number = next(self._numbers)
        answer = self._waiting[number] = asyncio.get_running_loop().create_future()
        await self._socket.send_json({"id": number, "method": method, "params": parameters})
        said = await asyncio.wait_for(answer, ANSWER_S)
        if said["type"] == "error":
            raise PageError(f"{method}: {said['error']}: {said['message']}")
        result: dict[str, Any] = said["result"]
        return result


@define(eq=False)
class FirefoxPage:
    """A window; `evaluate` means what Playwright's does: a function is called, a promise is waited for."""

    _remote: Remote
    _context: str

    async def goto(self, url: str) -> None:
        await self._remote.ask(
            "browsingContext.navigate", context=self._context, url=url, wait="complete"
        )

    async def evaluate(self, expression: str, arg: Any = None) -> Any:
        """What JSON cannot say (a track, a room) comes back as None."""
        said = await self._remote.ask(
            "script.evaluate",
            expression=f"""(async () => {{
                const value = ({expression});
                const result = await (typeof value === 'function' ? value({json.dumps(arg)}) : value);
                try {{ return JSON.stringify(result ?? null); }} catch {{ return 'null'; }}
            }})()""",
            target={"context": self._context},
            awaitPromise=True,
        )
        if said["type"] == "exception":
            raise PageError(said["exceptionDetails"]["text"])
        return json.loads(said["result"]["value"])


@define(eq=False)
class Firefox:
    _remote: Remote

    async def new_page(self) -> FirefoxPage:
        """In a window of its own: adaptive stream takes a tab behind another for hidden."""
        created = await self._remote.ask("browsingContext.create", type="window")
        return FirefoxPage(self._remote, created["context"])


@asynccontextmanager
async def firefox(libraries: Path | None = None) -> AsyncIterator[Firefox]:
    """`libraries`: a folder whose shared libraries it may take (`codecs`)."""
    path = shutil.which("firefox-esr")
    if path is None:
        not_installed("firefox-esr")
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        profile = Path(folder)
        lines = (f"user_pref({json.dumps(k)}, {json.dumps(v)});\n" for k, v in PREFERENCES.items())
        (profile / "user.js").write_text("".join(lines))
        process = await asyncio.create_subprocess_exec(
            path,
            "--headless",
            "--no-remote",
            "--profile",
            folder,
            "--remote-debugging-port",
            "0",
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
            env={**os.environ, **({"LD_LIBRARY_PATH": str(libraries)} if libraries else {})},
        )
        try:
            async with _remote(await _port(profile)) as remote:
                yield Firefox(remote)
        finally:
            with suppress(ProcessLookupError):
                process.terminate()
            await process.wait()


async def _port(profile: Path) -> int:
    async def said() -> int | None:
        with suppress(OSError, ValueError):
            port: int = json.loads((profile / SERVER_FILE).read_text())["ws_port"]
            return port
        return None

    port = await until_async(said, what="Firefox listens", deadline_s=60)
    assert port is not None
    return port


@asynccontextmanager
async def _remote(port: int) -> AsyncIterator[Remote]:
    async with (
        ClientSession() as session,
        session.ws_connect(f"ws://127.0.0.1:{port}/session", max_msg_size=0) as socket,
        asyncio.TaskGroup() as group,
    ):
        remote = Remote(socket)
        listening = group.create_task(remote.listen())
        await remote.ask("session.new", capabilities={})
        try:
            yield remote
        finally:
            listening.cancel()


def codecs(folder: Path) -> Path:
    """H.264 for Firefox, which has none of its own on Linux: libavcodec of PyAV's wheel, by the names it asks for."""
    there = Path(av.__file__).parent.with_name("av.libs")
    if not there.is_dir():
        not_installed("PyAV's wheel with FFmpeg in it")
    folder.mkdir()
    for path in there.iterdir():
        (folder / path.name).symlink_to(path)  # they look for one another beside them
        name, _, version = path.name.partition(".so.")
        name = name.partition("-")[0]
        if name in {"libavcodec", "libavutil"}:
            (folder / f"{name}.so.{version.partition('.')[0]}").symlink_to(path)
    return folder
