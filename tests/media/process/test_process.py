"""`python -m media`: what it needs, what it says, and how it ends."""

from __future__ import annotations

import ast
import asyncio
import re
import signal
import sys
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import aiohttp
import pytest
from attrs import fields

from media.access.claims import Claims
from media.access.key_file import new_line, read_keys
from media.access.tokens import mint
from media.config import Config, config_of, read_config
from media.forwarder.choose import MODULE
from media.ids import Identity, RoomName
from media.serving import check
from serving.settings import BadConfig
from tests.support.media import MediaProcess
from tests.support.polling import until_async
from tests.support.process import ROOT, free_port
from tests.support.service import secret
from tests.support.synapse import Homeserver

#: Nobody asks it here.
NOBODY = cast(
    Homeserver,
    SimpleNamespace(service_token="x" * 32, url="http://127.0.0.1:9", server_name="school.test"),
)
GOOD: dict[str, Any] = {
    "public_url": "https://rtc.school.example",
    "server_name": "school.example",
    "client_url": "https://matrix.school.example",
    "service_token_file": "token",
    "keys_file": "keys",
    "addresses": ["198.51.100.7"],
}
BROADCASTS = {"folder": "broadcasts", "player": "hls"}


def test_the_example_is_read() -> None:
    """media.yaml.example is a configuration, and its relay is the one of deploy/coturn."""
    config = read_config(ROOT / "media.yaml.example")
    assert config.sfu_url == "wss://rtc.school.example/livekit/sfu"
    assert (config.udp_port, config.tcp_port) == (7882, 7881)
    assert config.broadcasts is not None
    assert config.broadcasts.edges == ()


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"public_url": None}, "public_url"),
        ({"public_url": "http://rtc.school.example"}, "public_url"),
        ({"public_url": "https://rtc.school.example/x"}, "public_url"),
        ({"keys_file": 1}, "keys_file"),
        ({"addresses": ["rtc.school.example"]}, "addresses"),
        ({"addresses": []}, "addresses"),
        ({"addresses": ["198.51.100.7", "2001:db8::7"]}, "addresses"),
        ({"udp_port": 70_000}, "udp_port"),
        ({"udp_port": True}, "udp_port"),
        ({"listen_port": "7880"}, "listen_port"),
        ({"turn": {"urls": ["https://x"], "secret_file": "s"}}, "turn.urls"),
        ({"turn": {"url": "turn:x"}}, "turn.url"),
        ({"webhooks": ["http://journal.school.example/"]}, "webhooks"),
        ({"servers": {"other.example": "ftp://x"}}, "servers.other.example"),
        ({"trusted_proxies": ["x"]}, "trusted_proxies"),
        ({"node": "a b"}, "node"),
        ({"forwarder": "fast"}, "forwarder"),
        ({"media_threads": 0}, "media_threads"),
        ({"media_threads": 65}, "media_threads"),
        ({"media_threads": "all"}, "media_threads"),
        ({"bogus": 1}, "bogus"),
        ({"broadcasts": []}, "broadcasts"),
        ({"broadcasts": {"folder": "b"}}, "broadcasts.player"),
        ({"broadcasts": BROADCASTS | {"viewers": 1}}, "broadcasts.viewers"),
        ({"broadcasts": BROADCASTS | {"edges": "https://e.test"}}, "broadcasts.edges"),
        ({"broadcasts": BROADCASTS | {"edges": ["https://e.test"]}}, "broadcasts.edge_secret_file"),
        ({"broadcasts": BROADCASTS | {"edges": ["http://e.test"]}}, "broadcasts.edges"),
        ({"broadcasts": BROADCASTS | {"sign_in_url": "ftp://e.test"}}, "broadcasts.sign_in_url"),
        ({"broadcasts": BROADCASTS | {"at_once": True}}, "broadcasts.at_once"),
        ({"broadcasts": BROADCASTS | {"recording_days": 0}}, "broadcasts.recording_days"),
    ],
)
def test_a_setting_that_cannot_be_used_is_named(changes: dict[str, Any], named: str) -> None:
    """The message begins with the setting."""
    with pytest.raises(BadConfig, match=rf"^{named}\b"):
        config_of(GOOD | changes, Path("/etc/sferum"))


def test_addresses_of_both_families() -> None:
    """A machine with IPv6 listens on `::` and tells both of its addresses."""
    both = {"addresses": ["198.51.100.7", "2001:db8::7"], "media_host": "::"}
    assert config_of(GOOD | both, Path()).addresses == ("198.51.100.7", "2001:db8::7")


def test_relative_files_are_beside_the_configuration() -> None:
    """So that a folder can be moved whole."""
    config = config_of(GOOD, Path("/etc/sferum"))
    assert config.keys_file == Path("/etc/sferum/keys")
    assert config.node_url == config.public_url


@pytest.fixture
def media(tmp_path: Path) -> Any:
    made = MediaProcess.prepare(tmp_path, NOBODY)
    yield made
    made.stop()
    made.api.close()


@pytest.mark.integration
def test_it_serves_and_ends_as_asked(media: MediaProcess) -> None:
    """Health, an answer with CORS for a wrong address, figures; SIGTERM is exit code 0 without a wait for nobody."""
    media.start()
    lost = media.api.request("GET", "/livekit/sfu/rtc/v9")
    assert (lost.status, lost.headers["access-control-allow-origin"]) == (404, "*")
    shut = media.api.request("GET", "/livekit/sfu/rtc/validate")
    assert shut.status == 401
    assert media.api.request("GET", "/livekit/host/state").status == 401
    figures = media.metrics()
    assert figures["sferum_media_rooms"] == 0
    assert figures["sferum_media_draining"] == 0
    assert media.stop() == 0
    assert "stopped" in media.lines()


