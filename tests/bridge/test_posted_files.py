"""Copies of files that were posted with chat clients: one for all who ask, whole or not there, gone after a day."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncGenerator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from attrs import define, field

from bridge import material_files
from bridge.homeserver_media import TooLarge
from bridge.material_files import DiskFull, MaterialFiles
from bridge.ports_homeserver import HomeserverDown, HomeserverRefused
from bridge.posted_files import KEPT, PostedFiles, copy_of

MXC = "mxc://school.test/abc"
NOW = datetime(2026, 9, 1, tzinfo=UTC)


@define
class Synapse:
    """Gives each file in two pieces, or fails after the first."""

    fails: Exception | None = None
    asked: list[str] = field(factory=list)

    async def pieces(self, mxc: str, most_bytes: int) -> AsyncGenerator[bytes, None]:
        assert most_bytes > 0
        self.asked.append(mxc)
        yield b"123"
        await asyncio.sleep(0)
        if self.fails is not None:
            raise self.fails
        yield b"45"


async def test_many_ask_and_one_copy_is_made(tmp_path: Path) -> None:
    """Everybody gets the whole file; Synapse is asked once, and again after a day."""
    synapse = Synapse()
    posted = PostedFiles(synapse, MaterialFiles(tmp_path))
    found = await asyncio.gather(*(posted.path(MXC) for _ in range(8)))
    assert {path and path.read_bytes() for path in found} == {b"12345"}
    assert synapse.asked == [MXC]
    at = (NOW - KEPT).timestamp()
    os.utime(tmp_path / copy_of(MXC), (at - 1, at - 1))
    assert await posted.drop_old(NOW) == 1
    assert os.listdir(tmp_path) == []
    assert await posted.path(MXC) is not None
    assert synapse.asked == [MXC, MXC]
    await posted.drop(MXC)
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("gone", [HomeserverRefused(404, "M_NOT_FOUND"), TooLarge()])
async def test_what_is_gone_or_too_large_is_no_file(tmp_path: Path, gone: Exception) -> None:
    """Nothing is left of what had come of it."""
    posted = PostedFiles(Synapse(gone), MaterialFiles(tmp_path))
    assert await posted.path(MXC) is None
    assert os.listdir(tmp_path) == []


async def test_half_a_file_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Synapse that goes away and a disk that is full leave nothing, and the next who asks gets the file."""
    synapse = Synapse(HomeserverDown())
    posted = PostedFiles(synapse, MaterialFiles(tmp_path))
    with pytest.raises(HomeserverDown):
        await posted.path(MXC)
    synapse.fails = None
    with monkeypatch.context() as full:
        full.setattr(material_files, "LEAVES_FREE", 10**18)
        with pytest.raises(DiskFull):
            await posted.path(MXC)
    assert os.listdir(tmp_path) == []
    path = await posted.path(MXC)
    assert path is not None
    assert path.read_bytes() == b"12345"
