"""A node with its list of schools in a file: who is taken out of it is shown nothing any more, without a restart."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from media.broadcast import passes
from media.broadcast.fanout.asking import Question, write_public
from media.broadcast.fanout.endpoints import ADDRESS_BURST, PATH
from media.broadcast.fanout.opening import open_fan_out, read_schools
from media.broadcast.fanout.sharing import code_of
from media.broadcast.opening import check_broadcasts
from media.broadcast.origin.publication import Opening, Publication
from media.broadcast.passes import Kind, Pass
from media.broadcast.settings import Broadcasts
from serving.secret_files import BadSecret
from serving.settings import BadConfig
from tests.support.polling import until_async

NOW = 1_800_000_000.0
KEY = Ed25519PrivateKey.from_private_bytes(b"b" * 32)
SEAL = b"s" * 32
LIST = f"- {{name: b.example, url: 'https://rtc.b.example', key: {write_public(KEY)}}}\n"


def _no_origin(_: Opening) -> Publication:
    raise AssertionError("nothing is followed here")


def _asked(number: int, code: str) -> dict[str, object]:
    asked = Question("b.example", "a.example", "concert", code, int(NOW), f"{number:022d}")
    return asked.signed(KEY).as_json()


async def test_a_list_that_changes(tmp_path: Path) -> None:
    """A school in the list gets a node's pass; taken out, it gets none, and the one that it has is judged no."""
    path = tmp_path / "schools.yaml"
    path.write_text(LIST)
    async with open_fan_out(
        schools_file=path,
        folder=tmp_path,
        name="a.example",
        url="https://rtc.a.example",
        keys=[SEAL],
        open_=_no_origin,
        on_air=lambda name: name == "concert",
        tell=lambda *_: None,
        trusted=(),
        wall=lambda: NOW,
        clock=asyncio.get_running_loop().time,
        chance=os.urandom,
    ) as fan:
        app = web.Application()
        fan.door.add_routes(app)
        async with TestClient(TestServer(app)) as http:
            code = code_of("concert", SEAL)
            answer = await http.post(PATH, json=_asked(1, code))
            given = (await answer.json())["pass"]
            seen = passes.check(given, "concert", [SEAL], NOW)
            assert isinstance(seen, Pass)
            assert (seen.kind, seen.account) == (Kind.NODE, "b.example")
            assert fan.may_watch(seen)
            assert (await http.post(PATH, json=_asked(1, code))).status == 403
            assert (await http.post(PATH, json=_asked(2, "c" * 22))).status == 403
            assert (await http.post(PATH, data=b"x" * 3_000)).status == 400
            assert (await http.post(PATH, data=b"{")).status == 400
            path.write_text("[]\n")

            async def out() -> bool:
                return not fan.may_watch(seen)

            await until_async(out, what="the list read again")
            answer = await http.post(PATH, json=_asked(3, code))
            assert (answer.status, await answer.json()) == (403, {"why": "stranger"})
            for _ in range(int(ADDRESS_BURST)):
                answer = await http.post(PATH, data=b"{")
            assert answer.status == 429
            path.write_text("- nonsense\n")  # a slip of the pen changes nothing
    assert fan.link("concert") is None


def test_a_start_names_a_bad_list(tmp_path: Path) -> None:
    """So does `python -m media --check`, which `sferum doctor` asks."""
    (tmp_path / "hls.light.min.js").touch()
    path = tmp_path / "schools.yaml"
    settings = Broadcasts(folder=tmp_path, player=tmp_path, schools_file=path)
    path.write_text(LIST)
    assert check_broadcasts(settings) == ()
    path.write_text(LIST + LIST)
    with pytest.raises(BadConfig, match=r"broadcasts\.schools_file: .*entry 2: b\.example"):
        check_broadcasts(settings)


def test_lists_that_cannot_be_read(tmp_path: Path) -> None:
    """The message names the file and the entry."""
    path = tmp_path / "schools.yaml"
    with pytest.raises(BadSecret, match=r"schools\.yaml: FileNotFoundError"):
        read_schools(path)
    path.write_text(LIST + LIST)
    with pytest.raises(BadSecret, match=r"entry 2: b\.example is there already"):
        read_schools(path)
    path.write_bytes(b"\xff\xfe")
    with pytest.raises(BadSecret, match="UnicodeDecodeError"):
        read_schools(path)
