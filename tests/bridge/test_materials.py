"""Files of materials: on the disk, in headers, in the hourly round."""

from __future__ import annotations

import io
import os
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, cast

import pytest
from attrs import evolve, frozen

from bridge import material_files
from bridge.material_chores import drop_dead_files
from bridge.material_files import YOUNG, DiskFull, MaterialFiles
from bridge.materials import Material, shown_size
from bridge.posted_files import PostedFiles
from tests.bridge.test_leaving import SmallDirectory, services_of

NOW = datetime(2026, 9, 1, tzinfo=UTC)
NAME = "a" * 32
FILM = Material(
    material_id="m1",
    room_id="!a:s.test",
    room_kind="class",
    room_name="5А",
    folder="",
    title="Ёлка",
    name='ёлка "2026".mp4',
    mimetype="video/mp4",
    size=5,
    file_id=NAME,
    published_at=NOW,
    expires_at=None,
    may_change=False,
)


def test_a_file_is_kept_and_dropped(tmp_path: Path) -> None:
    """Whole, readable by the bridge's user alone, and gone when it is dropped; twice is once."""
    files = MaterialFiles(tmp_path / "materials")
    assert files.path(NAME) is None
    assert files.keep(NAME, io.BytesIO(b"12345")) == 5
    path = files.path(NAME)
    assert path is not None
    assert path.read_bytes() == b"12345"
    assert (tmp_path / "materials").stat().st_mode & 0o077 == 0
    files.drop(NAME)
    files.drop(NAME)
    assert files.path(NAME) is None


def test_two_who_write_the_same_file(tmp_path: Path) -> None:
    """What is in its place is whole at any moment: another process that is at its beginning takes nothing from it."""
    files = MaterialFiles(tmp_path)
    film = b"12345" * 100_000
    first = files.begin(NAME)
    first.add(film)
    second = files.begin(NAME)
    second.add(film[:7])
    assert first.finish() == len(film)
    path = files.path(NAME)
    assert path is not None
    assert path.read_bytes() == film
    second.drop()
    first.drop()
    assert [one.name for one in tmp_path.iterdir()] == [NAME]


def test_a_full_disk_keeps_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither a file nor a piece of one, and the database keeps its room."""
    monkeypatch.setattr(material_files, "LEAVES_FREE", 10**18)
    files = MaterialFiles(tmp_path)
    with pytest.raises(DiskFull):
        files.keep(NAME, io.BytesIO(b"12345"))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["", "..", "../keys", "a/b", "A" * 32, "a" * 15, "a" * 65])
def test_no_name_leads_out_of_the_folder(tmp_path: Path, name: str) -> None:
    """Names are ours alone."""
    files = MaterialFiles(tmp_path)
    assert files.path(name) is None
    files.drop(name)
    with pytest.raises(ValueError, match="not the name"):
        files.keep(name, io.BytesIO(b""))


@frozen
class Live:
    """A directory that knows these files."""

    names: frozenset[str]

    async def live(self, file_ids: Sequence[str]) -> frozenset[str]:
        return self.names & set(file_ids)


def put(path: Path, at: datetime) -> None:
    """A file of then."""
    path.write_bytes(b"1")
    os.utime(path, (at.timestamp(), at.timestamp()))


async def test_files_that_are_no_materials_are_deleted(tmp_path: Path) -> None:
    """Old ones only, and pieces of uploads that were cut off; what is somebody's stays."""
    live, dead, young, piece = "a" * 32, "b" * 32, "c" * 32, "d" * 32 + ".part"
    for name in (live, dead, piece, "notes.txt"):
        put(tmp_path / name, NOW - 2 * YOUNG)
    put(tmp_path / young, NOW)
    services = services_of(SmallDirectory.of())
    services = evolve(
        services,
        materials=cast(Any, Live(frozenset({live}))),
        posted=PostedFiles(cast(Any, None), MaterialFiles(tmp_path / "posted")),
        config=evolve(services.config, materials_folder=tmp_path),
    )
    assert await drop_dead_files(NOW, services) == 1
    assert sorted(os.listdir(tmp_path)) == sorted([live, young, "notes.txt"])
    assert await drop_dead_files(NOW + timedelta(hours=3), services) == 1


@pytest.mark.parametrize(
    ("mimetype", "file_id", "shows", "sent"),
    [
        ("video/mp4", NAME, "video", "video/mp4"),
        ("application/pdf", NAME, "", "application/octet-stream"),
        ("text/html", NAME, "", "application/octet-stream"),
        ("image/svg+xml", NAME, "", "application/octet-stream"),
        ("video/mp4", "", "", "application/octet-stream"),
    ],
)
def test_what_a_browser_shows(mimetype: str, file_id: str, shows: str, sent: str) -> None:
    """Nothing that could run something: a page of a teacher's is saved, not shown."""
    one = evolve(FILM, mimetype=mimetype, file_id=file_id)
    assert (one.shows, one.type_sent) == (shows, sent)
    assert one.disposition.startswith("inline" if shows else "attachment")


def test_a_name_in_a_header() -> None:
    """RFC 8187: octets of UTF-8, no quotes, no line ends."""
    assert FILM.disposition == (
        "inline; filename*=UTF-8''%D1%91%D0%BB%D0%BA%D0%B0%20%222026%22.mp4"
    )


def test_sizes() -> None:
    """As disks count."""
    sizes = [shown_size(n) for n in (7, 1_500, 12_000_000, 2_500_000_000)]
    assert sizes == [("7", "Б"), ("1.5", "КБ"), ("12", "МБ"), ("2.5", "ГБ")]
