"""The settings of the storage, and where it is named to viewers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from media.broadcast.house.showing import sources
from media.broadcast.origin.storing import open_mirror
from media.broadcast.settings import Storage, broadcasts_of
from serving.settings import BadConfig

GOOD = {
    "url": "https://storage.example",
    "bucket": "school-1",
    "shown_at": "https://cdn.example/school-1/",
    "key_id": "AKIA",
    "secret_file": "storage.secret",
}


def settings(**storage: Any) -> Storage:
    raw = {"folder": "b", "player": "p", "storage": GOOD | storage}
    found = broadcasts_of(raw, Path("/etc"))
    assert found is not None
    assert found.storage is not None
    return found.storage


def test_settings() -> None:
    """They are read whole, or the one that is wrong is named."""
    one = settings()
    assert (one.shown_at, one.secret_file) == (
        "https://cdn.example/school-1",
        Path("/etc/storage.secret"),
    )
    assert broadcasts_of({"folder": "b", "player": "p"}, Path()) is not None
    wrong = {
        "url": "http://storage.example",
        "bucket": "../x",
        "shown_at": "http://cdn.example",
        "key_id": "a b",
        "secret_file": "",
        "region": "x y",
        "other": "x",
    }
    for name, value in wrong.items():
        with pytest.raises(BadConfig, match=rf"broadcasts\.storage\.{name}"):
            settings(**{name: value})


def test_it_is_the_last_resort() -> None:
    """Edges come first, then this server, then the storage; without it nothing is added."""
    edges = ("https://e1.example", "https://e2.example")
    found = sources(edges, "t", "concert", "@u:school.test", "https://cdn.example/x/")
    assert set(found[:2]) == {f"{edge}/live/t/concert/" for edge in edges}
    assert found[2:] == ("", "https://cdn.example/x/")
    assert sources((), "t", "concert", "@u:school.test") == ("",)


async def test_a_mirror_of_the_settings(tmp_path: Path) -> None:
    """Its folders are 128 bits that differ by broadcast and by key; the secret is in no text of it."""
    secret = tmp_path / "storage.secret"
    secret.write_text("s" * 40)
    secret.chmod(0o600)
    one = settings(secret_file=str(secret))
    async with open_mirror(one, b"k" * 32, lambda: 0.0) as mirror:
        folders = {mirror.folder_of("concert"), mirror.folder_of("lesson")}
        assert "s" * 40 not in repr(mirror)
    async with open_mirror(one, b"l" * 32, lambda: 0.0) as mirror:
        folders.add(mirror.folder_of("concert"))
    assert {len(name) for name in folders} == {32}
    assert len(folders) == 3