@pytest.mark.integration
@pytest.mark.parametrize("setting", ["listen_port", "udp_port", "metrics_port"])
def test_a_taken_port_is_named(media: MediaProcess, setting: str, tmp_path: Path) -> None:
    """One line says which setting, and the exit code is 2."""
    port = free_port()
    other = MediaProcess.prepare(tmp_path / "other", NOBODY, **{setting: port})
    if setting == "listen_port":
        other.port = port
    other.start(ready=setting != "listen_port")
    other.until_logged("calls served")
    try:
        media.change(**{setting: port})
        media.start(ready=False)
        assert media.wait() == 2
        assert setting in media.lines().splitlines()[-1]
    finally:
        other.stop()
        other.api.close()


@pytest.mark.integration
@pytest.mark.parametrize("name", ["service.token", "media.keys"])
def test_a_secret_that_others_may_read_stops_the_start(media: MediaProcess, name: str) -> None:
    """The line names the file and never its contents."""
    path = media.folder / name
    path.chmod(0o644)
    media.start(ready=False)
    assert media.wait() == 2
    last = media.lines().splitlines()[-1]
    assert name in last
    assert path.read_text().split(":")[-1].strip() not in media.lines()


@pytest.mark.integration
def test_a_folder_without_a_call_page_is_named(media: MediaProcess, tmp_path: Path) -> None:
    """Whoever forgot scripts/install-clients reads which folder is empty."""
    media.change(pages=str(tmp_path / "nothing"))
    media.start(ready=False)
    assert media.wait() == 2
    assert "pages: " in media.lines().splitlines()[-1]


@pytest.mark.integration
def test_broadcasts_without_a_player_are_named(media: MediaProcess, tmp_path: Path) -> None:
    """The same for hls.js; an edge's secret that others may read is named too, and never quoted."""
    section = {"folder": str(tmp_path / "b"), "player": str(tmp_path / "nothing")}
    media.change(broadcasts=section)
    media.start(ready=False)
    assert media.wait() == 2
    assert "broadcasts.player: " in media.lines().splitlines()[-1]


def test_every_setting_has_an_effect() -> None:
    """Each is read somewhere in the program, and shown in the example."""
    parts = [ROOT / "media" / name for name in ("serving.py", "config.py", "broadcast/serving.py")]
    parts += sorted((ROOT / "media" / "cluster").glob("*.py"))
    read = {
        node.attr
        for part in parts
        for node in ast.walk(ast.parse(part.read_text("utf-8")))
        if isinstance(node, ast.Attribute)
        and isinstance(node.value, ast.Name)
        and node.value.id == ("self" if part.name == "config.py" else "config")
    }
    example = (ROOT / "media.yaml.example").read_text("utf-8")
    for setting in (one.name for one in fields(Config) if one.name != "folder"):
        assert setting in read, f"{setting} is not read by anything"
        assert re.search(rf"^#?{setting}:", example, re.M), f"{setting} is not in the example"


@pytest.mark.parametrize(
    ("wanted", "why"), [("native", "forwarder: native is not built"), ("plain", "")]
)
def test_a_forwarder_that_is_not_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, wanted: str, why: str
) -> None:
    """`native` is refused in one line where there is none; what `--check` says is what the start would say."""
    monkeypatch.setitem(sys.modules, MODULE, None)
    secret(tmp_path / "token", "x" * 32)
    secret(tmp_path / "keys", new_line())
    config = config_of(GOOD | {"forwarder": wanted}, tmp_path)
    if not why:
        check(config)
        return
    with pytest.raises(BadConfig, match=why):
        check(config)


@pytest.mark.integration
async def test_somebody_who_does_not_go(media: MediaProcess) -> None:
    """Whoever reads nothing is waited for, `drain_s` long: newcomers hear that this node goes down; then it ends."""
    media.change(drain_s=3)
    media.start()
    key, now = read_keys(media.folder / "media.keys"), time.time()  # noqa: TID251 - signed now
    lesson = RoomName("lesson")
    token = mint(Claims(identity=Identity("anna"), room=lesson, join=True), key, now)
    service = mint(Claims(room=lesson, admin=True), key, now)
    query = f"?access_token={token}"

    async def ask(method: str, path: str, *words: Any) -> int:
        return (await asyncio.to_thread(media.api.request, method, path, *words)).status

    async def is_told() -> bool:
        return await ask("GET", f"/livekit/sfu/rtc/validate{query}") == 503

    url = f"{media.url}/livekit/sfu/rtc{query}"
    async with aiohttp.ClientSession() as http, http.ws_connect(url, autoclose=False) as anna:
        await anna.receive()
        for number in range(250):  # 16 MB: no socket's buffers hold them
            words = {"room": lesson, "metadata": f"{number:060000}"}
            path = "/livekit/sfu/twirp/livekit.RoomService/UpdateRoomMetadata"
            assert await ask("POST", path, service, words) == 200
        media.ask(signal.SIGTERM)
        await until_async(is_told, what="a shut door")
        assert await asyncio.to_thread(media.wait) == 0
