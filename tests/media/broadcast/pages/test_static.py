"""Our own scripts and styles of the watch page."""

from __future__ import annotations

import re

import pytest

from media.broadcast.pages import render
from media.broadcast.pages.headers import headers, origins, policy
from tests.media.broadcast.pages.test_words import HERE, TEMPLATES
from tests.media.pages.test_static import NEWER, NEWER_CALLS

SCRIPTS = sorted(path.name for path in (HERE / "static").glob("*.js"))
SHARED = {"matrix.js"}


def text(name: str) -> str:
    return (HERE / "static" / name).read_text("utf-8")


@pytest.mark.parametrize("name", SCRIPTS)
def test_no_syntax_that_old_phones_do_not_know(name: str) -> None:
    """ES2017 and modules: a phone of 2018 opens the page."""
    found = [one for one in NEWER if re.search(one, text(name))]
    found += [one for one in NEWER_CALLS if one in text(name)]
    assert not found


def test_every_file_that_is_named_is_there() -> None:
    """Scripts import only each other and the shared one; each file is asked for by a page or by a script."""
    named = {"watch.js", "enter.js", *re.findall(r"\$static/([\w.]+)", TEMPLATES)}
    for name in SCRIPTS:
        named |= set(re.findall(r"from '\./([\w.]+)'", text(name)))
    assert named == {*SCRIPTS, "watch.css"} | SHARED == set(render.FILES)
    imported = set(re.findall(r"from '\./([\w.]+)'", text("watch.js")))
    assert imported == set(render.BESIDE)


def test_every_element_that_scripts_ask_for_is_in_the_page() -> None:
    """An id in a script is one of a template."""
    ids = set(re.findall(r'\bid="([\w-]+)"', TEMPLATES)) | {"wrong"}
    for name in SCRIPTS:
        assert set(re.findall(r"\$\('([\w-]+)'\)", text(name))) <= ids


def test_the_player_is_the_one_that_is_fetched() -> None:
    """The version in the page's address is the version of scripts/install-clients, whose hash is npm's."""
    script = (HERE.parents[2] / "scripts" / "install-clients").read_text("utf-8")
    assert f"\nplayer={render.HLS}\n" in script


def test_the_policy() -> None:
    """Only our own scripts and styles, nobody's frame; other edges only where a broadcast has some."""
    alone = dict(part.split(" ", 1) for part in policy().split("; "))
    assert alone["default-src"] == alone["base-uri"] == alone["frame-ancestors"] == "'none'"
    assert alone["script-src"] == alone["style-src"] == alone["connect-src"] == "'self'"
    assert alone["media-src"] == "'self' blob:"
    assert alone["form-action"] == "'self'"
    edges = origins(["", "https://e1.test/live/t/c/", "https://e1.test/x/", "../c/", "data:x"])
    assert edges == ("https://e1.test",)
    assert "connect-src 'self' https://e1.test;" in policy(connect=edges)
    assert headers(policy())["X-Frame-Options"] == "DENY"
