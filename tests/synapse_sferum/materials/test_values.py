"""Materials: names, folders, search, what can be."""

from __future__ import annotations

from typing import Any

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from synapse_sferum.materials.posted import posted_material
from synapse_sferum.materials.values import (
    MOST_NAME,
    Material,
    MaterialId,
    Wrong,
    folder_of,
    found_by,
    is_live,
    mimetype_of,
    name_of,
    search_words,
    wrong,
)
from synapse_sferum.materials.words import message, size_text
from synapse_sferum.model import OrgId, RoomKey, RoomKind, UserId

FILM = Material(
    material_id=MaterialId("m1"),
    org_id=OrgId("o"),
    key=RoomKey(RoomKind.MATERIALS),
    title="Ёлка в <школе>",
    name="elka.mp4",
    mimetype="video/mp4",
    size=12_300_000,
    author=UserId("@u:s.test"),
    folder="Праздники/2026",
    file_id="f1",
)


@pytest.mark.parametrize(
    ("more", "why"),
    [
        ({}, None),
        ({"title": ""}, Wrong.TITLE),
        ({"name": "../etc/passwd"}, Wrong.NAME),
        ({"name": ""}, Wrong.NAME),
        ({"folder": "a/b/c/d"}, Wrong.FOLDER),
        ({"folder": "a//b"}, Wrong.FOLDER),
        ({"folder": "../x"}, Wrong.FOLDER),
        ({"size": -1}, Wrong.SIZE),
        ({"size": 2_000_000_001}, Wrong.SIZE),
        ({"mimetype": "text/html; charset=x"}, Wrong.MIMETYPE),
        ({"expires_ms": 1000}, Wrong.EXPIRES),
        ({"expires_ms": 1001}, None),
    ],
)
def test_what_is_wrong(more: dict[str, Any], why: Wrong | None) -> None:
    """Each bound has its own word."""
    assert wrong(evolve(FILM, **more), now_ms=1000) is why


@pytest.mark.parametrize(
    ("typed", "folder"),
    [
        ("", ""),
        ("  Алгебра // контрольные  работы/", "Алгебра/контрольные работы"),
        ("/", ""),
        ("..", None),
        ("а/../б", None),
        ("а" * 41, None),
        ("1/2/3/4", None),
        ("a\u0000b", "a b"),
    ],
)
def test_folders(typed: str, folder: str | None) -> None:
    """Spaces are one, empty parts are none, nothing leads upwards."""
    assert folder_of(typed) == folder


@pytest.mark.parametrize(
    ("given_", "name"),
    [
        ("C:\\Users\\Анна\\отчёт.docx", "отчёт.docx"),
        ("../../etc/passwd", "passwd"),
        ("..", "file"),
        ("a\r\nSet-Cookie: x", "a Set-Cookie x"),
        ('x"; filename="y.exe', "x; filename=y.exe"),
        ("а" * 300 + ".pdf", "а" * (MOST_NAME - 4) + ".pdf"),
    ],
)
def test_names_of_files(given_: str, name: str) -> None:
    """No way to anywhere, no line ends, no quotes; the ending survives."""
    assert name_of(given_) == name


@given(st.text())
def test_names_are_what_they_are_made_to_be(text: str) -> None:
    """Making a name of a name changes nothing, and it is never empty, never too long, never a way."""
    found = name_of(text)
    assert name_of(found) == found
    assert 1 <= len(found) <= MOST_NAME
    assert not set(found) & set('/\\\r\n\0"')


@given(st.text())
def test_folders_are_what_they_are_made_to_be(text: str) -> None:
    """The same of folders."""
    found = folder_of(text)
    assert found is None or folder_of(found) == found


@pytest.mark.parametrize(
    ("typed", "hit"),
    [
        ("елка", True),
        ("ЁЛКА шк", True),
        ("праздники 2026", True),
        ("mp4", True),
        ("кола", False),
        ("ёлка лето", False),
        ("", True),
        ("%", True),
    ],
)
def test_search(typed: str, hit: bool) -> None:
    """Beginnings of words, in any case, е for ё; signs that mean something to a database mean nothing."""
    assert found_by(FILM, search_words(typed)) is hit


def test_what_has_expired_is_nobodys() -> None:
    """From that moment on."""
    assert is_live(FILM, 10**15)
    assert is_live(evolve(FILM, expires_ms=1000), 999)
    assert not is_live(evolve(FILM, expires_ms=1000), 1000)


def test_types() -> None:
    """What a client says is taken when it is a type, and nothing else of it."""
    assert mimetype_of("Video/MP4; codecs=avc1") == "video/mp4"
    assert mimetype_of("<script>") == mimetype_of("") == "application/octet-stream"


def posted(**content: Any) -> Material | None:
    whole = {"msgtype": "m.file", "body": "план.pdf", "url": "mxc://s.test/abc", **content}
    return posted_material(OrgId("o"), "@u:s.test", "$e1", 5, whole, "s.test")


def test_a_file_from_a_chat_client_is_a_material() -> None:
    """Its caption is the title where it has one, its name otherwise."""
    found = posted(
        filename="plan.pdf", body="План  на год", info={"size": 7, "mimetype": "application/pdf"}
    )
    assert found is not None
    assert (found.title, found.name, found.size) == ("План на год", "plan.pdf", 7)
    assert (found.material_id, found.mxc) == ("e1", "mxc://s.test/abc")
    plain = posted()
    assert plain is not None
    assert (plain.title, plain.name, plain.mimetype) == (
        "план.pdf",
        "план.pdf",
        "application/octet-stream",
    )
    assert wrong(plain, 0) is None


@pytest.mark.parametrize(
    "content",
    [
        {"msgtype": "m.text"},
        {"url": "mxc://elsewhere.test/abc"},
        {"url": "https://s.test/abc"},
        {"url": None, "file": {"url": "mxc://s.test/abc"}},
        {"url": "mxc://s.test/../x"},
        {"m.relates_to": {"rel_type": "m.replace", "event_id": "$0"}},
    ],
)
def test_what_is_no_material(content: dict[str, Any]) -> None:
    """Words, edits, files of elsewhere, and files that only clients can read."""
    assert posted(**content) is None


@given(
    st.dictionaries(
        st.sampled_from(["msgtype", "body", "filename", "url", "info", "m.relates_to"]),
        st.none()
        | st.text()
        | st.integers()
        | st.dictionaries(st.text(), st.integers() | st.text()),
    )
)
def test_whatever_a_client_sends(content: dict[str, Any]) -> None:
    """No content breaks anything, and what becomes a material is one that can be."""
    found = posted(**content)
    assert found is None or wrong(found, 0) is None


def test_what_the_room_reads() -> None:
    """Title, size, folder, where it is; nobody's HTML gets in."""
    found = message(FILM, "https://school.example/materials")
    assert found["body"] == (
        "Новый материал: «Ёлка в <школе>» (12 МБ), папка «Праздники/2026»\n"
        "https://school.example/materials/m1"
    )
    assert "<школе>" not in found["formatted_body"]
    assert "link" not in message(FILM, "")["org.sferum.material"]
    assert [size_text(n) for n in (0, 999, 1500, 10**6, 2_500_000_000)] == [
        "0 Б", "999 Б", "1,5 КБ", "1 МБ", "2,5 ГБ",
    ]  # fmt: skip
