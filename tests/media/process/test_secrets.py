"""Files of secrets that change while the calls server runs."""

from __future__ import annotations

import asyncio
import logging
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from media.access.claims import Claims
from media.access.json_http import server_at
from media.access.key_file import new_line, read_keys
from media.access.rights import ModuleRights
from media.access.tokens import Key, mint
from media.ids import Identity, RoomName
from media.secret_files import KeyRing, SecretFile, read_tokens, watch
from serving.json_http import NoAnswer
from serving.secret_files import BadSecret
from tests.media.process.test_process import NOBODY
from tests.support.media import MediaProcess
from tests.support.polling import until, until_async
from tests.support.service import secret

CLAIMS = Claims(identity=Identity("anna"), room=RoomName("lesson"), join=True)


def test_a_key_is_changed_in_place(tmp_path: Path) -> None:
    """The new first line signs, the old one is believed while it is listed."""
    old, new = new_line(), new_line()
    ring = KeyRing(secret(tmp_path / "keys", old))
    first = ring[0]
    secret(tmp_path / "keys", new + old)
    ring.file.look()
    assert len(ring) == 2
    assert ring[0] != first
    assert ring[1] == first


@pytest.mark.parametrize("text", ["", "not a key", "a: short"])
def test_a_file_half_written_changes_nothing(
    tmp_path: Path, text: str, caplog: pytest.LogCaptureFixture
) -> None:
    """What was read last holds on; the log says so once, and no secret."""
    path = secret(tmp_path / "keys", new_line())
    ring = KeyRing(path)
    before = list(ring)
    secret(path, text)
    with caplog.at_level(logging.WARNING):
        ring.file.look()
        ring.file.look()
    assert list(ring) == before
    assert len(caplog.records) == 1
    assert before[0].secret not in caplog.text


def test_a_file_that_others_may_read_is_not_taken(tmp_path: Path) -> None:
    """Neither at the start nor later."""
    path = secret(tmp_path / "token", "a" * 32)
    file = SecretFile(path, read_tokens)
    secret(path, "b" * 32).chmod(0o644)
    file.look()
    assert file.now == ("a" * 32,)
    with pytest.raises(BadSecret, match="chmod 600"):
        SecretFile(path, read_tokens)


async def test_an_administrator_need_not_wait(tmp_path: Path) -> None:
    """SIGHUP reads the files at once, however long the next look is away."""
    path = secret(tmp_path / "token", "a" * 32)
    file = SecretFile(path, read_tokens)
    asked = asyncio.Event()
    async with asyncio.TaskGroup() as group:
        watching = group.create_task(watch([file], asked, every_s=3600))
        secret(path, "b" * 32)
        asked.set()

        async def taken() -> bool:
            return file.now == ("b" * 32,)

        await until_async(taken, what="the new token")
        watching.cancel()


async def test_the_service_token_that_synapse_takes() -> None:
    """While both are in the file, nobody's rights are unknown: before Synapse's restart and after it."""
    taken, asked = "old", []

    async def module(request: web.Request) -> web.StreamResponse:
        asked.append(request.headers["Authorization"])
        if asked[-1] != f"Bearer {taken}":
            return web.json_response({"errcode": "M_UNKNOWN_TOKEN"}, status=401)
        return web.json_response({"member": False})

    app = web.Application()
    app.router.add_route("*", "/{any:.*}", module)
    async with TestServer(app) as there, aiohttp.ClientSession() as http:
        rights = ModuleRights(server_at(http, str(there.make_url(""))), lambda: ("new", "old"))
        assert await rights.of("@a:s", "!r") is None
        assert await rights.of("@a:s", "!r") is None
        assert asked == ["Bearer new", "Bearer old", "Bearer old"]
        taken = "new"
        assert await rights.of("@a:s", "!r") is None
        taken = "another"
        with pytest.raises(NoAnswer):
            await rights.of("@a:s", "!r")


@pytest.fixture
def media(tmp_path: Path) -> Iterator[MediaProcess]:
    made = MediaProcess.prepare(tmp_path, NOBODY, max_rooms=0)
    made.start()
    yield made
    made.stop()
    made.api.close()


def opens(media: MediaProcess, key: Key) -> int:
    now = time.time()  # noqa: TID251 - signed now
    path = f"/livekit/sfu/rtc/validate?access_token={mint(CLAIMS, [key], now)}"
    return media.api.request("GET", path).status


@pytest.mark.integration
def test_keys_of_a_running_server(media: MediaProcess) -> None:
    """A new key is believed without a restart, the old one until its line goes; `max_rooms: 0` lets no call begin."""
    path = media.folder / "media.keys"
    old = path.read_text()
    (former,) = read_keys(path)
    assert opens(media, former) == 503  # a good token, and no room for its call
    secret(path, new_line() + old)
    fresh = read_keys(path)[0]
    until(lambda: opens(media, fresh) == 503, what="the new key")
    assert opens(media, former) == 503
    secret(path, path.read_text().splitlines()[0])
    media.ask(signal.SIGHUP)
    until(lambda: opens(media, former) == 401, what="the old key's end")
    assert opens(media, fresh) == 503
    assert "a secret was read again file=media.keys" in media.lines()
