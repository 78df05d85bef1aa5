"""Files: isolation.md §1, the rows about media; rule R27."""

from __future__ import annotations

import struct
import zlib

import pytest

from tests.support.fleet import Fleet
from tests.synapse_sferum.isolation_world import World, alike, shared_world

pytestmark = pytest.mark.integration

MEDIA = "/_matrix/client/v1/media"


@pytest.fixture(scope="module")
def world(homeserver: Fleet) -> World:
    """Two schools on one server."""
    return shared_world(homeserver)


def picture() -> bytes:
    """A black PNG of 64 x 64 pixels (PNG specification, chunks IHDR, IDAT, IEND)."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        body = kind + data
        return struct.pack(">I", len(data)) + body + struct.pack(">I", zlib.crc32(body))

    header = struct.pack(">IIBBBBB", 64, 64, 8, 0, 0, 0, 0)
    rows = zlib.compress((b"\0" + b"\0" * 64) * 64)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")
    )


def test_download_from_another_school(world: World) -> None:
    """A file of another school, known by its address, looks like one that does not exist (R27)."""
    name = world.homeserver.server_name
    media_id = world.upload("a1")
    answers = [
        world.ask("b_teacher", "GET", f"{MEDIA}/download/{name}/{found}")
        for found in (media_id, "nosuchfilenosuchfilenosu")
    ]
    assert answers[0].status == 404
    assert alike(*answers)
    assert world.ask("b1", "GET", f"{MEDIA}/download/{name}/{media_id}/name.txt").status == 404


def test_thumbnail_from_another_school(world: World) -> None:
    """So does the thumbnail of a picture."""
    name = world.homeserver.server_name
    media_id = world.upload("a1", picture(), "image/png")
    path = f"{MEDIA}/thumbnail/{name}/{{}}?width=32&height=32&method=scale"
    answers = [
        world.ask("b1", "GET", path.format(found))
        for found in (media_id, "nosuchfilenosuchfilenosu")
    ]
    assert answers[0].status == 404
    assert alike(*answers)
    assert world.ask("a2", "GET", path.format(media_id)).status == 200


def test_download_without_signing_in(world: World) -> None:
    """Nobody fetches a file without a token, by the new paths (401) or the old ones (404)."""
    name = world.homeserver.server_name
    media_id = world.upload("a1")
    assert world.homeserver.request("GET", f"{MEDIA}/download/{name}/{media_id}").status == 401
    for old in ("v3", "r0", "v1"):
        path = f"/_matrix/media/{old}/download/{name}/{media_id}"
        assert world.homeserver.request("GET", path).status == 404


def test_control_download_inside(world: World) -> None:
    """Everybody of the school fetches it, and staff across the bridge sees staff's files."""
    name = world.homeserver.server_name
    media_id = world.upload("a1", b"homework")
    assert world.ask("a_parent", "GET", f"{MEDIA}/download/{name}/{media_id}").body == b"homework"
    shared = world.upload("a_teacher")
    assert world.ask("b_teacher", "GET", f"{MEDIA}/download/{name}/{shared}").status == 200
    assert world.ask("b1", "GET", f"{MEDIA}/download/{name}/{shared}").status == 404


def test_remote_media(world: World) -> None:
    """A file of a server outside the register is not fetched."""
    path = f"{MEDIA}/download/else.where/abcdefghijklmnopqrstuvwx"
    assert world.ask("a1", "GET", path).status == 404
