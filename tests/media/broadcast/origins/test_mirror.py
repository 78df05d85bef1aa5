"""Plain segments in S3-compatible storage: signatures as published, and a storage that checks them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import pytest
from aiohttp import ClientSession, web
from attrs import define, field

from media.broadcast.origin.bucket import Bucket
from media.broadcast.origin.mirror import Mirror
from media.broadcast.origin.signing import Credentials, signed
from tests.media.broadcast import apple, m3u8
from tests.media.broadcast.origins.world import KEY, coded, make, moments, serving
from tests.support.polling import until_async

#: Of the examples of docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html.
EXAMPLE = Credentials("AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY")
EXAMPLE_HOST, EXAMPLE_MOMENT = "examplebucket.s3.amazonaws.com", "20130524T000000Z"
OURS = Credentials("school", "secret of the school", "ru-central1")


async def fact(probe: Callable[[], bool], what: str) -> None:
    async def look() -> bool:
        return probe()

    await until_async(look, what=what)


def test_the_published_signatures() -> None:
    """Both of the examples that are no question about the bucket itself."""
    got = signed(
        EXAMPLE, "GET", EXAMPLE_HOST, "/test.txt", {"Range": "bytes=0-9"}, b"", EXAMPLE_MOMENT
    )
    assert got["authorization"] == (
        "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request,"
        "SignedHeaders=host;range;x-amz-content-sha256;x-amz-date,"
        "Signature=f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41"
    )
    headers = {
        "Date": "Fri, 24 May 2013 00:00:00 GMT",
        "x-amz-storage-class": "REDUCED_REDUNDANCY",
    }
    put = signed(
        EXAMPLE,
        "PUT",
        EXAMPLE_HOST,
        "/test$file.text",
        headers,
        b"Welcome to Amazon S3.",
        EXAMPLE_MOMENT,
    )
    assert put["authorization"].endswith(
        "Signature=98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd"
    )
    assert EXAMPLE.secret not in repr(EXAMPLE)


@define
class Storage:
    """Objects by path; `away`: nothing is answered well. `ever`: whatever was there, as it was last."""

    objects: dict[str, tuple[bytes, str, str]] = field(factory=dict)
    ever: dict[str, tuple[bytes, str, str]] = field(factory=dict)
    away: bool = False
    refused: int = 0

    async def ask(self, request: web.Request) -> web.Response:
        body = await request.read()
        names = request.headers["Authorization"].split("SignedHeaders=")[1].split(",")[0]
        given = {
            name: request.headers[name]
            for name in names.split(";")
            if name != "host" and not name.startswith("x-amz-")
        }
        wanted = signed(
            OURS,
            request.method,
            request.headers["Host"],
            request.path,
            given,
            body,
            request.headers["X-Amz-Date"],
        )
        if request.headers["Authorization"] != wanted["authorization"]:
            self.refused += 1
            return web.Response(status=403)
        if self.away:
            return web.Response(status=503)
        if request.method == "DELETE":
            self.objects.pop(request.path, None)
            return web.Response(status=204)
        said = request.headers["Content-Type"], request.headers["Cache-Control"]
        self.objects[request.path] = self.ever[request.path] = (body, *said)
        return web.Response()

    def text(self, path: str) -> str:
        """As it was last, "" for what never was."""
        return self.ever[path][0].decode() if path in self.ever else ""


def _ended(storage: Storage, path: str) -> bool:
    return "#EXT-X-ENDLIST" in storage.text(path)


@asynccontextmanager
async def stored() -> AsyncIterator[tuple[Storage, Mirror]]:
    """A storage, and a mirror into it."""
    storage = Storage()
    app = web.Application(client_max_size=10**7)
    app.router.add_route("*", "/{path:.*}", storage.ask)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        async with ClientSession() as session:
            bucket = Bucket(
                session=session,
                url=url,
                name="school-1",
                credentials=OURS,
                wall=lambda: datetime(2026, 11, 28, tzinfo=UTC),
            )
            yield storage, Mirror(bucket=bucket, key=KEY, every_s=0.01)
    finally:
        await runner.cleanup()


async def test_a_broadcast_in_a_bucket(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whole segments and a playlist that names no others, with an end; then nothing is left. All of it is signed.

    Captions are there a few at a time, and named when they are all there.
    """
    monkeypatch.setattr("media.broadcast.origin.mirror.MOST_CAPTIONS", 2)
    async with stored() as (storage, mirror):
        world = make(tmp_path, mirror=mirror)
        world.kept.refuses = 10**9  # it is there until its recording is taken
        folder = f"/school-1/{mirror.folder_of('concert')}"
        async with serving(world):
            storage.away = True
            stage = world.publish()
            *early, last = moments(coded(20))
            for moment in early:
                stage.one(moment)
            await fact(lambda: mirror.failed > 1, "tries in vain")
            storage.away = False
            await fact(lambda: f"{folder}/main.m3u8" in storage.objects, "all of it")
            for name in ("video", "audio"):
                text, type_, kept = storage.objects[f"{folder}/{name}/live.m3u8"]
                playlist = m3u8.read(text.decode())
                assert (type_, kept) == ("application/vnd.apple.mpegurl", "max-age=1")
                assert list(apple.problems(playlist)) == []
                assert "SERVER-CONTROL" not in text.decode()
                assert not playlist.ended
                for segment in playlist.segments:
                    assert storage.objects[f"{folder}/{name}/{segment.uri}"][0]
                    assert storage.objects[f"{folder}/{name}/{segment.map}"][0]
            playlists = [f"{folder}/{name}/live.m3u8" for name in ("video", "audio", "captions")]
            named = 'URI="captions/live.m3u8"'
            await fact(lambda: named in storage.text(f"{folder}/main.m3u8"), "captions")
            live = world.origin.get("concert")
            assert live is not None
            assert live.say("Здравствуйте") is None
            stage.one(last)
            stage.to.end()
            for path in playlists:
                await fact(partial(_ended, storage, path), f"its end in {path}")
            world.kept.refuses = 0
            await fact(lambda: not storage.objects, "an empty bucket")
            await fact(lambda: not world.origin.lives, "nothing of it")
        captions = m3u8.read(storage.text(playlists[2])).segments
        assert len(captions) == len(m3u8.read(storage.text(playlists[1])).segments) > 2
        files = [storage.ever[f"{folder}/captions/{one.uri}"] for one in captions]
        assert {type_ for _, type_, _ in files} == {"text/vtt"}
        said = ["Здравствуйте" in file.decode() for file, _, _ in files]
        assert (said[0], said[-1]) == (False, True)
        assert storage.refused == 0
        assert mirror.put >= len(storage.ever)
        assert "concert" not in str(list(storage.ever))
