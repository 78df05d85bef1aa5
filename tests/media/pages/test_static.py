"""The host page's own files: complete in both languages, readable for old phones, served as they are named."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from media.pages.host import FILES, LINK, PAGE

SCRIPTS = [name for name in FILES if name.endswith(".js")]
#: What came after ES2017: spread of objects, optional chaining, `??`, a `catch` without a name, private fields.
NEWER = [
    r"\{\s*\.\.\.",
    r",\s*\.\.\.\w+\s*\}",
    r"\?\.[A-Za-z_(\[]",
    r"\?\?",
    r"catch\s*\{",
    r"this\.#",
]
NEWER_CALLS = [
    "replaceChildren",
    "fromEntries",
    "flatMap",
    ".flat(",
    "replaceAll",
    ".at(",
    "allSettled",
]


def text(name: str) -> str:
    return (PAGE / name).read_text("utf-8")


def words(language: str) -> dict[str, str]:
    """Key → text of one language."""
    block = text("words.js").split(f"\n  {language}: {{")[1].split("\n  },")[0]
    return dict(re.findall(r"(\w+): '([^']*)'", block))


def test_both_languages_have_the_same_words() -> None:
    """No key is missing in one, and a text has the same places for names and numbers in both."""
    russian, english = words("ru"), words("en")
    assert len(russian) > 60
    assert russian.keys() == english.keys()
    for key, said in russian.items():
        places = [sorted(re.findall(r"\{\w+\}", one)) for one in (said, english[key])]
        assert places[0] == places[1], key


def test_every_word_is_known_and_used() -> None:
    """What the page asks for is there, and nothing is translated that it never says."""
    html = text("host.html")
    scripts = "\n".join(text(name) for name in SCRIPTS if name != "words.js")
    scripts += text("words.js").split("\n};\n")[1]
    asked = set(re.findall(r'data-word="(\w+)"', html)) | set(
        re.findall(r"\bword\('(\w+)'", scripts)
    )
    known = words("ru").keys()
    assert asked <= known
    unused = {key for key in known - asked if not re.search(rf"\b{key}\b", scripts)}
    assert not unused


@pytest.mark.parametrize("name", SCRIPTS)
def test_no_syntax_that_old_phones_do_not_know(name: str) -> None:
    """ES2017 and modules: a phone of 2018 opens the page."""
    found = [one for one in NEWER if re.search(one, text(name))]
    found += [one for one in NEWER_CALLS if one in text(name)]
    assert not found


def test_the_policy_of_the_page_is_kept() -> None:
    """No inline script, style or handler; every file that the page and its scripts name is served, and no other."""
    html = text("host.html")
    assert not re.search(r"<script(?![^>]* src=)|<style|\son\w+=|\sstyle=", html)
    named = set(re.findall(r'(?:src|href)="/host/([\w.]+)"', html))
    for name in SCRIPTS:
        named |= set(re.findall(r"from '\./([\w.]+)'", text(name)))
    assert named == set(FILES)
    ours = {path.name for path in Path(PAGE).iterdir()} - {"buttons.js", "host.html"}
    assert ours == set(FILES)


def test_the_page_leads_to_broadcasts_where_there_are_some() -> None:
    """One line of it; without broadcasts it is left out."""
    html = text("host.html")
    assert len(LINK.findall(html)) == 1
    assert "/broadcasts" not in LINK.sub("", html)
