"""The list of schools, links from host to host, a node's own key."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from media.broadcast.fanout.__main__ import entry
from media.broadcast.fanout.asking import write_public
from media.broadcast.fanout.keys import FILE, node_key
from media.broadcast.fanout.schools import School, schools_of
from media.broadcast.fanout.sharing import code_of, is_code, link_of, read_link
from serving.secret_files import BadSecret
from serving.settings import BadConfig

KEY = Ed25519PrivateKey.from_private_bytes(b"b" * 32)
SCHOOL = School("b.example", "https://rtc.b.example", KEY.public_key())
SCHOOLS = {"b.example": SCHOOL}
SEALS = (b"n" * 32, b"o" * 32)


def _entry(**changed: str) -> str:
    values = {
        "name": "b.example",
        "url": "https://rtc.b.example",
        "key": write_public(KEY),
    } | changed
    return "- " + "\n  ".join(f"{name}: {value}" for name, value in values.items()) + "\n"


def test_what_one_school_prints_the_other_reads(tmp_path: Path) -> None:
    """The line of the command is an entry of the list; asked again, it is the same key."""
    printed = entry(tmp_path, "b.example", "https://rtc.b.example/")
    assert entry(tmp_path, "b.example", "https://rtc.b.example/") == printed
    found = schools_of(printed)["b.example"]
    assert found.url == "https://rtc.b.example"
    assert found.key == node_key(tmp_path).public_key()
    assert (tmp_path / FILE).stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("a: b", "want list"),
        ("- 5", "entry 1: want dict"),
        (_entry(kye="x"), "kye: no such setting"),
        (_entry(key="short"), "entry 1: key: a school's key is 43 characters"),
        (_entry(url="http://rtc.b.example"), "want https"),
        (_entry(url="https://rtc.b.example/live"), "without a path"),
        (_entry(name="'b example'"), "want a homeserver's name"),
        (_entry() * 2, "entry 2: b.example is there already"),
        ("- name: b.example", "entry 1: url: want str"),
        ("{", "no YAML"),
    ],
)
def test_lists_that_are_refused(text: str, why: str) -> None:
    """The message names the entry and what is wanted, and quotes no key."""
    with pytest.raises(BadConfig, match=why):
        schools_of(text)


def test_an_empty_list() -> None:
    """No school is no error."""
    assert schools_of("") == {}
    assert schools_of("[]") == {}


@pytest.mark.parametrize("content", [b"", b"no key", b"\xff"])
def test_a_key_that_cannot_be_used(tmp_path: Path, content: bytes) -> None:
    """What is there and is no key is not written over."""
    path = tmp_path / FILE
    path.write_bytes(content)
    path.chmod(0o600)
    with pytest.raises(BadSecret):
        node_key(tmp_path)
    assert path.read_bytes() == content
    path.chmod(0o644)
    with pytest.raises(BadSecret, match="chmod 600"):
        node_key(tmp_path)


def test_a_link() -> None:
    """What a host copies is read at the other school, if the one that gave it is in the list there."""
    link = link_of("https://rtc.b.example", "concert", SEALS[0])
    shared = read_link(f" {link}\n", SCHOOLS)
    assert shared is not None
    assert (shared.school, shared.broadcast) == (SCHOOL, "concert")
    assert is_code(shared.code, "concert", SEALS)
    assert is_code(code_of("concert", SEALS[1]), "concert", SEALS), "keys are changed while it runs"
    assert not is_code(shared.code, "lesson", SEALS)
    assert not is_code("", "concert", SEALS)
    for other in (
        link.replace("rtc.b", "rtc.c"),
        link.replace("https", "http"),
        link + "A",
        link[:-1],
        link.replace("/share/", "/watch/"),
        link + "?x",
        "",
    ):
        assert read_link(other, SCHOOLS) is None


@given(st.text(max_size=600))
def test_fuzz_links(text: str) -> None:
    """No text is a link by chance, or raises anything."""
    assert read_link(text, SCHOOLS) is None
    assert (
        read_link("https://rtc.b.example/share/concert/" + text, SCHOOLS) is None
        or len(text.strip()) == 22
    )


@given(
    st.text(max_size=200)
    | st.sampled_from(
        ["- [", "- *x", "- !!python/object:os.system {}", "- {name: [], url: {}, key: 1}"]
    )
)
def test_fuzz_lists(text: str) -> None:
    """A file of any content is a list of schools, or is refused with a word."""
    with suppress(BadConfig):
        assert isinstance(schools_of(text), dict)
